"""The metrics of a prediction table, per seed and with examples left out, as `hw3models.stats.intervals` needs them.

S = seeds, n = test examples, K = classes, G = groups of examples, B = bins
"""

import difflib
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import without_each_member
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.printable import few
from hw3models.specs import Estimand, Goal
from hw3models.stats.intervals import Measured, jackknife_groups, measure_mean, of_ensembles, of_median, of_searches

SMALLEST = 1e-12
"""Probabilities are raised to this before their logarithm is taken, and mean squared errors likewise."""
_FEW = 5
"""With fewer mistakes (or right answers) than this, a class says little about its own variance."""
NUM_BINS = 15
"""Bins of the calibration error, as in Guo et al. (2017)."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a metric means to people."""

    label: str
    higher_is_better: bool
    range: tuple[float, float]
    unit: Literal["%", "nats", "dB", ""]
    """Percent metrics are kept as shares in 0..1 and shown times 100; their differences are percentage points."""
    needs: Literal["probabilities", "squared_error", "probe_correct", "predicted", "error"]
    """The field of the table that it is computed from."""
    margin: float | None = None
    """Margin of practical equivalence where nobody gives one; None: by the unit, or a share of the best value."""


METRICS: dict[str, Metric] = {
    "accuracy": Metric(label="accuracy", higher_is_better=True, range=(0, 1), unit="%", needs="probabilities"),
    "balanced_accuracy": Metric(
        label="balanced accuracy", higher_is_better=True, range=(0, 1), unit="%", needs="probabilities"
    ),
    "macro_f1": Metric(label="macro F1", higher_is_better=True, range=(0, 1), unit="%", needs="probabilities"),
    "cross_entropy": Metric(
        label="cross-entropy", higher_is_better=False, range=(0, math.inf), unit="nats", needs="probabilities"
    ),
    "auroc": Metric(label="AUROC", higher_is_better=True, range=(0, 1), unit="%", needs="probabilities"),
    "brier": Metric(label="Brier score", higher_is_better=False, range=(0, 2), unit="", needs="probabilities"),
    "calibration_error": Metric(
        label="calibration error", higher_is_better=False, range=(0, 1), unit="%", needs="probabilities"
    ),
    "mse": Metric(
        label="squared error per pixel", higher_is_better=False, range=(0, math.inf), unit="", needs="squared_error"
    ),
    "squared_error": Metric(
        label="squared error per image", higher_is_better=False, range=(0, math.inf), unit="", needs="squared_error"
    ),
    "psnr": Metric(label="PSNR", higher_is_better=True, range=(-math.inf, math.inf), unit="dB", needs="squared_error"),
    "probe_accuracy": Metric(
        label="accuracy of a linear probe on the code",
        higher_is_better=True,
        range=(0, 1),
        unit="%",
        needs="probe_correct",
    ),
    "rmse": Metric(label="RMSE", higher_is_better=False, range=(0, math.inf), unit="", needs="predicted"),
    "mae": Metric(label="mean absolute error", higher_is_better=False, range=(0, math.inf), unit="", needs="predicted"),
    "r2": Metric(label="R2", higher_is_better=True, range=(-math.inf, 1), unit="", needs="predicted", margin=0.01),
    "error": Metric(label="error per example", higher_is_better=False, range=(0, math.inf), unit="", needs="error"),
}
"""Name -> meaning, in the order of tables."""
_OF_PROBABILITIES = ("cross_entropy", "auroc", "brier", "calibration_error")
"""Metrics that a named class alone says nothing about."""


def default_metric(computable: Collection[str]) -> str:
    """What families are compared, ranked and shown by where nobody says: the first metric that can be computed.

    So classifiers are compared by accuracy, autoencoders by their squared error per pixel, and numbers by RMSE.
    """
    return next((name for name in METRICS if name in computable), next(iter(METRICS)))


def counts_right_answers(name: str) -> bool:
    """Is it a share that grows with right answers, such as accuracy or AUROC, and no loss?"""
    metric = METRICS[name]
    return metric.needs == "probabilities" and metric.higher_is_better and metric.unit == "%"


def goal_for(metric: str) -> Goal:
    """What is watched on validation examples where families are compared by `metric`."""
    if metric in ("balanced_accuracy", "macro_f1"):
        return "balanced_accuracy" if metric == "balanced_accuracy" else "macro_f1"
    return "accuracy" if counts_right_answers(metric) else "loss"


def unknown_metric(name: str) -> str:
    """What is said of a metric that there is not."""
    near = difflib.get_close_matches(name, METRICS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"`metric` {name!r} is not known; known: {few(METRICS)}.{hint}"


def available(table: PredictionTable) -> tuple[str, ...]:
    """The metrics that `table` has the predictions for. AUROC needs two classes in the test split."""
    left_out = _OF_PROBABILITIES if table.hard else ()
    one_class = any(len(np.unique(labels)) < 2 for labels in np.atleast_2d(table.labels))
    return tuple(
        name
        for name, metric in METRICS.items()
        if getattr(table, metric.needs) is not None and name not in left_out and not (name == "auroc" and one_class)
    )


def measure(table: PredictionTable, name: str, estimand: Estimand = "mean") -> Measured:
    """Metric `name` of every seed, on all examples and with examples left out (none of these for resampled splits).

    `estimand`: what is asked about the seeds, their mean or their median.

    Raises:
        SpecError: no such metric, or the table has not the predictions that it needs; or the median is asked for where
            replicates are no single seeds.
    """
    if estimand == "median":
        shared = table.is_resampled or table.training_resampled
        if shared or table.search is not None or table.members is not None:
            raise SpecError(
                f"`estimand: median` is of seeds that are independent, and those of {table.family} are ensembles, of "
                "several searches, or of resampled examples. Use `estimand: mean`."
            )
        return of_median(measure(table, name))
    if name not in METRICS:
        raise SpecError(unknown_metric(name))
    if name not in available(table):
        raise SpecError(f"`metric` {name} cannot be computed for {table.family}; what can: {few(available(table))}.")
    if table.members is not None:
        whole = measure(replace(table, members=None, member_seeds=None), name)
        return of_ensembles(whole, [measure(one, name) for one in without_each_member(table)])
    if not table.is_resampled:
        found = replace(_MEASURES[name](table), bounds=METRICS[name].range)
        if table.training_resampled:
            return replace(found, is_bootstrap=True)
        return found if table.search is None else of_searches(found, table.search)
    alone = [_MEASURES[name](table.of_seed(seed)) for seed in table.seeds]
    assert table.num_train is not None
    return Measured(
        per_seed=np.concatenate([one.per_seed for one in alone]),
        left_out=np.empty((len(alone), 0)),
        num_examples=table.num_test,
        is_share=alone[0].is_share,
        floor=float(np.mean([one.floor for one in alone])),
        test_to_train=table.num_test / table.num_train,
    )


def recalls_of(table: PredictionTable, classes: Sequence[int]) -> list[Measured]:
    """The share of each class's test examples that every seed, or ensemble, finds."""
    if table.members is not None:
        wholes = recalls_of(replace(table, members=None, member_seeds=None), classes)
        without = [recalls_of(one, classes) for one in without_each_member(table)]
        return [of_ensembles(whole, [one[place] for one in without]) for place, whole in enumerate(wholes)]
    chosen, found = predictions(table), list[Measured]()  # once for all classes: there may be thousands
    for k in classes:
        of_class = table.labels == k
        groups = None if table.groups is None else table.groups[of_class]
        found.append(measure_mean((chosen[:, of_class] == k).astype(np.float64), is_share=True, groups=groups))
    return found if table.search is None else [of_searches(one, table.search) for one in found]


# ------------------------------------------------------------------------------- means over examples


def _probabilities(table: PredictionTable) -> Array:
    assert table.probabilities is not None
    return table.probabilities.astype(np.float64)


def _squared_error(table: PredictionTable) -> tuple[Array, int]:
    assert table.squared_error is not None
    assert table.num_pixels is not None
    return table.squared_error.astype(np.float64), table.num_pixels


def predictions(table: PredictionTable) -> NDArray[np.int64]:
    """The most probable class, (S, n); of equals the first."""
    assert table.probabilities is not None
    chosen: NDArray[np.int64] = table.probabilities.argmax(axis=2)
    return chosen


def _accuracy(table: PredictionTable) -> Measured:
    right = (predictions(table) == table.labels).astype(np.float64)
    return measure_mean(right, is_share=True, groups=table.groups)


def _cross_entropy(table: PredictionTable) -> Measured:
    """-ln of the true class's probability, in nats; probabilities clipped at 1e-12, so at most 27.6."""
    losses = -np.log(np.maximum(_probabilities(table), SMALLEST))
    return _mean_loss(table, losses)


def _brier(table: PredictionTable) -> Measured:
    """Squared distance to the one-hot label, summed over classes (Brier 1950): 0 to 2."""
    probabilities = _probabilities(table)
    squares = np.square(probabilities).sum(axis=2, keepdims=True)
    return _mean_loss(table, squares - 2 * probabilities + 1)


def _mean_loss(table: PredictionTable, losses_SNK: Array) -> Measured:
    """A mean loss, given what it would be were each class the true one.

    Its floor is half an example of which a class that it did not name is the true one: the loss of a mistake that this
    test split may only by luck not hold.
    """
    num_classes = losses_SNK.shape[2]
    found = measure_mean(losses_SNK[:, np.arange(len(table.labels)), table.labels], groups=table.groups)
    named = np.take_along_axis(losses_SNK, predictions(table)[:, :, None], axis=2)[:, :, 0]
    mistaken = (losses_SNK.sum(axis=2) - named) / max(num_classes - 1, 1)
    step = float(mistaken.mean() - found.value) / (found.num_independent + 1)
    return replace(found, floor=step**2 / 2)


def _mse(table: PredictionTable) -> Measured:
    error, num_pixels = _squared_error(table)
    return measure_mean(error / num_pixels, groups=table.groups)


def _error_per_image(table: PredictionTable) -> Measured:
    return measure_mean(_squared_error(table)[0], groups=table.groups)


def _psnr(table: PredictionTable) -> Measured:
    """10 log10(1 / MSE) in decibels, of the MSE over all images; an MSE of zero counts as 1e-12, 120 dB."""
    mse = _mse(table)

    def decibels(values: Array) -> Array:
        result: Array = -10 * np.log10(np.maximum(values, SMALLEST))
        return result

    return replace(mse, per_seed=decibels(mse.per_seed), left_out=decibels(mse.left_out), floor=0.0)


def _probe_accuracy(table: PredictionTable) -> Measured:
    assert table.probe_correct is not None
    return measure_mean(table.probe_correct.astype(np.float64), is_share=True, groups=table.groups)


def _error(table: PredictionTable) -> Measured:
    assert table.error is not None
    return measure_mean(table.error, groups=table.groups)


# ----------------------------------------------------------------------------- predicted numbers


def errors_of(table: PredictionTable) -> Array:
    """Predicted less true, (S, n)."""
    assert table.predicted is not None
    assert table.targets is not None
    return table.predicted.astype(np.float64) - table.targets


def _mae(table: PredictionTable) -> Measured:
    return measure_mean(np.abs(errors_of(table)), groups=table.groups)


def _rmse(table: PredictionTable) -> Measured:
    """The root of the mean squared error, in the unit of the numbers; the jackknife takes roots as well."""
    mse = measure_mean(np.square(errors_of(table)), groups=table.groups)
    return replace(mse, per_seed=np.sqrt(mse.per_seed), left_out=np.sqrt(np.maximum(mse.left_out, 0)))


def _r2(table: PredictionTable) -> Measured:
    """1 - squared error / squared distance from the mean of the test split: 0 of who always says that mean.

    Without an example the mean and the distances are those of the others. Where all test examples have the same number
    there is none, and 0 stands for it.
    """
    assert table.targets is not None
    mse = measure_mean(np.square(errors_of(table)), groups=table.groups)
    centred = table.targets - table.targets.mean()
    first = measure_mean(centred[None], groups=table.groups)
    second = measure_mean(np.square(centred)[None], groups=table.groups)
    variance = second.left_out - np.square(first.left_out)
    return replace(
        mse,
        per_seed=1 - _relative(mse.per_seed, second.per_seed),
        left_out=1 - _relative(mse.left_out, variance),
    )


def _relative(part: Array, whole: Array) -> Array:
    """part / whole, 1 where nothing varies."""
    ones = np.ones(np.broadcast_shapes(part.shape, whole.shape))
    result: Array = np.divide(part, whole, out=ones, where=whole > SMALLEST * max(1.0, float(np.max(whole, initial=0))))
    return result


# --------------------------------------------------------------- functions of sums over groups


def confusions(table: PredictionTable) -> Array:
    """Counts (S, K, K), rows true, columns predicted."""
    assert table.probabilities is not None
    num_seeds, _, num_classes = table.probabilities.shape
    cell = (np.arange(num_seeds)[:, None] * num_classes + table.labels) * num_classes + predictions(table)
    counts = np.bincount(cell.ravel(), minlength=num_seeds * num_classes**2)
    return counts.reshape(num_seeds, num_classes, num_classes).astype(np.float64)


class _Counts(NamedTuple):
    """Test examples of each class, (..., K): those that are found, all there are, and those that are named so."""

    found: Array
    true: Array
    named: Array


def _grouped_counts(table: PredictionTable) -> Array:
    """The same counts (S, G, 3, K) in each set of examples: of a thousand classes no set has a matrix."""
    assert table.probabilities is not None
    num_seeds, _, num_classes = table.probabilities.shape
    sets, chosen = jackknife_groups(table.labels, table.groups), predictions(table)
    num_sets = int(sets.max()) + 1
    begin = (np.arange(num_seeds)[:, None] * num_sets + sets) * num_classes
    size = num_seeds * num_sets * num_classes
    kinds = ((begin + table.labels)[chosen == table.labels], begin + table.labels, begin + chosen)
    counts = [np.bincount(np.ravel(one), minlength=size).reshape(num_seeds, num_sets, num_classes) for one in kinds]
    return np.stack(counts, axis=2).astype(np.float64)


def _from_sums(sums: Array, function: Callable[[Array], Array], table: PredictionTable) -> Measured:
    """`function` of sums over examples, given the sums per set of them (S, G, ...)."""
    total = sums.sum(axis=1, keepdims=True)
    return _measured(table, function(total)[:, 0], function(total - sums))


def _measured(table: PredictionTable, per_seed: Array, left_out: Array) -> Measured:
    """What was measured; the floor is half a mistake in each class of the test split, for a mean over its classes."""
    counts = np.bincount(table.labels)
    counts = counts[counts > 0]
    found = Measured(
        per_seed=per_seed,
        # Without some set the metric may not exist (its only example of a class is gone): that set says nothing.
        left_out=left_out[:, np.isfinite(left_out).all(axis=0)],
        num_examples=len(table.labels),
        num_groups=None if table.groups is None else len(np.unique(table.groups)),
    )
    alike = found.num_examples / found.num_independent
    return replace(found, floor=float(np.square(alike / (len(counts) * (counts + 1))).sum()) / 2)


def _mean_over_classes(values: Array, counts: Array) -> Array:
    """Mean over the classes (last axis) that have a count; NaN where none has."""
    present = counts > 0
    number = present.sum(axis=-1)
    total = np.where(present, values, 0.0).sum(axis=-1)
    mean: Array = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return mean


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, 0 where whole is 0."""
    zeros = np.zeros(np.broadcast_shapes(part.shape, whole.shape))
    result: Array = np.divide(part, whole, out=zeros, where=whole > 0)
    return result


def recalls(confusion: Array) -> Array:
    """(..., K, K) to (..., K)."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1))


def precisions(confusion: Array) -> Array:
    """(..., K, K) to (..., K); 0 for a class that is never predicted."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-2))


def f1_scores(confusion: Array) -> Array:
    """Harmonic mean of precision and recall, (..., K, K) to (..., K)."""
    both = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return ratio(2 * np.diagonal(confusion, axis1=-2, axis2=-1), both)


def _balanced_accuracy(table: PredictionTable) -> Measured:
    """Mean recall over the classes of the test split."""

    def mean_recall(counts: Array) -> Array:
        of = _Counts(*np.moveaxis(counts, -2, 0))
        return _mean_over_classes(ratio(of.found, of.true), of.true)

    return _with_unseen(_from_sums(_grouped_counts(table), mean_recall, table), table)


def _macro_f1(table: PredictionTable) -> Measured:
    """Mean F1 over the classes of the test split."""

    def mean_f1(counts: Array) -> Array:
        of = _Counts(*np.moveaxis(counts, -2, 0))
        return _mean_over_classes(ratio(2 * of.found, of.true + of.named), of.true)

    return _with_unseen(_from_sums(_grouped_counts(table), mean_f1, table), table)


def _with_unseen(found: Measured, table: PredictionTable) -> Measured:
    """A mean over classes, which shows no variance of a class that has ten examples and, by luck, no mistake."""
    right = predictions(table) == table.labels
    counts = np.bincount(table.labels).astype(np.float64)
    hits = np.stack([np.bincount(table.labels, row, len(counts)) for row in right]).mean(axis=0)
    present = counts > 0
    alike = found.num_examples / found.num_independent
    telling = np.minimum(hits, counts - hits)[present] / alike
    step = 1 / (present.sum() * (counts[present] / alike + 1))
    return replace(found, unseen=float(np.square(step) @ np.maximum(0.0, 1 - telling / _FEW)) / 4)


def _calibration_error(table: PredictionTable) -> Measured:
    """Expected calibration error: |confidence - accuracy| over 15 equal-width bins of the confidence, weighted by
    their examples (Guo et al. 2017, eq. 5)."""
    assert table.probabilities is not None
    confidence = table.probabilities.max(axis=2).astype(np.float64)
    gap = confidence - (predictions(table) == table.labels)
    # Bins are open below and closed above, as in Guo et al.
    bins = np.clip(np.ceil(confidence * NUM_BINS).astype(np.int64) - 1, 0, NUM_BINS - 1)
    groups = jackknife_groups(table.labels, table.groups)
    num_seeds, num_groups = len(gap), int(groups.max()) + 1
    cell = ((np.arange(num_seeds)[:, None] * num_groups + groups) * NUM_BINS + bins).ravel()
    size = num_seeds * num_groups * NUM_BINS
    sums = np.stack(
        [np.bincount(cell, gap.ravel(), size), np.bincount(cell, minlength=size).astype(np.float64)], axis=-1
    )

    def error(sums_SGB2: Array) -> Array:
        with np.errstate(invalid="ignore"):  # without the only set there is none
            result: Array = np.abs(sums_SGB2[..., 0]).sum(axis=-1) / sums_SGB2[..., 1].sum(axis=-1)
        return result

    sums = sums.reshape(num_seeds, num_groups, NUM_BINS, 2)
    bias, greatest = _bias_of_bins(sums.sum(axis=1), confidence, bins)
    return replace(_from_sums(sums, error, table), bias=bias, greatest_bias=greatest)


def _bias_of_bins(sums_SB2: Array, confidence: Array, bins: NDArray[np.int64]) -> tuple[float, float]:
    """Estimate by how much the absolute values of noisy gaps make a calibration error too large, and the most possible.

    A bin's summed gap is about normal, with the variance of its right answers. The expected absolute value of a normal
    variable is that of the folded normal distribution (Leone et al. 1961): sqrt(2 / pi) standard deviations where the
    true gap is zero, and no bias where it is large.
    """
    num = sums_SB2[..., 1]
    sure = np.stack([np.bincount(row, values, NUM_BINS) for row, values in zip(bins, confidence, strict=True)])
    right = np.clip(sure - sums_SB2[..., 0], 0, num)
    share = (right + 0.5) / (num + 1)
    deviation = np.sqrt(num * share * (1 - share))
    true = np.linspace(0, 8, 400)
    folded = np.sqrt(2 / np.pi) * np.exp(-(true**2) / 2) + true * (1 - 2 * ndtr(-true))
    seen = ratio(np.abs(sums_SB2[..., 0]), deviation)
    excess = np.where(seen < folded[-1], seen - np.interp(seen, folded, true), 0.0) * deviation
    totals = num.sum(axis=1)
    greatest = np.sqrt(2 / np.pi) * deviation.sum(axis=1) / totals
    return float((excess.sum(axis=1) / totals).mean()), float(greatest.mean())


# ------------------------------------------------------------------------------------------- AUROC


def _auroc(table: PredictionTable) -> Measured:
    """Area under the ROC curve, one class against the rest, mean over the classes of the test split (two classes:
    the second against the first).

    It is the share of (positive, negative) pairs ranked right (Mann and Whitney 1947). The pairs that go with a group
    are those with its positives, plus those with its negatives, less those that lie within it.
    """
    scores = _probabilities(table)
    classes = (1,) if scores.shape[2] == 2 else range(scores.shape[2])
    groups = jackknife_groups(table.labels, table.groups)
    full, left_out = [], []
    for c in classes:
        positive = table.labels == c
        if 0 < positive.sum() < len(positive):
            area, areas = _areas(scores[:, :, c], positive, groups)
            full.append(area)
            left_out.append(areas)
    without = np.stack(left_out, axis=-1)
    mean = _mean_over_classes(without, np.isfinite(without))
    found = _measured(table, np.mean(full, axis=0), mean)
    # A mistake ranks an example like one of the other class: half of what it counts is lost.
    return replace(found, floor=found.floor / 4)


def _areas(scores: Array, positive: NDArray[np.bool_], groups: NDArray[np.int64]) -> tuple[Array, Array]:
    """Scores (S, n) to the area (S,) and the areas without each group (S, G), NaN where it would not exist."""
    from scipy.stats import rankdata  # not above: see `intervals.py`

    num_groups = int(groups.max()) + 1
    ranks = rankdata(scores, axis=1)
    # Pairs that an example wins: its rank among all less its rank among its own kind.
    won = np.empty_like(ranks)
    won[:, positive] = ranks[:, positive] - rankdata(scores[:, positive], axis=1)
    lost_to = ranks[:, ~positive] - rankdata(scores[:, ~positive], axis=1)
    won[:, ~positive] = positive.sum() - lost_to
    total = won[:, positive].sum(axis=1)
    num_positive = np.bincount(groups[positive], minlength=num_groups)
    num_negative = np.bincount(groups[~positive], minlength=num_groups)
    # Ranks within each group: groups lie behind each other on one axis, each as long as all ranks.
    before = np.concatenate([[0], np.cumsum(np.bincount(groups, minlength=num_groups))[:-1]])
    within = rankdata(ranks + groups * (ranks.shape[1] + 1.0), axis=1) - before[groups]
    own = _sums(within[:, positive], groups[positive], num_groups) - num_positive * (num_positive + 1) / 2
    gone = _sums(won, groups, num_groups) - own
    pairs = (num_positive.sum() - num_positive) * (num_negative.sum() - num_negative)
    left_out = np.divide(
        total[:, None] - gone, pairs, out=np.full(gone.shape, np.nan), where=np.broadcast_to(pairs > 0, gone.shape)
    )
    return total / (num_positive.sum() * num_negative.sum()), left_out


def _sums(values: Array, groups: NDArray[np.int64], num_groups: int) -> Array:
    """Values (S, n) to their sums in each group (S, G)."""
    return np.stack([np.bincount(groups, weights=row, minlength=num_groups) for row in values])


_MEASURES: dict[str, Callable[[PredictionTable], Measured]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "macro_f1": _macro_f1,
    "cross_entropy": _cross_entropy,
    "auroc": _auroc,
    "brier": _brier,
    "calibration_error": _calibration_error,
    "mse": _mse,
    "squared_error": _error_per_image,
    "psnr": _psnr,
    "probe_accuracy": _probe_accuracy,
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "error": _error,
}
