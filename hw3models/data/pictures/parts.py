"""Parts of a data set among the outermost folders of its pictures, and the folders of classes within them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from hw3models.data.pictures.listing import PART_OF, Part, part_called, quoted
from hw3models.data.pictures.no_classes import is_no_class, refuse_no_classes
from hw3models.data.pictures.part_lists import labels_listed
from hw3models.errors import DataError

_OF_NO_CLASS = frozenset({"unknown", "unlabeled", "unlabelled", "all", "0"})
"""How a folder is called that is only there because a loader wants one around pictures without a class."""
_NOT_SAID = (
    "unlabeled unlabelled unlabel unsup unsupervised pred preds predict prediction predictions inference infer meta "
    "sample samples example examples demo"
)
_LEFT_OUT = frozenset(_NOT_SAID.split(" "))
"""Words for pictures that nobody said the class of, beside parts."""
Found = tuple[str, ...]
"""The names on the way from the root to a file."""
Read = Callable[[Found], tuple[Part | None, str, Found] | None]
"""The part and class of a picture, and the folders within that of its class; None where it has no class."""


def plain_part(name: str) -> Part | None:
    """The part that a folder is called like: `train`, `Test `."""
    return PART_OF.get(name.strip().lower())


def parts_among(ways: Sequence[Found]) -> dict[str, Part]:
    """The part of each outermost folder that is one; empty where they are classes, or are not understood.

    That is where all are called like parts, or those that are (`train`, or `seg_train` beside `seg_test`) hold the
    classes, and the others are called like pictures without a class.
    """
    tops = {way[0] for way in ways}
    plain = {name: part for name in tops if (part := plain_part(name)) is not None}
    if len(plain) == len(tops):
        return plain
    parts = plain
    if len(plain) < 2:
        called = {name: part_called(name) for name in tops}
        rest = {others for part, others in called.values() if part == "train"}
        parts = {name: part for name, (part, others) in called.items() if part is not None and others in rest}
    known = {way[1] for way in ways if len(way) > 2 and parts.get(way[0]) == "train"}
    if not known or len(set(parts.values())) < max(2, len(parts)):
        return {}
    for name in tops - set(parts):
        inner = {way[1] if len(way) > 2 else "" for way in ways if way[0] == name}
        if len(inner) > 1 or inner & known or not any(word in _LEFT_OUT for word in part_called(name)[1]):
            return {}
    return parts


def parts_first(
    where: Path, ways: Sequence[Found], part_of: dict[str, Part], lists: set[Path]
) -> tuple[Read, list[str]]:
    """How the pictures of parts are read, and notes; the tables that say their classes are added to `lists`.

    Raises:
        DataError: the part for training is missing, or pictures of it have no class.
    """
    by_top: dict[str, list[Found]] = defaultdict(list)
    for way in ways:
        by_top[way[0]].append(way)
    depth = {name: _depth(own) for name, own in by_top.items()}
    known = _classes(where, by_top, part_of, depth)
    notes, listed, left = list[str](), dict[Found, str](), set[Found]()
    for name in sorted(by_top, key=lambda name: (part_of.get(name, "~"), name)):
        own, part = by_top[name], part_of.get(name)
        inner = {way[depth[name]] for way in own if len(way) > depth[name] + 1}
        is_none = len(inner) == 1 and not inner & known and all(map(_is_none, inner))
        without = own if part is None or is_none else [way for way in own if len(way) == 2]
        if not without:
            continue
        what = f"of the {part} part" if part else f"in {quoted(name)}"
        if part is not None and (said := labels_listed(where, name, without, known)) is not None:
            table, labels = said
            listed |= labels
            lists.add(table)
            notes.append(f"{len(without):,} pictures {what} have the class that {table.relative_to(where)} says.")
            continue
        left.update(without)
        lie = (
            f"lie in {quoted(min(inner))}, which is no class of the training part, and"
            if is_none
            else "have no class and"
        )
        notes.append(f"{len(without):,} pictures {what} {lie} are left out: `hw3 predict` takes them.")

    def read(way: Found) -> tuple[Part | None, str, Found] | None:
        if way in left:
            return None
        at = depth[way[0]]
        return (part_of[way[0]], listed[way], ()) if way in listed else (part_of[way[0]], way[at], way[at + 1 : -1])

    return read, notes


def _classes(where: Path, by_top: dict[str, list[Found]], part_of: dict[str, Part], depth: dict[str, int]) -> set[str]:
    """The classes of the part for training."""
    first = [name for name in by_top if part_of.get(name) == "train"]
    if not first:
        there = " and ".join(sorted(set(part_of.values())))
        raise DataError(f"{where}: there is {there}, but no picture in `train`. Name the part for training so.")
    loose = [way for name in first for way in by_top[name] if len(way) == 2]
    if loose:
        raise DataError(
            f"{where / loose[0][0]}: {len(loose):,} pictures have no class, the first is {quoted(loose[0][1])}. Put "
            "those of a class into a folder of its name."
        )
    known = {way[depth[name]] for name in first for way in by_top[name]}
    refuse_no_classes(where / first[0], known)
    return known


def _is_none(name: str) -> bool:
    return is_no_class(name) or name.lower() in _OF_NO_CLASS


def _depth(ways: Sequence[Found]) -> int:
    """Where the folders of classes are: below those that all of a part lies in and that are called like no class."""
    depth = 1
    while all(len(way) > depth + 2 and way[depth] == ways[0][depth] for way in ways):
        name = ways[0][depth]
        if not (is_no_class(name) or part_called(name)[0] is not None or name == ways[0][0]):
            break
        depth += 1
    return depth
