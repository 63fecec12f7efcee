"""HDF5 with a group or a dataset for each series, as many programs write recordings.

| in the file | series | label |
|---|---|---|
| `s1/data`, `s2/data` | a group each | an attribute, a dataset `label` within, or the group around (`walk/s1/data`) |
| `s1/x`, `s1/y`, `s2/x`, `s2/y` | a group each, a channel each | the same |
| `s1`, `s2` | a dataset each | an attribute, or a dataset `labels` with one for each |
| `data/s1`, `labels/s1` | a dataset each | a single value of the same name |
| `walk/s1`, `sit/s2` | a dataset each | the group |
| `S01/walk/1`, `S02/walk/1` | a dataset each | the group within, where those around are called like people |

`train` and `test` among the groups are parts. Nothing outside the file is followed.

N series, T time steps, C channels
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.axes import found_order, series_of
from hw3models.data.checks import raise_faults
from hw3models.data.file_names import are_people_first
from hw3models.data.raw import MAX_BYTES, label_texts
from hw3models.data.readers.gathered import PART_WORDS, Floats, Gathered, Part
from hw3models.data.readers.guessed_columns import likely
from hw3models.errors import DataError
from hw3models.specs import DataSpec, Task

_TIMES = frozenset({"time", "t", "timestamp", "timestamps", "times"})
_GROUPS = frozenset({"group", "groups", "subject", "subject_id", "user", "participant", "person"})
_NUMBERED = re.compile(r"(.*?)(\d+)$")
_PIECES = re.compile(r"([0-9]+)")
_Gap = tuple[tuple[str, ...], tuple[str, ...]]
"""The names in a path before and behind one that is left out."""


@dataclass
class _One:
    """A series, not read yet."""

    id: str
    above: tuple[str, ...]
    """Groups around it, without parts of a split."""
    part: Part | None
    datasets: dict[str, Any]
    """Channel -> dataset; a single one is all channels."""
    is_dataset: bool
    """Is the series a dataset, not a group?"""
    facts: dict[str, str] = field(default_factory=dict)
    """What attributes and single values say of it."""


def gather_groups(path: Path, spec: DataSpec, labelled: bool) -> Gathered | None:
    """The series of all groups or datasets; None where nothing in the file looks like several series.

    Raises:
        DataError: all faults together: series that differ in their channels, or have no label.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            ones, whole = _found(path, file)
            if len(ones) < 2:
                return None
            return _gathered(path, ones, whole, spec, labelled)
    except (OSError, RuntimeError, KeyError) as error:
        raise DataError(f"{path}: not a whole HDF5 file ({str(error)[:200]}). Write it again.") from error


def _found(path: Path, file: Any) -> tuple[list[_One], dict[str, Any]]:
    """The series, and datasets of the file itself, which say something of all of them."""
    import h5py

    from hw3models.data.readers.named_arrays import is_elsewhere

    every: list[tuple[str, Any]] = []
    file.visititems(lambda name, one: every.append((name, one)) if isinstance(one, h5py.Dataset) else None)
    own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]  # no link to elsewhere
    if any("pandas_type" in file[name].attrs for name in own):
        raise DataError(f"{path}: pandas' own HDF5. Write the table as Parquet: pandas.read_hdf(...).to_parquet(...).")
    if outside := next((name for name, one in every if is_elsewhere(one)), None):
        raise DataError(f"{path}: {outside!r} has its numbers in other files. Write them into this one.")
    single = {name: one for name, one in every if one.size == 1 or one.dtype.kind in "OSU"}
    leaf_of = {name: name.rpartition("/")[2] for name, _ in every}
    num = Counter(leaf_of.values())
    alone = {leaf_of[name]: one for name, one in every if num[leaf_of[name]] == 1 and one.ndim in (1, 2)}
    labels = likely("label_column", list(alone)) or [name for name in alone if name.lower() == "y"]
    about = {name: alone[name] for name in (*labels, *(name for name in alone if name.lower() in _GROUPS))}
    large = {name: one for name, one in every if name not in single and leaf_of[name] not in about}
    large = {name: one for name, one in large.items() if one.dtype.kind in "iufb" and one.size}
    if len({one.ndim for one in large.values()}) > 1 or any(one.ndim > 2 for one in large.values()):
        return [], {}  # arrays of series, and what belongs to them
    leaves: dict[str, dict[str, Any]] = {}
    for name, one in large.items():
        parent, _, leaf = name.rpartition("/")
        if not likely("label_column", [leaf]):
            leaves.setdefault(parent, {})[leaf] = one
    ones = _as_series(file, leaves)
    beside = _beside(single)
    for one in ones:
        one.facts |= _facts(file, one, beside)
    return ones, about


def _as_series(file: Any, leaves: dict[str, dict[str, Any]]) -> list[_One]:
    """A series for each group where all groups hold the same names, else one for each dataset."""
    names = {tuple(sorted(own)) for own in leaves.values()}
    alike = len(names) == 1 and len(leaves) > 1
    if alike and len(only := next(iter(names))) > 1:
        flat = all(one.ndim == 1 for own in leaves.values() for one in own.values())
        numbered = all(_NUMBERED.fullmatch(name) for name in only)
        alike = flat and (not numbered or any(_label_names(file[parent].attrs) for parent in leaves))
    if alike:
        return [_one(parent, own, is_dataset=False) for parent, own in leaves.items()]
    return [
        _one(f"{parent}/{leaf}".strip("/"), {leaf: one}, is_dataset=True)
        for parent, own in leaves.items()
        for leaf, one in own.items()
    ]


def _one(id: str, datasets: dict[str, Any], *, is_dataset: bool) -> _One:
    around = id.split("/")[:-1]
    part = next((PART_WORDS[name.lower()] for name in around if name.lower() in PART_WORDS), None)
    above = tuple(name for name in around if name.lower() not in PART_WORDS)
    return _One(id, above, part, datasets, is_dataset)


def _label_names(attributes: Any) -> list[str]:
    return likely("label_column", list(attributes)) or [name for name in attributes if name == "y"]


def _beside(single: dict[str, Any]) -> dict[_Gap, dict[str, Any]]:
    """Single values by their places but for one name in them: `a/labels/s1` belongs to `a/data/s1`, not to `b/data/s1`.

    Within each the values by that name; `s1/label` by its own name beside `s1`.
    """
    found: dict[_Gap, dict[str, Any]] = {}
    for name, value in single.items():
        if value.size == 1:
            words = tuple(name.split("/"))
            for at, word in enumerate(words):
                found.setdefault((words[:at], words[at + 1 :]), {})[word] = value
    return found


def _facts(file: Any, one: _One, beside: dict[_Gap, dict[str, Any]]) -> dict[str, str]:
    """Attributes of the series' dataset and group, and single values within the group or of the same name."""
    places = [file[one.id], *one.datasets.values()]
    facts = {name: _plain(value) for place in places for name, value in place.attrs.items() if np.size(value) == 1}
    words = tuple(one.id.split("/"))
    gaps = [(words, ()), *((words[:at], words[at + 1 :]) for at in range(len(words) - 1)), ((), words)]
    for gap in gaps:
        for name, value in beside.get(gap, {}).items():
            facts[name] = _plain(value[()])
    return facts


def _plain(value: Any) -> str:
    """A text of a single value of HDF5."""
    flat = np.asarray(value).reshape(-1)[0]
    if isinstance(flat, bytes):
        return flat.decode("utf-8", "replace")
    return label_texts(np.asarray([flat]), "regression")[0] if isinstance(flat, np.floating) else str(flat)


def _gathered(path: Path, ones: list[_One], about: dict[str, Any], spec: DataSpec, labelled: bool) -> Gathered:
    labels, how = _labels(path, ones, about, spec) if labelled else (None, "labels were not looked at")
    groups = _groups(path, ones, about, spec)
    series, times, channels, found_out = _series(path, ones, spec)
    parts = [one.part for one in ones]
    if None in parts and any(parts):
        raise DataError(f"{path}: {parts.count(None):,} of {len(ones):,} series are in no part such as `train`.")
    what = "dataset" if ones[0].is_dataset else "group"
    return Gathered(
        name=path.stem,
        where=str(path),
        form=f"a {what} for each series, {how}",
        series=series,
        ids=[one.id for one in ones],
        labels=labels,
        parts=[part for part in parts if part is not None] if any(parts) else None,
        groups=groups,
        times=times,
        channels=channels,
        found_out=found_out,
    )


def _labels(path: Path, ones: list[_One], about: dict[str, Any], spec: DataSpec) -> tuple[list[str], str]:
    """The label of each series, and where it stood."""
    named = spec.label_column != DataSpec.model_fields["label_column"].default
    common = set.intersection(*(set(one.facts) for one in ones))
    known = [spec.label_column] if spec.label_column in common else [] if named else _label_names(sorted(common))
    if len(known) == 1:
        return _whole([one.facts[known[0]] for one in ones]), f"its label in {known[0]!r}"
    wanted = [name for name in about if name == spec.label_column] if named else _label_names(list(about))
    if len(wanted) == 1:
        values = _in_order(path, wanted[0], about[wanted[0]], ones, spec.task)
        return values, f"labels in {wanted[0]!r} in the order of their names"
    if not named and are_people_first([one.above for one in ones]):
        return [one.above[1] for one in ones], f"the class is the inner group ({ones[0].above[1]}) around it"
    above = [one.above[0] if one.above else None for one in ones]
    if None not in above and len(set(above)) < len(ones) and not named:
        return [str(name) for name in above], "the class is the name of the group around it"
    facts = ", ".join(sorted(common)[:8]) or "none"
    raise DataError(
        f"{path}: nothing says the class of {len(ones):,} series such as {ones[0].id!r}: an attribute `label` of each, "
        "a dataset `labels` with one for each, or a group around the series of each class. All have the attributes: "
        f"{facts} (`--label-column`). Of arrays that hold series say which they are: `--arrays X=NAME,y=NAME`."
    )


def _whole(labels: list[str]) -> list[str]:
    """Whole numbers that are stored as floats are whole numbers."""
    are_whole = all(re.fullmatch(r"-?\d+\.0", label) for label in labels)
    return [label.removesuffix(".0") for label in labels] if are_whole else [label.strip() for label in labels]


def _in_order(path: Path, name: str, dataset: Any, ones: list[_One], task: Task) -> list[str]:
    """One value for each series, in the order of their names."""
    from hw3models.data.readers.named_arrays import flat_labels

    if dataset.size != len(ones):
        raise DataError(
            f"{path}: {name!r} has shape {dataset.shape}, but there are {len(ones):,} series; one for each."
        )
    values = np.asarray(dataset[()])
    if values.dtype.kind == "O":
        values = np.asarray(dataset.asstr()[()])
    values = flat_labels(values, f"{path}: {name!r}").reshape(-1)
    try:
        texts = label_texts(values, task)
    except ValueError as error:
        raise DataError(f"{path}: {name!r}: {error}.") from error
    if (order := _order([one.id for one in ones])) is None:
        raise DataError(
            f"{path}: {name!r} has a value for each series, but which is whose the names, such as {ones[0].id!r} and "
            f"{ones[-1].id!r}, do not tell. Give each series its own, as an attribute `label`."
        )
    found = [""] * len(ones)
    for text, row in zip(texts, order, strict=True):
        found[row] = text.strip()
    return found


def _order(ids: list[str]) -> list[int] | None:
    """The series by the numbers in their names, wherever they are; by names in one group; None where neither tells."""
    ends = [match for id in ids if (match := _NUMBERED.fullmatch(id.rpartition("/")[2]))]
    numbers = [int(match[2]) for match in ends]
    if len(set(numbers)) == len(ids) and len({match[1] for match in ends}) == 1:
        return sorted(range(len(ids)), key=numbers.__getitem__)
    # Texts and numbers take turns.
    pieces = [[int(one) if at % 2 else one for at, one in enumerate(_PIECES.split(id))] for id in ids]
    by_name = sorted(range(len(ids)), key=pieces.__getitem__)
    are_told = len({id.rpartition("/")[0] for id in ids}) == 1 and by_name == sorted(by_name, key=ids.__getitem__)
    return by_name if are_told else None


def _groups(path: Path, ones: list[_One], about: dict[str, Any], spec: DataSpec) -> list[str] | None:
    common = set.intersection(*(set(one.facts) for one in ones))
    known = [name for name in sorted(common) if name.lower() in _GROUPS]
    if spec.group_column is not None:
        known = [name for name in (*common, *about) if name == spec.group_column]
        if not known:
            raise DataError(
                f"{path}: nothing is called {spec.group_column!r} (`group_column`); all series have the attributes "
                f"{', '.join(sorted(common)[:8]) or 'none'}."
            )
    if not known and not about.keys() & _GROUPS and are_people_first([one.above for one in ones]):
        return [one.above[0] for one in ones]
    if len(known) == 1 and known[0] in common:
        return [one.facts[known[0]] for one in ones]
    whole = [name for name in about if name.lower() in _GROUPS and name in (known or about)]
    return _in_order(path, whole[0], about[whole[0]], ones, "classification") if len(whole) == 1 else None


def _series(
    path: Path, ones: list[_One], spec: DataSpec
) -> tuple[list[Floats], list[Floats] | None, tuple[str, ...], dict[str, str]]:
    """(T_i, C) of each, their times, the names of channels, and the order of axes where sizes told it."""
    if (needed := 8 * sum(one.size for own in ones for one in own.datasets.values())) > MAX_BYTES:
        raise DataError(
            f"{path}: its series need {needed / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB. Give fewer."
        )
    if all(len(one.datasets) == 1 for one in ones):
        cells = [np.asarray(next(iter(one.datasets.values()))[()], np.float64) for one in ones]
        return _of_one_dataset(path, [one.id for one in ones], cells, spec)
    names = list(ones[0].datasets)
    time = next((name for name in names if name.lower() in _TIMES), None)
    channels = tuple(name for name in (spec.feature_columns or names) if name != time)
    channels = tuple(name for name in channels if name not in spec.ignore_columns)
    if missing := [name for name in channels if name not in names]:
        raise DataError(f"{path}: there is no dataset {missing[0]!r}; each series has {', '.join(names[:8])}.")
    faults, series, times = list[str](), list[Floats](), list[Floats]()
    for one in ones:
        read = [np.asarray(one.datasets[name][()], np.float64) for name in (*channels, *([time] if time else []))]
        if len({len(values) for values in read}) > 1:
            told = ", ".join(f"{name} {len(values):,}" for name, values in list(zip(channels, read, strict=False))[:4])
            faults.append(f"the datasets of {one.id!r} differ in their steps ({told})")
            continue
        series.append(np.stack(read[: len(channels)], axis=-1))
        times += read[len(channels) :]
    raise_faults(str(path), faults)
    is_sorted = bool(times) and all((np.diff(one) > 0).all() for one in times)
    return series, times if is_sorted else None, channels, {}


def _of_one_dataset(
    path: Path, ids: Sequence[str], cells: list[NDArray[np.float64]], spec: DataSpec
) -> tuple[list[Floats], None, tuple[str, ...], dict[str, str]]:
    cells = [cell.reshape(-1, 1) if cell.ndim == 1 or 1 in cell.shape else cell for cell in cells]
    flat = [cell.shape[1] == 1 for cell in cells]
    if all(flat):
        return cells, None, (), {}
    if any(flat):
        counts = Counter(cell.shape[1] for cell in cells)
        odd = ids[flat.index(True)] if counts[1] < len(cells) / 2 else ids[flat.index(False)]
        raise DataError(f"{path}: series {odd!r} has other channels than most. Leave it out, or give all the same.")
    shapes = [cell.shape for cell in cells]
    series = series_of(cells, spec.axes, str(path))
    return series, None, (), {} if spec.axes is not None else found_order(shapes, series)
