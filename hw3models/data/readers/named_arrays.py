"""Files with named arrays: MATLAB's `.mat` (all versions), HDF5, and `.npz` whose arrays have other names than X and y.

X (series, steps, channels), (series, steps), or a cell array of (steps, channels); y one label a series. Names are
found out where they are usual ones; `--arrays X=...,y=...` says them, `--axes NCT` the order of the axes.

N series, T time steps, C channels
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.axes import found_order, ordered
from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.raw import MAX_BYTES, Raw, group_texts, label_texts
from hw3models.data.readers.forms import name_of, series_source
from hw3models.data.readers.gathered import Floats, Gathered, Part, together
from hw3models.data.readers.hdf5_groups import gather_groups
from hw3models.data.readers.matlab_structs import fields_of, roles_of_structs, side_by_side, unboxed
from hw3models.data.readers.npz_files import entry_of, members
from hw3models.data.source import COLUMNS, GROUP_COLUMN, WINDOWS, Block, Source, Wanted, path_of
from hw3models.errors import DataError, SpecError
from hw3models.printable import few
from hw3models.specs import DataSpec, SourceReport, Task

_USUAL = {
    "X": ("x", "data", "series", "signals", "signal", "features", "inputs", "input"),
    "y": ("y", "label", "labels", "target", "targets", "class", "classes"),
    "groups": ("groups", "group", "subject", "subjects"),
}
_ENDS: dict[Part, tuple[str, ...]] = {
    "train": ("", "train"),
    "validation": ("val", "valid", "validation"),
    "test": ("test",),
}
_ROLES = tuple(f"{role}{end}" for end in ("", "_val", "_test") for role in ("X", "y", "groups"))
_PART_ENDS: dict[Part, str] = {"train": "", "validation": "_val", "test": "_test"}
_FIELD = 1e6
"""Cells of a field of a struct array, which has an element for each series."""
HDF5 = (".h5", ".hdf5", ".hdf")


@dataclass(frozen=True)
class Stored:
    """An array of a file, not read yet."""

    shape: tuple[int, ...]
    kind: str
    """Type of its numbers."""
    read: Any
    """Callable without arguments."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The same for numpy; object for what is no type of its own: compounds, MATLAB's `struct`."""
        try:
            return np.dtype(self.kind)
        except TypeError:
            return np.dtype("O")


def gather_arrays(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of all arrays of the file that are series, with their labels and groups.

    Raises:
        DataError: all faults together: arrays that are missing, do not fit, or are too large.
    """
    with opened_arrays(path) as arrays:
        names = _roles(path, arrays, spec)
        if "X" not in names:
            if path.suffix.lower() in HDF5 and (groups := gather_groups(path, spec, labelled)) is not None:
                return groups
            raise DataError(
                f"{path}: it has {listed_arrays(arrays)}. Say which are series and labels: `--arrays X=NAME,y=NAME`."
            )
        _check_columns(path, arrays, names, spec)
        parts, found = list[Part](), list[Gathered]()
        for part, end in _PART_ENDS.items():
            if f"X{end}" in names and (labelled or part == "train"):
                parts.append(part)
                found.append(_part(path, arrays, names, end, spec, labelled))
    one = found[0] if len(found) == 1 else together(found, parts)
    return replace(one, found_out={**one.found_out, **_named(names, spec)})


def _roles(path: Path, arrays: dict[str, Stored], spec: DataSpec) -> dict[str, str]:
    """Which array is what, also within structs; several channels `a+b` become an array of their own."""
    names = roles_of(path, list(arrays), spec)
    if "X" not in names and path.suffix.lower() == ".mat":
        fields = [name for name, one in arrays.items() if "." in name and np.prod(one.shape, dtype=float) <= _FIELD]
        names = roles_of_structs(fields, lambda name: np.asarray(arrays[name].read())) or _within(list(arrays))
    for name in names.values():
        if name not in arrays and "+" in name:
            arrays[name] = _joined(path, name, arrays)
    return names


def _within(found: list[str]) -> dict[str, str]:
    """The same where the names of one struct are usual ones: `data.X`, `data.y`."""
    prefixes = dict.fromkeys(name[: at + 1] for name in found for at, letter in enumerate(name) if letter == ".")
    by_struct: dict[str, dict[str, str]] = {}
    for prefix in prefixes:
        if any(prefix.startswith(outer) for outer in by_struct):
            continue
        own = {name.removeprefix(prefix): name for name in found if name.startswith(prefix)}
        if "X" in (roles := roles_of_names(list(own))):
            by_struct[prefix] = {role: own[name] for role, name in roles.items()}
    complete = [roles for roles in by_struct.values() if "y" in roles] or list(by_struct.values())
    return complete[0] if len(complete) == 1 else {}


def _joined(path: Path, text: str, arrays: dict[str, Stored]) -> Stored:
    names = [name.strip() for name in text.split("+")]
    first = arrays[names[0]]
    shape = first.shape if first.kind == "object" else (*first.shape, len(names))
    return Stored(
        shape, first.kind, lambda: side_by_side(str(path), names, [np.asarray(arrays[n].read()) for n in names])
    )


def _check_columns(path: Path, arrays: dict[str, Stored], names: dict[str, str], spec: DataSpec) -> None:
    """Takes `--group-column` for the array of groups; refuses channels by name, as those of an array have none."""
    if spec.group_column is not None:
        if spec.group_column not in arrays:
            raise DataError(
                f"{path}: there is no array {spec.group_column!r} (`group_column`); it has {listed_arrays(arrays)}."
            )
        names["groups"] = spec.group_column
    if asked := [name for name in COLUMNS if getattr(spec, name)]:
        raise SpecError(f"`{asked[0]}` is given, but the channels of {path.name} have no names in it. Leave it out.")


def _named(names: dict[str, str], spec: DataSpec) -> dict[str, str]:
    """What `--arrays` would have said."""
    if spec.arrays is not None or any(letter in name for name in names.values() for letter in ",="):
        return {}
    return {"arrays": ",".join(f"{role}={name}" for role, name in names.items())}


def _part(
    path: Path, arrays: dict[str, Stored], names: dict[str, str], end: str, spec: DataSpec, labelled: bool
) -> Gathered:
    label, group = names.get(f"y{end}"), names.get(f"groups{end}")
    if labelled and label is None:
        raise DataError(
            f"{path}: {names[f'X{end}']!r} has no labels beside it; it has {listed_arrays(arrays)}. Name them: "
            f"`--arrays X{end}=NAME,y{end}=NAME`."
        )
    labels = flat_labels(arrays[label].read(), f"{path}: {label!r}") if label is not None and labelled else None
    faults: list[str] = []
    texts = None if labels is None else _texts(labels, f"{label!r}", faults, spec.task)
    stored = arrays[names[f"X{end}"]]
    raise_faults(str(path), [*faults, *_size_faults(names[f"X{end}"], stored)])
    values = stored.read()
    num = len(labels) if labels is not None else _num_labels(arrays.get(label or ""))
    series, order = _series(path, names[f"X{end}"], values, num, spec)
    groups = None
    if group is not None:
        groups, faults = group_texts(flat_labels(arrays[group].read(), f"{path}: {group!r}"), len(series), group)
    if texts is not None and len(texts) != len(series):
        faults.append(f"{names[f'X{end}']!r} has {len(series):,} series, but {label!r} has {len(texts):,} labels")
    raise_faults(str(path), faults)
    said = f"labels in {label!r}" if label is not None else "no labels"
    return Gathered(
        name=name_of(path).stem,
        where=str(path),
        form=f"series in {names[f'X{end}']!r} {order}, {said}",
        series=series,
        ids=[str(number) for number in range(len(series))],
        labels=texts,
        groups=groups,
        found_out=_axes_of(series, np.asarray(values), spec),
    )


def _num_labels(stored: Stored | None) -> int | None:
    """How many there are, which says along which axis the series are, where they are not looked at."""
    long = [] if stored is None else [size for size in stored.shape if size != 1]
    return long[0] if len(long) == 1 else None


def _axes_of(series: list[Floats], values: NDArray[Any], spec: DataSpec) -> dict[str, str]:
    """The order of the axes, where nobody named it and sizes told it."""
    if spec.axes is not None or (values.dtype.kind != "O" and values.ndim != 3):
        return {}
    if values.dtype.kind == "O":
        shapes = [np.shape(cell) for cell in values.reshape(-1)]
    else:
        shapes = [values.shape[1:] if len(values) == len(series) else values.shape[:-1]] * len(series)
    return found_order(shapes, series)


def _size_faults(name: str, stored: Stored) -> list[str]:
    size = 8 * int(np.prod(stored.shape, dtype=np.int64))
    if size > MAX_BYTES:
        return [f"{name!r} {stored.shape} needs {size / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB"]
    return []


def listed_arrays(arrays: dict[str, Stored]) -> str:
    """The first arrays with type and shape, for messages."""
    shown = [f"{name} {one.kind} {one.shape}" for name, one in list(arrays.items())[:8]]
    more = f" and {len(arrays) - 8} more" if len(arrays) > 8 else ""
    return f"the arrays {', '.join(shown)}{more}" if shown else "no arrays"


def roles_of(path: Path, found: list[str], spec: DataSpec) -> dict[str, str]:
    """Which array is what: as the user says, else by usual names such as `X_train` and `train/data`."""
    return roles_of_names(found) if spec.arrays is None else _asked(path, found, spec.arrays)


def roles_of_names(found: list[str]) -> dict[str, str]:
    """The same by usual names alone."""
    roles = {}
    for part, end in _PART_ENDS.items():
        for role, usual in _USUAL.items():
            wanted = {f"{a}{b}" for word in usual for of in _ENDS[part] for a, b in ((word, of), (of, word))}
            own = [name for name in found if _plain(name) in wanted]
            if len(own) > 1 and part == "train":  # both X and X_train
                own = [name for name in own if "train" in name.lower()] or own
            if len(own) == 1:
                roles[f"{role}{end}"] = own[0]
    return roles


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _asked(path: Path, found: list[str], text: str) -> dict[str, str]:
    roles, faults = {}, []
    for pair in text.split(","):
        role, _, name = (one.strip() for one in pair.partition("="))
        if role not in _ROLES or not name:
            raise SpecError(f"`arrays` has {pair!r}; `ROLE=NAME` is needed, and roles are {few(_ROLES, 9)}.")
        name = name if name in found else name.replace("/", ".") if name.replace("/", ".") in found else name
        if name not in found and not (role.startswith("X") and set(map(str.strip, name.split("+"))) <= set(found)):
            faults.append(f"there is no array {name!r}; there are {few(found)}.{suggestion(name, found)}")
        roles[role] = name
    raise_faults(str(path), faults)
    return roles


def flat_labels(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Labels (N,) out of (N, 1), (1, N), or a cell array of texts.

    Raises:
        DataError: a cell holds several numbers.
    """
    values = np.asarray(values)
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.dtype.kind == "O":
        cells = [_text(cell, where) for cell in values.reshape(-1)]
        return np.array(cells, dtype=object).astype(str)
    return values


def _text(cell: Any, where: str) -> str:
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    plain = np.asarray(cell)
    if plain.size > 1 and plain.dtype.kind != "U":
        raise DataError(f"{where}: a cell holds {plain.dtype} {plain.shape}; one number or text is needed.")
    return str(plain.reshape(-1)[0]) if plain.size == 1 else "".join(map(str, plain.reshape(-1)))


def _texts(labels: NDArray[Any], what: str, faults: list[str], task: Task) -> list[str] | None:
    if labels.ndim != 1:
        faults.append(
            f"{what} has shape {labels.shape}; one label a series is needed (of one-hot columns: y.argmax(axis=1))"
        )
        return None
    if labels.dtype.kind not in "iufbUS":
        faults.append(f"{what} has type {labels.dtype}; whole numbers or text are needed")
        return None
    try:
        return [text.strip() for text in label_texts(labels, task)]
    except ValueError as error:
        faults.append(f"{what}: {error}")
        return None


def _series(path: Path, name: str, values: NDArray[Any], num: int | None, spec: DataSpec) -> tuple[list[Floats], str]:
    """(T, C) of each series, and how the axes were taken."""
    values = np.asarray(values)
    if values.dtype.kind == "O":
        return _cells(path, name, values, spec), "(a cell for each)"
    if values.dtype.kind not in "iufb" or values.ndim not in (2, 3) or 0 in values.shape:
        raise DataError(
            f"{path}: {name!r} is {values.dtype} {values.shape}; numbers (series, steps) or (series, steps, channels) "
            "are needed."
        )
    values = _first_axis(path, name, values, num)
    if values.ndim == 2:
        return list(values.astype(np.float64)[:, :, None]), f"{values.shape}: series, steps"
    order = spec.axes
    if order is None and path.suffix.lower() == ".npz":  # as where the arrays are called X and y
        ordered(values, None, f"{path}: {name}")
        order = "NTC"
    if order is None:
        order = "NCT" if values.shape[1] < values.shape[2] else "NTC"
    guessed = " (found by their sizes; `--axes NTC` or `NCT` decides)" if spec.axes is None else ""
    words = "series, channels, steps" if order == "NCT" else "series, steps, channels"
    shaped = values.transpose(0, 2, 1) if order == "NCT" else values
    return list(shaped.astype(np.float64)), f"{values.shape}: {words}{guessed}"


def _first_axis(path: Path, name: str, values: NDArray[Any], num: int | None) -> NDArray[Any]:
    """Series along the first axis; MATLAB often has them along the last one."""
    if num is None or values.shape[0] == num:
        return values
    if values.shape[-1] == num:
        return np.moveaxis(values, -1, 0)
    raise DataError(f"{path}: {name!r} has shape {values.shape}, but there are {num:,} labels: no axis is as long.")


def _cells(path: Path, name: str, values: NDArray[Any], spec: DataSpec) -> list[Floats]:
    """(T, C) of each cell. What is as long in all of them are the channels, where nobody says which axis they are."""
    cells = [_floats(path, name, cell) for cell in values.reshape(-1)]
    if all(one.ndim == 1 or 1 in one.shape for one in cells):
        return [one.reshape(-1, 1) for one in cells]
    if any(one.ndim != 2 for one in cells):
        shapes = ", ".join(sorted({str(one.shape) for one in cells})[:5])
        raise DataError(f"{path}: cells of {name!r} have the shapes {shapes}; (steps, channels) is needed in all.")
    first, second = ({one.shape[axis] for one in cells} for axis in (0, 1))
    if spec.axes is None and (len(first) == 1) != (len(second) == 1):
        is_turned = len(first) == 1
    else:
        is_turned = spec.axes == "NCT" or (spec.axes is None and all(one.shape[0] < one.shape[1] for one in cells))
    if len(channels := first if is_turned else second) > 1:
        raise DataError(
            f"{path}: cells of {name!r} have {', '.join(map(str, sorted(channels)[:5]))} channels; as many in each are "
            "needed (`--axes NTC` or `NCT` says which axis they are)."
        )
    return [one.T if is_turned else one for one in cells]


def _floats(path: Path, name: str, cell: Any) -> Floats:
    try:
        return np.asarray(np.asarray(cell, dtype=object).astype(np.float64))
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: a cell of {name!r} holds no numbers ({error}).") from error


class opened_arrays:  # noqa: N801  # a context manager
    """The arrays of a file by their names, as long as it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Any = None

    def __enter__(self) -> dict[str, Stored]:
        if self.path.suffix.lower() == ".npz":
            return self._npz()
        if self.path.suffix.lower() == ".mat":
            found = _mat_arrays(self.path)
            if found is not None:
                return found
        import h5py

        try:
            self.file = h5py.File(self.path, "r")
            is_mat = self.path.suffix.lower() == ".mat"
            return dict(_h5_arrays(self.file, transposed=is_mat))
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            self.__exit__()
            what = "`.mat`" if self.path.suffix.lower() == ".mat" else "HDF5"
            raise DataError(f"{self.path}: not a whole {what} file ({str(error)[:200]}). Write it again.") from error

    def _npz(self) -> dict[str, Stored]:
        try:
            self.file = zipfile.ZipFile(self.path)
            entries = {name: entry_of(self.file, info) for name, info in members(self.path, self.file).items()}
        except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            self.__exit__()
            raise DataError(f"{self.path}: not a whole `.npz` file ({error}). Write it again.") from error
        raise_faults(str(self.path), [one.fault for one in entries.values() if one.fault])
        return {name: Stored(one.shape, str(one.dtype), one.read) for name, one in entries.items()}

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


def _mat_arrays(path: Path) -> dict[str, Stored] | None:
    """Arrays of MATLAB 4 to 7; None where it is version 7.3, which is HDF5."""
    from scipy.io import loadmat, whosmat

    try:
        listed = {name: shape for name, shape, _ in whosmat(path)}
        values = loadmat(path, variable_names=list(listed), chars_as_strings=True)
    except NotImplementedError:
        return None
    except Exception as error:  # scipy raises what it likes on a damaged file
        if path.is_file() and path.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n":
            return None
        raise DataError(f"{path}: not a whole `.mat` file ({str(error)[:200]}). Write it again.") from error
    arrays = {name: one for name, one in values.items() if not name.startswith("__") and isinstance(one, np.ndarray)}
    within = dict(pair for name, one in arrays.items() for pair in fields_of(name, one))
    return {name: Stored(one.shape, str(one.dtype), lambda one=one: one) for name, one in within.items()}


def _h5_arrays(file: Any, *, transposed: bool) -> Iterator[tuple[str, Stored]]:
    """Arrays of HDF5; those of MATLAB 7.3 have their axes the other way round, and references for cells."""
    import h5py

    found: list[tuple[str, Any]] = []
    file.visititems(lambda name, one: found.append((name, one)) if isinstance(one, h5py.Dataset) else None)
    for name, one in found:
        if name.startswith("#") or one.shape is None:  # of MATLAB's own, or an array without anything
            continue
        if is_elsewhere(one):
            raise DataError(f"{file.filename}: {name!r} has its numbers in other files. Write them into this one.")

        def read(name: str = name, one: Any = one) -> NDArray[Any]:
            try:
                return _values_of(file, one, transposed=transposed)
            except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{file.filename}: {name!r} cannot be read ({str(error)[:200]}). Write it again."
                ) from error

        shape = tuple(reversed(one.shape)) if transposed else tuple(one.shape)
        yield name.replace("/", ".") if transposed else name, Stored(shape, str(one.dtype), read)


def _values_of(file: Any, one: Any, *, transposed: bool) -> NDArray[Any]:
    import h5py

    if h5py.check_ref_dtype(one.dtype) is not None:
        cells = np.empty(one.size, dtype=object)
        for number, reference in enumerate(np.asarray(one).reshape(-1)):
            if not isinstance(file[reference], h5py.Dataset):
                raise ValueError("it refers to groups")
            cells[number] = _cell_of(file[reference])
        return unboxed(cells) if one.parent.attrs.get("MATLAB_class") == b"struct" else cells
    values = np.asarray(one.asstr()[...] if h5py.check_string_dtype(one.dtype) else one[...])
    names = None if values.dtype.kind == "b" else h5py.check_enum_dtype(one.dtype)
    if names is not None:
        called = {number: name for name, number in names.items()}
        values = np.vectorize(lambda number: called.get(number, str(number)), otypes=[str])(values)
    return values.T if transposed else values


def is_elsewhere(one: Any) -> bool:
    """Are the numbers of this dataset in other files, whose content no digest knows?"""
    return bool(one.is_virtual or one.external)


def _cell_of(one: Any) -> Any:
    values = np.asarray(one[...])
    if one.attrs.get("MATLAB_class") == b"char":
        return "".join(chr(code) for code in values.T.reshape(-1))
    return values.T


def _is_labelled(path: Path, spec: DataSpec) -> bool:
    try:
        with opened_arrays(path) as arrays:
            names = _roles(path, arrays, spec)
        if "X" in names or path.suffix.lower() not in HDF5:
            return "y" in names
        gather_groups(path, spec, True)
    except DataError as error:
        return "nothing says the class" not in str(error)
    return True


def _names(path: Path) -> set[str]:
    """Names of the arrays of a `.npz` file; empty where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename.removesuffix(".npy") for info in archive.infolist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def has_own_names(spec: DataSpec) -> bool:
    """A `.npz` file that is read by the names of its arrays, not as X, y, X_test and y_test."""
    if spec.arrays is not None or spec.window is not None or spec.resample is not None:
        return True
    found = _names(path_of(spec.source))
    if "X" in found:
        return any(name in found for name in ("X_val", "X_valid", "X_validation"))
    try:
        return "X" in roles_of(path_of(spec.source), sorted(found), spec)
    except DataError:
        return False


def by_names(source: Source) -> Source:
    """`source`, which reads X and y of `.npz`, and such files with other names, windows and a validation part."""

    def read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
        return _NPZ.read(spec, report, cache) if has_own_names(spec) else source.read(spec, report, cache)

    def unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
        one = _NPZ if has_own_names(spec) else source
        if one.unlabelled is not None:
            yield from one.unlabelled(spec, wanted)

    return replace(
        source,
        read=read,
        unlabelled=unlabelled,
        is_labelled=lambda spec: (_NPZ if has_own_names(spec) else source).is_labelled(spec),
        takes=(*WINDOWS, "arrays", "axes"),
        names=_names_of,
    )


def _names_of(path: Path) -> list[str] | None:
    try:
        with opened_arrays(path) as arrays:
            return list(arrays)
    except DataError:
        return None


_source = partial(
    series_source,
    gather=gather_arrays,
    is_labelled=_is_labelled,
    groups="an array `groups`, or `--arrays groups=NAME`",
    packed=False,
    takes=(*WINDOWS, "arrays", "axes"),
)
MAT = replace(
    _source("mat", (".mat",), "MATLAB's arrays, of any version: X and y, or as `--arrays` says"), names=_names_of
)
H5 = replace(
    _source(
        "hdf5",
        HDF5,
        "HDF5 with arrays X and y, train/data and the like, or as `--arrays` says; or a group for each series",
    ),
    names=_names_of,
    groups=GROUP_COLUMN,
    takes=(*WINDOWS, *COLUMNS, "arrays", "axes"),
)
_NPZ = _source("npz-by-names", (".npz",), "arrays")
