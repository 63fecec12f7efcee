"""Which pictures there are, and what is said of each, before one is opened."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hw3models.data.pictures.decoding import Content
from hw3models.errors import DataError

Part = Literal["train", "validation", "test"]
_PARTS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "trn"),
    "validation": ("val", "valid", "validation", "dev", "publictest"),
    "test": ("test", "testing", "eval", "tst", "privatetest"),
}
PART_OF: dict[str, Part] = {word: part for part, words in _PARTS.items() for word in words}
"""How people call the parts of a data set."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
MOST_NAMED = 20
"""Faults that are named one by one; more are counted."""


class Picture(NamedTuple):
    """One picture of a listing."""

    name: str
    """Its path within the data, with `/`."""
    label: str
    part: Part | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Pictures in their order, and how to come by their content."""

    name: str
    where: str
    """What messages begin with."""
    pictures: tuple[Picture, ...]
    contents: Callable[[], Iterator[Content]]
    """The content of each picture, in the same order; asked for twice, and again when what was kept is lost."""
    digest: str
    """Digest of contents, names, labels, parts and groups."""
    notes: tuple[str, ...] = ()
    """What must be known."""
    understood: tuple[str, ...] = ()


def part_called(name: str) -> tuple[Part | None, tuple[str, ...]]:
    """The part that one word of a name says, and its other words: `trainingSet`, `seg_train`, `Train.csv`."""
    words = [word for word in _WORD.findall(_CAMEL.sub(" ", name).lower()) if word != "set"]
    words = [word.removesuffix("set") if word.removesuffix("set") in PART_OF else word for word in words]
    parts = [PART_OF[word] for word in words if word in PART_OF]
    return (parts[0] if len(parts) == 1 else None), tuple(word for word in words if word not in PART_OF)


def raise_all(where: str, faults: Sequence[str], *, advice: str = "") -> None:
    """Raise one `DataError` that names the first `MOST_NAMED` faults; nothing for an empty list."""
    if not faults:
        return
    more = f"; and {len(faults) - MOST_NAMED:,} more" if len(faults) > MOST_NAMED else ""
    raise DataError(f"{where}: " + "; ".join(fault.rstrip(".") for fault in faults[:MOST_NAMED]) + f"{more}. {advice}")


def class_name_faults(names: Sequence[str]) -> list[str]:
    """Classes that look like one class written in two ways, or that are no text."""
    alike: dict[str, list[str]] = {}
    faults = []
    for name in names:
        if not is_text(name):
            faults.append(f"the class {quoted(name)} is not text in UTF-8; rename it")
        alike.setdefault(_folded(name), []).append(name)
    for same in alike.values():
        if len(same) > 1:
            listed = " and ".join(quoted(name) for name in sorted(same))
            faults.append(f"the classes {listed} differ in {_difference(same)} only; rename or merge them")
    return faults


def _folded(name: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", name).casefold().split())
    try:
        return repr(float(text))
    except ValueError:
        return text


def _difference(names: Sequence[str]) -> str:
    if len({name.strip() for name in names}) < len(names):
        return "spaces"
    if len({name.casefold() for name in names}) < len(names):
        return "case"
    if len({unicodedata.normalize("NFC", name) for name in names}) < len(names):
        return "how accents are composed"
    return "how they are written"


def is_text(name: str) -> bool:
    """Was the name on disk UTF-8? Other bytes come as halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def quoted(name: str) -> str:
    """For messages: what is no text, and what would break the line, escaped."""
    return ascii(name) if not is_text(name) else repr(name)


def plain_name(name: str) -> str:
    """A name that can be written anywhere: what is no text is escaped."""
    return name if is_text(name) else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
