"""Are new data like those that a model was trained on?

What is compared, each with a test of its own, all corrected together by Holm (1979):

- every summary of every channel, by the two-sample test of Kolmogorov and Smirnov;
- the shares of the classes (the labels' where there are labels, else those that the model says), by chi-squared and
  permutation;
- of a model that predicts numbers those instead, by Kolmogorov and Smirnov;
- where the new data have labels, how often the model is right, by Fisher's exact test; of numbers how far it is off;
- a classifier that is to tell reference from new (Lopez-Paz and Oquab 2017): its held-out hits, by permutation.

Where both sides say of which group each example is (a person, a recording), all of these are computed of groups that
count the same, and judged by permuting the sides of whole groups: new people are not drift.

With many examples everything differs significantly; so drift is only what is also large: see `SMALLEST`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact, ks_2samp

from hw3models.drift.classifier import tell_apart
from hw3models.drift.permuting import ENOUGH_CLOSER, p_value
from hw3models.drift.summaries import summaries
from hw3models.drift.units import Grouped, Permuting, Units, smallest_p_value
from hw3models.errors import DataError
from hw3models.specs import DriftReport, DriftTest, Kind
from hw3models.stats.multiple_testing import LEVEL, holm

SMALLEST = 0.1
"""Distance of two distributions (Kolmogorov-Smirnov, or total variation of the classes) that counts as drift."""
SMALLEST_ACCURACY = 0.55
"""Accuracy of the classifier that counts as drift; one half would be guessing."""
SMALLEST_CHANGE = 0.02
"""Change of the model's accuracy that counts as drift."""
NUMBERS = "the numbers"
ERRORS = "absolute error of the model"
"""What is compared of a model that predicts numbers."""
MIN_EXAMPLES = 20
_MOVED = "{:.1f}% of the examples are in other classes than before"
_MOST = 5000
"""Examples of each side that the classifier sees, at most; and of both sides, times permutations:"""
_MOST_WORK = 2_000_000_000
_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True)
class Side:
    """Reference, or new."""

    examples: NDArray[np.float32]
    """(N, T, C) with NaN after the end of a shorter series, or images (N, H, W) or (N, H, W, 3)."""
    classes: NDArray[np.int64] | None = None
    """(n,) labels, or what the model says: the same kind on both sides; of these examples, or of others."""
    numbers: NDArray[np.float64] | None = None
    """(n,) likewise, where numbers are predicted."""
    groups: NDArray[np.int64] | None = None
    """(N,) whose example it is, in one numbering for both sides; None where nobody said."""
    class_groups: NDArray[np.int64] | None = None
    """(n,) of those that `classes` or `numbers` are of; None: the same as `groups`."""


def detect(
    reference: Side,
    new: Side,
    *,
    kind: Kind,
    num_classes: int,
    classes_are: str = "labels",
    hits: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
    errors: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    hit_groups: Grouped | None = None,
    smallest: float = SMALLEST,
    level: float = LEVEL,
    seed: int = 0,
) -> DriftReport:
    """All tests, and a verdict in a sentence. `hits` say where the model was right on its own test split, and is now;
    `errors` how far it was off (n,), and is. `hit_groups` are of these examples.

    Raises:
        DataError: fewer than `MIN_EXAMPLES` on a side, or so few groups that no test could find anything.
    """
    for name, side in (("reference", reference), ("new", new)):
        if len(side.examples) < MIN_EXAMPLES:
            raise DataError(f"the {name} data have {len(side.examples)} examples, at least {MIN_EXAMPLES} are needed.")
    ours, theirs = summaries(reference.examples, kind), summaries(new.examples, kind)
    groups = _groups(reference, new)
    has_classes = reference.classes is not None and new.classes is not None
    has_numbers = reference.numbers is not None and new.numbers is not None
    num_tests = len(ours) + has_classes + has_numbers + (hits is not None) + (errors is not None) + 1
    # As many as the smallest level takes that Holm's correction may ask for, twice over.
    permutations = max(999, math.ceil(2 * num_tests / level))
    compared = _Compared(permutations, np.random.default_rng([seed, 1]), smallest)
    if groups is not None:
        _check_enough(Units.of_groups(groups).counts, level, num_tests)
    tests = [*compared.distances(ours, theirs, groups)]
    if reference.classes is not None and new.classes is not None:
        of_classes = _groups(reference, new, of_classes=True)
        tests.append(compared.class_shares((reference.classes, new.classes), num_classes, classes_are, of_classes))
    if reference.numbers is not None and new.numbers is not None:
        what = f"{NUMBERS} ({classes_are})"
        of_numbers = _groups(reference, new, of_classes=True)
        tests += compared.distances({what: reference.numbers}, {what: new.numbers}, of_numbers)
    if errors is not None:
        tests += compared.distances({ERRORS: errors[0]}, {ERRORS: errors[1]}, hit_groups)
    if hits is not None:
        tests.append(compared.accuracy(hits, hit_groups))
    old_rows, new_rows = (np.stack([*side.values()], 1) for side in (ours, theirs))
    tests.append(_classifier(old_rows, new_rows, permutations, seed, groups))
    rejected = holm([test.p_value for test in tests], level)
    judged = tuple(
        test.model_copy(update={"drifted": is_rejected and test.is_large})
        for test, is_rejected in zip(tests, rejected, strict=True)
    )
    return DriftReport(
        num_reference=len(reference.examples),
        num_new=len(new.examples),
        num_groups=None if groups is None else Units.of_groups(groups).counts,
        level=level,
        smallest=smallest,
        tests=judged,
        drifted=any(test.drifted for test in judged),
        verdict=_verdict(judged, _sizes(len(reference.examples), len(new.examples), groups)),
    )


def _groups(reference: Side, new: Side, *, of_classes: bool = False) -> Grouped | None:
    """Groups of the examples on both sides, or of those whose classes are known."""
    ours, theirs = reference.groups, new.groups
    if ours is None or theirs is None:
        if ours is not None or theirs is not None:
            raise DataError("only one side says of which groups its examples are. Name them for both, or for neither.")
        return None
    if not of_classes:
        return ours, theirs
    of_ours = ours if reference.class_groups is None else reference.class_groups
    return of_ours, theirs if new.class_groups is None else new.class_groups


def _check_enough(counts: tuple[int, int], level: float, num_tests: int) -> None:
    if smallest_p_value(counts) > level / num_tests:
        raise DataError(
            f"there are {counts[0]:,} groups of the training data and {counts[1]:,} of the new ones, and so few cannot "
            f"show drift at a level of {100 * level:.2g}%, however different they are: groups are what is compared. "
            "Collect new data of more groups, or train again: looks at a new version begin with a larger level."
        )


class _Compared(NamedTuple):
    """How single numbers are compared: by examples, or by groups where they are known."""

    permutations: int
    rng: np.random.Generator
    smallest: float

    def _permuting(self, groups: Grouped) -> Permuting:
        return Permuting(Units.of_groups(groups), self.permutations, self.rng)

    def distances(
        self, ours: dict[str, NDArray[np.float64]], theirs: dict[str, NDArray[np.float64]], groups: Grouped | None
    ) -> Iterator[DriftTest]:
        """Compare every summary."""
        if groups is None:
            yield from (_distance(name, ours[name], theirs[name], self.smallest) for name in ours)
            return
        permuting = self._permuting(groups)
        for name in ours:
            found = _distance(name, ours[name], theirs[name], self.smallest)
            effect, p = permuting.distance(np.concatenate([ours[name], theirs[name]]))
            yield _by_groups(found, effect, p, is_large=effect >= self.smallest)

    def class_shares(self, classes: Grouped, num_classes: int, classes_are: str, groups: Grouped | None) -> DriftTest:
        """Compare how often each class comes."""
        found = self._class_shares(*classes, num_classes, classes_are)
        if groups is None:
            return found
        effect, p = self._permuting(groups).shares(np.concatenate(classes), num_classes)
        judged = _by_groups(found, effect, p, is_large=effect >= self.smallest)
        return judged.model_copy(update={"detail": _MOVED.format(100 * effect)})

    def _class_shares(
        self, ours: NDArray[np.int64], theirs: NDArray[np.int64], num_classes: int, classes_are: str
    ) -> DriftTest:
        counts = np.stack([np.bincount(side, minlength=num_classes) for side in (ours, theirs)])
        counts = counts[:, counts.sum(0) > 0]
        moved = float(np.abs(counts[1] / len(theirs) - counts[0] / len(ours)).sum() / 2)
        return DriftTest(
            what=f"shares of the classes ({classes_are})",
            test="chi-squared",
            effect=moved,
            p_value=self._chi_squared(counts),
            is_large=moved >= self.smallest,
            detail=_MOVED.format(100 * moved),
        )

    def _chi_squared(self, counts: NDArray[np.int64]) -> float:
        """P-value of counts (2, K) by permutation: far out its distribution is not that of chi-squared."""
        totals, num_new = counts.sum(0), int(counts[1].sum())
        expected = totals * (num_new / totals.sum())

        def statistic(new: NDArray[np.int64]) -> NDArray[np.float64]:
            # Of both rows it is this, times what is the same for all tables.
            return np.asarray((np.square(new - expected) / expected).sum(-1))

        def reaches(num: int) -> NDArray[np.bool_]:
            drawn = self.rng.multivariate_hypergeometric(totals, num_new, num, method="marginals")
            return np.asarray(statistic(drawn) >= statistic(counts[1]) - ENOUGH_CLOSER)

        return p_value(reaches, self.permutations, _AT_ONCE)

    def accuracy(self, hits: tuple[NDArray[np.bool_], NDArray[np.bool_]], groups: Grouped | None) -> DriftTest:
        """Compare how often the model is right."""
        found = _accuracy(*hits)
        if groups is None:
            return found
        effect, p = self._permuting(groups).change(np.concatenate(hits))
        return _by_groups(found, effect, p, is_large=effect >= SMALLEST_CHANGE)


def _by_groups(found: DriftTest, effect: float, p: float, *, is_large: bool) -> DriftTest:
    """The same comparison, judged by groups."""
    test = f"{found.test}, groups permuted"
    return found.model_copy(update={"test": test, "effect": effect, "p_value": p, "is_large": is_large})


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


def _classifier(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], permutations: int, seed: int, groups: Grouped | None
) -> DriftTest:
    """Tell both sides apart, with as many examples (or groups) of each: guessing is right in one half of the cases."""
    rng = np.random.default_rng(seed)
    # Late looks take many permutations, so fewer examples.
    most = max(MIN_EXAMPLES, min(_MOST, _MOST_WORK // (2 * permutations)))
    if groups is None:
        size = min(len(ours), len(theirs), most)
        rows = [rng.choice(len(side), size, replace=False) for side in (ours, theirs)]
        units = None
    else:
        rows = _as_many_groups(groups, most, rng)
        units = Units.of_groups((groups[0][rows[0]], groups[1][rows[1]]))
    chosen = (ours[rows[0]], theirs[rows[1]])
    accuracy, p = tell_apart(*chosen, permutations=permutations, rng=rng, units=units)
    return DriftTest(
        what="all summaries together",
        test="classifier two-sample test" + ("" if groups is None else ", groups permuted"),
        effect=accuracy,
        p_value=p,
        is_large=accuracy >= SMALLEST_ACCURACY,
        detail=f"a classifier tells old from new in {100 * accuracy:.1f}% of the cases (50% is guessing)",
    )


def _as_many_groups(groups: Grouped, most: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Rows of each side: of as many groups on both, and no more than `most` examples."""
    there = [np.unique(side) for side in groups]
    num = min(len(there[0]), len(there[1]), most)
    rows = []
    for side, names in zip(groups, there, strict=True):
        mixed = rng.permutation(np.flatnonzero(np.isin(side, rng.choice(names, num, replace=False))))
        # Some of each group: the examples in a random order, each with its place within its group.
        by_group = np.argsort(side[mixed], kind="stable")
        place = np.empty(len(mixed), np.int64)
        sizes = np.unique(side[mixed], return_counts=True)[1]
        place[by_group] = np.concatenate([np.arange(size) for size in sizes])
        rows.append(mixed[place < max(1, most // num)])
    return rows


def _sizes(num_reference: int, num_new: int, groups: Grouped | None) -> str:
    if groups is None:
        return f"{num_new:,} new examples against {num_reference:,} of the training data"
    ours, theirs = Units.of_groups(groups).counts
    old = f"{num_reference:,} of {ours:,} groups of the training data"
    return f"{num_new:,} new examples of {theirs:,} groups against {old}"


def _verdict(tests: Sequence[DriftTest], sizes: str) -> str:
    found = [test for test in tests if test.drifted]
    if not found:
        return f"No drift found: {sizes}. Small changes, and changes that no summary shows, are not excluded."
    # What the model does matters most; what the classifier sees says least about where to look.
    rank = {"Fisher's exact": 2.0, "classifier two-sample test": -2.0}
    worst = max(found, key=lambda test: rank.get(test.test.split(", ")[0], 2.0 * (test.what == ERRORS)) + test.effect)
    others = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"Drift: {worst.what} ({worst.detail}){others}; {sizes}."
