"""What a network on images must beat: a random forest on pixels, and a linear classifier on histograms of gradients.

n = images, H and W = height and width, C = colours, K = classes
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset
from hw3models.families.baselines import check_forest, checked_classes, parts
from hw3models.families.family import Answers, Baseline, BaselineFit
from hw3models.runtime.cores import free_threads
from hw3models.runtime.devices import in_a_thread_of_its_own, num_threads

MAX_EXAMPLES = 20_000
"""Training examples that these learn from: more cost minutes and gain little."""
MAX_SIDE = 64
"""Larger images are averaged over squares of pixels until no side is longer."""
TREES = 200
CELL = 4
"""Sides of a cell in pixels of a 28 x 28 image; others have as many cells."""
ORIENTATIONS = 9


def fit_forest(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """A random forest (Breiman 2001) of 200 trees on the pixels, as scikit-learn's defaults have it."""
    return in_a_thread_of_its_own(partial(_fit_forest, dataset, seed))


def _fit_forest(dataset: Dataset, seed: int) -> BaselineFit:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(TREES, random_state=seed, n_jobs=free_threads(num_threads()))
    index = drawn(dataset, seed)
    model.fit(_pixels(dataset, index), dataset.labels[index])
    return _asked(model, restored_forest, dataset, sum(tree.tree_.node_count for tree in model.estimators_))


def fit_hog(dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """Histograms of oriented gradients (Dalal and Triggs 2005), standardised, and logistic regression on them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # The same examples whatever the seed: nothing here is random.
    index = drawn(dataset, 0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000, tol=1e-3))
    model.fit(_hog_of(_scaled(dataset, index)), dataset.labels[index])
    return _asked(model, restored_hog, dataset, model[-1].coef_.size + model[-1].intercept_.size)


def _asked(
    model: Any, restore: Callable[[Any, tuple[int, ...], int], Answers], dataset: Dataset, parameters: int
) -> BaselineFit:
    """What a fitted classifier says about the test examples; classes that it has not seen get nothing."""
    answers = restore(model, dataset.features.shape[1:], len(dataset.class_names))
    start = time.perf_counter()
    said = [answers(_scaled(dataset, part))["probabilities"] for part in parts(dataset.test)]
    seconds = time.perf_counter() - start
    return BaselineFit(probabilities=np.concatenate(said), fitted=model, parameters=parameters, predict_seconds=seconds)


def restored_forest(model: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of the forest about images of pixels / 255.

    Raises:
        ValueError: it is none for such images and classes.
    """
    return _restored(model, "RandomForestClassifier", lambda pixels: _flat(averaged(pixels)), shape, num_classes)


def restored_hog(model: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of the linear classifier on histograms about images of pixels / 255.

    Raises:
        ValueError: it is none for such images and classes.
    """
    return _restored(model, "Pipeline", _hog_of, shape, num_classes)


def _restored(
    model: Any,
    name: str,
    features: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    shape: tuple[int, ...],
    num_classes: int,
) -> Answers:
    wanted = features(np.zeros((1, *shape), np.float32)).shape[1]
    if name == "RandomForestClassifier":
        check_forest(model, name, wanted)
    elif type(model).__name__ != name or getattr(model, "n_features_in_", None) != wanted:
        raise ValueError(f"it is not a {name} of {wanted} features")
    classes = checked_classes(model, num_classes)

    def answers(pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        probabilities = np.zeros((len(pixels), num_classes), np.float32)
        probabilities[:, classes] = model.predict_proba(features(pixels))
        return {"probabilities": probabilities}

    return answers


def drawn(dataset: Dataset, seed: int) -> NDArray[np.int64]:
    """Training examples, at most `MAX_EXAMPLES` of them, drawn at random."""
    if len(dataset.train) <= MAX_EXAMPLES:
        return dataset.train
    return np.sort(np.random.default_rng(seed).permutation(dataset.train)[:MAX_EXAMPLES])


def shrunk(images: NDArray[np.uint8], side: int = MAX_SIDE) -> NDArray[np.float32]:
    """Images (n, H, W) or (n, H, W, C) in 0..1, averaged where a side is longer than `side`."""
    return averaged(images.astype(np.float32) / np.float32(255), side)


def averaged(pixels: NDArray[np.float32], side: int = MAX_SIDE) -> NDArray[np.float32]:
    """Means over squares of pixels where a side is longer than `side`."""
    step = -(-max(pixels.shape[1:3]) // side)
    height, width = (max(step, size // step * step) for size in pixels.shape[1:3])
    pixels = pixels[:, :height, :width]
    if step == 1:
        return pixels
    if min(pixels.shape[1:3]) < step:
        return pixels[:, ::step, ::step]
    squares = pixels.reshape(len(pixels), height // step, step, width // step, step, *pixels.shape[3:])
    return np.asarray(squares.mean(axis=(2, 4)), np.float32)


def _pixels(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    return _flat(shrunk(take(dataset.features, index)))


def _flat(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), -1)


def _scaled(dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    return take(dataset.features, index).astype(np.float32) / np.float32(255)


def _hog_of(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([hog(averaged(pixels[start : start + 1024])) for start in range(0, len(pixels), 1024)])


def hog(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms of gradients over nine unsigned orientations, (n, features), of images in 0..1.

    As in the paper (section 6): the colour with the steepest gradient counts, a gradient is shared between the two
    nearest orientations, and blocks of 2 x 2 cells are normalised and clipped at 0.2. Differs: a gradient belongs to
    its own cell alone, and cells have the size that gives 7 of them along the shorter side.
    """
    colours = images if images.ndim == 4 else images[..., None]
    down, across = np.zeros_like(colours), np.zeros_like(colours)
    down[:, 1:-1] = colours[:, 2:] - colours[:, :-2]
    across[:, :, 1:-1] = colours[:, :, 2:] - colours[:, :, :-2]
    steepness = np.hypot(down, across)
    steepest = steepness.argmax(axis=3)[..., None]
    length, dy, dx = (np.take_along_axis(one, steepest, 3)[..., 0] for one in (steepness, down, across))
    place = np.arctan2(dy, dx) % np.pi / np.pi * ORIENTATIONS - 0.5
    lower = np.floor(place).astype(np.int64)
    share = (place - lower) * length
    size = max(1, round(min(length.shape[1:]) * CELL / 28))
    height, width = (side // size for side in length.shape[1:])
    cells = np.zeros((len(images), height, width, ORIENTATIONS), np.float32)
    for orientation in range(ORIENTATIONS):
        near = np.where(lower % ORIENTATIONS == orientation, length - share, 0)
        near += np.where((lower + 1) % ORIENTATIONS == orientation, share, 0)
        whole = near[:, : height * size, : width * size].reshape(len(images), height, size, width, size)
        cells[..., orientation] = whole.sum(axis=(2, 4))
    return _normalised(cells)


def _normalised(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blocks of 2 x 2 cells that overlap, each brought to unit length, clipped and brought to it again (L2-Hys)."""
    height, width = (max(1, size - 1) for size in cells.shape[1:3])
    corners = [cells[:, row : row + height, column : column + width] for row in (0, 1) for column in (0, 1)]
    corners = [one for one in corners if one.shape[1:3] == (height, width)]
    blocks = np.concatenate(corners, axis=3)
    for limit in (0.2, np.inf):
        norm = np.sqrt(np.square(blocks).sum(axis=3, keepdims=True) + 1e-6)
        blocks = np.minimum(blocks / norm, limit)
    return np.asarray(blocks.reshape(len(cells), -1), np.float32)


FOREST = Baseline(
    name="forest",
    label="random forest",
    kinds=("images",),
    deterministic=False,
    fit=fit_forest,
    restore=restored_forest,
    sees_pixels=True,
)
HOG = Baseline(
    name="hog",
    label="logistic regression on HOG",
    kinds=("images",),
    deterministic=True,
    fit=fit_hog,
    restore=restored_hog,
    sees_pixels=True,
)
