"""Speed must not get lost unseen: ratios in one run, far below what `make bench` must reach, never absolute times."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from benchmarks.gpu import Tutorial
from benchmarks.measured import synthetic, trained
from benchmarks.speed.cases import PLAIN, per_model_and_epoch
from benchmarks.speed.reference import naive_autoencoder, naive_classifier, one_after_another
from hw3models.families import Network, find_family
from hw3models.families.family import Architecture
from hw3models.specs import Recipe

pytestmark = pytest.mark.alone


def ratios(reference: Callable[[], float], ours: Callable[[], float], rounds: int = 3) -> float:
    """Of the fastest of each, measured in turn: what else runs on the machine can only make a round slower."""
    ours()
    pairs = [(reference(), ours()) for _ in range(rounds)]
    return min(theirs for theirs, _ in pairs) / min(mine for _, mine in pairs)


@pytest.mark.parametrize(
    ("family", "naive", "at_least"), [("mlp", naive_classifier, 8), ("autoencoder", naive_autoencoder, 2)]
)
def test_replicates_on_images_are_many_times_faster_than_the_naive_loop(
    family: str, naive: Callable[..., None], at_least: float
) -> None:
    dataset = synthetic("images", 4_096)
    reference = partial(per_model_and_epoch, partial(naive, Tutorial(dataset)), 1)
    ours = partial(trained, dataset, family, 16, PLAIN)
    assert ratios(reference, ours) > at_least


@pytest.mark.parametrize(("family", "at_least"), [("mlp", 1.2), ("cnn", 0.7), ("lstm", 0.6), ("gru", 0.9)])
def test_replicates_on_series_are_not_slower_than_one_after_another(family: str, at_least: float) -> None:
    dataset = synthetic("sequences", 1_024)
    network = find_family("sequences", family)
    assert isinstance(network, Network)
    x, y = torch.from_numpy(dataset.features), torch.from_numpy(dataset.labels)
    build = partial(network.build, Architecture(shape=(50, 8), num_classes=2))
    reference = partial(per_model_and_epoch, partial(one_after_another, build, x, y, models=2, epochs=1), 2)
    recipe: Recipe = PLAIN.model_copy(update={"optimizer": "adamw"})
    assert ratios(reference, partial(trained, dataset, family, 8, recipe)) > at_least


def test_time_per_example_does_not_grow_with_the_data() -> None:
    """Quadratic work anywhere would show as 10; the larger set leaves the caches, which others' load makes dearer."""

    def per_example(num: int) -> float:
        recipe = PLAIN.model_copy(update={"batch_size": 256, "epochs": 40_000 // num})
        return trained(synthetic("sequences", num), "mlp", 2, recipe) / num

    assert ratios(partial(per_example, 40_000), partial(per_example, 4_000), rounds=4) < 3
