"""On which test examples do two families differ, and what have those in common?

What is looked at: class, group, length, the energy of each channel (brightness and contrast of images). Whether it goes
with the difference is tested by permutation, within groups where there are any, so that a few odd groups are not taken
for a rule about examples; p-values are Holm's (1979) over all that is looked at for a pair.

S = seeds, n = test examples
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.explaining.questions import Questions
from hw3models.families import display_name

PERMUTATIONS = 2000
_AT_ONCE = 100
LEVEL = 0.05
MOST_CHANNELS = 20
"""Channels whose energy is looked at."""
MOST_OTHERS = 4
"""Families that one is set beside: the best of them."""
_FEW = 5
"""Examples of a class or a group, below which nothing is said of it."""


class Property(NamedTuple):
    """Something that is known of each example."""

    name: str
    values: NDArray[np.float64]
    """(n,): numbers, or codes of `names`."""
    names: tuple[str, ...] = ()
    """Names of classes and groups; empty for numbers."""


class Finding(NamedTuple):
    """A property with its Holm-adjusted p-value."""

    of: Property
    p_value: float


def properties_of(
    questions: Questions, class_names: tuple[str, ...], channels: tuple[str, ...], group_names: tuple[str, ...] = ()
) -> list[Property]:
    """All that can be looked at."""
    found, values = [], questions.examples.astype(np.float64)
    if questions.targets is not None:
        found.append(Property("the number", questions.targets))
    elif questions.labels is not None:
        found.append(Property("class", questions.labels.astype(np.float64), class_names))
    if questions.groups is not None:
        found.append(Property("group", questions.groups.astype(np.float64), group_names))
    if questions.is_images:
        flat = values.reshape(len(values), -1)
        found += [Property("brightness", flat.mean(axis=1)), Property("contrast", flat.std(axis=1))]
    else:
        lengths = np.isfinite(values).any(axis=2).sum(axis=1).astype(np.float64)
        found.append(Property("length", lengths))
        names = channels or tuple(f"channel {c}" for c in range(values.shape[2]))
        energies = np.nanmean(values**2, axis=1)
        found += [Property(f"energy of {names[c]}", energies[:, c]) for c in range(min(MOST_CHANNELS, len(names)))]
    return [one for one in found if len(np.unique(one.values)) > 1]


def differences(
    tables: Mapping[str, PredictionTable],
    family: str,
    properties: list[Property],
    groups: NDArray[np.int64] | None,
    most: int = MOST_OTHERS,
) -> list[str]:
    """A few sentences for each pair of `family` with the best others; tables are of the same examples."""
    right = {name: _right(table) for name, table in tables.items()}
    others = sorted((name for name in right if name != family), key=lambda name: -float(right[name].mean()))
    are_numbers = any(table.targets is not None for table in tables.values())
    return [" ".join(_told(family, other, right, properties, groups, are_numbers)) for other in others[:most]]


def _right(table: PredictionTable) -> NDArray[np.float64]:
    """(n,): the share of seeds that are right; of numbers how near they come, less their mean error in standard
    deviations of the true numbers.
    """
    if table.targets is not None:
        assert table.predicted is not None
        unit = float(table.targets.std()) or 1.0
        return np.asarray(-np.abs(table.predicted - table.targets).mean(axis=0) / unit, np.float64)
    assert table.probabilities is not None
    return np.asarray((table.probabilities.argmax(axis=2) == table.labels).mean(axis=0), np.float64)


def _told(
    family: str,
    other: str,
    right: Mapping[str, NDArray[np.float64]],
    properties: list[Property],
    groups: NDArray[np.int64] | None,
    are_numbers: bool,
) -> Iterator[str]:
    a, b = display_name(family), display_name(other)
    gap = right[family] - right[other]
    yield _nearer(a, b, gap) if are_numbers else _counted(a, b, right[family], right[other])
    found = [one for one in findings(gap, properties, groups) if one.p_value <= LEVEL]
    if found:
        yield f"What goes with it: {'; '.join(_detail(one, gap, a, are_numbers) for one in found)}."
    else:
        looked = dict.fromkeys("energy" if one.name.startswith("energy of ") else one.name for one in properties)
        yield f"Nothing that was looked at ({', '.join(looked)}) is shown to go with it."


def _counted(a: str, b: str, right_a: NDArray[np.float64], right_b: NDArray[np.float64]) -> str:
    ours, theirs = right_a > 0.5, right_b > 0.5
    gains, losses = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return (
        f"{a} and {b} differ on {gains + losses} of {len(ours):,} test examples, by most of their seeds: {a} alone is "
        f"right on {gains}, {b} alone on {losses}."
    )


def _nearer(a: str, b: str, gap: NDArray[np.float64]) -> str:
    return (
        f"{a} is nearer to the number than {b} on {int((gap > 0).sum()):,} of {len(gap):,} test examples, and {b} than "
        f"{a} on {int((gap < 0).sum()):,}, on average over their seeds."
    )


def findings(gap: NDArray[np.float64], properties: list[Property], groups: NDArray[np.int64] | None) -> list[Finding]:
    """Each property with its adjusted p, the smallest first."""
    centred = gap - gap.mean()
    # Whose example it is cannot be told by exchanging examples of the same one.
    free = [one for one in properties if groups is None or one.name == "group"]
    bound = [one for one in properties if one not in free]
    p_values = {**_p_values(centred, free, None), **_p_values(centred, bound, groups)}
    order = sorted(properties, key=lambda one: p_values[one.name])
    adjusted = np.maximum.accumulate([(len(order) - rank) * p_values[one.name] for rank, one in enumerate(order)])
    return [Finding(one, min(1.0, float(p))) for one, p in zip(order, adjusted, strict=True)]


def _p_values(
    centred: NDArray[np.float64], properties: list[Property], groups: NDArray[np.int64] | None
) -> dict[str, float]:
    """P-values by name: how often examples in another order, each within its group, go with the property as well."""
    if not properties:
        return {}
    rng, weights = np.random.default_rng(0), [_weights(one) for one in properties]
    ends = np.cumsum([0, *(one.shape[1] for one in weights)])[:-1]
    together = np.concatenate(weights, axis=1)
    rounding = 1e-12 * (centred**2).sum() * np.add.reduceat((together**2).sum(axis=0), ends)
    own = np.add.reduceat((centred @ together) ** 2, ends)
    hits = np.ones(len(properties))
    for _ in range(PERMUTATIONS // _AT_ONCE):
        orders = [rng.permutation(len(centred)) if groups is None else _within(groups, rng) for _ in range(_AT_ONCE)]
        null = np.add.reduceat((centred[np.stack(orders)] @ together) ** 2, ends, axis=1)
        hits += (null >= own - rounding).sum(axis=0)
    return {one.name: float(p) for one, p in zip(properties, hits / (1 + PERMUTATIONS), strict=True)}


def _weights(one: Property) -> NDArray[np.float64]:
    """(n, k), so that a sum of squares is the property's: ranks of a number; membership of classes and groups."""
    if not one.names:
        # Mean ranks of ties; scipy.stats has them, and takes a second of every report to import.
        _, place, num = np.unique(one.values, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(num) - (num - 1) / 2)[place]
        return np.asarray((ranks - ranks.mean())[:, None])
    codes = np.unique(one.values, return_inverse=True)[1]
    return np.asarray(np.eye(codes.max() + 1)[codes] / np.sqrt(np.bincount(codes)))


def _within(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """An order in which every place gets an example of its own group."""
    places, shuffled = np.argsort(groups, kind="stable"), np.lexsort((rng.random(len(groups)), groups))
    order = np.empty(len(groups), np.int64)
    order[places] = shuffled
    return order


def _detail(found: Finding, gap: NDArray[np.float64], a: str, are_numbers: bool) -> str:
    ahead = partial(_ahead, are_numbers=are_numbers)
    one, p = found.of, f"p {found.p_value:.3f}" if found.p_value >= 0.001 else "p < 0.001"
    if one.names:
        codes = one.values.astype(np.int64)
        means = {k: gap[codes == k].mean() for k in np.unique(codes) if (codes == k).sum() >= _FEW}
        if not means:
            return f"{one.name} ({p})"
        best, worst = max(means, key=lambda k: means[k]), min(means, key=lambda k: means[k])
        ends = f"on {one.names[best]!r} {a} is {ahead(means[best])}, on {one.names[worst]!r} {ahead(means[worst])}"
        return f"{one.name}: {ends} ({p})"
    low, high = np.quantile(one.values, (1 / 3, 2 / 3))
    least, most = float(gap[one.values <= low].mean()), float(gap[one.values >= high].mean())
    return f"{one.name}: in the lowest third {a} is {ahead(least)}, in the highest {ahead(most)} ({p})"


def _ahead(value: float, are_numbers: bool) -> str:
    if are_numbers:
        return f"{abs(value):.2f} standard deviations {'nearer' if value >= 0 else 'further off'}"
    return f"{abs(100 * value):.0f} points {'ahead' if value >= 0 else 'behind'}"
