"""The promotion gate: who takes the champion's place, who does not, and how often by luck alone."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.evaluation import gate
from hw3models.evaluation.gate import FIRST, LEVEL, Candidate, Turn, reign_of, share_of, winner
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.families import facts_of
from hw3models.specs import ComparisonReport, RegistryEvent

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


def test_networks_trained_on_bootstraps_are_refused(rng: np.random.Generator) -> None:
    good = candidate(drawn(rng, rng.standard_normal(300), 0.9))
    resampled = replace(good, table=replace(good.table, training_resampled=True))
    decision = judge(resampled, good, baselines={})
    assert decision.outcome == "refused"
    assert "the challenger's replicates were trained on bootstraps, not on the whole training part" in decision.reason


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


def test_the_winner_is_the_family_to_take_or_the_best_network_where_that_is_none() -> None:
    comparison = ComparisonReport(
        metric="accuracy",
        higher_is_better=True,
        data_digest="d",
        pairs=(),
        groups=(("rocket",), ("gru", "cnn"), ("mlp",)),
        take="cnn",
        verdict="",
        margin=0.005,
    )
    assert winner(comparison, ["mlp", "cnn", "gru"]) == "cnn"
    assert winner(comparison.model_copy(update={"take": "rocket"}), ["mlp", "cnn", "gru"]) == "gru"
    assert winner(None, ["mlp"]) == "mlp"
    assert winner(comparison, []) is None


def test_all_decisions_about_a_champion_together_spend_the_level_and_no_more() -> None:
    spent = np.cumsum([Turn(number=number).level for number in range(1, 10_001)])
    assert spent[0] == pytest.approx(LEVEL / 2)
    assert spent[89] == pytest.approx(LEVEL * 90 / 91)
    assert spent[-1] < LEVEL
    assert Turn(number=7, picked_from=4).level == LEVEL * share_of(7) / 4


def test_the_level_shrinks_with_decisions_and_with_networks_that_were_picked_from(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(1000)
    champion, better = candidate(drawn(rng, hard, 0.85)), candidate(drawn(rng, hard, 0.92))
    first = judge(better, champion, baselines={})
    assert (first.outcome, first.grounds, first.level) == ("champion", "better", FIRST.level)
    late = judge(better, champion, baselines={}, turn=Turn(number=500_000, picked_from=4))
    assert (late.outcome, late.grounds) == ("challenger", None)
    assert "Decision 500,000 about this champion, best of 4 networks: luck alone changes it in at most" in late.reason
    assert late.level == pytest.approx(LEVEL / 500_000 / 500_001 / 4)


def test_the_champions_own_recipe_with_other_seeds_is_not_even_judged(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(1000)
    champion, lucky = candidate(drawn(rng, hard, 0.6)), candidate(drawn(rng, hard, 0.95))
    champion, lucky = replace(champion, recipe="abc"), replace(lucky, recipe="abc")
    decision = judge(lucky, champion, baselines={})
    assert (decision.outcome, decision.level, decision.pairs) == ("challenger", None, ())
    assert decision.reason.startswith("The champion's own recipe with other seeds")
    assert judge(replace(lucky, recipe="abd"), champion, baselines={}).outcome == "champion"
    assert judge(replace(lucky, recipe=""), replace(champion, recipe=""), baselines={}).outcome == "champion"


def test_a_cheaper_challenger_must_keep_to_the_anchor_as_well(rng: np.random.Generator) -> None:
    hard = rng.standard_normal(5000)
    anchor = table(drawn(rng, hard, 0.93, luck=0))
    champion = replace(candidate(drawn(rng, hard, 0.9, luck=0), family="lstm"), predict_seconds=1.0)
    cheap = replace(candidate(drawn(rng, hard, 0.88, luck=0)), predict_seconds=0.5)
    take = partial(judge, cheap, champion, baselines={}, margin=0.04, prefer_cheaper=True)
    assert (take().outcome, take().grounds) == ("champion", "cheaper")
    held = take(anchor=anchor)
    assert held.outcome == "challenger"
    assert "it is not shown to be no worse within 4 points (-" in held.reason
    assert [pair.b for pair in held.pairs] == ["champion", "anchor"]
    near = take(anchor=table(drawn(rng, hard, 0.89, luck=0)))
    assert (near.outcome, near.grounds) == ("champion", "cheaper")
    assert "it is not worse within 4 points" in near.reason


def event(version: int, champion: int | None, level: float | None = 0.01, **changes: object) -> RegistryEvent:
    fields = {"at": "", "model": "m", "version": version, "event": "challenger", "reason": "", "metric": "accuracy"}
    return RegistryEvent.model_validate(fields | {"champion": champion, "level": level} | changes)


def test_a_reign_counts_what_was_judged_since_the_last_better_champion() -> None:
    assert reign_of([]) == (None, ())
    history = [event(1, None), event(2, 2, event="champion", grounds="first")]
    assert reign_of(history) == (2, ())
    history += [event(3, 2), event(4, 2, level=None, event="refused"), event(5, 2), event(3, 2)]
    reign = reign_of(history)
    assert reign == (2, ((3, "accuracy"), (5, "accuracy")))
    assert [reign.turn(version, "accuracy", 1).number for version in (3, 5, 6)] == [1, 2, 3]
    assert reign.turn(3, "auroc", 4) == Turn(number=3, picked_from=4)


def test_a_cheaper_champion_moves_no_anchor_and_a_rollback_wins_no_new_level() -> None:
    history = [event(2, 2, event="champion", grounds="first"), event(3, 3, event="champion", grounds="cheaper")]
    assert reign_of(history) == (2, ((3, "accuracy"),))
    again = [*history, event(4, 4, event="champion", grounds="cheaper"), event(3, 3, None, event="rollback")]
    assert reign_of(again) == (3, ((3, "accuracy"), (4, "accuracy")))
    for grounds in ("better", "override"):
        assert reign_of([*history, event(4, 4, event="champion", grounds=grounds)]) == (4, ())
    already = event(3, 3, level=None, event="champion")
    assert reign_of([*history, already]) == reign_of(history)


def test_of_numbers_less_error_takes_over_and_a_first_champion_must_beat_the_mean() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=300)

    def predicting(family: str, noise: float, seeds: int = 5) -> Candidate:
        one = PredictionTable(
            family=family,
            data_digest="d1",
            seeds=tuple(range(seeds)),
            test_index=np.arange(300),
            labels=np.zeros(300, np.int64),
            predicted=truth + noise * rng.normal(size=(seeds, 300)),
            targets=truth,
        )
        return Candidate(family=family, table=one, tried=9, parameters=1000)

    facts = facts_of(["cnn", "mlp", "mean", "ridge"])
    mean = predicting("mean", 0, seeds=1).table
    mean = replace(mean, predicted=np.full((1, 300), truth.mean()))
    first = gate.judge(predicting("cnn", 0.5), None, baselines={"mean": mean}, facts=facts)
    assert (first.outcome, first.metric) == ("champion", "rmse")
    ridge = replace(predicting("ridge", 0.5, seeds=1), tried=None)
    assert gate.judge(ridge, None, baselines={"mean": mean}, facts=facts).reason.startswith(
        "The first champion: it beats"
    )
    assert gate.judge(predicting("mlp", 1.2), None, baselines={"mean": mean}, facts=facts).outcome == "challenger"
    better = gate.judge(predicting("cnn", 0.3), predicting("mlp", 0.6), baselines={}, facts=facts)
    assert better.outcome == "champion"
    assert better.reason.startswith("Better than the champion by 0.")
    assert gate.judge(predicting("cnn", 0.6), predicting("mlp", 0.3), baselines={}, facts=facts).outcome == "challenger"
