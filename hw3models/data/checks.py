"""Plausibility of raw data: every fault of one input in one message."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import blocks
from hw3models.data.raw import Raw
from hw3models.data.targets import look_like_measurements
from hw3models.errors import DataError

MIN_TRAIN_PER_CLASS = 2
MIN_NUMBERS = 10
"""Training examples of regression at least."""
MAX_LISTED = 8
"""Faults listed one by one; more are counted."""


def raise_faults(where: str, faults: Sequence[str]) -> None:
    """Raise one `DataError` with all `faults` of the input `where`; nothing for an empty list."""
    if not faults:
        return
    more = f"; and {len(faults) - MAX_LISTED:,} more" if len(faults) > MAX_LISTED else ""
    said = "; ".join(fault.rstrip(".") for fault in faults[:MAX_LISTED]) + more
    raise DataError(f"{where}: {said}{'' if said.endswith('?') else '.'}")


def folded(faults: Sequence[str]) -> list[str]:
    """The first of those that differ in their numbers and in what they quote only, with how many more there are."""
    alike: dict[str, list[str]] = {}
    for fault in faults:
        alike.setdefault(re.sub(r"'[^']*'|\d+", "#", fault), []).append(fault)
    return [
        same[0] if len(same) == 1 else f"{same[0].rstrip('.')} (and {len(same) - 1:,} more faults like it)"
        for same in alike.values()
    ]


def suggestion(word: str, known: Sequence[str]) -> str:
    """` Did you mean 'x'?`, or nothing where no known word is close."""
    lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(lower), n=1)
    return f" Did you mean {lower[close[0]]!r}?" if close else ""


FILL_THEM = "`--missing interpolate` fills gaps"


def check(raw: Raw, where: str, *, fill: bool = False) -> None:
    """Refuse data that no classifier can be trained and tested on. Missing values that will be filled are none.

    Raises:
        DataError: all faults together: too few classes, steps or examples of a class, classes that only the
            test split has, values that are not finite.
    """
    raise_faults(where, [*_shape_faults(raw), *_finite_faults(raw, fill=fill), *_label_faults(raw)])


def not_finite_fault(values: NDArray[Any], axes: Sequence[str], *, fill: bool = False) -> str | None:
    """Count and first place of NaN or infinite numbers in `values`; places count from 0, one name per axis.

    NaNs that will be filled are none.
    """
    count, first = 0, None
    for start, rows in blocks(values):
        bad = np.isinf(rows) if fill else ~np.isfinite(rows)
        if first is None and bad.any():
            where = np.unravel_index(int(bad.argmax()), bad.shape)
            first, value = (start + int(where[0]), *map(int, where[1:])), rows[where]
        count += int(bad.sum())
    if first is None:
        return None
    place = ", ".join(f"{axis} {index}" for axis, index in zip(axes, first, strict=True))
    return (
        f"{count:,} of {values.size:,} values are missing (NaN) or infinite, the first is "
        f"{value} at {place} (counting from 0); {FILL_THEM}, or leave these series out"
    )


def _shape_faults(raw: Raw) -> list[str]:
    if raw.kind == "images":
        return _picture_faults(raw.features)
    faults = []
    if raw.features.shape[2] == 0:
        faults.append("the series have no features")
    lengths = raw.lengths if raw.lengths is not None else np.full(len(raw.features), raw.features.shape[1])
    short = np.flatnonzero(lengths < 2)
    if len(short):
        faults.append(
            f"{len(short):,} series have fewer than 2 time steps, the first is series {short[0]} (counting from 0) "
            f"with {lengths[short[0]]}; leave them out"
        )
    return faults


def _picture_faults(images: NDArray[Any]) -> list[str]:
    shape = images.shape[1:]
    if images.dtype != np.uint8 or len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or min(shape) < 1:
        return [
            f"images are {images.dtype} {images.shape}; uint8 (images, height, width) or (images, height, width, 3) "
            "is needed"
        ]
    return []


def _finite_faults(raw: Raw, *, fill: bool) -> list[str]:
    if raw.kind != "sequences":
        return []
    fault = not_finite_fault(raw.features, ("series", "step", "channel"), fill=fill)
    return [f"{fault} (a number beyond 3.4e38 counts as infinite)"] if fault else []


def _halved(name: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in name)


def _label_faults(raw: Raw) -> list[str]:
    """Faults of numbers to predict, or of classes; many classes that look like numbers are one fault."""
    if raw.targets is not None:
        return _target_faults(raw, raw.targets)
    faults = _class_faults(raw)
    if len(faults) > MAX_LISTED and (found := look_like_measurements(raw.class_names)):
        return [
            f"labels are {found}; as classes, most have too few examples ({faults[0]}). To predict the number, use "
            "`--task regression`"
        ]
    return faults


def _target_faults(raw: Raw, targets: NDArray[np.float64]) -> list[str]:
    held_out = np.zeros(len(targets), bool)
    for part in (raw.test, raw.validation):
        held_out |= False if part is None else part
    own = targets[~held_out]
    if raw.test is not None and not raw.test.any():
        return ["the test split is empty"]
    if len(own) < MIN_NUMBERS:
        return [f"there are {len(own)} training examples, and {MIN_NUMBERS} are needed to predict a number"]
    if own.min() == own.max():
        return [f"all training examples have the label {own[0]:g}: there is nothing to predict"]
    return []


def _class_faults(raw: Raw) -> list[str]:
    names = raw.class_names
    faults = [] if all(name.strip() for name in names) else ["some labels are empty; give every series a class"]
    faults += [
        f"class {name!r} holds half of a character (a lone surrogate); write it anew" for name in names if _halved(name)
    ]
    if len(names) < 2:
        return [*faults, f"only one class ({names[0]!r}) was found, but a classifier needs at least 2"]
    counts = np.bincount(raw.labels, minlength=len(names))
    if raw.test is None and raw.validation is not None:
        counts = np.bincount(raw.labels[~raw.validation], minlength=len(names))
    if raw.test is None:
        # Two for train and one for test.
        return faults + [
            f"class {names[k]!r} has only {counts[k]} of the {MIN_TRAIN_PER_CLASS + 1} examples needed "
            f"({MIN_TRAIN_PER_CLASS} for train, 1 for test)"
            for k in np.flatnonzero(counts < MIN_TRAIN_PER_CLASS + 1)
        ]
    is_train = ~raw.test if raw.validation is None else ~raw.test & ~raw.validation
    train = np.bincount(raw.labels[is_train], minlength=len(names))
    if train.sum() == 0 or not raw.test.any():
        return [*faults, f"the {'train' if train.sum() == 0 else 'test'} split is empty"]
    for k in np.flatnonzero(train < MIN_TRAIN_PER_CLASS):
        if train[k] == 0:
            where = "the test split" if raw.validation is None else "the validation or test split"
            faults.append(f"class {names[k]!r} is in {where} ({counts[k]} examples) but not in train")
        else:
            faults.append(f"class {names[k]!r} has {train[k]} training example, {MIN_TRAIN_PER_CLASS} are needed")
    return faults
