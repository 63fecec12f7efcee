"""Examples that are arrays in memory already: what the library is given.

N examples, T time steps, C channels
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw3models.data.axes import ordered
from hw3models.data.checks import raise_faults
from hw3models.data.raw import Raw, class_codes, group_codes, group_texts, label_texts, raw_sequences
from hw3models.data.readers.image_arrays import bits_in, eight_bits, how_taken
from hw3models.data.tails import without_tails
from hw3models.errors import DataError, SpecError
from hw3models.specs import Axes, Kind, Task

WHERE = "X and y"
"""How messages name them."""


def raw_from_arrays(
    examples: ArrayLike | Sequence[ArrayLike],
    labels: ArrayLike,
    *,
    kind: Kind | None = None,
    task: Task = "classification",
    axes: Axes | None = None,
    test: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    channels: Sequence[str] = (),
    name: str = "arrays",
) -> Raw:
    """Labelled examples, as a reader of files would hand them over.

    Args:
        examples: images, uint8 (N, H, W) or any numbers of four axes, as `eight_bits` takes them; or series, numbers
            (N, T, C) or (N, T), or a list of N arrays (T_i, C). Steps at the end of a series that are NaN in every
            channel are not part of it.
        labels: (N,) whole numbers or text; numbers of any kind where they are to be predicted.
        kind: what they are; None: images where they are uint8 or have four axes, else series.
        task: what a label is: a class, or a number to predict.
        axes: of series, `NTC` or `NCT` (channels before steps); None: NTC, refused where they look like NCT.
        test: (N,) True for examples to test on; None: they are drawn.
        groups: (N,) whose examples they are, whole numbers or text; None: they are independent.
        channels: names of the C channels.
        name: what reports call the data.

    Raises:
        DataError: shapes or types do not fit; all faults together.
        SpecError: no such kind or axes.
    """
    if kind not in (None, "images", "sequences"):
        raise SpecError(f"`kind` must be images or sequences, got {kind!r}.")
    if axes not in (None, "NTC", "NCT"):
        raise SpecError(f"`axes` must be NTC or NCT, got {axes!r}.")
    values = np.asarray(labels)
    faults = [] if values.ndim == 1 else [f"y has shape {values.shape}; one label for each example, (N,), is needed"]
    try:
        texts = label_texts(values, task) if values.ndim == 1 else []
    except ValueError as error:
        texts = []
        faults.append(f"y: {error}")
    pictures = None if _is_ragged(examples) else _images(np.asarray(examples), kind)
    series = [] if pictures is not None else _series(examples, axes, faults)
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
        return without_tails(raw_sequences(name, series, texts, test=held_out, channels=tuple(channels), groups=names))
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
        found_out={} if (bits := bits_in(np.asarray(examples))) is None else {"pixel_bits": bits},
        understood=tuple(filter(None, [how_taken(np.asarray(examples))])),
    )


def _is_ragged(examples: Any) -> bool:
    """A list of arrays, or an array of them: series that may differ in length."""
    if isinstance(examples, np.ndarray):
        return examples.dtype == np.object_ and examples.ndim == 1
    return isinstance(examples, (list, tuple)) and len({np.shape(one) for one in examples}) > 1


def _images(examples: NDArray[Any], kind: Kind | None) -> NDArray[np.uint8] | None:
    """The images; None where they are series."""
    shaped = examples.ndim == 4 or (examples.ndim == 3 and examples.dtype in (np.uint8, np.bool_))
    if kind == "sequences" or (kind is None and not shaped):
        return None
    if examples.ndim not in (3, 4) or examples.dtype.kind not in "buif":
        raise DataError(
            f"{WHERE}: images are (N, H, W) or (N, H, W, 3), numbers, got {examples.dtype} {examples.shape}."
        )
    pixels, fault = eight_bits(examples, "X")
    if fault:
        raise DataError(f"{WHERE}: {fault}.")
    return pixels


def in_order(examples: Any, axes: Axes | None) -> Any:
    """Series with steps before channels: an array (N, T, C) or (N, T), or N arrays (T_i, C) or (T_i,).

    Raises:
        DataError: nobody named the axes, and it looks as if channels came before steps.
    """
    if not _is_ragged(examples):
        return ordered(np.asarray(examples), axes, WHERE, "axes='{}'")
    if axes == "NCT":
        return [np.asarray(one).T for one in examples]
    shapes = [np.shape(one) for one in examples]
    if (
        axes is None
        and all(len(one) == 2 for one in shapes)
        and len({one[0] for one in shapes}) == 1 < len({one[1] for one in shapes})
    ):
        raise DataError(
            f"{WHERE}: all series have {shapes[0][0]} rows and differ in columns, so channels come before steps. "
            "Say so: `axes='NCT'`."
        )
    return examples


def _series(examples: Any, axes: Axes | None, faults: list[str]) -> list[NDArray[np.float64]]:
    """N arrays (T_i, C)."""
    found = []
    for number, one in enumerate(in_order(examples, axes)):
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
        found.append(values)
    widths = sorted({one.shape[1] for one in found})
    if len(widths) > 1:
        faults.append(f"series have {' and '.join(map(str, widths))} channels; all must have as many")
        return []
    if not found:
        faults.append("X is empty")
    return found
