"""What a study at several sizes of the training part says about a larger one, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from hw3models.errors import SpecError
from hw3models.evaluation.class_gains import gain_of
from hw3models.evaluation.wording import listed
from hw3models.specs import Answer, ClassGainReport, GrowthReport, LearningCurveReport
from hw3models.stats.learning_curve import Fit, Measurements, difference, fit, held_back, measurements, unexplained

MIN_SIZES = 3
NORMAL_95 = 1.96
"""Standard errors in half of a 95% interval."""


def growth(answers: Sequence[Answer], times: float, *, by_groups: bool = False) -> LearningCurveReport:
    """The forecast of each family's accuracy, or R2 of numbers, at `times` the data.

    `answers` are from the smallest to the whole; with `by_groups` sizes are numbers of groups.

    Raises:
        SpecError: fewer than three sizes, or nothing that was trained at all of them.
    """
    if len(answers) < MIN_SIZES:
        raise SpecError(
            f"a learning curve needs at least {MIN_SIZES} sizes, these data are enough for {len(answers)}. "
            "Collect more first."
        )
    whole = answers[-1]
    metric = "accuracy" if whole.data.target is None else "r2"
    names = [name for name in whole.evaluation if all(_has(one, name, metric) for one in answers)]
    if not names:
        raise SpecError("no family that classifies or predicts numbers was trained at all sizes: there is no curve.")
    sizes = [_size(one, by_groups=by_groups) for one in answers]
    measured = {name: _measured(answers, sizes, name, metric) for name in names}
    fits = {name: fit(one) for name, one in measured.items()}
    families = {name: _family(measured[name], fits[name], times) for name in names}
    gains = {name: gain for name in names if (gain := gain_of(answers[-2:], name)) is not None}
    said = [_gain(name, gain, sizes[-2:], by_groups=by_groups) for name, gain in gains.items()]
    return LearningCurveReport(
        data=whole.data.name,
        metric=metric,
        times=times,
        by_groups=by_groups,
        sizes=tuple(sizes),
        families=families,
        gains=gains,
        verdict=" ".join((*_verdict(families, fits, whole, times, by_groups=by_groups), *said)),
    )


def _size(answer: Answer, *, by_groups: bool) -> int:
    data = answer.data
    return int(data.num_pool_groups or 0) if by_groups else data.num_train + data.num_validation


def _gain(name: str, gain: ClassGainReport, sizes: Sequence[int], *, by_groups: bool) -> str:
    what = "groups" if by_groups else "examples"
    return (
        f"{name}: more data of class {gain.name!r} are likely to help most: from {sizes[0]:,} to {sizes[1]:,} {what} "
        f"its recall grew by {100 * gain.gain:.0f} points [{100 * gain.low:.0f}, {100 * gain.high:.0f}], that of the "
        f"other classes by {100 * gain.others:.0f}."
    )


def _has(answer: Answer, name: str, metric: str) -> bool:
    return name in answer.evaluation and metric in answer.evaluation[name].metrics


def _measured(answers: Sequence[Answer], sizes: Sequence[int], name: str, metric: str) -> Measurements:
    scores = [one.evaluation[name].metrics[metric] for one in answers]
    per_seed = [1 - np.array(one.per_seed) for one in scores]
    data = answers[-1].data
    if metric == "r2":
        # Its own interval says what luck of the test examples there is: 1 - R2 is no share of examples.
        return unexplained(sizes, per_seed, (scores[-1].high - scores[-1].low) / (2 * NORMAL_95))
    return measurements(sizes, per_seed, data.num_test_groups or data.num_test)


def _family(measured: Measurements, curve: Fit, times: float) -> GrowthReport:
    said, back = curve.forecast(times * curve.largest), held_back(measured)
    found = float(measured.errors[-1])
    return GrowthReport(
        accuracy=tuple(1 - float(one) for one in measured.errors),
        expected=1 - said.mean,
        low=max(0.0, 1 - said.high),
        high=min(1.0, 1 - said.low),
        held_back=None if back is None else (1 - back.high, 1 - back.low),
        fits=None if back is None else back.low <= found <= back.high,
    )


def _verdict(
    families: Mapping[str, GrowthReport], fits: Mapping[str, Fit], whole: Answer, times: float, *, by_groups: bool
) -> Iterator[str]:
    size = times * next(iter(fits.values())).largest
    what = f"groups ({size:,.0f} instead of {size / times:,.0f})" if by_groups else "data"
    more = f"twice the {what}" if times == 2 else f"{times:g} times the {what}"
    for name, one in families.items():
        low, high = f"{100 * one.low:.0f}", f"{100 * one.high:.0f}"
        expected = f"about {high}%" if low == high else f"{low} to {high}%"
        now = f"{100 * one.accuracy[-1]:.0f}%"
        if whole.data.target is not None:
            expected, now = f"R2 {one.low:.2f} to {one.high:.2f}", f"{one.accuracy[-1]:.2f}"
        yield f"{name}: with {more} expect {expected} (now {now})."
    best = max(families, key=lambda name: families[name].expected)
    near = [best, *(other for a, b in combinations(families, 2) if (other := _tied(a, b, best, fits, size)))]
    if len(near) > 1:
        yield f"{listed(near)} would still be tied."
    elif len(families) > 1:
        yield f"{best} would lead."
    if gone := [name for name in (*whole.evaluation, *whole.failures) if name not in families]:
        what = "accuracy" if whole.data.target is None else "R2"
        yield f"Of {listed(gone)} nothing is said: there is no {what} of it at every size."
    if odd := [name for name, one in families.items() if one.fits is False]:
        yield f"The curve did not foretell the largest size of {listed(odd)}: take its forecast with care."
    if by_groups:
        yield "Sizes are numbers of whole groups: more examples of the same groups may help less."
    elif whole.data.num_groups is not None:
        yield "Examples were drawn, not groups: more groups may help more than more examples of these."


def _tied(a: str, b: str, best: str, fits: Mapping[str, Fit], size: float) -> str | None:
    """The other one of a pair with the best, where their forecasts do not tell them apart."""
    if best not in (a, b):
        return None
    other = b if a == best else a
    gap = difference(fits[best], fits[other], size)
    return other if gap.low <= 0 <= gap.high else None
