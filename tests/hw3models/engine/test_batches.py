"""Sequences on the device are standardised by the formula, however many blocks of memory it takes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hw3models.data.dataset import Dataset
from hw3models.engine.batches import BLOCK_BYTES, DeviceData

STEPS, CHANNELS = 64, 8
NUM = 2 * (BLOCK_BYTES // (4 * STEPS * CHANNELS)) + 7
"""More than two blocks, and not a whole number of them."""


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("kept", ["in memory", "on disk"])
def test_sequences_are_standardised_by_the_formula(kept: str, unequal: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, STEPS + 1, NUM) if unequal else None
    raw = rng.normal(3, 2, (NUM, STEPS, CHANNELS)).astype(np.float32)
    mean, std = raw.mean((0, 1)), raw.std((0, 1))
    expected = (raw - mean) / std
    if lengths is not None:
        expected[np.arange(STEPS) >= lengths[:, None]] = 0
    np.save(tmp_path / "raw.npy", raw)
    features = np.load(tmp_path / "raw.npy", mmap_mode="r") if kept == "on disk" else raw.copy()
    rows = np.arange(NUM)
    dataset = Dataset(
        name="drawn",
        kind="sequences",
        source="drawn",
        features=features,
        labels=np.zeros(NUM, np.int64),
        class_names=("a",),
        train=rows,
        validation=rows[:0],
        test=rows[:0],
        lengths=lengths,
        mean=mean,
        std=std,
    )

    data = DeviceData(dataset, torch.device("cpu"))

    np.testing.assert_array_equal(data.features.numpy(), expected)
    np.testing.assert_array_equal(features, raw)
    # Some of them, in another order, into memory that is larger.
    some, into = rng.permutation(NUM)[: NUM - 5], torch.full((NUM, STEPS, CHANNELS), torch.nan)
    part = DeviceData(dataset, torch.device("cpu"), rows=some, into=into)
    np.testing.assert_array_equal(part.features.numpy(), expected[some])
    assert part.features.data_ptr() == into.data_ptr()
    assert part.lengths is None if lengths is None else part.lengths.tolist() == lengths[some].tolist()
