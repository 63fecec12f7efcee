"""A folder that holds one set, as archives are unpacked; and options that a source does not heed."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data.sources import find_source
from hw3models.drift.reading import read_new
from hw3models.errors import SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import SHARED, classes, needs_shared, read
from tests.tiny import manifest_of


@needs_shared
@pytest.mark.parametrize(
    ("folder", "file"), [("uea/RacketSports", "RacketSports_TRAIN.ts"), ("ucr/Coffee", "Coffee_TRAIN.tsv")]
)
def test_the_folder_of_a_set_is_its_files(folder: str, file: str) -> None:
    raw, expected = read(SHARED / "data" / folder), read(SHARED / "data" / folder / file)
    np.testing.assert_array_equal(raw.features, expected.features)
    assert (raw.name, classes(raw)) == (expected.name, classes(expected))


def test_the_folder_of_a_set_without_labels_is_new_data(tmp_path: Path) -> None:
    folder = tmp_path / "Gait"
    folder.mkdir()
    rows = [(f"s{i}", t, i + t, i - t) for i in range(9) for t in range(4)]
    for part in ("TRAIN", "TEST"):
        pd.DataFrame(rows, columns=["sample", "time", "x", "z"]).to_csv(folder / f"Gait_{part}.csv", index=False)
    model = manifest_of((4, 2), ("a", "b"), ("x", "z"))
    found, alone = (
        read_new(DataSpec(source=str(one)), model, cache=tmp_path / "cache")
        for one in (folder, folder / "Gait_TRAIN.csv")
    )
    np.testing.assert_array_equal(found.examples, alone.examples)
    assert found.classes is None


def test_train_and_test_beside_other_tables_are_recordings(tmp_path: Path) -> None:
    for name in ("a_train", "a_test", "b"):
        (tmp_path / f"{name}.csv").write_text("x,y\n1,2\n3,4\n")
    assert find_source(str(tmp_path)).name == "folder"
    (tmp_path / "b.csv").unlink()
    assert find_source(str(tmp_path)).name == "set"


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("a.npy", {"window": 8}, r"`window` is 8, but .*a\.npy is read in one way only: the option is for .*\.csv"),
        ("a.csv", {"arrays": "X=a"}, r"`arrays` is 'X=a', .* the option is for .*\.mat, \.h5"),
        ("a.ts", {"layout": "wide"}, r"`layout` is 'wide', .* the option is for .*\.csv"),
        ("digits", {"manifest": "a.csv"}, r"`manifest` is 'a\.csv', but digits is read in one way only"),
        ("a.csv", {"stride": 4}, r"`stride` is 4, but there are no windows\. Give `--window`"),
    ],
)
def test_an_option_that_nothing_heeds_is_refused(source: str, options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=message):
        read(source if source == "digits" else tmp_path / source, **options)
