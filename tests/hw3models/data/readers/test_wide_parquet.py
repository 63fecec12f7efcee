"""Parquet with a row for each series: columns of steps, and lists."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec

SERIES = np.random.default_rng(0).normal(size=(40, 20, 2)).cumsum(axis=1)
LABELS = np.array(["a", "b"])[np.arange(40) % 2]


def read(path: Path, table: pd.DataFrame, **options: Any) -> Raw:
    table.to_parquet(path)
    spec = DataSpec(source=str(path), **options)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


def asked(path: Path, shape: tuple[int, ...], *, unequal: bool = False) -> np.ndarray:
    wanted = Wanted("sequences", shape, unequal_lengths=unequal)
    return np.concatenate([block.examples for block in read_examples(path, wanted)])


def lists() -> pd.DataFrame:
    return pd.DataFrame({"x": list(SERIES[:, :, 0]), "y": list(SERIES[:, :, 1]), "label": LABELS})


def test_lists_are_channels_with_their_names(tmp_path: Path) -> None:
    raw = read(tmp_path / "a.parquet", lists())
    np.testing.assert_array_equal(raw.features, SERIES.astype(np.float32))
    assert (raw.channels, raw.class_names) == (("x", "y"), ("a", "b"))
    assert any("a list for each channel: x, y" in note for note in raw.notes)
    np.testing.assert_array_equal(asked(tmp_path / "a.parquet", (20, 2)), SERIES.astype(np.float32))
    read(tmp_path / "new.parquet", lists().drop(columns="label").assign(label="a"))  # and without labels:
    lists().drop(columns="label").to_parquet(tmp_path / "new.parquet")
    np.testing.assert_array_equal(asked(tmp_path / "new.parquet", (20, 2)), SERIES.astype(np.float32))


def test_lists_may_differ_in_length_from_row_to_row_and_name_groups_and_parts(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "signal": [one[: 10 + number % 5, 0] for number, one in enumerate(SERIES)],
            "target": LABELS,
            "subject": np.arange(40) // 4,
            "split": ["train", "test", "validation", "train"] * 10,
        }
    )
    raw = read(tmp_path / "a.parquet", table, group_column="subject")
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [10 + number % 5 for number in range(40)]
    assert (len(raw.group_names), raw.channels) == (10, ("signal",))
    assert raw.test is not None
    assert raw.validation is not None
    assert (raw.test.sum(), raw.validation.sum()) == (10, 10)
    given = asked(tmp_path / "a.parquet", (14, 1), unequal=True)
    assert np.isnan(given[0, 10:]).all()


@pytest.mark.parametrize("turned", [False, True])
def test_lists_of_lists_are_steps_by_channels_or_the_other_way_where_that_is_named_or_told_by_lengths(
    turned: bool, tmp_path: Path
) -> None:
    cells = [(one.T if turned else one).tolist() for one in SERIES]
    table = pd.DataFrame({"series": cells, "label": LABELS})
    if turned:
        with pytest.raises(DataError, match=r"looks like 2 channels of 20 steps\. Say which: `--axes NCT`"):
            read(tmp_path / "a.parquet", table)
    raw = read(tmp_path / "a.parquet", table, axes="NCT" if turned else None)
    np.testing.assert_array_equal(raw.features, SERIES.astype(np.float32))
    cut = [one[: 10 + number % 5] for number, one in enumerate(SERIES)]
    table["series"] = [(one.T if turned else one).tolist() for one in cut]
    raw = read(tmp_path / "b.parquet", table)
    assert (raw.features.shape, raw.lengths is not None) == ((40, 14, 2), True)


def test_columns_of_steps_are_read_as_in_a_text_file(tmp_path: Path) -> None:
    table = pd.DataFrame(SERIES[:, :, 0].astype(np.float32), columns=[f"t{step}" for step in range(20)])
    table.insert(0, "label", LABELS)
    table.loc[::2, ["t18", "t19"]] = np.nan
    table.to_csv(tmp_path / "a.csv", index=False)
    spec = DataSpec(source=str(tmp_path / "a.csv"))
    text = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    raw = read(tmp_path / "a.parquet", table)
    np.testing.assert_array_equal(raw.features, text.features)
    np.testing.assert_array_equal(raw.lengths, text.lengths)  # type: ignore[arg-type]
    assert any(
        note.startswith("Read as one row a series (`--layout wide`), with a header, labels") for note in raw.notes
    )
    np.testing.assert_array_equal(
        np.nan_to_num(asked(tmp_path / "a.parquet", (20, 1), unequal=True)), np.nan_to_num(text.features)
    )


def test_a_pair_is_one_set_and_an_index_that_pandas_wrote_is_no_step(tmp_path: Path) -> None:
    table = lists()
    table.iloc[20:].to_parquet(tmp_path / "gait_TEST.parquet")  # with an index from 20
    raw = read(tmp_path / "gait_TRAIN.parquet", table.iloc[:20])
    assert raw.test is not None
    assert (len(raw.labels), int(raw.test.sum())) == (40, 20)


def test_labels_mean_the_same_in_lists_as_in_columns_of_steps(tmp_path: Path) -> None:
    whole = lists().assign(label=np.arange(40) % 2 + 1.0)
    assert read(tmp_path / "a.parquet", whole).class_names == ("1", "2")
    with pytest.raises(DataError, match="is no whole number; classes are needed, not measurements"):
        read(tmp_path / "a.parquet", whole.assign(label=np.linspace(0, 1, 40)))
    steps = pd.DataFrame(SERIES[:, :, 0], columns=[f"t{step}" for step in range(20)]).astype(object)
    steps.iloc[3, 5] = "x"
    with pytest.raises(DataError, match="column 't5' is no number in row 4"):
        read(tmp_path / "b.parquet", steps.astype(str).assign(label=LABELS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, r"column 'label' \(`label_column`\) is missing; the table has other"),
        ({"x": [[1.0]] * 39 + [[]]}, "column 'x' holds no series of numbers in row 40"),
        ({"x": [[1.0] * 19] + [[1.0] * 20] * 39}, r"lists of row 1 differ in length \(x 19, y 20\)"),
        ({"label": ["a"] * 39 + [None]}, "column 'label' is empty in row 40"),
        ({"split": ["train"] * 39 + ["later"]}, "column 'split' must be train, .*; in row 40 it is 'later'"),
        ({"x": [[[1.0]]] * 40}, "column 'x' holds lists of lists beside other lists. .*`--feature-columns x`"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    table = lists().assign(other=1.0).assign(**{name: value for name, value in change.items() if value is not None})
    table = table.drop(columns=[name for name, value in change.items() if value is None])
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.parquet", table)
