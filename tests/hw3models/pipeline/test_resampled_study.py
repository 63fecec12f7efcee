"""Replicates on splits of their own: what they are trained and tested on, and how they are compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from hw3models.data.dataset import describe, save
from hw3models.data.resamples import resample
from hw3models.engine.fit import build_replicate, fit
from hw3models.errors import DataError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.metrics import measure
from hw3models.evaluation.prediction_table import PredictionTable, join_resamples, load_table, save_table
from hw3models.families import Network, find_family
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.specs import DataReport, EvaluationReport, Resampling, TrainReport, TrainSpec
from hw3models.stats.intervals import Measured, difference, estimate
from tests.tables import classifier
from tests.tiny import quick_recipe, tiny_dataset

DATA = tiny_dataset(num=160)


@pytest.fixture
def data(tmp_path: Path) -> DataReport:
    save(DATA, tmp_path / "data.npz")
    return describe(DATA, tmp_path / "data.npz")


def spec(resampling: Resampling, seeds: tuple[int, ...], family: str = "cnn") -> TrainSpec:
    return TrainSpec(family=family, seeds=seeds, resampling=resampling, recipe=quick_recipe(dropout=0.2), device="cpu")


def trained(
    resampling: Resampling, data: DataReport, folder: Path, family: str
) -> tuple[TrainReport, EvaluationReport]:
    training = train_step(spec(resampling, (0, 1, 2), family), data, folder / f"{resampling}-{family}")
    return training, evaluate_step(training, data)


def network(name: str) -> Network:
    found = find_family("sequences", name)
    assert isinstance(found, Network)
    return found


def test_replicate_r_is_seed_r_trained_alone_on_resample_r() -> None:
    together = fit(DATA, network("cnn"), spec("both", (0, 1, 2)))
    for row, seed in enumerate((0, 1, 2)):
        alone = fit(resample(DATA, seed), network("cnn"), spec("seed", (seed,)))
        for name, tensor in together.states.items():
            torch.testing.assert_close(tensor[row], alone.states[name][0], rtol=1e-5, atol=1e-6)


def test_with_split_alone_varying_all_replicates_begin_alike() -> None:
    first, second = (build_replicate(network("mlp"), DATA, spec("split", (3, 7), "mlp"), seed) for seed in (3, 7))
    other = build_replicate(network("mlp"), DATA, spec("both", (3, 7), "mlp"), 7)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    assert not all(torch.equal(t, other.state_dict()[name]) for name, t in second.state_dict().items())


@pytest.mark.parametrize("family", ["gru", "logistic"])
def test_each_replicate_is_tested_on_its_own_split(data: DataReport, tmp_path: Path, family: str) -> None:
    training, evaluation = trained("both", data, tmp_path, family)
    table = load_table(Path(evaluation.table_path), evaluation.table_digest)
    assert table.probabilities is not None
    assert (table.seeds, table.is_resampled, table.data_digest) == ((0, 1, 2), True, DATA.digest)
    assert training.strategy in ("separate", "one after another")
    for row, seed in enumerate(table.seeds):
        test = resample(DATA, seed).test
        np.testing.assert_array_equal(table.test_index[row], test)
        named = table.probabilities[row].argmax(axis=1)
        labels = DATA.labels[test]
        accuracy, balanced = (evaluation.metrics[name].per_seed[row] for name in ("accuracy", "balanced_accuracy"))
        assert accuracy == pytest.approx(accuracy_score(labels, named))
        assert balanced == pytest.approx(balanced_accuracy_score(labels, named))
    assert np.sum(evaluation.confusion) == 3 * len(DATA.test)


def test_the_model_that_is_kept_is_scaled_as_its_own_split_was(data: DataReport, tmp_path: Path) -> None:
    from hw3models.engine.model_store import load_model

    training, _ = trained("both", data, tmp_path, "mlp")
    manifest, _ = load_model(Path(training.directory))
    np.testing.assert_allclose(manifest.mean, resample(DATA, training.best_seed).mean, rtol=1e-6)


# ----------------------------------------------------------------------------------------- intervals


def over_splits(values: Any, test_to_train: float) -> Measured:
    values = np.asarray(values, float)
    return Measured(per_seed=values, left_out=np.empty((len(values), 0)), num_examples=100, test_to_train=test_to_train)


def test_the_corrected_resampled_t_test() -> None:
    """t = mean / sqrt((1/J + n_test/n_train) var), J - 1 degrees of freedom (Nadeau and Bengio 2003)."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.85, 0.03, 10), rng.normal(0.83, 0.03, 10)
    found = difference(over_splits(a, 0.5), over_splits(b, 0.5))
    d = a - b
    t = d.mean() / np.sqrt((1 / 10 + 0.5) * d.var(ddof=1))
    assert found.p_value() == pytest.approx(2 * stats.t.sf(abs(t), 9))
    # Without the correction it is the plain paired t test.
    plain = difference(over_splits(a, 0.0), over_splits(b, 0.0))
    assert plain.p_value() == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_one_split_says_nothing() -> None:
    assert difference(over_splits([0.9], 0.5), over_splits([0.8], 0.5)).p_value() == 1
    assert estimate(over_splits([0.9], 0.5)).interval() == (-np.inf, np.inf)


# ---------------------------------------------------------------------------------------- comparison


def resampled(shares: list[float], *, seeds: tuple[int, ...] | None = None, family: str = "mlp") -> PredictionTable:
    """A table per split, right on the given share of 60 examples."""
    seeds = tuple(range(len(shares))) if seeds is None else seeds
    singles = []
    for seed, share in zip(seeds, shares, strict=True):
        split = resample(DATA, seed)
        one = classifier(np.arange(len(split.test)) < round(share * len(split.test)), family=family, num_classes=3)
        labels = one.labels
        singles.append(
            PredictionTable(
                family=family,
                data_digest=split.digest,
                seeds=(seed,),
                test_index=split.test,
                labels=labels,
                probabilities=one.probabilities,
            )
        )
    return join_resamples(singles, data_digest=DATA.digest, num_train=len(DATA.train) + len(DATA.validation))


SHARES = [0.80, 0.85, 0.78, 0.83, 0.80]


def test_families_are_compared_split_by_split() -> None:
    tables = {"cnn": resampled(SHARES), "gru": resampled([0.50, 0.58, 0.45, 0.55, 0.48])}
    report = compare(tables, train_seconds={})
    (pair,) = report.pairs
    assert (pair.verdict, pair.seeds) == ("a better", (5, 5))
    assert pair.sentence.endswith("(95%, 5 resampled splits with 40 test examples each)")
    assert "seeds" not in report.verdict
    assert "resamples" in report.advice or "less than the margin" in report.advice


def test_resamples_that_test_on_as_much_as_they_train_on_are_said_to_be_nearly_blind() -> None:
    tables = {"cnn": resampled(SHARES), "gru": resampled([0.78, 0.84, 0.80, 0.83, 0.79])}
    assert "each resample tests on" not in compare(tables, train_seconds={}).verdict.lower()
    alike = {name: replace(table, num_train=41) for name, table in tables.items()}
    said = "Each resample tests on 40 examples and trains on 41 only: such resamples show large"
    assert said in compare(alike, train_seconds={}).verdict


def test_a_split_that_one_family_lost_counts_for_none() -> None:
    tables = {"cnn": resampled(SHARES), "gru": resampled(SHARES[1:], seeds=(1, 2, 3, 4))}
    (pair,) = compare(tables, train_seconds={}).pairs
    assert pair.seeds == (4, 4)
    assert pair.difference == pytest.approx(0)
    # Others are not held back by it.
    three = compare(tables | {"lstm": resampled(SHARES, family="lstm")}, train_seconds={})
    assert [one.seeds for one in three.pairs] == [(4, 4), (5, 5), (4, 4)]


def test_resampled_and_other_tables_are_not_compared() -> None:
    other = classifier(np.ones((5, 40)), data_digest=DATA.digest)
    with pytest.raises(DataError, match="some families were tested on resampled splits and some were not"):
        compare({"cnn": resampled(SHARES), "gru": other}, train_seconds={})


def test_families_without_a_common_split_cannot_be_told_apart() -> None:
    tables = {"cnn": resampled(SHARES), "gru": resampled([0.2, 0.3], seeds=(8, 9))}
    (pair,) = compare(tables, train_seconds={}).pairs
    assert (pair.verdict, pair.p_value, pair.seeds) == ("cannot tell", 1, (0, 0))


def test_the_same_difference_on_few_splits_is_not_certainty() -> None:
    """Two of two splits with one example more right: luck, not p = 0."""
    a, b = (
        Measured(
            per_seed=np.full(2, share),
            left_out=np.empty((2, 0)),
            num_examples=40,
            is_share=True,
            floor=0.5 / 42**2,
            test_to_train=0.3,
        )
        for share in (1, 0.975)
    )
    assert difference(a, b).p_value() > 0.2
    assert difference(a, a).interval()[1] > 0.005, "nor are two that are always right equivalent"


def test_a_single_split_is_reported_without_an_interval_and_read_back(data: DataReport, tmp_path: Path) -> None:
    training = train_step(spec("split", (3,), "mlp"), data, tmp_path / "one")
    evaluation = evaluate_step(training, data)
    assert (evaluation.metrics["accuracy"].low, evaluation.metrics["accuracy"].high) == (0, 1)
    assert evaluation.metrics["cross_entropy"].high == np.inf
    assert EvaluationReport.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_a_resampled_table_survives_the_disk(tmp_path: Path) -> None:
    table = resampled(SHARES)
    digest = save_table(table, tmp_path / "table.npz")
    again = load_table(tmp_path / "table.npz", digest)
    np.testing.assert_array_equal(again.test_index, table.test_index)
    assert (again.num_train, again.num_test) == (120, 40)
    assert measure(again, "accuracy").test_to_train == pytest.approx(40 / 120)
