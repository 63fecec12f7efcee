"""Seeds until it is decided: the level is shared out, verdicts stand, and looking often raises no false alarms."""

import math

import numpy as np
import pytest

from hw3models.evaluation import sequential
from hw3models.evaluation.comparison import LookPlan, compare
from hw3models.specs import ComparisonReport, PairReport
from tests.tables import classifier, skilled


def look_at(report: ComparisonReport) -> sequential.Look:
    return sequential.see(report, seeds=5)


def at_level(tables: dict[str, object], level: float, settled: tuple[PairReport, ...] = ()) -> ComparisonReport:
    return compare(tables, train_seconds={}, level=level, settled=settled)  # type: ignore[arg-type]


def test_intervals_and_sentences_are_of_the_looks_own_level() -> None:
    rng = np.random.default_rng(1)
    tables = {"cnn": classifier(skilled(rng, 0.9)), "gru": classifier(skilled(rng, 0.8))}
    (strict,), (loose,) = (at_level(tables, level).pairs for level in (0.01, 0.05))
    assert strict.high - strict.low > loose.high - loose.low
    assert "(99%, 5 seeds" in strict.sentence
    assert (strict.level, loose.level) == (0.01, 0.05)
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


def crossed(rng: np.random.Generator, seeds: int, num: int, better: float = 0.0) -> np.ndarray:
    """Two families, the first `better`: (2, S, n), seeds that resampling, examples of different difficulty."""
    luck = 0.15 * rng.standard_normal((2, seeds, 1))
    right = rng.standard_normal(num) + rng.standard_normal((2, seeds, num)) + luck + 1.4
    right[0] += better
    return right > 0


PLAN = (5, 10, 20, 40, 50)


def found(right: np.ndarray, *, spent: bool = True) -> tuple[bool, int]:
    """Does any look find a difference, and with how many seeds? `spent` spends the level over the looks."""
    settled: tuple[PairReport, ...] = ()
    for number, seeds in enumerate(PLAN):
        tables = {name: classifier(one[:seeds]) for name, one in zip(("a", "b"), right, strict=True)}
        looks = LookPlan(PLAN, number) if spent else None
        report = compare(tables, train_seconds={}, looks=looks, settled=settled, with_power=False)
        settled = sequential.settled(report)
        if report.pairs[0].verdict in ("a better", "b better"):
            return True, seeds
    return False, PLAN[-1]


@pytest.mark.slow
def test_looking_often_does_not_cry_wolf() -> None:
    repeats = 300
    rights = [crossed(np.random.default_rng([5, i]), 50, 120) for i in range(repeats)]
    shared = sum(found(right)[0] for right in rights) / repeats
    naive = sum(found(right, spent=False)[0] for right in rights) / repeats
    # Three standard errors above 5%; without spending the level it is far more.
    assert 0.01 < shared <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)
    assert naive > shared + 0.02


@pytest.mark.slow
def test_looks_find_nearly_what_all_seeds_would_find_with_fewer_of_them() -> None:
    rights = [crossed(np.random.default_rng([6, i]), 50, 400, better=0.15) for i in range(150)]
    looked = [found(right) for right in rights]
    fixed = 0
    for right in rights:
        report = compare({"a": classifier(right[0]), "b": classifier(right[1])}, train_seconds={}, with_power=False)
        fixed += report.pairs[0].verdict == "a better"
    assert 60 < fixed < 145
    assert sum(hit for hit, _ in looked) >= 0.92 * fixed - 3
    assert np.mean([seeds for _, seeds in looked]) < 40


def test_the_interval_of_a_look_is_that_of_its_own_level() -> None:
    right = crossed(np.random.default_rng(8), 50, 300, better=0.3)
    tables = {name: classifier(one[:5]) for name, one in zip(("a", "b"), right, strict=True)}
    (pair,) = compare(tables, train_seconds={}, looks=LookPlan(PLAN, 0), with_power=False).pairs
    assert 0 < pair.level < 0.05
    (alone,) = compare(tables, train_seconds={}, level=pair.level, with_power=False).pairs
    assert (pair.low, pair.high) == pytest.approx((alone.low, alone.high), rel=1e-6)
