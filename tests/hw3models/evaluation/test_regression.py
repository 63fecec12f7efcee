"""Scores of predicted numbers, against scikit-learn and by leaving examples out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from hw3models.errors import DataError, SpecError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.ensembles import ensemble_table
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.metrics import available, measure
from hw3models.evaluation.prediction_table import PredictionTable, add_seeds, load_table, save_table
from hw3models.evaluation.predictions import compare_predictions
from hw3models.evaluation.scores import evaluate, score

ORACLES = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}


def table(
    family: str = "a", *, noise: float = 0.5, seeds: int = 3, num: int = 60, seed: int = 0, groups: bool = False
) -> PredictionTable:
    truth = np.random.default_rng(99).normal(10, 2, num)
    rng = np.random.default_rng(seed)
    return PredictionTable(
        family=family,
        data_digest="d",
        seeds=tuple(range(seeds)),
        test_index=np.arange(num),
        labels=np.zeros(num, np.int64),
        groups=np.arange(num) // 5 if groups else None,
        predicted=truth + rng.normal(0, noise, (seeds, num)) + rng.normal(0, noise / 2, num),
        targets=truth,
    )


@pytest.mark.parametrize("metric", ORACLES)
def test_metrics_are_those_of_scikit_learn(metric: str) -> None:
    one = table()
    assert one.predicted is not None
    wanted = [ORACLES[metric](one.targets, said) for said in one.predicted]
    np.testing.assert_allclose(measure(one, metric).per_seed, wanted, rtol=1e-12)
    np.testing.assert_allclose(score(one, metric).mean, np.mean(wanted), rtol=1e-12)


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("metric", ORACLES)
def test_each_example_or_group_is_left_out_as_if_it_had_not_been_there(metric: str, groups: bool) -> None:
    one = table(groups=groups)
    assert one.predicted is not None
    assert one.targets is not None
    own = np.arange(60) if one.groups is None else one.groups
    wanted = [
        [ORACLES[metric](one.targets[own != g], said[own != g]) for g in np.unique(own)] for said in one.predicted
    ]
    np.testing.assert_allclose(measure(one, metric).left_out, wanted, rtol=1e-10)


def test_only_metrics_of_numbers_can_be_computed_and_rmse_is_the_default() -> None:
    assert available(table()) == ("rmse", "mae", "r2")
    with pytest.raises(SpecError, match="`metric` accuracy cannot be computed"):
        measure(table(), "accuracy")
    found = compare({"a": table(), "b": table("b", noise=2.0, seed=1)}, train_seconds={})
    assert found.metric == "rmse"
    assert not found.higher_is_better


def test_less_error_and_more_r2_are_better() -> None:
    tables = {"good": table("good"), "bad": table("bad", noise=2.0, seed=1)}
    for metric in ORACLES:
        found = compare(tables, metric=metric, train_seconds={})
        assert found.take == "good"
        assert found.pairs[0].verdict == "a better"
        assert (found.pairs[0].difference > 0) == (metric == "r2")
        assert found.groups == (("good",), ("bad",))


def test_what_nobody_can_predict_has_an_r2_of_nothing() -> None:
    flat = table()
    assert flat.targets is not None
    mean = replace(flat, predicted=np.full((3, 60), flat.targets.mean()))
    assert measure(mean, "r2").value == pytest.approx(0, abs=1e-12)
    same = replace(flat, targets=np.full(60, 7.0), predicted=np.full((3, 60), 7.5))
    assert measure(same, "r2").value == 0, "nothing varies: there is no share of it"
    assert measure(same, "rmse").value == pytest.approx(0.5)


def test_an_ensemble_says_the_mean_of_its_members() -> None:
    one = table(seeds=6)
    assert one.predicted is not None
    both = ensemble_table(one, "a*3", 3)
    assert both.predicted is not None
    np.testing.assert_allclose(both.predicted[0], one.predicted[:3].mean(axis=0))
    np.testing.assert_allclose(both.predicted[1], one.predicted[3:].mean(axis=0))
    assert score(both, "rmse").mean < score(one, "rmse").mean
    whole, found = both.predicted[0], measure(both, "mae")
    assert found.per_replicate[0] == pytest.approx(mean_absolute_error(one.targets, whole))
    assert compare({"a": one, "a*3": both}, train_seconds={}).take == "a*3"


def test_a_table_of_numbers_is_written_and_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    one = table(groups=True)
    digest = save_table(one, tmp_path / "t.npz")
    again = load_table(tmp_path / "t.npz", digest)
    np.testing.assert_array_equal(again.predicted, one.predicted)
    np.testing.assert_array_equal(again.targets, one.targets)
    more = add_seeds(again, replace(one, seeds=(7, 8, 9)))
    assert more.predicted is not None
    assert more.predicted.shape == (6, 60)


def test_a_table_of_numbers_must_be_whole() -> None:
    one = table()
    assert one.predicted is not None
    with pytest.raises(DataError, match="`predicted` and `targets` go together"):
        replace(one, targets=None)
    with pytest.raises(DataError, match="`predicted` must be finite, 1 are not"):
        replace(one, predicted=np.where(np.arange(60) == 3, np.nan, one.predicted[:1]), seeds=(0,))
    with pytest.raises(DataError, match=r"`targets` must have shape \(n=60\)"):
        replace(one, targets=np.zeros(59))


def test_the_report_of_a_family_has_no_classes() -> None:
    found = evaluate(table(), ("low", "high"), predict_seconds_per_1000=1, device="cpu", table_path="", table_digest="")
    assert set(found.metrics) == set(ORACLES)
    assert found.per_class == {}
    assert found.confusion == ()


def frame(**noises: float) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=80)
    rows = [
        (family, seed, f"e{i}", truth[i], truth[i] + noise * rng.normal())
        for family, noise in noises.items()
        for seed in range(3)
        for i in range(80)
    ]
    return pd.DataFrame(rows, columns=["family", "seed", "example", "label", "prediction"])


def test_numbers_of_anybody_are_compared_as_such() -> None:
    given = frame(near=0.1, far=1.0)
    found = compare_predictions(given)
    assert (found.metric, found.take) == ("rmse", "near")
    of_near = given[given["family"] == "near"].groupby("seed")
    wanted = np.mean([root_mean_squared_error(one["label"], one["prediction"]) for _, one in of_near])
    of_far = given[given["family"] == "far"].groupby("seed")
    other = np.mean([root_mean_squared_error(one["label"], one["prediction"]) for _, one in of_far])
    assert found.pairs[0].difference == pytest.approx(wanted - other)
    assert compare_predictions(given, "r2").take == "near"


def test_whole_numbers_are_classes_unless_the_metric_says_otherwise() -> None:
    given = frame(near=0.1, far=3.0)
    given["label"] = given["label"].mul(3).round().astype(int)
    given["prediction"] = given["prediction"].mul(3).round().astype(int)
    assert compare_predictions(given).metric == "accuracy"
    assert compare_predictions(given, "mae").take == "near"


def test_words_are_no_numbers() -> None:
    given = frame(near=0.1, far=1.0)
    given["prediction"] = given["prediction"].astype(object)
    given.loc[5, "prediction"] = "high"
    with pytest.raises(DataError, match=r"numbers are compared, and 'high' \(prediction of near\) is none"):
        compare_predictions(given, "rmse")


def test_baselines_and_families_without_luck_are_known_by_their_facts() -> None:
    tables = {"net": table("net"), "mean": table("mean", noise=3.0, seeds=1, seed=4)}
    facts = {"mean": FamilyFacts(label="mean", deterministic=True, is_baseline=True, ignores_examples=True)}
    found = compare(tables, train_seconds={}, facts=facts)
    assert found.pairs[0].verdict == "a better"
    assert not found.collapses


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_a_seed_that_only_says_the_mean_has_learnt_next_to_nothing(metric: str) -> None:
    one = table("net", seeds=5, num=200)
    assert one.predicted is not None
    assert one.targets is not None
    said = one.predicted.copy()
    said[3] = one.targets.mean()
    tables = {"net": replace(one, predicted=said), "other": table("other", seeds=5, num=200, seed=5)}
    found = compare(tables, metric=metric, train_seconds={}).collapses
    assert set(found) == {"net"}
    assert (found["net"].seeds, found["net"].of) == (1, 5)
    nobody = {name: replace(one, predicted=np.full((5, 200), 10.0)) for name in ("net", "other")}
    assert not compare(nobody, metric=metric, train_seconds={}).collapses, "nothing was learnt that one could miss"
