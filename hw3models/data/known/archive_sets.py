"""Sets of the UEA and UCR archives by name, `uea:NAME` and `ucr:NAME`: fetched once, kept with their digests.

The archive serves one zip file a set, and states no sums. A zip file that is whole is unpacked into the cache, and the
digests of what came out are kept beside it: damaged files are fetched again, and the same spec gives the same data.
Sets that the package aeon ships are taken from it. (aeon's own downloader keeps no digests, and has one address.)
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw3models.data.known.aeon_sets import shipped_by_aeon
from hw3models.data.raw import Raw
from hw3models.data.readers import arff_files, text_tables, ts_files
from hw3models.data.source import WINDOWS, Fetching, Source, files_of, found
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.runtime.files import write_atomically
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    pass

PREFIXES = ("uea:", "ucr:")
MIRRORS = "HW3_ARCHIVE_MIRRORS"
ADDRESSES = ("https://timeseriesclassification.com/aeon-toolkit/",)
LOCK_SECONDS = 1800.0
_READERS = {".ts": ts_files.TS, ".arff": arff_files.ARFF, ".tsv": text_tables.TEXT, ".txt": text_tables.TEXT}
"""The forms that the archive has had, the best first."""
_MOST_BYTES = 4 * 1024**3
_KEPT = "digests.json"


def set_name(source: str) -> str:
    """`uea:RacketSports` is RacketSports.

    Raises:
        SpecError: it is no name.
    """
    name = source.partition(":")[2].strip()
    if not name or not all(letter.isalnum() or letter in "_-" for letter in name):
        raise SpecError(f"`source`: {source!r} names no set; write uea:NAME or ucr:NAME, such as uea:RacketSports.")
    return name


def fetch_set(name: str, how: Fetching) -> tuple[Path, ...]:
    """The train and the test file of one set; absolute paths.

    Raises:
        DownloadError: no mirror gave the set.
        DataError: the cache cannot be written, or another process holds its lock too long.
    """
    if name in (shipped := shipped_by_aeon()):
        return shipped[name]
    folder = (how.cache / "raw" / "archive" / name).absolute()
    if (files := _kept(folder)) is not None:
        return files
    import filelock

    from hw3models.data.known.download import Patience, Remote, check_mirrors, download

    addresses = check_mirrors(how.mirrors.get("archive", ADDRESSES))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            if (files := _kept(folder)) is not None:  # another process may just have fetched them
                return files
            remote: Remote = Remote(f"{name}.zip", fault=_zip_fault, most_bytes=_MOST_BYTES)
            how.tell(f"downloading {remote.name}")
            archive = folder / remote.name
            download(remote, addresses, archive, Patience(how.timeout), how.tell)
            try:
                return _unpack(archive, name, folder)
            finally:
                archive.unlink()
    except DownloadError as error:
        raise DownloadError(
            f"{name}: {error}. Is the name spelt as in the archive? Set {MIRRORS} to addresses of mirrors (separated "
            f"by spaces), or give the path of {name}_TRAIN.ts, with {name}_TEST.ts beside it."
        ) from error
    except filelock.Timeout as error:
        raise DataError(
            f"{folder}: another process has held the lock for {LOCK_SECONDS / 60:.0f} minutes. Wait for it or end it."
        ) from error
    except OSError as error:
        raise DataError(f"{folder}: the raw data cannot be stored there ({error}). Choose another cache.") from error


def _zip_fault(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        return f"no whole zip file ({error})"
    return None if bad is None else f"{bad} in the zip file is damaged"


def _unpack(path: Path, name: str, folder: Path) -> tuple[Path, ...]:
    """Takes train and test of the best form out, and keeps their digests."""
    with zipfile.ZipFile(path) as archive:
        members = {Path(info.filename).name.lower(): info for info in archive.infolist() if not info.is_dir()}
        for suffix in _READERS:
            wanted = [f"{name}_{part}{suffix}" for part in ("TRAIN", "TEST")]
            if all(one.lower() in members for one in wanted):
                break
        else:
            there = ", ".join(sorted(members)[:10]) or "nothing"
            raise DataError(f"{name}.zip: it has no {name}_TRAIN and {name}_TEST that can be read, but {there}.")
        for one in wanted:
            write_atomically(folder / one, archive.read(members[one.lower()]), is_ours=True)
    digests = {one: hashlib.sha256((folder / one).read_bytes()).hexdigest() for one in wanted}
    write_atomically(folder / _KEPT, json.dumps(digests).encode(), is_ours=True)
    return tuple(folder / one for one in wanted)


def _kept(folder: Path) -> tuple[Path, ...] | None:
    """Files that are there as they were unpacked; None where one is missing or has changed."""
    from hw3models.runtime.file_digests import file_digest

    try:
        digests: dict[str, str] = json.loads((folder / _KEPT).read_text())
        known = [f"{folder.name}_{part}" for part in ("TRAIN", "TEST")]
        if [Path(one).stem for one in digests] != known:
            return None
        if all(file_digest(folder / one) == digest for one, digest in digests.items()):
            return tuple(folder / one for one in digests)
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    return None


def read_set(files: Sequence[Path], spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    """Read a set by the reader of its form."""
    reader = _READERS[files[0].suffix.lower()]
    return reader.read(spec.model_copy(update={"source": str(files[0]), "pair": True}), report, cache)


ARCHIVE = Source(
    name="archive",
    forms=("uea:NAME", "ucr:NAME"),
    text="a set of the UEA or UCR archive, which is downloaded, such as uea:RacketSports",
    kinds=("sequences",),
    matches=lambda source: source.startswith(PREFIXES),
    fetch=lambda spec, how: found(spec.source, "sequences", fetch_set(set_name(spec.source), how)),
    read=lambda spec, report, cache: read_set(files_of(report), spec, report, cache),
    licence="as stated for the data set by the UEA and UCR archive; not checked",
    is_remote=True,
    takes=WINDOWS,
    mirrors=MIRRORS,
)
