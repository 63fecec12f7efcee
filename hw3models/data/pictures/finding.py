"""Pictures that a table names otherwise than they are on disk.

| the table has | the picture is |
|---|---|
| `0f3a` | `train/0f3a.png` |
| `C:\\data\\cats\\1.jpg`, `../input/set/cats/1.jpg` | `cats/1.jpg`, where all rows begin with what is left out |
| `IMG_1.JPG`, `1.png`, an accent composed otherwise | `img_1.jpg`, `1.jpg` |
| `1`, `2.0`, as spreadsheets leave `00001` | `00001.png` |
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

from hw3models.data.pictures.decoding import SUFFIXES
from hw3models.data.pictures.listing import part_called
from hw3models.data.pictures.trees import Tree
from hw3models.runtime.files import is_file

_LONGEST, _MOST_FOLDERS, _MOST_LISTED, _LOOKED_AT = 200, 1000, 64, 1000
_Match = Callable[[str, str], bool]


def is_there(folder: Path, name: str) -> bool:
    """Is a picture of that name, which has no suffix, in the folder or in one below it?"""
    if not name or name.startswith("/") or ".." in PurePosixPath(name).parts or len(name) > _LONGEST:
        return False
    try:
        folders = [folder, *(one for one in islice(folder.iterdir(), _MOST_FOLDERS) if one.is_dir())]
        if any((at / f"{name}{suffix}").is_file() for at in folders for suffix in SUFFIXES):
            return True
        few = "/" not in name and len(folders) <= _MOST_LISTED
        stems = [_stems(at, at.stat().st_mtime_ns) for at in folders] if few else []
    except (OSError, ValueError):
        return False
    number = _number(name)
    return any(_folded(name) in one or (number is not None and number in one) for one in stems)


@lru_cache(maxsize=_MOST_LISTED)
def _stems(folder: Path, _: int) -> frozenset[str | int]:
    """Names of the pictures in a folder without their suffixes, folded, and as numbers where they are some."""
    ways = [PurePosixPath(one.name) for one in folder.iterdir()]
    stems = [way.stem for way in ways if way.suffix.lower() in SUFFIXES]
    return frozenset([*map(_folded, stems), *(number for one in stems if (number := _number(one)) is not None)])


class Ways:
    """All pictures below a folder, by what a table may call them."""

    def __init__(self, folder: Path, part: str | None = None) -> None:
        self.folder, self.part = folder, part
        self._by_name = defaultdict[str, list[str]](list)
        self._by_number = defaultdict[int, list[str]](list)
        for found in Tree(folder).pictures:
            way, stem = "/".join(found), PurePosixPath(found[-1]).stem
            for last in {_folded(found[-1]), _folded(stem)}:
                self._by_name[last].append(way)
            if (number := _number(stem)) is not None:
                self._by_number[number].append(way)

    def called(self, name: str) -> tuple[list[str], str]:
        """The pictures that a name may mean, by the strictest way in which it means any, and which way that is."""
        last = name.rpartition("/")[2]
        own = self._by_name.get(_folded(last), [])
        for how, match in _HOWS.items():
            if found := [way for way in own if match(way, name)]:
                return self._of_part(found), how
        suffix = PurePosixPath(last).suffix
        if suffix.lower() in SUFFIXES:
            plain = name[: -len(suffix)]
            stems = self._by_name.get(_folded(last[: -len(suffix)]), [])
            return self._of_part([way for way in stems if _ends_folded(way, plain)]), "with other suffixes"
        number = _number(last)
        if number is None or "/" in name:
            return [], ""
        return self._of_part(self._by_number.get(number, [])), "by their numbers"

    def _of_part(self, ways: list[str]) -> list[str]:
        """Pictures in the folder of the table's own part, where there are several."""
        if len(ways) < 2 or self.part is None:
            return ways
        own = [way for way in ways if self.part in {part_called(name)[0] for name in PurePosixPath(way).parts[:-1]}]
        return own or ways


def found_below(path: Path, given: list[str]) -> tuple[list[str], list[str]]:
    """The one picture below the table's folder that each name means, and how they were found, in a sentence."""
    there = Ways(path.parent, part_called(path.stem)[0])
    given, before = _from_here(path.parent, given, there)
    told = [f"Paths of {path.name} are taken without {before!r}, with which all begin."] if before else []
    if before and all(is_file(path.parent / name) for name in given if name):
        return given, told
    names, hows, elsewhere = list[str](), dict[str, None](), set[str]()
    for name in given:
        found, how = ([], "") if not name or is_file(path.parent / name) else there.called(name)
        if len(found) != 1:
            names.append(name)  # as it is, or what is wrong is said of the name that was given
            continue
        names.append(found[0])
        if how or not found[0].endswith(name):
            hows[how or "with their suffixes"] = None
        if (above := found[0].rpartition("/")[0]) != name.rpartition("/")[0]:
            elsewhere.add(above)
    where = [f"in {', '.join(sorted(elsewhere)[:4])}"] if elsewhere else []
    if where or hows:
        told.append(f"Pictures of {path.name} were found {' '.join([*where, *hows])}.")
    return names, told


def _from_here(folder: Path, given: Sequence[str], there: Ways) -> tuple[list[str], str]:
    """Names without the folders that all begin with, where the pictures are there then; and what was left out."""
    some = [PurePosixPath(name).parts for name in given if name]
    if not some or any(is_file(folder / name) for name in given[:_LOOKED_AT] if name):
        return list(given), ""
    first = some[0]
    for num in range(1, min(map(len, some))):
        if any(parts[num - 1] != first[num - 1] for parts in some):
            break
        if _is_found(folder, first[num:], there) or all(
            _is_found(folder, parts[num:], there) for parts in some[1:_LOOKED_AT]
        ):
            kept = ["/".join(PurePosixPath(name).parts[num:]) for name in given]
            return kept, str(PurePosixPath(*first[:num]))
    return list(given), ""


def _is_found(folder: Path, parts: Sequence[str], there: Ways) -> bool:
    """Is it there by this path, or in another spelling of it?"""
    way = "/".join(parts)
    return is_file(folder / way) or ("/" in way and _folded(way) in map(_folded, there.called(way)[0]))


def _ends(way: str, name: str) -> bool:
    """Does a path end with a name, whose suffix may be missing?"""
    without = way[: -len(PurePosixPath(way).suffix)]
    return any(one == name or one.endswith(f"/{name}") for one in (way, without))


def _ends_folded(way: str, name: str) -> bool:
    return _ends(_folded(way), _folded(name))


_HOWS: dict[str, _Match] = {"": _ends, "in another spelling": _ends_folded}
"""How the end of a path may be the name, the strictest way first."""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _number(name: str) -> int | None:
    """A whole number, as a spreadsheet may have written it: `2.0`."""
    plain = name.removesuffix(".0")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < _LONGEST else None
