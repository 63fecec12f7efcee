"""Pictures that a table names without their folder or their suffix: `0f3a` is `train/0f3a.png`."""

from collections import defaultdict
from itertools import islice
from pathlib import Path, PurePosixPath

from hw3models.data.pictures.decoding import SUFFIXES
from hw3models.data.pictures.trees import Tree
from hw3models.runtime.files import is_file

_LONGEST, _MOST_FOLDERS = 200, 1000


def is_there(folder: Path, name: str) -> bool:
    """Is a picture of that name, which has no suffix, in the folder or in one below it?"""
    if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or len(name) > _LONGEST:
        return False
    try:
        folders = [folder, *(one for one in islice(folder.iterdir(), _MOST_FOLDERS) if one.is_dir())]
        return any((at / f"{name}{suffix}").is_file() for at in folders for suffix in SUFFIXES)
    except (OSError, ValueError):
        return False


def found_below(path: Path, given: list[str]) -> tuple[list[str], list[str]]:
    """The one picture below the table's folder that each name ends with, with or without its suffix."""
    ways = defaultdict[str, list[str]](list)
    for way in Tree(path.parent).pictures:
        for last in {way[-1], PurePosixPath(way[-1]).stem}:
            ways[last].append("/".join(way))
    names, completed, elsewhere = list[str](), False, set[str]()
    for name in given:
        ends = [way for way in ways.get(name.rpartition("/")[2], ()) if _ends(way, name)]
        if len(ends) != 1 or is_file(path.parent / name):
            names.append(name)  # as it is, or what is wrong is said of the name that was given
            continue
        names.append(ends[0])
        completed |= not ends[0].endswith(name)
        if (before := ends[0].rpartition("/")[0]) != name.rpartition("/")[0]:
            elsewhere.add(before)
    how = [f"in {', '.join(sorted(elsewhere)[:4])}"] if elsewhere else []
    how += ["with their suffixes"] if completed else []
    return names, [f"Pictures of {path.name} were found {' '.join(how)}."] if how else []


def _ends(way: str, name: str) -> bool:
    """Does a path end with a name, whose suffix may be missing?"""
    without = way[: -len(PurePosixPath(way).suffix)]
    return any(one == name or one.endswith(f"/{name}") for one in (way, without))
