"""A folder of pictures, understood by its names: parts, classes, groups.

| it looks like | means |
|---|---|
| DIR/CLASS/... | the folders below DIR are classes, and what is in them counts at any depth |
| DIR/train/CLASS/..., DIR/val/..., DIR/test/... | parts, then classes |
| DIR/trainingSet/CLASS/..., DIR/testSet/... | the same, where the other words are alike |
| DIR/train/images/CLASS/... | the same: what all of a part lies in is no class |
| DIR/CLASS/train/..., DIR/CLASS/test/... | classes, then parts |
| DIR/NAME/... alone | the same, of DIR/NAME |
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from hw3models.data.file_names import FilePattern, are_people_first, which_is_the_class
from hw3models.data.pictures.decoding import FOREIGN, SUFFIXES
from hw3models.data.pictures.listing import PART_OF, Picture, quoted, raise_all
from hw3models.data.pictures.no_classes import (
    boxes_beside,
    boxes_of,
    masks_among,
    refuse_no_classes,
    versions_among,
)
from hw3models.data.pictures.parts import Found, Read, parts_among, parts_first, plain_part
from hw3models.errors import DataError, SpecError
from hw3models.printable import few

_JUNK = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__macosx", "$recycle.bin", "lost+found"})
_MOST_FILES = 5_000_000
_MOST_OTHERS = 10_000


class Tree:
    """All files below a folder, in the order of their names, and what was passed by."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures: list[Found] = []
        self.folders: set[Found] = set()
        self.others: Counter[str] = Counter()
        """Suffixes of files that are no pictures."""
        self.other_ways: list[Found] = []
        """Where some of them are."""
        self.foreign: list[Found] = []
        self.faults: list[str] = []
        self.lists: set[Path] = set()
        """Tables that say the classes of some pictures, once that was looked for."""
        self._walk(root, (), ())
        self.masks = masks_among(self.pictures)
        """Pictures that mark something in another one: they are none of the examples."""
        self.pictures = sorted(set(self.pictures) - self.masks) if self.masks else sorted(self.pictures)

    def _walk(self, folder: Path, names: Found, above: tuple[tuple[int, int], ...]) -> None:
        try:
            state = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.faults.append(f"the folder {_shown(names)} cannot be read ({error.strerror or error})")
            return
        here = (state.st_dev, state.st_ino)
        if here in above:
            self.faults.append(f"the folder {_shown(names)} is a link to a folder that it is in; remove the link")
            return
        for entry in entries:
            if is_junk(entry.name):
                continue
            way = (*names, entry.name)
            if entry.is_dir():
                self.folders.add(way)
                self._walk(Path(entry.path), way, (*above, here))
            else:
                self._add(entry, way)

    def _add(self, entry: "os.DirEntry[str]", way: Found) -> None:
        suffix = PurePosixPath(entry.name).suffix.lower()
        if suffix in FOREIGN:
            self.foreign.append(way)
        elif suffix not in SUFFIXES:
            self.others[suffix or "no suffix"] += 1
            if len(self.other_ways) < _MOST_OTHERS:
                self.other_ways.append(way)
        elif not entry.is_file():
            what = "is a link to nothing" if entry.is_symlink() else "is no file"
            self.faults.append(f"{_shown(way)} {what}; remove it")
        else:
            self.pictures.append(way)
            if len(self.pictures) > _MOST_FILES:
                raise DataError(f"{self.root}: there are more than {_MOST_FILES:,} pictures. Give a part of them.")


def is_junk(name: str) -> bool:
    """What file managers leave behind, and hidden files."""
    return name.startswith(".") or name.lower() in _JUNK


def has_pictures(folder: Path, most: int = 20_000) -> bool:
    """Is there a picture below the folder, by its suffix? Looks at `most` names."""
    seen = 0
    for _, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        for name in files:
            if not is_junk(name) and Path(name).suffix.lower() in SUFFIXES | FOREIGN:
                return True
            seen += 1
        if seen > most:
            return False
    return False


def labelled(
    tree: Tree, group_from: str | None, pattern: FilePattern | None = None
) -> tuple[list[Picture], list[Found], list[str]]:
    """The pictures with what their folders say, the way to each, and notes; with `pattern` what their names say.

    Raises:
        DataError: no classes are found, or all faults of the tree together.
        SpecError: `group_from` is no regular expression.
    """
    if pattern is not None:
        return _by_names(tree, group_from, pattern)
    _refuse_boxes(tree, boxes_of(tree.root, tree.folders, tree.other_ways))
    base = _base(tree)
    ways = [way[len(base) :] for way in tree.pictures if way[: len(base)] == base]
    read, depth, notes = _understood(tree, base, ways)
    group = group_reader(group_from)
    pictures, kept, faults = [], [], list(tree.faults)
    for way in ways:
        if (said := read(way)) is None:
            continue
        part, label, rest = said
        name = "/".join(way)
        named, fault = group(name, rest)
        faults += [fault] if fault else []
        pictures.append(Picture(name, label, part, named))
        kept.append((*base, *way))
    if len({one.label for one in pictures}) == 1:
        _refuse_boxes(tree, boxes_beside(tree.root, tree.pictures, tree.other_ways))
    faults += _empty_classes(tree, base, depth, ways)
    raise_all(str(tree.root), faults)
    return pictures, kept, [*notes, *_foreign(tree)]


def _refuse_boxes(tree: Tree, boxes: str | None) -> None:
    if boxes is not None:
        raise DataError(
            f"{tree.root}: these pictures have {boxes}: a data set for finding objects, while here each picture has "
            "one class. Put pictures into a folder for each class, or give a table of paths and labels (a CSV with "
            "`path` and `label`)."
        )


def _by_names(tree: Tree, group_from: str | None, pattern: FilePattern) -> tuple[list[Picture], list[Found], list[str]]:
    if "label" not in pattern.fields:
        raise SpecError(
            f"`file_pattern` is {pattern.text!r}; of pictures it names the class: `{{label}}` must be in it."
        )
    group = group_reader(group_from)
    pictures, faults, wrong = [], list(tree.faults), list[str]()
    for way in tree.pictures:
        name = "/".join(way)
        said = pattern.find(name)
        if said is None:
            wrong.append(name)
            continue
        named, fault = group(name, way[:-1])
        faults += [fault] if fault else []
        part = PART_OF.get(said.get("split", "").lower())
        if "split" in said and part is None:
            faults.append(f"{said['split']!r} in {quoted(name)} is no split; train, val or test is needed")
        pictures.append(Picture(name, said["label"], part, said.get("group", named)))
    if wrong:
        faults.append(
            f"{len(wrong):,} of {len(tree.pictures):,} pictures do not fit `--file-pattern {pattern.text}`, such as "
            f"{quoted(wrong[0])}; `*` stands for any text"
        )
    if not tree.pictures:
        faults.append(_nothing(tree))
    raise_all(str(tree.root), faults)
    return pictures, list(tree.pictures), list(_foreign(tree))


def _base(tree: Tree) -> Found:
    """Down as long as there is one folder and nothing beside it."""
    base: Found = ()
    while True:
        below = {way[len(base)] for way in tree.folders if len(way) == len(base) + 1 and way[: len(base)] == base}
        if len(below) != 1 or any(len(way) == len(base) + 1 and way[: len(base)] == base for way in tree.pictures):
            return base
        [name] = below
        deeper = (*base, name)
        if not any(len(way) == len(deeper) + 1 and way[: len(deeper)] == deeper for way in tree.folders):
            return base
        base = deeper


def _understood(tree: Tree, base: Found, ways: list[Found]) -> tuple[Read, int, list[str]]:
    """How these paths are read, how deep the folders of classes lie, and notes.

    Raises:
        DataError: they have no classes.
    """
    where = Path(tree.root, *base)
    if not ways:
        raise DataError(f"{where}: {_nothing(tree)}")
    tops = {way[0] for way in tree_below(tree, base)}
    loose = [way for way in ways if len(way) == 1]
    if not tops:
        _refuse_boxes(tree, boxes_beside(tree.root, tree.pictures, tree.other_ways))
        raise DataError(
            f"{where}: {len(ways):,} pictures lie in one folder, and nothing says their classes. Put those of a class "
            "into a folder of its name, or give a table of paths and labels (a CSV with `path` and `label`)"
            f"{_names_that_begin(loose)}."
        )
    if loose:
        raise DataError(
            f"{where}: {len(loose):,} pictures lie beside the folders of the classes, the first is "
            f"{quoted(loose[0][0])}. Move them into one of the folders, or out of {where.name}."
        )
    if part_of := parts_among(ways):
        read, notes = parts_first(where, ways, part_of, tree.lists)
        return read, 2, notes
    seconds = {way[1] for way in tree_below(tree, base, 2)}
    if seconds and all(map(plain_part, seconds)) and all(len(way) > 2 for way in ways):
        return (lambda way: (PART_OF[way[1].strip().lower()], way[0], way[2:-1])), 1, []
    parts = sorted(name for name in tops if plain_part(name))
    if len(tops) > 1:
        refuse_no_classes(where, tops)
    if len(parts) > 1:
        others = sorted(tops - set(parts))
        raise DataError(
            f"{where}: {few(map(quoted, parts))} are parts of a data set, but {quoted(others[0])} is none"
            f"{f' (and {len(others) - 1} more)' if len(others) > 1 else ''}. Move it away, or into the parts."
        )
    if asked := versions_among(ways):
        raise DataError(f"{where}: {asked}.")
    if are_people_first([way[:-1] for way in ways]):
        raise DataError(f"{where}: {which_is_the_class(ways, ''.join(f'{name}/' for name in base))}.")
    return (lambda way: (None, way[0], way[1:-1])), 1, []


def _names_that_begin(ways: Sequence[Found]) -> str:
    """The pattern of names such as `cat.12.jpg`, where they begin with few words; empty where they do not."""
    for mark in "._-":
        words = Counter(way[0].partition(mark)[0] for way in ways if mark in way[0].rpartition(".")[0])
        if words.total() == len(ways) and 1 < len(words) <= max(2, len(ways) // 10) and all(map(_is_word, words)):
            shown = ", ".join(sorted(words)[:3])
            return f", or `--file-pattern '{{label}}{mark}*'` if names begin with it ({shown})"
    return ""


def _is_word(text: str) -> bool:
    return bool(text) and not text.isdecimal()


def tree_below(tree: Tree, base: Found, depth: int = 1) -> Iterator[Found]:
    """The folders so deep below `base`, named from there."""
    for way in tree.folders:
        if len(way) == len(base) + depth and way[: len(base)] == base:
            yield way[len(base) :]


def _empty_classes(tree: Tree, base: Found, depth: int, ways: list[Found]) -> Iterator[str]:
    """Folders of classes, which lie `depth` deep, without a picture."""
    full = {way[:depth] for way in ways}
    for way in sorted(tree_below(tree, base, depth)):
        if way not in full and (depth == 1 or any(one[:1] == way[:1] for one in full)):
            yield f"the class folder {_shown((*base, *way))} holds no pictures; put some there, or remove it"


def group_reader(group_from: str | None) -> Callable[[str, Found], tuple[str | None, str | None]]:
    """What gives the group of a path, and the folders within that of its class; and the fault where there is none.

    Raises:
        SpecError: no regular expression.
    """
    if group_from is None:
        return lambda _name, _rest: (None, None)
    if group_from == "folder":

        def of_folder(name: str, rest: Found) -> tuple[str | None, str | None]:
            if rest:
                return rest[0], None
            return None, f"{quoted(name)} lies in no folder within that of its class, which `--group-from folder` takes"

        return of_folder
    try:
        pattern = re.compile(group_from)
    except re.error as error:
        raise SpecError(
            f"`group_from` is {group_from!r}, which is neither `folder` nor a regular expression ({error})."
        ) from error

    def of_pattern(name: str, _: Found) -> tuple[str | None, str | None]:
        found = pattern.search(name)
        text = None if found is None else found[1 if pattern.groups else 0]
        return (text, None) if text else (None, f"{quoted(name)} has nothing that `--group-from {group_from}` finds")

    return of_pattern


def passed_by(tree: Tree) -> Iterator[str]:
    """Say which files are no pictures, and which pictures are no examples."""
    if tree.masks:
        yield (
            f"{len(tree.masks):,} pictures are masks of others by their names, such as {_shown(min(tree.masks))}, and "
            "were left out."
        )
    if tree.others:
        kinds = ", ".join(f"{num:,} {suffix}" for suffix, num in tree.others.most_common(5))
        yield f"{tree.others.total():,} other files are not looked at ({kinds})."


def _foreign(tree: Tree) -> Iterator[str]:
    if tree.foreign:
        yield (
            f"{len(tree.foreign):,} pictures are in formats that are not read, such as {_shown(tree.foreign[0])}: "
            "convert them to PNG or JPEG."
        )


def _nothing(tree: Tree) -> str:
    if tree.faults:
        return "; ".join(tree.faults[:5]) + "."
    if tree.foreign:
        return (
            f"all {len(tree.foreign):,} pictures are in formats that are not read, such as "
            f"{_shown(tree.foreign[0])}. Convert them to PNG or JPEG."
        )
    if records := [suffix for suffix in tree.others if suffix.startswith(".tfrec")]:
        return f"there are no pictures, but {records[0]}: records of TensorFlow are not read. Write them as files."
    if tree.others:
        kinds = ", ".join(f"{num:,} {suffix}" for suffix, num in tree.others.most_common(5))
        return f"there are no pictures, but {kinds}. Pictures end with {', '.join(sorted(SUFFIXES)[:6])} and the like."
    return "the folder is empty. Put pictures into it, a folder for each class."


def _shown(way: Found) -> str:
    return quoted("/".join(way)) if way else "itself"
