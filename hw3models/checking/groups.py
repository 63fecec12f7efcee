"""Groups of examples: those that were named, and those that nobody named, though they are there.

N examples, T time steps, C channels
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hw3models.checking.findings import Finding
from hw3models.checking.sample import Sample
from hw3models.data.blocks import read
from hw3models.data.grouped import FEW_GROUPS, count_groups, num_on_both_sides
from hw3models.data.raw import Raw

_PEOPLE = ("subject", "participant", "patient", "person", "user", "rider", "driver", "speaker", "writer")
_TIMES = ("recording", "session", "trial", "run", "video", "file", "device", "sensor", "group", "fold", "id")
ID_NAMES = frozenset(_PEOPLE + _TIMES)
"""Words in the names of columns that say whose an example is, or of which recording."""
NEARER = 0.75
"""Share of neighbours that are nearer than an example at random, from which on they are worth a word."""
_PAIRS = 2000
"""Neighbouring examples that are compared."""
_VALUES = 2000
"""Numbers of an example that are compared."""


def named(raw: Raw, is_train: NDArray[np.bool_], column: str) -> Iterator[Finding]:
    """How many groups there are, of each class and on each side; whether some are on both, or few in the test."""
    if raw.groups is None:
        return
    rows = np.arange(len(raw.labels))
    sides = [len(np.unique(raw.groups[is_train])), len(np.unique(raw.groups[~is_train]))]
    of_class = [len(np.unique(raw.groups[raw.labels == k])) for k in range(len(raw.class_names))]
    counts = [f"{name!r} {num:,}" for name, num in zip(raw.class_names, of_class, strict=True)]
    more = f" and {len(counts) - 12:,} classes more" if len(counts) > 12 else ""
    yield Finding(
        severity="note",
        what=f"the examples are of {count_groups(len(np.unique(raw.groups)), column)}: {sides[0]:,} in training, "
        f"{sides[1]:,} in test; of the classes {', '.join(counts[:12])}{more}",
        do="nothing: groups, not examples, are what intervals will count",
    )
    if shared := num_on_both_sides(raw.groups, rows[is_train], rows[~is_train]):
        yield Finding(
            severity="warning",
            what=f"{shared:,} of the {sides[1]:,} test groups are in training as well, as the source splits them",
            do="keep each group on one side, or leave the split out: then whole groups are drawn",
        )
    if 0 < sides[1] < FEW_GROUPS:
        yield Finding(
            severity="warning",
            what=f"the test split has {sides[1]:,} groups, fewer than {FEW_GROUPS}",
            do="collect more groups, or expect wide intervals; `--resampling both` tests on others in turn",
        )


def likely(raw: Raw, sample: Sample) -> Iterator[Finding]:
    """Groups that nobody named: a channel that says whose a series is, or neighbours that are nearly the same."""
    if raw.groups is None:
        if raw.kind == "sequences":
            yield from _columns(raw, sample)
        yield from _neighbours(raw)


def _columns(raw: Raw, sample: Sample) -> Iterator[Finding]:
    """Constant within each series, whole numbers, and the same for several series; not the label itself."""
    for channel in range(sample.values.shape[2]):
        values = np.where(sample.valid[..., 0], sample.values[..., channel], sample.values[:, :1, channel])
        of_series = values[:, 0]
        name = raw.channels[channel] if raw.channels else f"{channel} (counting from 0)"
        is_named = bool(ID_NAMES & set(_words(name)))
        is_whole = bool((np.isfinite(of_series) & (of_series == np.floor(of_series))).all())
        if not is_whole or not (values == of_series[:, None]).all():
            continue
        distinct, codes = np.unique(of_series, return_inverse=True)
        pairs = len(np.unique(codes * len(raw.class_names) + sample.labels))
        is_label = pairs == len(distinct) == len(np.unique(sample.labels))
        if is_label or not (3 <= len(distinct) <= len(codes) / 2 or (is_named and 1 < len(distinct) < len(codes))):
            continue
        option = f"`--group-column {name}`" if raw.channels else "an array `groups` with its values"
        yield Finding(
            severity="warning",
            what=f"channel {name!r} is the same within each series and repeats over several: {len(distinct):,} values "
            f"in {len(codes):,} series. Does it say whose they are, or of which recording?",
            do=f"if so give {option}: no group is then on two sides of a split; as a channel it tells the network whom "
            "it sees",
        )


def _words(name: str) -> list[str]:
    """`Subject_ID` and `subjectId` are `subject` and `id`."""
    spaced = "".join(f" {one}" if one.isupper() else one if one.isalpha() else " " for one in name)
    return [*spaced.lower().split(), *"".join(one if one.isalpha() else " " for one in name.lower()).split()]


def _neighbours(raw: Raw) -> Iterator[Finding]:
    """Examples of a class that follow each other in the file, against others of the class."""
    start = max(0, (len(raw.labels) - _PAIRS) // 2)
    stop = min(len(raw.labels), start + _PAIRS)
    rows = read(raw.features, start, stop).reshape(stop - start, -1)
    every = -(-rows.shape[1] // _VALUES)
    values = np.nan_to_num(rows[:, ::every].astype(np.float64), posinf=0, neginf=0)
    nearer, pairs = _nearer(values, raw.labels[start:stop])
    if pairs < 50 or nearer < NEARER:
        return
    how = "tables: `--group-column`; other files: an array or a file of groups, see docs/own-data.md"
    if raw.pictures is not None:
        how = "`--group-from`, see docs/own-images.md"
    yield Finding(
        severity="warning",
        what=f"neighbours in the file are alike: in {100 * nearer:.0f}% of {pairs:,} cases the next example of the "
        "class is nearer than one at random (50% would be expected). Are they of one recording, or of one person?",
        do=f"if so say of which ({how}): no group is then on two sides of a split",
    )


def _nearer(values: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, int]:
    """How often the next example of the class is nearer than another one of it, and how many were asked."""
    spread = values.std(0)
    scaled = values / np.where(spread > 0, spread, 1)
    rng, wins = np.random.default_rng(0), list[NDArray[np.float64]]()
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 6:
            continue
        here = np.arange(len(members) - 1)
        other = (here + rng.integers(3, len(members) - 1, len(here))) % len(members)
        next_one, random_one = (
            np.square(scaled[members[here]] - scaled[members[there]]).sum(1) for there in (here + 1, other)
        )
        wins.append(np.where(next_one == random_one, 0.5, next_one < random_one))
    found = np.concatenate(wins) if wins else np.zeros(0)
    return float(found.mean()) if len(found) else 0.5, len(found)
