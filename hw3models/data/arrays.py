"""Examples that are arrays in memory already: what the library is given.

N examples, T time steps, C channels
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw, class_codes, group_codes, group_texts, label_texts, raw_sequences
from hw3models.errors import DataError, SpecError
from hw3models.specs import Kind, Task

WHERE = "X and y"
"""How messages name them."""


def raw_from_arrays(
    examples: ArrayLike | Sequence[ArrayLike],
    labels: ArrayLike,
    *,
    kind: Kind | None = None,
    task: Task = "classification",
    test: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    channels: Sequence[str] = (),
    name: str = "arrays",
) -> Raw:
    """Labelled examples, as a reader of files would hand them over.

    Args:
        examples: images, uint8 (N, H, W) or (N, H, W, 3); or series, numbers (N, T, C) or (N, T), or a list of N
            arrays (T_i, C). Steps at the end of a series that are NaN in every channel are not part of it.
        labels: (N,) whole numbers or text; numbers of any kind where they are to be predicted.
        kind: what they are; None: images where they are uint8 of such a shape, else series.
        task: what a label is: a class, or a number to predict.
        test: (N,) True for examples to test on; None: they are drawn.
        groups: (N,) whose examples they are, whole numbers or text; None: they are independent.
        channels: names of the C channels.
        name: what reports call the data.

    Raises:
        DataError: shapes or types do not fit; all faults together.
        SpecError: no such kind.
    """
    if kind not in (None, "images", "sequences"):
        raise SpecError(f"`kind` must be images or sequences, got {kind!r}.")
    values = np.asarray(labels)
    faults = [] if values.ndim == 1 else [f"y has shape {values.shape}; one label for each example, (N,), is needed"]
    try:
        texts = label_texts(values, task) if values.ndim == 1 else []
    except ValueError as error:
        texts = []
        faults.append(f"y: {error}")
    pictures = None if _is_ragged(examples) else _images(np.asarray(examples), kind)
    series = [] if pictures is not None else _series(examples, faults)
    num = len(series) if pictures is None else len(pictures)
    if values.ndim == 1 and num != len(values):
        faults.append(f"X has {num:,} examples, but y has {len(values):,} labels")
    named, wrong = ([], []) if groups is None else group_texts(np.asarray(groups), num, "groups")
    held_out = None if test is None else np.asarray(test)
    if held_out is not None and (held_out.dtype != np.bool_ or held_out.shape != (num,)):
        faults.append(
            f"test is {held_out.dtype} {held_out.shape}; one truth value for each example, ({num},), is needed"
        )
    raise_faults(WHERE, [*faults, *wrong])
    if pictures is None:
        if channels and len(channels) != series[0].shape[1]:
            raise DataError(f"{WHERE}: {len(channels)} names for {series[0].shape[1]} channels.")
        names = named if groups is not None else None
        return raw_sequences(name, series, texts, test=held_out, channels=tuple(channels), groups=names)
    classes, codes = class_codes(texts)
    group_names, group_of = ((), None) if groups is None else group_codes(named)
    return Raw(
        name=name,
        kind="images",
        features=pictures,
        labels=codes,
        class_names=classes,
        test=held_out,
        groups=group_of,
        group_names=group_names,
    )


def _is_ragged(examples: Any) -> bool:
    """A list of arrays, or an array of them: series that may differ in length."""
    if isinstance(examples, np.ndarray):
        return examples.dtype == np.object_ and examples.ndim == 1
    return isinstance(examples, (list, tuple)) and len({np.shape(one) for one in examples}) > 1


def _images(examples: NDArray[Any], kind: Kind | None) -> NDArray[np.uint8] | None:
    """The images; None where they are series."""
    shaped = examples.ndim == 3 or (examples.ndim == 4 and examples.shape[-1] == 3)
    if kind == "sequences" or (kind is None and not (shaped and examples.dtype == np.uint8)):
        return None
    if not shaped:
        raise DataError(f"{WHERE}: images are (N, H, W) or (N, H, W, 3), got {examples.shape}.")
    if examples.dtype != np.uint8:
        whole = examples.dtype.kind in "iu" or (np.isfinite(examples).all() and (examples == np.round(examples)).all())
        if not whole or examples.min() < 0 or examples.max() > 255:
            raise DataError(
                f"{WHERE}: pixels are whole numbers in 0..255, got {examples.dtype}; multiply by 255 and round."
            )
    return np.ascontiguousarray(examples, dtype=np.uint8)


def _series(examples: Any, faults: list[str]) -> list[NDArray[np.float64]]:
    """N arrays (T_i, C), without the steps after their end."""
    found = []
    for number, one in enumerate(examples):
        try:
            values = np.asarray(one, dtype=np.float64)
        except (TypeError, ValueError):
            faults.append(f"series {number} holds what is no number")
            return []
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.size == 0:
            faults.append(f"series {number} has shape {np.shape(one)}; (steps, channels) or (steps,) is needed")
            return []
        there = np.asarray(~np.isnan(values).all(axis=1))
        found.append(values[: len(values) - int(there[::-1].argmax())] if there.any() else values)
    widths = sorted({one.shape[1] for one in found})
    if len(widths) > 1:
        faults.append(f"series have {' and '.join(map(str, widths))} channels; all must have as many")
        return []
    if not found:
        faults.append("X is empty")
    return found
