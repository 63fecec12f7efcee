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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from hw3models.data.blocks import take
from hw3models.data.dataset import Dataset
from hw3models.families.baselines import parts
from hw3models.families.family import Architecture, Baseline, BaselineFit, Family, Network
from hw3models.families.pretrained_weights import backbone, check_backbone, find_weights
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
    train, test, seconds = _features(model, dataset)
    return in_a_thread_of_its_own(partial(_fit_head, dataset, seed, train, test, seconds))


def _fit_head(
    dataset: Dataset, seed: int, train: NDArray[np.float32], test: NDArray[np.float32], seconds: float
) -> BaselineFit:
    from sklearn.neural_network import MLPClassifier

    head = MLPClassifier((), alpha=1e-3, batch_size=min(64, len(train)), max_iter=EPOCHS, random_state=seed)
    with warnings.catch_warnings():
        # Stopping after so many epochs is a choice.
        warnings.filterwarnings("ignore", message=".*Maximum iterations.*")
        head.fit(train, dataset.labels[dataset.train])
    start = time.perf_counter()
    found = head.predict_proba(test)
    probabilities = np.zeros((len(test), len(dataset.class_names)), np.float32)
    probabilities[:, head.classes_] = found
    return BaselineFit(
        probabilities=probabilities,
        parameters=sum(one.size for one in (*head.coefs_, *head.intercepts_)),
        predict_seconds=seconds + time.perf_counter() - start,
    )


_Features = tuple[NDArray[np.float32], NDArray[np.float32], float]
"""Features of training and test examples, standardised by the training's; the seconds that the test examples took."""
_kept: dict[tuple[object, ...], _Features] = {}
"""The features of the last data and backbone: seeds ask for them one after another."""
_lock = threading.Lock()


def _features(model: str, dataset: Dataset) -> _Features:
    weights = find_weights(model)
    key = (model, weights.digest, dataset.digest, dataset.train.tobytes(), dataset.test.tobytes())
    with _lock:
        if key not in _kept:
            _kept.clear()
            device = pick_device()
            network = backbone(model, weights)[0].to(device).to(memory_format=torch.channels_last).eval()
            train = _computed(network, dataset, dataset.train, device)
            start = time.perf_counter()
            test = _computed(network, dataset, dataset.test, device)
            seconds = time.perf_counter() - start
            mean, std = train.mean(0), train.std(0) + 1e-6
            _kept[key] = (train - mean) / std, (test - mean) / std, seconds
        return _kept[key]


def _computed(
    network: nn.Module, dataset: Dataset, index: NDArray[np.int64], device: torch.device
) -> NDArray[np.float32]:
    """(n, D)."""
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))
    enter, found = ChannelsFirst(dataset.features.shape[1:]), []
    with torch.inference_mode():
        for rows in parts(index, 64):
            images = enter(torch.as_tensor(take(dataset.features, rows)).to(device)).float() / 255
            found.append(network((as_seen(images) - mean) / std).flatten(1).cpu().numpy())
    return np.concatenate(found)


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
