"""Backbones that somebody else has trained: frozen, with a linear layer on their features, or fine-tuned.

`frozen-NAME` and `tuned-NAME` are families for each backbone of torchvision and (`timm.NAME`) of timm. The features of
a frozen one are computed once, whatever the number of seeds; each seed has a linear layer of its own, that begins
elsewhere and sees the examples in its own order.

B = images, D = features, K = classes
"""

import threading
import time
import warnings
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset
from hw3models.errors import TrainingError
from hw3models.families.baselines import parts
from hw3models.families.family import Answers, Architecture, Baseline, BaselineFit, Family, Network
from hw3models.families.pretrained_weights import Weights, backbone, check_backbone, find_weights
from hw3models.nn.layers import ChannelsFirst
from hw3models.runtime.devices import in_a_thread_of_its_own, pick_device
from hw3models.specs import Recipe

FROZEN, TUNED = "frozen-", "tuned-"
SIDE, SMALL_SIDE = 224, 64
"""Images are brought to 224 x 224, which backbones were trained on; those of at most 32 pixels to 64 x 64: more pixels
would tell nothing new, and cost twelve times as much."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of ImageNet's pixels, which the weights expect."""
EPOCHS = 50
"""Epochs of the linear layer, at most: it ends when its loss stands still."""


def is_pretrained(name: str) -> bool:
    """Whether it is the name of a family that is made here."""
    return name.startswith((FROZEN, TUNED))


@lru_cache
def family_of_backbone(name: str) -> Family:
    """The family `frozen-NAME` or `tuned-NAME`.

    Raises:
        SpecError: there is no such backbone.
    """
    kind = FROZEN if name.startswith(FROZEN) else TUNED
    model = name.removeprefix(kind)
    check_backbone(model)
    if kind == FROZEN:
        return Baseline(
            name=name,
            label=f"{model}, frozen",
            kinds=("images",),
            deterministic=False,
            fit=partial(fit_frozen, model),
            restore=partial(restored_frozen, model),
            sees_pixels=True,
        )
    return Network(
        name=name,
        label=f"{model}, fine-tuned",
        kind="images",
        build=partial(build_tuned, model),
        recipe=Recipe(
            epochs=10,
            min_examples=10_000,
            batch_size=32,
            learning_rate=2e-4,
            weight_decay=0.05,
            crop=0.1,
            flip="auto",
        ),
        computes_in_bf16=True,
    )


def fit_frozen(model: str, dataset: Dataset, seed: int, latent_dim: int) -> BaselineFit:  # noqa: ARG001
    """A linear layer with a softmax on the backbone's standardised features.

    Raises:
        TrainingError: there are no weights of it here.
    """
    weights = find_weights(model)
    found = _features(model, weights, dataset)
    return in_a_thread_of_its_own(partial(_fit_head, dataset, seed, found, weights.digest))


def _fit_head(dataset: Dataset, seed: int, found: "Features", digest: str) -> BaselineFit:
    from sklearn.neural_network import MLPClassifier

    head = MLPClassifier((), alpha=1e-3, batch_size=min(64, len(found.train)), max_iter=EPOCHS, random_state=seed)
    with warnings.catch_warnings():
        # Stopping after so many epochs is a choice.
        warnings.filterwarnings("ignore", message=".*Maximum iterations.*")
        head.fit((found.train - found.mean) / found.std, dataset.labels[dataset.train])
    [weight], [bias] = head.coefs_, head.intercepts_
    fitted = {"digest": digest, "mean": found.mean, "std": found.std, "weight": weight, "bias": bias}
    fitted["classes"] = np.asarray(head.classes_, np.int64)
    start = time.perf_counter()
    probabilities = _named(fitted, found.test, len(dataset.class_names))
    return BaselineFit(
        probabilities=probabilities,
        fitted=fitted,
        parameters=weight.size + bias.size,
        predict_seconds=found.seconds + time.perf_counter() - start,
    )


def _named(fitted: Any, features: NDArray[np.float32], num_classes: int) -> NDArray[np.float32]:
    """Probabilities (n, K); of two classes the layer has one output, and those that it has not seen get nothing."""
    from scipy.special import softmax

    logits = (features - fitted["mean"]) / fitted["std"] @ fitted["weight"] + fitted["bias"]
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    probabilities = np.zeros((len(features), num_classes), np.float32)
    probabilities[:, fitted["classes"]] = softmax(logits, axis=1)
    return probabilities


def restored_frozen(model: str, fitted: Any, shape: tuple[int, ...], num_classes: int) -> Answers:
    """The answers of a kept layer about images of pixels / 255; the backbone is looked for again.

    Raises:
        ValueError: it is no such layer, or the weights are not here any more.
    """
    if not isinstance(fitted, dict) or set(fitted) != {"digest", "mean", "std", "weight", "bias", "classes"}:
        raise ValueError("it is no linear layer on features of a backbone")
    try:
        weights = find_weights(model)
    except TrainingError as error:
        raise ValueError(str(error)) from error
    if weights.digest != fitted["digest"]:
        raise ValueError(f"it was trained on other weights of {model} ({fitted['digest'][:8]}) than are here")
    network, num_features = backbone(model, weights)
    shapes = [np.shape(fitted[name]) for name in ("mean", "std")]
    classes = np.asarray(fitted["classes"])
    if shapes != [(num_features,)] * 2 or len(fitted["weight"]) != num_features or classes.max() >= num_classes:
        raise ValueError(f"it does not fit {num_features} features and {num_classes} classes")
    network = network.to(memory_format=torch.channels_last).eval()

    def answers(pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        rows = torch.as_tensor(pixels).view(-1, *shape)
        return {"probabilities": _named(fitted, _seen(network, rows), num_classes)}

    return answers


class Features(NamedTuple):
    """What a backbone gives for training and test examples, (n, D)."""

    train: NDArray[np.float32]
    test: NDArray[np.float32]
    mean: NDArray[np.float32]
    """(D,) of the training examples."""
    std: NDArray[np.float32]
    seconds: float
    """Wall time that the test examples took."""


_kept: dict[tuple[object, ...], Features] = {}
"""The features of the last data and backbone: seeds ask for them one after another."""
_lock = threading.Lock()


def _features(model: str, weights: Weights, dataset: Dataset) -> Features:
    key = (model, weights.digest, dataset.digest, dataset.train.tobytes(), dataset.test.tobytes())
    with _lock:
        if key not in _kept:
            _kept.clear()
            device = pick_device()
            network = backbone(model, weights)[0].to(device).to(memory_format=torch.channels_last).eval()
            train = _computed(network, dataset, dataset.train)
            start = time.perf_counter()
            test = _computed(network, dataset, dataset.test)
            seconds = time.perf_counter() - start
            _kept[key] = Features(train, test, train.mean(0), train.std(0) + np.float32(1e-6), seconds)
        return _kept[key]


def _computed(network: nn.Module, dataset: Dataset, index: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features (n, D) of the examples `index`."""
    blocks = (torch.as_tensor(take(dataset.features, rows)).float() / 255 for rows in parts(index, 64))
    return np.concatenate([_seen(network, block) for block in blocks])


def _seen(network: nn.Module, pixels: torch.Tensor) -> NDArray[np.float32]:
    """Features (n, D) of images (n, H, W) or (n, H, W, C) in 0..1."""
    device = next(network.parameters()).device
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        images = as_seen(ChannelsFirst(tuple(pixels.shape[1:]))(pixels.to(device)))
        features: NDArray[np.float32] = network((images - mean) / std).flatten(1).cpu().numpy()
    return features


def as_seen(images: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (B, 3, side, side), as a backbone takes them."""
    side = SMALL_SIDE if max(images.shape[-2:]) <= SMALL_SIDE // 2 else SIDE
    large = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
    return large.expand(-1, 3, -1, -1)


class Tuned(nn.Module):
    """A backbone and a fresh linear layer, all of which learn."""

    def __init__(self, net: nn.Module, num_features: int, shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.enter, self.net, self.head = ChannelsFirst(shape), net, nn.Linear(num_features, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (B, H, W) or (B, H, W, C) to logits (B, K); not as a stack."""
        logits: torch.Tensor = self.head(self.net(as_seen(self.enter(x))).flatten(1))
        return logits


def build_tuned(model: str, like: Architecture) -> nn.Module:
    """See `Tuned`.

    Raises:
        TrainingError: there are no weights of it here.
    """
    net, num_features = backbone(model, find_weights(model))
    return Tuned(net, num_features, like.shape, like.num_classes).to(memory_format=torch.channels_last)
