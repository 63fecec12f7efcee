"""Tables that name pictures, a row each: paths in a CSV or Parquet table, or the pictures themselves in Parquet.

| column | holds |
|---|---|
| `path` (or `file`, `image`, `id` ...) | where the picture is, in the table's own folder or below |
| `image`, `{bytes, path}` or bytes | the picture itself, as Hugging Face's data sets have it (Parquet) |
| `label` (`--label-column`) | its class; or a column for each class, with one 1 in each row; or the only other column |
| `split`, or any other name | train, val or test; may be left out |
| `group` (`--group-column`) | whose picture it is; may be left out |
"""

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

from hw3models.data.pictures.finding import Ways, found_below, is_there
from hw3models.data.pictures.no_classes import is_no_class
from hw3models.data.raw import Raw
from hw3models.data.readers.image_columns import (
    found_label,
    one_hot,
    other_split,
    told_columns,
    told_rows,
    why_no_label,
)
from hw3models.data.readers.image_folders import content_digest, picture_blocks
from hw3models.data.readers.image_records import json_rows
from hw3models.data.source import GROUP_COLUMN, Block, Fetching, Source, Wanted, files_digest, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.runtime.file_digests import file_digest
from hw3models.runtime.files import is_file
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

    from hw3models.data.pictures.decoding import Content
    from hw3models.data.pictures.listing import Picture

PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "img_path")
_NAMES = (*PATHS, "id", "image_id", "imageid", "img_id", "image_name", "img_name", "name", "file_id", "fname", "photo")
"""Columns that may name pictures without their suffix or folder: where such a picture is there."""
_PLAIN_NAMES = frozenset(
    {name.replace("_", "") for name in _NAMES} | {"imagefile", "imagefilename", "picture", "photopath"}
)
"""The same as they are compared, so that `Image Path` is one of them."""
_LABELS = ("label", "class", "target", "category", "labels", "y")
_SPLITS = ("split", "part", "subset", "fold_name")
_GROUPS = ("group", "groups")
_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet")
_NOT_READ = (".xlsx", ".xls", ".ods", ".mat", ".json")
"""What may say the classes, and is no table for this reader."""
_FOR_OTHERS = ("submission",)
"""Words in the names of tables that are to be filled in."""


_JSON = (".jsonl", ".json")
_MOST_LOOKED_AT, _ROWS = 1000, 5
_LONGEST = 200
"""Letters of a name that are shown; longer ones are none of a file."""


class _Head(NamedTuple):
    """What the beginning of a table says."""

    columns: tuple[str, ...]
    pictures: str
    """The column of the pictures."""
    encoded: bool
    """Does it hold them, and not their paths?"""
    separator: str = ","
    class_names: tuple[str, ...] = ()
    """Names of the classes where labels are numbers, as Hugging Face keeps them."""
    has_header: bool = True


def _head(path: Path) -> _Head | None:
    """None where it is no table of pictures."""
    return _parquet_head(path) if path.suffix.lower() == ".parquet" else _text_head(path)


def _text_head(path: Path) -> _Head | None:
    from hw3models.data.pictures.decoding import FOREIGN, SUFFIXES

    try:
        with path.open(encoding=_encoding(path), errors="replace", newline="") as file:
            lines = [file.readline(65_536) for _ in range(_ROWS + 1)]
    except OSError:
        return None
    if path.suffix.lower() in _JSON:
        rows, separator = (
            json_rows(path)[:_ROWS] if path.suffix.lower() == ".json" else [_json_row(line) for line in lines],
            "",
        )
        by_name = rows[0] if rows else {}
    else:
        separator = max(",;\t", key=lines[0].count)
        separator = separator if separator in lines[0] else " "
        names, *cells = (_cells(line, separator) for line in lines)
        for column, cell in enumerate(names):
            if _is_picture(path.parent, cell):
                own = [f"column {number}" for number in range(len(names))]
                own[column] = "path"
                if len(names) == 2:
                    own[1 - column] = "label"
                return _Head(tuple(own), "path", encoded=False, separator=separator, has_header=False)
        rows = [dict(zip(names, row, strict=False)) for row in cells]
        by_name = rows[0]
    columns = tuple(by_name)
    for name, value in by_name.items():
        if _may_name(name) and PurePosixPath(value.strip()).suffix.lower() in SUFFIXES | FOREIGN:
            return _Head(columns, name, encoded=False, separator=separator)
    for name in by_name:
        some = {row.get(name, "").strip() for row in rows} if _may_name(name) else set()
        if any(is_there(path.parent, one) for one in some):
            return _Head(columns, name, encoded=False, separator=separator)
    found = next((name for name in by_name if any(_is_picture(path.parent, row.get(name, "")) for row in rows)), None)
    found = found or next((name for name in by_name if _mean_pictures(path, [row.get(name) for row in rows])), None)
    return None if found is None else _Head(columns, found, encoded=False, separator=separator)


def _may_name(column: str) -> bool:
    return "".join(filter(str.isalnum, column.lower())) in _PLAIN_NAMES


def _mean_pictures(path: Path, cells: Sequence[str | None]) -> bool:
    """Are all of them called as pictures are, each otherwise, and is one there under another name?"""
    from hw3models.data.pictures.decoding import SUFFIXES

    names = [cell.strip().replace("\\", "/") for cell in cells if cell]
    called = {name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES}
    if not names or len(called) < len(names):
        return False
    return any(is_file(path.parent / name) for name in found_below(path, names)[0])


def _encoding(path: Path) -> str:
    from hw3models.data.readers.text_files import text_form

    try:
        return text_form(path).encoding
    except (DataError, OSError):
        return "utf-8-sig"


def _told_encoding(path: Path) -> tuple[str, ...]:
    from hw3models.data.readers.text_files import text_form

    if path.suffix.lower() in (".parquet", *_JSON) or _encoding(path) == "utf-8-sig":
        return ()
    return text_form(path).notes


def _is_picture(folder: Path, cell: str) -> bool:
    """Is it the path of a picture that is there, whatever its column is called?"""
    from hw3models.data.pictures.decoding import SUFFIXES

    name = cell.strip().replace("\\", "/")
    if PurePosixPath(name).suffix.lower() not in SUFFIXES:
        return False
    try:
        return (folder / name).is_file() or is_there(folder, name[: -len(PurePosixPath(name).suffix)])
    except (OSError, ValueError):
        return False


def _cells(line: str, separator: str) -> list[str]:
    """Divide one line; where spaces separate, the last one does: names of files may hold some."""
    import csv

    if separator == " ":
        return line.rstrip().rsplit(None, 1)
    return next(csv.reader([line], delimiter=separator), [])


def _json_records(path: Path, lines: Sequence[str]) -> list[dict[str, str]]:
    """Records of the whole file, or one a line."""
    return list(json_rows(path)) if path.suffix.lower() == ".json" else [_json_row(line) for line in lines]


def _json_row(line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in row.items()} if isinstance(row, dict) else {}


def _parquet_head(path: Path) -> _Head | None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from hw3models.data.pictures.decoding import FOREIGN, SUFFIXES

    try:
        with parquet.ParquetFile(path) as file:
            schema, first = file.schema_arrow, dict[str, Any]()
            if any(field.name.lower() in PATHS and _is_text(field.type) for field in schema):
                batch = next(file.iter_batches(1), None)
                first = batch.to_pylist()[0] if batch is not None and len(batch) else {}
    except (OSError, ValueError, pa.ArrowException):
        return None
    names = tuple(schema.names)
    for field in schema:
        kind = field.type
        fields = [kind.field(i).name for i in range(kind.num_fields)] if pa.types.is_struct(kind) else []
        is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        if "bytes" in fields or (is_bytes and field.name.lower() in (*PATHS, "bytes", "image_bytes", "jpg", "png")):
            return _Head(names, field.name, encoded=True, class_names=_hub_classes(schema.metadata))
        suffix = PurePosixPath(str(first.get(field.name, ""))).suffix.lower()
        if field.name.lower() in PATHS and suffix in SUFFIXES | FOREIGN:
            return _Head(names, field.name, encoded=False)
    return None


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _hub_classes(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(next(str_names for one in features.values() if (str_names := one.get("names"))))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return ()


def _shards(path: Path) -> list[Path]:
    """The Parquet files of a folder, or the tables in it; the file alone where it is one."""
    return [path] if path.is_file() else sorted(path.rglob("*.parquet")) or _tables_of(path)


def naming_tables(folder: Path) -> list[Path]:
    """The tables in a folder that name pictures, or in its parts where it has none: one, or one for each part."""
    from hw3models.data.pictures.listing import PART_OF

    try:
        entries = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
        tables = [one for one in entries if one.suffix.lower() in _SUFFIXES[:-1] and one.is_file()]
        folders = [one for one in entries if one.is_dir()]
        if not tables and len(folders) == len(entries) == 1:
            return naming_tables(folders[0])
        if not tables:
            tables = [one for part in folders if part.name.lower() in PART_OF for one in _of_part(part)]
    except OSError:
        return []
    if not 0 < len(tables) <= _MOST_LOOKED_AT:
        return []
    heads = {one: head for one in tables if (head := _text_head(one)) is not None}
    named = [one for one in heads if not any(word in one.stem.lower() for word in _FOR_OTHERS)]
    part_of = {one: PART_OF.get(one.stem.lower()) or PART_OF.get(one.parent.name.lower()) for one in named}
    own = [one for one in named if part_of[one] in (None, "train")]
    if len(own) > 1:
        own = [one for one in own if _has_label(one, heads[one])]
    if len(own) != 1:
        return []
    alike = [one for one in named if heads[one].columns == heads[own[0]].columns and part_of[one] is not None]
    return own if part_of[own[0]] is None else [*own, *(one for one in alike if one not in own)]


def _of_part(part: Path) -> list[Path]:
    """The table in the folder of a part: Hugging Face's `metadata`, or the only one that names pictures."""
    tables = sorted(one for one in part.iterdir() if one.suffix.lower() in _SUFFIXES[:-1] and one.is_file())
    usual = [one for one in tables if one.stem == "metadata"]
    named = usual or [one for one in tables if _text_head(one) is not None]
    return named if usual or len(named) == 1 else []


def _has_label(path: Path, head: _Head) -> bool:
    faults: list[str] = []
    try:
        return _labels(_frame(path, head), DataSpec(source=str(path)), head, faults)[0] is not None and not faults
    except DataError:
        return False


def _tables_of(folder: Path) -> list[Path]:
    """The tables in a folder of pictures whose folders are no classes."""
    from hw3models.data.pictures.trees import Tree, has_pictures, labelled

    if not (named := naming_tables(folder)) or not has_pictures(folder):
        return []
    try:
        pictures, _, _ = labelled(Tree(folder), None)
    except DataError:
        return named
    folders = {one.label for one in pictures}
    return named if len(folders) < 2 or _are_other_classes(named[0], pictures) else []


def _are_other_classes(path: Path, pictures: "Sequence[Picture]") -> bool:
    """Does the table tell pictures of one folder apart, by labels that no folder is called like?"""
    head, faults = _head(path), list[str]()
    assert head is not None
    try:
        frame = _frame(path, head)
        names, _ = _names(path, frame, head)
    except DataError:
        return False
    spec = DataSpec(source=str(path))
    labels, _ = _labels(frame, spec, head, faults)
    others = [str(name) for name in frame.columns if not _is_taken(str(name), spec, head)]
    if labels is None or faults or (_label_column(frame, spec, head)[1] and len(others) > 1):
        return False
    folder_of = {one.name.rpartition("/")[2]: one.label for one in pictures}
    of_folder: dict[str, set[str]] = {}
    for name, label in zip(names, labels, strict=True):
        of_folder.setdefault(folder_of.get(name.rpartition("/")[2], ""), set()).add(label)
    are_classes = 2 * len(set(labels)) <= len(labels)  # not numbers of the pictures
    return are_classes and not set(labels) & set(of_folder) and all(len(own) > 1 for own in of_folder.values())


def doubt_of_folders(root: Path, pictures: "Sequence[Picture]") -> str | None:
    """What to say where a table names the pictures and none of its columns says what their folders say."""
    if len({one.label for one in pictures}) == 1 and not naming_tables(root):
        return _doubt_of_one(root, pictures[0].label)
    for path in naming_tables(root)[:1]:
        head = _head(path)
        assert head is not None
        frame = _frame(path, head)
        names, _ = _names(path, frame, head)
        folder_of = {one.name.rpartition("/")[2]: one.label for one in pictures}
        own = [folder_of.get(name.rpartition("/")[2]) for name in names]
        others = [str(name) for name in frame.columns if not _is_taken(str(name), DataSpec(source=str(path)), head)]
        likely = [name for name in others if 2 <= frame[name].nunique() <= max(2, len(frame) // 2)]
        known = [one is not None for one in own]
        if not likely or sum(known) < 0.9 * len(pictures):
            return None
        if any(
            len(set(zip(frame[name], own, strict=True))) == frame[name].nunique() == len(set(own)) for name in likely
        ):
            return None  # it says the same in other words
        return (
            f"are the folders {', '.join(map(repr, sorted({one.label for one in pictures})[:3]))} classes? {path.name} "
            f"names the pictures, and none of its columns says the same. `hw3 check {path} --label-column NAME` takes "
            f"the class from one of {', '.join(likely[:8])}"
        )
    return None


def _doubt_of_one(root: Path, folder: str) -> str | None:
    """The same where all pictures lie in one folder."""
    there = f"there is one folder of pictures, {folder!r}"
    needed = "A row for each picture is needed, with its path, counted from the table's folder, and its label"
    tables = sorted(one for one in root.glob("*") if one.suffix.lower() in (*_SUFFIXES[:4], *_NOT_READ))
    heads = [one for one in tables if one.suffix.lower() not in _NOT_READ and _text_head(one) is not None]
    if len(heads) > 1:
        return (
            f"{there}, and several tables name them: {few(one.name for one in heads)}. Give the one with the labels, "
            "and the column if need be: `--label-column NAME`"
        )
    for path in tables:
        if path.suffix.lower() in _NOT_READ:
            return f"{there}, and {path.name} beside it is not read. {needed}: save it as a CSV"
        with path.open(encoding=_encoding(path), errors="replace") as file:
            columns = file.readline(200).strip()
        return (
            f"{there}, and {path.name} beside it names none of them in a column (it begins with {columns!r}). {needed}"
        )
    return f"{there}, and nothing says their classes. {needed}" if is_no_class(folder) else None


def _matches(source: str) -> bool:
    path = path_of(source)
    if path.suffix.lower() in _SUFFIXES and path.is_file():
        return _head(path) is not None
    if not path.is_dir():
        return False
    shards = _shards(path)
    head = _head(shards[0]) if shards else None
    return head is not None and (head.encoded or shards[0].suffix.lower() != ".parquet")


def _fetch(spec: DataSpec, _: Fetching) -> SourceReport:
    path = path_of(spec.source)
    files = tuple(_shards(path))
    return found(spec.source, "images", files, _digest(files))


def _digest(files: tuple[Path, ...]) -> str:
    head = _head(files[0])
    if head is None or head.encoded:
        return files_digest(files)
    digests = []
    for path in files:
        if (head := _head(path)) is None:
            return files_digest(files)
        names, _ = _names(path, _frame(path, head), head)
        digests.append(content_digest(path.parent, names, file_digest(path)))
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def _frame(path: Path, head: _Head) -> "pd.DataFrame":
    """All columns but the pictures themselves, as text."""
    import pandas as pd

    more: dict[str, Any] = {}
    try:
        if path.suffix.lower() == ".parquet":
            columns = [name for name in head.columns if not (head.encoded and name == head.pictures)]
            return pd.read_parquet(path, columns=columns)
        if head.separator in {"", " "}:
            lines = [
                line
                for line in path.read_text(_encoding(path)).splitlines()[head.has_header * bool(head.separator) :]
                if line.strip()
            ]
            rows = _json_records(path, lines) if head.separator == "" else [_cells(line, " ") for line in lines]
            return pd.DataFrame(rows, columns=list(head.columns), dtype="str").fillna("")
        if not head.has_header:
            more = {"header": None, "names": list(head.columns)}
        table: pd.DataFrame = pd.read_csv(
            path,
            **more,
            sep=head.separator,
            encoding=_encoding(path),
            dtype="str",
            keep_default_na=False,
            skipinitialspace=True,
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip().rstrip('.')}).") from error
    return table


def _column(frame: "pd.DataFrame", asked: str | None, usual: Sequence[str]) -> str | None:
    if asked is not None and asked in frame.columns:
        return asked
    return next((name for name in frame.columns if str(name).strip().lower() in usual), None)


def _texts(frame: "pd.DataFrame", name: str, head: _Head) -> list[str]:
    values = frame[name]
    if head.class_names and values.dtype.kind in "iu" and values.between(0, len(head.class_names) - 1).all():
        return [head.class_names[value] for value in values]
    texts = ["" if value is None or value != value else str(value).strip() for value in values]  # NaN is not itself
    return [text.removesuffix(".0") for text in texts] if values.dtype.kind == "f" else texts


def _pictures(files: Sequence[Path], spec: DataSpec) -> "tuple[list[Picture], list[str], list[str]]":
    """All rows with what is said of them, notes, and how they were taken.

    Raises:
        DataError: all faults of the table together.
    """
    from hw3models.data.pictures.listing import Picture, raise_all
    from hw3models.data.pictures.trees import group_reader

    group = group_reader(spec.group_from)
    rows: list[Picture] = []
    understood: list[str] = []
    for path in files:
        head = _head(path)
        if head is None:
            raise DataError(f"{path}: it names no pictures, as the files beside it do. Move it away.")
        frame, faults = _frame(path, head), list[str]()
        names, how = _names(path, frame, head)
        understood += how
        said = {what: _said(frame, what, spec, head, faults) for what in ("split", "group")}
        said["label"], how = _labels(frame, spec, head, faults)
        understood += how
        if not faults:
            understood += _told_encoding(path)
            understood += _told_columns(path, frame, spec, head, said)
        shard = path if path != path_of(spec.source) and (len(files) > 1 or head.encoded) else None
        parts = _parts(said["split"], len(frame), shard, faults)
        groups = said["group"]
        if spec.group_from is not None:
            found_groups = [group(name, ()) for name in names]
            faults += [fault for _, fault in found_groups if fault]
            groups = [text or "" for text, _ in found_groups]
        if not head.encoded:
            faults += _path_faults(path.parent, names, head.columns)
        raise_all(str(path), faults)
        assert said["label"] is not None
        some: Sequence[str | None] = groups or [None] * len(names)
        if shard is not None and not head.encoded and path.parent != path_of(spec.source):
            names = [f"{path.parent.name}/{name}" for name in names]
        rows += [Picture(*row) for row in zip(names, said["label"], parts, some, strict=True)]
    if not rows:
        raise DataError(f"{files[0]}: the table has no rows. Write one for each picture.")
    understood += _not_named(path_of(spec.source), files, len(rows))
    kinds = _kinds_of_labels({row.label for row in rows}) if spec.task == "classification" else ()
    return rows, list(kinds), list(dict.fromkeys(understood))


def _told_columns(
    path: Path, frame: "pd.DataFrame", spec: DataSpec, head: _Head, said: dict[str, list[str] | None]
) -> list[str]:
    """What is made of columns that nobody named, and of those that nothing is made of."""
    others = [str(name) for name in frame.columns if not _is_taken(str(name), spec, head)]
    label = _label_column(frame, spec, head)[0]
    taken = {label} if label is not None else set(one_hot(frame, others))
    own = [name for name in others if name not in taken]
    return told_columns(path, frame, own, said, is_numbers=spec.task == "regression")


def _not_named(root: Path, files: Sequence[Path], num: int) -> list[str]:
    """Pictures below a folder that its table does not name."""
    from hw3models.data.pictures.trees import Tree

    if not root.is_dir() or any(path.suffix.lower() == ".parquet" for path in files):
        return []
    more = len(Tree(root).pictures) - num
    names = ", ".join(path.name for path in files)
    return [f"{more:,} pictures that {names} does not name are not looked at."] if more > 0 else []


def _names(path: Path, frame: "pd.DataFrame", head: _Head) -> tuple[list[str], list[str]]:
    """The pictures' names, and how they were found where they are not as the table has them."""
    if head.encoded:
        return [f"{path.name} row {row}" for row in range(len(frame))], []
    given = [str(value).strip().replace("\\", "/") for value in frame[head.pictures]]
    if not given or all(is_file(path.parent / name) for name in given[:_MOST_LOOKED_AT] if name):
        return given, []
    return found_below(path, given)


def _labels(
    frame: "pd.DataFrame", spec: DataSpec, head: _Head, faults: list[str]
) -> tuple[list[str] | None, list[str]]:
    """The classes, and how they were found: in their column, in one for each class, or in the only other one."""
    name, is_found_out = _label_column(frame, spec, head)
    if name is None and spec.label_column == DataSpec().label_column and spec.task != "regression":
        flags = one_hot(frame, [str(one) for one in frame.columns if not _is_taken(str(one), spec, head)])
        if flags:
            texts = frame[flags].astype(float).idxmax(axis=1).map(str).tolist()
            return texts, [
                f"The class is the column with a 1: {', '.join(flags[:8])}{', ...' if len(flags) > 8 else ''}."
            ]
    if name is None or not is_found_out:
        return _said(frame, "label", spec, head, faults), []
    named = spec.model_copy(update={"label_column": name})
    return _said(frame, "label", named, head, faults), [f"Labels are in {name!r} (`--label-column`)."]


def _label_column(frame: "pd.DataFrame", spec: DataSpec, head: _Head) -> tuple[str | None, bool]:
    """The column of labels, and whether nobody named it and it is not called `label` or the like."""
    if (name := _column(frame, spec.label_column, _LABELS)) is not None:
        return name, False
    if spec.label_column != DataSpec().label_column:
        return None, False
    others = [str(name) for name in frame.columns if not _is_taken(str(name), spec, head)]
    if spec.task == "regression":
        return (others[0], True) if len(others) == 1 else (None, False)
    return found_label(frame, others), True


def _found_out(path: Path, spec: DataSpec) -> dict[str, str]:
    """The column of labels, where nobody named it and it is not called as one."""
    head = _head(path)
    if head is None:
        return {}
    name, is_found_out = _label_column(_frame(path, head), spec, head)
    return {"label_column": name} if name is not None and is_found_out else {}


def _names_of(path: Path) -> Sequence[str] | None:
    head = _head(path)
    return None if head is None else head.columns


def _is_taken(name: str, spec: DataSpec, head: _Head) -> bool:
    """Is a column something else than a label?"""
    plain = name.strip().lower()
    return name in (head.pictures, spec.group_column) or plain in (*_SPLITS, *_GROUPS) or plain.startswith("unnamed:")


def _said(frame: "pd.DataFrame", what: str, spec: DataSpec, head: _Head, faults: list[str]) -> list[str] | None:
    """The column as text; None where there is none, which for the label is a fault."""
    asked = {"label": spec.label_column, "split": None, "group": spec.group_column}[what]
    usual = {"label": _LABELS, "split": _SPLITS, "group": () if spec.group_column else _GROUPS}[what]
    name = _column(frame, asked, usual)
    if name is None and what == "split":
        return other_split(frame, [str(one) for one in frame.columns if one not in (head.pictures, spec.label_column)])
    if name is None:
        if what == "label" or asked is not None:
            others = [str(one) for one in frame.columns if not _is_taken(str(one), spec, head)]
            able = why_no_label(frame, others) if what == "label" else ""
            faults.append(
                f"there is no column {asked!r} for the {what}; there are {few(head.columns)}. "
                f"Name it with `--{what}-column`{able}"
            )
        return [""] * len(frame) if what == "label" else None
    texts = _texts(frame, name, head)
    if empty := [row for row, text in enumerate(texts) if not text]:
        faults.append(f"the {what} is empty in {len(empty):,} rows, the first is row {empty[0] + 1} below the header")
    if what == "label" and spec.task == "classification":
        measured = [text for text in texts if _is_fraction(text)]
        if measured and len(measured) > len(texts) / 2:
            faults.append(
                f"the labels are numbers with fractions such as {measured[0]}; classes are needed, or "
                "`--task regression` to predict them"
            )
    return texts


def _is_fraction(text: str) -> bool:
    try:
        return not float(text).is_integer()
    except (ValueError, OverflowError):
        return False


def _parts(said: list[str] | None, num: int, shard: Path | None, faults: list[str]) -> list[Any]:
    """The part of each row; without a column it is in the name of a file of several: `train-00000-of-00004.parquet`."""
    from hw3models.data.pictures.listing import PART_OF

    if said is None:
        words = [] if shard is None else [shard.name.split("-")[0].split(".")[0].lower(), shard.parent.name.lower()]
        return [next((PART_OF[word] for word in words if word in PART_OF), None)] * num
    unknown = [(row, text) for row, text in enumerate(said) if text and text.lower() not in PART_OF]
    if unknown:
        row, text = unknown[0]
        faults.append(f"the split is {text!r} in row {row + 1} below the header; it is train, val or test")
    return [PART_OF.get(text.lower()) for text in said]


def _path_faults(folder: Path, names: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    """Paths that lead nowhere, or out of the table's own folder, or come twice."""
    root, ways = folder.resolve(), None
    for row, name in enumerate(names, 1):
        path = folder / name
        if not name:
            yield f"the path is empty in row {row} below the header"
        elif PureWindowsPath(name).drive or "\0" in name or not path.resolve().is_relative_to(root):
            yield f"{name!r} (row {row}) lies outside {folder}; paths are counted from the table's own folder"
        elif not is_file(path):
            is_folder = len(name) < _LONGEST and path.is_dir()
            ways = ways or Ways(folder)
            several = f"may be {' or '.join(sorted(some)[:3])}" if len(some := ways.called(name)[0]) > 1 else ""
            why = "is a folder" if is_folder else several or "is not there"
            yield f"{name[:_LONGEST]!r} (row {row}) {why}"
    plain = [posixpath.normpath(name) if name else "" for name in names]
    if twice := [(name, times) for name, times in Counter(plain).items() if times > 1 and name]:
        yield told_rows(*twice[0], len(twice) - 1, columns)


def _kinds_of_labels(labels: set[str]) -> Iterator[str]:
    numbers = {label for label in labels if label.lstrip("-").isdecimal()}
    if numbers and numbers != labels:
        words = ", ".join(map(repr, sorted(labels - numbers)[:3]))
        yield f"Some labels are numbers ({', '.join(sorted(numbers)[:3])}) and some are words ({words}): is that meant?"


def _contents(files: Sequence[Path]) -> "Iterator[Content]":
    for path in files:
        head = _head(path)
        assert head is not None
        if head.encoded:
            yield from _encoded(path, head.pictures)
        else:
            yield from (path.parent / name for name in _names(path, _frame(path, head), head)[0])


def _encoded(path: Path, column: str) -> Iterator[bytes]:
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(64, columns=[column]):
                for one in batch.column(0).to_pylist():
                    yield (one.get("bytes") if isinstance(one, dict) else one) or b""
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read to its end ({str(error).strip().rstrip('.')}).") from error


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    return read_tables(files_of(report), spec, cache, name=path_of(spec.source).stem, digest=report.digest)


def read_tables(files: Sequence[Path], spec: DataSpec, cache: Path, *, name: str, digest: str) -> Raw:
    """The pictures of one table, or of several of one data set."""
    from hw3models.data.pictures.listing import Listing
    from hw3models.data.pictures.reading import read_pictures

    pictures, notes, understood = _pictures(files, spec)
    said = hashlib.sha256(repr((digest, pictures)).encode("utf-8", "surrogateescape")).hexdigest()
    listing = Listing(
        name=name,
        where=str(files[0] if len(files) == 1 else files[0].parent),
        pictures=tuple(pictures),
        contents=lambda: _contents(files),
        digest=said,
        notes=tuple(notes),
        understood=tuple(understood),
    )
    return replace(read_pictures(listing, spec, cache), found_out=_found_out(files[0], spec))


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    from hw3models.data.pictures.listing import raise_all

    for path in _shards(path_of(spec.source)):
        if (head := _head(path)) is None:
            continue
        names, _ = _names(path, _frame(path, head), head)
        if not head.encoded:
            raise_all(str(path), list(_path_faults(path.parent, names, head.columns)))
        yield from picture_blocks(str(path), names, _contents([path]), wanted, spec)


def _named(spec: DataSpec) -> tuple[Path, ...]:
    files: dict[Path, None] = {}
    for path in _shards(path_of(spec.source)):
        if (head := _head(path)) is not None and not head.encoded:
            names, _ = _names(path, _frame(path, head), head)
            files |= {path.parent / posixpath.normpath(name): None for name in names if is_file(path.parent / name)}
    return tuple(files)


def _is_labelled(spec: DataSpec) -> bool:
    [path, *_] = _shards(path_of(spec.source))
    head = _head(path)
    if head is None:
        return True
    faults: list[str] = []
    labels, _ = _labels(_frame(path, head), spec, head, faults)
    return labels is not None and not faults


TABLE = Source(
    name="pictures",
    forms=("PICTURES.csv", "PICTURES.parquet"),
    text="a table with the path of a picture and its label in each row, or with the picture itself",
    kinds=("images",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    digest=_digest,
    is_path=True,
    unlabelled=_examples,
    named=_named,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    names=_names_of,
    takes=("pixel_bits",),
    holds_pictures=True,
)
