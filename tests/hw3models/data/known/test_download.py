"""One file from several mirrors, over real sockets on loopback."""

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw3models.data.known.download import MAX_FILE_BYTES, Patience, Remote, check_mirrors, download
from hw3models.errors import DownloadError, SpecError
from tests.hw3models.data.known.mirror import Mirror, serve

BODY = bytes(range(256)) * 2000
REMOTE = Remote("digits.gz", hashlib.md5(BODY).hexdigest())


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def good() -> Iterator[Mirror]:
    with serve({REMOTE.name: BODY}) as mirror:
        yield mirror


@pytest.fixture
def bad() -> Iterator[Mirror]:
    with serve({REMOTE.name: BODY}) as mirror:
        yield mirror


def get(mirrors: list[str], target: Path, *, timeout: float = 5.0, **patience: Any) -> list[str]:
    lines: list[str] = []
    download(REMOTE, mirrors, target, Patience(timeout, **patience), lines.append)
    return lines


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("truncated", "broke off after 256,000 of 512,000 bytes"),
        ("wrong", f"wrong content, md5 .* instead of {REMOTE.md5}"),
        (403, "HTTP 403"),
        (404, "HTTP 404"),
        (503, "HTTP 503"),
        ("to a file", "Redirection to url 'file:///etc/hostname' is not allowed"),
        ("to ftp", "unknown url type: ftp"),
    ],
)
def test_the_next_mirror_is_taken_after_a_bad_one(
    good: Mirror, bad: Mirror, tmp_path: Path, fault: Any, reason: str
) -> None:
    bad.faults["*"] = fault
    mirrors = [bad.address, good.address]
    lines = get(mirrors, tmp_path / REMOTE.name)
    assert (tmp_path / REMOTE.name).read_bytes() == BODY
    assert mirrors == [good.address, bad.address], "the next file must not wait for the bad mirror again"
    assert [line for line in lines if bad.address in line] != []
    with pytest.raises(DownloadError, match=reason):
        get([bad.address], tmp_path / "other.gz")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("silent", "no answer within 0.4 s"), ("hanging", "too slow, 0 bytes"), ("trickling", "too slow")],
)
def test_a_mirror_that_hangs_loses_within_two_time_outs(bad: Mirror, tmp_path: Path, fault: str, reason: str) -> None:
    bad.faults["*"] = fault
    start = time.monotonic()
    with pytest.raises(DownloadError, match=reason):
        get([bad.address], tmp_path / REMOTE.name, timeout=0.4)
    assert time.monotonic() - start < 10 * 2 * 0.4, "ten times over, for a busy machine; the mirror would hang for 30 s"
    assert not (tmp_path / REMOTE.name).exists()


def test_when_all_are_dead_each_mirror_is_listed_with_its_reason(bad: Mirror, tmp_path: Path) -> None:
    bad.faults["*"] = 503
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(DownloadError, match=rf"{bad.address}: HTTP 503 .*; {nobody}: .*refused"):
            get([bad.address, nobody], tmp_path / REMOTE.name)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_download_is_continued_by_the_next_mirror(good: Mirror, bad: Mirror, tmp_path: Path) -> None:
    bad.faults["*"] = "truncated"
    get([bad.address, good.address], tmp_path / REMOTE.name)
    assert good.requests == [(REMOTE.name, f"bytes={len(BODY) // 2}-")]


def test_a_part_left_by_a_killed_process_is_continued(good: Mirror, tmp_path: Path) -> None:
    (tmp_path / f".{REMOTE.name}.part").write_bytes(BODY[:1000])
    get([good.address], tmp_path / REMOTE.name)
    assert good.requests == [(REMOTE.name, "bytes=1000-")]
    assert [path.name for path in tmp_path.iterdir()] == [REMOTE.name]


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * (len(BODY) + 1)])
def test_a_wrong_part_does_not_spoil_a_good_mirror(good: Mirror, tmp_path: Path, part: bytes) -> None:
    (tmp_path / f".{REMOTE.name}.part").write_bytes(part)
    get([good.address], tmp_path / REMOTE.name)
    assert (tmp_path / REMOTE.name).read_bytes() == BODY


def test_a_mirror_without_ranges_is_read_from_the_start(good: Mirror, tmp_path: Path) -> None:
    good.faults["*"] = "no ranges"
    (tmp_path / f".{REMOTE.name}.part").write_bytes(b"x" * 1000)
    get([good.address], tmp_path / REMOTE.name)
    assert (tmp_path / REMOTE.name).read_bytes() == BODY
    assert len(good.requests) == 1


def test_a_mirror_that_sends_without_end_is_cut_off(
    bad: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_FILE_BYTES > 2 * 9_912_422, "twice the largest file of the sets"
    monkeypatch.setattr("hw3models.data.known.download.MAX_FILE_BYTES", 100_000)
    with pytest.raises(DownloadError, match="sent more than"):
        get([bad.address], tmp_path / REMOTE.name)


def test_no_further_mirror_is_tried_once_the_time_to_waste_is_over(bad: Mirror, good: Mirror, tmp_path: Path) -> None:
    bad.faults["*"] = "silent"
    with pytest.raises(DownloadError, match="not tried"):
        get([bad.address, good.address], tmp_path / REMOTE.name, timeout=0.3, waste=0.2)
    assert good.requests == []


def test_only_http_and_https_mirrors_are_accepted_and_passwords_are_not_shown() -> None:
    with pytest.raises(SpecError, match=r"got 'file:///data', 'ftp://host/', 'http://', 'mirror'\.") as caught:
        check_mirrors(["https://fine.example", "file:///data", "ftp://me:secret@host/", "http://", "mirror"])
    assert "secret" not in str(caught.value)
    assert check_mirrors(["https://a.example/x", "http://b.example/"]) == ["https://a.example/x/", "http://b.example/"]
