"""Every metric against scikit-learn, on the whole test split and with examples left out."""

import math
import re
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.preprocessing import label_binarize

from hw3models.errors import DataError, SpecError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.metrics import counts_right_answers, default_metric, measure
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import METRICS, headline, score
from hw3models.specs import EvaluationReport
from hw3models.stats.intervals import estimate, jackknife_groups
from tests.tables import autoencoder, classifier, evaluated, random_classifier, with_probabilities

Oracle = Callable[[Any, Any], float]


def unit_rows(probabilities: Any) -> Any:
    return probabilities.astype(np.float64) / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)


def auroc(labels: Any, probabilities: Any) -> float:
    if probabilities.shape[1] == 2:
        return float(sk.roc_auc_score(labels, probabilities[:, 1]))
    present = np.unique(labels)
    return float(np.mean([sk.roc_auc_score(labels == c, probabilities[:, c]) for c in present]))


def calibration_error(labels: Any, probabilities: Any) -> float:
    """Guo et al. (2017), eq. 3 and 5, bin by bin."""
    confidence, right = probabilities.max(1).astype(float), probabilities.argmax(1) == labels
    total = 0.0
    for m in range(1, 16):
        inside = (confidence > (m - 1) / 15) & (confidence <= m / 15)
        if inside.any():
            total += inside.sum() * abs(right[inside].mean() - confidence[inside].mean())
    return float(total / len(labels))


ORACLES: dict[str, Oracle] = {
    "accuracy": lambda y, p: sk.accuracy_score(y, p.argmax(1)),
    "balanced_accuracy": lambda y, p: sk.balanced_accuracy_score(y, p.argmax(1)),
    "macro_f1": lambda y, p: sk.f1_score(y, p.argmax(1), average="macro", labels=np.unique(y)),
    "cross_entropy": lambda y, p: sk.log_loss(y, unit_rows(p), labels=range(p.shape[1])),
    "auroc": auroc,
    "brier": lambda y, p: np.square(label_binarize_all(y, p.shape[1]) - p).sum(1).mean(),
    "calibration_error": calibration_error,
}


def label_binarize_all(labels: Any, num_classes: int) -> Any:
    rows = label_binarize(labels, classes=range(num_classes))
    return np.hstack([1 - rows, rows]) if num_classes == 2 else rows


def random_table(num_classes: int, *, num: int = 130, num_seeds: int = 3, absent: tuple[int, ...] = ()) -> Any:
    """A table with some equal scores (rounded to 1/64), classes of unequal size, `absent` ones without examples."""
    rng = np.random.default_rng(num_classes)
    present = [c for c in range(num_classes) if c not in absent]
    labels = rng.choice(present, num, p=np.arange(1, len(present) + 1) / sum(range(1, len(present) + 1)))
    probabilities = random_classifier(rng, num_seeds, labels, num_classes)
    probabilities[:, :40] = np.round(probabilities[:, :40] * 64) / 64
    probabilities[:, :40, 0] += 1 - probabilities[:, :40].sum(axis=2)
    return with_probabilities(np.abs(probabilities) / np.abs(probabilities).sum(axis=2, keepdims=True), labels)


# ------------------------------------------------------------------------------------------ metrics


@pytest.mark.parametrize("name", list(ORACLES))
@pytest.mark.parametrize("num_classes", [2, 4])
def test_a_metric_is_that_of_scikit_learn_for_every_seed(name: str, num_classes: int) -> None:
    table = random_table(num_classes)
    expected = [ORACLES[name](table.labels, one) for one in table.probabilities]
    np.testing.assert_allclose(
        evaluated(table, tuple("abcd"[:num_classes])).metrics[name].per_seed, expected, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1", "auroc"])
def test_classes_without_test_examples_are_left_out(name: str) -> None:
    table = random_table(4, absent=(1,))
    with warnings.catch_warnings():
        # scikit-learn warns that a class is predicted that has no examples: that is what is tested.
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        expected = [ORACLES[name](table.labels, one) for one in table.probabilities]
    np.testing.assert_allclose(measure(table, name).per_seed, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1", "auroc", "calibration_error"])
@pytest.mark.parametrize("num_classes", [2, 4])
def test_a_metric_without_a_group_is_that_of_the_remaining_examples(name: str, num_classes: int) -> None:
    table = random_table(num_classes)
    groups, measured = jackknife_groups(table.labels), measure(table, name)
    for g in range(groups.max() + 1):
        kept = groups != g
        expected = [ORACLES[name](table.labels[kept], one[kept]) for one in table.probabilities]
        np.testing.assert_allclose(measured.left_out[:, g], expected, rtol=1e-6)


def test_figures_per_class_are_means_over_seeds_of_scikit_learns() -> None:
    table = random_table(4)
    found = evaluated(table, tuple("abcd")).per_class
    by_seed = [sk.precision_recall_fscore_support(table.labels, p.argmax(1)) for p in table.probabilities]
    for row, column in enumerate(("precision", "recall", "f1", "support")):
        expected = np.mean([one[row] for one in by_seed], axis=0)
        np.testing.assert_allclose([found[name][column] for name in "abcd"], expected)


def test_the_confusion_has_true_classes_in_rows_and_sums_over_seeds() -> None:
    table = random_table(4)
    expected = sum(sk.confusion_matrix(table.labels, p.argmax(1)) for p in table.probabilities)
    np.testing.assert_array_equal(evaluated(table, tuple("abcd")).confusion, expected)


def test_of_many_classes_the_most_frequent_errors_stand_in_place_of_the_confusion() -> None:
    table = random_table(120)
    names = tuple(f"c{k}" for k in range(120))
    found = evaluated(table, names)
    counts = sum(sk.confusion_matrix(table.labels, p.argmax(1), labels=range(120)) for p in table.probabilities)
    errors = np.sort((counts - np.diag(np.diag(counts))).ravel())[::-1]
    assert found.confusion == ()
    assert [num for *_, num in found.most_confused] == errors[errors > 0][:50].tolist()
    assert all(counts[names.index(truth), names.index(said)] == num for truth, said, num in found.most_confused)
    assert list(found.per_class) == list(names)


def test_a_class_that_is_never_predicted_has_precision_zero() -> None:
    table = classifier([[1, 0, 1, 0, 1, 0]])
    found = evaluated(table).per_class["yes"]
    assert {name: found[name] for name in ("precision", "recall", "f1", "support", "recall_low")} == {
        "precision": 0, "recall": 0, "f1": 0, "support": 3, "recall_low": 0,
    }  # fmt: skip
    assert 0.5 < found["recall_high"] < 1, "three examples say little"


def test_certainty_in_the_wrong_class_costs_a_finite_cross_entropy() -> None:
    table = with_probabilities(np.tile([1.0, 0.0], (1, 4, 1)), np.array([1, 1, 1, 1]))
    assert evaluated(table).metrics["cross_entropy"].mean == pytest.approx(12 * math.log(10))


def test_auroc_of_a_single_class_is_left_out_and_the_rest_is_there() -> None:
    table = with_probabilities(np.tile([0.4, 0.6], (2, 5, 1)), np.ones(5, int))
    assert set(evaluated(table).metrics) == set(ORACLES) - {"auroc"}


def test_equal_scores_of_everything_rank_half_of_the_pairs_right() -> None:
    labels = np.arange(30) % 3
    assert measure(with_probabilities(np.full((1, 30, 3), 1 / 3), labels), "auroc").per_seed == pytest.approx([0.5])


def test_the_only_example_of_a_class_does_not_break_an_interval() -> None:
    labels = np.array([0] * 20 + [1])
    table = with_probabilities(random_classifier(np.random.default_rng(0), 2, labels, 2), labels)
    for name in ("auroc", "balanced_accuracy", "macro_f1"):
        found = score(table, name)
        assert found.low <= found.mean <= found.high


# ----------------------------------------------------------------------------------- reconstruction


def test_reconstruction_errors_are_per_pixel_per_image_and_in_decibels() -> None:
    errors = np.random.default_rng(0).gamma(4, 10, size=(3, 50))
    found = evaluated(autoencoder(errors)).metrics
    assert list(found) == ["mse", "squared_error", "psnr"]
    np.testing.assert_allclose(found["squared_error"].per_seed, errors.mean(axis=1))
    np.testing.assert_allclose(found["mse"].per_seed, errors.mean(axis=1) / 784)
    np.testing.assert_allclose(found["psnr"].per_seed, [10 * math.log10(784 / one.mean()) for one in errors])


def test_the_interval_of_psnr_follows_from_that_of_the_mse() -> None:
    """Delta method: the relative standard error of the MSE times 10 / ln 10."""
    table = autoencoder(np.random.default_rng(1).gamma(4, 10, size=(1, 2000)))
    mse, psnr = estimate(measure(table, "mse")), estimate(measure(table, "psnr"))
    expected = 10 / math.log(10) * math.sqrt(mse.variance) / mse.value
    assert math.sqrt(psnr.variance) == pytest.approx(expected, rel=0.01)


def test_a_perfect_reconstruction_has_a_finite_psnr() -> None:
    assert evaluated(autoencoder(np.zeros((2, 4)))).metrics["psnr"].mean == pytest.approx(120)


def test_the_probe_on_the_code_has_an_accuracy() -> None:
    plain = autoencoder(np.ones((2, 4)))
    right = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
    table = PredictionTable(**(vars(plain) | {"probe_correct": right}))
    assert evaluated(table).metrics["probe_accuracy"].per_seed == (0.75, 0.25)


# ------------------------------------------------------------------------------------------ reports


def test_a_report_survives_json_with_all_its_numbers() -> None:
    for table, names in ((random_table(4), tuple("abcd")), (autoencoder(np.ones((1, 4))), ("no", "yes"))):
        report = evaluated(table, names)
        assert EvaluationReport.model_validate_json(report.model_dump_json()) == report
        assert report.num_test == len(table.labels)
        assert report.table_digest == table.digest


def test_every_interval_holds_its_mean_and_stays_within_the_range_of_its_metric() -> None:
    for name, found in evaluated(random_table(4, num=25), tuple("abcd")).metrics.items():
        lowest, highest = METRICS[name].range
        assert lowest <= found.low <= found.mean <= found.high <= highest
        assert found.low < found.high


def test_names_that_are_not_those_of_the_table_are_refused_with_both_numbers() -> None:
    with pytest.raises(DataError, match=r"predictions of mlp: there are 3 names for 2 classes; 'a' stands more than"):
        evaluated(classifier([[1, 1, 0]]), ("a", "a", "b"))


def test_a_metric_that_does_not_exist_or_does_not_fit_is_refused() -> None:
    with pytest.raises(SpecError, match=r"`metric` 'acuracy' is not known; known: accuracy, "):
        score(classifier([[1, 0]]), "acuracy")
    with pytest.raises(SpecError, match=r"`metric` mse cannot be computed for mlp; what can: accuracy, "):
        score(classifier([[1, 0]]), "mse")


@pytest.mark.alone
def test_ten_thousand_images_with_eight_seeds_take_less_than_three_seconds() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 10_000)
    table = with_probabilities(random_classifier(rng, 8, labels, 10), labels)
    start = time.process_time()
    evaluated(table, tuple("0123456789"))
    assert time.process_time() - start < 3


def test_what_is_shown_where_nobody_says_is_accuracy_or_the_squared_error_per_pixel() -> None:
    rng = np.random.default_rng(8)
    net, code = classifier(rng.random((3, 60)) < 0.9), autoencoder(rng.gamma(20, size=(3, 60)))
    assert default_metric(evaluated(net).metrics) == "accuracy"
    assert default_metric(evaluated(code, ()).metrics) == "mse"
    assert compare({"a": net, "b": net}, train_seconds={}).metric == "accuracy"
    assert compare({"a": code, "b": code}, train_seconds={}).metric == "mse"


def test_a_family_is_shown_by_the_metric_of_its_study() -> None:
    right = np.arange(60) < 54
    report = evaluated(classifier(np.tile(right, (3, 1))))
    assert re.fullmatch(r"accuracy 90\.0% \[\d+\.\d, \d+\.\d\]", headline(report))
    error = report.metrics["cross_entropy"]
    assert headline(report, "cross_entropy").startswith(f"cross-entropy {error.mean:#.3g} nats [")
    assert headline(report, "psnr") == headline(report), "what cannot be computed is not shown"


def test_trials_are_judged_by_right_answers_where_the_study_is() -> None:
    """By accuracy for shares of right answers, else by the loss."""
    by_answers = {"accuracy", "balanced_accuracy", "macro_f1", "auroc"}
    assert {name for name in METRICS if counts_right_answers(name)} == by_answers


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_a_rare_class_without_a_mistake_is_not_believed_to_have_none(name: str) -> None:
    rng = np.random.default_rng(2)
    right = rng.random((5, 200)) < 0.9
    labels = np.where(np.arange(200) < 8, 1, 0)
    right[:, :8] = True
    probabilities = np.where((right == (labels == 1))[..., None], [0.1, 0.9], [0.9, 0.1])
    found = score(with_probabilities(probabilities, labels), name)
    recalls = (1.0, right[:, 8:].mean())
    if name == "balanced_accuracy":
        assert found.mean == pytest.approx(np.mean(recalls))
        # Of eight examples that are all right, Wilson's limit (1927) is 68%. The jackknife alone comes to 99%.
        assert found.low < (0.85 + recalls[1]) / 2
    # Where the class shows mistakes of its own, nothing is added.
    right[:, :8] = np.arange(8) < 4
    probabilities = np.where((right == (labels == 1))[..., None], [0.1, 0.9], [0.9, 0.1])
    many = with_probabilities(np.repeat(probabilities, 3, axis=1), np.repeat(labels, 3))
    assert measure(many, name).unseen == 0


def test_a_thousand_classes_take_no_matrix_for_each_set_of_examples() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 1000, 1500)
    chosen = np.where(rng.random((2, 1500)) < 0.5, labels, rng.integers(0, 1000, (2, 1500)))
    probabilities = np.zeros((2, 1500, 1000), np.float32)
    np.put_along_axis(probabilities, chosen[..., None], np.float32(1), axis=2)
    table = with_probabilities(probabilities, labels)
    tracemalloc.start()
    f1 = measure(table, "macro_f1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * probabilities.nbytes, "a matrix for each of 40 sets and 2 seeds would be 640 MB"
    present = np.unique(labels)
    oracle = [sk.f1_score(labels, one, labels=present, average="macro", zero_division=0) for one in chosen]
    np.testing.assert_allclose(f1.per_seed, oracle)
