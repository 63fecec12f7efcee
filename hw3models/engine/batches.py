"""Batches by index on the device: data stay there in their smallest form, augmentation is tensor code.

S = replicates, B = examples in a batch, T = time steps, C = channels
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from numpy.typing import NDArray

from hw3models.data.blocks import is_on_disk, read, row_bytes, take
from hw3models.data.dataset import Dataset
from hw3models.data.mirroring import looks_alike_mirrored
from hw3models.engine.image_augmentation import moved, repainted
from hw3models.nn.layers import time_mask
from hw3models.nn.rng import ReplicateRng
from hw3models.objectives.objective import Batch, Blend
from hw3models.specs import Recipe

BLOCK_BYTES = 2 << 20
"""Bytes of examples that are read and standardised at once on a CPU: they stay in its cache, and for large data each
pass over memory is a tenth of a short training."""
GPU_BLOCK_BYTES = 64 << 20
"""Fewer copies, that still are little beside what is kept."""


class DeviceData:
    """Examples of a data set on `device`: images as uint8, sequences standardised, as `kept` (`dtype` if not given).

    Batches are of `dtype`; `pixels` are made for autoencoders only. With `rows` (n,) it holds these examples alone, in
    that order: example i is then the data set's `rows[i]`. They are written `into` a tensor (at least n, ...) if given.
    """

    can_be_recorded = True
    """The tensors stay where they are, as a CUDA graph needs it."""

    def __init__(
        self,
        dataset: Dataset,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        *,
        pixels: bool = False,
        kept: torch.dtype | None = None,
        rows: NDArray[np.int64] | None = None,
        into: torch.Tensor | None = None,
    ) -> None:
        self.device, self.dtype, self.keeps_pixels = device, dtype, pixels
        self.is_image = dataset.kind == "images"
        self.mean = torch.as_tensor(dataset.mean, dtype=dtype, device=device)
        self.std = torch.as_tensor(dataset.std, dtype=dtype, device=device)
        # A number, where one is enough, is multiplied in the same pass.
        self._slope = 1 / (255 * float(dataset.std[0])) if len(dataset.std) == 1 else 1 / (255 * self.std)
        self._offset = -self.mean / self.std
        self._is_mirrored = cache(partial(looks_alike_mirrored, dataset))
        every = slice(None) if rows is None else rows
        self.labels = torch.as_tensor(dataset.labels[every], device=device)
        self.targets = None if dataset.target is None else self._standardised(dataset, every)
        self._class_weights = torch.as_tensor(balancing_weights(dataset), dtype=dtype, device=device)
        self.lengths = None if dataset.lengths is None else torch.as_tensor(dataset.lengths[every], device=device)
        self.features = self._read(dataset.features, rows, into, kept or dtype)

    def _standardised(self, dataset: Dataset, rows: slice | NDArray[np.int64]) -> torch.Tensor:
        """Numbers to predict, by the training examples."""
        assert dataset.targets is not None
        assert dataset.target is not None
        values = (dataset.targets[rows] - dataset.target.mean) / dataset.target.std
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def batch(self, index_SB: torch.Tensor, recipe: Recipe | None = None, rng: ReplicateRng | None = None) -> Batch:
        """Gather the examples `index_SB` (int64); augmented, and with class weights, as a given recipe wants it."""
        found = self._gather(index_SB, recipe, rng)
        if recipe is None or rng is None or recipe.class_weights == "none":
            return found
        return replace(found, class_weights=self._class_weights)

    def _gather(self, index_SB: torch.Tensor, recipe: Recipe | None, rng: ReplicateRng | None) -> Batch:
        flat, shape = index_SB.flatten(), index_SB.shape
        inputs, labels = _gathered(self.features, flat, shape), _gathered(self.labels, flat, shape)
        lengths = None if self.lengths is None else _gathered(self.lengths, flat, shape)
        targets = None if self.targets is None else _gathered(self.targets, flat, shape)
        pixels = None
        if self.is_image:
            if recipe is not None and rng is not None:
                inputs = moved(inputs, recipe, rng, mirrored=self._mirrors(recipe))
            inputs = inputs.to(self.dtype)
            if self.keeps_pixels:
                pixels = (inputs / 255).flatten(2)
            inputs = self._scaled(inputs)
            if recipe is not None and rng is not None:
                inputs = repainted(inputs, recipe, rng)
        else:
            inputs = inputs.to(self.dtype)
            if recipe is not None and rng is not None:
                inputs = _augment_sequences(inputs, lengths, recipe, rng)
        batch = Batch(inputs, labels, lengths, pixels, targets=targets)
        return _mix(batch, recipe.mixup, rng) if recipe is not None and rng is not None and recipe.mixup else batch

    def _scaled(self, inputs: torch.Tensor) -> torch.Tensor:
        """(x / 255 - mean) / std, in one pass over `inputs`, which it is written to."""
        if isinstance(self._slope, float):
            return torch.add(self._offset, inputs, alpha=self._slope, out=inputs)
        return torch.addcmul(self._offset, inputs, self._slope, out=inputs)

    def _mirrors(self, recipe: Recipe) -> bool:
        return recipe.flip == "always" or (recipe.flip == "auto" and self._is_mirrored())

    def _read(
        self, source: NDArray[np.generic], rows: NDArray[np.int64] | None, into: torch.Tensor | None, kept: torch.dtype
    ) -> torch.Tensor:
        """Examples of `source`, as they are kept; a block at a time, so that nothing is there twice."""
        num = len(source) if rows is None else len(rows)
        if self.is_image and rows is None and not is_on_disk(source):
            return torch.as_tensor(source, device=self.device)
        if into is None:
            into = torch.empty(num, *source.shape[1:], dtype=kept_type(source, kept), device=self.device)
        size = max(1, (BLOCK_BYTES if self.device.type == "cpu" else GPU_BLOCK_BYTES) // max(1, row_bytes(source)))
        for first in range(0, num, size):
            part = slice(first, min(first + size, num))
            block = read(source, part.start, part.stop) if rows is None else take(source, rows[part])
            self._put(torch.as_tensor(block).to(self.device), part, into[part])
        return into[:num]

    def _put(self, block: torch.Tensor, part: slice, out: torch.Tensor) -> None:
        """Images as they are; of sequences (n, T, C) (x - mean) / std, and zero where a series has ended."""
        if self.is_image:
            out.copy_(block)
            return
        scaled = out if out.dtype == self.dtype else torch.empty_like(out, dtype=self.dtype)
        torch.sub(block.to(self.dtype), self.mean, out=scaled).div_(self.std)
        if self.lengths is not None:
            scaled.mul_(time_mask(self.lengths[part], out.shape[1]).unsqueeze(-1))
        if scaled is not out:
            out.copy_(scaled)

    def order(self, train: torch.Tensor, size: int, rng: ReplicateRng, epoch: int) -> Iterator[torch.Tensor]:  # noqa: ARG002
        """Every example of `train` once per replicate, in the replicate's own order: int64 (S, B) at a time.

        `train` is (N,), or (S, N) where each replicate has a training set of its own.
        """
        num = train.shape[-1]
        order_SN = rng.permutations(num)
        order_SN = train[order_SN] if train.dim() == 1 else train.gather(1, order_SN)
        whole = num // size * size
        # One block of memory for each batch: copied once instead of at every step.
        batches = order_SN[:, :whole].unflatten(1, (-1, size)).transpose(0, 1).contiguous()
        yield from batches
        if whole < num:
            yield order_SN[:, whole:]

    def in_order(self, index: NDArray[np.int64], replicates: int, size: int = 2048) -> Iterator[Batch]:
        """The examples `index` (n,) in their order, the same for all replicates."""
        rows = torch.as_tensor(index, device=self.device)
        # Splitting nothing would give one empty batch, whose mean loss is NaN.
        for part in rows.split(size) if len(rows) else ():
            yield self.batch(part.expand(replicates, -1))


def balancing_weights(dataset: Dataset) -> NDArray[np.float64]:
    """What an example of each class must count for (K,) that all classes of the training part count alike: n / (K n_k).

    The mean over the training examples is 1. A class that training does not have counts for nothing.
    """
    counts = np.bincount(dataset.labels[dataset.train], minlength=len(dataset.class_names))
    present = max(1, int((counts > 0).sum()))
    return np.divide(len(dataset.train) / present, counts, out=np.zeros(len(counts)), where=counts > 0)


def kept_type(source: NDArray[np.generic], kept: torch.dtype) -> torch.dtype:
    """The type of what lies on the device: images stay bytes."""
    return torch.uint8 if source.dtype == np.uint8 else kept


def _gathered(tensor: torch.Tensor, index: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """`tensor[index]` in `shape`: whole rows are copied, many times faster on a CPU than element by element."""
    rows = tensor.flatten(1) if tensor.dim() > 1 else tensor
    return rows.index_select(0, index).view(*shape, *tensor.shape[1:])


def batch_size(recipe: Recipe, num_train: int) -> int:
    """`recipe.batch_size`, halved for small data until an epoch has 8 steps, but not below 16.

    Of fewer steps all are about as large: a last one of 2 examples would leave batch normalisation little to go by.
    """
    size = recipe.batch_size
    while size >= 32 and num_train / size < 8:
        size //= 2
    steps = -(-num_train // size)
    return size if steps > 8 else -(-num_train // steps)


def num_epochs(recipe: Recipe, num_train: int, num_steps: int | None = None) -> int:
    """`recipe.epochs`, or as many as it takes to see `recipe.min_examples`.

    Of series of `num_steps`, only as many examples as have `recipe.max_time_steps` together, or a quarter.
    """
    wanted = recipe.min_examples
    if num_steps is not None and recipe.max_time_steps:
        wanted = max(min(wanted, recipe.max_time_steps // num_steps), wanted // 4)
    return max(recipe.epochs, -(-wanted // num_train))


def steps_of(dataset: Dataset) -> int | None:
    """The length of the longest series; None of images."""
    return int(dataset.features.shape[1]) if dataset.kind == "sequences" else None


def _augment_sequences(
    x: torch.Tensor, lengths: torch.Tensor | None, recipe: Recipe, rng: ReplicateRng
) -> torch.Tensor:
    """Warp, shift, gain and jitter (Um et al. 2017), each drawn per series; x is (S, B, T, C)."""
    _, num, steps, channels = x.shape
    before = x
    if recipe.time_warp:
        x = _warp(x, lengths, recipe.time_warp, rng)
    if recipe.shift_steps:
        furthest = max(1, round(recipe.shift_steps * steps))
        offset = rng.integers(-furthest, furthest + 1, num, 1)
        source = torch.arange(steps, device=x.device) - offset
        inside = (source >= 0) & (source < steps)
        x = torch.take_along_dim(x, source.clamp(0, steps - 1).unsqueeze(-1), dim=2) * inside.unsqueeze(-1)
    if recipe.scale:
        x = x * (1 + recipe.scale * rng.normal(num, 1, channels, dtype=x.dtype))
    if recipe.jitter:
        x = x + recipe.jitter * rng.normal(num, steps, channels, dtype=x.dtype)
    if recipe.augmented < 1:
        x = torch.where(rng.uniform(num, 1, 1) < recipe.augmented, x, before)
    return x if lengths is None else x * time_mask(lengths, steps).unsqueeze(-1)


def _warp(x: torch.Tensor, lengths: torch.Tensor | None, strength: float, rng: ReplicateRng) -> torch.Tensor:
    """Read each series along a smoothly distorted time: two sine waves that leave both ends where they are.

    Between steps the series is interpolated linearly; x is (S, B, T, C).
    """
    _, num, steps, _ = x.shape
    time = torch.arange(steps, device=x.device, dtype=x.dtype)
    last = x.new_full((1, 1, 1), steps - 1) if lengths is None else (lengths - 1).unsqueeze(-1).to(x)
    phase = torch.pi * time / last.clamp(min=1)
    first, second = rng.normal(2, num, 1, dtype=x.dtype).unbind(1)
    moved = time + strength * last * (first * phase.sin() + second / 2 * (2 * phase).sin())
    moved = moved.clamp(min=0).minimum(last)
    before = moved.floor().long()
    after = (before + 1).clamp(max=steps - 1).minimum(last.long())
    weight = (moved - before).unsqueeze(-1)
    early, late = (torch.take_along_dim(x, index.unsqueeze(-1), dim=2) for index in (before, after))
    return early + weight * (late - early)


def _mix(batch: Batch, largest: float, rng: ReplicateRng) -> Batch:
    """Blend every example with another of its batch (mixup, Zhang et al. 2018, with uniform instead of Beta shares)."""
    num, ones = batch.labels.shape[1], [1] * (batch.inputs.dim() - 2)
    other = rng.uniform(num).argsort(-1)
    share = largest * rng.uniform(num, dtype=batch.inputs.dtype)
    mixed = torch.take_along_dim(batch.inputs, other.view(*other.shape, *ones), dim=1)
    inputs = batch.inputs + share.view(*share.shape, *ones) * (mixed - batch.inputs)
    lengths = batch.lengths
    if lengths is not None:
        lengths = lengths.maximum(lengths.gather(1, other))
    targets = batch.targets
    if targets is not None:
        targets = targets + share * (targets.gather(1, other) - targets)
    blend = Blend(batch.labels.gather(1, other), share)
    return replace(batch, inputs=inputs, lengths=lengths, targets=targets, blend=blend)
