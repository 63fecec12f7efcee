"""What tests of forms of series share."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.specs import DataSpec

SHARED = Path(__file__).resolve().parents[5] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the files of <repo>/../shared")


def read(source: Path | str, **options: Any) -> Raw:
    """As every command reads it."""
    spec = DataSpec(source=str(source), **options)
    # Archives are unpacked there; what is mapped of it stays readable.
    with tempfile.TemporaryDirectory() as cache:
        return read_raw(spec, fetch(spec, cache=Path(cache)), cache=Path(cache))


def classes(raw: Raw) -> list[str]:
    """The label of each example."""
    return [raw.class_names[code] for code in raw.labels]


def series(num: int = 12, steps: int = 9, channels: int = 1, seed: int = 0) -> np.ndarray[Any, Any]:
    """float32, so that text and array agree."""
    return np.random.default_rng(seed).normal(size=(num, steps, channels)).astype(np.float32).round(4)
