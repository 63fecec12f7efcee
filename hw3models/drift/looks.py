"""Looking at one model night after night without crying wolf more often: the level is spent over the looks.

Look k is tested at `level` times 1 / sqrt(k) - 1 / sqrt(k + 1). The sum over the first K looks telescopes to `level`
times 1 - 1 / sqrt(K + 1): so the chance of any false alarm at one model, over all looks that there will ever be, is at
most `level` (Bonferroni), whatever depends on what. All looks share the training data, so they do depend on each other.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from hw3models.stats.multiple_testing import LEVEL


def level_of(look: int, level: float = LEVEL) -> float:
    """The level that look number `look` (from 1) at a model is tested at."""
    return level * (1 / math.sqrt(look) - 1 / math.sqrt(look + 1))


def look_text(look: int, level: float) -> str:
    """Which look it is, and its level."""
    return f"Look {look} at this model: tested at {100 * level:.2g}%."


def content(*arrays: NDArray[np.generic] | None) -> str:
    """Digest of what is looked at: the same content again is the same look."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(b"none" if array is None else f"{array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return sha.hexdigest()[:32]
