"""One trial: a recipe trained on the training part and judged on validation examples, fold after fold.

A pure function of its spec, its plan and the data: here and on a pool it gives the same.
"""

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from statistics import fmean

from hw3models.data import load_prepared
from hw3models.data.dataset import Dataset
from hw3models.data.preparation import check_digest
from hw3models.engine.batches import num_epochs, steps_of
from hw3models.engine.fit import EpochReport, FitResult, fit
from hw3models.errors import SpecError, TrainingError
from hw3models.families import Network, find_family
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.specs import DataReport, Goal, Recipe, TrainSpec, TrialPlan, TrialReport
from hw3models.tuning.pruning import falls_short, rung_epochs
from hw3models.tuning.splits import judging_splits

SEEDS = (2_000_000_001, 2_000_000_002)
"""Seeds of every trial. No study has them (`first_seed` ends far below): what is luck with them is none later."""


def seeds_of(search: int) -> tuple[int, ...]:
    """Seeds of the trials of a search: another one has others."""
    return tuple(seed + len(SEEDS) * search for seed in SEEDS)


OnEpoch = Callable[[int, EpochReport], None]
"""Hears of every epoch, with the fold's number from 0."""


class _PrunedError(Exception):
    """Ends a training from within."""


def run_trial(
    training: TrainSpec, plan: TrialPlan, data: DataReport, *, on_epoch: OnEpoch = lambda _, __: None
) -> TrialReport:
    """Judge the recipe of `training`. One that cannot be trained is `failed`, which is an answer, too.

    Raises:
        SpecError: the family is no network for these data, or the device is not there.
        DigestError: the data are not those that the spec names.
    """
    check_digest(training, data)
    family = find_family(data.kind, training.family, training.origin, data.task)
    if not isinstance(family, Network) or training.recipe is None:
        raise SpecError(f"{training.family} has no recipe that could be tried.")
    return judge(training, training.recipe, plan, load_prepared(data), family, on_epoch)


def judge(
    training: TrainSpec,
    recipe: Recipe,
    plan: TrialPlan,
    dataset: Dataset,
    family: Network,
    on_epoch: OnEpoch = lambda _, __: None,
) -> TrialReport:
    """Judge a recipe on data that are in memory."""
    start = time.perf_counter()
    course = _Course(plan, training, recipe)

    def report(**outcome: object) -> TrialReport:
        return TrialReport.model_validate(
            {
                "number": plan.number,
                "family": training.family,
                "recipe": recipe,
                "course": tuple(course.course),
                "rungs": tuple(course.rungs),
                "seconds": time.perf_counter() - start,
                "device": describe_device(pick_device(training.device)),
                **outcome,
            }
        )

    try:
        for fold, split in enumerate(judging_splits(dataset, plan.folds, plan.search)):
            course.begin(num_epochs(recipe, len(split.train), steps_of(split)))
            course.end(fit(split, family, training, on_epoch=course.heard_by(partial(on_epoch, fold))))
    except _PrunedError:
        return report(state="pruned")
    except TrainingError as error:
        return report(state="failed", reason=str(error))
    return report(state="finished", value=course.value, loss=course.loss)


class _Course:
    """What a trial has reached so far. Replicates may report from several threads, each in its own order."""

    def __init__(self, plan: TrialPlan, training: TrainSpec, recipe: Recipe) -> None:
        self.plan, self.seeds, self.recipe, self.goal = plan, frozenset(training.seeds), recipe, training.goal
        self.course: list[float] = []
        self.rungs: list[float] = []
        self._values: list[float] = []
        self._losses: list[float] = []
        self._lock = threading.Lock()

    @property
    def value(self) -> float:
        """Mean of the goal over all folds."""
        return fmean(self._values)

    @property
    def loss(self) -> float:
        """Validation loss, over all folds."""
        return fmean(self._losses)

    def begin(self, epochs: int) -> None:
        """The next fold."""
        self._looks = frozenset(rung_epochs(epochs))
        self._waiting: dict[int, dict[int, float]] = {}
        self._next = 1

    def heard_by(self, other: Callable[[EpochReport], None]) -> Callable[[EpochReport], None]:
        """An observer of the fold, which ends the training when the trial is pruned."""

        def hear(report: EpochReport) -> None:
            other(report)
            with self._lock:
                self._take(report)

        return hear

    def end(self, result: FitResult) -> None:
        """The fold is done: what counts is the epoch whose parameters are kept."""
        if result.failures:
            # The mean over those that were lucky says little about the next seed.
            raise TrainingError(" ".join(failure.reason for failure in result.failures))
        kept = [_kept(result, seed, self.recipe, self.goal) for seed in result.seeds]
        self._losses.append(fmean(_read("loss", report, seed) for report, seed in kept))
        self._values.append(fmean(_read(self.plan.goal, report, seed) for report, seed in kept))

    def _take(self, report: EpochReport) -> None:
        row = self._waiting.setdefault(report.epoch, {})
        row |= {seed: _read(self.plan.goal, report, seed) for seed in report.seeds}
        # In the order of the epochs, and of all seeds: the same whoever comes first.
        while self._waiting.get(self._next, {}).keys() == self.seeds:
            epoch, values = self._next, self._waiting.pop(self._next)
            if not all(map(math.isfinite, values.values())):
                return  # the replicate is lost; the end of the fold says so
            self._next += 1
            self.course.append(fmean([*self._values, fmean(values[seed] for seed in sorted(values))]))
            if epoch not in self._looks:
                continue
            self.rungs.append(self.course[-1])
            if falls_short(self.rungs, self.plan.bars, self.plan.goal):
                self._next = 0  # nothing comes after
                raise _PrunedError


def _kept(result: FitResult, seed: int, recipe: Recipe, goal: Goal) -> tuple[EpochReport, int]:
    """The report of the epoch whose parameters the replicate of `seed` has."""
    ran = [report for report in result.epochs if seed in report.seeds and report.running[report.seeds.index(seed)]]
    if recipe.select == "best":
        return min(ran, key=lambda report: _order(goal, report, seed)), seed
    return ran[-1], seed


def _order(goal: Goal, report: EpochReport, seed: int) -> tuple[float, float]:
    """What the best epoch has least of."""
    loss = _read("loss", report, seed)
    return (0.0 if goal == "loss" else -_read(goal, report, seed), loss)


def _read(goal: Goal, report: EpochReport, seed: int) -> float:
    row = report.seeds.index(seed)
    assert report.validation_loss is not None
    if goal == "loss" or not math.isfinite(report.validation_loss[row]):
        return report.validation_loss[row]
    values = report.validation(goal)
    assert values is not None
    return values[row]
