"""MNIST, where it is at hand."""

import gzip
import os
from pathlib import Path

import numpy as np
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from hw3models.data.dataset import Dataset

SHARED = Path(os.environ.get("HW3_SHARED", Path(__file__).resolve().parents[3] / "shared" / "data"))
FILES = tuple(f"{split}-{what}-ubyte" for split in ("train", "t10k") for what in ("images-idx3", "labels-idx1"))


def torchvision_mnist(folder: Path) -> MNIST | None:
    """MNIST's training images as the tutorials load them; None where the files are not at hand.

    They are looked for in `HW3_SHARED/mnist` and in the download cache.
    """
    cache = Path(os.environ.get("HW3_CACHE", Path.home() / ".cache" / "hw3"))
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        found = next((p for root in (SHARED / "mnist", cache) for p in root.rglob(f"{name}.gz")), None)
        if found is None:
            return None
        (raw / name).write_bytes(gzip.decompress(found.read_bytes()))
    return MNIST(str(folder), train=True, transform=ToTensor())


def prepared_images(images: MNIST) -> Dataset:
    """The same 60,000 training images as the engine takes them, all of them for training."""
    pixels = images.data.numpy()
    scaled = pixels / np.float32(255)
    test = MNIST(images.root, train=False)
    return Dataset(
        name="mnist",
        kind="images",
        source="mnist",
        features=np.concatenate([pixels, test.data.numpy()]),
        labels=np.concatenate([images.targets.numpy(), test.targets.numpy()]),
        class_names=tuple(str(digit) for digit in range(10)),
        train=np.arange(len(pixels)),
        validation=np.arange(0),
        test=np.arange(len(pixels), len(pixels) + len(test.data)),
        mean=np.array([scaled.mean()], np.float32),
        std=np.array([scaled.std()], np.float32),
    )
