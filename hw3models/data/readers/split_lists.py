"""Lists of files that say the parts of a split, as Speech Commands has them: `testing_list.txt`, `validation_list.txt`.

A list stands at the top of a folder of recordings and names a file a line. What stands in none is for training.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hw3models.data.checks import raise_faults
from hw3models.data.readers.forms import name_of
from hw3models.data.readers.gathered import PART_WORDS, Part
from hw3models.data.readers.manifests import About

_SUFFIXES = (".txt", ".lst", ".list", ".csv")
_BESIDE = frozenset({"list", "lists", "files", "filelist", "names", "set", "split", "index", "ids"})
"""Words beside that of the part in the name of a list."""
_HEADS = frozenset({"file", "files", "filename", "file_name", "path", "name"})
_NOISE = re.compile(r"_.+_")
_MOST_BYTES = 256 * 2**20


class SplitList(NamedTuple):
    """A list of files."""

    path: Path
    part: Part
    names: tuple[str, ...]


def found_lists(folder: Path, files: Sequence[Path]) -> list[SplitList]:
    """The lists at the top of a folder whose lines name some of its files, of which each has a name of a part."""
    named = [(path, _part_of(path)) for path in sorted(folder.iterdir())]
    candidates = [(path, part) for path, part in named if part is not None and path.is_file()]
    if not candidates:
        return []
    known = {name for file in files for name in _names(folder, file)}
    found = list[SplitList]()
    for path, part in candidates:
        if path.stat().st_size > _MOST_BYTES:
            continue
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeError):
            continue
        names: tuple[str, ...] = tuple(
            name for line in lines if (name := line.strip().removeprefix("./").replace("\\", "/"))
        )
        names = names[1:] if names and names[0].lower() in _HEADS else names
        if names and not any(name.replace(".", "").isdecimal() for name in names) and known.intersection(names):
            found.append(SplitList(path, part, names))
    return found


def without_noise(folder: Path, files: list[Path]) -> list[Path]:
    """Without recordings in folders such as `_background_noise_`, which are no class."""
    return [file for file in files if not _NOISE.fullmatch(file.relative_to(folder).parts[0])]


def apply_lists(folder: Path, abouts: list[About], lists: list[SplitList]) -> list[str]:
    """Takes the part of each file; what was done, in phrases.

    Raises:
        DataError: a file stands in the lists of two parts, or in none although training has one as well.
    """
    by_name: dict[str, list[About]] = {}
    for about in abouts:
        for name in dict.fromkeys(_names(folder, about.path)):
            by_name.setdefault(name, []).append(about)
    taken: dict[str, SplitList] = {}
    faults, how = list[str](), list[str]()
    for one in lists:
        if twice := next((name for name in one.names if len(by_name.get(name, ())) > 1), None):
            names = " and ".join(about.id for about in by_name[twice][:2])
            faults.append(f"{twice!r} in {one.path.name} may be {names}. Write the path of each file in {folder.name}")
        there = [by_name[name][0] for name in one.names if name in by_name]
        for about in there:
            if (other := taken.setdefault(about.id, one)).part != one.part:
                faults.append(f"{about.id} stands in {other.path.name} and in {one.path.name}; one is needed")
        missing = len(one.names) - len(there)
        more = f" ({missing:,} of its files are not here)" if missing else ""
        how.append(f"{one.path.name} has the {len(there):,} files for {one.part}{more}")
    without = [about.id for about in abouts if about.id not in taken]
    if without and any(one.part == "train" for one in lists):
        faults.append(
            f"{len(without):,} of {len(abouts):,} files stand in none of {', '.join(one.path.name for one in lists)}, "
            f"such as {without[0]}: write them into one, or take the list for training away"
        )
    if left := sorted(path.name for path in folder.iterdir() if path.is_dir() and _NOISE.fullmatch(path.name)):
        how.append(f"{', '.join(left)} left out, which is no class by its name")
    raise_faults(str(folder), faults)
    for about in abouts:
        about.part = taken[about.id].part if about.id in taken else "train"
    return how


def _names(folder: Path, file: Path) -> tuple[str, str, str]:
    """How a line may call a file."""
    return file.relative_to(folder).as_posix(), file.name, name_of(file).stem


def _part_of(path: Path) -> Part | None:
    """The part that a list is of by its name; None where it is not called like a list."""
    named = name_of(path)
    words = [word for word in re.split(r"[_\-. ]+", named.stem.lower()) if word]
    parts = [PART_WORDS[word] for word in words if word in PART_WORDS]
    others = {word for word in words if word not in PART_WORDS}
    return parts[0] if named.suffix in _SUFFIXES and len(parts) == 1 and others <= _BESIDE else None
