"""The library: arrays in, the verdict of the flows out."""

from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import hw3models
from hw3models import StudyResult, study
from hw3models.data import fetch, prepare
from hw3models.errors import DataError, SpecError
from hw3models.evaluation import compare_predictions
from hw3models.evaluation.prediction_table import load_table
from hw3models.specs import DataSpec


def waves(num: int = 160, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Series (num, 16, 2) whose class is the level of the first channel."""
    rng = np.random.default_rng(seed)
    labels = np.array(["low", "high"])[np.arange(num) % 2]
    series = rng.normal(size=(num, 16, 2)).astype(np.float32)
    series[:, :, 0] += np.where(labels == "high", 1.0, 0.0)[:, None]
    return series, labels


@pytest.fixture(scope="module")
def result() -> StudyResult:
    series, labels = waves()
    return study(series, labels, families=["mlp", "majority", "logistic"], seeds=3, epochs=5, name="waves")


def test_the_verdict_takes_a_family_and_the_table_is_sorted_by_score(result: StudyResult) -> None:
    assert result.take in ("mlp", "logistic")
    assert result.verdict.startswith("Take ")
    assert list(result.table["accuracy"]) == sorted(result.table["accuracy"], reverse=True)
    assert result.table["family"].iloc[-1] == "majority"
    assert set(result.pairs["verdict"]) <= {"a better", "b better", "equivalent", "cannot tell"}
    assert len(result.pairs) == 3


def test_scores_are_those_of_the_predictions(result: StudyResult) -> None:
    one = result.answer.evaluation["mlp"]
    table = load_table(Path(one.table_path), digest=one.table_digest)
    assert table.probabilities is not None
    right = (table.probabilities.argmax(axis=2) == table.labels).mean()
    assert result.table.set_index("family").loc["mlp", "accuracy"] == pytest.approx(float(right), abs=1e-12)


def test_a_file_with_the_same_examples_gives_the_same_data_and_numbers(result: StudyResult, tmp_path: Path) -> None:
    series, labels = waves()
    np.savez(tmp_path / "waves.npz", X=series, y=labels)
    spec = DataSpec(source=str(tmp_path / "waves.npz"))
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert report.digest == result.answer.data.digest


def test_the_model_answers_in_the_labels_that_it_was_given(result: StudyResult) -> None:
    series, labels = waves(seed=1)
    model = result.model("mlp")
    assert set(model.predict(series)) <= {"low", "high"}
    assert (model.predict(series) == labels).mean() > 0.9
    assert model.predict_proba(series).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert list(model.classes) == ["high", "low"]
    with pytest.raises(SpecError, match="`seed` 7 of mlp was not trained; there are 0, 1, 2"):
        result.model("mlp", seed=7)
    with pytest.raises(SpecError, match="`family` 'cnn' was not trained; there are mlp, majority, logistic"):
        result.model("cnn")


def test_labels_keep_their_type() -> None:
    series, names = waves(80)
    numbers = np.where(names == "high", 10, -3)
    found = study(series, numbers, families="mlp", seeds=1, epochs=3)
    assert found.best.predict(series).dtype == numbers.dtype
    assert set(found.best.predict(series)) <= {10, -3}
    assert found.take == "mlp"
    assert len(found.pairs) == 0


def test_series_of_unequal_length_are_a_list_or_end_in_nan() -> None:
    series, labels = waves(80)
    lengths = 8 + np.arange(80) % 9
    ragged = [one[:steps] for one, steps in zip(series, lengths, strict=True)]
    padded = series.copy()
    padded[np.arange(16) >= lengths[:, None]] = np.nan
    listed = study(ragged, labels, families="mlp", seeds=1, epochs=2)
    tailed = study(padded, labels, families="mlp", seeds=1, epochs=2)
    assert listed.answer.data.unequal_lengths
    assert listed.answer.data.digest == tailed.answer.data.digest
    assert np.array_equal(listed.best.predict_proba(ragged), tailed.best.predict_proba(padded))


def test_groups_stand_on_one_side_and_are_counted() -> None:
    series, labels = waves(120)
    found = study(series, labels, families=["mlp", "majority"], seeds=2, epochs=2, groups=np.arange(120) // 4)
    data = found.answer.data
    assert data.num_groups == 30
    assert data.num_test_groups is not None
    assert "group" in found.verdict


def test_images_are_found_by_their_type() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 100, (60, 28, 28)).astype(np.uint8)
    images[labels == 1, :14] += 100
    found = study(images, labels, families=["mlp", "majority"], seeds=1, epochs=3)
    assert found.answer.kind == "images"
    assert found.model("mlp").predict(images).shape == (60,)


def test_the_report_is_a_page_and_the_plot_a_figure(result: StudyResult, tmp_path: Path) -> None:
    page = result.report(tmp_path / "x.html")
    assert "Take " in page.read_text(encoding="utf-8")
    assert isinstance(result.plot(), matplotlib.figure.Figure)
    assert "<table" in result._repr_html_()
    assert "majority" in repr(result)
    assert isinstance(result.table, pd.DataFrame)


def test_a_line_is_told_for_each_family() -> None:
    lines: list[str] = []
    series, labels = waves(80)
    study(series, labels, families=["mlp", "majority"], seeds=1, epochs=1, tell=lines.append)
    assert [line.split(":")[0] for line in lines[-2:]] == ["MLP", "majority class"]


def test_a_folder_keeps_the_models(tmp_path: Path) -> None:
    series, labels = waves(80)
    study(series, labels, families="mlp", seeds=1, epochs=1, folder=tmp_path)
    assert list((tmp_path / "models").glob("*/model.json"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [0, 1]}, "X has 80 examples, but y has 2 labels"),
        ({"labels": np.linspace(0, 1, 80), "task": "classification"}, "y: label 0.01.* is not a whole number"),
        ({"labels": np.zeros((80, 2))}, r"y has shape \(80, 2\)"),
        ({"groups": [1, 2]}, r"groups has shape \(2,\)"),
        ({"test": [0, 1]}, r"test is int64 \(2,\)"),
        ({"channels": ["a"]}, "1 names for 2 channels"),
        ({"kind": "images"}, "X holds .*; pixels are 0 to 255, or fractions in 0 to 1; undo what normalised them"),
        ({"examples": [["a", "b"], ["c"]], "labels": [0, 1]}, "series 0 holds what is no number"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_what_was_found(changes: dict[str, object], message: str) -> None:
    series, labels = waves(80)
    given: dict[str, object] = {"examples": series, "labels": labels} | changes
    with pytest.raises(DataError, match=message):
        study(families="mlp", seeds=1, epochs=1, **given)  # type: ignore[arg-type]


def test_options_that_need_the_flows_or_are_none_are_named() -> None:
    series, labels = waves(80)
    with pytest.raises(SpecError, match="`tune` needs the flows: use `hw3 images` or `hw3 sequences`"):
        study(series, labels, tune=3)
    with pytest.raises(SpecError, match=r"`epoch` is no option; there are .*epochs"):
        study(series, labels, epoch=3)
    with pytest.raises(SpecError, match="`kind` must be images or sequences, got 'tables'"):
        study(series, labels, kind="tables")  # type: ignore[arg-type]


def test_importing_the_package_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import hw3models, sys; print([m for m in ('torch', 'pandas', 'sklearn') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert set(hw3models.__all__) == {"FamilyClassifier", "StudyResult", "study"}
    assert callable(compare_predictions)


def test_an_ensemble_is_compared_without_the_single_network_where_that_is_not_named() -> None:
    series, labels = waves()
    told: list[str] = []
    found = study(series, labels, families=["mlp*3", "majority"], seeds=3, epochs=5, tell=told.append)
    assert set(found.table["family"]) == {"mlp*3", "majority"}
    assert [line.split(":")[0] for line in told[-3:]] == ["MLP", "majority class", "MLP x3"]
    # The kept model of the ensemble says what its table says.
    one = found.answer.evaluation["mlp*3"]
    table = load_table(Path(one.table_path), digest=one.table_digest)
    assert table.probabilities is not None
    said = found.model("mlp*3").predict_proba(series[table.test_index])
    order = [list(found.classes).index(name) for name in found.answer.data.class_names]
    np.testing.assert_allclose(said[:, order], table.probabilities[0], atol=1e-5)


def test_channels_before_steps_are_refused_until_they_are_named_and_are_the_same_series() -> None:
    series, labels = waves()
    smooth = np.cumsum(np.repeat(series, 4, axis=1), axis=1)
    turned = smooth.transpose(0, 2, 1)
    with pytest.raises(DataError, match=r"looks like 2 channels of 64 steps. Say which: `axes='NCT'`"):
        study(turned, labels, families="mlp", seeds=1, epochs=1)
    with pytest.raises(SpecError, match="`axes` must be NTC or NCT, got 'TCN'"):
        study(turned, labels, axes="TCN")  # type: ignore[arg-type]
    one = study(smooth, labels, families="mlp", seeds=2, epochs=2)
    other = study(turned, labels, families="mlp", seeds=2, epochs=2, axes="NCT")
    assert other.answer.data.digest == one.answer.data.digest
    assert np.array_equal(other.best.predict_proba(turned), one.best.predict_proba(smooth))


def test_a_list_of_series_with_channels_before_steps_is_refused_until_that_is_said() -> None:
    series, labels = waves(80)
    cut = [one[: 10 + number % 5].T for number, one in enumerate(series)]
    with pytest.raises(DataError, match=r"all series have 2 rows and differ in columns.*`axes='NCT'`"):
        study(cut, labels, families="mlp", seeds=1, epochs=1)
    data = study(cut, labels, families="mlp", seeds=1, epochs=1, axes="NCT").answer.data
    assert (data.shape, data.unequal_lengths) == ((14, 2), True)


def test_what_check_would_warn_of_is_told_before_training_and_stands_in_the_report() -> None:
    rng = np.random.default_rng(1)
    pictures = rng.random((80, 20, 20)) * np.linspace(0, 1, 20)
    told: list[str] = []
    found = study(pictures, np.arange(80) % 2, families="mlp", seeds=1, epochs=1, tell=told.append)
    assert any("look like pictures of 20 x 20, and were read as series" in one for one in told)
    assert any("look like pictures" in one for one in found.run.warnings)


def test_options_about_files_are_refused_and_labels_that_differ_in_spelling_are_merged_where_it_is_asked() -> None:
    series, labels = waves(80)
    with pytest.raises(SpecError, match="`window` says how files are read, and these are arrays"):
        study(series, labels, window=8)
    spelt = np.array([one.title() if number % 8 > 5 else one for number, one in enumerate(labels)])
    found = study(series, spelt, families="mlp", seeds=1, epochs=1, merge_labels=True)
    assert sorted(found.classes) == ["high", "low"]
    assert set(found.best.predict(series)) <= {"high", "low"}


def test_missing_ends_are_shorter_series_only_where_they_are_no_gaps_as_in_files(tmp_path: Path) -> None:
    series, labels = waves(80)
    series[::2, 12:] = np.nan
    series[1::2, 3] = np.nan  # gaps inside in as many series
    np.savez(tmp_path / "gaps.npz", X=series, y=labels)
    spec = DataSpec(source=str(tmp_path / "gaps.npz"), missing="interpolate")
    of_file = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    of_arrays = study(series, labels, families="mlp", seeds=1, epochs=1, missing="interpolate").answer.data
    assert of_arrays.digest == of_file.digest


def test_pictures_may_be_fractions_or_have_their_channels_first_in_training_and_when_the_model_is_asked() -> None:
    labels = np.arange(60) % 2
    pixels = np.random.default_rng(0).integers(0, 150, (60, 8, 8, 3)) + 100 * labels[:, None, None, None]
    whole = study(pixels.astype(np.uint8), labels, families="mlp", seeds=1, epochs=2)
    for given in (pixels / 255, (pixels / 255).transpose(0, 3, 1, 2).astype(np.float32)):
        found = study(given, labels, families="mlp", seeds=1, epochs=2)
        assert found.answer.data.digest == whole.answer.data.digest
        assert np.array_equal(found.best.predict_proba(given), whole.best.predict_proba(pixels.astype(np.uint8)))


def test_families_may_be_compared_by_the_median_of_their_seeds_and_every_score_is_one() -> None:
    series, labels = waves(80)
    found = study(series, labels, families=["mlp", "majority"], seeds=5, epochs=1, estimand="median")
    for name in ("accuracy", "cross_entropy"):
        score = found.answer.evaluation["mlp"].metrics[name]
        assert score.mean == pytest.approx(np.median(score.per_seed))
        assert score.low <= score.mean <= score.high
    assert found.answer.comparison is not None
    assert found.answer.comparison.estimand == "median"
    assert "compared by the median over their seeds" in found.answer.comparison.verdict
