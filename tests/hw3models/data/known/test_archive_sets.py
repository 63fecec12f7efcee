"""Sets of the archives by name, from a server on loopback that serves zip files as the archive does."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.known.mirror import Mirror, serve
from tests.hw3models.data.readers.forms import SHARED, needs_shared, read

RACKET = SHARED / "data" / "uea" / "RacketSports"
BEEF = [f"{label}\t0.5\t{row}.25\t1\n" for row in range(4) for label in (1, 2)]


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("no_proxy", "*")
    text = "".join(BEEF).encode()
    files = {"Beef.zip": packed({"Beef/Beef_TRAIN.tsv": text, "Beef/Beef_TEST.tsv": text, "../evil.txt": b"x"})}
    files["Empty.zip"] = packed({"readme.md": b"x"})
    if RACKET.is_dir():
        files["RacketSports.zip"] = packed({path.name: path.read_bytes() for path in RACKET.glob("*.ts")})
    with serve(files) as served:
        yield served


@needs_shared
def test_a_set_is_fetched_once_and_is_what_its_files_are(mirror: Mirror, tmp_path: Path) -> None:
    spec, mirrors = DataSpec(source="uea:RacketSports"), {"archive": [mirror.address]}
    report = fetch(spec, cache=tmp_path, mirrors=mirrors)
    raw, expected = read_raw(spec, report, cache=tmp_path), read(RACKET / "RacketSports_TRAIN.ts")
    np.testing.assert_array_equal(raw.features, expected.features)
    assert (raw.name, raw.class_names) == ("RacketSports", expected.class_names)
    assert fetch(spec, cache=tmp_path, mirrors={"archive": []}) == report, "it is in the cache: no mirror is needed"
    assert [name for name, _ in mirror.requests] == ["RacketSports.zip"]


def test_damaged_files_are_fetched_again_and_nothing_is_written_elsewhere(mirror: Mirror, tmp_path: Path) -> None:
    spec, mirrors = DataSpec(source="ucr:Beef"), {"archive": [mirror.address]}
    report = fetch(spec, cache=tmp_path / "cache", mirrors=mirrors)
    assert read_raw(spec, report, cache=tmp_path).features.shape == (16, 3, 1)
    Path(report.files[0]).write_text("1\t2\n")
    assert fetch(spec, cache=tmp_path / "cache", mirrors=mirrors) == report
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_what_cannot_be_had_is_said(mirror: Mirror, tmp_path: Path) -> None:
    mirrors = {"archive": [mirror.address]}
    mirror.faults["Beef.zip"] = "wrong"
    with pytest.raises(DownloadError, match=r"Beef: .*no whole zip file.*HW3_ARCHIVE_MIRRORS"):
        fetch(DataSpec(source="ucr:Beef"), cache=tmp_path, mirrors=mirrors)
    with pytest.raises(DownloadError, match=r"Nothing: .*404.*Is the name spelt as in the archive\?"):
        fetch(DataSpec(source="ucr:Nothing"), cache=tmp_path, mirrors=mirrors)
    with pytest.raises(DataError, match=r"Empty\.zip: it has no Empty_TRAIN and Empty_TEST .* but readme\.md"):
        fetch(DataSpec(source="ucr:Empty"), cache=tmp_path, mirrors=mirrors)
    with pytest.raises(SpecError, match=r"names no set; write uea:NAME"):
        fetch(DataSpec(source="uea:../x"), cache=tmp_path, mirrors=mirrors)


def test_a_set_that_aeon_ships_needs_no_network(tmp_path: Path) -> None:
    report = fetch(DataSpec(source="uea:BasicMotions"), cache=tmp_path, mirrors={"archive": []})
    assert Path(report.files[0]).name == "BasicMotions_TRAIN.ts"
