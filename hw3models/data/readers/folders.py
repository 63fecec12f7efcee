"""A folder of files, one recording or series each: their classes, groups and splits.

Files are text tables, Parquet, or what `recording_files` reads: arrays, sound. Those of one kind are taken.

| label from | such as |
|---|---|
| a manifest | `--manifest labels.csv`, a row for each file: file or number, label, and group and split if there are |
| the file's name | `--file-pattern '{label}_{group}_*.csv'` |
| the folder | `walk/a.csv`, `train/walk/a.csv`, `walk/anna/a.csv` (of the group `anna`) |
| the file | a label a row, for `--window`, or an array `y` |

A manifest that lies in the folder is found: its columns are others, and its first one names the files. What is hidden
is skipped.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hw3models.data.checks import raise_faults
from hw3models.data.file_names import are_people_first, file_pattern, which_is_the_class
from hw3models.data.raw import Raw
from hw3models.data.readers.forms import here, name_of
from hw3models.data.readers.gathered import PART_WORDS, Gathered, examples, finish, for_model, has_labels
from hw3models.data.readers.intervals import Intervals, found_intervals, with_intervals, without_manifest
from hw3models.data.readers.json_files import recording_table
from hw3models.data.readers.manifests import (
    About,
    Manifest,
    apply_manifests,
    found_manifests,
    left_of,
    manifest_path,
    read_manifest,
)
from hw3models.data.readers.recording_files import ARRAYS, LVM, lvm_table, rates_note, read_arrays
from hw3models.data.readers.split_lists import SplitList, apply_lists, found_lists, without_noise
from hw3models.data.readers.text_tables import SUFFIXES
from hw3models.data.source import COLUMNS, GROUP_COLUMN, WINDOWS, Block, Source, Wanted, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.runtime.file_digests import file_digest
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
_MOST_ALIKE = 2
"""Files that do not fit which are named; of more the number is."""
_MOST_LOOKED_AT = 2000
_FILE = "\ue000file"
"""A column of our own."""
_PARQUET = ".parquet"
_JSON = ".json"
_OTHER_KINDS = (*ARRAYS, _PARQUET, LVM, _JSON)
"""Suffixes of files that hold a recording, beside those of text tables."""


def text_files(folder: Path) -> list[Path]:
    """Files that may be tables, in the order of their paths; without what is hidden."""
    return [path for path in _seen_files(folder) if _is_text(path)]


def _seen_files(folder: Path) -> list[Path]:
    """All files in the order of their paths; without what is hidden."""
    there = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        there += [Path(parent) / name for name in files if not name.startswith((".", "~$"))]
    return sorted(there)


def _recording_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files of the commonest kind, which are the recordings; and what is beside files that are no text."""
    there = _seen_files(folder)
    texts = [path for path in there if _is_text(path)]
    kinds = Counter(suffix for path in there if (suffix := path.suffix.lower()) in _OTHER_KINDS)
    if len(kinds) > 1 or kinds[_JSON] <= len(texts):
        del kinds[_JSON]  # it says something about the others
    if not kinds or (texts and kinds.most_common(1)[0][1] < len(texts)):
        return texts, []
    kind = kinds.most_common(1)[0][0]
    others = [path for path in there if path.suffix.lower() in _OTHER_KINDS and path.suffix.lower() != kind]
    return [path for path in there if path.suffix.lower() == kind], [*texts, *others]


def _is_text(path: Path) -> bool:
    return name_of(path).suffix in SUFFIXES and not path.stem.lower().startswith("readme")


def is_folder_of_series(source: str) -> bool:
    """A folder in which files of series are, and no pictures."""
    folder = path_of(source)
    if not folder.is_dir():
        return False
    first = other = None
    for number, path in enumerate(folder.rglob("*")):
        suffix = name_of(path).suffix
        if suffix in _IMAGES and not path.name.startswith("."):
            return False
        if suffix in _OTHER_KINDS and not path.name.startswith(".") and path.is_file():
            other = path
        first = path if first is None and _is_text(path) and path.is_file() else first
        if number > _MOST_LOOKED_AT:
            break
    return other is not None or (first is not None and _is_table(first))


def _is_table(path: Path) -> bool:
    """Has it several cells? Or it cannot be read, which is said later."""
    from hw3models.data.readers.wide_tables import read_head

    try:
        head = read_head(path)
    except DataError:
        return True
    return len(head.first) > 1 or bool(head.rows)


def gather_folder(folder: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The recordings of all files.

    Raises:
        DataError: all faults together: files that do not fit, or of which nothing says the class.
    """
    files, manifests, unused, beside = _divided(folder, spec)
    lists, stretches = beside
    abouts = abouts_of(folder, files)
    how = apply_manifests(folder, abouts, manifests, spec)
    how += apply_pattern(abouts, spec)
    if labelled and not how:
        refuse_people(folder, abouts)
    one = _array_recordings(folder, abouts, spec) if _are_arrays(files) else _recordings(folder, abouts, spec)
    if stretches is not None and labelled:
        one = with_intervals(replace(one, labels=None, row_labels=None), stretches)
    if one.labels is not None and not (manifests or spec.file_pattern):
        for about, label in zip(abouts, one.labels, strict=True):
            about.label = label
        how = [*how, "an array of each file is its label"]
    labels = [about.label for about in abouts]
    named = bool(manifests) or "{label}" in (spec.file_pattern or "")
    by_rows = one.row_labels is not None and (stretches is not None or not named)
    if by_rows and (spec.window is not None or None in labels):
        how = [*how, "labels in the files, a row each" if stretches is None else f"labels in {stretches.path.name}"]
    else:
        by_rows = False
        how = how or [f"the class of a file is the name of its {which_folder(abouts)}"]
        raise_faults(str(folder), class_faults(abouts) if labelled else [])
    how = [*how, *(apply_lists(folder, abouts, lists) if labelled and lists else [])]
    return replace(
        one,
        name=folder.name,
        form=f"{_counted(files)}, one recording each; {'; '.join(how)}{left_of(manifests)}{_unused(unused)}",
        labels=None if by_rows or not labelled else [str(label) for label in labels],
        row_labels=one.row_labels if by_rows and labelled else None,
        parts=all_or_none(folder, [about.part for about in abouts], "split"),
        groups=all_or_none(folder, [about.group for about in abouts], "group") or one.groups,
        channels=one.channels if not all(name.isdecimal() for name in one.channels) else (),
    )


def refuse_people(folder: Path, abouts: list[About]) -> None:
    """Ask which of two levels of folders is the class, where the outer ones are called like people.

    Raises:
        DataError: they are.
    """
    levels = [(about.label, about.group) for about in abouts if about.label and about.group]
    if len(levels) < len(abouts) or not are_people_first(levels):
        return
    before = {Path(about.id).parts[: Path(about.id).parts.index(about.label or "")] for about in abouts}
    fixed = "".join(f"{name}/" for name in min(before)) if len(before) == 1 else "{split}/"
    raise DataError(f"{folder}: {which_is_the_class(levels, fixed)}.")


def which_folder(abouts: list[About]) -> str:
    """How the class is told by folders, in a phrase."""
    if all(about.group for about in abouts):
        return f"outer folder, its group that of the folder within ({abouts[0].group}; `--file-pattern` decides)"
    return "folder"


def _are_arrays(files: list[Path]) -> bool:
    return files[0].suffix.lower() in ARRAYS


def _counted(files: list[Path]) -> str:
    """`120 files` of text, `120 .wav files` of another kind."""
    suffix = files[0].suffix.lower()
    return f"{len(files):,} {f'{suffix} ' * (suffix in _OTHER_KINDS)}files"


def _unused(files: list[Path]) -> str:
    """Tables beside the recordings that say nothing about them."""
    if not files:
        return ""
    more = f" and {len(files) - 3:,} more" if len(files) > 3 else ""
    names = ", ".join(file.name for file in files[:3])
    return f"; {names}{more} not used (`--manifest NAME` takes one as a table about the files)"


def _array_recordings(folder: Path, abouts: list[About], spec: DataSpec) -> Gathered:
    """All files as series, one array or sound each."""
    import numpy as np

    ids = [about.id for about in abouts]
    read = read_arrays(str(folder), [about.path for about in abouts], ids, spec)
    sizes = [None if labels is None else len(labels) for labels in read.labels]
    by_file = all(size == 1 for size in sizes)
    by_row = all(size == len(one) for size, one in zip(sizes, read.series, strict=True))
    note = rates_note(ids, read.rates)
    rates = [rate for rate in read.rates if rate is not None]
    are_timed = len(rates) == len(ids) and (note is None or spec.resample is not None)
    times = [np.arange(len(one)) / rate for one, rate in zip(read.series, rates, strict=True)] if are_timed else None
    said = [one for one in read.times if one is not None]  # by an array of the file, in a unit that nobody said
    return Gathered(
        name=folder.name,
        where=str(folder),
        form="",
        series=read.series,
        ids=ids,
        labels=[str(labels[0]) for labels in read.labels if labels is not None] if by_file else None,
        row_labels=[labels for labels in read.labels if labels is not None] if by_row and not by_file else None,
        groups=all_or_none(folder, list(read.groups), "group"),
        times=said if len(said) == len(ids) else times,
        in_seconds=not said,
        even=not said,
        notes=(note,) if note is not None and not are_timed else (),
        found_out=read.found_out,
        channels=read.channels,
    )


def table_of(path: Path) -> "tuple[pd.DataFrame, list[int], tuple[str, ...]]":
    """One table, the line (or row) of each of its rows, and notes; texts but of Parquet."""
    from hw3models.data.readers.long_tables import parquet_table
    from hw3models.data.readers.wide_tables import read_head, text_frame

    if path.suffix.lower() == LVM:
        return *lvm_table(path), ()
    if path.suffix.lower() in (_PARQUET, _JSON):
        table = parquet_table(path) if path.suffix.lower() == _PARQUET else recording_table(path)
        return table, list(range(len(table))), ()
    head = read_head(path)
    table, lines = text_frame(path, head)
    return table, lines.tolist(), head.form.notes


def _recordings(folder: Path, abouts: list[About], spec: DataSpec) -> Gathered:
    """All files as one table, with a recording for each: the checks of tables see all of them at once."""
    import pandas as pd

    from hw3models.data.readers.recordings import gather_frame, typed

    first = list[str]()
    tables, places, notes, faults = list[pd.DataFrame](), list[tuple[int, int]](), dict[str, None](), list[str]()
    are_texts = abouts[0].path.suffix.lower() not in (_PARQUET, _JSON)
    for number, about in enumerate(abouts):
        table, lines, own_notes = table_of(about.path)
        notes |= dict.fromkeys(own_notes)
        first = first or list(table.columns)
        if set(table.columns) != set(first):
            mine, theirs = (few(columns) for columns in (list(table.columns), first))
            faults.append(f"{about.id} has columns {mine}, but {abouts[0].id} has {theirs}")
        if not len(table):
            faults.append(f"{about.id} has no rows")
        tables.append(table.assign(**{_FILE: about.id}))
        places += [(number, int(line)) for line in lines]
    more = [f"and {len(faults) - _MOST_ALIKE:,} more files do not fit"] if len(faults) > _MOST_ALIKE else []
    raise_faults(str(folder), [*faults[:_MOST_ALIKE], *more])
    whole = pd.concat(tables, ignore_index=True)[[*tables[0].columns]]
    table = typed(whole.drop(columns=_FILE)).assign(**{_FILE: whole[_FILE]}) if are_texts else whole
    own = spec.group_column if spec.group_column in whole.columns else None
    inner = spec.model_copy(update={"sample_column": _FILE, "group_column": own, "layout": "long"})

    def row_name(row: int) -> str:
        number, line = places[row]
        return f"{abouts[number].id} {'line' if are_texts else 'row'} {line}"

    found = gather_frame(table, inner, True, folder, row_name, form="", texts=whole if are_texts else None)
    assert found.ids == [about.id for about in abouts]
    return replace(found, notes=(*notes, *found.notes))


def all_or_none(folder: Path, values: list[Any], what: str) -> list[Any] | None:
    """All or none.

    Raises:
        DataError: some files have one, and others have none.
    """
    if all(value is None for value in values):
        return None
    if None in values:
        raise DataError(f"{folder}: {values.count(None):,} of {len(values):,} files have no {what}. Name it for all.")
    return values


def class_faults(abouts: list[About], what: str = "files", pattern: str = "{label}_*.csv") -> list[str]:
    """Recordings of which nothing says the class."""
    without = [about.id for about in abouts if about.label is None]
    if not without:
        return []
    return [
        f"nothing says the class of {len(without):,} of {len(abouts):,} {what}, such as {without[0]}: put them into a "
        "folder for each class, or say `--manifest labels.csv` (columns file, label), `--file-pattern "
        f"'{pattern}'`, or name "
        "a column of the files (`--label-column`, with `--window` where it changes within a file)"
    ]


def abouts_of(folder: Path, files: list[Path]) -> list[About]:
    """Class, group and part by the folders in which files are."""
    paths = [file.relative_to(folder) for file in files]
    levels = [list(path.parts[:-1]) for path in paths]
    parts = [next((PART_WORDS[n.lower()] for n in names if n.lower() in PART_WORDS), None) for names in levels]
    levels = [[name for name in names if name.lower() not in PART_WORDS] for names in levels]
    while levels and all(names and names[0] == levels[0][0] for names in levels):
        levels = [names[1:] for names in levels]  # a folder around all of them
    return [
        About(
            path=file,
            id=str(path),
            label=names[0] if names else None,
            group=names[1] if len(names) > 1 else None,
            part=part,
        )
        for file, path, names, part in zip(files, paths, levels, parts, strict=True)
    ]


class _Beside(NamedTuple):
    """What stands beside recordings."""

    lists: list[SplitList]
    stretches: Intervals | None

    @property
    def paths(self) -> list[Path]:
        """Files whose content counts."""
        paths = [one.path.absolute() for one in self.lists]
        return paths if self.stretches is None else [*paths, *self.stretches.paths]


def _divided(folder: Path, spec: DataSpec) -> tuple[list[Path], list[Manifest], list[Path], _Beside]:
    """Files of series; manifests, those that were named, else those that are found; what is neither; the rest."""
    files, beside = _recording_files(folder)
    if (stretches := found_intervals(folder, [*files, *beside], spec)) is not None:
        files, beside = ([path for path in some if path.absolute() not in stretches.paths] for some in (files, beside))
        spec = spec.model_copy(update={"manifest": without_manifest(folder, stretches.paths, spec)})
    lists = found_lists(folder, [*files, *beside]) if spec.manifest is None else []
    if lists:
        names = {one.path for one in lists}
        files, beside = ([path for path in some if path not in names] for some in (files, beside))
        files = without_noise(folder, files)
    return *_with_manifests(folder, files, beside, spec), _Beside(lists, stretches)


def _with_manifests(
    folder: Path, files: list[Path], beside: list[Path], spec: DataSpec
) -> tuple[list[Path], list[Manifest], list[Path]]:
    if not files:
        raise DataError(f"{folder}: there are no files such as {few((*SUFFIXES, *_OTHER_KINDS))} in it.")
    if spec.manifest is not None:
        paths = [manifest_path(folder, name.strip()) for name in spec.manifest.split(",")]
        rest = [file for file in files if file.absolute() not in {path.absolute() for path in paths}]
        rest, others, _ = _without_tables(folder, rest)
        return rest, [read_manifest(path, rest) for path in paths], [one.path for one in others]
    if files[0].suffix.lower() in _OTHER_KINDS:
        return files, *found_manifests(folder, files, beside)
    return _without_tables(folder, files)


def _without_tables(folder: Path, files: list[Path]) -> tuple[list[Path], list[Manifest], list[Path]]:
    """Text tables without the few that have other columns and are about the files; all where one of them is not."""
    if not files or files[0].suffix.lower() in _OTHER_KINDS:
        return files, [], []
    heads = {file: _columns(file) for file in files}
    usual = Counter(heads.values()).most_common(1)[0][0]
    others = [file for file in files if heads[file] != usual]
    if not others or len(others) > 8 or len(others) >= len(files) - len(others):
        return files, [], []
    rest = [file for file in files if heads[file] == usual]
    manifests, left = found_manifests(folder, rest, others)
    return (files, [], []) if left else (rest, manifests, [])


def _columns(file: Path) -> tuple[str, ...]:
    from hw3models.data.readers.wide_tables import read_head

    head = read_head(file)
    return tuple(head.first) if head.has_header else (str(len(head.first)),)


def apply_pattern(abouts: list[About], spec: DataSpec) -> list[str]:
    """Takes label, group and split out of the files' names; what was done, in phrases."""
    if spec.file_pattern is None:
        return []
    pattern, wrong = file_pattern(spec.file_pattern), []
    for about in abouts:
        values = pattern.find(about.id)
        if values is None:
            wrong.append(about.id)
            continue
        about.label, about.group = values.get("label", about.label), values.get("group", about.group)
        if "split" in values:
            if values["split"].lower() not in PART_WORDS:
                raise DataError(f"{about.path}: {values['split']!r} is no split; train, validation or test is needed.")
            about.part = PART_WORDS[values["split"].lower()]
    if wrong:
        raise DataError(
            f"{abouts[0].path.parent}: {len(wrong):,} of {len(abouts):,} files do not fit `--file-pattern "
            f"{spec.file_pattern}`, such as {wrong[0]!r}. `*` stands for any text."
        )
    return [f"{', '.join(sorted(pattern.fields))} in the file's name ({spec.file_pattern})"]


def folder_digest(files: tuple[Path, ...]) -> str:
    """sha256 over names and contents: labels may stand in the names.

    Raises:
        DataError: one cannot be read.
    """
    top = Path(os.path.commonpath([file.parent for file in files]))
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.relative_to(top).as_posix().encode("utf-8", "surrogateescape") + b"\0")
        try:
            sha.update(bytes.fromhex(file_digest(file)))
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror}). Fetch the raw data again.") from error
    return sha.hexdigest()[:16]


def _fetch(spec: DataSpec, _: object) -> SourceReport:
    files, manifests, _, beside = _divided(path_of(spec.source), spec)
    every = (*files, *(one.path.absolute() for one in manifests), *beside.paths)
    return found(spec.source, "sequences", every, folder_digest(every))


def _read(spec: DataSpec, _: SourceReport, __: Path) -> Raw:
    return finish(gather_folder(path_of(spec.source), spec, True), spec)


def _unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(gather_folder(path_of(spec.source), for_model(spec, wanted), False), spec, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    return has_labels(lambda labelled: gather_folder(path_of(spec.source), spec, labelled))


FOLDER = Source(
    name="folder",
    forms=("FOLDER/",),
    text="of files, one series or recording each: text, .npy, .npz, .mat, HDF5, .wav, .parquet, .lvm, .json; classes "
    "by folder, name or manifest",
    kinds=("sequences",),
    matches=is_folder_of_series,
    fetch=_fetch,
    read=_read,
    digest=folder_digest,
    is_path=True,
    unlabelled=_unlabelled,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    takes=(*WINDOWS, *COLUMNS, "manifest", "file_pattern", "arrays", "axes"),
)


def _gather_one(path: Path, spec: DataSpec) -> Gathered:
    """The file as a folder with nothing else in it."""
    read = _array_recordings if _are_arrays([path]) else _recordings
    one = read(path.parent, [About(path=path, id=path.name)], spec)
    return replace(one, name=path.stem, where=str(path), labels=None, row_labels=None)


def _refuse_one(spec: DataSpec, *_: object) -> Raw:
    path = here(spec.source, "recording")
    raise DataError(
        f"{path}: it is one recording, and nothing says its class. Put recordings into a folder for each class, such "
        f"as walk/{path.name}, and give the folder above; a model is asked about a single one with `hw3 predict`."
    )


def _one_unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(_gather_one(here(spec.source, "recording"), for_model(spec, wanted)), spec, wanted)


RECORDING = Source(
    name="recording",
    forms=(".wav", LVM),
    text="one recording, for a model that is asked; to be trained on they stand in a folder",
    kinds=("sequences",),
    matches=lambda source: path_of(source).suffix.lower() in (".wav", LVM),
    fetch=lambda spec, _: found(spec.source, "sequences", (here(spec.source, "recording"),)),
    read=_refuse_one,
    is_path=True,
    unlabelled=_one_unlabelled,
    is_labelled=lambda _: False,
    takes=(*WINDOWS, *COLUMNS),
)
