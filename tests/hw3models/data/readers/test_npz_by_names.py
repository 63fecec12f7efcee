"""`.npz` files whose arrays have names of their own, a validation part, or recordings to be cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import check_kind, read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec

SERIES = np.random.default_rng(0).normal(size=(40, 20, 2)).cumsum(axis=1)
LABELS = np.array(["a", "b"])[np.arange(40) % 2]


def read(path: Path, content: dict[str, np.ndarray], **options: Any) -> Raw:
    np.savez(path, **content)
    spec = DataSpec(source=str(path), **options)
    check_kind("sequences", spec)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


def asked(path: Path, **options: Any) -> np.ndarray:
    blocks = read_examples(path, Wanted("sequences", (20, 2)), form=DataSpec(source=str(path), **options))
    return np.concatenate([block.examples for block in blocks])


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("data", "labels", "subjects"), {}),
        (("x_train", "y_train", "groups_train"), {}),
        (("emg", "gesture", "who"), {"arrays": "X=emg,y=gesture,groups=who"}),
    ],
)
def test_series_are_found_under_usual_names_and_under_those_that_are_named(
    names: tuple[str, str, str], options: dict[str, Any], tmp_path: Path
) -> None:
    arrays = dict(zip(names, (SERIES, LABELS, np.arange(40) // 4), strict=True))
    raw = read(tmp_path / "a.npz", arrays, **options)
    np.testing.assert_array_equal(raw.features, SERIES.astype(np.float32))
    assert [raw.class_names[code] for code in raw.labels] == LABELS.tolist()
    assert len(raw.group_names) == 10
    np.testing.assert_array_equal(asked(tmp_path / "a.npz", **options), SERIES.astype(np.float32))


def test_a_validation_part_of_its_own_is_kept(tmp_path: Path) -> None:
    arrays = {"X": SERIES[:20], "y": LABELS[:20], "X_val": SERIES[20:30], "y_val": LABELS[20:30]}
    raw = read(tmp_path / "a.npz", arrays | {"X_test": SERIES[30:], "y_test": LABELS[30:]})
    assert raw.validation is not None
    assert raw.test is not None
    assert (np.flatnonzero(raw.validation).tolist(), np.flatnonzero(raw.test).tolist()) == (
        list(range(20, 30)),
        list(range(30, 40)),
    )


def test_recordings_in_an_array_are_cut_into_windows_of_which_each_recording_is_a_group(tmp_path: Path) -> None:
    raw = read(tmp_path / "a.npz", {"X": SERIES, "y": LABELS}, window=8, stride=4)
    assert raw.features.shape == (40 * 4, 8, 2)
    assert len(raw.group_names) == 40


def test_channels_before_steps_are_refused_until_they_are_named_as_where_the_array_is_called_x(tmp_path: Path) -> None:
    arrays = {"data": SERIES.transpose(0, 2, 1), "label": LABELS}
    with pytest.raises(DataError, match=r"looks like 2 channels of 20 steps\. Say which: `--axes NCT`"):
        read(tmp_path / "a.npz", arrays)
    np.testing.assert_array_equal(read(tmp_path / "a.npz", arrays, axes="NCT").features, SERIES.astype(np.float32))


def test_arrays_that_are_not_used_are_named_and_what_is_missing_with_the_option_that_helps(tmp_path: Path) -> None:
    raw = read(tmp_path / "a.npz", {"X": SERIES, "y": LABELS, "subject": np.arange(40)})
    assert raw.understood[0].startswith("Arrays of the file that were not used: subject")
    with pytest.raises(DataError, match=r"'X' is missing.*say which are series and labels: `--arrays X=NAME,y=NAME`"):
        read(tmp_path / "b.npz", {"emg": SERIES, "gesture": LABELS})
    with pytest.raises(DataError, match="y holds Python objects, which are not unpickled"):
        read(tmp_path / "c.npz", {"data": SERIES, "y": np.array([None, "a"] * 20, dtype=object)})
