"""Numbers from the first array to the page, as a user has them: a burst of some height at a random place."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from hw3models import study
from hw3models.api.result import StudyResult
from hw3models.errors import SpecError
from hw3models.evaluation.prediction_table import load_table
from hw3models.serving.model_card import model_card
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import TrainSpec


def bursts(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Series (N, 30) of noise with a burst, and the heights (N,)."""
    rng = np.random.default_rng(seed)
    heights = rng.uniform(1, 4, num)
    series = rng.normal(0, 0.3, (num, 30))
    for one, height in zip(series, heights, strict=True):
        at = rng.integers(0, 24)
        one[at : at + 6] += height * np.sin(np.linspace(0, np.pi, 6))
    return series, heights


@pytest.fixture(scope="module")
def result() -> StudyResult:
    series, heights = bursts(160)
    groups = np.repeat(np.arange(40), 4)
    return study(series, heights, families="cnn,ridge,mean,cnn*3", seeds=3, epochs=12, groups=groups)


def test_fractions_are_predicted_and_that_is_said(result: StudyResult) -> None:
    data = result.answer.data
    assert data.task == "regression"
    assert any("y holds numbers with fractions: taken as numbers to predict" in line for line in data.understood)
    assert result.answer.metric == "rmse"
    assert list(result.table["family"])[-1] == "mean"
    assert result.table["rmse"].is_monotonic_increasing
    assert "RMSE" in result.verdict


def test_the_verdict_knows_that_less_is_better(result: StudyResult) -> None:
    comparison = result.answer.comparison
    assert comparison is not None
    assert comparison.take in ("cnn", "cnn*3")
    assert {pair.verdict for pair in comparison.pairs if pair.b == "mean"} == {"a better"}


def test_scores_are_those_of_what_the_kept_models_say(result: StudyResult) -> None:
    """The table that everything is computed from, against the models asked again."""
    series, heights = bursts(160)
    for family in ("cnn", "ridge", "mean", "cnn*3"):
        table = load_table(Path(result.answer.evaluation[family].table_path))
        said = result.model(family, seed=None if "*" in family else table.seeds[0]).predict(series)
        assert table.predicted is not None
        np.testing.assert_allclose(said[table.test_index], table.predicted[0], rtol=1e-5)
        np.testing.assert_array_equal(table.targets, heights[table.test_index])
        wanted = root_mean_squared_error(heights[table.test_index], table.predicted[0])
        assert result.answer.evaluation[family].metrics["rmse"].per_seed[0] == pytest.approx(wanted)


def test_a_model_of_numbers_has_no_probabilities(result: StudyResult) -> None:
    with pytest.raises(SpecError, match="cnn predicts numbers and has no probabilities"):
        result.model("cnn").predict_proba(bursts(3)[0])


def test_what_is_served_says_numbers(result: StudyResult, tmp_path: Path) -> None:
    save_use(Path(result.answer.training["cnn"].directory), tmp_path, members=3)
    said = load_predictor(tmp_path).predict(bursts(5)[0][:, :, None])
    assert set(said) == {"prediction"}
    np.testing.assert_allclose(said["prediction"], result.model("cnn*3").predict(bursts(5)[0]), rtol=1e-6)


def test_the_page_shows_predicted_against_true_numbers(result: StudyResult, tmp_path: Path) -> None:
    text = result.report(tmp_path / "x.html").read_text(encoding="utf-8")
    assert "Predicted numbers" in text
    assert len(re.findall(r'aria-label="Predicted against true numbers of ', text)) == 4
    assert "Test examples that were furthest off" in text
    assert "RMSE on each group" in text
    assert "numbers from 1." in text
    assert "Confusion" not in text
    assert "F1 score" not in text


def test_the_card_says_what_is_predicted(result: StudyResult) -> None:
    card = model_card(result.answer, "cnn", TrainSpec(family="cnn", seeds=(0, 1, 2)), None)
    assert "- predicts numbers from 1." in card
    assert "were never met in training" in card
    assert "| RMSE |" in card
    assert "- examples by range: 1" in card


def test_whole_numbers_are_predicted_where_that_is_asked_for() -> None:
    series, heights = bursts(60)
    found = study(series, np.round(heights * 10).astype(int), families="ridge,mean", seeds=1, task="regression")
    assert found.answer.data.task == "regression"
    assert set(found.answer.evaluation["ridge"].metrics) == {"rmse", "mae", "r2"}


def test_a_family_for_classes_is_refused_with_those_for_numbers() -> None:
    series, heights = bursts(60)
    with pytest.raises(
        SpecError, match=r"logistic is for classification, this study is regression; fitting: .*cnn.*ridge, rocket-regr"
    ):
        study(series, heights, families="cnn,logistic", seeds=1)
    with pytest.raises(SpecError, match="ridge is for regression, this study is classification; fitting: mlp"):
        study(series, (heights > 2).astype(int), families="ridge", seeds=1)
    with pytest.raises(SpecError, match="`metric` 'accuracy' is not known for regression; known: rmse, mae, r2"):
        study(series, heights, families="ridge", seeds=1, metric="accuracy")


@pytest.mark.parametrize("resampling", ["training", "split", "both"])
def test_training_sets_and_splits_are_resampled_as_of_classes(resampling: str) -> None:
    series, heights = bursts(80)
    found = study(series, heights, families="ridge,mean", seeds=4, resampling=resampling)
    comparison = found.answer.comparison
    assert comparison is not None
    assert comparison.about == ("bootstraps" if resampling == "training" else "problem")
    assert len(found.answer.evaluation["ridge"].seeds) == 4
    assert len(set(found.answer.evaluation["ridge"].metrics["rmse"].per_seed)) == 4


def test_images_have_numbers_too() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.uniform(0, 1, 80)
    images = rng.integers(0, 60, (80, 16, 16)).astype(np.uint8)
    images[:, 4:12, 4:12] += (150 * numbers).astype(np.uint8)[:, None, None]
    found = study(images, numbers, families="mlp,ridge,mean", seeds=2, epochs=8)
    assert found.answer.kind == "images"
    assert found.answer.evaluation["ridge"].metrics["r2"].mean > 0.8
    assert found.model("mlp").predict(images).shape == (80,)


def test_numbers_of_a_network_and_a_baseline_are_explained_and_the_mean_is_not(
    result: StudyResult,
) -> None:
    found = result.explain("cnn", examples=20)
    assert found.has_found
    assert found.verdict.startswith("What the numbers of CNN rest on is shown by ")
    # The sum of a burst's cells is all that raises the number: the greatest answers have the strongest maps.
    raised = np.nansum(found.of("gradients").mean, axis=(1, 2))
    assert np.corrcoef(raised, found.said.numbers)[0, 1] > 0.95
    assert [one.method for one in result.explain("ridge", examples=20).maps] == ["occlusion"]
    with pytest.raises(SpecError, match="mean answers without looking at the example"):
        result.explain("mean")
