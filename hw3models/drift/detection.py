"""Are new data like those that a model was trained on?

Looks, each with a test of its own, all corrected together by Holm (1979):

- every summary of every channel, by the two-sample test of Kolmogorov and Smirnov;
- the shares of the classes (the labels' where there are labels, else those that the model says), by chi-squared;
- where the new data have labels, how often the model is right, by Fisher's exact test;
- a classifier that is to tell reference from new (Lopez-Paz and Oquab 2017): its held-out hits, by permutation.

With many examples everything differs significantly; so drift is only what is also large: see `SMALLEST`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp

from hw3models.drift.classifier import tell_apart
from hw3models.drift.summaries import summaries
from hw3models.errors import DataError
from hw3models.specs import DriftReport, DriftTest, Kind
from hw3models.stats.multiple_testing import LEVEL, holm

SMALLEST = 0.1
"""Distance of two distributions (Kolmogorov-Smirnov, or total variation of the classes) that counts as drift."""
SMALLEST_ACCURACY = 0.55
"""Accuracy of the classifier that counts as drift; one half would be guessing."""
SMALLEST_CHANGE = 0.02
"""Change of the model's accuracy that counts as drift."""
MIN_EXAMPLES = 20
_MOST = 5000
"""Examples of each side that the classifier sees."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """Reference, or new."""

    examples: NDArray[np.float32]
    """(N, T, C) with NaN after the end of a shorter series, or (N, 28, 28)."""
    classes: NDArray[np.int64] | None = None
    """(N,) labels, or what the model says: the same kind on both sides."""


def detect(
    reference: Side,
    new: Side,
    *,
    kind: Kind,
    num_classes: int,
    classes_are: str = "labels",
    hits: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
    smallest: float = SMALLEST,
    level: float = LEVEL,
    seed: int = 0,
) -> DriftReport:
    """All tests, and a verdict in a sentence. `hits` say where the model was right on its own test split, and is now.

    Raises:
        DataError: fewer than `MIN_EXAMPLES` on a side.
    """
    for name, side in (("reference", reference), ("new", new)):
        if len(side.examples) < MIN_EXAMPLES:
            raise DataError(f"the {name} data have {len(side.examples)} examples, at least {MIN_EXAMPLES} are needed.")
    ours, theirs = summaries(reference.examples, kind), summaries(new.examples, kind)
    tests = [_distance(name, ours[name], theirs[name], smallest) for name in ours]
    if reference.classes is not None and new.classes is not None:
        tests.append(_class_shares(reference.classes, new.classes, num_classes, classes_are, smallest))
    if hits is not None:
        tests.append(_accuracy(*hits))
    # As many as the smallest level takes that Holm's correction may ask for, twice over.
    permutations = max(999, math.ceil(2 * (len(tests) + 1) / level))
    old_rows, new_rows = (np.stack([*side.values()], 1) for side in (ours, theirs))
    tests.append(_classifier(old_rows, new_rows, permutations, seed))
    rejected = holm([test.p_value for test in tests], level)
    judged = tuple(
        test.model_copy(update={"drifted": is_rejected and test.is_large})
        for test, is_rejected in zip(tests, rejected, strict=True)
    )
    return DriftReport(
        num_reference=len(reference.examples),
        num_new=len(new.examples),
        level=level,
        smallest=smallest,
        tests=judged,
        drifted=any(test.drifted for test in judged),
        verdict=_verdict(judged, len(reference.examples), len(new.examples)),
    )


def _distance(name: str, ours: NDArray[np.float64], theirs: NDArray[np.float64], smallest: float) -> DriftTest:
    found = ks_2samp(ours, theirs)
    change = float(np.median(theirs) - np.median(ours))
    return DriftTest(
        what=name,
        test="Kolmogorov-Smirnov",
        effect=float(found.statistic),
        p_value=float(found.pvalue),
        is_large=bool(found.statistic >= smallest),
        detail=f"median {np.median(ours):.4g} before, {np.median(theirs):.4g} now ({change:+.4g})",
    )


def _class_shares(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], num_classes: int, classes_are: str, smallest: float
) -> DriftTest:
    counts = np.stack([np.bincount(side, minlength=num_classes) for side in (ours, theirs)])
    counts = counts[:, counts.sum(0) > 0]
    shares = counts / counts.sum(1, keepdims=True)
    p_value = float(chi2_contingency(counts, correction=False).pvalue) if counts.shape[1] > 1 else 1.0
    moved = float(np.abs(shares[1] - shares[0]).sum() / 2)
    return DriftTest(
        what=f"shares of the classes ({classes_are})",
        test="chi-squared",
        effect=moved,
        p_value=p_value,
        is_large=moved >= smallest,
        detail=f"{100 * moved:.1f}% of the examples are in other classes than before",
    )


def _accuracy(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> DriftTest:
    """Independent examples: the test split and the new data."""
    table = np.array([[int(side.sum()), int((~side).sum())] for side in (before, now)])
    drop = float(before.mean() - now.mean())
    return DriftTest(
        what="accuracy of the model",
        test="Fisher's exact",
        effect=abs(drop),
        p_value=float(fisher_exact(table).pvalue),
        is_large=abs(drop) >= SMALLEST_CHANGE,
        detail=f"{100 * before.mean():.1f}% before, {100 * now.mean():.1f}% now",
    )


def _classifier(ours: NDArray[np.float64], theirs: NDArray[np.float64], permutations: int, seed: int) -> DriftTest:
    """Tell both sides apart, with as many examples of each, so that guessing is right in one half of the cases."""
    rng = np.random.default_rng(seed)
    size = min(len(ours), len(theirs), _MOST)
    rows = [side[rng.choice(len(side), size, replace=False)] for side in (ours, theirs)]
    accuracy, p_value = tell_apart(*rows, permutations=permutations, rng=rng)
    return DriftTest(
        what="all summaries together",
        test="classifier two-sample test",
        effect=accuracy,
        p_value=p_value,
        is_large=accuracy >= SMALLEST_ACCURACY,
        detail=f"a classifier tells old from new in {100 * accuracy:.1f}% of the cases (50% is guessing)",
    )


def _verdict(tests: Sequence[DriftTest], num_reference: int, num_new: int) -> str:
    found = [test for test in tests if test.drifted]
    sizes = f"{num_new:,} new examples against {num_reference:,} of the training data"
    if not found:
        return f"No drift found: {sizes}. Small changes, and changes that no summary shows, are not excluded."
    # What the model does matters most; what the classifier sees says least about where to look.
    rank = {"Fisher's exact": 2.0, "classifier two-sample test": -2.0}
    worst = max(found, key=lambda test: rank.get(test.test, 0.0) + test.effect)
    others = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"Drift: {worst.what} ({worst.detail}){others}; {sizes}."
