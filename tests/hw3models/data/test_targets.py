"""Labels that are numbers: how they are read, refused, divided, and scaled."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
from PIL import Image

from hw3models.data import fetch
from hw3models.data.dataset import Dataset
from hw3models.data.preparation import load_prepared, prepare
from hw3models.data.targets import look_like_measurements, ranges
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataReport, DataSpec

NUM = 60


@pytest.fixture(scope="module")
def truth() -> tuple[np.ndarray, np.ndarray]:
    """Series (N, 12) with the numbers (N,) that their mean is near."""
    rng = np.random.default_rng(0)
    numbers = np.round(rng.uniform(-2, 5, NUM), 3)
    return np.round(numbers[:, None] + rng.normal(size=(NUM, 12)), 3), numbers


def prepared(path: Path | str, cache: Path, **options: object) -> tuple[DataReport, Dataset]:
    spec = DataSpec.model_validate({"source": str(path), "task": "regression", **options})
    report = prepare(spec, fetch(spec, cache=cache), cache=cache)
    return report, load_prepared(report)


def long(values: np.ndarray, labels: object) -> pd.DataFrame:
    rows = [(n, t, values[n, t], labels[n]) for n in range(len(values)) for t in range(values.shape[1])]  # type: ignore[index]
    return pd.DataFrame(rows, columns=["sample", "time", "x", "label"])


def write(form: str, folder: Path, values: np.ndarray, numbers: np.ndarray) -> Path:
    """The same data in a file of that form."""
    path = folder / f"data.{form}"
    match form:
        case "csv":
            long(values, numbers).to_csv(path, index=False)
        case "parquet":
            long(values, numbers).to_parquet(path)
        case "tsv":
            wide = pd.DataFrame(values, columns=[f"t{n}" for n in range(12)])
            wide.insert(0, "target", numbers)
            wide.to_csv(path, sep="\t", index=False)
        case "npz":
            np.savez(path, X=values, y=numbers)
        case "npy":
            np.save(path, values[:, :, None].astype(np.float32))
            np.save(folder / "data_labels.npy", numbers)
        case "arff":
            head = [f"@attribute t{n} numeric" for n in range(12)]
            rows = [f"{','.join(map(str, row))},{y}" for row, y in zip(values, numbers, strict=True)]
            path.write_text("\n".join(["@relation r", *head, "@attribute target numeric", "@data", *rows]))
        case "mat":
            scipy.io.savemat(path, {"X": values, "y": numbers})
        case "h5":
            with h5py.File(path, "w") as file:
                file["X"], file["y"] = values[:, :, None], numbers
        case "ts":
            lines = [":".join((",".join(map(str, row)), str(y))) for row, y in zip(values, numbers, strict=True)]
            head = "@problemName t\n@timeStamps false\n@univariate true\n@targetLabel true\n@data\n"
            path.write_text(head + "\n".join(lines))
    return path


@pytest.mark.parametrize("form", ["csv", "parquet", "tsv", "npz", "npy", "ts", "arff", "mat", "h5"])
def test_numbers_come_out_of_every_form_as_they_were_written(
    form: str, truth: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    values, numbers = truth
    report, dataset = prepared(write(form, tmp_path, values, numbers), tmp_path)
    np.testing.assert_array_equal(dataset.targets, numbers)
    np.testing.assert_allclose(dataset.features[:, :, 0], values, rtol=1e-6)
    own = numbers[dataset.train]
    assert report.target is not None
    assert (report.target.mean, report.target.std) == pytest.approx((own.mean(), own.std()))
    assert (report.target.low, report.target.high) == (own.min(), own.max())
    assert report.task == "regression"
    assert any("Labels are numbers from -1.9" in line for line in report.understood)


@pytest.mark.parametrize("form", ["npz", "csv"])
def test_images_have_numbers_as_well(form: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = np.round(rng.normal(size=30), 4)
    images = rng.integers(0, 255, (30, 20, 20)).astype(np.uint8)
    path = tmp_path / f"images.{form}"
    if form == "npz":
        np.savez(path, images=images, labels=numbers)
    else:
        for n, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / f"{n}.png")
        pd.DataFrame({"path": [f"{n}.png" for n in range(30)], "label": numbers}).to_csv(path, index=False)
    report, dataset = prepared(path, tmp_path)
    assert report.kind == "images"
    np.testing.assert_array_equal(dataset.targets, numbers)
    with pytest.raises(DataError, match="--task regression"):
        prepared(path, tmp_path, task="classification")


def test_decimal_commas_are_numbers(truth: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    values, numbers = truth
    wide = pd.DataFrame(values, columns=[f"t{n}" for n in range(12)])
    wide["target"] = numbers
    wide.to_csv(tmp_path / "data.csv", sep=";", decimal=",", index=False)
    np.testing.assert_array_equal(prepared(tmp_path / "data.csv", tmp_path)[1].targets, numbers)


def test_what_looks_like_numbers_is_said_with_the_option_that_decides_it(
    truth: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    values, numbers = truth
    source = write("csv", tmp_path, values, numbers)
    with pytest.raises(DataError, match=r"labels are \d+ different numbers from -1.9.*use `--task regression`"):
        prepared(source, tmp_path, task="classification")
    with pytest.raises(DataError, match="not a whole number; classes are needed, not measurements, which `--task"):
        prepared(write("npz", tmp_path, values, numbers), tmp_path, task="classification")
    with pytest.raises(DataError, match=r"the target is a measurement .* Predict it with `--task regression`"):
        prepared(write("ts", tmp_path, values, numbers), tmp_path, task="classification")


def test_many_whole_numbers_stay_classes_and_that_is_said(tmp_path: Path) -> None:
    """300 numbers with 3 series each are classes today: they stay so, in one line with what else they could be."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10, 310), 3)
    np.savez(tmp_path / "many.npz", X=rng.normal(size=(900, 5)), y=labels)
    report, dataset = prepared(tmp_path / "many.npz", tmp_path, task="classification")
    assert dataset.targets is None
    assert len(report.class_names) == 300
    [line] = [line for line in report.understood if "--task regression" in line]
    assert "300 different numbers from 10 to 309" in line
    assert line not in report.warnings


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([str(n) for n in range(60)], ""),
        ([str(n) for n in range(1, 101)], ""),
        ([f"person {n}" for n in range(60)], ""),
        (["0.5", "1.5"], ""),
        ([str(n) for n in range(101)], "101 different numbers from 0 to 100"),
        ([str(n / 2) for n in range(21)], "21 different numbers from 0 to 10"),
        ([*map(str, range(30)), "nan"], ""),
    ],
)
def test_codes_of_classes_do_not_look_like_measurements(names: list[str], found: str) -> None:
    assert look_like_measurements(names) == found


def test_labels_that_are_no_numbers_are_named(truth: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    values, numbers = truth
    labels = [*map(str, numbers[:-2]), "high", "low"]
    long(values, labels).to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(DataError, match=r"these labels are no numbers: 'high', 'low'.*--task classification"):
        prepared(tmp_path / "data.csv", tmp_path)


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        (np.full(NUM, 2.5), "all training examples have the label 2.5: there is nothing to predict"),
        (np.array([*range(NUM - 1), np.inf]), "these labels are no numbers: 'inf'"),
    ],
)
def test_numbers_that_cannot_be_predicted_are_refused(
    numbers: np.ndarray, fault: str, truth: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    np.savez(tmp_path / "data.npz", X=truth[0], y=numbers)
    with pytest.raises(DataError, match=fault):
        prepared(tmp_path / "data.npz", tmp_path)


def test_too_few_examples_are_refused(truth: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", X=truth[0][:9], y=truth[1][:9])
    with pytest.raises(DataError, match="there are 9 training examples, and 10 are needed to predict a number"):
        prepared(tmp_path / "data.npz", tmp_path)


def test_sets_of_aeon_are_for_one_task(tmp_path: Path) -> None:
    report, dataset = prepared("aeon:Covid3Month", tmp_path)
    assert (report.num_train + report.num_validation, report.num_test) == (140, 61)
    # Asked of aeon itself.
    from aeon.datasets import load_from_ts_file
    from aeon.datasets.data import __path__ as folders  # type: ignore[attr-defined]

    _, wanted = load_from_ts_file(str(Path(next(iter(folders))) / "Covid3Month" / "Covid3Month_TEST.ts"))
    np.testing.assert_allclose(dataset.targets[dataset.test], wanted.astype(float))  # type: ignore[index]
    with pytest.raises(SpecError, match=r"aeon:Covid3Month are for regression\. Use `--task regression`"):
        prepared("aeon:Covid3Month", tmp_path, task="classification")


def test_ranges_are_quantiles_of_what_may_be_trained_on() -> None:
    rng = np.random.default_rng(0)
    numbers, test = rng.normal(size=300), np.arange(300) >= 200
    numbers[test] *= 10
    labels, names = ranges(numbers, test, None, None)
    counts = np.bincount(labels[~test], minlength=len(names))
    assert len(names) == 10
    assert counts.min() >= 19
    assert counts.max() <= 21
    low, high = (float(end) for end in names[4].split(" to "))
    inside = numbers[labels == 4]
    assert low - 1e-3 <= inside.min() <= inside.max() <= high + 1e-3


@pytest.mark.parametrize(
    "numbers",
    [np.zeros(50), np.r_[np.zeros(45), 1:6], np.tile([1.0, 2.0], 30), np.arange(12.0), np.r_[np.zeros(19), 1]],
)
def test_ties_and_few_numbers_leave_no_range_with_too_few(numbers: np.ndarray) -> None:
    labels, names = ranges(numbers, None, None, None)
    assert np.bincount(labels, minlength=len(names)).min() >= min(4, len(numbers))
    assert len(set(names)) == len(names)


def test_splits_are_alike_in_their_numbers_and_keep_groups_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.exponential(size=400)
    groups = np.repeat(np.arange(40), 10)
    np.savez(tmp_path / "a.npz", X=rng.normal(size=(400, 4)), y=numbers)
    _, drawn = prepared(tmp_path / "a.npz", tmp_path)
    shares = [np.bincount(drawn.labels[part], minlength=10) / len(part) for part in (drawn.train, drawn.test)]
    assert np.abs(shares[0] - shares[1]).max() < 0.01
    np.savez(tmp_path / "b.npz", X=rng.normal(size=(400, 4)), y=numbers, groups=groups)
    _, grouped = prepared(tmp_path / "b.npz", tmp_path)
    sides = [set(grouped.groups[part]) for part in (grouped.train, grouped.validation, grouped.test)]  # type: ignore[index]
    assert len(sides[0] | sides[1] | sides[2]) == sum(map(len, sides))


def test_other_numbers_are_other_data(truth: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    values, numbers = truth
    digests = set()
    for shift in (0.0, 1e-9):
        np.savez(tmp_path / "data.npz", X=values, y=numbers + shift)
        digests.add(prepared(tmp_path / "data.npz", tmp_path)[0].digest)
    assert len(digests) == 2
