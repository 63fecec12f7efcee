"""One row a series: with a header or without, any separator, the label anywhere; UCR's files against aeon's reader."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from aeon.datasets import load_from_tsv_file

from hw3models.data import as_kind, fetch
from hw3models.data.checks import check
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.readers.wide_tables import gather_wide
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read, series

UCR = SHARED / "data" / "ucr"
SETS = sorted(path.name for path in UCR.glob("*") if (path / f"{path.name}_TRAIN.tsv").is_file())
X = series()
Y = ["up", "down"] * 6


def frame(**columns: object) -> pd.DataFrame:
    table = pd.DataFrame(X[:, :, 0].astype(str), columns=[f"t{step}" for step in range(9)])
    for name, values in columns.items():
        table.insert(0, name, values)
    return table


def same(raw: Raw) -> None:
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == Y


@needs_shared
@pytest.mark.parametrize("name", SETS)
def test_ucr_sets_are_what_aeon_reads_and_the_archive_counts(name: str) -> None:
    raw = read(UCR / name / f"{name}_TRAIN.tsv")
    assert raw.name == name
    assert raw.test is not None
    for part, rows in (("TRAIN", ~raw.test), ("TEST", raw.test)):
        expected, labels = load_from_tsv_file(str(UCR / name / f"{name}_{part}.tsv"))
        found = raw.features[rows].astype(np.float64)
        if raw.lengths is not None:
            found[np.arange(found.shape[1]) >= raw.lengths[rows][:, None]] = np.nan
        np.testing.assert_allclose(found[:, :, 0], expected[:, 0], rtol=1e-5, atol=1e-30)
        assert [float(label) for label, row in zip(classes(raw), rows, strict=True) if row] == labels.tolist()


@needs_shared
def test_ends_that_are_missing_are_ends_and_gaps_within_are_gaps() -> None:
    gesture = read(UCR / "GestureMidAirD1" / "GestureMidAirD1_TRAIN.tsv")
    assert gesture.lengths is not None
    assert (int(gesture.lengths.min()), int(gesture.lengths.max())) == (80, 360)
    assert not np.isnan(gesture.features).any()
    assert any("335 of 338 series end with missing values" in note for note in gesture.notes)
    people = read(UCR / "MelbournePedestrian" / "MelbournePedestrian_TRAIN.tsv")
    assert people.lengths is None
    assert int(np.isnan(people.features).any((1, 2)).sum()) == 56 + 120


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("suffix", [".csv", ".txt", ".tsv.gz"])
def test_headers_separators_and_suffixes_make_no_difference(
    separator: str, header: bool, suffix: str, tmp_path: Path
) -> None:
    text = frame(label=Y).to_csv(index=False, header=header, sep=separator)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    same(read(path))


def test_numbers_that_count_on_are_a_header_and_an_index_is_none_of_the_steps(tmp_path: Path) -> None:
    table = pd.DataFrame(X[:, :, 0].astype(str))
    table["label"] = Y
    table.to_csv(tmp_path / "a.csv")
    raw = read(tmp_path / "a.csv")
    same(raw)
    assert "labels in 'label', 9 numbers a row" in raw.notes[0]


def test_the_last_column_is_the_label_where_the_first_is_none(tmp_path: Path) -> None:
    table = frame()
    table["z"] = Y
    table.to_csv(tmp_path / "a.csv", index=False, header=False)
    raw = read(tmp_path / "a.csv")
    same(raw)
    assert "the label in the last column" in raw.notes[0]


def test_label_group_split_and_ids_have_columns_of_their_own(tmp_path: Path) -> None:
    split = ["train", "val", "test"] * 4
    table = frame(kind=Y, subject=[f"0{row % 4}" for row in range(12)], split=split, id=[f"s{r}" for r in range(12)])
    table.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv", label_column="kind", group_column="subject")
    same(raw)
    assert raw.group_names == ("00", "01", "02", "03")
    assert raw.test is not None
    assert raw.validation is not None
    assert raw.test.tolist() == [word == "test" for word in split]
    assert raw.validation.tolist() == [word == "val" for word in split]


def test_channels_side_by_side_are_channels(tmp_path: Path) -> None:
    two = series(12, 5, 2)
    table = pd.DataFrame({f"{name}_{t}": two[:, t, c].astype(str) for c, name in enumerate("xy") for t in range(5)})
    table["label"] = Y
    table.to_csv(tmp_path / "a.csv", index=False)
    raw = read(tmp_path / "a.csv")
    assert raw.channels == ("x", "y")
    np.testing.assert_array_equal(raw.features, two)


def test_labels_are_to_the_letter_but_whole_numbers_in_any_spelling_are_whole(tmp_path: Path) -> None:
    for spelt, expected in ((["01", "2"] * 6, ("01", "2")), (["1.0000000e+00", "-1.0"] * 6, ("-1", "1"))):
        frame(label=spelt).to_csv(tmp_path / "a.csv", index=False, header=False)
        assert read(tmp_path / "a.csv").class_names == expected


def test_decimal_commas_and_marks_for_missing_numbers_are_read(tmp_path: Path) -> None:
    text = frame(label=Y).to_csv(index=False, sep=";").replace(".", ",")
    (tmp_path / "a.csv").write_text(text)
    same(read(tmp_path / "a.csv"))
    table = frame(label=Y)
    table.loc[3, "t2"] = "?"
    table.to_csv(tmp_path / "b.csv", index=False)
    assert np.argwhere(np.isnan(read(tmp_path / "b.csv").features)).tolist() == [[3, 2, 0]]


def test_a_pair_is_found_and_said_and_an_option_decides(tmp_path: Path) -> None:
    for word, rows in (("TRAIN", slice(0, 6)), ("VAL", slice(6, 8)), ("TEST", slice(8, 12))):
        frame(label=Y).iloc[rows].to_csv(tmp_path / f"walk_{word}.csv", index=False)
    raw = read(tmp_path / "walk_TRAIN.csv")
    same(raw)
    assert raw.name == "walk"
    assert "walk_VAL.csv for validation, walk_TEST.csv for test (`--no-pair`" in raw.notes[0]
    assert raw.validation is not None
    assert np.flatnonzero(raw.validation).tolist() == [6, 7]
    alone = read(tmp_path / "walk_TRAIN.csv", pair=False)
    assert (len(alone.labels), alone.test) == (6, None)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("label,t0,t1,t2,t3\na,1,2,3,4\nb,1,2,x,4\n", {}, r"column 't2' is no number in line 3: 'x'"),
        ("a,1,2,3\nb,1,2\n", {}, r"line 2 has 3 cells, but the first has 4: every row needs as many"),
        (
            "0.5,1.5,2.5,3\n0.7,1.1,2.2,9\n",
            {},
            r"no column of labels was found.*`--label-column NAME`, `first` or `last`",
        ),
        ("label,t0,t1,t2,t3\na,1,2,3,4\n,1,2,3,4\n", {}, r"column 'label' is empty in line 3"),
        ("k,t0,t1,t2,t3\na,1,2,3,4\nb,1,2,3,4\n", {"label_column": "kk"}, r"column 'kk' .* Did you mean 'k'\?"),
        ("label,t0,t1,t2,t2\na,1,2,3,4\n", {"layout": "wide"}, r"column 't2' is there more than once"),
        ("1.5,t0,t1,t2\na,1,2,3\n", {"label_column": "first", "layout": "wide"}, "only one class"),
        ("label,t0,t1,t2,t3\na,nan,nan,,\nb,1,2,3,4\n", {}, r"series '0' has no values at all"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, options: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        check(read(tmp_path / "a.csv", **options), "a.csv")


def test_a_table_in_long_form_stays_one_and_the_option_decides(tmp_path: Path) -> None:
    long = pd.DataFrame(
        {"sample": np.repeat(range(12), 9), "time": list(range(9)) * 12, "x": X.reshape(-1).astype(str)}
    )
    long["label"] = np.repeat(Y, 9)
    long.to_csv(tmp_path / "a.csv", index=False)
    same(read(tmp_path / "a.csv"))
    frame().set_axis([*"abcdefghi"], axis=1).assign(label=Y).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match=r"column 'sample' .*is missing.*if each row is a series, say `--layout wide`"):
        read(tmp_path / "b.csv")
    same(read(tmp_path / "b.csv", layout="wide"))


def test_a_model_reads_the_same_file_with_labels_or_without(tmp_path: Path) -> None:
    frame(label=Y).to_csv(tmp_path / "a.tsv", index=False, header=False, sep="\t")
    frame().to_csv(tmp_path / "b.tsv", index=False, header=False, sep="\t")
    frame(label=Y).iloc[:1].to_csv(tmp_path / "c.tsv", index=False, header=False, sep="\t")
    for name in ("a.tsv", "b.tsv", "c.tsv"):
        [block] = read_examples(tmp_path / name, Wanted("sequences", (9, 1)))
        np.testing.assert_array_equal(block.examples, X[: len(block.ids)])


def test_digits_that_are_no_number_are_names(tmp_path: Path) -> None:
    """`"\u00b2".isdigit()` is true, and a number of thousands of digits is more than Python reads."""
    lines = [f"\u00b2,{'ab'[row % 2]},{row},{row + 1},{row + 3}" for row in range(30)]
    (tmp_path / "a.csv").write_text("\n".join(["index,label,t0,t1,t2", *lines]))
    assert read(tmp_path / "a.csv").features.shape == (30, 3, 1)
    (tmp_path / "b.csv").write_text("\n".join([f"label,t{'9' * 5000},t0,t1,t2", *(line[2:] + ",1" for line in lines)]))
    assert len(read(tmp_path / "b.csv").features) == 30


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ([f"pixel{i}" for i in range(64)], (8, 8)),
        ([f"{i}x{k}" for i in range(1, 9) for k in range(1, 9)], (8, 8)),
        ([f"pixel{i:04d}" for i in range(75)], (5, 5, 3)),
    ],
)
def test_columns_of_pixels_are_said_with_the_command_that_takes_them_for_pictures(
    names: list[str], shape: tuple[int, ...], tmp_path: Path
) -> None:
    """The command that is told reads the pictures."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, len(names)))
    table = pd.DataFrame(pixels, columns=names)
    table.insert(0, "label", np.arange(9) % 3)
    table.to_csv(tmp_path / "train.csv", index=False)
    spec = as_kind("sequences", DataSpec(source=str(tmp_path / "train.csv")))
    [note] = [one for one in gather_wide(tmp_path / "train.csv", spec, True).notes if "pixels" in one]
    assert note.endswith(f"For pictures: `hw3 images {tmp_path / 'train.csv'}`.")
    told = as_kind("images", DataSpec(source=str(tmp_path / "train.csv"), axes="NTC" if len(shape) == 3 else None))
    raw = read_raw(told, fetch(told, cache=tmp_path), cache=tmp_path)
    np.testing.assert_array_equal(raw.features, pixels.reshape(9, *shape))
    assert raw.class_names == ("0", "1", "2")
