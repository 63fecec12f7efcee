"""A table of labels beside a table of series: matched by the names of series, said in a line, or refused in one."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.readers import table_limits
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read, series

N, T = 24, 10
X = series(N, T, 2).cumsum(axis=1).round(4)
Y = np.array(["sit", "walk"])[np.arange(N) % 2]
IDS = [("A" if i % 2 else "a") + str(i // 2) for i in range(N)]
"""Each name is there twice but for its case."""
LONG = pd.DataFrame(
    {
        "id": np.repeat(IDS, T),
        "time": np.tile(np.arange(T), N),
        "a": X[:, :, 0].ravel().astype(np.float64).round(4),
        "b": X[:, :, 1].ravel().astype(np.float64).round(4),
    }
)
LABELS = pd.DataFrame({"id": IDS, "label": Y, "person": [f"p{i // 4}" for i in range(N)]}).sample(
    frac=1, random_state=1
)


def write(folder: Path, table: pd.DataFrame = LONG, labels: pd.DataFrame = LABELS, name: str = "data.csv") -> Path:
    if name.endswith(".parquet"):
        table.to_parquet(folder / name, index=False)
    else:
        table.to_csv(folder / name, index=False)
    labels.to_csv(folder / "labels.csv", index=False)
    return folder / name


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "large.parquet"])
@pytest.mark.parametrize("options", [{}, {"window": T}])
def test_labels_are_those_of_the_series_with_the_same_name(
    name: str, options: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("large"):
        monkeypatch.setattr(table_limits, "LARGE_BYTES", 0)
    path = write(tmp_path, name=name)
    spec = DataSpec(source=str(path), group_column="person", **options)
    data = load_prepared(prepare(spec, fetch(spec, cache=tmp_path / "c"), cache=tmp_path / "c"))
    np.testing.assert_array_equal(data.features, X)
    assert [data.class_names[code] for code in data.labels] == Y.tolist()
    assert [data.group_names[code] for code in data.groups] == [f"p{i // 4}" for i in range(N)]
    assert "Labels in 'label' of labels.csv, by 'id' (`--manifest` names another table)." in data.understood
    assert data.channels == ("a", "b")
    # The same as with the label in the table itself, by pandas' merge.
    LONG.merge(LABELS, on="id").to_csv(tmp_path / "merged.csv", index=False)
    merged = read(tmp_path / "merged.csv", group_column="person", **options)
    np.testing.assert_array_equal(merged.features, data.features)
    assert classes(merged) == Y.tolist()


def test_another_label_is_other_data(tmp_path: Path) -> None:
    spec = DataSpec(source=str(write(tmp_path)))
    before = fetch(spec, cache=tmp_path).digest
    LABELS.assign(label=LABELS["label"].iloc[::-1].to_numpy()).to_csv(tmp_path / "labels.csv", index=False)
    assert fetch(spec, cache=tmp_path).digest != before


def test_a_row_a_series_takes_its_label_by_name(tmp_path: Path) -> None:
    wide = pd.DataFrame(X[:, :, 0], columns=[f"t{i}" for i in range(T)])
    wide.insert(0, "id", IDS)
    raw = read(write(tmp_path, wide, name="motion.csv"))
    np.testing.assert_array_equal(raw.features, X[:, :, :1])
    assert classes(raw) == Y.tolist()


def test_a_folder_with_both_is_read_as_the_table(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert find_source(str(tmp_path)).name == "set"
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.features, read(path).features)
    assert classes(raw) == Y.tolist()


def test_each_part_has_the_labels_of_its_part(tmp_path: Path) -> None:
    """Names begin anew in the test file, with other labels."""
    train, test = LONG[: 16 * T], LONG[16 * T :].assign(id=np.repeat(IDS[:8], T))
    train.to_csv(tmp_path / "move_train.csv", index=False)
    test.to_csv(tmp_path / "move_test.csv", index=False)
    LABELS.sort_index()[:16].to_csv(tmp_path / "labels_train.csv", index=False)
    flipped = np.where(Y[16:] == "sit", "walk", "sit")
    pd.DataFrame({"id": IDS[:8], "label": flipped}).to_csv(tmp_path / "labels_test.csv", index=False)
    raw = read(tmp_path / "move_train.csv")
    assert classes(raw) == [*Y[:16], *flipped]
    np.testing.assert_array_equal(raw.features, X)


@pytest.mark.parametrize("name", ["train_labels.csv", "labels.csv"])
def test_a_test_file_whose_labels_others_keep_is_left_for_prediction(name: str, tmp_path: Path) -> None:
    LONG[: 16 * T].to_csv(tmp_path / "train.csv", index=False)
    LONG[16 * T :].to_csv(tmp_path / "test.csv", index=False)
    LABELS.sort_index()[:16].to_csv(tmp_path / name, index=False)
    raw = read(tmp_path / "train.csv")
    assert (len(raw.labels), raw.test) == (16, None)
    assert raw.notes[0] == "test.csv has no labels and is not taken as a part: `hw3 predict` takes it."
    [block] = read_examples(tmp_path / "test.csv", Wanted("sequences", (T, 2), channels=("a", "b")))
    np.testing.assert_array_equal(block.examples, X[16:])
    assert block.ids.tolist() == IDS[16:]


def test_a_table_is_named_by_an_option_wherever_it_lies(tmp_path: Path) -> None:
    path = write(tmp_path)
    other = LABELS.rename(columns={"id": "series_id", "label": "mood"}).assign(mood="x" + LABELS["label"])
    (tmp_path / "elsewhere").mkdir()
    other.to_csv(tmp_path / "elsewhere" / "about.csv", index=False)
    raw = read(path, manifest=str(tmp_path / "elsewhere" / "about.csv"), label_column="mood")
    assert classes(raw) == ["x" + label for label in Y]


def test_two_named_tables_go_together_where_they_agree(tmp_path: Path) -> None:
    path = write(tmp_path)
    LABELS[:8].to_csv(tmp_path / "a.csv", index=False)
    LABELS[6:].to_csv(tmp_path / "b.csv", index=False)
    assert classes(read(path, manifest="a.csv,b.csv")) == Y.tolist()
    LABELS[7:].assign(label="run").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(
        DataError, match=r"b\.csv: series '\w+' has 'run' in column 'label', but '\w+' in another table"
    ):
        read(path, manifest="a.csv,b.csv")


def test_labels_in_the_table_itself_come_first(tmp_path: Path) -> None:
    raw = read(write(tmp_path, LONG.assign(label=np.repeat(Y[::-1], T))))
    assert classes(raw) == Y[::-1].tolist()
    assert not any("labels.csv" in one for one in raw.understood)


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (LABELS[LABELS["id"] != "a3"], {}, r"labels\.csv: it has no row for series 'a3'; its names in 'id' are"),
        (
            LABELS[~LABELS["id"].isin(["a3", "A4"])],
            {"window": 4},
            r"labels\.csv: it has no row for series 'A?a?\d' and 1 more series",
        ),
        (
            pd.concat([LABELS, LABELS[:1].assign(label="run")]),
            {},
            r"labels\.csv: series '.*' has '(sit|walk)' and 'run' in 'label'; one is needed",
        ),
        (
            LABELS.rename(columns={"id": "key"}),
            {"manifest": "labels.csv"},
            r"none of its columns \(key, label, person\)",
        ),
        (LABELS.rename(columns={"id": "key"}), {}, r"column 'label' \(`label_column`\) is missing"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_the_series(
    labels: pd.DataFrame, options: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, labels=labels), **options)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"`manifest`: there is no file 'mine\.csv', neither here nor in "):
        read(write(tmp_path), manifest="mine.csv")


def test_a_table_of_any_size_is_not_read_for_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hw3models.data.readers.label_tables._MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"labels\.csv: a table of labels has at most 0 MiB; is it one of series\?"):
        read(write(tmp_path), manifest="labels.csv")


@pytest.mark.parametrize(
    ("here", "there", "how"),
    [
        ("S{}", "s{}", "case"),
        ("{:03}", "{}", "zeros before"),
        ("{}", "{}.0", "`.0` behind"),
        ("r{}", "r{}.csv", "the suffix"),
    ],
)
def test_names_that_differ_in_how_they_are_written_are_said_to(here: str, there: str, how: str, tmp_path: Path) -> None:
    table = LONG.assign(id=np.repeat([here.format(row) for row in range(N)], T))
    labels = pd.DataFrame({"id": [there.format(row) for row in range(N)], "label": Y})
    write(tmp_path, table, labels)
    with pytest.raises(DataError, match=rf"no row for series.*The names differ in {how} only: write them alike"):
        read(tmp_path / "data.csv")


def test_two_tables_that_were_found_and_disagree_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path)
    other = LABELS.replace({"label": {"sit": "walk", "walk": "sit"}})
    LABELS.to_csv(tmp_path / "classes.csv", index=False)
    assert classes(read(path)) == Y.tolist()
    other.to_csv(tmp_path / "classes.csv", index=False)
    with pytest.raises(
        DataError, match=r"classes.csv and labels.csv beside it say .* of series .*`--manifest classes.c"
    ):
        read(path)
    assert classes(read(path, manifest="labels.csv")) == Y.tolist()
    assert classes(read(path, manifest="classes.csv")) == ["walk" if label == "sit" else "sit" for label in Y]
