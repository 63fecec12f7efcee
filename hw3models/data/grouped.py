"""Groups of examples, such as all windows of one person: none of them stands on two sides of a split.

Examples of a group are alike, so that a model which has met the group in training is asked about what it knows.

G groups, K classes
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import MIN_TRAIN_PER_CLASS
from hw3models.errors import SpecError
from hw3models.stats.effective import equal_groups

FEW_GROUPS = 10
"""Test groups, under which intervals say little: each group counts as one observation."""
_TRIES = 20
_AHEAD = 8
"""Groups among which the next one is looked for."""
_STEPS = 20_000
"""Groups that are looked at in all tries together: with many groups one try is as good as twenty."""

Indices = NDArray[np.int64]


class _Draw(NamedTuple):
    """Groups that one try has drawn."""

    members: list[int]
    absent: int
    """Classes that are not drawn, though they are in several groups."""
    distance: float
    """How far the counts of the classes are from what is wanted: chi-squared."""


def first_groups(pool: Indices, labels: Indices, groups: Indices, num: int, *, rng: np.random.Generator) -> Indices:
    """The examples of the first `num` groups of `pool`, ascending, in an order that does not depend on `num`.

    The order is random but for this: of the next few groups the one comes first that brings the counts of the classes
    nearest to what they are in the pool, so that few groups have all classes where groups are of one class each.

    Raises:
        SpecError: a class has too few examples in them.
    """
    names, member = np.unique(groups[pool], return_inverse=True)
    if num >= len(names):
        return pool
    num_classes = int(labels[pool].max()) + 1
    counts = np.bincount(member * num_classes + labels[pool], minlength=len(names) * num_classes)
    counts = counts.reshape(len(names), num_classes)
    shares = counts.sum(axis=0) / counts.sum()
    ahead = rng.permutation(len(names)).tolist()
    taken, chosen = np.zeros(num_classes), list[int]()
    for _ in range(num):
        sums = taken + counts[ahead[:_AHEAD]]
        wanted = sums.sum(axis=1, keepdims=True) * shares
        away = (np.square(sums - wanted)[:, shares > 0] / np.maximum(wanted, 1e-9)[:, shares > 0]).sum(axis=1)
        chosen.append(ahead.pop(int(away.argmin())))
        taken += counts[chosen[-1]]
    if short := int((taken < np.minimum(counts.sum(axis=0), MIN_TRAIN_PER_CLASS)).sum()):
        raise SpecError(
            f"`max_train_groups` ({num}) is too small: {short} classes have fewer than {MIN_TRAIN_PER_CLASS} examples "
            "in so few groups. Take more."
        )
    return pool[np.isin(member, chosen)]


def draw_groups(
    pool: Indices,
    labels: Indices,
    groups: Indices,
    total: int,
    *,
    rng: np.random.Generator,
    leave: int = 1,
    at_least: int = 0,
    best_of: int = _TRIES,
    complete: bool = False,
) -> tuple[Indices, Indices]:
    """(rest, drawn) of `pool`, ascending: whole groups with about `total` examples, the classes shared as in the pool.

    A try takes the groups in a random order, each that brings the counts of the classes nearer to what is wanted
    (docs/decisions/0022); the best of `best_of` tries with all classes that can be had is taken. At least one group is
    drawn, `leave` groups stay, and of each class as many examples as training needs.

    Args:
        pool: indices of the examples that are divided.
        labels: (N,) of all examples.
        groups: (N,) likewise.
        total: examples that are wanted.
        rng: draws the orders.
        leave: groups that stay at least.
        at_least: more groups are drawn until there are so many examples.
        best_of: tries to choose from; with 1 draws differ most.
        complete: where no try has all classes, groups of those that are missing are added: more examples than wanted.

    Raises:
        SpecError: there are too few groups, or none may leave training.
    """
    names, member = np.unique(groups[pool], return_inverse=True)
    num_classes = int(labels[pool].max()) + 1
    counts = np.bincount(member * num_classes + labels[pool], minlength=len(names) * num_classes)
    counts = counts.reshape(len(names), num_classes)
    if len(names) <= leave:
        raise SpecError(_too_few(len(names), leave + 1))
    draws = list[_Draw]()
    for _ in range(max(1, min(_TRIES, _STEPS // len(names)))):
        draw = _try(counts, total, rng.permutation(len(names)), most=len(names) - leave, at_least=at_least)
        if draw is not None:
            draws.append(draw)
        if sum(not one.absent for one in draws) == best_of:
            break
    if not draws:
        raise SpecError(_nothing_to_draw(counts, at_least))
    if complete and all(one.absent for one in draws):
        draws = [_completed(one, counts, total, most=len(names) - leave) for one in draws]
    best = min(draws, key=lambda one: (one.absent, one.distance))
    is_drawn = np.isin(member, best.members)
    return pool[~is_drawn], pool[is_drawn]


def _try(counts: Indices, total: int, order: Indices, *, most: int, at_least: int) -> _Draw | None:
    """None where no group may leave, or too few."""
    high = _may_leave(counts)
    distance = _distance_from(counts, total)
    members, taken = list[int](), np.zeros(counts.shape[1], np.int64)
    for group in order.tolist():
        more = taken + counts[group]
        if len(members) < most and (more <= high).all() and distance(more) < distance(taken):
            members.append(group)
            taken = more
    while not members or taken.sum() < at_least:
        rest = [g for g in order.tolist() if g not in members and (taken + counts[g] <= high).all()]
        if not rest or len(members) >= most:
            return None
        members.append(min(rest, key=lambda g: distance(taken + counts[g])))
        taken = taken + counts[members[-1]]
    return _Draw(members, int(_absent(counts, taken).sum()), distance(taken))


def _may_leave(counts: Indices) -> Indices:
    """(K,) examples of each class that may be drawn: enough stay for training."""
    found: Indices = np.maximum(counts.sum(0) - MIN_TRAIN_PER_CLASS, 0)
    return found


def _distance_from(counts: Indices, total: int) -> Callable[[Indices], float]:
    all_of_class = counts.sum(0)
    wanted = all_of_class * (total / max(1, int(all_of_class.sum())))
    scale = np.maximum(wanted, 1e-9)

    def distance(taken: Indices) -> float:
        return float((np.square(taken - wanted) / scale).sum())

    return distance


def _absent(counts: Indices, taken: Indices) -> NDArray[np.bool_]:
    """(K,) classes that are not drawn, though they could be."""
    possible = ((counts > 0).sum(0) > 1) & (_may_leave(counts) > 0)
    found: NDArray[np.bool_] = possible & (taken == 0)
    return found


def _completed(draw: _Draw, counts: Indices, total: int, *, most: int) -> _Draw:
    """With a group of each class that no try has drawn, as it is in few large groups: more than was wanted."""
    distance, high, members = _distance_from(counts, total), _may_leave(counts), list(draw.members)
    taken = counts[members].sum(0)
    while len(members) < most and (absent := _absent(counts, taken)).any():
        rest = [g for g in range(len(counts)) if counts[g][absent].any() and (taken + counts[g] <= high).all()]
        if not rest:
            break
        members.append(min(rest, key=lambda g: distance(taken + counts[g])))
        taken = taken + counts[members[-1]]
    return _Draw(members, int(_absent(counts, taken).sum()), distance(taken))


def _too_few(num: int, needed: int) -> str:
    there = "1 group is" if num == 1 else f"{num} groups are"
    return (
        f"`group_column`: {there} left to divide, but {needed} are needed so that training, validation and test have "
        "groups of their own. Collect more groups, name finer ones, or leave validation out "
        "(`--validation-fraction 0`)."
    )


def _nothing_to_draw(counts: Indices, at_least: int) -> str:
    alone = int(((counts > 0).sum(0) == 1).sum())
    wanted = f"groups with {at_least:,} examples" if at_least else "a group"
    return (
        f"`group_column`: {wanted} cannot leave training without taking a class away from it ({alone} of "
        f"{counts.shape[1]} classes are in one group only; {MIN_TRAIN_PER_CLASS} examples of each class must stay). "
        "Collect more groups of each class, or name finer ones."
    )


def group_folds(labels: Indices, groups: Indices, folds: int, rng: np.random.Generator | None = None) -> Indices:
    """(N,) a fold for each example: whole groups, alike in size and classes; the same every time, but with `rng`.

    Raises:
        SpecError: there is one group only.
    """
    names, member = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise SpecError(_too_few(len(names), 2))
    num_classes = int(labels.max()) + 1
    counts = np.bincount(member * num_classes + labels, minlength=len(names) * num_classes).reshape(-1, num_classes)
    folds = min(folds, len(names))
    scale = np.maximum(counts.sum(0), 1)
    filled = np.zeros((folds, num_classes))
    fold_of = np.zeros(len(names), np.int64)
    # The largest first: small ones then even out what is left. Drawn folds take them roughly in that order.
    sizes = counts.sum(1) * (1.0 if rng is None else rng.uniform(0.5, 1.5, len(names)))
    for group in np.argsort(-sizes, kind="stable"):
        # An empty fold counts most, so that none stays empty.
        after = np.square((filled + counts[group]) / scale).sum(1) - np.square(filled / scale).sum(1)
        fold_of[group] = int(np.argmin(after))
        filled[fold_of[group]] += counts[group]
    return np.asarray(fold_of[member])


def num_on_both_sides(groups: Indices, one: Indices, other: Indices) -> int:
    """Groups that have examples in both parts."""
    return len(np.intersect1d(groups[one], groups[other]))


def count_groups(num: int, column: str) -> str:
    """`24 groups (subject)`."""
    return f"{num:,} group{'' if num == 1 else 's'} ({column})"


def group_notes(groups: Indices, parts: dict[str, Indices], column: str) -> Iterator[str]:
    """What readers of a report must know about groups in the parts of a split, which has a `test` part."""
    counts = {name: len(np.unique(groups[rows])) for name, rows in parts.items() if len(rows)}
    shared = num_on_both_sides(groups, np.concatenate([parts["train"], parts["validation"]]), parts["test"])
    of_parts = ", ".join(f"{num:,} in {name}" for name, num in counts.items())
    apart = "" if shared else ", none in two of them"
    yield f"The examples are of {count_groups(len(np.unique(groups)), column)}: {of_parts}{apart}."
    if shared:
        yield (
            f"WARNING: {shared:,} of the {counts['test']:,} test groups are in training as well, as the source splits "
            "them: scores say how well known groups are told, and promise nothing about new ones."
        )
    if counts["test"] >= FEW_GROUPS > (alike := equal_groups(groups[parts["test"]])):
        yield (
            f"WARNING: the {counts['test']:,} test groups are of so unequal sizes that they say as little as "
            f"{alike:.1f} of one size."
        )
    if counts["test"] < FEW_GROUPS:
        yield (
            f"With {counts['test']:,} test groups, fewer than {FEW_GROUPS}, little can be shown: examples of a "
            "group are alike, so groups are what is counted."
        )
