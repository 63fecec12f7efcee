"""A file for each channel whose rows are the series, and a file of labels beside: UCI HAR's layout and its like.

| files | |
|---|---|
| `train/Inertial Signals/body_acc_x_train.txt`, ... | a channel each, a row for each series |
| `train/y_train.txt`, `train/subject_train.txt` | label and group of each row |
| `activity_labels.txt` | names of labels that are numbers |
| `X.csv`, `y.csv` | the same with one channel |
| `X_train.npy`, `y_train.npy`, `groups_train.npy`, `X_test.npy`, ... | (series, steps), or (series, steps, channels) |

The files of all channels have as many rows as that of labels. A folder is given, or the file `X` itself.

N series, T time steps, C channels
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hw3models.data.axes import found_order, ordered
from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.raw import MAX_BYTES, Raw
from hw3models.data.readers.channel_rows import (
    NAMES_OF_LABELS,
    PARQUET,
    FileRows,
    RowLabels,
    labels_in,
    named_codes,
    num_labels,
    num_rows,
    own_names,
    parquet_size,
    read_rows,
)
from hw3models.data.readers.folders import folder_digest
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.gathered import (
    PART_WORDS,
    PARTS,
    Floats,
    Gathered,
    Part,
    examples,
    finish,
    for_model,
    together,
)
from hw3models.data.readers.npy_files import open_npy
from hw3models.data.readers.step_names import steps_of
from hw3models.data.readers.text_tables import SUFFIXES
from hw3models.data.readers.wide_tables import read_head
from hw3models.data.source import COLUMNS, GROUP_COLUMN, Block, Source, Wanted, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, SourceReport

_X = frozenset({"x", "data", "series", "signals", "inputs"})
_Y = frozenset(
    ["y", "label", "labels", "target", "targets", "class", "classes", "activity", "activities", "truth", "groundtruth"]
)
_GROUPS = frozenset(
    [
        "group",
        "groups",
        "subject",
        "subjects",
        "subject_id",
        "subject_ids",
        "user",
        "users",
        "participant",
        "participants",
        "person",
    ]
)
_ABOUT = re.compile(r"readme.*|licen[cs]e.*|features?(_.*)?|.*_info|description|metadata|notes")
_KINDS = (*SUFFIXES, ".npy", PARQUET)
_MOST_FILES = 500
_DEPTH = 3


@dataclass
class _PartFiles:
    """The files of one part of the split."""

    labels: Path | None = None
    groups: dict[str, Path] = field(default_factory=dict)
    channels: dict[str, Path] = field(default_factory=dict)
    twice: bool = False
    """Have two files the same name, or are both labels? Then they are no channels."""


@dataclass
class _Layout:
    """What was found in a folder."""

    folder: Path
    parts: dict[Part, _PartFiles]
    """`train` alone where there are no parts."""
    names: Path | None
    """The table that names labels."""

    @property
    def has_parts(self) -> bool:
        return len(self.parts) > 1

    @property
    def files(self) -> tuple[Path, ...]:
        every = [
            one for part in self.parts.values() for one in (*part.channels.values(), part.labels, *part.groups.values())
        ]
        return tuple(dict.fromkeys(one for one in (*every, self.names) if one is not None))


def _meaning(path: Path, folder: Path) -> tuple[Part | None, str]:
    """The part that a file is of, and the rest of its name: `y_train.txt` is (train, y)."""
    words = [word for word in re.split(r"[_\-. ]+", name_of(path).stem.lower()) if word]
    if len(words) == 1 and (match := re.fullmatch(r"(train|test|val)([xy])|([xy])(train|test|val)", words[0])):
        words = [match[1] or match[4], match[2] or match[3]]
    parts = [PART_WORDS[word] for word in words if word in PART_WORDS]
    rest = "_".join(word for word in words if word not in PART_WORDS)
    above = [name.lower() for name in path.relative_to(folder).parts[:-1]]
    part = parts[0] if parts else next((PART_WORDS[name] for name in above if name in PART_WORDS), None)
    if not rest and (named := [name for name in above if name not in PART_WORDS]):
        rest = "_".join(re.split(r"[_\-. ]+", named[-1]))
    return part, rest


def _files(folder: Path) -> list[Path]:
    """Text files and arrays that may be channels; nothing where there are too many."""
    there = list[Path]()
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = [name for name in folders if depth + 1 < _DEPTH and not name.startswith((".", "__"))]
        seen = (Path(parent) / name for name in files if not name.startswith((".", "~$")))
        there += [path for path in seen if name_of(path).suffix in _KINDS]
        if len(there) > _MOST_FILES:
            return []
    return sorted(there)


def _look(source: str) -> _Layout | None:
    """The channels and labels of a folder, or those beside the file X; None where it is something else."""
    path = path_of(source)
    alone = not path.is_dir()
    folder = path.parent if alone else path
    if alone and (not path.is_file() or _meaning(path, folder)[1] not in _X):
        return None
    files = _files(folder) if not alone else [one for one in folder.iterdir() if _goes_with(one, path)]
    found: dict[Part | None, _PartFiles] = {}
    names = None
    for one in files:
        part, rest = _meaning(one, folder)
        own = found.setdefault(part, _PartFiles())
        if rest in NAMES_OF_LABELS:
            names = one
        elif rest in _Y:
            own.twice, own.labels = own.twice or own.labels is not None, one
        elif rest in _GROUPS:
            own.twice, own.groups[rest] = own.twice or rest in own.groups, one
        elif not _ABOUT.fullmatch(rest) or one.suffix.lower() == ".npy":
            name = rest or "x"
            own.twice, own.channels[name] = own.twice or name in own.channels, one
    if alone:
        mine = _meaning(path, folder)[0]
        found = {part: own for part, own in found.items() if (part is None) == (mine is None)}
    parts: dict[Part, _PartFiles] = {part: found[part] for part in PARTS if part in found}
    if "train" not in parts:  # no parts, or a single one that is given alone
        only = [found[None]] if None in found and not parts else list(parts.values())
        parts = {"train": only[0]} if len(only) == 1 else {}
    return _Layout(folder, parts, names) if parts else None


def _goes_with(one: Path, path: Path) -> bool:
    """May `one` belong to the file X: of its kind, and called X, labels or groups?"""
    kinds = {path.suffix.lower()} if path.suffix.lower() in (".npy", PARQUET) else set(SUFFIXES)
    rest = _meaning(one, path.parent)[1]
    same = rest in _X and rest == _meaning(path, path.parent)[1]
    return one.is_file() and name_of(one).suffix in kinds and (same or rest in _Y | _GROUPS | NAMES_OF_LABELS)


def _matches(source: str) -> bool:
    """Has each part labels and channels, with as many rows?"""
    layout = _look(source)
    if layout is None:
        return False
    for name, part in layout.parts.items():
        if part.twice or not part.channels or (part.labels is None and name == "train"):
            return False
        if part.labels is None:
            continue  # others keep the labels: it is left for prediction
        if set(part.channels) == {"x"}:
            continue  # X and y: where they do not fit, that is said
        try:
            rows = num_labels(part.labels)
            own = [num_rows(one) for one in part.channels.values()]
        except (DataError, OSError):
            return False
        # A header more or less: of the labels, or of the channels. A table about the files is a manifest.
        if max(own) - min(own) > 1 or any(abs(rows - one) > 1 for one in own) or _is_about_files(part):
            return False
    return True


def _is_about_files(part: _PartFiles) -> bool:
    """Does the table of labels name the other files?"""
    assert part.labels is not None
    if part.labels.suffix.lower() in (".npy", PARQUET):
        return False
    names = {name for one in part.channels.values() for name in (one.name, name_of(one).stem)}
    head = read_head(part.labels)
    return any(cell.rpartition("/")[2] in names for row in (head.first, *head.rows) for cell in row[:2])


def gather_channels(source: str, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of all parts.

    Raises:
        DataError: all faults together: files of several sizes, or labels that do not fit.
    """
    layout = _look(source)
    if layout is None or not all(part.channels for part in layout.parts.values()):
        raise DataError(
            f"{path_of(source)}: no files were found that hold a channel each, a row for each series, such as "
            "train/acc_x_train.txt or X.csv."
        )
    if any(part.twice for part in layout.parts.values()):
        raise DataError(f"{path_of(source)}: two of its files are of one name, or both labels. Put one elsewhere.")
    parts = _parts_read(layout, path_of(source), spec, labelled)
    every, headers = list[Gathered](), dict[str, tuple[str, ...]]()
    for part in parts:
        every.append(_part(layout, part, spec, labelled, every[0] if every else None, headers))
    one = every[0] if len(every) == 1 else together(every, parts)
    one = replace(one, name=layout.folder.absolute().name, where=str(path_of(source)))
    if not labelled:
        return one
    if left := [part for part in layout.parts if part not in parts and layout.parts[part].labels is None]:
        names = few(next(iter(layout.parts[part].channels.values())).name for part in left)
        note = f"{names} has no labels and is not taken as a part: `hw3 predict` takes it."
        one = replace(one, notes=(note, *one.notes))
    return _with_names(layout, one)


def _parts_read(layout: _Layout, path: Path, spec: DataSpec, labelled: bool) -> list[Part]:
    """All parts of a folder, but for those without labels where these are wanted; of a file that is alone its own."""
    if path.is_dir() or (spec.pair and labelled):
        return [part for part, own in layout.parts.items() if part == "train" or own.labels is not None or not labelled]
    return [part for part, own in layout.parts.items() if path in own.channels.values()]


def _part(
    layout: _Layout,
    part: Part,
    spec: DataSpec,
    labelled: bool,
    first: Gathered | None,
    headers: dict[str, tuple[str, ...]],
) -> Gathered:
    """The series of one part, with the channels and steps in the order of the first one, whose `headers` are kept."""
    own = layout.parts[part]
    where = str(layout.folder / part if layout.has_parts else layout.folder)
    files, left = _chosen(own, spec, () if first is None else first.channels, where)
    if (needed := 8 * sum(num_rows(file) * int(np.prod(_width(file))) for file in files.values())) > MAX_BYTES:
        raise DataError(
            f"{where}: {_counted(files)} need {needed / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB. "
            "Name fewer channels: `--feature-columns a,b`."
        )
    read = {name: read_rows(file, spec) for name, file in files.items()}
    sizes = {name: one.values.shape for name, one in read.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{files[name].name} {size}" for name, size in list(sizes.items())[:8])
        raise DataError(f"{where}: the files of channels differ in their rows or steps: {told}. All need the same.")
    num = next(iter(sizes.values()))[0]
    ids = next((one.ids for one in read.values() if one.ids is not None), None)
    steps = (first.steps if first is not None else ()) or next(iter(read.values())).names
    read = {name: _alike(files[name], one, ids, (headers.get(name), steps), where) for name, one in read.items()}
    headers |= {name: one.names for name, one in read.items() if name not in headers}
    series, found_out, how = _series(read, spec, where)
    said = f"{_counted(files)} with a channel each, a row for each series" if len(files) > 1 else how
    labels, groups, told = _about_rows(own, spec, ids, num, where) if labelled else (None, None, "")
    if groups is None and (file := _groups_file(own, spec, where)) is not None:
        groups = _rows_of(file, labels_in(file, spec, num, "group"), ids, where).labels
        told += f", groups in {file.name}"
    if spec.group_column is not None and groups is None:
        raise DataError(
            f"{where}: nothing says `--group-column {spec.group_column}`: neither a column of the labels nor a file "
            "such as subject.txt or groups.npy, a row for each series."
        )
    return Gathered(
        name=layout.folder.name,
        where=where,
        form=f"{said}{told}{left}",
        series=series,
        ids=(ids and own_names(ids)) or [str(number) for number in range(num)],
        labels=labels,
        groups=groups,
        channels=tuple(files) if len(files) > 1 else (),
        steps=next(iter(read.values())).names,
        notes=tuple(dict.fromkeys(note for one in read.values() for note in one.notes)),
        found_out={**found_out, "layout": "channels"},
    )


def _alike(
    file: Path,
    one: FileRows,
    ids: list[str] | None,
    wanted: tuple[tuple[str, ...] | None, tuple[str, ...]],
    where: str,
) -> FileRows:
    """The same with its rows as in `ids` and its columns as `wanted`, where it has names for them: those of the same
    channel in the first part, else those of the first channel.

    Raises:
        DataError: columns of a channel are called otherwise than in the first part.
    """
    if (rows := _order(file, one.ids, ids, where)) is not None:
        one = one._replace(values=one.values[rows])
    steps = wanted[0] or wanted[1]
    if one.names == steps or not one.names or not steps or len(set(steps)) < len(steps):
        return one
    if set(one.names) == set(steps):
        return one._replace(values=one.values[:, [one.names.index(name) for name in steps]], names=steps)
    own, theirs = ([step for _, step in steps_of(names).values()] for names in (one.names, steps))
    if len(own) == len(one.names) == len(set(own)) and set(own) == set(theirs):  # b_1, b_0 beside a_0, a_1
        order = [own.index(step) for step in theirs]
        return one._replace(values=one.values[:, order], names=tuple(one.names[place] for place in order))
    other = next((name for name in one.names if name not in steps), None)
    if wanted[0] is not None and other is not None and set(one.names) & set(steps):
        raise DataError(
            f"{where}: {file.name} has the column {other!r}, which the same channel of the first part has not "
            f"({few(steps)}). Give both the same header, or none."
        )
    return one


def _about_rows(
    own: _PartFiles, spec: DataSpec, ids: list[str] | None, num: int, where: str
) -> tuple[list[str] | None, list[str] | None, str]:
    """Labels and groups of each series, by the table of labels, and how they were found."""
    if own.labels is None:
        raise DataError(
            f"{where}: there is no file of labels, such as y.txt or labels.csv. Write one beside "
            f"{next(iter(own.channels.values())).name}, a label for each of its {num:,} rows."
        )
    found = _rows_of(own.labels, labels_in(own.labels, spec, num), ids, where)
    return found.labels, found.groups, f"; labels in {found.said}"


def _rows_of(file: Path, found: RowLabels, ids: list[str] | None, where: str) -> RowLabels:
    """What a file says of its rows, in the order of the series."""
    if (order := _order(file, found.ids, ids, where)) is None:
        return found
    labels, groups = (one if one is None else [one[row] for row in order] for one in (found.labels, found.groups))
    return found._replace(labels=labels, groups=groups)


def _groups_file(own: _PartFiles, spec: DataSpec, where: str) -> Path | None:
    """The file of groups: the one that was named, or the only one."""
    if spec.group_column in own.groups or len(own.groups) < 2:
        return own.groups.get(spec.group_column or "") or next(iter(own.groups.values()), None)
    names = ", ".join(own.groups)
    raise DataError(f"{where}: there are several files of groups ({names}). Name one: `--group-column NAME`.")


def _counted(files: dict[str, Path]) -> str:
    names = list(files)
    return f"{len(names)} files ({', '.join(names[:8])}{', ...' if len(names) > 8 else ''})"


def _chosen(own: _PartFiles, spec: DataSpec, chosen: tuple[str, ...], where: str) -> tuple[dict[str, Path], str]:
    """The files that are channels, in the order of their names, and what is said of the others.

    Those that were named; else those of training; else those of the commonest width.
    """
    asked = spec.feature_columns or chosen
    if asked:
        missing = [name for name in asked if name not in own.channels]
        raise_faults(
            where,
            [
                f"there is no file of channel {name!r}; there are {', '.join(list(own.channels)[:8])}."
                f"{suggestion(name, list(own.channels))}"
                for name in missing
            ],
        )
        return {name: own.channels[name] for name in asked}, ""
    there = {name: file for name, file in own.channels.items() if name not in spec.ignore_columns}
    if not there:
        raise DataError(f"{where}: no channel is left. All files are ignored.")
    widths = {name: _width(file) for name, file in there.items()}
    counted = Counter(widths.values()).most_common(2)
    if named := [width for name, width in widths.items() if name in _X and counted[0][1] == 1]:
        counted = [(named[0], 1)]
    if len(counted) == 2 and counted[0][1] == counted[1][1]:
        told = ", ".join(f"{there[name].name} {width}" for name, width in list(widths.items())[:8])
        raise DataError(f"{where}: the rows of files differ in length: {told}. Name channels: `--feature-columns a,b`.")
    left = [there[name].name for name in there if widths[name] != counted[0][0]]
    said = f"; {', '.join(left[:8])} has rows of another length and is left out" if left else ""
    return {name: file for name, file in there.items() if widths[name] == counted[0][0]}, said


def _width(file: Path) -> tuple[int, ...]:
    if file.suffix.lower() == ".npy":
        return open_npy(file).shape[1:]
    if file.suffix.lower() == PARQUET:
        return (parquet_size(file)[1],)
    return (len(read_head(file).first),)


def _series(read: dict[str, FileRows], spec: DataSpec, where: str) -> tuple[list[Floats], dict[str, str], str]:
    """(T, C) of each row; what was found out of axes; and how a single file was taken."""
    values = [one.values for one in read.values()]
    if len(values) > 1:
        if values[0].ndim != 2:
            raise DataError(f"{where}: files of channels hold {values[0].shape}; (series, steps) is needed in each.")
        return list(np.stack(values, axis=-1)), {}, ""
    [only], [name] = values, read
    if only.ndim == 2:
        return list(only[:, :, None]), {}, f"{name!r} {only.shape}: a row for each series"
    series = list(ordered(only, spec.axes, f"{where}: {name}"))
    told = {} if spec.axes is not None else found_order([only.shape[1:]] * len(only), series)
    return series, told, f"{name!r} {only.shape}: a series each"


def _order(file: Path, named: list[str] | None, ids: list[str] | None, where: str) -> list[int] | None:
    """The row of the file for each series: by their names where both have the same, else as they stand."""
    if named is None:
        return None
    row = {name: number for number, name in enumerate(named)}
    if ids is not None and len(row) == len(named) and set(ids) == set(named):
        return [row[name] for name in ids]
    if own_names(named) is None:
        return None
    if ids is None or own_names(ids) is None:
        raise DataError(
            f"{where}: {file.name} names its rows ({named[0]!r}, ...), but the series have no names to match "
            "them by. Put both in one order and leave the names out, or name the series as well."
        )
    without = next((name for name in ids if name not in row), named[0])
    raise DataError(f"{where}: {file.name} has no row for series {without!r}, or two of one name. Give one each.")


def _with_names(layout: _Layout, one: Gathered) -> Gathered:
    """The same with names for labels that are numbers, where a table has them."""
    if layout.names is None or one.labels is None or layout.names.suffix.lower() in (".npy", PARQUET):
        return one
    names = named_codes(layout.names, one.labels)
    if names is None:
        return one
    form = f"{one.form}; the names of labels in {layout.names.name}"
    return replace(one, labels=[names[label] for label in one.labels], form=form)


def _fetch(spec: DataSpec, _: object) -> SourceReport:
    layout = _look(spec.source)
    files = () if layout is None else layout.files
    if not files:
        gather_channels(spec.source, spec, True)  # says what is missing
    every = tuple(file.absolute() for file in files)
    return found(spec.source, "sequences", every, folder_digest(every))


def _read(spec: DataSpec, _: SourceReport, __: Path) -> Raw:
    return finish(gather_channels(spec.source, spec, True), spec)


def _unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(gather_channels(spec.source, for_model(spec, wanted), False), spec, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    layout, path = _look(spec.source), path_of(spec.source)
    if layout is None:
        return True
    parts = [own for own in layout.parts.values() if path in own.channels.values()] or list(layout.parts.values())
    return any(part.labels is not None for part in parts)


CHANNELS = Source(
    name="channel-files",
    forms=("FOLDER/",),
    text="that holds a file for each channel (or X), a row for each series, and a file of labels, as UCI HAR; or X.csv "
    "beside y.csv",
    kinds=("sequences",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    digest=folder_digest,
    is_path=True,
    unlabelled=_unlabelled,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    takes=(*COLUMNS, "axes", "layout"),
    layout="channels",
    may_be=lambda source, asked: asked and path_of(source).exists() and _look(source) is not None,
)
