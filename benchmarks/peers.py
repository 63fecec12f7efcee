"""Seconds beside tsai, aeon and a plain PyTorch loop, same networks, same data: docs/peers.md (`make bench-peers`).

    python -m benchmarks.peers [--families resnet,gru] [--rounds 3]

tsai is not a dependency of this project: the make target puts it into build/peers, and only processes of its own see
it there. All train the same modules with AdamW, batches of 64 and as many epochs, five seeds: the plain loop and tsai
one after another, as one would. *Judged*: the seconds of `hw3models.study` until five seeds are trained, tested and
compared, beside the others' trainings and the answers of their five models on as many test examples.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.measured import PLAIN, architecture_of, network_of, synthetic, timed, trained
from benchmarks.speed.reference import one_after_another
from hw3models import study
from hw3models.runtime.devices import cpu_name

ROOT = Path(__file__).resolve().parents[1]
PAGE, THEIRS = ROOT / "docs" / "peers.md", ROOT / "build" / "peers"
FAMILIES = ("inception", "resnet", "lstm", "gru")
SEEDS, EPOCHS, NUM_TRAIN, NUM_TEST = 5, 3, 640, 320
MUST = 1.5
HEAD = """# Beside other libraries

Seconds until five seeds of a network are trained, and until there is a verdict (the others: until their models are
tested), beside [tsai](https://github.com/timeseriesAI/tsai) (fastai's loop) and a plain PyTorch loop. All have the same
module, data, optimizer (AdamW), batches of 64 and {epochs} epochs; {num} series of 50 x 8. `minirocket` is a baseline:
aeon's own classifier beside the family here, whose seconds are those of the whole study. Medians of {rounds} rounds,
in turn; in brackets the least and the greatest ratio. `make bench-peers` writes this page.
"""


class Seconds(NamedTuple):
    """What one of them took in a round: until trained, and until the models are tested (and judged, here)."""

    trained: float
    judged: float


def ours(family: str) -> Seconds:
    """The engine alone, then a whole study from arrays to the verdict."""
    recipe = PLAIN.model_copy(update={"epochs": EPOCHS})
    per_model_and_epoch = trained(synthetic("sequences", NUM_TRAIN), family, SEEDS, recipe)
    features, labels = _data()
    test = np.arange(len(labels)) >= NUM_TRAIN
    work = partial(study, features, labels, test=test, families=[family], seeds=SEEDS, own_recipe=recipe)
    whole = timed(partial(work, validation_fraction=0.05))
    return Seconds(per_model_and_epoch * SEEDS * EPOCHS, whole)


def plain(family: str) -> Seconds:
    """The loop that everybody writes, seed after seed."""
    dataset = synthetic("sequences", NUM_TRAIN)
    build = partial(network_of("sequences", family).build, architecture_of(dataset))
    x, y = torch.from_numpy(dataset.features), torch.from_numpy(dataset.labels)
    seconds = timed(partial(one_after_another, build, x, y, models=SEEDS, epochs=EPOCHS))
    return Seconds(seconds, seconds + SEEDS * _tested(build().eval()))


def tsai(family: str) -> Seconds:
    """In a process of its own, whose imports are not counted."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(THEIRS)])}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.peers", "--as-tsai", family]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return Seconds(*json.loads(done.stdout.splitlines()[-1]))


def as_tsai(family: str) -> Seconds:
    """Our module in tsai's data loaders and fastai's learner, seed after seed."""
    import fastai.callback.progress  # type: ignore[import-not-found]  # noqa: F401  (its import adds `no_bar`)
    from fastai.learner import Learner  # type: ignore[import-not-found]
    from tsai.data.core import TSClassification, TSDataLoaders, TSDatasets  # type: ignore[import-not-found]

    torch.set_num_threads(os.cpu_count() or 1)
    dataset = synthetic("sequences", NUM_TRAIN)
    build = partial(network_of("sequences", family).build, architecture_of(dataset))
    x, y = dataset.features.transpose(0, 2, 1), dataset.labels
    begun = time.perf_counter()
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        splits = (list(range(NUM_TRAIN)), list(range(64)))
        sets = TSDatasets(x, y, tfms=[None, TSClassification()], splits=splits, inplace=True)
        loaders = TSDataLoaders.from_dsets(sets.train, sets.valid, bs=[64, 64], num_workers=0)
        learner = Learner(loaders, _ChannelsFirst(build()), loss_func=nn.CrossEntropyLoss())
        with learner.no_bar(), learner.no_logging():
            learner.fit(EPOCHS, lr=1e-3)
    seconds = time.perf_counter() - begun
    return Seconds(seconds, seconds + SEEDS * _tested(build().eval()))


class _ChannelsFirst(nn.Module):
    """Our networks see (N, T, C), tsai's data are (N, C, T)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> Any:
        """Logits."""
        return self.network(torch.as_tensor(x).transpose(1, 2).contiguous())


def minirocket(of_aeon: bool) -> Seconds:
    """Five seeds of aeon's classifier, or of the family here (to the verdict alone)."""
    features, labels = _data()
    test = np.arange(len(labels)) >= NUM_TRAIN
    if not of_aeon:
        whole = timed(lambda: study(features, labels, test=test, families=["minirocket"], seeds=SEEDS))
        return Seconds(whole, whole)
    from aeon.classification.convolution_based import MiniRocketClassifier

    def work() -> None:
        for seed in range(SEEDS):
            classifier = MiniRocketClassifier(random_state=seed, n_jobs=-1)
            classifier.fit(features[~test].transpose(0, 2, 1), labels[~test])
            classifier.predict(features[test].transpose(0, 2, 1))

    return Seconds(*[timed(work)] * 2)


def _data() -> tuple[Any, Any]:
    both = synthetic("sequences", NUM_TRAIN + NUM_TEST)
    return both.features, both.labels


def _tested(model: nn.Module) -> float:
    inputs = torch.zeros(NUM_TEST, 50, 8)
    with torch.inference_mode():
        return timed(lambda: [model(part) for part in inputs.split(64)])


def _row(name: str, rounds: list[dict[str, Seconds]]) -> str:
    cells = []
    for what in Seconds._fields:
        found = {who: [getattr(one[who], what) for one in rounds] for who in rounds[0]}
        ratios = [min(theirs) / mine for mine, *theirs in zip(*found.values(), strict=True)]
        cells += [" / ".join(f"{statistics.median(found[who]):.1f}" if who in found else "-" for who in WHO)]
        cells += [f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"]
    return f"| {name} | {' | '.join(cells)} |"


WHO = ("hw3", "plain", "tsai", "aeon")


def main() -> None:
    """Everybody in turn, round after round; the page is written after each family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", default=",".join((*FAMILIES, "minirocket")))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--as-tsai", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.as_tsai:
        print(json.dumps(as_tsai(given.as_tsai)))
        return
    networks: dict[str, Callable[[str], Seconds]] = {"hw3": ours, "plain": plain, "tsai": tsai}
    rows = [
        "| network | until trained, s: hw3 / plain / tsai / aeon | fastest other : hw3 "
        "| until judged, s | fastest other : hw3 |",
        "|---|---|---|---|---|",
    ]
    for family in given.families.split(","):
        if family == "minirocket":
            who = {"hw3": lambda _: minirocket(of_aeon=False), "aeon": lambda _: minirocket(of_aeon=True)}
        else:
            who = networks
        for measure in who.values():
            measure(family)  # to warm up: what is compiled, proved and read once
        rounds = [{name: measure(family) for name, measure in who.items()} for _ in range(given.rounds)]
        rows.append(_row(family, rounds))
        print(rows[-1], flush=True)
        head = HEAD.format(epochs=EPOCHS, num=NUM_TRAIN, rounds=given.rounds)
        where = f"{cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {datetime.now(UTC):%F}."
        PAGE.write_text("\n".join([head, *rows, "", f"Wanted: {MUST} times the fastest of the others. {where}", ""]))


if __name__ == "__main__":
    main()
