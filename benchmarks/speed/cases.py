"""The cases: each is measured in rounds, ours and the reference side by side, and judged by the median ratio."""

import statistics
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torchvision.datasets import MNIST

from benchmarks import measured
from benchmarks.measured import (
    ROUNDS,
    Result,
    accuracies,
    architecture_of,
    judged,
    network_of,
    synthetic,
    timed,
    trained,
)
from benchmarks.speed import data, gemm
from benchmarks.speed.reference import naive_autoencoder, naive_classifier, one_after_another
from hw3models.data.dataset import Dataset
from hw3models.engine.fit import fit
from hw3models.specs import Recipe, TrainSpec

PLAIN = measured.PLAIN.model_copy(update={"optimizer": "adam"})


def per_model_and_epoch(work: Callable[[], object], num: int) -> float:
    """Wall seconds of `work`, shared among `num` passes of a model over the data."""
    return timed(work) / num


def paired(case: str, must: float, reference: Callable[[], float], ours: Callable[[], float]) -> Result:
    """Both in turn, `ROUNDS` times after a warm-up of ours; the figures are seconds per model and epoch."""
    ours()
    return judged(case, must, [(reference(), ours()) for _ in range(ROUNDS)])


def images(mnist: MNIST) -> Iterator[Result]:
    """784-64-10 and the autoencoder on MNIST against the naive loop, 16 replicates, batch 64."""
    dataset = data.prepared_images(mnist)
    for family, naive, must in (("mlp", naive_classifier, 25.0), ("autoencoder", naive_autoencoder, 6.0)):
        yield paired(
            f"{family} on MNIST, 16 replicates, against the naive loop",
            must,
            partial(timed, partial(naive, mnist)),
            partial(trained, dataset, family, 16, PLAIN),
        )


def sequences() -> Iterator[Result]:
    """4,000 series of 50 x 8, 8 replicates, against plain modules one after another."""
    dataset = synthetic("sequences", 4000)
    x, y = torch.from_numpy(dataset.features), torch.from_numpy(dataset.labels)
    for family, must in (("mlp", 2.0), ("cnn", 1.2), ("lstm", 1.3), ("gru", 1.8)):
        build = partial(network_of("sequences", family).build, architecture_of(dataset))
        epochs, models = (4, 4) if family == "mlp" else (1, 2)
        work = partial(one_after_another, build, x, y, models=models, epochs=epochs)
        recipe = measured.PLAIN.model_copy(update={"epochs": epochs})
        yield paired(
            f"{family} on 4,000 series of 50 x 8, 8 replicates, against one after another",
            must,
            partial(per_model_and_epoch, work, models * epochs),
            partial(trained, dataset, family, 8, recipe),
        )


def convolutions() -> Iterator[Result]:
    """The small CNN on images as MNIST's, 5 replicates, against plain modules one after another, channels last both."""
    dataset = synthetic("images", 4000)
    x, y = torch.from_numpy(dataset.features).float().div(255).sub(0.5).div(0.3), torch.from_numpy(dataset.labels)
    build = partial(network_of("images", "cnn").build, architecture_of(dataset))
    work = partial(one_after_another, build, x, y, models=5, epochs=1)
    yield paired(
        "cnn on 4,000 images of 28 x 28, 5 replicates, against one after another",
        1.3,
        partial(per_model_and_epoch, work, 5),
        partial(trained, dataset, "cnn", 5, PLAIN),
    )


def achieved(mnist: MNIST | None) -> Iterator[Result]:
    """FLOP/s of the matrix products in training against the machine's own at those shapes."""
    threads = torch.get_num_threads()
    series = synthetic("sequences", 4000)
    cases: list[tuple[str, Dataset, int, list[gemm.Shape]]] = [
        ("cnn", series, 8, gemm.convolution_products(64, 50, ((8, 64, 7), (64, 64, 5), (64, 64, 3))))
    ]
    if mnist is not None:
        digits = data.prepared_images(mnist)
        body = (784, 128, 64, 2, 64, 128, 784)
        cases = [
            ("mlp", digits, 16, gemm.layer_products(64, (784, 64, 10))),
            ("autoencoder", digits, 16, gemm.layer_products(64, body)),
            *cases,
        ]
    for family, dataset, replicates, shapes in cases:
        steps = len(dataset.train) / 64
        work = gemm.flops(shapes) * steps
        ratios, mine, theirs = [], [], []
        for _ in range(ROUNDS):
            mine.append(work / trained(dataset, family, replicates, PLAIN) / 1e9)
            theirs.append(gemm.flops(shapes) / gemm.seconds_of(shapes, threads) / 1e9)
            ratios.append(mine[-1] / theirs[-1])
        yield Result(
            f"{family}: achieved GFLOP/s against the machine's GEMM at those shapes",
            ours=statistics.median(mine),
            reference=statistics.median(theirs),
            ratio=statistics.median(ratios),
            spread=(min(ratios), max(ratios)),
            must=0.45,
            unit="GFLOP/s",
        )


SPRINT = Recipe(epochs=4, batch_size=128, learning_rate=8e-3, weight_decay=0.1, schedule="one-cycle")
"""Chosen on 5,000 of the training images, kept aside."""


def sprint(mnist: MNIST) -> Iterator[Result]:
    """Seconds that one model needs to 97.5% on MNIST's test images, data in memory; asked once, at the end."""
    dataset = data.prepared_images(mnist)
    network = network_of("images", "mlp")
    seconds, reached = [], []
    for seed in range(ROUNDS):
        spec = TrainSpec(family="mlp", seeds=(seed,), recipe=SPRINT, device="cpu")
        result = fit(dataset, network, spec)
        seconds.append(result.seconds)
        reached.append(100 * accuracies(network, dataset, result.states)[0])
    if statistics.median(reached) < 97.5:
        raise RuntimeError(f"the sprint ended at {statistics.median(reached):.2f}%, not at 97.5%.")
    median = statistics.median(seconds)
    yield Result(
        f"seconds to 97.5% on MNIST's test images, one model (reached: {statistics.median(reached):.2f}%)",
        ours=median,
        reference=4.0,
        ratio=4.0 / median,
        spread=(4.0 / max(seconds), 4.0 / min(seconds)),
        must=1.0,
    )


def growth(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> Iterator[Result]:
    """Seconds per example and epoch, from ten thousand to a million series: linear means they stay the same.

    As many epochs for each size (the default recipe has 30): what is done once for the data is shared by as many.
    All sizes in turn, so that a machine that others slow down for a while slows down all of them.
    """
    recipe = PLAIN.model_copy(update={"batch_size": 256, "epochs": 6})
    datasets = {size: synthetic("sequences", size) for size in sizes}
    trained(datasets[sizes[0]], "mlp", 2, recipe)
    rounds = [
        {size: 1e6 * trained(dataset, "mlp", 2, recipe) / size for size, dataset in datasets.items()}
        for _ in range(ROUNDS)
    ]
    for size in sizes[1:]:
        yield judged(
            f"microseconds per series, {size:,} series against {sizes[0]:,}",
            1 / 1.15,
            [(one[sizes[0]], one[size]) for one in rounds],
            unit="us",
        )
