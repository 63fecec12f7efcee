"""What devices and exports write beside a header and rows is left out, said, and changes no line's number."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.readers.folders import gather_folder
from hw3models.data.readers.mended_text import MendedText, Mends
from hw3models.data.readers.recordings import gather_rows
from hw3models.data.readers.tables import read_table
from hw3models.data.readers.wide_tables import gather_wide
from hw3models.errors import DataError
from hw3models.specs import DataSpec

ROWS = [
    f"{name},{step},{step + 0.5 * number},{-step / 4},{label}"
    for number, (name, label) in enumerate((("a1", "sit"), ("b 2", "walk"), ("c3", "sit")))
    for step in range(4)
]
HEADER = "sample,time,x,y,label"
PLAIN = "\n".join([HEADER, *ROWS]) + "\n"


def read(path: Path, content: str) -> Raw:
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return read_table(path, "toy", DataSpec(source=str(path)))


def as_r_writes_it(text: str) -> str:
    header, *rows = text.splitlines()
    quoted = [[f'"{cell}"' if cell[0].isalpha() else cell for cell in row.split(",")] for row in [header, *rows]]
    return "\n".join([" ".join(quoted[0]), *(f'"{i}" ' + " ".join(row) for i, row in enumerate(quoted[1:], 1))])


FORMS: dict[str, tuple[Callable[[str], str], str]] = {
    "lines of a device": (
        lambda text: "Device;ACME 3000\nStart: 2024-01-01 10:00, left\n\n" + text,
        "3 lines stand before the header, such as 'Device;ACME 3000', and were left out.",
    ),
    "units": (
        lambda text: text.replace(HEADER, HEADER + "\n-,s,m/s^2,N,"),
        "Line 2 has units or more names, no values, and was left out: '-,s,m/s^2,N,'.",
    ),
    "two files in one": (
        lambda text: text.replace("c3,0,", HEADER + "\nc3,0,"),
        "The header stands once more between rows, and was left out there.",
    ),
    "an end that the header has not": (
        lambda text: HEADER + "\n" + text.partition("\n")[2].replace("\n", ",\n"),
        "",
    ),
    "R's table": (as_r_writes_it, "Rows have names that the header does not count, as R writes them."),
    "names in other spelling": (lambda text: text.replace(HEADER, " sample , time,x,y ,label "), ""),
}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize("case", FORMS)
def test_a_table_is_the_same_whatever_was_written_around_it(case: str, suffix: str, tmp_path: Path) -> None:
    write, note = FORMS[case]
    plain, found = read(tmp_path / "plain.csv", PLAIN), read(tmp_path / f"toy{suffix}", write(PLAIN))
    np.testing.assert_array_equal(found.features, plain.features)
    assert (found.class_names, found.channels) == (("sit", "walk"), ("x", "y"))
    assert note in (found.notes or ("",))


@pytest.mark.parametrize(
    ("header", "line", "wanted"),
    [
        ("sample;time;x;y;label", "{n};{t};{v:1.234.567,5};-{v:12.345,25};{c}", [1234567.5, -12345.25]),
        ("sample;time;x;y;label", "{n};{t};{v:1,234,567.5};999.25;{c}", [1234567.5, 999.25]),
        ("sample,time,x,y,label", '{n},{t},"{v:1,234,567.5}","{v:2,345}",{c}', [1234567.5, 2345]),
        ("sample,time,x,y,label", '{n},{t},"{v:1,234}","{v:0,345}",{c}', [1.234, 0.345]),  # decimals, as one tells
    ],
)
def test_marks_between_thousands_are_no_decimal_marks(
    header: str, line: str, wanted: list[float], tmp_path: Path
) -> None:
    def written(number: int, step: int) -> str:
        text = line.replace("{n}", f"s{number}").replace("{t}", str(step)).replace("{c}", "ab"[number % 2])
        return re.sub(r"\{v:(.*?)\}", r"\1", text)

    rows = [written(number, step) for number in range(3) for step in range(4)]
    raw = read(tmp_path / "toy.csv", "\n".join([header, *rows]) + "\n")
    np.testing.assert_allclose(raw.features[0, 0], wanted)
    found = gather_rows(tmp_path / "toy.csv", DataSpec(source=str(tmp_path / "toy.csv"), window=2, stride=2), True)
    np.testing.assert_allclose(found.series[0][0], wanted)


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"feature 'x' is not a number at line 7: 'high'"):
        read(
            tmp_path / "toy.csv",
            f"Device 7\n\n{HEADER}\n-,s,g,g,\na,0,1,2,sit\n{HEADER}\na,1,high,2,sit\na,2,1,2,sit\n",
        )


def test_a_header_that_rows_do_not_fit_stays_the_header(tmp_path: Path) -> None:
    """Rows that are all too long, perhaps of decimal commas, are no table below a line of a device."""
    rows = "\n".join(f"a,{step},1,5,2,sit" for step in range(6))
    with pytest.raises(DataError, match=r"line 2 has 6 fields where the header has 5"):
        read(tmp_path / "toy.csv", f"{HEADER}\n{rows}\n")


def test_what_a_first_row_lacks_are_no_units(tmp_path: Path) -> None:
    raw = read(tmp_path / "toy.csv", PLAIN.replace("a1,0,0.0,-0.0,", "a1,0,0.0,,").replace("-0.0", "0"))
    assert raw.features.shape == (3, 4, 2)
    assert not any("units" in note for note in raw.notes)


def test_the_clock_of_a_wearable_is_no_value(tmp_path: Path) -> None:
    """Empatica's folders: the begin and the rate stand above the values, in every column."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, 9, 3)).round(4)
    for number, one in enumerate(values):
        folder = tmp_path / "set" / ("calm", "stress")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        rows = [[1574090400.0 + number] * 3, [32.0] * 3, *one]
        (folder / f"{number}.csv").write_text("\n".join(", ".join(f"{v:.6f}" for v in row) for row in rows) + "\n")
    found = gather_folder(tmp_path / "set", DataSpec(source=str(tmp_path / "set")), True)
    np.testing.assert_allclose(np.stack(found.series), values[[0, 2, 1, 3]])
    assert any("a time (1574090400.000000) and a rate (32.000000 a second)" in note for note in found.notes)


def test_rows_without_a_header_lose_what_ends_them(tmp_path: Path) -> None:
    rows = [f"{'sit' if n % 2 else 'walk'},{n}.5,{n}.25,{-n}.5;" for n in range(6)]
    (tmp_path / "raw.txt").write_text("\n".join(rows))
    found = gather_wide(tmp_path / "raw.txt", DataSpec(source=str(tmp_path / "raw.txt")), True)
    np.testing.assert_array_equal(found.series[3][:, 0], [3.5, 3.25, -3.5])


def test_a_mended_text_is_read_in_pieces_of_any_size(tmp_path: Path) -> None:
    lines = ["a,b\n", "m,s\n", "1,2,\n", "a,b\n", "3,4,\n"]
    wanted = "a,b\n\n1,2\n\n3,4\n"
    for size in (1, 3, 7, 100, -1):
        text = MendedText(iter(lines), Mends(header=0, units=1, comes_again=True, end=","))  # type: ignore[arg-type]
        pieces = list(iter(lambda text=text, size=size: text.read(size), ""))  # type: ignore[misc]
        assert "".join(pieces) == wanted
    text = MendedText(iter(lines), Mends(header=0, units=1, comes_again=True, end=","))  # type: ignore[arg-type]
    assert [text.readline(2), *text] == ["a,", "b\n", *wanted.splitlines(keepends=True)[1:]]


@pytest.mark.parametrize("wide", [True, False])
def test_a_test_file_without_labels_is_left_for_prediction(wide: bool, tmp_path: Path) -> None:
    """Kaggle's pair: nothing can be tested on a file whose labels others keep."""
    rng = np.random.default_rng(0)
    if wide:
        table = pd.DataFrame(rng.integers(0, 255, (30, 12)), columns=[f"pixel{i}" for i in range(12)])
        table.insert(0, "label", np.arange(30) % 3)
    else:
        rows = [(f"s{n}", t, rng.random(), "ab"[n % 2]) for n in range(12) for t in range(5)]
        table = pd.DataFrame(rows, columns=["sample", "time", "value", "label"])
    table.to_csv(tmp_path / "train.csv", index=False)
    table.drop(columns="label").to_csv(tmp_path / "test.csv", index=False)
    spec = DataSpec(source=str(tmp_path / "train.csv"))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert (len(raw.labels), raw.test) == (30 if wide else 12, None)
    assert raw.notes[0] == "test.csv has no labels and is not taken as a part: `hw3 predict` takes it."
    table.to_csv(tmp_path / "test.csv", index=False)
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert raw.test is not None
    assert raw.test.sum() == len(raw.labels) / 2
