"""ROCKET's and MiniROCKET's kernels as plain arrays: taken from a fitted transformer, checked, and put back.

n = examples, C = channels, T = time steps
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hw3models.runtime.cores import free_threads
from hw3models.runtime.devices import num_threads

Kind = Literal["rocket", "minirocket"]
PER_DILATION = 84
"""MiniROCKET's kernels."""
SHORTEST = 9
"""Steps of MiniROCKET's kernels: shorter series are padded."""


def transformer(kind: Kind, seed: int, num_kernels: int, *, normalise: bool = True) -> Any:
    """A fresh one of aeon's. ROCKET standardises each series where it is to `normalise`; MiniROCKET never does, and has
    its own number of kernels."""
    from aeon.transformations.collection.convolution_based import MiniRocket, Rocket

    if kind == "minirocket":
        return MiniRocket(random_state=seed)
    threads = free_threads(num_threads())
    return Rocket(n_kernels=num_kernels, normalise=normalise, random_state=seed, n_jobs=threads)


def arrays_of(kind: Kind, fitted: Any) -> tuple[NDArray[Any], ...]:
    """The kernels that fitting has drawn."""
    return tuple(np.asarray(array) for array in (fitted.kernels if kind == "rocket" else fitted.parameters))


def with_kernels(kind: Kind, arrays: Sequence[NDArray[Any]], shape: tuple[int, int], *, normalise: bool = True) -> Any:
    """A transformer for series (C, T) that has these kernels.

    Raises:
        ValueError: they are no kernels for such series; numba would read past the end of an array.
    """
    (check_rocket if kind == "rocket" else check_minirocket)(arrays, shape)
    made = transformer(kind, 0, len(arrays[1]), normalise=normalise)
    # Fitted to nothing, so that it is whole, with as many threads as there are here.
    made.fit(np.zeros((1, *shape), np.float32))
    if kind == "rocket":
        made.kernels = tuple(arrays)
    else:
        made.parameters = tuple(arrays)
    return made


def check_rocket(arrays: Sequence[Any], shape: tuple[int, int]) -> None:
    """See `with_kernels`."""
    floats, ints = np.dtype(np.float32), np.dtype(np.int32)
    _check_types(arrays, (floats, ints, floats, ints, ints, ints, ints), "ROCKET")
    weights, lengths, biases, dilations, paddings, num_channels, channels = arrays
    num = {len(one) for one in (lengths, biases, dilations, paddings, num_channels)}
    if len(num) != 1 or min(num) == 0:
        raise ValueError("ROCKET's arrays are of different numbers of kernels")
    sizes = (lengths.astype(np.int64), dilations.astype(np.int64), num_channels.astype(np.int64))
    if any(int(one.min()) < 1 or int(one.max()) > 2**20 for one in sizes):
        raise ValueError("ROCKET's kernels have lengths, dilations or numbers of channels that cannot be")
    reach = (sizes[0] - 1) * sizes[1]
    if (paddings < 0).any() or (2 * paddings.astype(np.int64) > reach).any() or (reach > max(shape[1], SHORTEST)).any():
        raise ValueError(f"ROCKET's kernels are wider than series of {shape[1]} steps")
    if (sizes[0] * sizes[2]).sum() != len(weights) or sizes[2].sum() != len(channels):
        raise ValueError("ROCKET's kernels do not have as many weights or channels as they name")
    _check_channels(channels, shape[0], "ROCKET")


def check_minirocket(arrays: Sequence[Any], shape: tuple[int, int]) -> None:
    """See `with_kernels`."""
    ints, floats = np.dtype(np.int32), np.dtype(np.float32)
    _check_types(arrays, (ints, ints, ints, ints, floats), "MiniROCKET")
    num_channels, channels, dilations, num_features, biases = arrays
    combinations = len(num_channels)
    if len(dilations) != len(num_features) or combinations != PER_DILATION * len(dilations) or not len(dilations):
        raise ValueError("MiniROCKET's arrays are of different numbers of kernels")
    if (num_channels < 1).any() or (num_features < 0).any():
        raise ValueError("MiniROCKET's kernels have numbers of channels or features that cannot be")
    if (dilations < 1).any() or (8 * dilations.astype(np.int64) >= max(shape[1], SHORTEST)).any():
        raise ValueError(f"MiniROCKET's kernels are wider than series of {shape[1]} steps")
    if num_channels.astype(np.int64).sum() != len(channels):
        raise ValueError("MiniROCKET's kernels do not have as many channels as they name")
    if PER_DILATION * num_features.astype(np.int64).sum() != len(biases):
        raise ValueError("MiniROCKET's kernels do not have as many biases as features")
    _check_channels(channels, shape[0], "MiniROCKET")


def _check_types(arrays: Sequence[Any], wanted: Sequence[np.dtype[Any]], name: str) -> None:
    found = [getattr(one, "dtype", type(one).__name__) for one in arrays]
    if found != list(wanted) or any(one.ndim != 1 for one in arrays):
        raise ValueError(f"{name}'s kernels are not the {len(wanted)} arrays that they should be")
    if any(not np.isfinite(one).all() for one in arrays):
        raise ValueError(f"{name}'s kernels are not finite")


def _check_channels(channels: NDArray[np.int32], num: int, name: str) -> None:
    if len(channels) and (channels.min() < 0 or channels.max() >= num):
        raise ValueError(f"{name}'s kernels look at channels that series of {num} do not have")
