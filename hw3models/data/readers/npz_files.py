"""Sequences in a `.npz` file: keys X and y, optionally X_test and y_test, groups and groups_test.

Nothing is unpickled, and every size is read from the headers before memory is asked for.
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from hw3models.data.axes import ordered
from hw3models.data.blocks import BLOCK_BYTES
from hw3models.data.checks import not_finite_fault, raise_faults, suggestion
from hw3models.data.raw import MAX_BYTES, Raw, class_codes, group_codes, group_texts, label_texts
from hw3models.data.readers.unlabelled import array_blocks, check_shape
from hw3models.data.source import Block, Wanted, file_source, path_of
from hw3models.data.tails import ends
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_KEYS = ("X", "y", "X_test", "y_test", "groups", "groups_test")
_FORMAT: Any = npy_format
"""Any: numpy's stubs leave its functions untyped."""


def read_npz(path: Path, name: str, spec: DataSpec | None = None) -> Raw:
    """Read X (N, T, C) or (N, T) and y (N,), and X_test, y_test with the same T and C where the file has them.

    Features are integers or floats, labels integers, whole floats or text, groups integers or text.

    Raises:
        DataError: all faults of the file together.
    """
    arrays, spec = _load(path), spec or DataSpec()
    for key in ("X", "X_test"):
        if key in arrays:
            arrays[key] = ordered(arrays[key], spec.axes, str(path))
    faults: list[str] = []
    parts = [
        part
        for suffix in ("", "_test")
        if f"X{suffix}" in arrays and (part := _read_part(arrays, suffix, faults, spec)) is not None
    ]
    if len(parts) == 2 and parts[0][0].shape[1:] != parts[1][0].shape[1:]:
        shapes = [part[0].shape[1:] for part in parts]
        faults.append(f"series of X are {shapes[0]} (steps, channels), but those of X_test are {shapes[1]}")
    groups = _groups(arrays, faults)
    raise_faults(str(path), faults)
    names, codes = class_codes([label for _, labels in parts for label in labels])
    group_names, group_of = ((), None) if groups is None else group_codes(groups)
    return Raw(
        name=name,
        kind="sequences",
        features=np.concatenate([features for features, _ in parts]),
        labels=codes,
        class_names=names,
        test=np.arange(len(codes)) >= len(parts[0][1]) if len(parts) == 2 else None,
        groups=group_of,
        group_names=group_names,
        understood=_unused(path),
    )


def _unused(path: Path) -> tuple[str, ...]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in members(path, archive) if name not in _KEYS]
    if not names:
        return ()
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return (f"Arrays of the file that were not used: {', '.join(names[:8])}{more} (`--arrays` names groups, say).",)


def _groups(arrays: dict[str, NDArray[Any]], faults: list[str]) -> list[str] | None:
    """The groups of all examples; None where the file names none."""
    parts = [suffix for suffix in ("", "_test") if f"X{suffix}" in arrays]
    named = [suffix for suffix in ("", "_test") if f"groups{suffix}" in arrays]
    if not named:
        return None
    if named != parts:
        faults.append("groups belong to X, and groups_test to X_test: name them for both, or for neither")
        return None
    found: list[str] = []
    for suffix in parts:
        values = arrays[f"X{suffix}"]
        texts, wrong = group_texts(arrays[f"groups{suffix}"], len(values) if values.ndim else 0, f"groups{suffix}")
        found += texts
        faults += wrong
    return found


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = members(path, archive)
            faults = _key_faults(list(found))
            for key in _KEYS:
                if key in found:
                    faults += header_faults(archive, found[key], key)
            raise_faults(str(path), faults)
            return {key: _array(archive, found[key]) for key in _KEYS if key in found}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole `.npz` file ({error}). Write it again with numpy.savez(path, X=..., y=...)."
        ) from error


def members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays by their names.

    Raises:
        DataError: two have one name: it would be chance which of them is checked, and which is read.
    """
    found = dict[str, zipfile.ZipInfo]()
    faults = []
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key in found:
            faults.append(f"{found[key].filename!r} and {info.filename!r} are both the array {key!r}; keep one of them")
        found[key] = info
    raise_faults(str(path), faults)
    return found


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """What is read is what was checked: the same member of the same open file."""
    with archive.open(info) as member:
        return np.asarray(_FORMAT.read_array(member, allow_pickle=False))


class Entry(NamedTuple):
    """An array of the file, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    fault: str = ""
    """Why it must not be read."""


def entry_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    """What the header of a member says; it may hold numbers or text."""
    faults = header_faults(archive, info, info.filename.removesuffix(".npy"), text=True)
    if faults:
        return Entry((), np.dtype("O"), lambda: np.zeros(0), faults[0])
    with archive.open(info) as member:
        version = _FORMAT.read_magic(member)
        header = _FORMAT.read_array_header_1_0 if version == (1, 0) else _FORMAT.read_array_header_2_0
        shape, _, dtype = header(member)
    return Entry(shape, dtype, lambda: _array(archive, info))


def _key_faults(found: list[str]) -> list[str]:
    faults = [
        f"the array {key!r} is missing; the file has {found or 'none'}.{suggestion(key, found)}"
        for key in ("X", "y")
        if key not in found
    ]
    if faults and "X" not in found and len(found) > 1:
        faults[-1] += " Or say which are series and labels: `--arrays X=NAME,y=NAME`"
    if ("X_test" in found) != ("y_test" in found):
        faults.append("X_test and y_test belong together, but only one of them is there")
    return faults


def header_faults(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    key: str,
    *,
    limit: int | None = MAX_BYTES,
    text: bool | None = None,
) -> list[str]:
    """Refuse what must not be loaded, by the array's header alone. Without a limit it may be of any size.

    `text`: may it hold text? None: labels and groups may, by their names.
    """
    with archive.open(info) as member:
        version = _FORMAT.read_magic(member)
        if version not in ((1, 0), (2, 0)):
            return [f"{key} is in version {version} of the array format; write plain numbers or text"]
        read = _FORMAT.read_array_header_1_0 if version == (1, 0) else _FORMAT.read_array_header_2_0
        shape, _, dtype = read(member)
        start = member.tell()
    if dtype.hasobject:
        is_text = key[0] in "yg" if text is None else text
        how = f"write {key}.astype(str)" if is_text else "write series of unequal length as a table"
        return [f"{key} holds Python objects, which are not unpickled; {how}"]
    names = key[0] in "yg" if text is None else text
    if dtype.kind not in ("iufbUS" if names else "iufb"):
        return [f"{key} has type {dtype}; {'whole numbers or text are' if names else 'numbers are'} needed"]
    size = math.prod(shape) * dtype.itemsize
    if limit is not None and size > limit:
        return [f"{key} {shape} needs {size / 1024**3:,.1f} GiB; the limit is {limit / 1024**3:.0f} GiB"]
    if start + size != info.file_size:
        return [f"{key} should hold {size:,} bytes by its header, but holds {info.file_size - start:,}: damaged"]
    return []


def _read_part(
    arrays: dict[str, NDArray[Any]], suffix: str, faults: list[str], spec: DataSpec
) -> tuple[NDArray[np.float32], list[str]] | None:
    """Features (N, T, C) and labels of one split; None and entries in `faults` where they cannot be used."""
    values, labels = arrays[f"X{suffix}"], arrays[f"y{suffix}"]
    before = len(faults)
    if values.ndim not in (2, 3) or 0 in values.shape:
        faults.append(f"X{suffix} has shape {values.shape}; (series, steps) or (series, steps, channels) is needed")
    elif fault := _gaps(values, fill=spec.missing != "refuse"):
        faults.append(f"X{suffix}: {fault}")
    if labels.ndim != 1:
        how = _one_each(labels, suffix)
        faults.append(f"y{suffix} has shape {labels.shape}; one label per series, (series,), is needed{how}")
    elif values.ndim and len(labels) != len(values):
        faults.append(f"X{suffix} has {len(values):,} series, but y{suffix} has {len(labels):,} labels")
    try:
        texts = label_texts(labels, spec.task) if labels.ndim == 1 else []
    except ValueError as error:
        faults.append(f"y{suffix}: {error}")
    if len(faults) > before:
        return None
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, which the checks report
        features = np.ascontiguousarray(values, dtype=np.float32)
    return features if features.ndim == 3 else features[:, :, None], texts


def _one_each(labels: NDArray[Any], suffix: str) -> str:
    """How labels of several columns, or of one, become one for each series."""
    if labels.ndim != 2 or (labels.dtype.kind not in "biuf" and labels.shape[1] > 1):
        return ""
    if labels.shape[1] == 1:
        return f": y{suffix} = y{suffix}[:, 0]"
    is_one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
    return f" (a column for each class: y{suffix} = y{suffix}.argmax(axis=1))" if is_one_hot else ""


def _gaps(values: NDArray[Any], *, fill: bool) -> str | None:
    """The fault of values that are not finite; behind the end of a series nothing need be."""
    found = ends(values if values.ndim == 3 else values[:, :, None])
    if found is not None:
        values = values.copy()
        values[np.arange(values.shape[1]) >= found[:, None]] = 0
    return not_finite_fault(values, ("series", "step", "channel")[: values.ndim], fill=fill)


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    return array_blocks(path, _rows(path, wanted), wanted, _named_groups(path))


def _named_groups(path: Path) -> list[str] | None:
    """The groups of X; None where the file names none, or is none: whoever reads X says so."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = members(path, archive)
            if "groups" not in found or header_faults(archive, found["groups"], "groups"):
                return None
            groups = _array(archive, found["groups"])
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None
    texts, faults = group_texts(groups, len(groups) if groups.ndim else 0, "groups")
    raise_faults(str(path), faults)
    return texts


def _rows(path: Path, wanted: Wanted) -> Iterator[NDArray[Any]]:
    """X, out of the archive as it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = members(path, archive)
            if "X" not in found:
                raise DataError(f"{path}: the array 'X' is missing; the file has {list(found) or 'none'}.")
            raise_faults(str(path), header_faults(archive, found["X"], "X", limit=None))
            with archive.open(found["X"]) as member:
                yield from _member_rows(path, member, wanted)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole `.npz` file ({error}). Write it with numpy.savez(path, X=...)."
        ) from error


def _member_rows(path: Path, member: Any, wanted: Wanted) -> Iterator[NDArray[Any]]:
    version = _FORMAT.read_magic(member)
    read = _FORMAT.read_array_header_1_0 if version == (1, 0) else _FORMAT.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if fortran or len(shape) < 2:
        raise DataError(f"{path}: X is {dtype} {shape}; an array of two or more axes in C order is needed.")
    check_shape(path, shape[1:], wanted)  # before a row is read: a small file may hold one of any size
    row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    size = max(1, BLOCK_BYTES // max(1, row_bytes))
    for start in range(0, shape[0], size):
        num = min(size, shape[0] - start)
        data = member.read(num * row_bytes)
        if len(data) != num * row_bytes:
            raise DataError(f"{path}: X ends after {start:,} of {shape[0]:,} examples: not a whole file.")
        yield np.frombuffer(data, dtype).reshape(num, *shape[1:])


def _is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    if not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return "y" in members(path, archive)
    except (OSError, zipfile.BadZipFile, DataError):
        return True


def _read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    [path] = map(Path, report.files)
    return read_npz(path, path.stem, spec)


NPZ = file_source(
    ".npz",
    "arrays X and y, with X_test and y_test where there is a test split",
    read=_read,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups="an array `groups`, and `groups_test` beside X_test",
)
