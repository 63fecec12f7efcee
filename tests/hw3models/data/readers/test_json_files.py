"""JSON and JSON lines in the forms that people have: the same series as the arrays that were written."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read, series

N, T = 12, 15
X = series(N, T, 2).cumsum(axis=1)
Y = ["sit" if row % 2 else "walk" for row in range(N)]
IDS = [("A" if row % 2 else "a") + str(row // 2) for row in range(N)]


def floats(values: Any) -> Any:
    return np.asarray(values, np.float64).tolist()


VALUES = [{"id": IDS[row], "label": Y[row], "values": floats(X[row])} for row in range(N)]
CHANNELS = [{"id": IDS[r], "label": Y[r], "x": floats(X[r, :, 0]), "y": floats(X[r, :, 1])} for r in range(N)]
NESTED = [{"meta": {"id": one["id"], "label": one["label"]}, "values": one["values"]} for one in VALUES]
UNDER = [{"id": IDS[r], "label": Y[r], "signals": {"x": floats(X[r, :, 0]), "y": floats(X[r, :, 1])}} for r in range(N)]
POINTS = [
    {
        "id": IDS[r],
        "label": Y[r],
        "points": [{"t": 0.5 * t, "x": float(X[r, t, 0]), "y": float(X[r, t, 1])} for t in range(T)],
    }
    for r in range(N)
]
STEPS = [
    {"id": IDS[r], "time": t, "x": float(X[r, t, 0]), "y": float(X[r, t, 1]), "label": Y[r]}
    for r in range(N)
    for t in range(T)
]
FRAME = pd.DataFrame(STEPS)
FORMS = {
    "list": json.dumps(VALUES),
    "indented": json.dumps(VALUES, indent=2),
    "lines": "\n".join(map(json.dumps, VALUES)),
    "lines with an empty one": "\n\n".join(map(json.dumps, VALUES)) + "\n",
    "channels": json.dumps(CHANNELS),
    "channel lines": "\r\n".join(map(json.dumps, CHANNELS)),
    "nested": json.dumps(NESTED),
    "under": json.dumps(UNDER),
    "points": json.dumps(POINTS),
    "under a key": json.dumps({"version": 2, "data": VALUES}),
    "by names": json.dumps({one["id"]: {"label": one["label"], "values": one["values"]} for one in VALUES}),
    "columns": json.dumps({key: [one[key] for one in CHANNELS] for key in CHANNELS[0]}),
    "steps": json.dumps(STEPS),
    "pandas records": FRAME.to_json(orient="records", double_precision=15),
    "pandas lines": FRAME.to_json(orient="records", lines=True, double_precision=15),
    "pandas columns": FRAME.to_json(double_precision=15),
    "pandas split": FRAME.to_json(orient="split", double_precision=15),
    "pandas table": FRAME.to_json(orient="table", index=False, double_precision=15),
}


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_series(form: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"motion{suffix}"
    path.write_text(FORMS[form])
    raw = read(path)
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == Y
    [block] = read_examples(path, Wanted("sequences", (T, 2), channels=raw.channels))
    np.testing.assert_array_equal(block.examples, X)
    assert block.ids.tolist() == IDS


@pytest.mark.parametrize("as_points", [False, True])
def test_keys_under_several_names_are_channels_by_both_in_whatever_order(as_points: bool, tmp_path: Path) -> None:
    def sensor(values: Any) -> Any:
        own = {"t": list(range(T)), "x": floats(values[:, 0]), "y": floats(values[:, 1])}
        return [dict(zip(own, row, strict=True)) for row in zip(*own.values(), strict=True)] if as_points else own

    records = []
    for row in range(N):
        both = [("acc", sensor(X[row])), ("gyro", sensor(X[row] + 100))]
        records.append({"id": IDS[row], "label": Y[row], **dict(both[:: -1 if row % 2 else 1])})
    (tmp_path / "a.json").write_text(json.dumps(records))
    raw = read(tmp_path / "a.json")
    assert raw.channels == ("acc.x", "acc.y", "gyro.x", "gyro.y")
    np.testing.assert_allclose(raw.features, np.concatenate([X, X + 100], axis=2), rtol=1e-6)
    assert classes(raw) == Y


def test_packed_and_archived_files_are_read(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as out:
        out.write(FORMS["lines"])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("set/a.json", FORMS["list"])
        archive.writestr("set/README.md", "about")
    for name in ("a.jsonl.gz", "a.zip"):
        raw = read(tmp_path / name)
        np.testing.assert_array_equal(raw.features, X)
        assert classes(raw) == Y


def test_series_of_unequal_lengths_and_with_gaps_are_read(tmp_path: Path) -> None:
    rows = [{"label": Y[r], "values": floats(X[r, : T - r, 0])} for r in range(N)]
    rows[0]["values"][3] = None
    (tmp_path / "a.json").write_text(json.dumps(rows))
    raw = read(tmp_path / "a.json", missing="interpolate")
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [T - row for row in range(N)]
    assert np.isnan(raw.features[0, 3, 0])
    np.testing.assert_array_equal(raw.features[1, : T - 1, 0], X[1, : T - 1, 0])


def test_a_split_and_groups_are_keys(tmp_path: Path) -> None:
    rows = [{**VALUES[r], "split": "train" if r < 8 else "test", "subject": f"p{r // 2}"} for r in range(N)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    raw = read(tmp_path / "a.json", group_column="subject")
    assert raw.test is not None
    assert raw.test.tolist() == [row >= 8 for row in range(N)]
    assert raw.group_names == tuple(f"p{row}" for row in range(6))


def test_parts_may_be_keys(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"train": VALUES[:8], "test": VALUES[8:]}))
    raw = read(tmp_path / "a.json")
    np.testing.assert_array_equal(raw.features, X)
    assert raw.test is not None
    assert raw.test.tolist() == [row >= 8 for row in range(N)]


def test_a_pair_of_files_is_a_split_with_channels_by_name(tmp_path: Path) -> None:
    (tmp_path / "m_train.jsonl").write_text("\n".join(map(json.dumps, CHANNELS[:8])))
    turned = [dict(reversed(one.items())) for one in CHANNELS[8:]]
    (tmp_path / "m_test.jsonl").write_text("\n".join(map(json.dumps, turned)))
    raw = read(tmp_path / "m_train.jsonl")
    np.testing.assert_array_equal(raw.features, X)
    assert raw.test is not None
    assert raw.test.sum() == 4


def test_recordings_are_cut_into_windows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(FORMS["points"])
    raw = read(tmp_path / "a.json", window=5)
    np.testing.assert_array_equal(raw.features, X.reshape(N * 3, 5, 2))
    assert raw.group_kind == "recordings"
    assert "The time step is 0.5 in the time column's unit." in read(tmp_path / "a.json").notes
    (tmp_path / "b.json").write_text(json.dumps([{**one, "label": "ab"[one["time"] >= 10]} for one in STEPS]))
    assert classes(read(tmp_path / "b.json", window=5)) == ["a", "a", "b"] * N


def test_a_key_for_each_step_is_a_row_a_series(tmp_path: Path) -> None:
    rows = [{"label": Y[r], **{f"t{t}": float(X[r, t, 0]) for t in range(T)}} for r in range(N)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    np.testing.assert_array_equal(read(tmp_path / "a.json").features, X[:, :, :1])


def test_channels_are_named_by_options_and_by_a_model(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{**one, "note": [1, 2]} for one in CHANNELS]))
    with pytest.raises(DataError, match=r"the lists of row 1 differ in length \(x 15, y 15, note 2\)"):
        read(tmp_path / "a.json")
    assert read(tmp_path / "a.json", feature_columns=("y",)).channels == ("y",)
    np.testing.assert_array_equal(read(tmp_path / "a.json", ignore_columns=("note",)).features, X)
    [block] = read_examples(tmp_path / "a.json", Wanted("sequences", (T, 2), channels=("y", "x")))
    np.testing.assert_array_equal(block.examples, X[:, :, ::-1])


def test_without_labels_a_model_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"x": one["x"], "y": one["y"]}) for one in CHANNELS))
    spec = DataSpec(source=str(tmp_path / "a.jsonl"))
    assert not find_source(spec.source).is_labelled(spec)
    [block] = read_examples(tmp_path / "a.jsonl", Wanted("sequences", (T, 2), channels=("x", "y")))
    np.testing.assert_array_equal(block.examples, X)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"the file is empty"),
        ("[1, 2", r"no whole JSON \(Expecting.*Write it with json\.dump, or a record a line"),
        ('{"a": 1}\n{"a": ', r"line 2 is no whole record of JSON"),
        ("[1, 2]", r"record 1 is no object\. A list of objects is needed, or one a line, such as"),
        ('{"id": "a"}', r"column 'time' .*is missing"),
        ('"text"', r"there are no records in it"),
        ("[" * 100_000, r"its lists are too deep"),
        (json.dumps([{**one, "label": {"a": {"b": 1}}} for one in VALUES]), r"'a' holds objects in objects"),
        (json.dumps([{"values": one["values"]} for one in VALUES]), r"column 'label' \(`label_column`\) is missing"),
        (json.dumps([*VALUES, {"id": "z", "label": "sit", "values": "0.1"}]), r"holds no series of numbers in row 13"),
        (
            json.dumps([*VALUES, {"id": "z", "label": "sit", "values": [[1, 2], [3]]}]),
            r"no series of numbers in row 13",
        ),
        (json.dumps([*VALUES, {"id": "z", "values": [[1, 2], [3, 4]]}]), r"column 'label' is empty in row 13"),
    ],
)
def test_what_is_wrong_is_said_with_the_record(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "a.json")
    assert len(str(caught.value)) < 700


def test_a_file_of_any_size_is_refused_before_it_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw3models.data.readers.json_files._MOST_CHARACTERS", 1000)
    (tmp_path / "a.json").write_text(FORMS["list"])
    with pytest.raises(DataError, match=r"it is larger than 0 MiB\. Write the series as Parquet"):
        read(tmp_path / "a.json")
