"""Synthetic series with a number to predict, whose least possible error is about known: `regime:burst`.

T = 50 steps, C = 2 channels
"""

import numpy as np

from hw3models.data.known.synthetic import DECIMALS, PREFIX
from hw3models.data.raw import Raw, class_codes
from hw3models.data.source import Source, made
from hw3models.specs import DataSpec

NAME = f"{PREFIX}burst"
VERSION = 1
"""Part of the source's digest. Raise it when a spec would give other series."""
STEPS, CHANNELS, LENGTH, NOISE = 50, 2, 9, 0.5
LOWEST, HIGHEST = 1.0, 5.0
LABEL_DECIMALS = 3
_STREAM = 100
"""Other than those of the regimes of classes."""


def burst_shape() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(9,): half a sine."""
    return np.asarray(np.sin(np.pi * (np.arange(LENGTH) + 0.5) / LENGTH))


def best_rmse(difficulty: float = 1.0) -> float:
    """The error of least squares for a burst whose place is known, s d / |w|. Who knows that heights end at 1 and 5 is
    better by a percent; who must find the place is worse."""
    return float(NOISE * difficulty / np.linalg.norm(burst_shape()))


def make_burst(spec: DataSpec) -> Raw:
    """The height of a burst at a random place: x = e + (y / d) w(t - p) in channel 0, and noise in channel 1.

    y is uniform in 1 to 5 (to three decimals), p a random place, w half a sine of 9 steps, e white noise of standard
    deviation 0.5, and d the difficulty. `num_train` series for train, then `num_test` for test, from independent
    streams of the seed; a spec gives the same series on every machine.
    """
    parts, heights = [], []
    for stream, size in enumerate((spec.num_train, spec.num_test)):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([spec.seed, _STREAM, stream])))
        height = np.round(rng.uniform(LOWEST, HIGHEST, size), LABEL_DECIMALS)
        series = NOISE * rng.standard_normal((size, STEPS, CHANNELS))
        places = rng.integers(0, STEPS - LENGTH + 1, size)
        for one, place, value in zip(series, places, height, strict=True):
            one[place : place + LENGTH, 0] += value / spec.difficulty * burst_shape()
        parts.append(series)
        heights.append(height)
    names, codes = class_codes([repr(value) for value in np.concatenate(heights).tolist()])
    return Raw(
        name="burst",
        kind="sequences",
        features=np.round(np.concatenate(parts), DECIMALS).astype(np.float32),
        labels=codes,
        class_names=names,
        test=np.arange(spec.num_train + spec.num_test) >= spec.num_train,
    )


NUMBERS = Source(
    name="numbers",
    forms=(NAME,),
    text="synthetic series of 50 x 2 with a number to predict (`--task regression`)",
    kinds=("sequences",),
    matches=lambda source: source == NAME,
    fetch=lambda spec, _: made(spec.source, "sequences", VERSION),
    read=lambda spec, *_: make_burst(spec),
    licence="synthetic, made by this project (MIT)",
)
