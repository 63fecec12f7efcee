# ruff: noqa: E501  # a case is a row
"""Sets of pictures that are wrong: each is refused in a sentence that says what, where, and what to do."""

import io
import json
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch, prepare
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.pictures.made import picture, put, read, tree

Made = Path | tuple[Path, dict[str, Any]]


def png_of(width: int, height: int) -> bytes:
    """A whole header, and nothing after it."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return start + struct.pack(">I", 100) + b"IDAT"


def with_file(name: str, content: bytes) -> Callable[[Path], Made]:
    def make(root: Path) -> Made:
        (tree(root) / "bee" / name).write_bytes(content)
        return root

    return make


def jpeg(seed: int = 0) -> bytes:
    out = io.BytesIO()
    picture(seed, (64, 64)).save(out, "JPEG")
    return out.getvalue()


def empty_folder(root: Path) -> Made:
    root.mkdir()
    return root


def no_pictures(root: Path) -> Made:
    root.mkdir()
    (root / "notes.md").write_text("nothing here")
    return root


def foreign(root: Path) -> Made:
    (root / "ant").mkdir(parents=True)
    for i in range(3):
        (root / "ant" / f"{i}.heic").write_bytes(b"x")
    return root


def empty_class(root: Path) -> Made:
    (tree(root) / "wasp").mkdir()
    return root


def empty_class_of_a_part(root: Path) -> Made:
    tree(root / "train")
    tree(root / "test", num=2)
    (root / "test" / "wasp").mkdir()
    return root


def one_picture(root: Path) -> Made:
    put(tree(root) / "wasp" / "0.png", 7)
    return root


def one_class(root: Path) -> Made:
    tree(root / "set", ("ant",), num=6)
    return root


def flat(root: Path) -> Made:
    for i in range(3):
        put(root / f"{i}.png", i)
    return root


def loose(root: Path) -> Made:
    put(tree(root) / "stray.png")
    return root


def differ_in_case(root: Path) -> Made:
    return tree(root, ("Cat", "cat", "dog"))


def differ_in_spaces(root: Path) -> Made:
    return tree(root, ("cat", "cat ", "dog"))


def differ_in_accents(root: Path) -> Made:
    return tree(root, ("caf\u00e9", "cafe\u0301", "tea"))


def differ_in_zeros(root: Path) -> Made:
    return tree(root, ("1", "01", "2"))


def latin_class(root: Path) -> Made:
    tree(root)
    (root / "ant").rename(root / os.fsdecode(b"caf\xe9"))
    return root


def a_loop(root: Path) -> Made:
    (tree(root) / "bee" / "again").symlink_to(root)
    return root


def dead_link(root: Path) -> Made:
    (tree(root) / "bee" / "gone.png").symlink_to(root / "nowhere.png")
    return root


def a_pipe(root: Path) -> Made:
    os.mkfifo(tree(root) / "bee" / "pipe.png")
    return root


def parts_and_others(root: Path) -> Made:
    tree(root / "train")
    tree(root / "test", num=2)
    put(root / "extra" / "x.png")
    return root


def no_training(root: Path) -> Made:
    tree(root / "val")
    tree(root / "test")
    return root


def unlabelled_training(root: Path) -> Made:
    for i in range(4):
        put(root / "train" / f"{i}.png", i)
    tree(root / "test")
    return root


def class_only_in_test(root: Path) -> Made:
    tree(root / "train")
    tree(root / "test", ("ant", "bee", "wasp"), num=2)
    return root


def all_unreadable(root: Path) -> Made:
    for k in "ab":
        (root / k).mkdir(parents=True)
        (root / k / "x.png").write_bytes(b"")
    return root, {"skip_unreadable": True}


def bad_pattern(root: Path) -> Made:
    return tree(root), {"group_from": "(["}


def pattern_without_match(root: Path) -> Made:
    return tree(root), {"group_from": r"p(\d+)"}


def no_group_folder(root: Path) -> Made:
    return tree(root), {"group_from": "folder"}


def bad_size(root: Path) -> Made:
    return tree(root), {"image_size": "large"}


def group_column(root: Path) -> Made:
    return tree(root), {"group_column": "patient"}


def table(root: Path, rows: list[tuple[object, ...]], columns: str = "path label", **more: Any) -> Path:
    tree(root / "img")
    pd.DataFrame(rows, columns=columns.split()).to_csv(root / "m.csv", index=False, **more)
    return root / "m.csv"


GOOD: list[tuple[object, ...]] = [(f"img/{name}/{i}.png", name) for name in ("ant", "bee") for i in range(4)]


def rows(*extra: tuple[object, ...]) -> Callable[[Path], Made]:
    return lambda root: table(root, [*GOOD, *extra])


def unknown_split(root: Path) -> Made:
    return table(root, [(*row, "train" if i else "holdout") for i, row in enumerate(GOOD)], "path label split")


def empty_group(root: Path) -> Made:
    named = [(*row, "" if i == 2 else f"p{i}") for i, row in enumerate(GOOD)]
    return table(root, named, "path label patient"), {"group_column": "patient"}


def no_label(root: Path) -> Made:
    return table(root, [(path, "x") for path, _ in GOOD], "path note")


def measurements(root: Path) -> Made:
    return table(root, [(path, 0.5 + i / 7) for i, (path, _) in enumerate(GOOD)])


def labels_01(root: Path) -> Made:
    return table(root, [(path, "1" if i % 2 else "01") for i, (path, _) in enumerate(GOOD)])


def zipped(*members: tuple[str, bytes], link: bool = False) -> Callable[[Path], Made]:
    def make(root: Path) -> Made:
        root.mkdir()
        with zipfile.ZipFile(root / "set.zip", "w") as archive:
            for name, content in members:
                info = zipfile.ZipInfo(name)
                if link:
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, content)
        return root / "set.zip"

    return make


def taped(kind: bytes, name: str = "a/x.png", target: str = "/etc/passwd") -> Callable[[Path], Made]:
    def make(root: Path) -> Made:
        root.mkdir()
        with tarfile.open(root / "set.tar.gz", "w:gz") as tape:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            tape.addfile(entry)
        return root / "set.tar.gz"

    return make


def torn_archive(root: Path) -> Made:
    zipped(("a/x.png", jpeg()), ("b/x.png", jpeg(1)))(root)
    path = root / "set.zip"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def bomb(root: Path) -> Made:
    root.mkdir()
    with (
        zipfile.ZipFile(root / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a/x.png", "w", force_zip64=True) as out,
    ):
        for _ in range(65):
            out.write(bytes(2**20))
    return root / "set.zip"


def arrays(**named: Any) -> Callable[[Path], Made]:
    def make(root: Path) -> Made:
        root.mkdir()
        np.savez(root / "set.npz", **named)
        return root / "set.npz"

    return make


def pixels(num: int = 8, size: int = 12) -> Any:
    return np.random.default_rng(0).integers(0, 256, (num, size, size), dtype=np.uint8)


def damaged_parquet(root: Path) -> Made:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    root.mkdir()
    rows_ = [{"image": {"bytes": b"nothing" if i == 3 else jpeg(i), "path": None}, "label": i % 2} for i in range(8)]
    parquet.write_table(pa.Table.from_pylist(rows_), root / "set.parquet")
    return root / "set.parquet"


CASES: list[tuple[str, Callable[[Path], Made], str]] = [
    ("an empty folder", empty_folder, r"made: the folder is empty. Put pictures into it, a folder for each class"),
    ("no pictures", no_pictures, r"there are no pictures, but 1 \.md. Pictures end with"),
    ("formats of others", foreign, r"all 3 pictures are in formats that are not read, such as 'ant/0.heic'. Convert"),
    ("an empty class", empty_class, r"the class folder 'wasp' holds no pictures; put some there, or remove it"),
    ("an empty class of a part", empty_class_of_a_part, r"the class folder 'test/wasp' holds no pictures"),
    ("one picture", one_picture, r"class 'wasp' has only 1 of the 3 examples needed \(2 for train, 1 for test\)"),
    ("one class", one_class, r"only one class \('ant'\) was found, but a classifier needs at least 2"),
    ("no class folders", flat, r"3 pictures lie in one folder, and nothing says their classes. Put those of a"),
    ("one beside the classes", loose, r"1 pictures lie beside the folders of the classes, the first is 'stray.png'"),
    ("text", with_file("x.jpg", b"hello, I am text"), r"1 of 9 pictures.*'bee/x.jpg' is no picture: it begins with b'h"),
    ("a web page", with_file("x.jpg", b"<!DOCTYPE html><p>404"), r"'bee/x.jpg' is no picture: it begins with HTML"),
    ("torn JPEG", with_file("x.jpg", jpeg()[:400]), r"'bee/x.jpg' is damaged \(it ends too early.*`--skip-unreadable`"),
    ("0 bytes", with_file("x.png", b""), r"'bee/x.png' is empty \(0 bytes\). Mend or remove them, or go on without"),
    ("a bomb", with_file("x.png", png_of(100_000, 100_000)), r"'bee/x.png' promises .*pixels, and no picture may have"),
    ("a torn header", with_file("x.png", png_of(9, 9)[:20]), r"'bee/x.png' is (damaged|no pict)"),
    ("only a header", with_file("x.png", png_of(9, 9)), r"'bee/x.png' is damaged"),
    ("PostScript", with_file("x.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n"), r"'bee/x.jpg' is no picture: it begins with b'%!PS"),
    ("case", differ_in_case, r"the classes 'Cat' and 'cat' differ in case only; rename or merge them"),
    ("spaces", differ_in_spaces, r"the classes 'cat' and 'cat ' differ in spaces only"),
    ("accents", differ_in_accents, r"differ in how accents are composed only"),
    ("leading zeros", differ_in_zeros, r"the classes '01' and '1' differ in how they are written only"),
    ("a class in Latin-1", latin_class, r"the class 'caf\\udce9' is not text in UTF-8; rename it"),
    ("a loop of links", a_loop, r"the folder 'bee/again' is a link to a folder that it is in; remove the link"),
    ("a dead link", dead_link, r"'bee/gone.png' is a link to nothing; remove it"),
    ("a pipe", a_pipe, r"'bee/pipe.png' is no file; remove it"),
    ("parts and others", parts_and_others, r"'test', 'train' are parts of a data set, but 'extra' is none. Move"),
    ("no training part", no_training, r"there is test and validation, but no picture in `train`. Name the part"),
    ("no classes in train", unlabelled_training, r"train: 4 pictures have no class, the first is '0.png'. Put those of"),
    ("a class of the test part", class_only_in_test, r"class 'wasp' is in the test split \(2 examples\) but not in train"),
    ("nothing readable", all_unreadable, r"2 of 2 pictures cannot be read: 'a/x.png' is empty"),
    ("no regular expression", bad_pattern, r"`group_from` is '\(\[', which is neither `folder` nor a reg"),
    ("a pattern for nothing", pattern_without_match, r"'ant/0.png' has nothing that `--group-from p\(\\d\+\)` finds"),
    ("no folders of groups", no_group_folder, r"'ant/0.png' lies in no folder within that of its class, which `--group"),
    ("no size", bad_size, r"`image_size` is 'large'; give a side such as 64, or height and"),
    ("a column of a folder", group_column, r"is no table: only .* have columns. Its groups are named by `--group-from"),
    ("missing files", rows(("img/no.png", "ant"), ("img/nor.png", "bee")), r"'img/no.png' \(row 9\) is not there; 'img/n"),
    ("absolute paths", rows(("/etc/x.png", "ant")), r"'/etc/x.png' \(row 9\) lies outside .*made; paths are counted"),
    ("paths that lead out", rows(("../x.png", "ant")), r"'../x.png' \(row 9\) lies outside .*made; paths are counted"),
    ("a path of Windows", rows((r"C:\x\y.png", "ant")), r"'C:/x/y.png' \(row 9\) lies outside"),
    ("a row twice", rows(GOOD[0]), r"'img/ant/0.png' is there 2 times; keep one row"),
    (
        "rows twice",
        rows(GOOD[0], GOOD[1]),
        r"'img/ant/0.png' is there 2 times and 1 more have several rows; keep one row of each: a picture has one",
    ),
    ("no label in a row", rows(("img/ant/0.png", "")), r"the label is empty in 1 rows, the first is row 9 below the"),
    ("no path in a row", rows(("", "ant")), r"the path is empty in row 9 below the header"),
    ("an unknown part", unknown_split, r"the split is 'holdout' in row 1 below the header; it is train, val or test"),
    ("no group in a row", empty_group, r"the group is empty in 1 rows, the first is row 3 below the header"),
    ("no column of labels", no_label, r"there is no column 'label' for the label; there are path, note. Name it with"),
    ("measurements", measurements, r"the labels are numbers with fractions such as .*; classes are needed"),
    ("labels in two spellings", labels_01, r"the classes '01' and '1' differ in how they are written only"),
    ("a zip that leads out", zipped(("../x.png", b"x")), r"set.zip: '../x.png' leads out of the archive"),
    ("an absolute zip", zipped(("/etc/x.png", b"x")), r"set.zip: '/etc/x.png' leads out of the archive"),
    ("a link in a zip", zipped(("a/x.png", b"/etc/passwd"), link=True), r"set.zip: 'a/x.png' is a link"),
    ("an empty zip", zipped(), r"set.zip: there is no file in it"),
    ("a torn zip", torn_archive, r"set.zip: cannot be unpacked \(.*\). Is it whole\? Fetch it again"),
    ("a zip bomb", bomb, r"set.zip: .* bytes would become 68,157,440, which no pictures do"),
    ("a link in a tar", taped(tarfile.SYMTYPE), r"set.tar.gz: 'a/x.png' is a link"),
    ("a device in a tar", taped(tarfile.CHRTYPE), r"set.tar.gz: 'a/x.png' is a device, not a file"),
    ("a tar that leads out", taped(tarfile.REGTYPE, "../../x.png"), r"'../../x.png' leads out of the archive"),
    ("images without labels", arrays(X=pixels()), r"there are no labels for 'X'; the file has X"),
    ("labels too few", arrays(X=pixels(), y=np.arange(5)), r"X has 8 images, but y is \(5,\); one each is needed"),
    ("other sizes in test", arrays(x_train=pixels(), y_train=np.arange(8) % 2, x_test=pixels(8, 9), y_test=np.arange(8) % 2),
     r"the parts have images of several sizes \(x_train \(12, 12\), x_test \(9, 9\)\); write one"),
    ("objects", arrays(X=pixels(), y=np.array([None] * 8)), r"y holds Python objects, which are not unpickled"),
    ("only a test part", arrays(test_images=pixels(), test_labels=np.arange(8) % 2), r"there is no part for training, but"),
    ("a damaged row", damaged_parquet, r"1 of 8 pictures cannot be read: 'set.parquet row 3' is no picture: it begins"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_is_refused_in_a_sentence(make: Callable[[Path], Made], message: str, tmp_path: Path) -> None:
    made = make(tmp_path / "made")
    path, options = made if isinstance(made, tuple) else (made, {})
    spec = DataSpec(source=str(path), **options)
    with pytest.raises((DataError, SpecError), match=message) as caught:
        prepare(spec, fetch(spec, cache=tmp_path / "cache"), cache=tmp_path / "cache")
    assert str(tmp_path / "cache") not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path / "made")
    (root / "bee").chmod(0)
    try:
        with pytest.raises(DataError, match="the folder 'bee' cannot be read"):
            read(root, tmp_path / "cache")
    finally:
        (root / "bee").chmod(0o700)


def test_all_faults_are_named_together_and_many_are_counted(tmp_path: Path) -> None:
    root = tree(tmp_path / "made", num=30)
    for i in range(25):
        (root / "ant" / f"{i}.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"25 of 60 pictures cannot be read.*'ant/0.png' is no.*; and 5 more\. Mend"):
        read(root, tmp_path / "cache")


def test_unreadable_pictures_are_left_out_when_asked_and_counted(tmp_path: Path) -> None:
    root = tree(tmp_path / "made")
    (root / "ant" / "0.png").write_bytes(b"x")
    (root / "bee" / "1.jpg").write_bytes(jpeg()[:300])  # the header is whole
    raw = read(root, tmp_path / "cache", skip_unreadable=True)
    assert len(raw.labels) == len(raw.features) == 7
    assert "2 pictures cannot be read and are left out: 'ant/0.png', 'bee/1.jpg'." in raw.notes
    assert raw.pictures is not None
    assert "ant/0.png" not in raw.pictures.names


def test_what_file_managers_leave_behind_is_passed_by(tmp_path: Path) -> None:
    root = tree(tmp_path / "made")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._0.png", ".hidden.png"):
        (root / "ant" / name).write_bytes(b"junk")
    (root / "__MACOSX" / "ant").mkdir(parents=True)
    (root / "__MACOSX" / "ant" / "._0.png").write_bytes(b"junk")
    (root / ".ipynb_checkpoints").mkdir()
    assert len(read(root, tmp_path / "cache").labels) == 8


def test_names_with_line_breaks_and_other_bytes_do_no_harm(tmp_path: Path) -> None:
    root = tree(tmp_path / "made")
    put(root / "ant" / "a\nb.png", 70)
    put(root / "ant" / "x.png", 71).rename(root / "ant" / os.fsdecode(b"\xe9.png"))
    raw = read(root, tmp_path / "cache")
    assert raw.pictures is not None
    assert {"ant/a\nb.png", "ant/\\xe9.png"} <= set(raw.pictures.names)
    json.dumps(raw.pictures.names).encode()


def test_labels_that_are_numbers_and_words_are_told(tmp_path: Path) -> None:
    root = tmp_path / "made"
    path = table(root, [(name, "3" if i % 2 else "ant") for i, (name, _) in enumerate(GOOD)])
    notes = read(path, tmp_path / "cache").notes
    assert "Some labels are numbers (3) and some are words ('ant'): is that meant?" in notes
