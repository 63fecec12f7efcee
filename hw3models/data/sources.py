"""Raw data on this machine: what a `DataSpec` names is found, made or downloaded."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hw3models.data.checks import suggestion
from hw3models.data.known.download import Patience
from hw3models.data.known.synthetic import REGIME_VERSION, REGIMES
from hw3models.data.readers.by_suffix import SUFFIXES, sequence_files
from hw3models.data.readers.npy_files import npy_kind
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.specs import DataSpec, Kind, SourceReport

IMAGE_SETS = ("mnist", "fashion-mnist", "digits")
AUTO_TIMEOUT = 5.0
AUTO_WASTE = 15.0
"""`auto` waits so long for one mirror, and for all that fail together, before it takes the digits."""
AUTO_MIN_RATE = 100 * 1024


def fetch(
    spec: DataSpec,
    *,
    cache: Path,
    mirrors: Mapping[str, Sequence[str]] | None = None,
    timeout: float = 20.0,
    on_progress: Callable[[str], None] | None = None,
) -> SourceReport:
    """Bring the raw data of `spec` to this machine.

    Args:
        spec: its `source` says what to get.
        cache: folder for downloads; made where it does not exist.
        mirrors: `mnist` or `fashion-mnist` -> base addresses that replace torchvision's.
        timeout: seconds for the first byte of a mirror, and for which it may then be silent or slow.
        on_progress: gets a line now and then during a download.

    Raises:
        SpecError: the source or a mirror is not known.
        DataError: a file is not there.
        DownloadError: no mirror gave a whole, correct file.
    """
    tell = on_progress or (lambda _: None)
    mirrors = mirrors or {}
    if unknown := sorted(set(mirrors) - {"mnist", "fashion-mnist"}):
        raise SpecError(f"`mirrors` are for 'mnist' and 'fashion-mnist', got {unknown}.")
    if spec.source == "auto":
        return _fetch_auto(cache, mirrors, timeout, tell)
    if spec.source in ("mnist", "fashion-mnist"):
        return _fetch_images(spec.source, cache, mirrors, Patience(timeout), tell)
    if spec.source == "digits":
        from hw3models.data.known.digits import DIGITS_VERSION

        return _made("digits", "images", DIGITS_VERSION)
    if spec.source.startswith("regime:"):
        _check_regime(spec.source)
        return _made(spec.source, "sequences", REGIME_VERSION)
    _check_looks_like_a_file(spec.source)
    files = sequence_files(spec.source)
    return _files_report(spec.source, npy_kind(files[0]) if files[0].suffix.lower() == ".npy" else "sequences", files)


def _fetch_auto(
    cache: Path,
    mirrors: Mapping[str, Sequence[str]],
    timeout: float,
    tell: Callable[[str], None],
) -> SourceReport:
    patience = Patience(min(timeout, AUTO_TIMEOUT), min_rate=AUTO_MIN_RATE, waste=AUTO_WASTE)
    try:
        return _fetch_images("mnist", cache, mirrors, patience, tell)
    except DownloadError as error:
        from hw3models.data.known.digits import DIGITS_VERSION

        note = (
            "scikit-learn's 1,797 digits stand in for MNIST, and their accuracies are not MNIST's: it could not be had "
            f"({str(error).rstrip('.')})."
        )
        tell(note)
        return _made("digits", "images", DIGITS_VERSION).model_copy(update={"notes": (note,)})


def _fetch_images(
    name: str,
    cache: Path,
    mirrors: Mapping[str, Sequence[str]],
    patience: Patience,
    tell: Callable[[str], None],
) -> SourceReport:
    # torchvision costs seconds to import; other sources do without it.
    from hw3models.data.known.mnist import fetch_images

    files = fetch_images(name, cache=cache, mirrors=mirrors, patience=patience, on_progress=tell)
    return _files_report(name, "images", files)


def _check_regime(source: str) -> None:
    name = source.removeprefix("regime:")
    if name not in REGIMES:
        raise SpecError(f"`source`: there is no regime {name!r}.{suggestion(name, REGIMES)} Known: {list(REGIMES)}.")


def _check_looks_like_a_file(source: str) -> None:
    if source.startswith("aeon:") or Path(source).suffix.lower() in SUFFIXES:
        return
    known = [*IMAGE_SETS, "auto", *(f"regime:{name}" for name in REGIMES)]
    raise SpecError(
        f"`source`: {source!r} is not known.{suggestion(source, known)} It must be one of {', '.join(known)}, "
        f"aeon:NAME, or the path of a {', '.join(SUFFIXES)} file."
    )


def _made(source: str, kind: Kind, version: int) -> SourceReport:
    digest = hashlib.sha256(f"{source}-{version}".encode()).hexdigest()[:16]
    return SourceReport(source=source, kind=kind, digest=digest)


def _files_report(source: str, kind: Kind, files: Sequence[Path]) -> SourceReport:
    return SourceReport(source=source, kind=kind, files=tuple(map(str, files)), digest=files_digest(files))


def files_digest(files: Sequence[Path]) -> str:
    """sha256 over the contents, file by file: the same on every machine, wherever the files lie."""
    sha = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                sha.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}). Fetch the raw data again.") from error
    return sha.hexdigest()[:16]


def check_kind(expected: Kind, data: DataSpec) -> None:
    """Images for image families, sequences for the others: said before anything is read.

    Raises:
        SpecError: the source holds the other kind.
    """
    if data.source.lower().endswith(".npy"):
        kind = npy_kind(sequence_files(data.source)[0])
        if kind != expected:
            raise SpecError(f"`source` {data.source!r} holds {kind}, not {expected}.")
        return
    is_image = data.source == "auto" or data.source in IMAGE_SETS
    if is_image != (expected == "images"):
        known = ", ".join(("auto", *IMAGE_SETS)) if expected == "images" else "regime:NAME, aeon:NAME, or a file"
        raise SpecError(f"`source` {data.source!r} does not hold {expected}; known for {expected}: {known}.")
