"""Archives, `.zip` and `.tar`, unpacked once into the cache, by their digest.

Nothing of one is trusted: where there is a name that leads out, a link, a device, an encrypted member, or more than the
disk takes, nothing is unpacked at all.
"""

import hashlib
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from filelock import FileLock

from hw3models.data.checks import raise_faults
from hw3models.errors import DataError
from hw3models.runtime.files import remove, write_atomically

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
MAX_MEMBERS = 5_000_000
MAX_BYTES = 64 * 2**30
MAX_RATIO = 200
"""Times its own size that an archive may become, from 64 MiB on; pictures hardly shrink at all."""
_VERSION = 2
"""Version of how names become files."""
BROKEN = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    size: int
    fault: str
    """Why it must not be unpacked; empty where it may."""
    where: zipfile.ZipInfo | tarfile.TarInfo


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    """The archive, by its suffix; one of `BROKEN` is raised where it is no whole one."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield archive
    else:
        with tarfile.open(path) as tape:
            yield tape


def archived(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[Member]:
    """All but folders and what file managers leave behind; and all that must not be unpacked."""
    from hw3models.data.pictures.trees import is_junk

    for one in _entries(archive):
        is_folder = one.name.endswith("/") if isinstance(one.where, zipfile.ZipInfo) else one.where.isdir()
        if one.fault or not (is_folder or any(is_junk(part) for part in PurePosixPath(one.name).parts)):
            yield one


def _entries(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[Member]:
    if isinstance(archive, zipfile.ZipFile):
        for info in archive.infolist():
            # Some programs of Windows write its own separator.
            yield Member(info.filename.replace("\\", "/"), info.file_size, _fault(info.filename, info), info)
    else:
        for entry in archive:
            yield Member(entry.name, entry.size, _fault(entry.name, entry), entry)


def _fault(name: str, entry: zipfile.ZipInfo | tarfile.TarInfo) -> str:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    is_folder = isinstance(entry, tarfile.TarInfo) and entry.isdir()
    if not parts and (is_folder or name.endswith("/")):
        return ""  # the folder that was packed
    if not parts:
        return f"{name!r} is no name of a file"
    if parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in name:
        return f"{name!r} leads out of the archive"
    if isinstance(entry, zipfile.ZipInfo):
        if stat.S_ISLNK(entry.external_attr >> 16):
            return f"{name!r} is a link"
        return f"{name!r} is encrypted" if entry.flag_bits & 1 else ""
    if entry.issym() or entry.islnk():
        return f"{name!r} is a link"
    return "" if entry.isfile() or entry.isdir() else f"{name!r} is a device, not a file"


def unpacked(path: Path, digest: str, cache: Path) -> Path:
    """The folder with what the archive holds, unpacked now or before.

    Raises:
        DataError: it is damaged, or nothing of it may be unpacked; all reasons together.
    """
    folder = cache / "unpacked" / f"{digest}-{_VERSION}"
    if _is_whole(folder):
        return folder
    temporary = folder.with_name(f".{digest}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{digest}.lock")):
            if not _is_whole(folder):
                for left in (temporary, folder):  # by a command that was killed, or edited
                    remove(left)
                with opened(path) as archive:
                    _unpack(path, archive, temporary)
                temporary.replace(folder)
                write_atomically(_mark(folder), _state(folder).encode(), is_ours=True)
    except BROKEN as error:
        raise DataError(
            f"{path}: cannot be unpacked ({str(error).rstrip('.')}). Is it whole? Fetch it again."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _mark(folder: Path) -> Path:
    """The file that says how the folder was left; written last, so that without it nothing is there."""
    return folder.with_name(f"{folder.name}.state")


def _is_whole(folder: Path) -> bool:
    """Is it there as it was left? Asked of the file system, since it may be of a million pictures."""
    try:
        return _mark(folder).read_text() == _state(folder)
    except (OSError, ValueError):
        return False


def _state(folder: Path) -> str:
    """A digest of all names below the folder, and of what the file system knows of them; links count as links."""
    sha, places = hashlib.sha256(str(folder.is_symlink()).encode()), [folder]
    while places:
        for one in sorted(os.scandir(places.pop()), key=lambda entry: entry.name):
            if one.is_dir(follow_symlinks=False):
                places.append(Path(one.path))
                continue
            known = one.stat(follow_symlinks=False)
            state = (known.st_mode, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
            sha.update(f"{os.path.relpath(one.path, folder)!r}{state}".encode("utf-8", "surrogateescape"))
    return sha.hexdigest()


def _unpack(path: Path, archive: zipfile.ZipFile | tarfile.TarFile, folder: Path) -> None:
    members = list(islice(archived(archive), MAX_MEMBERS + 1))
    faults = [member.fault for member in members if member.fault]
    twice = [name for name, times in Counter(member.name for member in members).items() if times > 1]
    faults += [f"{name!r} is there more than once" for name in twice]
    total, own = sum(member.size for member in members), path.stat().st_size
    free = shutil.disk_usage(folder.parent).free
    if total > min(MAX_BYTES, 0.95 * free):
        faults.append(
            f"it would become {total / 2**30:,.1f} GiB in {folder.parent}; the limit is {MAX_BYTES / 2**30:.0f} GiB, "
            f"and {free / 2**30:,.1f} GiB are free"
        )
    elif total > max(2**26, MAX_RATIO * own):
        faults.append(f"{own:,} bytes would become {total:,}, which no pictures do")
    if len(members) > MAX_MEMBERS:
        faults.append(f"it has more than {MAX_MEMBERS:,} members; give a part of them")
    if not members:
        faults.append("there is no file in it")
    raise_faults(str(path), faults)
    folder.mkdir()
    for member in members:
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with _content(archive, member) as source, target.open("xb") as out:
            shutil.copyfileobj(source, out)


def _content(archive: zipfile.ZipFile | tarfile.TarFile, member: Member) -> IO[bytes]:
    if isinstance(archive, zipfile.ZipFile):
        assert isinstance(member.where, zipfile.ZipInfo)
        return archive.open(member.where)
    assert isinstance(member.where, tarfile.TarInfo)
    content = archive.extractfile(member.where)
    assert content is not None
    return content


def suffixes_of(path: Path) -> set[str]:
    """The suffixes of what an archive holds, in small letters.

    Raises:
        Exception: one of `BROKEN`, where it is no whole archive.
    """
    with opened(path) as archive:
        packed = (".gz", ".bz2", ".xz")
        paths = [PurePosixPath(one.name) for one in archived(archive)]
        return {PurePosixPath(one.stem if one.suffix in packed else one.name).suffix.lower() for one in paths}


def top_of(folder: Path) -> Path:
    """Down as long as there is one folder and nothing beside it."""
    while len(below := list(folder.iterdir())) == 1 and below[0].is_dir():
        folder = below[0]
    return folder
