"""False alarms of the verdict on networks that were really trained: a family against itself with other seeds.

Each data set is drawn anew and gives a pool of seeds; pairs of disjoint groups of S seeds from the pool are compared as
two families would be. Pairs of one data set share its seeds, so the Monte Carlo interval counts data sets, not pairs.

S = seeds of each group, P = seeds in a pool
"""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from hw3models.data import fetch, prepare
from hw3models.evaluation.metrics import predictions
from hw3models.evaluation.prediction_table import load_table
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.runtime.orphans import end_with
from hw3models.specs import DataSpec, Recipe, Report, TrainSpec
from hw3models.stats.intervals import difference, measure_mean

SEEDS = (3, 5, 10)
LEVEL = 0.05
CASES = (("mlp", "regime:trend"), ("cnn", "regime:dynamics"))
"""Small and quick to train, and with seeds that differ: none is right on all examples."""


class TrainedCalibration(Report):
    """False alarms at 5% between groups of S seeds of one family."""

    family: str
    source: str
    seeds: int
    datasets: int
    pairs: int
    """Per data set."""
    false_alarms: float
    low: float
    high: float
    """95%, by Student's t over the data sets."""


def calibrate_trained(
    *, datasets: int = 200, pool: int = 20, pairs: int = 20, processes: int = 2, seeds: Sequence[int] = SEEDS
) -> Iterator[TrainedCalibration]:
    """Train `datasets` pools of each case, and compare groups of every size in `seeds` that fits twice into a pool."""
    sizes = [size for size in seeds if 2 * size <= pool]
    with ProcessPoolExecutor(processes, initializer=_begin, initargs=(os.getpid(),)) as executor:
        for family, source in CASES:
            alarms = np.array(list(executor.map(partial(_alarms, family, source, pool, pairs, sizes), range(datasets))))
            for column, size in enumerate(sizes):
                yield _summary(family, source, size, pairs, alarms[:, column])


def _begin(parent: int) -> None:
    end_with(parent)
    torch.set_num_threads(1)


def _alarms(family: str, source: str, pool: int, pairs: int, sizes: Sequence[int], number: int) -> list[float]:
    """The share of alarms among the pairs of each size, on the data set of this number."""
    right = _right(family, source, pool, number)
    rng = np.random.default_rng([20_261_123, number])
    shares = []
    for size in sizes:
        hits = 0
        for _ in range(pairs):
            order = rng.permutation(pool)
            first, second = (
                measure_mean(right[rows], is_share=True) for rows in (order[:size], order[size : 2 * size])
            )
            hits += difference(first, second).p_value() <= LEVEL
        shares.append(hits / pairs)
    return shares


def _right(family: str, source: str, pool: int, number: int) -> NDArray[np.float64]:
    """(P, n): which test examples each seed names rightly."""
    data_spec = DataSpec(source=source, seed=number, num_train=120, num_test=300)
    # Short: what matters is that training is real and seeds differ, not that it is good.
    recipe = Recipe(epochs=8, batch_size=32, learning_rate=3e-3)
    with TemporaryDirectory() as folder:
        cache = Path(folder)
        data = prepare(data_spec, fetch(data_spec, cache=cache), cache=cache)
        spec = TrainSpec(data=data_spec, family=family, seeds=tuple(range(pool)), recipe=recipe, device="cpu")
        evaluation = evaluate_step(train_step(spec, data, cache / "model"), data)
        table = load_table(Path(evaluation.table_path))
    right: NDArray[np.float64] = (predictions(table) == table.labels).astype(np.float64)
    return right


def _summary(family: str, source: str, size: int, pairs: int, shares: NDArray[np.float64]) -> TrainedCalibration:
    mean, num = float(shares.mean()), len(shares)
    half = float(student.ppf(0.975, num - 1) * shares.std(ddof=1) / math.sqrt(num)) if num > 1 else math.inf
    return TrainedCalibration(
        family=family,
        source=source,
        seeds=size,
        datasets=num,
        pairs=pairs,
        false_alarms=mean,
        low=max(0.0, mean - half),
        high=min(1.0, mean + half),
    )
