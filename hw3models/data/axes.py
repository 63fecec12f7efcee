"""Which axis of an array of series is time? Steps follow each other smoothly, channels need not.

N series, T time steps, C channels
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.specs import Axes

_LOOKED_AT = 500
CLEAR = 0.3
"""The amount by which neighbours along one axis must be more alike (correlation) than along the other."""


def alike(values: NDArray[Any], axis: int) -> float:
    """Correlation of neighbours along an axis of (n, A, B), each line about its own mean."""
    numbers = np.nan_to_num(values[:_LOOKED_AT].astype(np.float64), posinf=0, neginf=0)
    centred = np.moveaxis(numbers - numbers.mean(axis=axis, keepdims=True), axis, -1)
    power = float(np.square(centred).sum())
    return 0.0 if power == 0 else float((centred[..., 1:] * centred[..., :-1]).sum() / power)


def ordered(values: NDArray[Any], axes: Axes | None, where: str, option: str = "--axes {}") -> NDArray[Any]:
    """(N, T, C) of an array whose axes are named; a view where they are NCT. `option` is how a user names them.

    Raises:
        DataError: nobody named them, and it looks as if channels came before steps.
    """
    if values.ndim != 3 or 0 in values.shape or axes == "NTC":
        return values
    if axes == "NCT":
        return values.transpose(0, 2, 1)
    first, second = values.shape[1:]
    if first < second and _are_channels_first(values, first, second):
        raise DataError(
            f"{where}: X {values.shape} would be {first} steps of {second} channels, but looks like {first} channels "
            f"of {second} steps. Say which: `{option.format('NCT')}` (series, channels, steps) or "
            f"`{option.format('NTC')}` (series, steps, channels)."
        )
    return values


def series_of(cells: Sequence[NDArray[Any]], axes: Axes | None, where: str) -> list[NDArray[Any]]:
    """(T_i, C) of arrays with two axes each, in the order that is named, or that their sizes tell.

    Raises:
        DataError: they have several numbers of channels, or nobody named the axes where they are asked for.
    """
    shapes = {cell.shape for cell in cells}
    if len(shapes) == 1:
        return list(ordered(np.stack(cells), axes, where))
    firsts, seconds = ({shape[axis] for shape in shapes} for axis in (0, 1))
    if axes == "NCT" or (axes is None and len(firsts) == 1):
        cells, seconds = [cell.T for cell in cells], firsts
    if len(seconds) > 1:
        raise DataError(
            f"{where}: the series have {', '.join(map(str, sorted(seconds)[:8]))} channels; all need as many."
        )
    return list(cells)


def found_order(shapes: Sequence[tuple[int, ...]], series: Sequence[NDArray[Any]]) -> dict[str, str]:
    """`{"axes": "NCT"}` of arrays with these shapes that became series (T, C): empty where nothing tells the order."""
    deep = [(shape, one.shape) for shape, one in zip(shapes, series, strict=True) if len(shape) == 2 and 1 not in shape]
    found = {"NTC" if shape == own else "NCT" for shape, own in deep if shape[0] != shape[1]}
    return {"axes": found.pop()} if len(found) == 1 else {}


def _are_channels_first(values: NDArray[Any], first: int, second: int) -> bool:
    """A few long series; or neighbours are alike along the last axis, and not along the one before."""
    if second < 16:
        return False
    if first <= 16 and second >= 4 * first:
        return first == 1 or alike(values, 2) >= alike(values, 1) - CLEAR
    return alike(values, 2) > max(0.5, alike(values, 1) + CLEAR)
