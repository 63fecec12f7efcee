"""`.arff` in the archive's three forms against its `.ts` files and aeon's reader; faults are said with their line."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from aeon.datasets import load_from_arff_file

from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read

UWAVE = SHARED / "data" / "uea" / "UWaveGestureLibrary"
STEPS = "@attribute t0 numeric\n@attribute t1 real\n@attribute t2 numeric\n"
PLAIN = f"@relation toy\n{STEPS}@attribute class {{'walk up',b}}\n@data\n"


@needs_shared
def test_a_relational_file_is_what_the_ts_file_of_the_set_is() -> None:
    arff, ts = (read(UWAVE / name) for name in ("arff/UWaveGestureLibrary_TRAIN.arff", "UWaveGestureLibrary_TRAIN.ts"))
    np.testing.assert_array_equal(arff.features, ts.features)
    assert (classes(arff), arff.class_names) == (classes(ts), ts.class_names)
    assert arff.test is not None
    assert int(arff.test.sum()) == 320


@needs_shared
def test_files_of_dimensions_are_put_together_and_a_lone_one_is_said_to_be_one(tmp_path: Path) -> None:
    folder = UWAVE / "arff"
    alone = read(folder / "UWaveGestureLibraryDimension1_TRAIN.arff", pair=False)
    expected, labels = load_from_arff_file(str(folder / "UWaveGestureLibraryDimension1_TRAIN.arff"))
    np.testing.assert_array_equal(alone.features[:, :, 0], expected[:, 0].astype(np.float32))
    assert classes(alone) == labels.tolist()
    assert any("No other dimension lies beside" in note for note in alone.notes)
    for number in (1, 2):
        shutil.copy(folder / "UWaveGestureLibraryDimension1_TRAIN.arff", tmp_path / f"UDimension{number}_TRAIN.arff")
    both = read(tmp_path / "UDimension1_TRAIN.arff")
    np.testing.assert_array_equal(both.features, np.repeat(alone.features, 2, axis=2))
    assert "UDimension2_TRAIN.arff beside it are the other dimensions" in both.notes[0]
    text = (tmp_path / "UDimension2_TRAIN.arff").read_text().rstrip("\n").rsplit("\n", 1)[0]
    (tmp_path / "UDimension2_TRAIN.arff").write_text(text)
    with pytest.raises(DataError, match=r"UDimension2_TRAIN\.arff has 119 series of other labels or lengths"):
        read(tmp_path / "UDimension1_TRAIN.arff")


def test_names_with_spaces_comments_and_missing_values_are_read(tmp_path: Path) -> None:
    rows = "% made by hand\n1,2,3,'walk up'\n4,?,6,b\n7,8,9,b\n1,1,?,'walk up'\n"
    (tmp_path / "a.arff").write_text(PLAIN + rows)
    raw = read(tmp_path / "a.arff")
    assert raw.class_names == ("b", "walk up")
    assert np.argwhere(np.isnan(raw.features)).tolist() == [[1, 1, 0]]
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [3, 3, 3, 2]
    [block] = read_examples(tmp_path / "a.arff", Wanted("sequences", (3, 1)))
    assert block.examples[0, :, 0].tolist() == [1, 2, 3]


@needs_shared
def test_rows_that_look_like_time_steps_are_not_taken_for_series() -> None:
    path = SHARED / "data" / "series" / "eeg_eye_state" / "EEG Eye State.arff"
    with pytest.raises(DataError, match=r"14,980 rows like time steps of a recording. Give `--window 128 --stride 64`"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN + "1,2,c\n", r"line 7 has 3 cells for 4 attributes"),
        (PLAIN + "1,2,x,b\n", r"line 7, step 3: 'x' is not a number"),
        (PLAIN + "1_0,2,3,b\n", r"line 7, step 1: '1_0' is not a number"),
        (PLAIN.replace("t1", "t0") + "1,2,3,b\n", r"attribute 't0' is there more than once"),
        (PLAIN + "1,2,3,c\n", r"line 7: class 'c' is not one of 'class' \(walk up, b\)"),
        (PLAIN + "1,2,3,?\n", r"line 7 has no class"),
        (PLAIN + "{0 1, 3 b}\n", r"line 7: rows in Weka's sparse form"),
        (PLAIN, r"there are no rows after @data"),
        (PLAIN.replace("@data\n", ""), r"there is no @data line"),
        (PLAIN.replace("{'walk up',b}", "numeric") + "1,2,3,4\n", r"no attribute has classes .*a measurement"),
        ("nonsense\n" + PLAIN, r"line 1 stands before @data but is no @tag"),
        (PLAIN.replace("real", "colour") + "1,2,3,b\n", r"line 3: attribute 't1' has type 'colour'"),
        (
            "@attribute r relational\n@attribute a numeric\n@end r\n@attribute c {a,b}\n@data\n'1,2\\n1',a\n",
            r"dimensions differ",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.arff").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.arff")


def test_a_number_beside_the_steps_is_none_of_them_and_what_the_header_says_otherwise_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.arff").write_text(
        PLAIN.replace("@attribute t0", "@attribute id numeric\n@attribute t0") + "9,1,2,3,b\n"
    )
    raw = read(tmp_path / "a.arff")
    assert raw.features[0, :, 0].tolist() == [1, 2, 3]
    assert any("'id' stands beside the steps and is none" in note for note in raw.notes)
    steps = "@attribute t0 numeric\n@attribute t1 numeric\n@attribute t2 numeric\n"
    header = f"@attribute r relational\n{steps}@end r\n@attribute c {{a,b}}\n@data\n"
    (tmp_path / "r.arff").write_text(header + "'1,2\\n3,4',a\n'5,6\\n7,8',b\n")
    raw = read(tmp_path / "r.arff")
    assert raw.features.shape == (2, 2, 2)
    assert "The header names 3 steps, but the series have 2." in raw.notes
