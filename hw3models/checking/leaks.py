"""Does something trivial give the label away? Judged on training examples alone, by cross-validation.

A leak is information that will not be there when the model is used: how long a recording went on, what is missing, in
which order the file was written. That one channel's mean says it all may be right, or a leak: people must tell.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from hw3models.checking.findings import Finding
from hw3models.checking.sample import Sample

ALONE = 0.95
"""Balanced accuracy of one number alone that is worth a word."""
_MOST = 4000
"""Training examples that are asked."""


def leaks(sample: Sample, num_classes: int) -> Iterator[Finding]:
    """Every summary of every channel, the length, and the gaps, one at a time."""
    train = np.flatnonzero(sample.is_train)
    if len(train) > _MOST:
        train = np.sort(np.random.default_rng(0).choice(train, _MOST, replace=False))
    labels = sample.labels[train]
    if np.bincount(labels, minlength=num_classes).min() < 5:
        return  # too few for five folds
    targets = None if sample.targets is None else sample.targets[train]
    what = "balanced accuracy" if targets is None else "of the variance"
    tells = "tells the classes apart" if targets is None else "tells the number"
    found: dict[str, tuple[float, str]] = {}  # the most telling number of each channel
    for name, numbers in _numbers(sample, train):
        if len(np.unique(numbers)) < 2:
            continue
        accuracy = alone(numbers, labels, num_classes) if targets is None else explained_alone(numbers, targets)
        of = name.partition(" of ")[2]
        if accuracy >= max(ALONE, found.get(of, (0.0, ""))[0]):
            found[of] = (accuracy, name)
    for accuracy, name in sorted(found.values(), reverse=True)[:5]:
        yield Finding(
            severity="warning",
            what=f"{name} alone {tells}: {100 * accuracy:.0f}% {what}, cross-validated on {len(train):,} training "
            "examples",
            do="is it known when the model is used? if not, leave it out; if so, no network is needed",
        )


def order(sample: Sample, num_classes: int) -> Iterator[Finding]:
    """Are examples of a class together in the file? Runs of equal labels against their number by chance."""
    labels = sample.labels
    runs = int((np.diff(labels) != 0).sum()) + 1
    shares = np.bincount(labels, minlength=num_classes) / len(labels)
    expected = float(1 - np.square(shares).sum())
    if binom.cdf(runs - 1, len(labels) - 1, expected) < 1e-6:
        yield Finding(
            severity="note",
            what=f"examples of {'a class' if sample.targets is None else 'near numbers'} stand together in the file: "
            f"{runs:,} runs, {expected * len(labels):,.0f} would be expected",
            do="nothing, where splits are drawn at random (they are stratified); a split by position would be wrong",
        )


def _numbers(sample: Sample, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    values = np.where(sample.valid[rows] & np.isfinite(sample.values[rows]), sample.values[rows], np.nan)
    yield "the length of the series", sample.lengths[rows].astype(np.float64)
    yield "the number of missing values", (np.isnan(values) & sample.valid[rows]).sum((1, 2)).astype(np.float64)
    for channel in range(min(values.shape[2], 64)):
        one = values[..., channel]
        there = np.where(np.isnan(one).all(1, keepdims=True), 0.0, one)
        summaries = {
            "mean": np.nanmean(there, axis=1),
            "deviation": np.nanstd(there, axis=1),
            "smallest value": np.nanmin(there, axis=1),
            "largest value": np.nanmax(there, axis=1),
            "first value": np.nan_to_num(there[:, 0]),
        }
        for name, numbers in summaries.items():
            yield f"the {name} of {sample.channel(channel)}", numbers


def alone(numbers: NDArray[np.float64], labels: NDArray[np.int64], num_classes: int) -> float:
    """Balanced accuracy of a tree with a leaf or two for each class, five folds."""
    from sklearn.model_selection import cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=2 * num_classes, random_state=0)
    said = cross_val_predict(tree, np.nan_to_num(numbers)[:, None], labels, cv=5)
    return float(np.mean([(said[labels == k] == k).mean() for k in range(num_classes) if (labels == k).any()]))


def explained_alone(numbers: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """The share of the variance of `targets` (n,) that a small tree explains, five folds."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=30, min_samples_leaf=5, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    said = cross_val_predict(tree, np.nan_to_num(numbers)[:, None], targets, cv=folds)
    return float(1 - np.square(said - targets).sum() / max(np.square(targets - targets.mean()).sum(), 1e-300))
