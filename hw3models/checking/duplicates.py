"""The same example twice: within a split, across splits, with another label."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hw3models.checking.findings import Finding
from hw3models.data.blocks import blocks
from hw3models.data.raw import Raw


def duplicates(raw: Raw, is_train: NDArray[np.bool_]) -> Iterator[Finding]:
    """Over all examples, by a hash of each."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for start, rows in blocks(raw.features):
        for offset, row in enumerate(np.ascontiguousarray(rows)):
            groups[hashlib.blake2b(row.tobytes(), digest_size=12).digest()].append(start + offset)
    repeated = [np.array(rows) for rows in groups.values() if len(rows) > 1]
    across = [rows for rows in repeated if is_train[rows].any() and not is_train[rows].all()]
    if across:
        both = np.concatenate([rows[~is_train[rows]] for rows in across])
        yield Finding(
            severity="error",
            what=f"{len(both):,} of {(~is_train).sum():,} test examples are in the training split as well; the first "
            f"are examples {', '.join(map(str, across[0][:4]))} (counting from 0)",
            do="keep each example once: the test would ask what was learnt by heart",
        )
    said = raw.labels if raw.targets is None else raw.targets
    torn = [rows for rows in repeated if len(set(said[rows].tolist())) > 1]
    if torn:
        rows = torn[0]
        each = dict.fromkeys(said[rows].tolist())
        labels = ", ".join(repr(raw.class_names[int(k)]) if raw.targets is None else f"{k:g}" for k in each)
        yield Finding(
            severity="error",
            what=f"{len(torn):,} examples stand there with several labels; examples {', '.join(map(str, rows[:4]))} "
            f"(counting from 0) are the same and are called {labels}",
            do="find out which label is right; nothing can tell them apart",
        )
    within = sum(len(rows) - 1 for rows in repeated) - sum(len(rows) - 1 for rows in across)
    if within:
        yield Finding(
            severity="warning",
            what=f"{within:,} examples are repeated within a split",
            do="keep each once: repeated ones count more, and intervals take them for independent",
        )
