"""Data at addresses: fetched, checked by their digest, and read as files of this machine are. All on loopback."""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hw3models.data import check_kind, fetch, prepare
from hw3models.data.addresses import short_name
from hw3models.data.sources import find_source
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.known.mirror import Mirror, serve


def table(num: int = 60, steps: int = 5) -> bytes:
    """Series in long form."""
    rng = np.random.default_rng(0)
    rows = [f"{i},{t},{rng.normal():.4f},{'ab'[i % 2]}" for i in range(num) for t in range(steps)]
    return ("sample,time,x,label\n" + "\n".join(rows) + "\n").encode()


def pictures() -> bytes:
    """A zip with a folder for each of two classes."""
    out = io.BytesIO()
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(40):
            one = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(one, "PNG")
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", one.getvalue())
    return out.getvalue()


CONTENT = {"data.csv": table(), "pictures.zip": pictures(), "what.bin": b"?"}


@pytest.fixture(scope="module")
def server() -> Iterator[Mirror]:
    with serve(dict(CONTENT)) as mirror:
        yield mirror


def address(server: Mirror, name: str, more: str = "") -> str:
    return f"{server.address}{name}{more}#sha256={hashlib.sha256(CONTENT[name]).hexdigest()}"


def test_a_table_at_an_address_is_prepared_as_the_same_file_here_is(server: Mirror, tmp_path: Path) -> None:
    spec = DataSpec(source=address(server, "data.csv", "?key=1"))
    report = fetch(spec, cache=tmp_path)
    assert (report.source, report.kind) == (spec.source, "sequences")
    (tmp_path / "data.csv").write_bytes(CONTENT["data.csv"])
    local = DataSpec(source=str(tmp_path / "data.csv"))
    there = prepare(spec, report, cache=tmp_path)
    here = prepare(local, fetch(local, cache=tmp_path), cache=tmp_path)
    assert (there.digest, there.name) == (here.digest, here.name)
    asked = len(server.requests)
    assert fetch(spec, cache=tmp_path) == report
    assert len(server.requests) == asked, "what is here is not fetched again"
    Path(report.files[0]).write_bytes(b"damaged")
    assert fetch(spec, cache=tmp_path) == report
    assert len(server.requests) == asked + 1


def test_pictures_at_an_address_are_images_once_they_are_here(server: Mirror, tmp_path: Path) -> None:
    spec = DataSpec(source=address(server, "pictures.zip"))
    check_kind("sequences", spec)  # nobody can know yet
    report = fetch(spec, cache=tmp_path)
    with pytest.raises(SpecError, match="holds images, not sequences: `hw3 images` compares"):
        check_kind("sequences", spec, report)
    check_kind("images", spec, report)
    assert prepare(spec, report, cache=tmp_path).shape == (8, 8)


def test_without_a_digest_the_source_to_write_is_told_and_its_content_kept(server: Mirror, tmp_path: Path) -> None:
    bare = f"{server.address}data.csv"
    with pytest.raises(SpecError, match="does not say which content is meant") as raised:
        fetch(DataSpec(source=bare), cache=tmp_path)
    [told] = re.findall(r"is there now is '(.*)': write that", str(raised.value))
    assert told == address(server, "data.csv")
    asked = len(server.requests)
    fetch(DataSpec(source=told), cache=tmp_path)
    assert len(server.requests) == asked


def test_another_content_than_that_of_the_digest_is_refused(server: Mirror, tmp_path: Path) -> None:
    other = f"{server.address}data.csv#sha256={'0' * 64}"
    with pytest.raises(DownloadError, match=rf"wrong content, sha256 \w+ instead of {'0' * 64}"):
        fetch(DataSpec(source=other), cache=tmp_path)
    assert not list(tmp_path.rglob("data.csv"))


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("https://ann:secret@127.0.0.1/data.csv", SpecError, "an address with a password in it would stand in logs"),
        ("https://127.0.0.1/", SpecError, "names no file"),
        ("https://127.0.0.1/data.csv#md5=12", SpecError, "must be `sha256=` and 64 hexadecimal digits"),
        ("http://127.0.0.1:9/data.csv", DownloadError, "Is the address right, and can this machine reach it"),
        ("az://box/data.csv", SpecError, "az:// is read by the package adlfs, which is not installed here"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(
    source: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message) as raised:
        fetch(DataSpec(source=source), cache=tmp_path, timeout=5)
    assert "secret" not in str(raised.value)


def test_what_no_reader_knows_is_told_by_its_address(server: Mirror, tmp_path: Path) -> None:
    source = address(server, "what.bin")
    with pytest.raises(SpecError, match=re.escape(repr(source))):
        fetch(DataSpec(source=source), cache=tmp_path)


def test_options_that_the_file_does_not_heed_are_refused(server: Mirror, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"`image_size`: these are for pictures in files, and http"):
        fetch(DataSpec(source=address(server, "data.csv"), image_size="8"), cache=tmp_path)


def test_titles_name_the_file_alone() -> None:
    assert short_name(f"https://host/a/gait.csv?key=1#sha256={'0' * 64}") == "gait.csv"
    assert short_name("upload:gait.csv@0123456789abcdef") == "gait.csv"
    assert [short_name(one) for one in ("regime:order", "/data/gait.csv")] == ["regime:order", "/data/gait.csv"]


def test_s3_is_read_by_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="the extra `remote` is not installed")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    with serve({"data.csv": CONTENT["data.csv"]}) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.address.removesuffix("/data/"))
        digest = hashlib.sha256(CONTENT["data.csv"]).hexdigest()
        spec = DataSpec(source=f"s3://data/data.csv#sha256={digest}")
        report = fetch(spec, cache=tmp_path / "cache")
        assert Path(report.files[0]).read_bytes() == CONTENT["data.csv"]
        with pytest.raises(DataError, match=r"s3://data/other.csv: there is no such file"):
            fetch(DataSpec(source="s3://data/other.csv"), cache=tmp_path / "cache")
        with pytest.raises(DataError, match=f"has sha256 {digest}, not {'1' * 64}: it is another file by now"):
            fetch(DataSpec(source=f"s3://data/data.csv#sha256={'1' * 64}"), cache=tmp_path / "cache")


def test_an_upload_that_nobody_brings_is_said(tmp_path: Path) -> None:
    assert find_source("upload:data.csv@0123456789abcdef").name == "upload"
    with pytest.raises(DataError, match="is not in this machine's cache, and here nobody can ask MLflow for it"):
        fetch(DataSpec(source="upload:data.csv@0123456789abcdef"), cache=tmp_path)
    with pytest.raises(SpecError, match="is no upload; `hw3 upload FILE` prints how it is written"):
        fetch(DataSpec(source="upload:data.csv"), cache=tmp_path)

    def bring(_: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "data.csv").write_bytes(CONTENT["data.csv"])

    with pytest.raises(DataError, match="what MLflow has is damaged"):
        fetch(DataSpec(source="upload:data.csv@0123456789abcdef"), cache=tmp_path, uploads=bring)
