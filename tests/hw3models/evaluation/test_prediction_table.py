"""Tables are written whole, read back the same, and refused when they are not what they say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.errors import DataError, DigestError
from hw3models.evaluation.prediction_table import (
    PredictionTable,
    add_seeds,
    join_resamples,
    load_table,
    save_table,
)
from tests.tables import autoencoder, classifier


def table_with(**changes: Any) -> PredictionTable:
    """A whole table of 2 seeds, 6 examples and 3 classes, with `changes`."""
    fields: dict[str, Any] = {
        "family": "mlp",
        "data_digest": "d1",
        "seeds": (3, 4),
        "test_index": np.arange(6),
        "labels": np.arange(6) % 3,
        "probabilities": np.full((2, 6, 3), 1 / 3, np.float32),
    }
    return PredictionTable(**(fields | changes))


def full_table() -> PredictionTable:
    return table_with(
        squared_error=np.ones((2, 6)),
        codes=np.ones((2, 6, 2), np.float32),
        probe_correct=np.ones((2, 6), bool),
        reconstructions=np.zeros((2, 28, 28), np.uint8),
        reconstructed_index=np.array([0, 5]),
        num_pixels=784,
    )


@pytest.mark.parametrize("table", [classifier([[1, 0, 1, 1]]), autoencoder([[1.0, 2.5], [0.25, 4.0]]), full_table()])
def test_a_table_comes_back_as_it_was_written(tmp_path: Path, table: PredictionTable) -> None:
    path = tmp_path / "deep" / "predictions.npz"
    digest = save_table(table, path)
    again = load_table(path, digest)
    assert (again.family, again.data_digest, again.seeds) == (table.family, table.data_digest, table.seeds)
    assert again.num_pixels == table.num_pixels
    assert again.digest == table.digest == digest
    for name in ("test_index", "labels", "probabilities", "squared_error", "codes", "probe_correct", "reconstructions"):
        before, after = getattr(table, name), getattr(again, name)
        assert (before is None) == (after is None), name
        if before is not None:
            np.testing.assert_array_equal(before, after)
            assert before.dtype == after.dtype
    assert [file.name for file in path.parent.iterdir()] == ["predictions.npz"]


def test_the_file_needs_no_pickle(tmp_path: Path) -> None:
    save_table(full_table(), tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)


def test_the_digest_depends_on_every_part() -> None:
    whole = full_table()
    other = np.full((2, 6, 3), 1 / 3, np.float32)
    other[1, 5] = (0.5, 0.25, 0.25)
    changed = [
        table_with(),
        table_with(family="cnn"),
        table_with(data_digest="d2"),
        table_with(seeds=(3, 5)),
        table_with(labels=np.array([0, 1, 2, 0, 1, 1])),
        table_with(probabilities=other),
        whole,
    ]
    assert len({table.digest for table in changed}) == len(changed)
    assert whole.digest == full_table().digest


def test_a_table_that_was_changed_is_refused_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    save_table(classifier([[1, 1, 0]]), path)
    with pytest.raises(DigestError, match=r"t\.npz: content digest is [0-9a-f]{16}, but 0123 was asked for.*evaluate"):
        load_table(path, "0123")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"odd\.npz: not a prediction table .*evaluate again"):
        load_table(path)


def test_a_table_cut_in_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.npz"
    save_table(full_table(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"half\.npz: not a prediction table"):
        load_table(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.npz: not a prediction table .*No such file"):
        load_table(tmp_path / "absent.npz")


def test_arrays_of_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz: not a prediction table .*header"):
        load_table(tmp_path / "other.npz")


def test_all_faults_are_named_together() -> None:
    with pytest.raises(
        DataError, match=r"'mlp': .*`seeds` .*\[1, 1\].*`test_index` .*\(n=6\).*\(5,\).*Predict"
    ) as found:
        table_with(seeds=(1, 1), test_index=np.arange(5), reconstructed_index=np.arange(2))
    assert "go together" in str(found.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": ()}, r"`seeds` must be distinct and not empty, got \[\]"),
        ({"probabilities": np.ones((3, 6, 3), np.float32) / 3}, r"`probabilities` must have shape \(S=2, n=6, K\)"),
        ({"probabilities": np.ones((2, 6, 3), int)}, r"`probabilities` has the wrong type, int64"),
        ({"probabilities": None}, r"neither `probabilities` nor `squared_error`"),
        ({"labels": np.arange(6) % 4}, r"`labels` must lie in 0\.\.2, .* got 3"),
        ({"labels": np.arange(6) % 3 - 1}, r"`labels` must not be negative, got -1"),
        ({"groups": np.arange(5)}, r"`groups` must have shape \(n=6\), got \(5,\)"),
        ({"groups": np.zeros((2, 6), int)}, r"`groups` must have shape \(n=6\), got \(2, 6\)"),
        ({"groups": np.zeros(6)}, r"`groups` has the wrong type, float64"),
        ({"groups": np.arange(6) - 2}, r"`groups` must not be negative, got -2"),
        ({"probabilities": None, "squared_error": np.ones((2, 6))}, r"needs `num_pixels`.* got None"),
        ({"squared_error": -np.ones((2, 6)), "num_pixels": 4}, r"not negative \(seed 3, test row 0; 12 such rows\)"),
        ({"codes": np.full((2, 6, 2), np.nan, np.float32)}, r"`codes` must be finite"),
        (
            {"reconstructions": np.zeros((1, 2, 2), np.uint8), "reconstructed_index": np.array([6])},
            r"`reconstructed_index` must lie in 0\.\.5, got 6 to 6",
        ),
        (
            {"reconstructions": np.zeros((1, 2, 2), np.uint8), "reconstructed_index": np.array([0, 1])},
            r"`reconstructed_index` must have shape \(m=1\), got \(2,\)",
        ),
    ],
)
def test_a_fault_says_what_was_found(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        table_with(**changes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0.5, 0.2, 0.2), r"must sum to 1, got 0\.9 \(seed 4, test row 2; 1 such rows\)"),
        ((np.nan, 0.5, 0.5), r"must be finite \(seed 4, test row 2"),
        ((-0.5, 1.0, 0.5), r"must not be negative \(seed 4, test row 2"),
    ],
)
def test_what_cannot_be_a_probability_is_found(row: tuple[float, ...], message: str) -> None:
    probabilities = np.full((2, 6, 3), 1 / 3, np.float32)
    probabilities[1, 2] = row
    with pytest.raises(DataError, match=message):
        table_with(probabilities=probabilities)


def test_rounding_of_half_precision_is_let_through() -> None:
    table_with(probabilities=np.full((2, 6, 3), np.float16(1 / 3), np.float16).astype(np.float32))


def test_one_test_example_is_too_few() -> None:
    with pytest.raises(DataError, match="at least 2 test examples, got 1"):
        classifier([[1]])


def test_groups_are_kept_and_count_in_the_digest_only_where_there_are_some(tmp_path: Path) -> None:
    table = table_with(groups=np.array([4, 4, 0, 0, 7, 7]))
    digest = save_table(table, tmp_path / "t.npz")
    np.testing.assert_array_equal(load_table(tmp_path / "t.npz", digest).groups, [4, 4, 0, 0, 7, 7])
    assert len({digest, table_with().digest, table_with(groups=np.array([4, 4, 0, 0, 7, 0])).digest}) == 3
    # Of the version before groups.
    assert full_table().digest == "71c95a67ff9f4fe8"
    assert table_with().groups is None


def test_groups_go_where_the_examples_go() -> None:
    first, second = np.array([4, 4, 0, 0, 7, 7]), np.array([1, 1, 1, 2, 2, 2])
    table = table_with(groups=first)
    np.testing.assert_array_equal(table.of_seed(4).groups, first)
    more = table_with(seeds=(5, 6), groups=first)
    np.testing.assert_array_equal(add_seeds(table, more).groups, first)
    with pytest.raises(DataError, match="more seeds of mlp know groups that the others do not"):
        add_seeds(table_with(), more)
    ones = [table.of_seed(3), table_with(groups=second, test_index=np.arange(6) + 9).of_seed(4)]
    joined = join_resamples(ones, data_digest="d1", num_train=20)
    np.testing.assert_array_equal(joined.groups, [first, second])
    np.testing.assert_array_equal(joined.of_seed(4).groups, second)
    others = [table_with(seeds=(s, 9), groups=g).of_seed(s) for s, g in ((7, second), (8, first))]
    again = join_resamples(others, data_digest="d1", num_train=20)
    np.testing.assert_array_equal(add_seeds(joined, again).groups, [first, second, second, first])
    assert join_resamples([table_with().of_seed(3)], data_digest="d1", num_train=20).groups is None
