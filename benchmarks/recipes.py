"""Which recipe is best? Cross-validation on the training parts of real data sets; test splits are never looked at.

    python -m benchmarks.recipes --family cnn --folds 3 --change mixup=0.5 --change mixup=0.5,dropout=0.5
    python -m benchmarks.recipes --family mlp --sources digits fashion-mnist --change batch_size=256,epochs=20

Every change is tried against the family's default recipe, on the same folds with the same seeds. The figure of merit
is the mean over the data sets: one recipe must do for all, those never seen included.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measured import accuracies, network_of
from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.data.scaling import learn_scaling
from hw3models.engine.fit import fit
from hw3models.families import Network
from hw3models.specs import DataSpec, Recipe, TrainSpec
from tasks.settings import Settings

SHARED = Path(__file__).parents[2] / "shared" / "data" / "uea"
SOURCES = (
    f"{SHARED}/RacketSports/RacketSports_TRAIN.ts",
    f"{SHARED}/FingerMovements/FingerMovements_TRAIN.ts",
    "aeon:BasicMotions",
    "aeon:JapaneseVowels",
    "aeon:ArrowHead",
    "aeon:GunPoint",
)


def folds(dataset: Dataset, number: int, repeat: int) -> Iterator[Dataset]:
    """Stratified folds of the training part (validation included): each is the test split once.

    Folds are blocks of a class's examples in the order of the file: neighbours there are often of one person or one
    session, and a fold that holds them all is as new to the network as a test split will be.
    """
    rng = np.random.default_rng(repeat)
    pool = np.sort(np.concatenate([dataset.train, dataset.validation]))
    fold = np.empty(len(pool), np.int64)
    for label in np.unique(dataset.labels[pool]):
        members = np.flatnonzero(dataset.labels[pool] == label)
        fold[members] = (np.arange(len(members)) * number + repeat) // len(members) % number
    share = len(dataset.validation) / len(pool)
    for k in range(number):
        rest = rng.permutation(pool[fold != k])
        held_out = round(share * len(rest))
        train = np.sort(rest[held_out:])
        mean, std = learn_scaling(dataset.features, dataset.lengths, train)
        yield replace(
            dataset,
            train=train,
            validation=np.sort(rest[:held_out]),
            test=pool[fold == k],
            mean=mean,
            std=std,
        )


def accuracy(dataset: Dataset, family: Network, recipe: Recipe, seeds: tuple[int, ...]) -> list[float]:
    """Of each seed on the fold that was left out."""
    result = fit(dataset, family, TrainSpec(family=family.name, seeds=seeds, recipe=recipe, device="cpu"))
    return accuracies(family, dataset, result.states)


def main() -> None:
    """Print a row per recipe: accuracy on each data set, their mean, and the seconds it took."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--family", default="cnn")
    options.add_argument("--change", action="append", default=[], help="such as mixup=0.5,dropout=0.3")
    options.add_argument("--folds", type=int, default=3)
    options.add_argument("--repeats", type=int, default=1)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--sources", nargs="*", default=list(SOURCES))
    given = options.parse_args()
    sets = {Path(source).stem.removesuffix("_TRAIN").removeprefix("aeon:"): _load(source) for source in given.sources}
    family = network_of(next(iter(sets.values())).kind, given.family)
    print(f"{given.family:>60}", *(f"{name[:9]:>9}" for name in sets), "     mean  seconds", flush=True)
    for change in ["", *given.change]:
        values: dict[str, Any] = {
            name: json.loads(value) for name, value in (pair.split("=") for pair in change.split(",") if pair)
        }
        recipe = Recipe(**(family.recipe.model_dump() | values))
        start, means = time.perf_counter(), []
        for dataset in sets.values():
            parts = [fold for repeat in range(given.repeats) for fold in folds(dataset, given.folds, repeat)]
            means.append(np.mean([accuracy(part, family, recipe, tuple(range(given.seeds))) for part in parts]))
        row = " ".join(f"{100 * mean:9.1f}" for mean in means)
        print(
            f"{change or 'default':>60} {row} {100 * np.mean(means):9.2f} {time.perf_counter() - start:8.0f}",
            flush=True,
        )


def _load(source: str) -> Dataset:
    spec, cache = DataSpec(source=source), Settings().cache
    return load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))


if __name__ == "__main__":
    main()
