"""Of which class more data are likely to help: tables whose truth is known."""

import numpy as np
import pytest

from hw3models.evaluation.class_gains import class_gain

LABELS = np.repeat(np.arange(4), 60)
NAMES = ("a", "b", "c", "d")


def hits(rng: np.random.Generator, recalls: list[float], easy: np.ndarray) -> np.ndarray:
    odds = np.log(np.array(recalls) / (1 - np.array(recalls)))[LABELS] * 1.4 + easy
    return rng.random((5, len(LABELS))) < 1 / (1 + np.exp(-odds - rng.normal(0, 0.1, (5, 1))))


def test_the_class_that_gains_is_named_with_its_gain() -> None:
    rng = np.random.default_rng(0)
    easy = rng.normal(0, 1.0, len(LABELS))
    before, after = hits(rng, [0.8, 0.5, 0.8, 0.8], easy), hits(rng, [0.82, 0.8, 0.82, 0.82], easy)
    found = class_gain(before, after, LABELS, NAMES)
    assert found is not None
    assert found.name == "b"
    b = LABELS == 1
    assert found.gain == pytest.approx(after[:, b].mean() - before[:, b].mean())
    others = [(after.mean(axis=0) - before.mean(axis=0))[one : one + 60].mean() for one in (0, 120, 180)]
    assert found.others == pytest.approx(np.mean(others))
    assert found.low > 0
    # One group for each class of examples that fall together is one observation each, not sixty.
    few = np.arange(len(LABELS)) % 3
    assert class_gain(before, after, LABELS, NAMES, few) is None


def test_luck_names_no_class() -> None:
    """All classes gain alike: at most 5% of simulated curves name one (no more than 8% of 300, for their luck)."""
    rng = np.random.default_rng(1)
    named = 0
    for _ in range(300):
        easy = rng.normal(0, 1.5, len(LABELS))
        before, after = hits(rng, [0.6] * 4, easy), hits(rng, [0.7] * 4, easy)
        named += class_gain(before, after, LABELS, NAMES) is not None
    assert named <= 15


def test_groups_of_examples_count_once() -> None:
    """Gains that whole groups share are no evidence of as many examples: luck of groups names no class either."""
    rng, named, naive = np.random.default_rng(2), 0, 0
    groups = np.arange(len(LABELS)) // 6
    for _ in range(200):
        easy, moved = (np.repeat(rng.normal(0, 2, 40), 6) for _ in range(2))
        before, after = hits(rng, [0.6] * 4, easy), hits(rng, [0.65] * 4, easy + moved)
        named += class_gain(before, after, LABELS, NAMES, groups) is not None
        naive += class_gain(before, after, LABELS, NAMES) is not None
    assert named <= 20
    assert naive > 2 * named + 10
