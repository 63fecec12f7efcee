"""What the columns of a table of pictures are, beside that of the pictures: label, part, or something not used.

N rows, K classes
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw3models.data.readers.guessed_columns import likely
from hw3models.printable import few

if TYPE_CHECKING:
    import pandas as pd

_OF_PICTURES = frozenset(
    {"dx", "findinglabels", "finding", "breed", "emotion", "digit", "letter", "labelname", "disease"}
)
"""Names of labels beside those that all tables may have."""
_OWNERS = re.compile(
    r"patient|subject|lesion|person|participant|student|animal|scene|slide|case|video|burst|site", re.I
)
"""Words for whose picture it is."""
_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0, "yes": 1, "no": 0}
_MARKS = ("|", ";", ",", " ")
_BOXES = frozenset({"bbox", "boundingbox", "xmin", "xmax", "x1", "bboxx", "xcenter"})


def found_label(frame: "pd.DataFrame", others: Sequence[str]) -> str | None:
    """The column that can only be the label, where none is called `label`: by its name, or as the only one."""
    usual = likely("label_column", others)
    plain = {name: "".join(filter(str.isalnum, name.lower())) for name in others}
    called = usual if len(usual) == 1 else [name for name in others if name in usual or plain[name] in _OF_PICTURES]
    if len(called) == 1 and is_likely(frame, called[0]):
        return called[0]
    return others[0] if len(others) == 1 and is_likely(frame, others[0]) else None


def is_likely(frame: "pd.DataFrame", name: str) -> bool:
    """Has it several values, that come again?"""
    return 2 <= int(frame[name].nunique()) <= max(2, len(frame) // 2)


def one_hot(frame: "pd.DataFrame", names: Sequence[str]) -> list[str]:
    """Columns of 0 and 1 of which each row has one 1; empty where they are none."""
    flags = _flags(frame, names)
    if len(flags) < 2 or not len(frame) or not (frame[flags].astype(float).sum(axis=1) == 1).all():
        return []
    return flags


def _flags(frame: "pd.DataFrame", names: Sequence[str]) -> list[str]:
    import pandas as pd

    return [name for name in names if pd.to_numeric(frame[name], errors="coerce").isin([0, 1]).all()]


def why_no_label(frame: "pd.DataFrame", others: Sequence[str]) -> str:
    """Which columns may be the label, or why flags are none; empty where nothing is known."""
    flags = _flags(frame, others)
    if len(flags) > 1 and len(flags) == len(others):
        row = int((frame[flags].astype(float).sum(axis=1) != 1).to_numpy().argmax())
        ones = int(frame[flags].astype(float).sum(axis=1).iloc[row])
        return (
            f" (in {few(flags)} a picture may have several classes: row {row + 1} below the header has {ones} ones, "
            "and here it has one class)"
        )
    able = [name for name in others if is_likely(frame, name)]
    return f" ({few(able)} may be it)" if able else ""


def other_split(frame: "pd.DataFrame", names: Sequence[str]) -> list[str] | None:
    """The part of each row in a column whose every value is one, or in `is_train` or `is_test`; None without one."""
    from hw3models.data.pictures.listing import PART_OF

    if (name := split_column(frame, names)) is not None:
        return [str(value).strip() for value in frame[name]]
    for name in names:
        words = re.sub(r"[^a-z]", "", name.lower())
        part = PART_OF.get(words.removeprefix("is"))
        values = [_FLAGS.get(str(value).strip().lower()) for value in frame[name]]
        if part is None or not words.startswith("is") or None in values or len(set(values)) < 2:
            continue
        other = "test" if part == "train" else "train"
        return [part if value else other for value in values]
    return None


def split_column(frame: "pd.DataFrame", names: Sequence[str]) -> str | None:
    """The column, whatever it is called, whose values are parts, that for training among them."""
    from hw3models.data.pictures.listing import PART_OF

    for name in names:
        parts = {PART_OF.get(str(value).strip().lower()) for value in frame[name].unique()}
        if len(parts) > 1 and "train" in parts and None not in parts:
            return name
    return None


def told_columns(
    path: Path, frame: "pd.DataFrame", others: Sequence[str], said: dict[str, list[str] | None], *, is_numbers: bool
) -> list[str]:
    """What is made of columns that nobody named, and which are not used."""
    told, rest = list[str](), list(others)
    if said["split"] is not None and (split := _same(frame, rest, said["split"])) is not None:
        told.append(f"Parts are in {split!r} of {path.name}.")
        rest.remove(split)
    if rest:
        owners = [name for name in rest if _OWNERS.search(name) and 1 < frame[name].nunique() < len(frame)]
        how = (
            ""
            if said["group"] is not None or not owners
            else f" (`--group-column {shlex.quote(owners[0])}` keeps apart what is of one)"
        )
        told.append(f"Not used of {path.name}: {few(rest)}{how}.")
    if said["label"] is not None and not is_numbers and (one := _put_together(set(said["label"]))):
        told.append(
            f"The label {one[0]!r} is a class of its own, beside {one[1]!r} and {one[2]!r}: a picture has one class."
        )
    return told


def _same(frame: "pd.DataFrame", names: Sequence[str], said: Sequence[str]) -> str | None:
    """The column that was taken as `said`, where it is not called as usual."""
    split = split_column(frame, names)
    if split is not None:
        return split
    return next((name for name in names if other_split(frame, [name]) == list(said)), None)


def _put_together(labels: set[str]) -> tuple[str, str, str] | None:
    """A label that is made of two others."""
    for label in sorted(labels):
        for mark in _MARKS:
            pieces = [piece.strip() for piece in label.split(mark)]
            if len(pieces) > 1 and all(piece in labels for piece in pieces):
                return label, pieces[0], pieces[1]
    return None


def told_rows(name: str, times: int, more: int, columns: Sequence[str]) -> str:
    """What is wrong with several rows of one picture; `more` others have several as well."""
    others = f" and {more:,} more have several rows" if more else ""
    boxes = next((one for one in columns if "".join(filter(str.isalnum, one.lower())) in _BOXES), None)
    why = (
        f"{boxes!r} says that rows are boxes around objects, while here each picture has one class"
        if boxes is not None
        else "a picture has one class here, and several objects, labels or raters in rows of their own are not put "
        "together"
    )
    return f"{name!r} is there {times} times{others}; keep one row of each: {why}"
