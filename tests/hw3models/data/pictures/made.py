"""Folders of small pictures for tests."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.specs import DataSpec


def picture(seed: int = 0, size: tuple[int, int] = (8, 10), mode: str = "RGB") -> Image.Image:
    """Noise; `size` is (height, width)."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).convert(mode)


def put(path: Path, seed: int = 0, **how: Any) -> Path:
    """Write a picture, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed, **how).save(path)
    return path


def tree(root: Path, classes: tuple[str, ...] = ("ant", "bee"), num: int = 4, suffix: str = ".png", **how: Any) -> Path:
    """`num` pictures in a folder for each class, none like another."""
    for k, name in enumerate(classes):
        for i in range(num):
            put(root / name / f"{i}{suffix}", seed=1000 * k + i, **how)
    return root


def read(path: Path, cache: Path, **options: Any) -> Raw:
    """As a study would."""
    spec = DataSpec(source=str(path), **options)
    return read_raw(spec, fetch(spec, cache=cache), cache=cache)
