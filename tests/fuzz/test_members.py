"""Archives whose members have any names: read alike by all who read, or refused; nothing is written elsewhere."""

import io
import itertools
import shutil
import stat
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bounds import few, read_alike
from tests.hw3models.data.pictures.made import picture

NUMBERS = itertools.count()
PIECES = st.sampled_from(
    [
        "ant",
        "Ant",
        "bee",
        "a",
        "A",
        "\u00e9",
        "e\u0301",
        "\ufb01",
        "fi",
        "..",
        ".",
        "",
        "...",
        " a",
        "a ",
        "a.",
        "CON",
        "C:",
        "a\\b",
        "..\\a",
        "__MACOSX",
        ".DS_Store",
        ".hidden",
        "\x1b[2J",
        "a\nb",
        "\u202e",
        "x" * 255,
        "x" * 256,
        "train",
        "test",
        "0.png",
        "1.png",
        "0.PNG",
        "0.png.gz",
        "a.csv",
        "A.csv",
        "labels.csv",
        "X.npy",
        "a.zip",
    ]
)
NAMES = st.one_of(
    st.lists(PIECES, min_size=1, max_size=4).map("/".join),
    st.lists(PIECES, min_size=1, max_size=2).map(lambda one: "/" + "/".join(one)),
    st.integers(2, 2_000).map(lambda depth: "d/" * depth + "0.png"),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8),
)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    picture(seed, size=(4, 5)).save(file, "PNG")
    return file.getvalue()


PICTURES = [png(seed) for seed in range(12)]
SERIES = [f"x,y\n{n},1\n2,{n}\n3,{n % 3}\n".encode() for n in range(12)]


class Member(NamedTuple):
    """One that is drawn."""

    name: str
    content: bytes
    type: str


MEMBERS = st.builds(
    Member,
    NAMES,
    st.sampled_from([PICTURES[0], PICTURES[1], SERIES[0], b"", b"path,label\n0.png,ant\n", b"\x00" * 50]),
    st.sampled_from(["file", "file", "file", "file", "folder", "link", "hard link", "pipe", "device"]),
)
TYPES = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "device": tarfile.CHRTYPE,
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def usual(is_series: bool) -> list[Member]:
    """What an archive holds."""
    suffix, contents = ("csv", SERIES) if is_series else ("png", PICTURES)
    return [Member(f"{'ant' if n % 2 else 'bee'}/{n}.{suffix}", one, "file") for n, one in enumerate(contents)]


def zipped(members: list[Member]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that are there twice
        for one in members:
            info = zipfile.ZipInfo(one.name + "/" * (one.type == "folder"))
            info.external_attr = (stat.S_IFLNK if "link" in one.type else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, b"" if one.type == "folder" else one.content)
    return file.getvalue()


def taped(members: list[Member]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for one in members:
            info = tarfile.TarInfo(one.name)
            info.type, info.linkname = TYPES[one.type], "../../../secret" if "link" in one.type else ""
            info.size = len(one.content) if one.type == "file" else 0
            archive.addfile(info, io.BytesIO(one.content) if one.type == "file" else None)
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("is_series", [False, True])
@pytest.mark.parametrize("pack", [zipped, taped])
@few
@given(extra=st.lists(MEMBERS, max_size=3), places=st.lists(st.integers(0, 12), min_size=3, max_size=3))
def test_archives_of_any_names(
    folder: Path, pack: Any, is_series: bool, extra: list[Member], places: list[int]
) -> None:
    members = usual(is_series)
    for place, one in zip(places, extra, strict=False):
        members.insert(place, one)
    place = folder / f"n{next(NUMBERS)}"
    (place / "in").mkdir(parents=True)
    (place / "secret").write_text("path,label\n")
    path = place / "in" / ("a.zip" if pack is zipped else "a.tar")
    path.write_bytes(pack(members))
    try:
        read = read_alike(path, place / "in" / "cache")
        assert read or extra, "nothing was changed"
        assert sorted(one.name for one in place.iterdir()) == ["in", "secret"]
        assert sorted(one.name for one in (place / "in").iterdir()) in (
            ["a.tar", "cache"],
            ["a.zip", "cache"],
            [path.name],
        )
        for one in (place / "in" / "cache").rglob("*"):
            assert not one.is_symlink()
            assert one.is_file() or one.is_dir()
    finally:
        shutil.rmtree(place)


KEYS = st.one_of(
    st.sampled_from(
        [
            "X",
            "X.npy",
            "x",
            "x.npy",
            "X.NPY",
            "y",
            "y.npy",
            "X.npy.npy",
            "./X.npy",
            "a/../X.npy",
            "/X.npy",
            "X.npy ",
            "X_test",
            "X_test.npy",
            "y_test.npy",
            "\u00e9.npy",
            "e\u0301.npy",
            "images.npy",
            "labels.npy",
            "groups.npy",
            "",
            ".npy",
        ]
    ),
    NAMES,
)
ARRAYS = st.sampled_from(
    [
        np.arange(60.0).reshape(12, 5) % 7,
        np.arange(120.0).reshape(12, 5, 2) % 5,
        np.arange(12) % 2,
        np.arange(12) % 3,
        np.zeros(12),
        np.array(["a", "b"] * 6),
        np.zeros((12, 4, 4), np.uint8),
        np.zeros(0),
    ]
)


@few
@given(st.lists(st.tuples(KEYS, ARRAYS), max_size=5), st.booleans())
def test_npz_of_any_names(folder: Path, drawn: list[tuple[str, Any]], is_whole: bool) -> None:
    usual = [("X.npy", np.arange(120.0).reshape(12, 5, 2) % 11), ("y.npy", np.arange(12) % 2)]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, array in [*(usual if is_whole else ()), *drawn]:
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(zipfile.ZipInfo(name), content.getvalue())
    path = folder / f"n{next(NUMBERS)}.npz"
    path.write_bytes(file.getvalue())
    read = read_alike(path, folder / "cache")
    path.unlink()
    assert read or drawn or not is_whole
