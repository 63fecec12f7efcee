"""Files of predictions: what comes back from CSV and Parquet, and from the result files of tsml-eval."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.errors import DataError
from hw3models.evaluation.prediction_files import read_predictions
from hw3models.evaluation.predictions import seconds_of, tables_of
from hw3models.evaluation.scores import score
from tests.predictions import named


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_names_come_back_to_the_letter_and_numbers_with_all_their_digits(folder: Path) -> None:
    names = ["007", "1e3", "NA", "null", "1.0", " x"]
    numbers = np.random.default_rng(0).random(6)
    frame = pd.DataFrame(
        {"family": "NA", "seed": "01", "example": names, "label": names, "group": names, "prediction": names}
    ).assign(value=numbers)
    frame.to_csv(folder / "a.csv", index=False)
    frame.to_parquet(folder / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        again = read_predictions([folder / name])
        for column in ("family", "seed", "example", "label", "group", "prediction"):
            assert again[column].tolist() == frame[column].tolist(), column
        np.testing.assert_array_equal(again["value"].to_numpy(), numbers)
    again.set_index("example").to_parquet(folder / "a.parquet")
    assert read_predictions([folder / "a.parquet"])["example"].tolist() == names, "pandas keeps an index of its own"


def test_files_are_put_below_each_other_and_one_without_families_is_a_family(folder: Path) -> None:
    frame = named({"a": 0.9, "b": 0.6}, num_seeds=2, num=10)
    frame[frame["family"] == "a"].drop(columns="family").to_csv(folder / "a.csv", index=False)
    single = frame[(frame["family"] == "b") & (frame["seed"] == 0)]
    single.drop(columns=["family", "seed"]).to_parquet(folder / "b.parquet")
    frame[frame["family"] == "b"].assign(family="c").to_csv(folder / "more.csv", index=False)
    tables = tables_of(read_predictions([folder / name for name in ("a.csv", "b.parquet", "more.csv")]))
    assert {name: table.seeds for name, table in tables.items()} == {"a": (0, 1), "b": (0,), "c": (0, 1)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", r"a.csv: not a CSV or Parquet file of predictions \(it is empty\)"),
        (b"PAR1 and no more", r"a.csv: not a CSV or Parquet file of predictions \("),
        (
            b"example,label\n1,\xff\n",
            r"a.csv: neither Parquet nor text in UTF-8. Save it as CSV in UTF-8, or as Parquet",
        ),
        ("example,label\n1,x\n".encode("utf-16"), r"a.csv: neither Parquet nor text in UTF-8"),
        (b"example,label,label\n1,2,3\n", "more than one column label"),
        (b"example,label\n1,2,3\n4,5,6\n", r"a.csv: not a CSV or Parquet file of predictions \("),
        (b"example;label\n1;2\n", r"no column example, label \(there are: example;label\)"),
        (b"example,prediction\n1,2\n", r"no column label \(there are: example, prediction\)"),
    ],
)
def test_a_file_that_is_no_table_of_predictions_is_named(folder: Path, text: bytes, message: str) -> None:
    (folder / "a.csv").write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_predictions([folder / "a.csv"])


def test_what_is_not_there_or_twice_is_said(folder: Path) -> None:
    with pytest.raises(DataError, match=r"gone.csv: not a CSV or Parquet file of predictions \(No such file"):
        read_predictions([folder / "gone.csv"])
    with pytest.raises(DataError, match=r"not a CSV or Parquet file of predictions \(Is a directory"):
        read_predictions([folder])
    paths = [folder / "one" / "a.csv", folder / "two" / "a.csv"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("example,label,prediction\n0,x,x\n1,y,y\n")
    with pytest.raises(DataError, match="would both be family 'a'"):
        read_predictions(paths)
    with pytest.raises(DataError, match="no files of predictions were given"):
        read_predictions([])


# ------------------------------------------------------------------------------------- tsml-eval


def tsml(
    path: Path,
    labels: list[object],
    predictions: list[object],
    *,
    family: str = "HC2",
    resample: object = 0,
    split: str = "TEST",
    third: str = "0.5,1200,30,-1,-1,2,,-1,-1",
    probabilities: np.ndarray | None = None,
) -> Path:
    """As `write_results_to_tsml_format` of tsml-eval writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"Coffee,{family},{split},{resample},MILLISECONDS,made on a day", "{'n_jobs': 1, 'x': [1, 2]}", third]
    for row, (label, named_) in enumerate(zip(labels, predictions, strict=True)):
        behind = "" if probabilities is None else "," + "".join(f",{p}" for p in probabilities[row])
        lines.append(f"{label},{named_}{behind}")
    path.write_text("\n".join(lines) + "\n")
    return path


def two(probable: list[float]) -> np.ndarray:
    return np.stack([1 - np.array(probable), probable], axis=1)


MIXED: list[object] = [1, 0, 1, 0]
SORTED: list[object] = [0, 0, 1, 1]


def test_a_result_file_is_known_by_what_stands_in_it(folder: Path) -> None:
    path = tsml(folder / "any name.txt", [1, 0, 1.0, 0], ["1.0", 1, 0, 0], probabilities=two([0.9, 0.8, 0.2, 0.1]))
    frame = read_predictions([path])
    table = tables_of(frame)["HC2"]
    assert table.probabilities is not None
    np.testing.assert_allclose(table.probabilities[0, :, 1], [0.9, 0.8, 0.2, 0.1], rtol=1e-6)
    assert score(table, "accuracy").mean == 0.5
    assert seconds_of(frame) == {"HC2": 1.2}
    hard = tables_of(read_predictions([tsml(folder / "hard.csv", MIXED, [1, 1, 1, 1], family="x")]))["x"]
    assert hard.hard


def test_the_same_labels_in_a_mixed_order_are_seeds(folder: Path) -> None:
    paths = [tsml(folder / f"testResample{k}.csv", MIXED, [1, 0, 1, k % 2], resample=k) for k in (3, 10)]
    frame = read_predictions(paths)
    assert "resample" not in frame
    assert tables_of(frame)["HC2"].seeds == (3, 10)


@pytest.mark.parametrize("labels", [[SORTED, SORTED], [MIXED, SORTED]])
def test_labels_class_by_class_or_in_another_order_are_resamples(folder: Path, labels: list[list[object]]) -> None:
    paths = [tsml(folder / f"testResample{k}.csv", one, one, resample=k) for k, one in enumerate(labels)]
    table = tables_of(read_predictions(paths), num_train=28)["HC2"]
    assert table.is_resampled
    assert len(np.unique(table.test_index)) == 8, "the examples of another resample are others"


def test_the_number_of_a_resample_is_the_one_in_the_file_or_in_its_name(folder: Path) -> None:
    paths = [tsml(folder / f"testResample{k}.csv", MIXED, MIXED, resample="None") for k in (4, 5)]
    assert tables_of(read_predictions(paths))["HC2"].seeds == (4, 5)


def test_columns_of_probabilities_go_by_the_labels(folder: Path) -> None:
    named_ = [-1, 1, 1, -1]
    path = tsml(folder / "a.csv", list(named_), list(named_), probabilities=two([0.1, 0.9, 0.8, 0.3]))
    assert score(tables_of(read_predictions([path]))["HC2"], "cross_entropy").mean == pytest.approx(
        -np.log([0.9, 0.9, 0.8, 0.7]).mean(), rel=1e-6
    )
    few = tsml(folder / "few.csv", [5, 5], [5, 5], probabilities=two([0.1, 0.2]))
    with pytest.raises(DataError, match=r"2 probabilities for each example, but the labels are 5. Which column"):
        read_predictions([few])


def test_result_files_of_something_else_are_refused(folder: Path) -> None:
    good = tsml(folder / "a.csv", MIXED, MIXED)
    for name, options, message in (
        ("train.csv", {"split": "TRAIN"}, "train.csv: predictions of the training part"),
        ("r.csv", {"third": "0.5,1,1,-1,-1,,-1,-1"}, "r.csv: results of a regressor. Only those of classifiers"),
        ("c.csv", {"third": "0.5,1,1,-1,-1,2,2"}, "c.csv: results of a clusterer"),
        ("f.csv", {"third": "0.5,1,1,-1,-1"}, "f.csv: results of a forecaster"),
    ):
        with pytest.raises(DataError, match=message):
            read_predictions([tsml(folder / name, MIXED, MIXED, **options)])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="line 5 has no label"):
        read_predictions([tsml(folder / "b.csv", [1, "?", 0, 1], MIXED)])
    with pytest.raises(DataError, match=r"are both resample 0 of HC2. Leave one out"):
        read_predictions([good, tsml(folder / "again" / "a.csv", MIXED, MIXED)])
    other = folder / "other.csv"
    other.write_text(good.read_text().replace("Coffee", "Beef").replace("HC2", "TSF"))
    with pytest.raises(DataError, match="results of 2 data sets"):
        read_predictions([good, other])
    broken = tsml(folder / "broken.csv", MIXED, MIXED, probabilities=two([0.9, 0.8, 0.2, 0.1]))
    broken.write_text(broken.read_text().replace("0.8", "much"))
    with pytest.raises(DataError, match="line 5 has probabilities that are no numbers"):
        read_predictions([broken])
