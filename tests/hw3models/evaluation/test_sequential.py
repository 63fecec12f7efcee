"""Seeds until it is decided: the level is shared out, verdicts stand, and looking often raises no false alarms."""

import math

import numpy as np
import pytest

from hw3models.evaluation import sequential
from hw3models.evaluation.comparison import compare
from hw3models.specs import ComparisonReport, PairReport
from hw3models.stats import multiple_testing
from hw3models.stats.intervals import difference, measure_mean
from hw3models.stats.multiple_testing import LEVEL
from tests.tables import classifier, skilled


def test_looks_double_and_end_with_what_may_be_spent() -> None:
    assert multiple_testing.plan(5, 50) == (5, 10, 20, 40, 50)
    assert multiple_testing.plan(3, 3) == (3,)
    assert multiple_testing.plan(4, 9) == (4, 8, 9)


def test_the_level_is_spent_as_lan_and_demets_say() -> None:
    """alpha ln(1 + (e - 1) t), their third example; all of it when all seeds are there."""
    assert multiple_testing.spent(1) == pytest.approx(LEVEL)
    assert multiple_testing.spent(0.5) == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 2))
    looks = (5, 10, 20, 40, 50)
    levels = multiple_testing.levels(looks)
    assert sum(levels) == pytest.approx(LEVEL)
    assert min(levels) > 0
    assert sum(levels[:3]) == pytest.approx(multiple_testing.spent(20 / 50))


def look_at(report: ComparisonReport) -> sequential.Look:
    return sequential.see(report, seeds=5, level=0.01)


def at_level(tables: dict[str, object], level: float, settled: tuple[PairReport, ...] = ()) -> ComparisonReport:
    return compare(tables, train_seconds={}, level=level, settled=settled)  # type: ignore[arg-type]


def test_intervals_and_sentences_are_of_the_looks_own_level() -> None:
    rng = np.random.default_rng(1)
    tables = {"cnn": classifier(skilled(rng, 0.9)), "gru": classifier(skilled(rng, 0.8))}
    (strict,), (loose,) = (at_level(tables, level).pairs for level in (0.01, 0.05))
    assert strict.high - strict.low > loose.high - loose.low
    assert "(99%, 5 seeds" in strict.sentence
    assert "(95%, 5 seeds" in loose.sentence


def test_a_verdict_of_an_earlier_look_stands() -> None:
    rng = np.random.default_rng(2)
    clear = {"cnn": classifier(skilled(rng, 0.9)), "gru": classifier(skilled(rng, 0.6))}
    before = sequential.settled(at_level(clear, 0.01))
    assert [pair.verdict for pair in before] == ["a better"]
    turned = {"cnn": classifier(skilled(rng, 0.6)), "gru": classifier(skilled(rng, 0.9))}
    after = at_level(turned, 0.01, before)
    assert after.pairs == before
    # Nor does the beaten one lead, whatever its later seeds say.
    assert after.groups == (("cnn",), ("gru",))


def test_a_look_tells_who_is_out_and_who_is_undecided() -> None:
    rng = np.random.default_rng(3)
    close = skilled(rng, 0.9)
    tables = {
        "cnn": classifier(close),
        "gru": classifier(skilled(rng, 0.89)),
        "mlp": classifier(skilled(rng, 0.5)),
    }
    look = look_at(at_level(tables, 0.02))
    assert look.out == ("mlp",)
    assert {look.leader, *look.undecided} == {"cnn", "gru"}
    assert sequential.told([look], (5, 10)).startswith("look 1 of at most 2, 5 seeds: ")


def test_the_verdict_says_why_it_stopped() -> None:
    rng = np.random.default_rng(4)
    tables = {"cnn": classifier(skilled(rng, 0.9)), "gru": classifier(skilled(rng, 0.6))}
    report = at_level(tables, 0.02)
    decided = sequential.with_looks(report, [look_at(report)], (5, 10))
    assert decided.verdict.endswith(
        "Stopped after look 1 of at most 2, with 5 seeds: every other family is beaten, or equivalent to the best one."
    )
    even = {"cnn": classifier(skilled(rng, 0.8)), "gru": classifier(skilled(rng, 0.8))}
    report = at_level(even, 0.02)
    ended = sequential.with_looks(report, [look_at(report)], (5,))
    assert "5 seeds are all it was given, and " in ended.verdict
    assert ended.looks[0].undecided


def crossed(rng: np.random.Generator, seeds: int, num: int) -> np.ndarray:
    """Two families without a difference: (2, S, n), seeds that resampling, examples of different difficulty."""
    luck = 0.15 * rng.standard_normal((2, seeds, 1))
    return rng.standard_normal(num) + rng.standard_normal((2, seeds, num)) + luck + 1.4 > 0


def false_alarm(rng: np.random.Generator, *, shared: bool) -> bool:
    """Does any look find a difference between two families that have none? `shared` shares the level out."""
    looks = multiple_testing.plan(3, 24)
    right = crossed(rng, looks[-1], 120)
    for seeds, level in zip(looks, multiple_testing.levels(looks), strict=True):
        first, second = (measure_mean(values[:seeds].astype(float), is_share=True) for values in right)
        if difference(first, second).p_value() <= (level if shared else LEVEL):
            return True
    return False


def test_looking_often_does_not_cry_wolf() -> None:
    repeats = 1000
    shared = sum(false_alarm(np.random.default_rng([5, i]), shared=True) for i in range(repeats)) / repeats
    naive = sum(false_alarm(np.random.default_rng([5, i]), shared=False) for i in range(repeats)) / repeats
    # Three standard errors above 5%; without sharing the level it is far more.
    assert 0.005 < shared <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)
    assert naive > shared + 0.02
