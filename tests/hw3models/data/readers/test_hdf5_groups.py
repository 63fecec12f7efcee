"""HDF5 with a group or a dataset for each series: values as they were written, labels by attribute, array or group."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from tests.hw3models.data.readers.forms import classes, read, series

N, T = 12, 20
X = series(N, T, 3).cumsum(axis=1)
Y = ["sit" if row % 2 else "walk" for row in range(N)]
NAMES = [f"s{row}" for row in range(N)]
"""In HDF5's order s10 comes before s2."""
LISTED = sorted(range(N), key=lambda row: NAMES[row])


def attribute_of_group(file: Any) -> None:
    for row in range(N):
        group = file.create_group(NAMES[row])
        group["data"], group.attrs["label"], group.attrs["subject"] = X[row], Y[row], row // 3


def attribute_of_dataset(file: Any) -> None:
    for row in range(N):
        file[NAMES[row]] = X[row]
        file[NAMES[row]].attrs["activity"] = np.bytes_(Y[row])


def dataset_within(file: Any) -> None:
    for row in range(N):
        file[f"{NAMES[row]}/signal"], file[f"{NAMES[row]}/label"] = X[row], Y[row]
        file[f"{NAMES[row]}/rate"] = 50.0


def dataset_beside(file: Any) -> None:
    for row in range(N):
        file[NAMES[row]] = X[row]
    file["labels"] = np.array(Y, dtype="S4")


def groups_beside(file: Any) -> None:
    for row in range(N):
        file[f"recordings/{NAMES[row]}"] = X[row]
    file["labels"] = np.arange(N) % 2
    file["subject"] = np.arange(N) // 3


def class_around(file: Any) -> None:
    for row in range(N):
        file[f"{Y[row]}/{NAMES[row]}/data"] = X[row]


def value_beside(file: Any) -> None:
    for row in range(N):
        file[f"data/{NAMES[row]}"], file[f"labels/{NAMES[row]}"] = X[row], Y[row]


def labels_deeper(file: Any) -> None:
    for row in range(N):
        file[f"data/{NAMES[row]}"] = X[row]
    file["meta/labels"] = np.array(Y, dtype="S4")


def values_beside_in_each(file: Any) -> None:
    """Names come again in each group of the file."""
    for row in range(N):
        place = f"person{row // 6}"
        file[f"{place}/data/{NAMES[row]}"], file[f"{place}/labels/{NAMES[row]}"] = X[row], Y[row]
        file[f"{place}/labels/{NAMES[(row + 6) % N]}"] = "else"


def counted_through_parts(file: Any) -> None:
    """In HDF5's order those of `test` come first."""
    for row in range(N):
        file[f"{'train' if row < 8 else 'test'}/{NAMES[row]}"] = X[row]
    file["labels"] = np.array(Y, dtype="S4")


FORMS: list[tuple[Callable[[Any], None], list[str], str]] = [
    (attribute_of_group, Y, "a group for each series, its label in 'label'"),
    (attribute_of_dataset, Y, "a dataset for each series, its label in 'activity'"),
    (dataset_within, Y, "a group for each series, its label in 'label'"),
    (dataset_beside, Y, "labels in 'labels' in the order of their names"),
    (groups_beside, [str(row % 2) for row in range(N)], "labels in 'labels'"),
    (value_beside, Y, "a dataset for each series, its label in 'labels'"),
    (labels_deeper, Y, "labels in 'labels' in the order of their names"),
    (values_beside_in_each, Y, "a dataset for each series, its label in 'labels'"),
    (counted_through_parts, Y, "labels in 'labels' in the order of their names"),
    (class_around, Y, "the class is the name of the group around it"),
]


@pytest.mark.parametrize(("write", "labels", "said"), FORMS)
def test_series_and_labels_are_those_of_the_names(
    write: Callable[[Any], None], labels: list[str], said: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    raw = read(tmp_path / "a.h5")
    [block] = read_examples(tmp_path / "a.h5", Wanted("sequences", (T, 3)))
    np.testing.assert_array_equal(block.examples, raw.features)
    for name, values, label in zip(block.ids, raw.features, classes(raw), strict=True):
        row = NAMES.index(name.rpartition("/")[2])
        np.testing.assert_array_equal(values, X[row])
        assert label == labels[row]
        if raw.groups is not None:
            assert block.groups is not None
            assert block.groups[list(block.ids).index(name)] == str(row // 3)
    assert (raw.groups is not None) == (write in (attribute_of_group, groups_beside))
    assert any(said in note for note in raw.notes)


def test_a_dataset_for_each_channel_and_one_of_times(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for row in range(N):
            for channel, name in enumerate("zxy"):
                file[f"{NAMES[row]}/{name}"] = X[row, : T - row, channel]
            file[f"{NAMES[row]}/time"] = np.arange(T - row) * 0.5
            file[NAMES[row]].attrs["label"] = Y[row]
    raw = read(tmp_path / "a.h5")
    assert raw.channels == ("x", "y", "z")
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [T - row for row in LISTED]
    for values, row in zip(raw.features, LISTED, strict=True):
        np.testing.assert_array_equal(values[: T - row], X[row, : T - row][:, [1, 2, 0]])
    assert "The time step is 0.5 in the time column's unit." in raw.notes
    assert read(tmp_path / "a.h5", feature_columns=("z", "x")).channels == ("z", "x")
    wanted = Wanted("sequences", (T, 2), unequal_lengths=True, channels=("z", "y"))
    [block] = read_examples(tmp_path / "a.h5", wanted)
    np.testing.assert_array_equal(block.examples[0, :T], X[0][:, [0, 2]])


def test_numbers_with_fractions_may_be_predicted(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for row in range(N):
            file[NAMES[row]] = X[row]
        file["labels"] = np.arange(N) / 8
    raw = read(tmp_path / "a.h5", task="regression")
    assert [float(name) for name in classes(raw)] == [row / 8 for row in LISTED]


def test_parts_among_the_groups_are_a_split(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for row in range(N):
            file[f"{'train' if row < 8 else 'test'}/{Y[row]}/{NAMES[row]}"] = X[row]
    raw = read(tmp_path / "a.h5")
    assert raw.test is not None
    assert raw.test.sum() == 4
    assert sorted(classes(raw)) == sorted(Y)


def test_a_group_is_named_by_an_attribute(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        attribute_of_group(file)
        for row in range(N):
            file[NAMES[row]].attrs["site"] = "ab"[row % 2]
    raw = read(tmp_path / "a.h5", group_column="site", window=10)
    assert raw.group_names == ("a", "b")
    with pytest.raises(DataError, match=r"nothing is called 'town' \(`group_column`\); all series have .*label, site"):
        read(tmp_path / "a.h5", group_column="town")


def unlabelled(file: Any) -> None:
    for row in range(N):
        file[NAMES[row]] = X[row]
        file[NAMES[row]].attrs["rate"] = 50


def uneven(file: Any) -> None:
    for row in range(N):
        file[f"{NAMES[row]}/x"], file[f"{NAMES[row]}/y"] = X[row, :, 0], X[row, : T - (row == 3), 1]
        file[NAMES[row]].attrs["label"] = Y[row]


def too_few(file: Any) -> None:
    attribute_of_dataset(file)
    for row in range(N):
        del file[NAMES[row]].attrs["activity"]
    file["labels"] = np.arange(5)


def two_rows_of_numbers(file: Any) -> None:
    for row in range(N):
        file[f"{'train' if row < 8 else 'test'}/s{row % 8}"] = X[row]
    file["labels"] = np.array(Y, dtype="S4")


def two_kinds_of_names(file: Any) -> None:
    for row in range(N):
        file[f"{'ab'[row % 2]}{row}"] = X[row]
    file["labels"] = np.array(Y, dtype="S4")


def elsewhere(file: Any) -> None:
    attribute_of_dataset(file)
    file.create_dataset("s99", (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (unlabelled, r"nothing says the class of 12 series such as 's0'.* All have the attributes: rate"),
        (uneven, r"the datasets of 's3' differ in their steps \(x 20, y 19\)"),
        (too_few, r"'labels' has shape \(5,\), but there are 12 series"),
        (two_rows_of_numbers, r"'labels' has a value for each series, but which is whose the names, such as 'test/s0'"),
        (two_kinds_of_names, r"which is whose the names, such as 'a0' and 'b9', do not tell"),
        (elsewhere, r"'s99' has its numbers in other files"),
    ],
)
def test_what_is_wrong_is_said_with_the_series(write: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "a.h5")
    assert len(str(caught.value)) < 700


def test_without_labels_a_model_is_asked_and_channels_of_arrays_have_no_names(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        unlabelled(file)
    source = find_source(str(tmp_path / "a.h5"))
    from hw3models.specs import DataSpec

    assert not source.is_labelled(DataSpec(source=str(tmp_path / "a.h5")))
    [block] = read_examples(tmp_path / "a.h5", Wanted("sequences", (T, 3)))
    np.testing.assert_array_equal(block.examples, X[LISTED])


def test_series_larger_than_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw3models.data.readers.hdf5_groups.MAX_BYTES", 1000)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        attribute_of_group(file)
    with pytest.raises(DataError, match=r"its series need .* GiB; the limit is"):
        read(tmp_path / "a.h5")


def test_pandas_own_form_is_said_to_be_one(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("table")
        group.attrs["pandas_type"] = "frame"
        group["axis1"], group["block0_values"] = np.arange(3), np.zeros((3, 2))
        group["axis0"] = np.arange(2)
    with pytest.raises(DataError, match=r"pandas' own HDF5\. Write the table as Parquet"):
        read(tmp_path / "a.h5")


def test_groups_of_people_around_those_of_classes_are_groups(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for row in range(8):
            file[f"subj{row % 4}/{('walk', 'sit')[row // 4]}/rec{row}"] = np.full((5, 2), row)
    raw = read(tmp_path / "a.h5")
    assert raw.group_names == ("subj0", "subj1", "subj2", "subj3")
    found = {int(one[0, 0]): label for one, label in zip(raw.features, classes(raw), strict=True)}
    assert found == {row: ("walk", "sit")[row // 4] for row in range(8)}
    assert any("the class is the inner group (sit) around it" in one for one in raw.notes)
