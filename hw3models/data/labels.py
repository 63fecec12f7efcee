"""Labels that are one class in several spellings: case, spaces around them, 1 and 1.0."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hw3models.data.raw import Raw, class_codes

NO_LABELS = frozenset({"nan", "na", "n/a", "#n/a", "null", "none", "?", "nat", "<na>", "unlabelled", "unlabeled"})
"""What often stands where nobody gave a label."""


def plain(label: str) -> str:
    """What spellings of one class have in common."""
    text = " ".join(label.split()).casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return text if not np.isfinite(number) else f"{number:.15g}"


def spellings(names: Sequence[str]) -> list[list[str]]:
    """Classes that differ in their spelling only, together."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(plain(name), []).append(name)
    return [same for same in found.values() if len(same) > 1]


def merged(raw: Raw) -> Raw:
    """The same examples, with spellings of one class as one class: the most frequent spelling, or the first."""
    same = spellings(raw.class_names)
    if not same:
        return raw
    counts = dict(zip(raw.class_names, np.bincount(raw.labels, minlength=len(raw.class_names)), strict=True))
    called = {name: max(names, key=lambda one: counts[one]) for names in same for name in names}
    names, codes = class_codes([called.get(name, name) for name in raw.class_names])
    told = "; ".join(f"{', '.join(map(repr, one))} as {called[one[0]]!r}" for one in same[:6])
    more = f"; and {len(same) - 6:,} more" if len(same) > 6 else ""
    note = f"Labels were merged: {told}{more}."
    return replace(raw, class_names=names, labels=codes[raw.labels], notes=(*raw.notes, note))
