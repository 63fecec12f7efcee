"""What is kept in the cache and was edited there is found out: made again, or told; never used."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.data import addresses, fetch, load_prepared, prepare
from hw3models.data.addresses import uploads_digest
from hw3models.data.known.archive_sets import fetch_set
from hw3models.data.preparation import read_raw
from hw3models.data.readers import long_tables, table_limits
from hw3models.data.source import Fetching
from hw3models.errors import DataError, DigestError
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import tree
from tests.hw3models.data.readers.test_large_tables import series_table, written


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-len(content) // 3] ^= 1
    path.write_bytes(content)


def flipped_in_its_time(path: Path) -> None:
    before = path.stat()
    flipped(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def exchanged(path: Path) -> None:
    """Another file of the same form, which can be read."""
    if path.suffix == ".npy":
        np.save(path, np.load(path)[::-1])
    elif path.suffix == ".npz":
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        name = next(one for one in ("labels", "kept") if one in arrays)
        np.savez(path, **(arrays | {name: np.roll(arrays[name], 1)}))
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-4] + content[-4:][::-1])


def linked(path: Path) -> None:
    elsewhere = path.parents[2] / f"mine-{path.name}"
    path.rename(elsewhere)
    flipped(elsewhere)
    path.symlink_to(elsewhere)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def read_only(path: Path) -> None:
    """The content is what it was: it may be used."""
    path.chmod(0o400)


EDITS = [flipped, flipped_in_its_time, truncated, exchanged, linked, a_folder, read_only]


def of_a_large_table(folder: Path) -> tuple[Path, str]:
    return written(series_table(), folder), "tables/*.np[yz]"


def of_pictures(folder: Path) -> tuple[Path, str]:
    return tree(folder / "set", num=6), "pictures/*.np[yz]"


def of_an_archive(folder: Path) -> tuple[Path, str]:
    root = tree(folder / "set" / "photos", num=6)
    return Path(shutil.make_archive(str(folder / "packed"), "zip", root)), "unpacked/*/*/0.png"


def of_the_state_of_an_archive(folder: Path) -> tuple[Path, str]:
    return of_an_archive(folder)[0], "unpacked/*.state"


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("made", [of_a_large_table, of_pictures, of_an_archive, of_the_state_of_an_archive])
def test_what_was_edited_in_the_cache_is_made_again_or_told(
    made: Callable[[Path], tuple[Path, str]],
    edit: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    monkeypatch.setattr(long_tables, "ROWS", 7)
    source, pattern = made(tmp_path)
    spec, cache = DataSpec(source=str(source)), tmp_path / "cache"
    first = prepare(spec, fetch(spec, cache=cache), cache=cache)
    files = sorted(cache.glob(pattern))
    assert files
    for path in files:
        edit(path)
        mine = {one: one.read_bytes() for one in tmp_path.rglob("mine-*")}
        if pattern.startswith("unpacked"):
            # Pixels that were decoded are kept by the archive's own digest, too.
            shutil.rmtree(cache / "pictures")
        if edit is a_folder and not pattern.endswith("0.png"):  # a folder in a folder of ours is removed
            with pytest.raises(DataError, match=r"Choose another cache \(HW3_CACHE\)|cannot be unpacked \(.*directory"):
                prepare(spec, fetch(spec, cache=cache), cache=cache)
            path.rmdir()
            continue
        again = prepare(spec, fetch(spec, cache=cache), cache=cache)
        assert again == first
        assert {one: one.read_bytes() for one in mine} == mine, "what a link leads to is somebody else's"
        assert load_prepared(again).digest == first.digest


@pytest.mark.parametrize("edit", EDITS)
def test_prepared_data_that_were_edited_are_told_and_preparing_again_heals_them(
    edit: Callable[[Path], None], tmp_path: Path
) -> None:
    spec = DataSpec(source="regime:trend", num_train=40, num_test=20)
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path / "in" / "cache")
    path = Path(report.path)
    edit(path)
    if edit is not read_only:
        with pytest.raises((DataError, DigestError), match=r"(?i)delete"):
            load_prepared(report)
    if edit is a_folder:
        with pytest.raises(DataError, match=r"the prepared data cannot be stored \(.*Is a directory"):
            prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path / "in" / "cache")
        return
    mine = {one: one.read_bytes() for one in tmp_path.rglob("mine-*")}
    assert prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path / "in" / "cache") == report
    assert {one: one.read_bytes() for one in mine} == mine
    assert load_prepared(report).digest == report.digest


@pytest.mark.parametrize("part", ["mean", "std", "header"])
def test_what_no_digest_of_the_content_covers_is_found_out_as_well(part: str, tmp_path: Path) -> None:
    spec = DataSpec(source="regime:trend", num_train=40, num_test=20)
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    with np.load(report.path) as stored:
        arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
    if part == "header":
        header = json.loads(bytes(arrays["header"])) | {"notes": ["All is well."]}
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    else:
        arrays[part] = arrays[part] * 2
    np.savez(report.path, **arrays)
    with pytest.raises(
        DataError, match=r"its names or its scaling were edited\)\. Delete it and prepare the data again"
    ):
        load_prepared(report)


@pytest.mark.parametrize("edit", [*EDITS, "digests"])
@pytest.mark.parametrize("name", ["Beef_TRAIN.tsv", "digests.json"])
def test_a_set_of_the_archive_that_was_edited_is_fetched_again(
    edit: Callable[[Path], None] | str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hw3models.data.known.mirror import serve
    from tests.hw3models.data.known.test_archive_sets import BEEF, packed

    monkeypatch.setenv("no_proxy", "*")
    text = "".join(BEEF).encode()
    zipped = packed({"Beef_TRAIN.tsv": text, "Beef_TEST.tsv": text})
    with serve({"Beef.zip": zipped}) as mirror:
        how = Fetching(tmp_path / "cache", {"archive": (mirror.address,)}, 20.0, lambda _: None)
        spec = DataSpec(source="ucr:Beef")
        first = fetch_set("Beef", how)
        before = [path.read_bytes() for path in first]
        path = first[0].parent / name
        if isinstance(edit, str):
            (first[0].parent / "digests.json").write_text("{}")
        else:
            edit(path)
        if edit is a_folder:
            with pytest.raises(DataError, match="cannot be stored there"):
                fetch_set("Beef", how)
            return
        assert [one.read_bytes() for one in fetch_set("Beef", how)] == before
    report = fetch(spec, cache=tmp_path / "cache")
    assert read_raw(spec, report, cache=tmp_path).features.shape == (16, 3, 1)


def test_a_link_in_place_of_the_folder_of_an_archive_is_not_followed(tmp_path: Path) -> None:
    path, _ = of_an_archive(tmp_path)
    spec, cache = DataSpec(source=str(path)), tmp_path / "cache"
    first = prepare(spec, fetch(spec, cache=cache), cache=cache)
    [folder] = [one for one in (cache / "unpacked").iterdir() if one.is_dir()]
    folder.rename(tmp_path / "mine")
    folder.symlink_to(tmp_path / "mine")
    flipped(next((tmp_path / "mine").rglob("0.png")))
    mine = {one: one.read_bytes() for one in (tmp_path / "mine").rglob("*.png")}
    shutil.rmtree(cache / "pictures")
    assert prepare(spec, fetch(spec, cache=cache), cache=cache) == first
    assert {one: one.read_bytes() for one in mine} == mine
    assert folder.is_dir()
    assert not folder.is_symlink()


@pytest.mark.parametrize("edit", [*EDITS, "the folder is a link"])
def test_an_upload_that_was_edited_here_is_brought_again(edit: Callable[[Path], None] | str, tmp_path: Path) -> None:
    own, cache, brought = tmp_path / "own" / "d.csv", tmp_path / "cache", []
    own.parent.mkdir()
    own.write_text("sample,time,x,label\n" + "".join(f"{i},{t},{i * t},{i % 2}\n" for i in range(20) for t in range(3)))

    def bring(digest: str, folder: Path) -> None:
        brought.append(digest)
        (folder.parent / "tmp-killed").mkdir()
        folder.mkdir(exist_ok=True)
        shutil.copyfile(own, folder / own.name)

    digest = uploads_digest([own], own.parent)
    spec = DataSpec(source=f"upload:d.csv@{digest}")
    first = prepare(spec, fetch(spec, cache=cache, uploads=bring), cache=cache)
    path = cache / "raw" / "uploads" / digest / "files" / "d.csv"
    if isinstance(edit, str):
        path.parent.rename(tmp_path / "mine-files")
        flipped(tmp_path / "mine-files" / "d.csv")
        path.parent.symlink_to(tmp_path / "mine-files")
    else:
        edit(path)
    mine = {one: one.read_bytes() for one in (*tmp_path.rglob("mine-*.csv"), *tmp_path.glob("mine-files/*"))}
    assert prepare(spec, fetch(spec, cache=cache, uploads=bring), cache=cache) == first
    assert {one: one.read_bytes() for one in mine} == mine
    assert path.read_bytes() == own.read_bytes()
    assert len(brought) == (1 if edit is read_only else 2)


@pytest.mark.parametrize("edit", EDITS)
def test_a_file_of_an_address_that_was_edited_here_is_fetched_again(
    edit: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hw3models.data.known.mirror import serve

    monkeypatch.setenv("no_proxy", "*")
    content = ("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40))).encode()
    digest = hashlib.sha256(content).hexdigest()
    with serve({"d.bin": content}) as mirror:
        how = Fetching(tmp_path / "cache", {}, 20.0, lambda _: None)
        source = f"{mirror.address}d.bin#sha256={digest}"
        path = addresses._kept(source, "d.bin", digest, how)
        edit(path)
        mine = {one: one.read_bytes() for one in tmp_path.rglob("mine-*")}
        if edit is a_folder:
            with pytest.raises(DataError, match="cannot be stored there"):
                addresses._kept(source, "d.bin", digest, how)
            return
        assert addresses._kept(source, "d.bin", digest, how).read_bytes() == content
    assert {one: one.read_bytes() for one in mine} == mine
