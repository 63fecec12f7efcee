"""How a text file is written is found out, said where it is not as usual, and refused where it cannot be told."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hw3models.data.raw import Raw
from hw3models.data.readers.long_tables import csv_names
from hw3models.data.readers.tables import read_table
from hw3models.data.readers.text_files import SPACES, TextForm, text_form
from hw3models.errors import DataError
from hw3models.specs import DataSpec

ROWS = [
    f"{name},{step},{step + 0.5 * len(name)},{-step / 4},{label}"
    for name, label in (("a1", "sit"), ("b22", "walk"), ("c333", "sit"))
    for step in range(3)
]
PLAIN = "\n".join(["sample,time,x,y,label", *ROWS]) + "\n"


def read(path: Path, content: str | bytes) -> Raw:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, "toy", DataSpec(source=str(path)))


FORMS: dict[str, tuple[Callable[[str], str | bytes], TextForm]] = {
    "plain": (str, TextForm()),
    "semicolons": (lambda text: text.replace(",", ";"), TextForm(separator=";")),
    "decimal commas": (
        lambda text: text.replace(",", ";").replace(".", ","),
        TextForm(separator=";", decimal=","),
    ),
    "tabs and decimal commas": (
        lambda text: text.replace(",", "\t").replace(".", ","),
        TextForm(separator="\t", decimal=","),
    ),
    "bars": (lambda text: text.replace(",", "|"), TextForm(separator="|")),
    "spaces": (lambda text: text.replace(",", "   "), TextForm(separator=SPACES)),
    "comments": (lambda text: "# device 7\n# 50 Hz, left hand\n" + text, TextForm(before=2)),
    "a commented header": (lambda text: "# device 7\n# " + text, TextForm(before=1)),
    "Excel's first line": (lambda text: "sep=;\n" + text.replace(",", ";"), TextForm(separator=";", before=1)),
    "UTF-8 with a mark": (lambda text: text.encode("utf-8-sig"), TextForm()),
    "UTF-16 with a mark": (lambda text: text.encode("utf-16"), TextForm("utf-16")),
    "UTF-16 without": (lambda text: text.encode("utf-16-le"), TextForm("utf-16-le")),
    "UTF-16 the other way": (lambda text: text.encode("utf-16-be"), TextForm("utf-16-be")),
    "Windows": (lambda text: text.replace("\n", "\r\n"), TextForm()),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_table_is_the_same_in_every_form(case: str, tmp_path: Path) -> None:
    write, wanted = FORMS[case]
    plain, found = read(tmp_path / "plain.csv", PLAIN), read(tmp_path / "toy.csv", write(PLAIN))
    np.testing.assert_array_equal(found.features, plain.features)
    assert (found.class_names, found.labels.tolist()) == (("sit", "walk"), [0, 1, 0])
    form = text_form(tmp_path / "toy.csv")
    assert form._replace(notes=()) == wanted
    assert bool(form.notes) == (form._replace(separator=",") != TextForm() or form.separator in {";", "|", SPACES})


def test_lines_are_counted_with_those_before_the_header(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"feature 'x' is not a number at line 4: 'high'"):
        read(tmp_path / "toy.csv", "# a\n# b\nsample,time,x,label\na,0,high,sit\n")


def test_windows_text_is_read_with_the_word_that_shows_it(tmp_path: Path) -> None:
    raw = read(tmp_path / "toy.csv", PLAIN.replace("walk", "Fußgänger").encode("cp1252"))
    assert raw.class_names == ("Fußgänger", "sit")
    [note] = text_form(tmp_path / "toy.csv").notes
    assert "read as Windows-1252, so that line 5 holds 'Fußgänger'" in note


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PLAIN.replace("walk", "Fußgänger").encode() + b"d,0,1,2,M\xfcll\n", r"line 11 holds b'M\\xfcll'.* damaged"),
        (PLAIN.replace("sit", "\x81").encode("latin-1"), r"line 2 holds b'\\x81', which is not UTF-8.*iconv -f"),
        (b"\x93\x00\x01\x02\x05" * 9, "not UTF-8, and the file holds control characters: is it text"),
    ],
)
def test_an_encoding_that_cannot_be_told_is_said_in_plain_words(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "toy.csv", content)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("# paused", r"line 6 has 6 fields|line 6 .*grep -v '\^#'"),
        ("b22,2,1,5,-0,5,walk", r"line 6 has 7 fields where the header has 5: .* decimals written with commas\?"),
        ("b22,2,1.5,-0.5,walk,late", r"line 6 has 6 fields where the header has 5: 'b22,2,1.5,-0.5,walk,late'. Give"),
    ],
)
def test_the_first_uneven_line_is_named_with_its_cause(line: str, message: str, tmp_path: Path) -> None:
    lines = PLAIN.splitlines()
    text = "\n".join([*lines[:5], line if line[0] != "#" else line + ",1,2,3,4,5", *lines[5:]])
    with pytest.raises(DataError, match=message):
        read(tmp_path / "toy.csv", text)


def test_ids_that_count_are_no_index_where_every_row_is_too_long(tmp_path: Path) -> None:
    """pandas takes the first of them for an index, and all columns would be those to the left."""
    with pytest.raises(DataError, match="more fields than the header has columns"):
        read(tmp_path / "toy.csv", "sample,time,x,label\n0,1,2,3,a\n1,1,2,3,b\n2,1,2,3,a\n")


def test_names_are_those_behind_the_mark_of_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_text("# sample,time,x,label\na,0,1,sit\n")
    assert csv_names(path) == ["sample", "time", "x", "label"]
    path.write_text("#,sample,time,x,label\n0,a,0,1,sit\n")
    assert csv_names(path)[0] == "#"


def test_times_have_decimal_commas_as_well(tmp_path: Path) -> None:
    text = "sample;time;x;label\na;1,5;3,5;sit\na;0,5;2,5;sit\n"
    raw = read(tmp_path / "toy.csv", text)
    assert raw.features[0, :, 0].tolist() == [2.5, 3.5]
    assert raw.notes == ("Columns are separated by semicolons and decimals written with commas.",)


def test_a_packed_file_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv.gz"
    path.write_bytes(gzip.compress(PLAIN.replace(",", ";").encode()))
    assert text_form(path).separator == ";"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "it is a web page, no table"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n", "pointer of Git LFS.*git lfs pull"),
        ("\n \n", "the file is empty"),
    ],
)
def test_what_was_saved_in_place_of_a_table_is_said(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv", content)
