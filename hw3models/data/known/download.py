"""One file from a list of mirrors: time-outs on everything, checksums, resume, atomic."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hw3models.errors import DownloadError, SpecError
from hw3models.runtime.file_digests import file_digest
from hw3models.runtime.redaction import without_password

MAX_FILE_BYTES = 64 * 1024**2
"""No file of these data sets is near this; a mirror that sends more sends something else."""
_BLOCK = 64 * 1024
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Remote:
    """A file to fetch: its name under every mirror, and how one knows that it is whole."""

    name: str
    md5: str = ""
    """The sum that its publisher states; empty where none does."""
    fault: Callable[[Path], str | None] = lambda _: None
    """What is wrong with a file that has come, where no sum says it."""
    most_bytes: int | None = None
    """More than that is something else; None: `MAX_FILE_BYTES`."""


@dataclass
class Patience:
    """When to give up on a mirror, and on all of them."""

    timeout: float
    """Seconds for the first byte; then, in every further interval of this length, `min_rate` must be reached."""
    min_rate: float = 10 * 1024
    """Bytes per second."""
    waste: float = float("inf")
    """Seconds that failed attempts may cost in total."""
    wasted: float = 0.0


class _GiveUpError(Exception):
    """This mirror has lost; the text says why."""


def check_mirrors(mirrors: Sequence[str]) -> list[str]:
    """Base addresses, each with a slash at its end.

    Raises:
        SpecError: those that are not http or https, all together.
    """
    bad = [address for address in mirrors if urlsplit(address).scheme not in ("http", "https") or not _host(address)]
    if bad:
        named = ", ".join(repr(without_password(address)) for address in bad)
        raise SpecError(f"Mirrors must be http or https addresses, got {named}.")
    return [address if address.endswith("/") else address + "/" for address in mirrors]


def download(
    remote: Remote, mirrors: list[str], target: Path, patience: Patience, on_progress: Callable[[str], None]
) -> None:
    """Bring `remote` to `target` from the first mirror that gives it whole and right.

    The mirror that did is moved to the front of `mirrors`, so the next file does not wait for dead ones again.
    A part that was interrupted stays beside the target and is continued by the next attempt, also after the
    process was killed. The caller holds the lock of the folder.

    Raises:
        DownloadError: no mirror gave it; every mirror is listed with its reason.
    """
    part = target.with_name(f".{target.name}.part")
    reasons = []
    for mirror in list(mirrors):
        if patience.wasted >= patience.waste:
            reasons.append(f"{without_password(mirror)}: not tried, {patience.wasted:.0f} s were lost already")
            continue
        start = time.monotonic()
        try:
            _fetch(mirror + remote.name, remote, part, patience, on_progress)
        except _GiveUpError as reason:
            patience.wasted += time.monotonic() - start
            reasons.append(f"{without_password(mirror)}: {reason}")
            on_progress(f"{remote.name}: {without_password(mirror)}: {reason}")
            continue
        part.replace(target)
        mirrors.remove(mirror)
        mirrors.insert(0, mirror)
        return
    raise DownloadError(f"{remote.name}: no mirror gave it ({'; '.join(reasons) or 'the list of mirrors is empty'})")


def md5_of(path: Path) -> str:
    """md5 sum, the one that the publishers of the data sets state; no protection is meant."""
    return file_digest(path, "md5")


def _fetch(address: str, remote: Remote, part: Path, patience: Patience, on_progress: Callable[[str], None]) -> None:
    """Get one file from one mirror into `part`, continuing what is there; once more from zero if that is wrong."""
    resumed = part.exists() and part.stat().st_size > 0
    try:
        _Transfer(address, part, remote.most_bytes or MAX_FILE_BYTES).run(patience, on_progress)
        if (fault := _fault(part, remote)) is None:
            return
        part.unlink()
        reason = _GiveUpError(fault)
    except _GiveUpError as error:
        if not resumed or not error.args[0].startswith("HTTP 416"):
            raise
        part.unlink(missing_ok=True)  # 416: the part is longer than the file
        reason = error
    if not resumed:
        raise reason
    # The part may be what was wrong, not the mirror.
    _fetch(address, remote, part, patience, on_progress)


def _fault(part: Path, remote: Remote) -> str | None:
    if not remote.md5:
        return remote.fault(part)
    return None if (found := md5_of(part)) == remote.md5 else f"wrong content, md5 {found} instead of {remote.md5}"


@dataclass
class _Transfer:
    """One request. It runs in a thread of its own, because no socket time-out covers the look-up of a name, a
    header that comes byte by byte, or a body that trickles; the caller watches the count of bytes instead."""

    address: str
    part: Path
    most_bytes: int
    received: int = 0
    expected: int | None = None
    error: Exception | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    writing: threading.Lock = field(default_factory=threading.Lock)
    """Held around every change of the part, so that a cancelled transfer never touches it again."""

    def run(self, patience: Patience, on_progress: Callable[[str], None]) -> None:
        """Returns when the body is whole by its own length; raises `_GiveUpError` otherwise."""
        thread = threading.Thread(target=self._work, args=(patience.timeout,), daemon=True)
        thread.start()
        try:
            self._watch(thread, patience, on_progress)
        finally:
            with self.writing:
                self.cancelled.set()
        if self.error is not None:
            raise _GiveUpError(_reason(self.error)) from self.error
        if self.expected is not None and self.received < self.expected:
            raise _GiveUpError(f"broke off after {self.received:,} of {self.expected:,} bytes")

    def _watch(self, thread: threading.Thread, patience: Patience, on_progress: Callable[[str], None]) -> None:
        window_start, window_bytes = time.monotonic(), 0
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
            if time.monotonic() - window_start < patience.timeout or not thread.is_alive():
                continue
            received = self.received
            if received == 0:
                raise _GiveUpError(f"no answer within {patience.timeout:g} s")
            if received - window_bytes < patience.min_rate * patience.timeout and window_bytes > 0:
                raise _GiveUpError(
                    f"too slow, {received - window_bytes:,} bytes in {patience.timeout:g} s "
                    f"({received:,} of {self.expected or 0:,} received)"
                )
            window_start, window_bytes = time.monotonic(), received
            on_progress(f"{self.part.name[1:-5]}: {received / 1e6:.1f} of {(self.expected or 0) / 1e6:.1f} MB")

    def _work(self, timeout: float) -> None:
        try:
            offset = self.part.stat().st_size if self.part.exists() else 0
            request = urllib.request.Request(self.address, headers={"User-Agent": "hw3"})  # noqa: S310  # checked
            if offset:
                request.add_header("Range", f"bytes={offset}-")
            # Longer than the one who watches waits: that one decides, with the better message.
            with _opener().open(request, timeout=4 * timeout) as response:
                length = response.headers.get("Content-Length", "")
                self.expected = int(length) if length.isdecimal() else None
                continued = response.status == 206 and response.headers.get("Content-Range", "").startswith(
                    f"bytes {offset}-"
                )
                self._copy(response, "ab" if continued else "wb")
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            self.error = error
        except Exception as error:  # handed to the thread that waits
            self.error = error

    def _copy(self, response: Any, mode: str) -> None:
        with self.writing:
            if self.cancelled.is_set():
                return
            file = self.part.open(mode, buffering=0)  # nothing is left to be written when the file is closed
        with file:
            while block := response.read1(_BLOCK):
                with self.writing:
                    if self.cancelled.is_set():
                        return
                    file.write(block)
                self.received += len(block)
                if self.received > self.most_bytes:
                    raise _GiveUpError(f"sent more than {self.most_bytes / 1024**2:.0f} MiB")


def _opener() -> urllib.request.OpenerDirector:
    """urllib's opener without its handlers of file:, ftp: and data: addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),  # a mirror that sends us on to ftp: is an error with a name
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {' '.join(str(error.reason).split())}"
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, HTTPException):
        return f"broken answer ({type(error).__name__}: {error})"
    return str(error) or type(error).__name__


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
