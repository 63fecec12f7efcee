"""Several series in one JSON value: arrays, arrays of parts, by names, by classes, pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read

N, LABELS = 11, "aabababbaba"
X = np.random.default_rng(0).normal(size=(N, 9, 2)).round(3)


def shapes() -> dict[str, Any]:
    lists, labels = X.tolist(), list(LABELS)
    ids = [f"s{row}" for row in range(N)]
    return {
        "arrays and more": {"name": "set", "rate": 50, "data": lists, "labels": labels},
        "numbers and their names": {"X": lists, "y": [int(one == "b") for one in labels], "classes": ["a", "b"]},
        "by names": {"series": dict(zip(ids, lists, strict=True)), "labels": dict(zip(ids, labels, strict=True))},
        "classes": {one: [own for own, label in zip(lists, labels, strict=True) if label == one] for one in ("a", "b")},
        "pairs": [list(pair) for pair in zip(lists, labels, strict=True)],
        "turned pairs": [[label, own] for own, label in zip(lists, labels, strict=True)],
    }


@pytest.mark.parametrize("shape", shapes())
def test_arrays_in_an_object_are_series_in_their_order(shape: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(shapes()[shape]))
    raw = read(tmp_path / "a.json")
    order = np.argsort(list(LABELS), kind="stable") if shape == "classes" else np.arange(N)
    np.testing.assert_array_equal(raw.features, X[order].astype(np.float32))
    assert classes(raw) == [LABELS[row] for row in order]
    if shape == "classes":
        assert "Each key is a class with a list of its series: a, b." in raw.notes


@pytest.mark.parametrize("nested", [False, True])
def test_arrays_of_parts_are_the_split(nested: bool, tmp_path: Path) -> None:
    parts = {"train": slice(0, 6), "val": slice(6, 8), "test": slice(8, N)}
    own = {part: {"X": X[rows].tolist(), "y": list(LABELS[rows])} for part, rows in parts.items()}
    flat = {f"{role}_{part}": one for part, both in own.items() for role, one in both.items()}
    (tmp_path / "a.json").write_text(json.dumps(own if nested else flat))
    raw = read(tmp_path / "a.json")
    np.testing.assert_array_equal(raw.features, X.astype(np.float32))
    assert raw.test is not None
    assert raw.validation is not None
    assert (np.flatnonzero(raw.validation).tolist(), np.flatnonzero(raw.test).tolist()) == ([6, 7], [8, 9, 10])


def test_columns_that_are_all_as_long_stay_columns(tmp_path: Path) -> None:
    columns = {"label": list(LABELS), "acc": X[:, :, 0].tolist(), "gyr": X[:, :, 1].tolist()}
    (tmp_path / "a.json").write_text(json.dumps(columns))
    raw = read(tmp_path / "a.json")
    assert (raw.channels, raw.features.shape) == (("acc", "gyr"), (N, 9, 2))
    (tmp_path / "b.json").write_text(json.dumps({"x": X[:, :, 0].tolist(), "y": X[:, :, 1].tolist()}))
    with pytest.raises(
        DataError, match=r"'label' \(`label_column`\) is missing.* Its keys are x, y; write labels .*\"labels\": \["
    ):
        read(tmp_path / "b.json")


def test_a_file_is_parsed_once_for_what_a_command_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hw3models.data.readers import json_files

    path = tmp_path / "a.json"
    path.write_text(json.dumps(shapes()["arrays and more"]))
    parsed, plain = [], json_files._parsed
    monkeypatch.setattr(json_files, "_parsed", lambda path: parsed.append(path) or plain(path))
    source, spec = find_source(str(path)), DataSpec(source=str(path))
    assert source.names(path)
    assert source.is_labelled(spec)
    assert source.unlabelled is not None
    assert sum(len(block.ids) for block in source.unlabelled(spec, Wanted("sequences", (9, 2)))) == N
    assert len(parsed) == 1
    # What has changed is parsed again.
    path.write_text(json.dumps(shapes()["pairs"]))
    assert len(read(path).labels) == N
    assert len(parsed) == 2
