"""Text files that are packed, one by one."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.errors import DataError
from hw3models.specs import DataSpec

RNG = np.random.default_rng(0)
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACK)
def test_packed_text_is_read_as_the_same_text_and_damage_is_told(tmp_path: Path, suffix: str) -> None:
    values = RNG.normal(size=(30, 20)).round(3)
    rows = [",".join([f"{row % 2}", *map(str, one)]) for row, one in enumerate(values)]
    text = "\n".join([",".join(["label", *(f"t{step}" for step in range(20))]), *rows]).encode()
    packed = PACK[suffix](text)
    path = tmp_path / f"walk_TRAIN.csv{suffix}"
    path.write_bytes(packed)
    (tmp_path / f"walk_TEST.csv{suffix}").write_bytes(packed)
    spec = DataSpec(source=str(path))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    np.testing.assert_allclose(raw.features[:30, :, 0], values, rtol=1e-6)
    assert (raw.name, len(raw.features)) == ("walk", 60)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match=f"walk_TRAIN.csv{suffix}: "):
        read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    middle = bytearray(packed)
    middle[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    path.write_bytes(middle)
    with pytest.raises(DataError, match=f"walk_TRAIN.csv{suffix}: "):
        read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
