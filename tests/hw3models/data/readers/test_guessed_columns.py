"""Columns that nobody named: which are found out, which are not, and that all readers agree."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.checking import check_data
from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
LONG = pd.DataFrame(
    {
        "sample": np.repeat(np.arange(30), 12),
        "time": np.tile(np.arange(12), 30),
        "x": RNG.normal(size=360),
        "y": RNG.normal(size=360),
        "label": np.repeat(np.array(["sit", "walk"])[np.arange(30) % 2], 12),
    }
)


def write(path: Path, table: pd.DataFrame) -> DataSpec:
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return DataSpec(source=str(path))


def read(path: Path, table: pd.DataFrame, **options: Any) -> Raw:
    spec = write(path, table).model_copy(update=options)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".csv.gz"])
@pytest.mark.parametrize(
    "names",
    [
        {"sample": "trial_id", "time": "timestamp", "label": "activity"},
        {"sample": "ID", "time": "t", "label": "Class"},
        {"label": "target"},
        {"sample": "SAMPLE_ID", "time": "TIMESTAMP", "label": "LABEL"},
        {"sample": "Messung", "time": "Zeit", "label": "Klasse"},
        {"sample": "échantillon", "time": "temps", "label": "étiquette"},
        {"sample": "样本", "time": "时间", "label": "类别"},
        {"time": "Frame"},
    ],
)
def test_columns_that_can_only_be_meant_are_taken_and_that_is_said(
    names: dict[str, str], suffix: str, tmp_path: Path
) -> None:
    named = read(tmp_path / f"named{suffix}", LONG)
    raw = read(tmp_path / f"own{suffix}", LONG.rename(columns=names))
    np.testing.assert_array_equal(raw.features, named.features)
    assert (raw.channels, raw.class_names, raw.labels.tolist()) == (
        named.channels,
        named.class_names,
        named.labels.tolist(),
    )
    [said] = [one for one in raw.understood if one.startswith("By their names: ")]
    assert all(f"'{own}'" in said for own in names.values())
    assert named.understood == ()
    # Prediction, and what asks whether there are labels, take the same ones.
    spec = DataSpec(source=str(tmp_path / f"own{suffix}"))
    asked = np.concatenate([block.examples for block in read_examples(Path(spec.source), Wanted("sequences", (12, 2)))])
    np.testing.assert_array_equal(asked, named.features)
    assert find_source(spec.source).is_labelled(spec)
    assert check_data(raw, spec)[0].num_errors == 0


def test_what_is_named_by_hand_is_not_guessed(tmp_path: Path) -> None:
    table = LONG.rename(columns={"sample": "trial", "time": "t"}).assign(activity=LONG["label"])
    raw = read(tmp_path / "a.csv", table.drop(columns="label"), label_column="activity")
    assert any(
        "By their names: series in 'trial', times in 't' (`--sample-column`, `--time-column`)" in one
        for one in raw.understood
    )
    with pytest.raises(DataError, match=r"column 'lable' \(`label_column`\) is missing"):
        read(tmp_path / "a.csv", table, label_column="lable")


def test_two_that_may_be_meant_are_not_chosen_between_and_the_options_are_told(tmp_path: Path) -> None:
    table = LONG.rename(columns={"sample": "trial", "label": "activity", "time": "t"}).assign(
        recording=LONG["sample"] // 2
    )
    told = r"`--sample-column trial --time-column t --label-column activity`"
    with pytest.raises(DataError, match=rf"column 'sample' .*is missing.*Name them: {told}"):
        read(tmp_path / "a.csv", table)


def test_a_row_for_each_series_has_no_column_of_series_whatever_its_name_is(tmp_path: Path) -> None:
    steps = pd.DataFrame(RNG.normal(size=(40, 20)), columns=[f"t{step}" for step in range(20)])
    wide = pd.concat(
        [pd.DataFrame({"id": np.arange(40), "date": "2026-01-01", "class": ["a", "b"] * 20}), steps], axis=1
    )
    assert read(tmp_path / "a.csv", wide, ignore_columns=("date",)).features.shape == (40, 20, 1)


def test_the_time_of_one_recording_is_found_where_it_is_cut_into_windows(tmp_path: Path) -> None:
    table = (
        LONG.drop(columns="sample")
        .assign(time=np.arange(360))
        .rename(columns={"time": "timestamp", "label": "activity"})
    )
    raw = read(tmp_path / "a.csv", table, window=6, stride=6)
    assert raw.channels == ("x", "y"), "neither the time nor the label is a channel"


def test_options_are_told_beside_what_a_name_is_like(tmp_path: Path) -> None:
    table = LONG.rename(columns={"sample": "trial", "time": "timestamp"}).assign(recording=LONG["sample"] // 2)
    with pytest.raises(DataError, match=r"Name them: `--sample-column trial --time-column timestamp`"):
        read(tmp_path / "a.csv", table)


def test_a_name_in_english_comes_before_one_in_another_language(tmp_path: Path) -> None:
    raw = read(tmp_path / "a.csv", LONG.rename(columns={"label": "activity", "y": "klasse"}))
    assert raw.channels == ("x", "klasse")
    assert raw.class_names == ("sit", "walk")


def test_a_row_a_series_with_a_label_in_another_language_says_so(tmp_path: Path) -> None:
    wide = pd.DataFrame(RNG.normal(size=(30, 5)), columns=[f"t{i}" for i in range(5)])
    wide.insert(2, "Etiqueta", np.array(["sit", "walk"])[np.arange(30) % 2])
    raw = read(tmp_path / "a.csv", wide)
    assert raw.features.shape == (30, 5, 1)
    assert any("labels in 'Etiqueta'" in note for note in raw.notes)


@pytest.mark.parametrize(
    "names",
    [
        ("Échantillon", "Temps (s)", "Activité"),
        ("Proben-Nr.", "Zeit [ms]", "Zustand"),
        ("Run #", "Elapsed (ms)", "Pass/Fail"),
    ],
)
def test_units_behind_names_and_other_languages_are_known(names: tuple[str, str, str], tmp_path: Path) -> None:
    table = LONG.rename(columns=dict(zip(("sample", "time", "label"), names, strict=True)))
    raw = read(tmp_path / "a.csv", table)
    assert (raw.channels, len(raw.class_names)) == (("x", "y"), LONG["label"].nunique())
    assert any(
        f"series in {names[0]!r}, times in {names[1]!r}, labels in {names[2]!r}" in one for one in raw.understood
    )


def test_options_with_spaces_in_names_can_be_pasted(tmp_path: Path) -> None:
    table = LONG.rename(columns={"sample": "trial no", "time": "when"})
    with pytest.raises(DataError, match=r"Name them: `--sample-column 'trial no' --time-column NAME`"):
        read(tmp_path / "a.csv", table)
