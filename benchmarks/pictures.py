"""Pictures a second: decoded once and then gathered from memory, against torchvision's ImageFolder with a DataLoader.

Both read the same JPEGs (made here, 500 x 375), bring them to 64 x 64 and make batches of 64. Writes a part of
docs/own-images.md.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.pages import rewrite
from hw3models.data import fetch, load_prepared, prepare
from hw3models.engine.batches import DeviceData
from hw3models.runtime.devices import cpu_name
from hw3models.specs import DataSpec

SIDE, BATCH = 64, 64


def make(folder: Path, num: int) -> None:
    """Smooth noise in two classes: it compresses as photographs do."""
    for i in range(num):
        small = np.random.default_rng(i).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        path = folder / "ab"[i % 2] / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(small).resize((500, 375), Image.Resampling.BICUBIC).save(path, quality=90)


def loaders(folder: Path, workers: int) -> float:
    """Seconds of an epoch of the reference."""
    transform = v2.Compose([v2.Resize((SIDE, SIDE)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    data = ImageFolder(str(folder), transform)
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=workers)
    begun = time.perf_counter()
    for images, _ in loader:
        images.sum()
    return time.perf_counter() - begun


def ours(folder: Path, cache: Path) -> tuple[float, float]:
    """Seconds of fetching and preparing, and of an epoch after that."""
    spec = DataSpec(source=str(folder), image_size=str(SIDE), validation_fraction=0)
    begun = time.perf_counter()
    dataset = load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))
    prepared = time.perf_counter() - begun
    data, rng = DeviceData(dataset, torch.device("cpu")), np.random.default_rng(0)
    begun = time.perf_counter()
    for rows in torch.as_tensor(rng.permutation(len(dataset.labels))).split(BATCH):
        data.batch(rows[None]).inputs.sum()
    return prepared, time.perf_counter() - begun


def main() -> None:
    """`python -m benchmarks.pictures [NUMBER]`."""
    num = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "set")
        folder.mkdir()
        make(folder, num)
        workers = os.cpu_count() or 1
        reference = min(loaders(folder, workers) for _ in range(2))
        prepared, epoch = ours(folder, Path(place, "cache"))
    rows = [
        ("`ImageFolder` and `DataLoader`, every epoch", reference),
        ("hw3, the first time: all headers, all pixels, the digest, the file", prepared),
        ("hw3, every epoch after that", epoch),
    ]
    lines = ["| | pictures a second |", "|---|---|", *(f"| {name} | {num / seconds:,.0f} |" for name, seconds in rows)]
    lines.append("")
    lines.append(
        f"{num:,} JPEGs of 375 x 500 to {SIDE} x {SIDE}, in colour, {workers} threads or workers ({cpu_name()})."
    )
    text = "\n".join(lines)
    print(text)
    rewrite(Path("docs/own-images.md"), "decoding", text)


if __name__ == "__main__":
    main()
