"""The promotion gate: who takes the champion's place, who does not, and how often by luck alone."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.evaluation import gate
from hw3models.evaluation.gate import Candidate, winner
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.families import facts_of
from hw3models.specs import ComparisonReport

NIGHTS = 200
judge = partial(gate.judge, facts=facts_of(["cnn", "mlp", "majority", "rocket"]))


def table(right: NDArray[np.bool_], *, family: str = "cnn", digest: str = "d1") -> PredictionTable:
    """Of two classes, all labels 0; `right` is (S, n)."""
    sure = np.where(right, 0.9, 0.2).astype(np.float32)
    num = right.shape[1]
    return PredictionTable(
        family=family,
        data_digest=digest,
        seeds=tuple(range(len(right))),
        test_index=np.arange(num),
        labels=np.zeros(num, np.int64),
        probabilities=np.stack([sure, 1 - sure], axis=-1),
    )


def drawn(
    rng: np.random.Generator, difficulty: NDArray[np.float64], share: float, seeds: int = 5, luck: float = 0.1
) -> NDArray[np.bool_]:
    """Crossed probit: examples differ in difficulty, seeds in luck."""
    level = np.quantile(difficulty + rng.standard_normal(difficulty.shape), share)
    noise = rng.standard_normal((seeds, len(difficulty))) + luck * rng.standard_normal((seeds, 1))
    return np.asarray(difficulty + noise < level)


def candidate(right: NDArray[np.bool_], *, family: str = "cnn", tried: int = 9, digest: str = "d1") -> Candidate:
    return Candidate(family=family, table=table(right, family=family, digest=digest), tried=tried, parameters=1000)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_challenger_that_is_better_beyond_noise_takes_over(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(1000)
    decision = judge(candidate(drawn(rng, hard, 0.93)), candidate(drawn(rng, hard, 0.80)), baselines={})
    assert decision.outcome == "champion"
    assert decision.reason.startswith("Better than the champion by 1")
    assert "beyond noise by the margin of 0.5 points" in decision.reason


def test_better_by_less_than_the_margin_is_not_enough(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(20_000)
    challenger, champion = candidate(drawn(rng, hard, 0.86, luck=0)), candidate(drawn(rng, hard, 0.84, luck=0))
    assert judge(challenger, champion, baselines={}, margin=0.001).outcome == "champion"
    decision = judge(challenger, champion, baselines={}, margin=0.05)
    assert decision.outcome == "challenger"
    assert "Not better than the champion beyond noise by the margin of 5 points" in decision.reason


def test_a_lower_error_counts_as_better(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(1000)
    good, bad = candidate(drawn(rng, hard, 0.95)), candidate(drawn(rng, hard, 0.75))
    assert judge(good, bad, baselines={}, metric="cross_entropy").outcome == "champion"
    assert judge(bad, good, baselines={}, metric="cross_entropy").outcome == "challenger"


@pytest.mark.parametrize(("seconds", "outcome"), [(0.79, "champion"), (0.85, "challenger"), (None, "challenger")])
def test_equivalent_and_cheaper_wins_only_where_that_is_asked_for(
    rng: np.random.Generator, seconds: float | None, outcome: str
) -> None:
    hard = rng.standard_normal(5000)
    champion = replace(candidate(drawn(rng, hard, 0.9, luck=0), family="lstm"), predict_seconds=1.0)
    cheap = replace(candidate(drawn(rng, hard, 0.9, luck=0)), predict_seconds=seconds)
    assert judge(cheap, champion, baselines={}, margin=0.03).outcome == "challenger"
    decision = judge(cheap, champion, baselines={}, margin=0.03, prefer_cheaper=True)
    assert decision.outcome == outcome
    assert decision.reason.startswith("Equivalent to the champion within 3 points")


def test_the_same_network_is_never_cheaper_than_itself(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(5000)
    champion = replace(candidate(drawn(rng, hard, 0.9, luck=0)), predict_seconds=1.0)
    challenger = replace(candidate(drawn(rng, hard, 0.9, luck=0)), predict_seconds=0.1)
    decision = judge(challenger, champion, baselines={}, margin=0.03, prefer_cheaper=True)
    assert decision.outcome == "challenger"
    assert "the same network (CNN)" in decision.reason


def test_what_would_be_unfair_is_refused_with_every_reason(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(300)
    good = drawn(rng, hard, 0.99)
    challenger = candidate(good[:2], tried=50, digest="other")
    decision = judge(challenger, candidate(drawn(rng, hard, 0.5)), baselines={})
    assert decision.outcome == "refused"
    for reason in (
        "other data: the challenger was tested on other, the champion on d1",
        "unequal budget: 50 recipes were tried for the challenger and 9 for the champion",
        "the challenger has 2 seeds, at least 3 are needed",
    ):
        assert reason in decision.reason
    assert not decision.pairs


def test_the_first_champion_must_beat_every_baseline(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(500)
    weak, strong = table(drawn(rng, hard, 0.5, 1), family="majority"), table(drawn(rng, hard, 0.95, 1), family="rocket")
    challenger = candidate(drawn(rng, hard, 0.9))
    decision = judge(challenger, None, baselines={"majority": weak})
    assert decision.outcome == "champion"
    assert decision.reason == "The first champion: it beats majority class beyond noise."
    decision = judge(challenger, None, baselines={"majority": weak, "rocket": strong})
    assert decision.outcome == "challenger"
    assert "No champion yet, and it does not beat ROCKET beyond noise." in decision.reason
    assert judge(challenger, None, baselines={}).outcome == "refused"


def test_a_metric_that_does_not_exist_is_named(rng: np.random.Generator) -> None:
    one = candidate(drawn(rng, rng.standard_normal(50), 0.9))
    with pytest.raises(SpecError, match="'speed' is not known"):
        judge(one, one, baselines={}, metric="speed")


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("examples", [150, 1000])
@pytest.mark.parametrize("families", [1, 4])
def test_nights_without_a_real_change_change_the_champion_no_more_often_than_promised(
    seeds: int, examples: int, families: int
) -> None:
    """A/A: every night the same recipe, new seeds, the same test examples; the luckiest of the families challenges."""
    rng = np.random.default_rng([seeds, examples, families])
    hard = rng.standard_normal(examples)
    champion, changes = candidate(drawn(rng, hard, 0.85, seeds)), 0
    for _ in range(NIGHTS):
        tries = [drawn(rng, hard, 0.85, seeds) for _ in range(families)]
        challenger = candidate(max(tries, key=np.mean))
        if judge(challenger, champion, baselines={}).outcome == "champion":
            champion, changes = challenger, changes + 1
    # One-sided at 2.5%.
    assert changes <= 0.025 * NIGHTS


def test_a_real_improvement_is_promoted_within_a_few_nights(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(1000)
    champion = candidate(drawn(rng, hard, 0.85))
    nights = [judge(candidate(drawn(rng, hard, 0.91)), champion, baselines={}).outcome for _ in range(20)]
    assert nights.count("champion") >= 15


def test_the_winner_is_the_cheapest_network_of_the_first_group_with_one() -> None:
    comparison = ComparisonReport(
        metric="accuracy",
        higher_is_better=True,
        data_digest="d",
        pairs=(),
        groups=(("rocket",), ("gru", "cnn"), ("mlp",)),
        cheapest="rocket",
        verdict="",
        margin=0.005,
    )
    costs = {"gru": 2.0, "cnn": 1.0, "mlp": 0.1}
    assert winner(comparison, ["mlp", "cnn", "gru"], costs) == "cnn"
    assert winner(None, ["mlp"], {}) == "mlp"
    assert winner(comparison, [], {}) is None
