from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hw3models.errors import DataError, SpecError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.ensembles import Ensemble, ensemble_of, ensemble_table
from hw3models.evaluation.metrics import measure
from hw3models.evaluation.prediction_table import PredictionTable, load_table, save_table
from hw3models.evaluation.scores import score
from hw3models.families import facts_of
from hw3models.stats.intervals import estimate


def table(
    seeds: int, num: int = 120, *, seed: int = 0, level: float = 2.0, luck: float = 0.5, taste: float = 1.5
) -> PredictionTable:
    """Three classes; the true one is ahead by `level`, each network's own luck, and its taste at each example."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=num)
    logits = rng.normal(0, taste, (seeds, num, 3))
    logits[:, np.arange(num), labels] += level + rng.normal(0, 1, num) + rng.normal(0, luck, (seeds, 1))
    odds = np.exp(logits)
    return PredictionTable(
        family="net",
        data_digest="d",
        seeds=tuple(range(10, 10 + seeds)),
        test_index=np.arange(num),
        labels=labels,
        probabilities=(odds / odds.sum(2, keepdims=True)).astype(np.float32),
    )


def accuracy(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float((probabilities.mean(0).argmax(-1) == labels).mean())


@pytest.mark.parametrize(
    ("name", "found"), [("cnn", None), ("inception*5", Ensemble("inception", 5)), ("a.b*12", Ensemble("a.b", 12))]
)
def test_an_asterisk_names_an_ensemble(name: str, found: Ensemble | None) -> None:
    assert ensemble_of(name) == found


@pytest.mark.parametrize("name", ["cnn*", "cnn*1", "cnn*0", "cnn*-3", "cnn*x", "*5", "cnn*101", "cnn*٣"])
def test_what_is_no_number_of_members_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=r"is no ensemble\. Write a network, an asterisk and a number of members"):
        ensemble_of(name)


def test_an_ensemble_has_the_mean_probabilities_of_its_seeds_and_seeds_left_over_stay_out() -> None:
    own = table(7)
    made = ensemble_table(own, "net*3", 3)
    assert own.probabilities is not None
    assert made.probabilities is not None
    assert made.member_seeds is not None
    assert (made.family, made.seeds, made.num_networks) == ("net*3", (10, 13), 6)
    assert made.member_seeds.tolist() == [[10, 11, 12], [13, 14, 15]]
    np.testing.assert_allclose(made.probabilities[1], own.probabilities[3:6].mean(0), rtol=1e-6)


def test_the_interval_of_one_ensemble_is_the_jackknife_over_its_members() -> None:
    own = table(5)
    assert own.probabilities is not None
    measured = measure(ensemble_table(own, "net*5", 5), "accuracy")
    without = [accuracy(np.delete(own.probabilities, i, axis=0), own.labels) for i in range(5)]
    assert measured.value == pytest.approx(accuracy(own.probabilities, own.labels))
    assert measured.parts.seeds[0].variance == pytest.approx(4 / 5 * 5 * np.var(without))
    assert measured.parts.seeds[0].df == 4


@pytest.mark.parametrize("metric", ["accuracy", "cross_entropy", "macro_f1", "auroc", "brier", "calibration_error"])
def test_an_ensemble_scores_what_its_mean_probabilities_score(metric: str) -> None:
    made = ensemble_table(table(5), "net*5", 5)
    alone = score(replace(made, members=None, member_seeds=None), metric)
    found = score(made, metric)
    assert found.per_seed == pytest.approx(alone.per_seed)
    assert found.low < found.mean < found.high
    # That one ensemble stands for others as well makes the interval wider than that of the examples alone.
    assert found.high - found.low > alone.high - alone.low


def test_members_that_agree_add_nothing_to_the_luck_of_examples() -> None:
    own = table(5, luck=0, taste=0)
    made = ensemble_table(own, "net*5", 5)
    one = estimate(measure(own.of_seed(10), "accuracy"))
    assert estimate(measure(made, "accuracy")).variance == pytest.approx(one.variance)


def test_intervals_of_ensembles_hold_the_truth_as_often_as_they_say() -> None:
    """The truth is the mean over many ensembles on many examples; the interval that only counts examples misses it."""
    options = {"num": 800, "luck": 1.0}
    truth = np.mean(
        [accuracy(t.probabilities, t.labels) for t in (table(5, 4000, seed=1000 + i, luck=1.0) for i in range(60))  # type: ignore[arg-type]
    ])  # fmt: skip
    held = examples_only = 0
    for i in range(100):
        made = ensemble_table(table(5, seed=i, **options), "net*5", 5)  # type: ignore[arg-type]
        for one, count in ((made, True), (replace(made, members=None, member_seeds=None), False)):
            found = score(one, "accuracy")
            held += count and found.low <= truth <= found.high
            examples_only += not count and found.low <= truth <= found.high
    assert held >= 91, "95 are expected; 90 or fewer by chance once in thirty"
    assert examples_only <= 70


def test_an_ensemble_is_compared_with_its_own_network_and_with_a_baseline() -> None:
    own = table(5, 600)
    tables = {"net": own, "net*5": ensemble_table(own, "net*5", 5)}
    found = compare(tables, train_seconds={"net": 10.0, "net*5": 10.0})
    [pair] = found.pairs
    assert (pair.seeds, pair.verdict) == ((5, 5), "b better")
    assert found.take == "net*5"
    assert "5 seeds" in found.verdict


def test_an_ensembles_table_is_kept_and_read_again(tmp_path: Path) -> None:
    made = ensemble_table(table(4), "net*2", 2)
    digest = save_table(made, tmp_path / "table.npz")
    read = load_table(tmp_path / "table.npz", digest)
    assert read.num_networks == 4
    np.testing.assert_array_equal(read.members, made.members)


def test_members_that_are_not_those_of_the_probabilities_are_refused() -> None:
    made = ensemble_table(table(4), "net*2", 2)
    assert made.members is not None
    with pytest.raises(DataError, match="`probabilities` must be the mean of `members`"):
        replace(made, members=made.members[:, :, ::-1].copy())


def test_too_few_seeds_and_classes_without_probabilities_are_refused() -> None:
    with pytest.raises(SpecError, match=r"net\*5 needs 5 seeds, and net has 4\. Give `seeds` of at least 5"):
        ensemble_table(table(4), "net*5", 5)
    with pytest.raises(SpecError, match="needs probabilities, and net has none"):
        ensemble_table(replace(table(4), hard=True), "net*2", 2)
    with pytest.raises(SpecError, match="trained on the same examples"):
        ensemble_table(replace(table(4), training_resampled=True), "net*2", 2)


def test_an_ensemble_is_called_after_its_family() -> None:
    assert facts_of(["inception*5", "gone*5", "x*"])["inception*5"].label == "Inception x5"
    assert facts_of(["gone*5"])["gone*5"].label == "gone*5"
