"""The `.ts` format of the UCR/UEA archives (Bagnall et al. 2018), read with line numbers in every error.

Own reader: that of aeon 1.6 lower-cases class names, refuses time stamps, and takes missing values and regression
targets without a word. Here a target that is a measurement is refused where classes are wanted, and missing values are,
unless they are the ends of shorter series or are to be filled.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isfinite, isnan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import FILL_THEM, folded, raise_faults, suggestion
from hw3models.data.raw import Raw
from hw3models.data.readers.forms import here, name_of
from hw3models.data.readers.gathered import Gathered, Part, examples, finish, without_tails
from hw3models.data.readers.text_files import number_of, open_text
from hw3models.data.source import WINDOWS, Block, Source, Wanted, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, SourceReport, Task

_SPLIT = re.compile(r"^(?P<name>.+)_(?P<split>TRAIN|TEST)$", re.IGNORECASE)
GROUPS = ".groups"
"""The suffix of a file beside a `.ts` file: a group in each line, in the order of the series."""
_MAX_FAULTS = 100
"""A file of another kind would give a fault per line: stop reading here."""


@dataclass
class TsFile:
    """The series of one file, each (T_i, C), with their labels."""

    series: list[NDArray[np.float64]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    times: list[NDArray[np.float64]] = field(default_factory=list)
    """The stamps of each series, ascending; empty where the file has none."""
    dated: bool = False
    """Are the stamps dates? Times are seconds then."""
    faults: list[str] = field(default_factory=list)
    missing: list[tuple[int, int, str]] = field(default_factory=list)
    """Series and step (from 0) of each missing value, and how it is called."""
    infinite: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Where the header says something else than the series."""


@dataclass
class _Header:
    flags: dict[str, bool] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    """What it says of the number of dimensions and of steps."""
    classes: list[str] | None = None
    has_data: bool = False
    labelled: bool = True
    """Are labels asked for?"""
    is_regression: bool = False
    """Are the labels measurements?"""
    task: Task = "classification"
    """What the labels are to be."""
    spaced: list[str] = field(default_factory=list)
    """Labels whose words are classes of the header."""

    @property
    def has_labels(self) -> bool:
        """Does a label stand behind each series?"""
        return self.classes is None or bool(self.classes) or self.is_regression


_STAMP = re.compile(r"\(\s*([^(),]*?)\s*,\s*([^(),]*?)\s*\)\s*(?:,|$)")
_SPELLINGS = ("%Y-%m-%d %H-%M-%S", "%Y-%m-%d %H-%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")
"""Dates in the archives that are not in ISO 8601."""


def ts_files(path: Path, *, pair: bool = True) -> tuple[Path, ...]:
    """The files that belong to `path`: X_TRAIN.ts and X_TEST.ts, or a single file without such an ending.

    Behind them come their files of groups, where they have some: X_TRAIN.groups and X_TEST.groups, or X.groups.

    Raises:
        DataError: the other half of a pair is missing.
    """
    both = _pair(path) if pair else (path,)
    named = [_groups_of(file) for file in both]
    there = [file for file in named if file.is_file()]
    if there and there != named:
        missing = next(file for file in named if file not in there)
        raise DataError(f"{path}: {there[0].name} names groups, but {missing.name} is not beside it. Write both.")
    return (*both, *there)


def _groups_of(path: Path) -> Path:
    return path.with_name(name_of(path).stem + GROUPS)


def _pair(path: Path) -> tuple[Path, ...]:
    named = name_of(path)
    match = _SPLIT.match(named.stem)
    if not match:
        return (path,)
    pair = []
    for split in ("TRAIN", "TEST"):
        # The other half is written in the case of this one: a_train.ts goes with a_test.ts.
        cased = split.lower() if match["split"].islower() else split
        pair.append(path.with_name(f"{match['name']}_{cased}{named.ending}"))
    missing = [other for other in pair if not other.is_file()]
    if missing:
        raise DataError(
            f"{path}: {missing[0].name} is not beside it. Put it there, or give the file a name that does not end in "
            "_TRAIN or _TEST: then a test split is drawn from it."
        )
    return tuple(pair)


def read_ts(files: tuple[Path, ...], name: str, spec: DataSpec) -> Raw:
    """Read one `.ts` file, or the pair (train, test), with the files of groups that stand behind them.

    Raises:
        DataError: all faults of the files together, with their lines.
    """
    named = [file for file in files if file.suffix == GROUPS]
    files = tuple(file for file in files if file.suffix != GROUPS)
    parts = [_read_file(file, task=spec.task) for file in files]
    faults = [f"{file.name}: {fault}" for file, part in zip(files, parts, strict=True) for fault in part.faults]
    groups = list[str]()
    for file, part in zip(named, parts, strict=False):
        groups += _read_groups(file, None if part.faults else len(part.series), faults)
    channels = [part.series[0].shape[1] for part in parts if part.series]
    if len(set(channels)) > 1:
        faults.append(f"train has {channels[0]} dimensions, but test has {channels[1]}")
    joined = _gathered(files, parts, name, groups if named else None)
    if not len(set(channels)) > 1:
        faults += _missing_faults(files, parts, joined, fill=spec.missing != "refuse")
    raise_faults(str(files[0].parent), folded(faults))
    return finish(joined, spec)


def _gathered(files: tuple[Path, ...], parts: list[TsFile], name: str, groups: list[str] | None) -> Gathered:
    series = [one for part in parts for one in part.series]
    words: tuple[Part, ...] = ("train", "test")
    times = [one for part in parts for one in part.times]
    return Gathered(
        name=name,
        where=str(files[0] if len(files) == 1 else files[0].parent),
        form="",
        series=series,
        ids=[str(number) for number in range(len(series))],
        labels=[label for part in parts for label in part.labels],
        parts=[word for word, part in zip(words, parts, strict=False) for _ in part.series]
        if len(parts) == 2
        else None,
        groups=groups,
        times=times if times and len(times) == len(series) else None,
        in_seconds=any(part.dated for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _missing_faults(files: tuple[Path, ...], parts: list[TsFile], joined: Gathered, *, fill: bool) -> list[str]:
    """Values that are missing within series, of each file; not those after the end of shorter ones."""
    faults, first = list[str](), 0
    kept = without_tails(joined) if joined.series else joined
    for file, part in zip(files, parts, strict=True):
        lengths = [len(one) for one in kept.series[first : first + len(part.series)]]
        inside = (
            [] if fill else [place for row, step, place in part.missing if row < len(lengths) and step < lengths[row]]
        )
        first += len(part.series)
        if bad := inside + part.infinite:
            which = bad[0] if not (inside and part.infinite) else min(bad, key=_line)
            faults.append(
                f"{file.name}: {len(bad):,} values are missing or infinite, the first at {which}; {FILL_THEM}, or "
                "leave these series out"
            )
    return faults


def _line(place: str) -> int:
    return int(place.split(",")[0].removeprefix("line "))


def _read_groups(path: Path, num: int | None, faults: list[str]) -> list[str]:
    """A group for each of `num` series (not counted where it is not known); entries in `faults` where it is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path.name}: cannot be read as text ({error}); write a group in each line")
        return []
    empty = [number for number, line in enumerate(lines, start=1) if not line.strip()]
    if empty:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        faults.append(f"{path.name}: line {empty[0]}{more} names no group; write one for each series")
    if num is not None and len(lines) != num:
        faults.append(f"{path.name}: it has {len(lines):,} lines for {num:,} series; write a group for each series")
    return lines


def gather_ts(path: Path) -> Gathered:
    """The series of one file alone, whatever its labels; what is missing is NaN.

    Raises:
        DataError: all faults of the file together, with their lines.
    """
    part = _read_file(path, labelled=False)
    faults, sidecar = list(part.faults), _groups_of(path)
    if part.infinite:
        faults.append(f"{len(part.infinite):,} values are infinite, the first at {part.infinite[0]}")
    groups = _read_groups(sidecar, len(part.series), faults) if sidecar.is_file() else None
    raise_faults(str(path), folded(faults))
    return replace(_gathered((path,), [part], path.stem, groups), labels=None)


def task_of(path: Path) -> Task | None:
    """What the header of `path` announces behind each series: a class, or a number to predict; None: nothing."""
    with open_text(path, "utf-8") as file:
        for line in file:
            tag = line.lower().split()
            if tag[:2] == ["@classlabel", "true"]:
                return "classification"
            if tag[:2] == ["@targetlabel", "true"]:
                return "regression"
            if tag[:1] == ["@data"]:
                break
    return None


def _read_file(path: Path, *, labelled: bool = True, task: Task = "classification") -> TsFile:
    found, header = TsFile(), _Header(labelled=labelled, task=task)
    try:
        with open_text(path, "utf-8-sig") as file:
            lines = file.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}). Is it a `.ts` file?") from error
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if not line or line[0] in "#%":  # both mark comments in the archives
            continue
        if header.has_data:
            _read_series(line, number, header, found)
        elif line.startswith("@"):
            _read_tag(line, number, header, found)
        else:
            found.faults.append(f"line {number} stands before @data but is no @tag and no # comment: {line[:40]!r}")
        if len(found.faults) >= _MAX_FAULTS or (header.is_regression and found.faults and not header.has_data):
            return found
    if not header.has_data:
        found.faults.append("there is no @data line: the series must follow one")
    elif not found.series and not found.faults:
        found.faults.append("there are no series after @data")
    found.faults += _spaces_fault(header)
    _check_lengths(header, found)
    return found


def _read_tag(line: str, number: int, header: _Header, found: TsFile) -> None:
    tag, *values = line.split()
    tag = tag[1:].lower()
    if tag == "data":
        header.has_data = True
        if header.classes is None and header.labelled:
            found.faults.append("the header has no `@classLabel true` with the names of the classes")
    elif tag == "classlabel":
        _read_classes(values, number, header, found)
    elif tag in ("dimensions", "dimension", "serieslength"):
        header.sizes[tag.removesuffix("s")] = " ".join(values)
    elif tag in ("timestamps", "missing", "univariate", "equallength", "targetlabel"):
        if [value.lower() for value in values] not in (["true"], ["false"]):
            found.faults.append(f"line {number}: @{tag} needs `true` or `false`, got {' '.join(values)!r}")
            return
        header.flags[tag] = values[0].lower() == "true"
        if tag == "targetlabel" and header.flags[tag] and header.labelled:
            header.classes, header.is_regression = [], True
            if header.task == "classification":
                found.faults.append(
                    f"line {number}: the target is a measurement (regression), but classes are needed. Predict it with "
                    "`--task regression`, or divide it into classes and write @classLabel with their names"
                )
        elif tag == "targetlabel" and header.flags[tag]:
            header.is_regression = True


def _read_classes(values: list[str], number: int, header: _Header, found: TsFile) -> None:
    header.classes = values[1:]
    if values[:1] and values[0].lower() == "false":
        if not header.labelled:
            return
        found.faults.append(f"line {number}: the series have no classes (@classLabel false)")
    elif not values or values[0].lower() != "true" or len(values) < 2:
        found.faults.append(
            f"line {number}: @classLabel needs `true` and the names of the classes, got {' '.join(values)!r}"
        )


def _read_series(line: str, number: int, header: _Header, found: TsFile) -> None:
    stamped = header.flags.get("timestamps", False)
    # Stamps may hold colons themselves.
    texts = re.split(r":(?![^()]*\))", line) if stamped else line.split(":")
    dimensions = [part.strip() for part in texts]
    label = dimensions.pop() if header.has_labels else ""
    if not dimensions:
        found.faults.append(f"line {number} has no `:` between series and class: {line[:40]!r}")
        return
    channels, stamps = [], list[list[float]]()
    for index, text in enumerate(dimensions, start=1):
        place = f"line {number}, dimension {index}"
        values = _read_stamped(text, place, stamps, found) if stamped else _read_numbers(text.split(","), place, found)
        if values is None:
            return
        channels.append(values)
    if stamped:
        aligned = _aligned(channels, stamps, number, found)
        if aligned is None:
            return
        channels = aligned
    lengths = [len(values) for values in channels]
    if len(set(lengths)) > 1:
        found.faults.append(f"line {number}: the dimensions differ in length ({few(lengths)})")
        return
    if found.series and found.series[0].shape[1] != len(channels):
        found.faults.append(
            f"line {number} has {len(channels)} dimensions, but the first series has {found.series[0].shape[1]}"
        )
        return
    if header.flags.get("univariate") and len(channels) > 1:
        found.faults.append(f"line {number} has {len(channels)} dimensions, but the header says @univariate true")
        return
    found.series.append(np.array(channels, dtype=np.float64).T)
    is_class = header.labelled and not header.is_regression
    found.labels.append(_match_label(label, number, header, found) if is_class else label)


def _read_numbers(values: list[str], place: str, found: TsFile) -> list[float] | None:
    numbers = []
    for step, value in enumerate(values):
        try:
            number = number_of("nan" if value.strip() == "?" else value)
        except ValueError:
            found.faults.append(f"{place}, step {step + 1}: {value.strip()[:40]!r} is not a number")
            return None
        if isnan(number):
            found.missing.append((len(found.series), step, f"{place}, step {step + 1} ({value.strip()})"))
        elif not isfinite(number):
            found.infinite.append(f"{place}, step {step + 1} ({value.strip()})")
        numbers.append(number)
    return numbers


def _read_stamped(text: str, place: str, stamps: list[list[float]], found: TsFile) -> list[float] | None:
    """`(stamp,value),(stamp,value)`: the values; the stamps are added to `stamps`."""
    pairs = _STAMP.findall(text)
    if not pairs or _STAMP.sub("", text).strip():
        found.faults.append(f"{place}: series of (time,value) are needed, as @timeStamps says, but it is {text[:40]!r}")
        return None
    own = []
    for stamp, _ in pairs:
        at = _time_of(stamp, found)
        if at is None:
            found.faults.append(f"{place}: {stamp[:40]!r} is neither a number nor a date (ISO 8601)")
            return None
        own.append(at)
    stamps.append(own)
    return _read_numbers([value for _, value in pairs], place, found)


def _time_of(stamp: str, found: TsFile) -> float | None:
    try:
        return number_of(stamp)
    except ValueError:
        pass
    for spelling in (None, *_SPELLINGS):
        try:
            date = datetime.fromisoformat(stamp) if spelling is None else datetime.strptime(stamp, spelling)
        except ValueError:
            continue
        found.dated = True
        # Seconds, whatever zone this machine is in.
        return (date.replace(tzinfo=None) - datetime(1970, 1, 1) - (date.utcoffset() or timedelta())).total_seconds()
    return None


def _aligned(
    channels: list[list[float]], stamps: list[list[float]], number: int, found: TsFile
) -> list[list[float]] | None:
    """Values of all dimensions at the same times: where one has none it is missing there."""
    times = sorted({at for own in stamps for at in own})
    for own in stamps:
        if len(set(own)) < len(own):
            found.faults.append(f"line {number} has two values for one time")
            return None
    known = [dict(zip(own, values, strict=True)) for own, values in zip(stamps, channels, strict=True)]
    found.times.append(np.array(times, dtype=np.float64))
    aligned = [[of.get(at, float("nan")) for at in times] for of in known]
    gaps = sum(at not in of for of in known for at in times)
    found.missing += [
        (len(found.series), step, f"line {number}, dimension {index + 1} (no value at the time of its row {step + 1})")
        for index, of in enumerate(known if gaps else ())
        for step, at in enumerate(times)
        if at not in of
    ]
    return aligned


def _match_label(label: str, number: int, header: _Header, found: TsFile) -> str:
    """The declared spelling of `label`: some files of the archives differ in case from their header."""
    known = header.classes or []
    if label in known or not known:
        return label
    if " " in label and set(label.split()) <= set(known):
        header.spaced.append(label)
        return label
    same = [name for name in known if name.lower() == label.lower()]
    if len(same) != 1:
        found.faults.append(
            f"line {number}: class {label!r} is not one of those in @classLabel ({few(known)})."
            + suggestion(label, known)
        )
        return label
    return same[0]


def _spaces_fault(header: _Header) -> list[str]:
    if not header.spaced:
        return []
    label = header.spaced[0]
    return [
        f"{len(header.spaced):,} series are of a class with a space in its name, such as {label!r}, but in @classLabel "
        f"names are set apart by spaces; write {label.replace(' ', '_')} in both places"
    ]


def _check_lengths(header: _Header, found: TsFile) -> None:
    lengths = {len(one) for one in found.series}
    if header.flags.get("equallength") and len(lengths) > 1:
        found.faults.append(
            f"the header says @equalLength true, but series have {min(lengths)} to {max(lengths)} steps; "
            "correct the header or the series"
        )
    known = {"dimension": {one.shape[1] for one in found.series}, "serieslength": lengths}
    called = {"dimension": "@dimensions", "serieslength": "@seriesLength"}
    for tag, sizes in known.items():
        said = header.sizes.get(tag, "0")
        if len(sizes) == 1 and said not in ("0", str(*sizes)):
            of = "dimensions" if tag == "dimension" else "steps"
            found.notes.append(f"The header says {called[tag]} {said[:20]}, but the series have {sizes.pop()} {of}.")


def read_pair(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    """What was fetched: a pair has the name of the set, a single file its own."""
    files = files_of(report)
    stem, num = name_of(files[0]).stem, sum(file.suffix != GROUPS for file in files)
    return read_ts(files, stem if num == 1 else stem.rsplit("_", 1)[0], spec)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(gather_ts(path_of(spec.source)), spec, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    try:
        return not path.is_file() or task_of(path) is not None
    except (OSError, EOFError, UnicodeDecodeError):
        return True


TS = Source(
    name="ts",
    forms=(".ts",),
    text="as in the UCR and UEA archives; NAME_TEST.ts is found beside NAME_TRAIN.ts; or packed as .gz, .bz2, .xz",
    kinds=("sequences",),
    matches=lambda source: name_of(Path(source)).suffix == ".ts",
    fetch=lambda spec, _: found(spec.source, "sequences", ts_files(here(spec.source, ".ts"), pair=spec.pair)),
    read=read_pair,
    is_path=True,
    unlabelled=_examples,
    takes=WINDOWS,
    is_labelled=_is_labelled,
    groups=f"NAME{GROUPS} beside it, a line for each series (NAME_TRAIN{GROUPS} and NAME_TEST{GROUPS})",
)
