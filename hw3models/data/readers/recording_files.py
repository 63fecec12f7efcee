"""One file that holds one series or recording and is no text table: an array, sound, or LabVIEW's text.

| suffix | holds |
|---|---|
| `.npy` | (steps,) or (steps, channels) |
| `.npz`, `.mat`, HDF5 | one such array, or one a channel, or `--arrays X=NAME`; `y`, `groups` and times beside it |
| `.wav` | sound, fractions of full scale; its rate is the time step |
| `.lvm` | LabVIEW's text: a header, columns of numbers |

T time steps, C channels
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.axes import found_order, series_of
from hw3models.data.checks import MAX_LISTED, raise_faults
from hw3models.data.raw import MAX_BYTES, label_texts
from hw3models.data.readers.gathered import Floats
from hw3models.data.readers.named_arrays import HDF5, Stored, flat_labels, listed_arrays, opened_arrays, roles_of
from hw3models.data.readers.npy_files import open_npy
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

NAMED = (".npz", ".mat", *HDF5)
"""Files whose arrays have names."""
ARRAYS = (".npy", *NAMED, ".wav")
LVM = ".lvm"
_TIMES = frozenset({"t", "time", "times", "timestamp", "timestamps", "seconds"})
_END = "***End_of_Header***"
_FULL_SCALE = {"u": (128.0, 128.0), "i": (0.0, 2.0**15), "l": (0.0, 2.0**31)}
"""Zero and full scale of whole numbers in sound: of 8 bits, of 16, of 24 and 32."""


class OneFile(NamedTuple):
    """What one file holds."""

    values: NDArray[Any]
    """(T,), or with two axes."""
    rate: float | None = None
    """Steps in a second, where the file says it."""
    times: Floats | None = None
    """(T,), where an array of the file says them."""
    labels: NDArray[Any] | None = None
    """(1,) of the file, or (T,) of its rows, as texts."""
    group: str | None = None
    channels: tuple[str, ...] = ()
    """Names of the channels, where each is an array of its own."""


class Recordings(NamedTuple):
    """N files of arrays, read."""

    series: list[Floats]
    """N of (T_i, C)."""
    rates: list[float | None]
    times: list[Floats | None]
    labels: list[NDArray[Any] | None]
    groups: list[str | None]
    found_out: dict[str, str]
    channels: tuple[str, ...]


_NUMBERS = "iufb"
"""Kinds of types of numpy that are numbers."""


def read_arrays(where: str, paths: Sequence[Path], ids: Sequence[str], spec: DataSpec) -> Recordings:
    """The series of files with one array each.

    Raises:
        DataError: all faults together: files that hold no series, or that do not fit each other or the memory.
    """
    ones, faults, total = list[OneFile](), list[str](), 0
    for path, id in zip(paths, ids, strict=True):
        try:
            one = _read_one(path, spec)
        except DataError as error:
            faults.append(str(error).replace(str(path), id))
            if len(faults) > MAX_LISTED:
                break  # what is wrong with the rest is the same
            continue
        total += 8 * one.values.size
        if total > MAX_BYTES:
            raise DataError(
                f"{where}: up to {id} the recordings need {total / 2**30:,.1f} GiB; the limit is "
                f"{MAX_BYTES / 2**30:.0f} GiB. Give fewer of them, or average neighbouring steps."
            )
        ones.append(one)
    raise_faults(where, faults)
    for one, id in zip(ones, ids, strict=True):
        if one.channels != ones[0].channels:
            mine, theirs = (few(names) or "one array" for names in (one.channels, ones[0].channels))
            raise DataError(f"{where}: {id} has {mine}, but {ids[0]} has {theirs}. Give all files the same arrays.")
    if channels := ones[0].channels:
        series, found_out = [one.values.astype(np.float64) for one in ones], dict[str, str]()
    else:
        series, found_out = _series(where, ones, ids, spec)
    rates, times, labels, groups = (
        [getattr(one, name) for one in ones] for name in ("rate", "times", "labels", "group")
    )
    return Recordings(series, rates, times, labels, groups, found_out, channels)


def _series(where: str, ones: list[OneFile], ids: Sequence[str], spec: DataSpec) -> tuple[list[Floats], dict[str, str]]:
    """(T_i, C) of each, and the order of axes where sizes told it."""
    cells = [one.values.reshape(-1, 1) if one.values.ndim == 1 or 1 in one.values.shape else one.values for one in ones]
    is_deep = [cell.shape[1] > 1 for cell in cells]
    if any(is_deep) and not all(is_deep):
        flat, deep = (next(id for id, one in zip(ids, is_deep, strict=True) if one is value) for value in (False, True))
        shape = cells[is_deep.index(True)].shape
        raise DataError(f"{where}: {flat} has one channel, but {deep} is {shape}. Give all files the same channels.")
    if not any(is_deep):
        return [cell.astype(np.float64) for cell in cells], {}
    if any(one.rate is not None for one in ones):  # sound has its channels along the last axis
        if len(sizes := {cell.shape[1] for cell in cells}) > 1:
            raise DataError(f"{where}: files have {', '.join(map(str, sorted(sizes)[:8]))} channels. Bring all to one.")
        return [cell.astype(np.float64) for cell in cells], {}
    shapes = [cell.shape for cell in cells]
    series = [cell.astype(np.float64) for cell in series_of(cells, spec.axes, where)]
    return series, {} if spec.axes is not None else found_order(shapes, series)


def _read_one(path: Path, spec: DataSpec) -> OneFile:
    suffix = path.suffix.lower()
    if suffix == ".wav":
        return _sound(path)
    if suffix in NAMED:
        return _named(path, spec)
    array = open_npy(path)
    _check_series(path, "the array", array.shape, array.dtype)
    return OneFile(np.asarray(array))


def _check_series(path: Path, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "iufb" or len(shape) not in (1, 2) or 0 in shape:
        several = " A file with several series is given itself, not its folder." if len(shape) > 2 else ""
        raise DataError(
            f"{path}: {what} is {dtype} {shape}; one recording in numbers, (steps,) or (steps, channels), is "
            f"needed.{several}"
        )


def _named(path: Path, spec: DataSpec) -> OneFile:
    with opened_arrays(path) as arrays:
        roles = roles_of(path, list(arrays), spec)
        names = _axes_of_one(arrays) if spec.arrays is None else []
        roles = {role: name for role, name in roles.items() if name not in names}
        if not names:
            names = [roles["X"]] if "X" in roles else _series_among(path, arrays, set(roles.values()))
        times, time = _times_among(names, arrays, spec)
        names = [name for name in names if name != time]
        names = _wanted(path, names, spec) if len(names) > 1 else names
        if 8 * sum(int(np.prod(arrays[name].shape, dtype=np.int64)) for name in names) > MAX_BYTES:
            raise DataError(f"{path}: {few(names)} need more than {MAX_BYTES / 2**30:.0f} GiB. Cut the recording.")
        every = [np.asarray(arrays[name].read()) for name in names]
        for name, one in zip(names, every, strict=True):
            _check_series(path, repr(name), one.shape, one.dtype)
        values = every[0] if len(every) == 1 else np.stack([one.reshape(-1) for one in every], axis=-1)
        labels = group = None
        if "y" in roles:
            found = flat_labels(arrays[roles["y"]].read(), f"{path}: {roles['y']!r}").reshape(-1)
            if len(found) == 1 or len(found) in values.shape:
                labels = np.array(_as_texts(path, roles["y"], found, spec), dtype=object)
        if "groups" in roles and len(found := flat_labels(arrays[roles["groups"]].read(), str(path)).reshape(-1)) == 1:
            group = str(found[0])
    return OneFile(values, times=times, labels=labels, group=group, channels=tuple(names) if len(names) > 1 else ())


def _times_among(names: list[str], arrays: dict[str, Stored], spec: DataSpec) -> tuple[Floats | None, str | None]:
    """Times (T,) and the array that holds them, which is no channel unless it is asked for."""
    name = next((name for name in names if name.lower() in _TIMES and name not in spec.feature_columns), None)
    if name is None or len(names) < 2:
        return None, None
    times = np.asarray(arrays[name].read(), np.float64).reshape(-1)
    return (times, name) if (np.diff(times) > 0).all() else (None, None)


def _wanted(path: Path, names: list[str], spec: DataSpec) -> list[str]:
    """The arrays that were asked for, of those that are a channel each."""
    if missing := [name for name in spec.feature_columns if name not in names]:
        raise DataError(f"{path}: there is no array {missing[0]!r} that is a channel; there are {few(names)}.")
    wanted = [name for name in spec.feature_columns or names if name not in spec.ignore_columns]
    if not wanted:
        raise DataError(f"{path}: no channel is left. All of {few(names)} are ignored.")
    return wanted


def _as_texts(path: Path, name: str, labels: NDArray[Any], spec: DataSpec) -> list[str]:
    try:
        return [text.strip() for text in label_texts(labels, spec.task)]
    except ValueError as error:
        raise DataError(f"{path}: {name!r}: {error}.") from error


def _axes_of_one(arrays: dict[str, Stored]) -> list[str]:
    """The arrays x, y and z of one length, which are channels and no series with its labels; none where there are."""
    names = [name for name in arrays if name.lower() in ("x", "y", "z")]
    shapes = {arrays[name].shape for name in names}
    if len(names) < 2 or len(shapes) > 1 or not all(arrays[name].dtype.kind in _NUMBERS for name in names):
        return []
    if len(names) == 2:  # a label a row is a whole number
        values = np.asarray(arrays[names[-1]].read())
        names = [] if (values == np.floor(values)).all() else names
    return sorted(name for name, one in arrays.items() if names and _fits(one, shapes))


def _fits(one: Stored, shapes: set[tuple[int, ...]]) -> bool:
    return one.shape in shapes and len([size for size in one.shape if size > 1]) == 1 and one.dtype.kind in _NUMBERS


def _series_among(path: Path, arrays: dict[str, Stored], taken: set[str]) -> list[str]:
    """The one array with more than a number in it; or several of one axis and length, a channel each."""
    large = {name: one for name, one in arrays.items() if name not in taken and np.prod(one.shape, dtype=np.int64) > 1}
    numbers = {name: one for name, one in large.items() if one.dtype.kind in _NUMBERS}
    lines = {tuple(size for size in one.shape if size > 1) for one in numbers.values()}
    if len(numbers) == 1 or (numbers and len(lines) == 1 and len(next(iter(lines))) == 1):
        return sorted(numbers)
    raise DataError(
        f"{path}: it has {listed_arrays(arrays)}, and one array is the series of a file. Say which: `--arrays X=NAME`."
    )


def _sound(path: Path) -> OneFile:
    """Samples as fractions of full scale, and how many a second."""
    from scipy.io import wavfile

    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path}: it is larger than {MAX_BYTES / 2**30:.0f} GiB. Cut it.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # chunks that are no sound, such as who made it
            warnings.filterwarnings("error", message="Reached EOF prematurely")
            rate, samples = wavfile.read(path)
    except DataError:
        raise
    except Exception as error:  # scipy raises what it likes on a damaged file
        reason = str(error).strip().rstrip(".").split("\n")[0][:160]
        raise DataError(
            f"{path}: no whole sound in plain numbers ({reason}). Write it anew as PCM: ffmpeg -i IN -c:a pcm_s16le "
            "OUT.wav."
        ) from error
    if samples.ndim not in (1, 2) or not samples.size or rate <= 0:
        raise DataError(f"{path}: there is no sound in it: {samples.shape} samples, {rate} a second. Leave it out.")
    if samples.dtype.kind == "f":
        return OneFile(samples, float(rate))
    size = "l" if samples.dtype.itemsize > 2 else samples.dtype.kind
    zero, full = _FULL_SCALE[size]
    return OneFile(((samples.astype(np.float64) - zero) / full).astype(np.float32), float(rate))


def rates_note(ids: Sequence[str], rates: Sequence[float | None]) -> str | None:
    """What is said where files have several rates; None where they have one."""
    first = {rate: id for id, rate in reversed(list(zip(ids, rates, strict=True)))}
    if len(first) < 2:
        return None
    counts = {rate: list(rates).count(rate) for rate in sorted(first, key=lambda rate: rate or 0)}
    told = [f"{rate or 0:,g} in {num:,} files such as {first[rate]}" for rate, num in list(counts.items())[:4]]
    slowest = min(rate for rate in first if rate)
    return (
        f"Recordings have different numbers of steps a second ({'; '.join(told)}): a step means another time in each. "
        f"`--resample {1e6 / slowest:g}us` brings all to one grid."
    )


def lvm_table(path: Path) -> "tuple[pd.DataFrame, list[int]]":
    """The numbers of LabVIEW's text as texts, with `time` first where it has one, and the line of each row.

    Raises:
        DataError: it is none, or holds several sections.
    """
    import pandas as pd

    lines = _lvm_lines(path)
    ends = [number for number, line in enumerate(lines) if line.startswith(_END)]
    keys = dict(_pairs(lines[: ends[0]] if ends else []))
    separator = {"tab": "\t", "comma": ","}.get(keys.get("separator", "tab").lower().rstrip(","), "\t")
    rows = [[cell.strip() for cell in line.split(separator)] for line in lines]
    if not ends or len(ends) > 2:
        what = f"{len(ends) - 1:,} sections" if ends else f"no line {_END!r}"
        raise DataError(
            f"{path}: LabVIEW's text with {what}; one section with a header is needed. Write each to a file."
        )
    start = ends[-1] + 1
    while start < len(rows) and not any(rows[start]):
        start += 1
    if start >= len(rows) or all(_is_number(cell) for cell in rows[start] if cell):
        raise DataError(f"{path}: there are no names of columns below {_END!r}. Write the file anew with headings.")
    names = rows[start]
    body = [(number + 1, row) for number, row in enumerate(rows) if number > start and any(row)]
    wanted = [at for at, name in enumerate(names) if name and name.lower() != "comment"]
    x_columns = [at for at in wanted if names[at].lower() == "x_value"]
    channels = [at for at in wanted if at not in x_columns]
    short = next((line for line, row in body if len(row) <= max(wanted, default=0)), None)
    if not channels or not body or short is not None:
        where = f"line {short} has too few cells" if short is not None else "there are no numbers below the header"
        raise DataError(f"{path}: {where}. Is the file whole?")
    decimal = keys.get("decimal_separator", "")[:1] or "."
    columns = {names[at]: [row[at].replace(decimal, ".") for _, row in body] for at in channels}
    if len(columns) < len(channels):
        raise DataError(f"{path}: two columns have one name ({', '.join(names[:8])}). Give each its own.")
    times = [row[x_columns[0]].replace(decimal, ".") for _, row in body] if x_columns else []
    if not any(times) and (step := _lvm_step(rows[ends[0] : start], decimal)):
        times = [repr(step * number) for number in range(len(body))]
    table = pd.DataFrame({**({"time": times} if any(times) else {}), **columns}, dtype="str")
    return table, [line for line, _ in body]


def _lvm_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_BYTES // 8:
            raise DataError(f"{path}: it is larger than {MAX_BYTES / 8 / 2**20:.0f} MiB. Cut it into several.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace").splitlines()


def _pairs(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, *value = re.split(r"[\t,]", line, maxsplit=1)
        yield key.strip().lower(), value[0].strip() if value else ""


def _lvm_step(header: list[list[str]], decimal: str) -> float | None:
    """`Delta_X`, where all channels have the same."""
    own = next((row[1:] for row in header if row[0].lower() == "delta_x"), [])
    steps = {cell.replace(decimal, ".") for cell in own if cell}
    try:
        return float(steps.pop()) if len(steps) == 1 else None
    except ValueError:
        return None


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True
