"""Tables that say the classes of a part without folders of classes: `val/val_annotations.txt`, `Test.csv`."""

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

_SUFFIXES = (".csv", ".tsv", ".txt")
_MOST_BYTES = 64 * 2**20
_MOST_TABLES = 20


def labels_listed(
    root: Path, top: str, ways: Sequence[tuple[str, ...]], classes: Collection[str]
) -> tuple[Path, dict[tuple[str, ...], str]] | None:
    """The table in the folder of a part, or beside it, that gives each of its pictures one of the classes.

    None where no table does, or more than one column of it may say them.
    """
    by_name = {way[-1]: way for way in ways}
    if len(by_name) < len(ways):
        return None
    for table in _tables(root, top):
        rows = list(_rows(table))
        named = [at for row in rows[:2] for at, cell in enumerate(row) if _last(cell) in by_name]
        if not named:
            continue
        own = [row for row in rows if len(row) > named[0] and _last(row[named[0]]) in by_name]
        if len(own) != len(ways) or len({_last(row[named[0]]) for row in own}) < len(ways):
            continue
        able = [at for at in range(min(map(len, own))) if all(row[at].strip() in classes for row in own)]
        if len(able) > 1 and len(rows) > len(own):
            able = [at for at in able if at < len(rows[0]) and _is_label(rows[0][at])]
        if len(able) == 1:
            return table, {by_name[_last(row[named[0]])]: row[able[0]].strip() for row in own}
    return None


def _tables(root: Path, top: str) -> Iterator[Path]:
    for folder in (root / top, root):
        here = sorted(one for one in folder.iterdir() if one.suffix.lower() in _SUFFIXES and one.is_file())
        yield from (one for one in here[:_MOST_TABLES] if one.stat().st_size <= _MOST_BYTES)


def _rows(table: Path) -> list[list[str]]:
    try:
        text = table.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    head = text[:4096]
    separator = max("\t,;", key=head.count)
    if separator not in head:
        return [line.rsplit(None, 1) for line in text.splitlines() if line.strip()]
    return [row for row in csv.reader(text.splitlines(), delimiter=separator) if row]


def _last(cell: str) -> str:
    return PurePosixPath(cell.strip().replace("\\", "/")).name


def _is_label(name: str) -> bool:
    from hw3models.data.readers.guessed_columns import likely

    return bool(likely("label_column", [name]))
