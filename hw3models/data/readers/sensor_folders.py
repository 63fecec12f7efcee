"""Recordings with a file for each sensor, each at its own times: what apps for phones and wearables export.

| files | recording | class |
|---|---|---|
| `walk/2024-03-05_10-00/Accelerometer.csv`, `.../Gyroscope.csv` | the folder | the folder above |
| `walk-01/Accelerometer.csv`, ... | the folder | `--file-pattern '{label}-*'`, `--manifest` |
| `walk/acc_01.csv`, `walk/gyro_01.csv` | what is left of the name | the folder |
| `RawData/acc_exp01_user01.txt`, ... and a table of intervals | the same | by interval, with `--window` |

Sensors with the same times are put side by side; others come to one grid with `--resample`. A file that is of no sensor
(`Metadata.csv`) is left out, and so is a sensor that not every recording has, or that is far slower than the others.

N recordings, T rows, C channels
"""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw
from hw3models.data.readers.folders import (
    abouts_of,
    all_or_none,
    apply_pattern,
    class_faults,
    folder_digest,
    refuse_people,
    table_of,
    text_files,
    which_folder,
)
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.gathered import Floats, Gathered, examples, finish, for_model, has_labels
from hw3models.data.readers.guessed_columns import SENSOR, likely
from hw3models.data.readers.intervals import Intervals, found_intervals, with_intervals, without_manifest
from hw3models.data.readers.manifests import (
    Manifest,
    apply_manifests,
    found_manifests,
    left_of,
    manifest_path,
    read_manifest,
)
from hw3models.data.readers.text_files import clock_of, text_form
from hw3models.data.readers.time_columns import first_cells, found_parts, with_time
from hw3models.data.readers.timing import check_unit, duration, grid_values, parse_step, usual_step
from hw3models.data.source import COLUMNS, GROUP_COLUMN, WINDOWS, Block, Source, Wanted, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

_BESIDE = frozenset(
    (
        *("linear", "total", "raw", "body", "user", "uncalibrated", "calibrated", "sensor", "data", "without", "with"),
        *("g", "phone", "watch", "wrist", "left", "right", "chest", "ankle", "hip", "arm", "leg"),
    )
)
"""Words that belong to the name of a sensor, where one stands beside them."""
_ABOUT_THEM = frozenset({"meta"})
"""A folder within a recording that says something about it, as phyphox writes it."""
_ELAPSED = ("seconds_elapsed", "elapsed")
_EPOCHS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (1e8, 1.0))
"""Numbers from which on times are since 1970, and their unit."""
_SLOW = 10.0
"""So many times the step of the fastest sensor, and more, is no part of the same picture."""


@dataclass(frozen=True)
class _File:
    """A sensor's file of one recording, read."""

    times: Floats | None
    """(T,) ascending."""
    in_seconds: bool
    values: Floats
    """(T, C)"""
    channels: tuple[str, ...]


def is_sensor_folder(source: str) -> bool:
    """Does it hold recordings with several files, called by sensors?"""
    folder = path_of(source)
    return folder.is_dir() and bool(_recordings(folder)[0])


def _recordings(folder: Path) -> tuple[dict[Path, dict[str, Path]], list[Path]]:
    """The files of each recording by their sensors, and other tables; nothing where files are no such recordings.

    A recording has a path of its own, which need not be there.
    """
    files = [path for path in text_files(folder) if not _ABOUT_THEM & set(path.relative_to(folder).parts[:-1])]
    found: dict[Path, dict[str, Path]] = {}
    others = list[Path]()
    for path in files:
        sensor, rest = _sensor_of(name_of(path).stem)
        if sensor is None:
            others.append(path)
        elif found.setdefault(path.parent / rest if rest else path.parent, {}).setdefault(sensor, path) != path:
            return {}, []
    within = {path.parent for path in others} - {folder}
    kept = {one: own for one, own in found.items() if len(own) > 1 or (one in within and own)}
    if len(kept) < len(found) or not within <= set(kept):
        return {}, []
    return kept, others


def _sensor_of(stem: str) -> tuple[str | None, str]:
    """The sensor in the name of a file, and what else stands there; None where there is none."""
    pieces = re.split(r"([_\-. ]+)", stem)
    words = pieces[::2]
    if not any(map(SENSOR.fullmatch, words)):
        return None, stem
    own = [SENSOR.fullmatch(word) is not None or word.lower() in _BESIDE for word in words]
    sensor = " ".join(word for word, is_own in zip(words, own, strict=True) if is_own)
    return sensor, "_".join(word for word, is_own in zip(words, own, strict=True) if not is_own)


def gather_sensors(folder: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The recordings, each as one series with the channels of all its sensors; on a grid where one was asked for.

    Raises:
        DataError: nothing says the classes, files do not fit each other, or sensors have times of their own and no
            grid was asked for.
    """
    from hw3models.data.readers.columns import chosen_names  # which imports pandas

    recordings, manifests, stretches, _ = _divided(folder, spec)
    abouts = [
        replace(about, id=folder.name if about.id == "." else about.id) for about in abouts_of(folder, [*recordings])
    ]
    how = apply_manifests(folder, abouts, manifests, spec) + apply_pattern(abouts, spec)
    if labelled and not how and stretches is None:
        refuse_people(folder, abouts)
        how = [f"the class of a recording is the name of its {which_folder(abouts)}"]
    if labelled and stretches is None:
        raise_faults(str(folder), class_faults(abouts, "recordings", "{label}-*"))
    files, left = _files(folder, recordings, spec)
    series, times, notes = _merged(folder, files, list(recordings), spec)
    channels = tuple(name for one in files[0].values() for name in one.channels)
    wanted = chosen_names(list(channels), spec.feature_columns, spec.ignore_columns, (), str(folder))
    places = [channels.index(name) for name in wanted]
    said = (
        f"Not taken: {'; '.join(left)} (`--feature-columns` names channels, such as {channels[0]!r})." if left else ""
    )
    one = Gathered(
        name=folder.name,
        where=str(folder),
        form="; ".join([f"{len(abouts):,} recordings with a file for each sensor: {', '.join(files[0])}", *how])
        + left_of(manifests),
        series=[one[:, places] for one in series],
        ids=[about.id for about in abouts],
        labels=[str(about.label) for about in abouts] if labelled and stretches is None else None,
        parts=all_or_none(folder, [about.part for about in abouts], "split"),
        groups=all_or_none(folder, [about.group for about in abouts], "group"),
        times=times,
        in_seconds=times is not None and all(one.in_seconds for own in files for one in own.values()),
        channels=tuple(wanted),
        notes=(*([said] if said else []), *notes),
    )
    return with_intervals(one, stretches) if labelled and stretches is not None else one


def _divided(
    folder: Path, spec: DataSpec
) -> tuple[dict[Path, dict[str, Path]], list[Manifest], Intervals | None, list[Path]]:
    """Recordings, tables about them, labels of stretches of time, and all files that count."""
    recordings, others = _recordings(folder)
    stretches = found_intervals(folder, others, spec)
    if stretches is not None:
        others = [path for path in others if path.absolute() not in stretches.paths]
        spec = spec.model_copy(update={"manifest": without_manifest(folder, stretches.paths, spec)})
    if spec.manifest is not None:
        named = [manifest_path(folder, name.strip()) for name in spec.manifest.split(",")]
        manifests = [read_manifest(path, list(recordings)) for path in named]
    else:
        manifests, _ = found_manifests(folder, list(recordings), [path for path in others if path.parent == folder])
    files = [path for own in recordings.values() for path in own.values()]
    about = [one.path.absolute() for one in manifests]
    about += () if stretches is None else stretches.paths
    return recordings, manifests, stretches, [*files, *about]


def _files(
    folder: Path, recordings: dict[Path, dict[str, Path]], spec: DataSpec
) -> tuple[list[dict[str, _File]], list[str]]:
    """The sensors of each recording that are taken, read; and what is said of the others."""
    num = Counter(sensor for own in recordings.values() for sensor in own)
    left = [f"{sensor!r} is in {num[sensor]:,} of {len(recordings):,} recordings" for sensor in num]
    common = [sensor for sensor in sorted(num) if num[sensor] == len(recordings)]
    left = [text for text, sensor in zip(left, num, strict=True) if sensor not in common]
    if spec.feature_columns:
        common, left = [one for one in common if any(c.startswith(f"{one}.") for c in spec.feature_columns)], []
    if not common:
        raise DataError(f"{folder}: no sensor is in every recording: {'; '.join(left) or few(sorted(num))}.")
    read = [{sensor: _read_file(own[sensor], sensor) for sensor in common} for own in recordings.values()]
    steps = {sensor: usual_step([at for own in read if (at := own[sensor].times) is not None]) for sensor in common}
    fastest = min((step for step in steps.values() if step), default=0.0)
    slow = [one for one, step in steps.items() if step and step >= _SLOW * fastest and not spec.feature_columns]
    left += [f"{one!r} has a row in {(steps[one] or 0) / fastest:,.0f} of the fastest sensor's" for one in slow]
    for sensor in slow:
        for own in read:
            del own[sensor]
    for path, own in zip(recordings, read, strict=True):
        for sensor, one in own.items():
            if one.channels != read[0][sensor].channels:
                mine, theirs = (few(names) for names in (one.channels, read[0][sensor].channels))
                raise DataError(f"{folder}: {path.name} has {mine}, but {next(iter(recordings)).name} has {theirs}.")
    return read, left


def _read_file(path: Path, sensor: str) -> _File:
    """One sensor's rows."""
    from hw3models.data.readers.recordings import typed

    texts = table_of(path)[0]
    parts = found_parts(list(texts.columns), first_cells(texts))
    if parts is not None:
        texts = with_time(texts, DataSpec(source=str(path), time_column=parts)).drop(columns=parts.split(","))
    table = typed(texts)
    clock = clock_of(path, text_form(path))
    names = [str(name) for name in table.columns]
    known = [name for name in names if name.lower() in _ELAPSED or name == parts] or likely("time_column", names)
    if len(known) > 1:
        raise DataError(f"{path}: {few(known)} may all be the time. Leave one of them in the file.")
    own = [name for name in names if name not in {*known, *likely("time_column", names)}]
    if text := next((name for name in own if table[name].dtype.kind != "f"), None):
        raise DataError(f"{path}: column {text!r} holds text; a file of a sensor has numbers. Take the column away.")
    times, in_seconds = _times(path, table[known[0]]) if known else (None, False)
    if clock is not None and not known:
        times, in_seconds = clock[0] + np.arange(len(table)) / clock[1], True
    if times is not None and len(times) and not (np.diff(times) > 0).all():
        order = np.unique(times, return_index=True)[1]
        times, table = times[order], table.iloc[order]
    if not len(table) or not own:
        raise DataError(f"{path}: there are no rows with values in it. Leave the recording out.")
    return _File(times, in_seconds, table[own].to_numpy(np.float64), tuple(f"{sensor}.{name}" for name in own))


def _times(path: Path, cells: "pd.Series[Any]") -> tuple[Floats, bool]:
    """Times, and whether they are seconds: by the name of the column, as dates, or by their size."""
    from hw3models.data.readers.times import BEGIN, dates_of

    name = str(cells.name).lower()
    if cells.dtype.kind != "f":
        dates = dates_of(cells)
        if dates.isna().any():
            raise DataError(f"{path}: column {cells.name!r} is neither numbers nor dates (ISO 8601).")
        return np.asarray((dates - BEGIN).dt.total_seconds(), np.float64), True
    numbers = cells.to_numpy(np.float64)
    unit = next((unit for least, unit in _EPOCHS if len(numbers) and numbers[0] > least), None)
    if unit is not None:
        return numbers * unit, True
    return numbers, name in _ELAPSED or re.search(r"[(\[_ ]s(ec(onds?)?)?[)\]]?$", name) is not None


def _merged(
    folder: Path, files: list[dict[str, _File]], recordings: Sequence[Path], spec: DataSpec
) -> tuple[list[Floats], list[Floats] | None, list[str]]:
    """The series of all recordings, their times, and notes."""
    if spec.resample is None:
        series = [_side_by_side(folder, path, own) for path, own in zip(recordings, files, strict=True)]
        times = [at for own in files if (at := next(iter(own.values())).times) is not None]
        return series, times if len(times) == len(files) else None, []
    step, every = parse_step(spec.resample), [one for own in files for one in own.values()]
    usual = usual_step([one.times for one in every if one.times is not None])
    if usual is None or any(one.times is None or one.in_seconds != every[0].in_seconds for one in every):
        raise DataError(f"{folder}: `--resample {step.text}` needs the time of each row, in one unit in every file.")
    check_unit(step, usual, in_seconds=every[0].in_seconds)
    series, grids = list[Floats](), list[Floats]()
    for path, own in zip(recordings, files, strict=True):
        spans = [(one.times[0], one.times[-1]) for one in own.values() if one.times is not None]
        begin, end = max(first for first, _ in spans), min(last for _, last in spans)
        if end <= begin:
            raise DataError(f"{folder}: in {path.name} no time is in all of {', '.join(own)}. Leave it out.")
        grid = begin + step.size * np.arange(int(np.floor((end - begin) / step.size + 1e-6)) + 1)
        values = [
            grid_values(one.values, one.times, grid, step.size, usual_step([one.times]) or step.size)
            for one in own.values()
            if one.times is not None
        ]
        series.append(np.concatenate(values, axis=1))
        grids.append(grid)
    before = sum(len(one.values) for one in every)
    note = (
        f"All sensors were brought to steps of {step.text}: {before:,} rows of files became {sum(map(len, grids)):,}."
    )
    return series, grids, [note]


def _side_by_side(folder: Path, path: Path, own: dict[str, _File]) -> Floats:
    """Sensors with the same times.

    Raises:
        DataError: they have times of their own.
    """
    ones = list(own.values())
    sizes = {len(one.values) for one in ones}
    timed = [one.times for one in ones if one.times is not None]
    near = 0.01 * (usual_step(timed) or 1.0)
    if len(sizes) == 1 and all(np.allclose(at, timed[0], rtol=0, atol=near) for at in timed):
        return np.concatenate([one.values for one in ones], axis=1)
    if len(timed) < len(ones):
        rows = ", ".join(f"{sensor} {len(one.values):,}" for sensor, one in own.items())
        raise DataError(
            f"{folder}: in {path.name} sensors have other numbers of rows ({rows}), and no times to tell why."
        )
    steps = {sensor: usual_step([one.times]) or 0.0 for sensor, one in own.items() if one.times is not None}
    in_seconds = ones[0].in_seconds
    shown = {name: _shown(step, in_seconds) for name, step in steps.items()}
    alone = ",".join(ones[0].channels)
    raise DataError(
        f"{folder}: in {path.name} each sensor has times of its own (a row every "
        f"{', '.join(f'{step} in {name}' for name, step in shown.items())}). "
        f"`--resample {_shown(max(steps.values()), in_seconds)}` brings all to one grid; `--feature-columns "
        f"{shlex.quote(alone)}` takes one sensor alone."
    )


def _shown(step: float, in_seconds: bool) -> str:
    """A step in two digits, as `--resample` takes it."""
    return duration(float(f"{step:.2g}")).replace(" ", "") if in_seconds else f"{step:.2g}"


def _fetch(spec: DataSpec, _: object) -> SourceReport:
    files = tuple(_divided(path_of(spec.source), spec)[-1])
    return found(spec.source, "sequences", files, folder_digest(files))


def _on_grid(spec: DataSpec) -> DataSpec:
    return spec.model_copy(update={"resample": None})


def _read(spec: DataSpec, _: SourceReport, __: Path) -> Raw:
    return finish(gather_sensors(path_of(spec.source), spec, True), _on_grid(spec))


def _unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(gather_sensors(path_of(spec.source), for_model(spec, wanted), False), _on_grid(spec), wanted)


SENSORS = Source(
    name="sensors",
    forms=("FOLDER/",),
    text="of recordings with a file for each sensor, as apps for phones export them; classes as of other folders",
    kinds=("sequences",),
    matches=is_sensor_folder,
    fetch=_fetch,
    read=_read,
    digest=folder_digest,
    is_path=True,
    unlabelled=_unlabelled,
    is_labelled=lambda spec: has_labels(lambda labelled: gather_sensors(path_of(spec.source), spec, labelled)),
    groups=GROUP_COLUMN,
    takes=(*WINDOWS, *COLUMNS, "manifest", "file_pattern"),
)
