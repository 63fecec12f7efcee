"""How long the trainings of a study will take: a guess before the first, better with each that has ended."""

import math
import threading
import time
from collections.abc import Mapping

from hw3models.data import load_prepared
from hw3models.engine.batches import batch_size, num_epochs
from hw3models.engine.examination import estimated_seconds
from hw3models.engine.fit import EpochReport
from hw3models.families import Network, find_family
from hw3models.specs import DataReport, TrainSpec

RATES = {"mlp": 0.007, "cnn": 0.2, "autoencoder": 0.005, "pca": 0.005}
"""Seconds of two cores for a million input values: of image networks in each epoch of each seed, of baselines once a
seed. Of the trainings in README's table of results. Another machine is told after the first family.
"""
OF_NETWORKS, OF_BASELINES = 0.2, 0.5
"""The same for other families."""
ROCKETS = 2.5
STEPS = {
    "mlp": (0.4, 0.0003),
    "cnn": (2.5, 0.004),
    "lite": (9.0, 0.009),
    "lstm": (2.6, 0.003),
    "gru": (2.5, 0.32),
    "transformer": (6.0, 0.003),
    "fcn": (3.0, 0.019),
    "resnet": (9.0, 0.033),
    "tcn": (1.0, 0.025),
    "inception": (12.0, 0.073),
}
"""Networks for series: processor time in ms of a step of the optimizer, and for each time step of its examples more
(docs/decisions/0031 has the measurements)."""
OTHER_STEPS = (5.0, 0.02)
ONE_BY_ONE = ("gru",)
"""Networks that take so long for a time step of all examples together: one step waits for the other."""
CORES = 2
"""Number of cores of the machine that these were measured on; seeds are divided among them."""
TRUSTED = 0.1
"""Share of a training from which on its own pace alone says how long the rest takes."""
MEASURED_FROM = 20.0
"""Seconds from which on a step is timed here, rather than guessed: it costs a hundredth of what it tells."""


def guess(spec: TrainSpec, data: DataReport) -> float:
    """Seconds that the training may take, within a factor of three or so."""
    seconds = _guessed(spec, data)
    if seconds < MEASURED_FROM or spec.recipe is None:
        return seconds
    family = find_family(data.kind, spec.family, spec.origin, data.task)
    return estimated_seconds(family, load_prepared(data), spec) if isinstance(family, Network) else seconds


def _guessed(spec: TrainSpec, data: DataReport) -> float:
    values = data.num_train * math.prod(data.shape)
    if spec.recipe is None:
        rate = ROCKETS if "rocket" in spec.family else RATES.get(spec.family, OF_BASELINES)
        return 0.1 + rate * values / 1e6 * len(spec.seeds)
    if data.kind == "images":
        rate = RATES.get(spec.family, OF_NETWORKS)
        return 0.2 + rate * values / 1e6 * num_epochs(spec.recipe, data.num_train) * len(spec.seeds)
    size, length = batch_size(spec.recipe, data.num_train), data.shape[0]
    steps = num_epochs(spec.recipe, data.num_train, length) * -(-data.num_train // size)
    fixed, each = STEPS.get(spec.family, OTHER_STEPS)
    if spec.family in ONE_BY_ONE:
        size = 1
    return 0.2 + steps * (fixed + each * size * length) / 1000 * len(spec.seeds) / min(CORES, len(spec.seeds))


class Estimate:
    """Seconds that are left, from what was guessed and what it really took. From any thread."""

    def __init__(self) -> None:
        self._guesses: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._epochs: dict[str, dict[int, int]] = {}
        self._took: dict[str, float] = {}
        self._lock = threading.Lock()

    def plan(self, guesses: Mapping[str, float]) -> None:
        """What comes, with a guess in seconds; what is already known stays known."""
        with self._lock:
            for label in guesses:
                self._took.pop(label, None)
                self._begun.pop(label, None)
                self._shares.pop(label, None)
                self._epochs.pop(label, None)
            self._guesses |= guesses

    def begin(self, label: str) -> None:
        """It is being trained from now on."""
        with self._lock:
            self._begun.setdefault(label, time.monotonic())

    def count(self, label: str, num_seeds: int, report: EpochReport) -> tuple[int, int]:
        """Add an epoch of some of the seeds; (how many epochs of seeds are done, of how many).

        Seeds may be trained group after group: what is done of one group is little of the whole.
        """
        with self._lock:
            epochs = self._epochs.setdefault(label, {})
            epochs |= dict.fromkeys(report.seeds, report.epoch)
            done, total = sum(epochs.values()), report.num_epochs * max(num_seeds, len(epochs))
        self.move(label, done / total)
        return done, total

    def move(self, label: str, share: float) -> None:
        """So much of it is done."""
        with self._lock:
            self._begun.setdefault(label, time.monotonic())
            self._shares[label] = share

    def finish(self, label: str) -> None:
        """It has ended."""
        with self._lock:
            self._took[label] = time.monotonic() - self._begun.get(label, time.monotonic())

    def left(self) -> float | None:
        """Seconds until all have ended; None where nothing is planned, or all have."""
        with self._lock:
            waiting = [label for label in self._guesses if label not in self._took]
            if not waiting:
                return None
            factor = self._factor()
            return sum(self._left_of(label, factor) for label in waiting)

    def _factor(self) -> float:
        """How much longer than guessed it takes here: of all that have ended, by what they really took."""
        done = [label for label in self._took if label in self._guesses and self._took[label] > 0]
        guessed = sum(self._guesses[label] for label in done)
        return sum(self._took[label] for label in done) / guessed if guessed > 0 else 1.0

    def _left_of(self, label: str, factor: float) -> float:
        whole = self._guesses[label] * factor
        if label not in self._begun:
            return whole
        spent, share = time.monotonic() - self._begun[label], self._shares.get(label, 0.0)
        if share <= 0:
            return max(whole - spent, 0.1 * whole)
        # The first epochs are slower than those that follow: until a tenth is done the guess counts as well.
        trust = min(1.0, share / TRUSTED)
        return trust * spent * (1 - share) / share + (1 - trust) * whole * (1 - share)


def about(seconds: float) -> str:
    """`about 40 s`, `about 3 min`: no more digits than are known."""
    if seconds < 1:
        return "about a second"
    if seconds < 90:
        return f"about {round(seconds) if seconds < 10 else 5 * max(1, round(seconds / 5))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
