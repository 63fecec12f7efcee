"""Augmentation of images as tensor code on the device: every draw is the replicate's own.

S = replicates, B = examples in a batch, H and W = height and width, C = channels of colour images
"""

import torch

from hw3models.nn.rng import ReplicateRng
from hw3models.specs import Recipe


def moved(images: torch.Tensor, recipe: Recipe, rng: ReplicateRng, *, mirrored: bool) -> torch.Tensor:
    """Shifted, cropped and mirrored as the recipe says; `images` are (S, B, H, W) or (S, B, H, W, C) of any type."""
    if recipe.shift_pixels:
        images = _shift_images(images, recipe.shift_pixels, rng)
    if not recipe.crop and not mirrored:
        return images
    num, (height, width) = images.shape[1], images.shape[2:4]
    rows, columns = (torch.arange(size, device=images.device).view(1, 1, -1) for size in (height, width))
    if recipe.crop:
        furthest = [max(1, round(recipe.crop * size)) for size in (height, width)]
        rows, columns = (
            (axis + rng.integers(-far, far + 1, num, 1)).clamp(0, axis.shape[-1] - 1)
            for axis, far in zip((rows, columns), furthest, strict=True)
        )
    if mirrored:
        columns = torch.where(rng.uniform(num, 1) < 0.5, columns.flip(-1), columns)
    return _picked(images, rows.expand(len(images), num, -1), columns.expand(len(images), num, -1))


def repainted(images: torch.Tensor, recipe: Recipe, rng: ReplicateRng) -> torch.Tensor:
    """Standardised (S, B, H, W) or (S, B, H, W, C) with other brightness and colours, and a square left blank."""
    num, (height, width), channels = images.shape[1], images.shape[2:4], images.shape[4:]
    if recipe.colour:
        gain, offset = rng.normal(2, num, 1, 1, *channels, dtype=images.dtype).unbind(1)
        images = images * (1 + recipe.colour * gain) + recipe.colour * offset
    if recipe.cutout:
        half = max(1, round(recipe.cutout * min(height, width))) / 2
        inside = [
            # The square may lie partly outside, as in the paper: then less is blanked.
            (torch.arange(size, device=images.device) + 0.5 - size * rng.uniform(num, 1)).abs() < half
            for size in (height, width)
        ]
        square = inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)
        images = images.masked_fill(square.unsqueeze(-1) if channels else square, 0)
    return images


def _picked(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Pixel (rows[h], columns[w]) of each image at (h, w); rows (S, B, H) and columns (S, B, W)."""
    source = (rows.unsqueeze(-1) * images.shape[3] + columns.unsqueeze(-2)).flatten(2)
    pixels = images.flatten(2, 3)
    if pixels.dim() > 3:
        source = source.unsqueeze(-1).expand(*source.shape, pixels.shape[-1])
    return pixels.gather(2, source).view(images.shape)


def _shift_images(images: torch.Tensor, pixels: int, rng: ReplicateRng) -> torch.Tensor:
    """One random shift per batch and replicate; what leaves on one side enters on the other (borders are blank)."""
    offsets = rng.integers(-pixels, pixels + 1, 2)
    return roll_each(images, offsets) if images.device.type == "cpu" else roll_each_on_device(images, offsets)


def roll_each(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Roll the images of each replicate, (S, B, H, W) or (S, B, H, W, C), by its offsets (S, 2): down and right."""
    each = zip(images, offsets.tolist(), strict=True)
    return torch.stack([torch.roll(one, tuple(offset), dims=(1, 2)) for one, offset in each])


def roll_each_on_device(images: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """The same without asking the device what the offsets are: nothing waits, and a CUDA graph can hold it."""
    num, (height, width) = images.shape[1], images.shape[2:4]
    rows = (torch.arange(height, device=images.device) - offsets[:, :1]) % height
    columns = (torch.arange(width, device=images.device) - offsets[:, 1:]) % width
    return _picked(images, rows.unsqueeze(1).expand(-1, num, -1), columns.unsqueeze(1).expand(-1, num, -1))
