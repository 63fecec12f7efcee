"""Pictures of many sizes become pictures of one."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from hw3models.errors import SpecError

if TYPE_CHECKING:
    from PIL.Image import Image

Fit = Literal["fit", "crop", "pad"]
Size = tuple[int, int]
"""(height, width)."""
USUAL = 64
"""The longest side, where nobody says another: a network on a CPU then takes minutes, not hours."""
MAX_SIDE = 4096


def parsed(text: str | None) -> Size | None:
    """`64` and `48x64` as (height, width); None where nobody said.

    Raises:
        SpecError: neither a number nor two.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:[xX×]\s*(\d{1,6}))?\s*", text)
    sides = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not all(1 <= side <= MAX_SIDE for side in sides):
        raise SpecError(
            f"`image_size` is {text!r}; give a side such as 64, or height and width such as 48x64, up to {MAX_SIDE}."
        )
    return sides


def usual_size(sizes: Sequence[Size]) -> Size:
    """Choose a size for pictures of these sizes.

    All of one size keep it, if no side is longer than `USUAL`, and else are shrunk as a whole until none is. Those of
    several sizes become squares: as large as the shorter side of the middle one, and no larger than `USUAL`.
    """
    if len(set(sizes)) == 1:
        [(height, width)] = set(sizes)
        shrink = min(1.0, USUAL / max(height, width))
        return max(1, round(height * shrink)), max(1, round(width * shrink))
    side = int(min(USUAL, max(1.0, float(np.median([min(size) for size in sizes])))))
    return side, side


def brought_to(image: "Image", size: Size, fit: Fit) -> "Image":
    """`fit` stretches the whole picture, `crop` cuts what is too long on both sides, `pad` fills up with black.

    Pixels are means of those that they stand for (a triangle filter that is as wide as the picture shrinks).
    """
    from PIL import Image, ImageOps

    height, width = size
    if image.size == (width, height):
        return image
    how = Image.Resampling.BILINEAR
    if fit == "crop":
        # Cut first: a filter looks beyond a box that is only named to it.
        return _middle(image, width / height).resize((width, height), how)
    if fit == "pad":
        return ImageOps.pad(image, (width, height), how)
    return image.resize((width, height), how)


def _middle(image: "Image", shape: float) -> "Image":
    """The largest part in the middle whose width is `shape` times its height."""
    width, height = image.size
    wide, high = min(width, max(1, round(height * shape))), min(height, max(1, round(width / shape)))
    left, top = (width - wide) // 2, (height - high) // 2
    return image.crop((left, top, left + wide, top + high))
