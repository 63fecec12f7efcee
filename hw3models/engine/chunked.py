"""Training on data that do not fit into memory: a chunked shuffle (as in WebDataset and MosaicML's streaming sets).

The file is cut into blocks of neighbouring rows. Every epoch goes over the blocks in a new random order, as many at a
time as fit into memory (a chunk), and over the rows of a chunk in each replicate's own order. The order of blocks
belongs to the epoch, not to a seed: so all replicates read the file together, and replicate s of S still is seed s
trained alone.

    S = replicates, B = examples in a batch
"""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from hw3models.data.blocks import is_on_disk
from hw3models.data.dataset import Dataset
from hw3models.engine.batches import DeviceData, kept_type
from hw3models.nn.rng import ReplicateRng
from hw3models.objectives.objective import Batch
from hw3models.specs import Recipe

BLOCKS_PER_CHUNK = 32
"""More blocks mix better and are read in smaller pieces."""
_ORDER_OF_BLOCKS = 9973
"""Keeps the stream apart from every other use of an epoch's number."""


def rows_at_once(dataset: Dataset, memory_bytes: int, kept: torch.dtype) -> int | None:
    """Examples in a chunk; None where all are held: they fit, or are in memory already."""
    each = math.prod(dataset.features.shape[1:]) * kept_type(dataset.features, kept).itemsize
    if not is_on_disk(dataset.features) or len(dataset.features) * each <= memory_bytes:
        return None
    return max(1, memory_bytes // each)


class ChunkedData:
    """The interface of `DeviceData`, with one chunk of the training examples on `device` at a time."""

    can_be_recorded = False
    """Every chunk lies elsewhere, and a CUDA graph would go on reading the first."""

    def __init__(
        self,
        dataset: Dataset,
        device: torch.device,
        dtype: torch.dtype,
        *,
        pixels: bool,
        memory_bytes: int,
        kept: torch.dtype | None = None,
    ) -> None:
        kept = kept or dtype
        self._resident = partial(DeviceData, dataset, device, dtype, pixels=pixels, kept=kept)
        self._rows = rows_at_once(dataset, memory_bytes, kept) or len(dataset.features)
        self._chunk: DeviceData | None = None
        self._shape = dataset.features.shape[1:]
        self._buffer = torch.empty(0, *self._shape, dtype=kept_type(dataset.features, kept), device=device)

    def order(self, train: torch.Tensor, size: int, rng: ReplicateRng, epoch: int) -> Iterator[torch.Tensor]:
        """Every example of `train` (N,) once per replicate: int64 (S, B) into the chunk that `batch` then gathers from.

        All batches but the last of the epoch have `size` examples.
        """
        for rows in self.chunks(train.cpu().numpy(), size, epoch):
            self._load(rows)
            yield from rng.permutations(len(rows)).split(size, dim=1)

    def chunks(self, train: NDArray[np.int64], size: int, epoch: int) -> Iterator[NDArray[np.int64]]:
        """Rows of one chunk after another, each a multiple of `size` but the last."""
        limit = max(size, self._rows // size * size)
        per_block = max(1, limit // BLOCKS_PER_CHUNK)
        blocks = np.split(train, range(per_block, len(train), per_block))
        shuffled = np.random.default_rng([_ORDER_OF_BLOCKS, epoch]).permutation(len(blocks))
        waiting = np.empty(0, train.dtype)
        for block in shuffled:
            waiting = np.concatenate([waiting, blocks[block]])
            if len(waiting) >= limit:
                yield waiting[:limit]
                waiting = waiting[limit:]
        if len(waiting):
            yield waiting

    def batch(self, index_SB: torch.Tensor, recipe: Recipe | None = None, rng: ReplicateRng | None = None) -> Batch:
        """Gather from the chunk that is loaded."""
        assert self._chunk is not None
        return self._chunk.batch(index_SB, recipe, rng)

    def in_order(self, index: NDArray[np.int64], replicates: int, size: int = 2048) -> Iterator[Batch]:
        """The examples `index` (n,) in their order, the same for all replicates."""
        for start in range(0, len(index), size):
            rows = index[start : start + size]
            part = self._resident(rows=rows)
            yield from part.in_order(np.arange(len(rows)), replicates, size)

    def _load(self, rows: NDArray[np.int64]) -> None:
        """Into the memory of the chunk before: two never are there together."""
        self._chunk = None
        if len(rows) > len(self._buffer):
            # Empty first, for the same reason.
            self._buffer = self._buffer.new_empty(0)
            self._buffer = self._buffer.new_empty(len(rows), *self._shape)
        self._chunk = self._resident(rows=rows, into=self._buffer)


def load_data(
    dataset: Dataset,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    *,
    pixels: bool = False,
    kept: torch.dtype | None = None,
    memory_bytes: int = 1 << 30,
) -> DeviceData | ChunkedData:
    """All of it on the device, or in chunks where it is on disk and larger than `memory_bytes`."""
    if rows_at_once(dataset, memory_bytes, kept or dtype) is not None:
        return ChunkedData(dataset, device, dtype, pixels=pixels, kept=kept, memory_bytes=memory_bytes)
    return DeviceData(dataset, device, dtype, pixels=pixels, kept=kept)
