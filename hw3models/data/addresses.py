"""Data that every machine reaches: at an address, or left with MLflow by `hw3 upload`.

Both name the digest of their content, so that every worker has the same data, today and later. What has come is kept
in the cache by that digest, and read as the same files on this machine would be (docs/decisions/0040).
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, files_of, found
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.runtime.file_digests import file_digest
from hw3models.runtime.files import remove
from hw3models.specs import DataSpec, SourceReport

WEB = ("http", "https")
STORES = ("s3", "gs", "az", "abfs")
"""What fsspec reads, each with a package of its own."""
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_MARK = "sha256="
_UPLOAD = re.compile(r"upload:(?P<name>[^/@\0]+)@(?P<digest>[0-9a-f]{16})")
_MOST_BYTES = 64 * 2**30
_BLOCK = 2**20
_LOCK_SECONDS = 1800.0


def is_address(source: str) -> bool:
    """Is it an address on the web or in a store?"""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.lower() in (*WEB, *STORES)


def digest_of(source: str) -> str | None:
    """The digest that an address names; None where it names none."""
    mark = urlsplit(source).fragment
    return mark.removeprefix(_MARK).lower() if mark.startswith(_MARK) else None


def lacks_digest(source: str) -> bool:
    """Is it an address that does not say which content is meant?"""
    return is_address(source) and digest_of(source) is None


def short_name(source: str) -> str:
    """What titles call a source: of an address or an upload the file's name, of others all of it."""
    if is_address(source):
        return Path(unquote(urlsplit(source).path)).name or source
    named = _UPLOAD.fullmatch(source)
    return named["name"] if named else source


def uploads_digest(files: Sequence[Path], root: Path) -> str:
    """The digest that an upload is known by: of the files' content and of their names below `root`."""
    sha = hashlib.sha256()
    for path in sorted(files, key=lambda one: one.relative_to(root).as_posix()):
        sha.update(f"{path.relative_to(root).as_posix()}\0{file_digest(path)}\n".encode())
    return sha.hexdigest()[:16]


def _fetch_address(spec: DataSpec, how: Fetching) -> SourceReport:
    name, digest = _checked(spec.source), digest_of(spec.source)
    if digest is None:
        _refuse_without_digest(spec.source, name, how)
    path = _kept(spec.source, name, str(digest), how)
    return _report(spec, path, (path,), how)


def _refuse_without_digest(source: str, name: str, how: Fetching) -> None:
    """What is there now is fetched all the same: the message then is the source to write."""
    with _locked(how.cache / "raw" / "addresses") as folder:
        part = folder / f".new-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
        part.unlink(missing_ok=True)  # it may be a piece of what was there yesterday
        _bring(source, part, "", how)
        digest = file_digest(part)
        target = folder / digest / name
        target.parent.mkdir(exist_ok=True)
        part.replace(target)
    address = urlsplit(source)._replace(fragment=f"{_MARK}{digest}").geturl()
    raise SpecError(
        f"`source`: {source!r} does not say which content is meant, and what is at an address can change from one "
        f"machine to the next. What is there now is {address!r}: write that."
    )


def _checked(source: str) -> str:
    """Name of the file at the address.

    Raises:
        SpecError: nothing can be fetched from there.
    """
    parts = urlsplit(source)
    name = Path(unquote(parts.path)).name
    if parts.password is not None:
        raise SpecError(
            "`source`: an address with a password in it would stand in logs, in MLflow and in the report. Let the "
            "machines know it otherwise (for a store: its own variables or files), or use `hw3 upload`."
        )
    if not parts.netloc or not name:
        raise SpecError(f"`source`: {source!r} names no file. Write the address of one, such as https://HOST/data.csv.")
    if parts.fragment and not re.fullmatch(rf"{_MARK}[0-9a-fA-F]{{64}}", parts.fragment):
        raise SpecError(
            f"`source`: what stands behind `#` is {parts.fragment!r}; it must be `{_MARK}` and 64 hexadecimal digits. "
            "Leave it out to be told what is there now."
        )
    return name


def _kept(source: str, name: str, digest: str, how: Fetching) -> Path:
    """The file in the cache, whole and right."""
    path = how.cache.absolute() / "raw" / "addresses" / digest / name
    if path.is_file() and file_digest(path) == digest:
        return path
    with _locked(path.parent):
        if not path.is_file() or file_digest(path) != digest:  # another process may just have fetched it
            part = path.with_name(f".{name}.part")
            _bring(source, part, digest, how)
            part.replace(path)
    return path


def _bring(source: str, part: Path, digest: str, how: Fetching) -> None:
    """Fetch the content of the address into `part`; with a digest it is checked."""
    how.tell(f"downloading {urlsplit(source).path.rpartition('/')[2]}")
    address = urlsplit(source)._replace(fragment="").geturl()
    if urlsplit(source).scheme.lower() in WEB:
        _download(address, part, digest, how)
    else:
        _copy(address, part)
    if digest and (now := file_digest(part)) != digest:
        part.unlink()
        raise DataError(_other_content(address, now, digest))


def _download(address: str, part: Path, digest: str, how: Fetching) -> None:
    from hw3models.data.known.download import Patience, Remote, download

    def fault(path: Path) -> str | None:
        now = file_digest(path)
        return None if digest in ("", now) else f"wrong content, sha256 {now} instead of {digest}"

    try:
        remote = Remote("", fault=fault, most_bytes=_MOST_BYTES)
        download(remote, [address], part, Patience(how.timeout), how.tell)
    except DownloadError as error:
        reason = str(error).partition(f"({address}: ")[2].removesuffix(")") or str(error)
        raise DownloadError(f"{address}: {reason}. Is the address right, and can this machine reach it?") from error


def _copy(address: str, part: Path) -> None:
    """Copy a file out of a store."""
    scheme = address.partition("://")[0].lower()
    try:
        import fsspec  # type: ignore[import-untyped]

        with fsspec.open(address, "rb") as there, part.open("wb") as here:
            shutil.copyfileobj(there, here, _BLOCK)
    except ImportError as error:
        raise SpecError(
            f"`source`: {scheme}:// is read by the package {PACKAGES[scheme]}, which is not installed here. Install it "
            f"wherever these data are read{' (the extra `remote`)' if scheme == 's3' else ''}."
        ) from error
    except FileNotFoundError as error:
        raise DataError(f"{address}: there is no such file. Look at bucket and name.") from error
    except Exception as error:  # each store has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DownloadError(
            f"{address}: {reason.rstrip('.')}. Has this machine the store's credentials (its own variables or files)?"
        ) from error


def _other_content(address: str, now: str, digest: str) -> str:
    return (
        f"{address}: the content has sha256 {now}, not {digest}: it is another file by now. Take the digest of now, if "
        "it is the one that you mean."
    )


def _fetch_upload(spec: DataSpec, how: Fetching) -> SourceReport:
    if (named := _UPLOAD.fullmatch(spec.source)) is None:
        raise SpecError(f"`source`: {spec.source!r} is no upload; `hw3 upload FILE` prints how it is written.")
    name, digest = named["name"], named["digest"]
    folder = how.cache.absolute() / "raw" / "uploads" / digest
    path = folder / "files" / name
    if not _is_whole(folder / "files", digest):
        if how.uploads is None:
            raise DataError(f"{spec.source} is not in this machine's cache, and here nobody can ask MLflow for it.")
        with _locked(folder):
            if not _is_whole(folder / "files", digest):
                for left in [one for one in folder.iterdir() if one.name != ".lock"]:
                    remove(left)  # edited, or by a command that was killed
                how.tell(f"downloading {name}, which was uploaded")
                how.uploads(digest, folder / "files")
        if not _is_whole(folder / "files", digest):
            raise DataError(f"{spec.source}: what MLflow has is damaged. Upload it again.")
    return _report(spec, path, files_below(folder / "files"), how)


def files_below(path: Path) -> tuple[Path, ...]:
    """All files of a folder and of those in it; the path itself where it is a file."""
    return tuple(sorted(one for one in path.rglob("*") if one.is_file())) if path.is_dir() else (path,)


def _is_whole(folder: Path, digest: str) -> bool:
    return folder.is_dir() and uploads_digest(files_below(folder), folder) == digest


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """The folder, made, and nobody else in it."""
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock", timeout=_LOCK_SECONDS):
            yield folder
    except filelock.Timeout as error:
        raise DataError(
            f"{folder}: another process has held the lock for 30 minutes. Wait for it or end it."
        ) from error
    except OSError as error:
        raise DataError(f"{folder}: the raw data cannot be stored there ({error}). Choose another cache.") from error


def _report(spec: DataSpec, path: Path, files: Sequence[Path], how: Fetching) -> SourceReport:
    """What the reader of such a file says, under the name that all machines know."""
    with _inside(spec, path) as (source, inner):
        report = source.fetch(inner, how)
        kind = source.kinds[0] if source.kind_of is None else source.kind_of(inner.source)
    return found(spec.source, kind, files).model_copy(update={"notes": report.notes})


@contextmanager
def _inside(spec: DataSpec, path: Path) -> Iterator[tuple[Source, DataSpec]]:
    """The source that the file on this machine is, and the spec for it. Errors name what the user has named."""
    from hw3models.data.sources import check_options, find_source

    try:
        source = find_source(str(path), spec.layout)
        inner = spec.model_copy(update={"source": str(path)})
        check_options(source, inner)
        yield source, inner
    except (DataError, SpecError) as error:
        raise type(error)(str(error).replace(str(path), spec.source)) from error


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    with _inside(spec, _path(report)) as (source, inner):
        fetched = source.fetch(inner, Fetching(cache, {}, 0.0, lambda _: None))
        return source.read(inner, fetched, cache)


def _path(report: SourceReport) -> Path:
    """The file or folder that was named, in this machine's cache."""
    first = files_of(report)[0]
    if (named := _UPLOAD.fullmatch(report.source)) is None:
        return first
    [root] = [one for one in first.parents if one.name == "files" and one.parent.name == named["digest"]]
    return root / named["name"]


@contextmanager
def brought(
    spec: DataSpec,
    *,
    cache: Path,
    timeout: float = 20.0,
    on_progress: Callable[[str], None] | None = None,
    uploads: Callable[[str, Path], None] | None = None,
) -> Iterator[DataSpec]:
    """The spec of the file that an address or an upload became on this machine; others as they are.

    Errors name what the user has named. Arguments are as in `fetch`.

    Raises:
        SpecError: the address does not say which content is meant.
        DataError: what is there is other content.
        DownloadError: nobody gave it.
    """
    from hw3models.data.sources import fetch, match

    source = match(spec.source)
    if source is None or not source.is_own:
        yield spec
        return
    report = fetch(spec, cache=cache, timeout=timeout, on_progress=on_progress, uploads=uploads)
    path = str(_path(report))
    try:
        yield spec.model_copy(update={"source": path})
    except (DataError, SpecError) as error:
        raise type(error)(str(error).replace(path, spec.source)) from error


ADDRESS = Source(
    name="address",
    forms=("https://HOST/FILE#sha256=DIGEST", "s3://BUCKET/FILE#sha256=DIGEST"),
    text="any file of these forms that every machine reaches, with its digest; leave that out to be told it",
    kinds=("sequences", "images"),
    matches=is_address,
    fetch=_fetch_address,
    read=_read,
    is_remote=True,
    is_own=True,
)
UPLOAD = Source(
    name="upload",
    forms=("upload:NAME@DIGEST",),
    text="what `hw3 upload` has left with the MLflow server",
    kinds=("sequences", "images"),
    matches=lambda source: source.startswith("upload:"),
    fetch=_fetch_upload,
    read=_read,
    is_remote=True,
    is_own=True,
)
