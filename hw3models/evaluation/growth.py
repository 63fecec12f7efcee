"""What a study at several sizes of the training part says about a larger one, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from hw3models.errors import SpecError
from hw3models.evaluation.wording import listed
from hw3models.specs import Answer, GrowthReport, LearningCurveReport
from hw3models.stats.learning_curve import Fit, Measurements, difference, fit, held_back, measurements, unexplained

MIN_SIZES = 3
NORMAL_95 = 1.96
"""Standard errors in half of a 95% interval."""


def growth(answers: Sequence[Answer], times: float) -> LearningCurveReport:
    """The forecast of each family's accuracy, or R2 of numbers, at `times` the data.

    `answers` are from the smallest to the whole.

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
    measured = {name: _measured(answers, name, metric) for name in names}
    fits = {name: fit(one) for name, one in measured.items()}
    families = {name: _family(measured[name], fits[name], times) for name in names}
    return LearningCurveReport(
        data=whole.data.name,
        metric=metric,
        times=times,
        sizes=tuple(int(size) for size in next(iter(measured.values())).sizes),
        families=families,
        verdict=" ".join(_verdict(families, fits, whole, times)),
    )


def _has(answer: Answer, name: str, metric: str) -> bool:
    return name in answer.evaluation and metric in answer.evaluation[name].metrics


def _measured(answers: Sequence[Answer], name: str, metric: str) -> Measurements:
    scores = [one.evaluation[name].metrics[metric] for one in answers]
    per_seed = [1 - np.array(one.per_seed) for one in scores]
    sizes = [one.data.num_train + one.data.num_validation for one in answers]
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
    families: Mapping[str, GrowthReport], fits: Mapping[str, Fit], whole: Answer, times: float
) -> Iterator[str]:
    size = times * next(iter(fits.values())).largest
    more = "twice the data" if times == 2 else f"{times:g} times the data"
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
    if whole.data.num_groups is not None:
        yield "Examples were drawn, not groups: more groups may help more than more examples of these."


def _tied(a: str, b: str, best: str, fits: Mapping[str, Fit], size: float) -> str | None:
    """The other one of a pair with the best, where their forecasts do not tell them apart."""
    if best not in (a, b):
        return None
    other = b if a == best else a
    gap = difference(fits[best], fits[other], size)
    return other if gap.low <= 0 <= gap.high else None
