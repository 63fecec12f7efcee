"""A `.zip` or `.tar` of pictures, in any of the forms that a folder or a file of them may have.

It is unpacked once, into the cache, by its digest. Nothing of it is trusted: where there is a name that leads out, a
link, a device, an encrypted member, or more than the disk takes, nothing is unpacked at all.
"""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from filelock import FileLock

from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw
from hw3models.data.readers import image_arrays, image_folders, image_tables
from hw3models.data.source import Block, Fetching, Source, Wanted, files_digest, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
MAX_MEMBERS = 5_000_000
MAX_BYTES = 64 * 2**30
MAX_RATIO = 200
"""Times its own size that an archive may become, from 64 MiB on; pictures hardly shrink at all."""
_VERSION = 2
"""Version of how names become files."""
_BROKEN = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)
_INNER = (image_tables.TABLE, image_arrays.NPZ, image_arrays.HDF5, image_folders.FOLDER)


class _Member(NamedTuple):
    """One entry of an archive."""

    name: str
    size: int
    fault: str
    """Why it must not be unpacked; empty where it may."""
    where: zipfile.ZipInfo | tarfile.TarInfo


def _matches(source: str) -> bool:
    path = path_of(source)
    if not path.name.lower().endswith(_SUFFIXES) or not path.is_file():
        return False
    from hw3models.data.pictures.decoding import FOREIGN, SUFFIXES

    known = SUFFIXES | FOREIGN | {".npz", ".h5", ".hdf5", ".parquet"}
    try:
        with _opened(path) as archive:
            members = list(_members(archive))
    except _BROKEN:
        return True  # which is told when it is unpacked
    return not members or any(PurePosixPath(one.name).suffix.lower() in known for one in members)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield archive
    else:
        with tarfile.open(path) as tape:
            yield tape


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    """All but folders and what file managers leave behind; and all that must not be unpacked."""
    from hw3models.data.pictures.trees import is_junk

    for one in _entries(archive):
        is_folder = one.name.endswith("/") if isinstance(one.where, zipfile.ZipInfo) else one.where.isdir()
        if one.fault or not (is_folder or any(is_junk(part) for part in PurePosixPath(one.name).parts)):
            yield one


def _entries(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    if isinstance(archive, zipfile.ZipFile):
        for info in archive.infolist():
            # Some programs of Windows write its own separator.
            yield _Member(info.filename.replace("\\", "/"), info.file_size, _fault(info.filename, info), info)
    else:
        for entry in archive:
            yield _Member(entry.name, entry.size, _fault(entry.name, entry), entry)


def _fault(name: str, entry: zipfile.ZipInfo | tarfile.TarInfo) -> str:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts:
        return ""  # the folder that was packed
    if parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in name:
        return f"{name!r} leads out of the archive"
    if isinstance(entry, zipfile.ZipInfo):
        if stat.S_ISLNK(entry.external_attr >> 16):
            return f"{name!r} is a link"
        return f"{name!r} is encrypted" if entry.flag_bits & 1 else ""
    if entry.issym() or entry.islnk():
        return f"{name!r} is a link"
    return "" if entry.isfile() or entry.isdir() else f"{name!r} is a device, not a file"


def _unpacked(path: Path, digest: str, cache: Path) -> Path:
    """The folder with what the archive holds, unpacked now or before.

    Raises:
        DataError: it is damaged, or nothing of it may be unpacked; all reasons together.
    """
    folder = cache / "unpacked" / f"{digest}-{_VERSION}"
    if folder.is_dir():
        return folder
    temporary = folder.with_name(f".{digest}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{digest}.lock")):
            if not folder.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)  # by a command that was killed
                with _opened(path) as archive:
                    _unpack(path, archive, temporary)
                temporary.replace(folder)
    except _BROKEN as error:
        raise DataError(
            f"{path}: cannot be unpacked ({str(error).rstrip('.')}). Is it whole? Fetch it again."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _unpack(path: Path, archive: zipfile.ZipFile | tarfile.TarFile, folder: Path) -> None:
    members = list(islice(_members(archive), MAX_MEMBERS + 1))
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


def _content(archive: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> IO[bytes]:
    if isinstance(archive, zipfile.ZipFile):
        assert isinstance(member.where, zipfile.ZipInfo)
        return archive.open(member.where)
    assert isinstance(member.where, tarfile.TarInfo)
    content = archive.extractfile(member.where)
    assert content is not None
    return content


def _inner(folder: Path) -> tuple[Source, Path]:
    """What stands in the archive: a table of pictures, one file of arrays, or a folder of pictures."""
    root = folder
    while len(below := list(root.iterdir())) == 1 and below[0].is_dir():
        root = below[0]
    files = sorted(one for one in root.iterdir() if one.is_file())
    for source in _INNER[:-1]:
        matching = [one for one in files if source.matches(str(one))]
        if len(matching) == 1:
            return source, matching[0]
    if image_tables.TABLE.matches(str(root)):
        return image_tables.TABLE, root
    return image_folders.FOLDER, root


@contextmanager
def _inside(spec: DataSpec, digest: str, cache: Path) -> Iterator[tuple[Source, DataSpec]]:
    """The source that the archive holds, and the spec for it. Errors name the archive, not the cache."""
    path = path_of(spec.source)
    folder = _unpacked(path, digest, cache)
    source, inner = _inner(folder)
    try:
        yield source, spec.model_copy(update={"source": str(inner)})
    except DataError as error:
        raise DataError(str(error).replace(str(folder), str(path))) from error


def _fetch(spec: DataSpec, _: Fetching) -> SourceReport:
    return found(spec.source, "images", (path_of(spec.source),))


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    [path] = files_of(report)
    with _inside(spec, report.digest, cache) as (source, inner):
        fetched = source.fetch(inner, Fetching(cache, {}, 0.0, lambda _: None))
        raw = source.read(inner, fetched, cache)
    return replace(raw, name=path.name.split(".")[0])


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            assert source.unlabelled is not None
            yield from source.unlabelled(inner, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
        digest = files_digest((path_of(spec.source),))
        with _inside(spec, digest, Path(folder)) as (source, inner):
            return source.is_labelled(inner)


ARCHIVE = Source(
    name="image-archive",
    forms=(".zip", ".tar"),
    text="any of these forms of pictures, packed; also .tar.gz and the like",
    kinds=("images",),
    matches=_matches,
    fetch=_fetch,
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups="`--group-from folder` or `--group-from PATTERN`",
    takes=("file_pattern",),
    holds_pictures=True,
)
