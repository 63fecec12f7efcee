"""The files of a data set that is known by name: fetched once, checked by the sums that its publisher states."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hw3models.data.source import Fetching
from hw3models.errors import DataError, DownloadError

if TYPE_CHECKING:
    from hw3models.data.known.download import Patience, Remote

LOCK_SECONDS = 1800.0


def fetch_files(
    name: str,
    remotes: "Sequence[Remote]",
    addresses: Sequence[str],
    how: Fetching,
    patience: "Patience",
    *,
    variable: str,
) -> tuple[Path, ...]:
    """The files, whole and right, in `cache`; absolute paths.

    A file that is there is checked before it is trusted. A lock per data set keeps two processes from downloading at
    once; the second finds the files. `variable` is the environment variable with other mirrors.

    Raises:
        DownloadError: no mirror gave a file.
        DataError: the cache cannot be written, or another process holds its lock too long.
    """
    import filelock

    from hw3models.data.known.download import check_mirrors, download

    folder = (how.cache / "raw" / name).absolute()
    files = tuple(folder / remote.name for remote in remotes)
    if not missing(remotes, folder):
        return files  # without the lock, so that a cache that cannot be written to serves as well
    mirrors = check_mirrors(how.mirrors.get(name, addresses))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            for remote in missing(remotes, folder):  # again: another process may just have fetched them
                how.tell(f"downloading {remote.name}")
                download(remote, mirrors, folder / remote.name, patience, how.tell)
    except DownloadError as error:
        raise DownloadError(
            f"{name}: {error}. Set {variable} to addresses of mirrors (separated by spaces), or put "
            f"{', '.join(remote.name for remote in remotes)} into {folder}."
        ) from error
    except filelock.Timeout as error:
        raise DataError(
            f"{folder}: another process has held the lock for {LOCK_SECONDS / 60:.0f} minutes. Wait for it or end it."
        ) from error
    except OSError as error:
        raise DataError(f"{folder}: the raw data cannot be stored there ({error}). Choose another cache.") from error
    return files


def missing(remotes: "Sequence[Remote]", folder: Path) -> "list[Remote]":
    """Files that are not in `folder`, or not with the right content."""
    from hw3models.data.known.download import md5_of

    return [r for r in remotes if not (folder / r.name).is_file() or md5_of(folder / r.name) != r.md5]


def check_files(remotes: "Sequence[Remote]", folder: Path) -> None:
    """Are all files there and right?

    Raises:
        DataError: they are not; all of them are named.
    """
    if bad := missing(remotes, folder):
        names = ", ".join(remote.name for remote in bad)
        raise DataError(f"{folder}: {names} is missing or damaged. Fetch the raw data again.")
