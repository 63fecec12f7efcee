"""Tables about the files of a folder: the label, group and split of each, by its path, name or number."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from hw3models.data.checks import suggestion
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.gathered import PART_WORDS, Part
from hw3models.data.source import path_of
from hw3models.errors import DataError, SpecError
from hw3models.printable import few
from hw3models.runtime.files import is_file
from hw3models.specs import DataSpec

RECORDING_NAMES = (
    "file",
    "filename",
    "file_name",
    "path",
    "recording",
    "sequence_id",
    "series",
    "sample",
    "name",
    "id",
)
"""What people call the column that names files or recordings."""
_LABELS = ("label", "class", "class_label", "classlabel", "target", "activity")
_GROUPS, _SPLITS = ("group", "groups"), ("split", "set", "part", "partition")
_MOST_COLUMNS = 100
"""More than that is no manifest."""
_NUMBER = re.compile(r"(\d+)$")


@dataclass
class About:
    """What is known of a file without looking into it."""

    path: Path
    id: str
    """Its path in the folder."""
    label: str | None = None
    group: str | None = None
    part: Part | None = None


@dataclass
class Manifest:
    """Rows about files."""

    path: Path
    keys: list[str]
    columns: dict[str, list[str]]
    used: list[str] = field(default_factory=list)


def found_manifests(folder: Path, files: list[Path], tables: list[Path]) -> tuple[list[Manifest], list[Path]]:
    """The tables that have a row for each file, and those that have not."""
    manifests, left = list[Manifest](), list[Path]()
    for table in tables:
        try:
            manifest = read_manifest(table, files)
            _match(manifest, files, folder)
        except DataError:
            left.append(table)
        else:
            manifests.append(manifest)
    return manifests, left


def manifest_path(folder: Path, name: str) -> Path:
    """The table that was named, here or in the folder.

    Raises:
        SpecError: there is none.
    """
    for path in (path_of(name), folder / name):
        if is_file(path):
            return path
    raise SpecError(f"`manifest`: there is no file {name!r}, neither here nor in {folder}.")


def read_manifest(path: Path, files: list[Path]) -> Manifest:
    """A table about `files`; one whose first row begins with the name of a file has no header."""
    from hw3models.data.readers.wide_tables import read_head, text_frame

    head = read_head(path)
    own = {name for file in files for name in (file.name, name_of(file).stem)}
    head = replace(head, known=head.first[0].rpartition("/")[2] not in own)
    if len(head.first) < 2 or len(head.first) > _MOST_COLUMNS:
        raise DataError(
            f"{path}: a manifest needs a header, a column of files and one of labels; it has {head.first[:5]}."
        )
    table, _ = text_frame(path, head)
    names = [str(name) for name in table.columns]
    key = next((name for name in names if name.lower() in RECORDING_NAMES), names[0])
    columns = {name: table[name].str.strip().tolist() for name in names if name != key}
    return Manifest(path, table[key].str.strip().tolist(), columns)


def _match(manifest: Manifest, files: list[Path], folder: Path) -> dict[Path, int]:
    """The row of each file: by its path, name, name without suffix, or number.

    Raises:
        DataError: a file has none, or several; or two rows are of one file.
    """
    if len(set(manifest.keys)) < len(manifest.keys):
        twice = Counter(manifest.keys).most_common(1)[0][0]
        raise DataError(f"{manifest.path}: {twice!r} is there more than once. Write a row for each file.")
    row = {key: number for number, key in enumerate(manifest.keys)}
    numbered = [(int(key), number) for key, number in row.items() if key.isdecimal()]
    by_number = dict(numbered) if len({key for key, _ in numbered}) == len(numbered) else {}
    for names in (
        lambda file: file.relative_to(folder).as_posix(),
        lambda file: file.name,
        lambda file: name_of(file).stem,
    ):
        if all(names(file) in row for file in files):
            return {file: row[names(file)] for file in files}
    numbers = {file: match[1] for file in files if (match := _NUMBER.search(name_of(file).stem))}
    if len({int(one) for one in numbers.values()}) == len(files) and by_number:
        found = {file: by_number.get(int(one)) for file, one in numbers.items()}
        if (missing := [file for file, number in found.items() if number is None]) == []:
            return {file: number for file, number in found.items() if number is not None}
        raise DataError(f"{manifest.path}: it has no row for {missing[0].name} and {len(missing) - 1:,} other files.")
    without = [file.name for file in files if file.name not in row and name_of(file).stem not in row]
    example = without[0] if without else files[0].name
    raise DataError(
        f"{manifest.path}: it has no row for {len(without):,} of {len(files):,} files, such as {example!r}; its first "
        f"names are {', '.join(map(repr, manifest.keys[:3]))}.{suggestion(example, manifest.keys[:1000])}"
    )


def apply_manifests(folder: Path, abouts: list[About], manifests: list[Manifest], spec: DataSpec) -> list[str]:
    """Takes label, group and split of each file; what was done, in phrases."""
    how, has_label = [], False
    wanted_group = None
    for manifest in manifests:
        rows = _match(manifest, [about.path for about in abouts], folder)
        _check_own_rows(manifest, rows, folder)
        names = list(manifest.columns)
        group = spec.group_column if spec.group_column in names else _called(names, _GROUPS)
        split = _called(names, _SPLITS)
        label = spec.label_column if spec.label_column in names else _called(names, _LABELS)
        others = [name for name in names if name not in {group, split}]
        if label is None and not has_label and len(others) == 1 and spec.label_column == "label":
            label = others[0]
        if has_label and label is not None:
            _check_same_labels(manifest, label, rows, abouts)
        has_label, wanted_group = has_label or label is not None, wanted_group or group
        manifest.used = [name for name in (label, group, split) if name is not None]
        for about in abouts:
            row = rows[about.path]
            # An empty cell says nothing, and the folder is not asked instead.
            about.label = about.label if label is None else manifest.columns[label][row] or None
            about.group = about.group if group is None else manifest.columns[group][row] or None
            about.part = about.part if split is None else _part(manifest, manifest.columns[split][row], about)
        if manifest.used:
            how.append(f"{' and '.join(map(repr, manifest.used))} in {manifest.path.name}")
    if manifests and not has_label and any(about.label is None for about in abouts):
        names = [name for manifest in manifests for name in manifest.columns]
        raise DataError(f"{manifests[0].path}: none of its columns ({few(names)}) is the label. Say `--label-column`.")
    if manifests and spec.group_column is not None and wanted_group is None:
        names = [name for manifest in manifests for name in manifest.columns]
        raise DataError(
            f"{manifests[0].path}: column {spec.group_column!r} (`group_column`) is missing; there are "
            f"{few(names)}.{suggestion(spec.group_column, names)}"
        )
    return how


def _check_own_rows(manifest: Manifest, rows: dict[Path, int], folder: Path) -> None:
    """Has each file a row of its own? Files in several folders may have one name."""
    first: dict[int, Path] = {}
    for file, row in rows.items():
        if (other := first.setdefault(row, file)) != file:
            names = " and ".join(one.relative_to(folder).as_posix() for one in (other, file))
            raise DataError(
                f"{manifest.path}: {manifest.keys[row]!r} may be {names}. Write the path of each file in {folder.name}."
            )


def _check_same_labels(manifest: Manifest, label: str, rows: dict[Path, int], abouts: list[About]) -> None:
    for about in abouts:
        if (value := manifest.columns[label][rows[about.path]]) != (about.label or ""):
            raise DataError(
                f"{manifest.path}: {about.id} is {value!r} in {label!r}, but {about.label!r} in another table. "
                "Name the table of labels: `--manifest NAME`."
            )


def _called(names: list[str], known: tuple[str, ...]) -> str | None:
    own = [name for name in names if name.lower() in known]
    return own[0] if len(own) == 1 else None


def _part(manifest: Manifest, word: str, about: About) -> Part:
    if word.lower() not in PART_WORDS:
        raise DataError(f"{manifest.path}: the split of {about.id} is {word!r}; train, validation or test is needed.")
    return PART_WORDS[word.lower()]


def left_of(manifests: list[Manifest]) -> str:
    """The columns of manifests that nothing was made of, in a phrase."""
    left = [name for one in manifests for name in one.columns if name not in one.used]
    if not left:
        return ""
    are = "is" if len(left) == 1 else "are"
    return f"; {few(map(repr, left))} of the manifest {are} not used (`--group-column` takes one as the group)"
