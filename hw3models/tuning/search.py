"""The trials of one search, in a folder: what was asked for, what came of it, and who is at it.

Each trial is a file that is written whole or not at all, so a process may be killed at any moment; whoever tries one
holds its lock, which the system takes back when the process dies. (Optuna's own journal cannot be read any more once
a line of it was torn, and its trials are asked for in a dozen steps: docs/decisions/0013.)
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from hw3models.errors import SpecError
from hw3models.families import Network, find_family
from hw3models.runtime.code_version import code_version
from hw3models.runtime.files import write_atomically
from hw3models.runtime.sums import with_sum, without_sum
from hw3models.specs import DataReport, Goal, Recipe, TrainSpec, Trial, TrialPlan, TrialReport
from hw3models.tuning.pruning import bars_for
from hw3models.tuning.sampling import next_params
from hw3models.tuning.space import VERSION, params_of, recipe_at, space_of
from hw3models.tuning.splits import num_folds
from hw3models.tuning.trial import seeds_of


@dataclass(frozen=True)
class Claim:
    """A trial that is this process's until it is finished or given back."""

    trial: Trial
    training: TrainSpec
    """The training with the trial's recipe and the seeds of trials."""
    lock: BaseFileLock


class Search:
    """The search for one family's recipe on one data set. Several processes may be at the same one."""

    def __init__(
        self, root: Path, base: TrainSpec, data: DataReport, goal: Goal, *, alone: str = "", number: int = 0
    ) -> None:
        """Searches are kept under `root`; `base` is the training that a recipe is looked for.

        `alone`: anything but the empty text makes it a search apart from all others of the same. `number`: of several
        searches for the same, each draws recipes, seeds of trials and validation examples of its own.
        """
        family = find_family(data.kind, base.family, base.origin, data.task)
        if not isinstance(family, Network):
            raise SpecError(f"{base.family} is a baseline: it has no recipe to search for.")
        self.family, self.data, self.goal, self.number = family, data, goal, number
        self.start = base.recipe or family.recipe
        self.training = base.model_copy(update={"recipe": self.start, "seeds": seeds_of(number)})
        self.folds = num_folds(data.num_validation, data.num_validation_groups)
        self.space = space_of(family, self.start, data)
        self.key = _key(self.training, data, goal, alone)
        self.folder = root / f"{base.family}-{self.key}"
        self.done_here = 0
        """Trials that this process has finished."""

    def claim(self, num_trials: int) -> Claim | None:
        """The first of `num_trials` trials that nobody has finished or is at; None without one (for now)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "ask.lock", timeout=120):
            for number in range(num_trials):
                if self._is_done(number):
                    continue
                # Not bound to a thread: who finishes a trial need not be who began it.
                lock = FileLock(self.folder / f"{number:04d}.lock", timeout=0, thread_local=False)
                try:
                    lock.acquire()
                except Timeout:
                    continue
                if not self._is_done(number):
                    trial = self._asked(number) or self._ask(number)
                    return Claim(trial, self.training.model_copy(update={"recipe": trial.recipe}), lock)
                lock.release()
        return None

    def finish(self, claim: Claim, report: TrialReport) -> None:
        """Keep what came of it: it is never tried again."""
        write_atomically(self._path(report.number, "report"), with_sum(report.model_dump_json()).encode())
        self.done_here += 1
        claim.lock.release()

    def give_back(self, claim: Claim) -> None:
        """Give a trial back that was not tried after all: the next who asks gets it."""
        claim.lock.release()

    def reports(self, num_trials: int) -> Iterator[TrialReport]:
        """Reports of the trials that are done, in their order."""
        for number in range(num_trials):
            if (report := self.report_of(number)) is not None:
                yield report

    def is_done(self, num_trials: int) -> bool:
        """Is nothing left to try?"""
        return all(map(self._is_done, range(num_trials)))

    def report_of(self, number: int) -> TrialReport | None:
        """The report of a trial; None while it is not done, and where it is not what was written."""
        text = self._text(number, "report")
        return None if text is None else TrialReport.model_validate_json(text)

    def _is_done(self, number: int) -> bool:
        return self._text(number, "report") is not None

    def _asked(self, number: int) -> Trial | None:
        text = self._text(number, "trial")
        return None if text is None else Trial.model_validate_json(text)

    def _ask(self, number: int) -> Trial:
        """A new one, after all that were asked for before; the first is the recipe to begin with, as it is."""
        before = [(trial, self.report_of(n)) for n in range(number) if (trial := self._asked(n)) is not None]
        finished = [report for _, report in before if report is not None and report.state == "finished"]
        bars = bars_for(finished, self.folds)
        plan = TrialPlan(number=number, goal=self.goal, folds=self.folds, search=self.number, bars=bars)
        params = (
            params_of(self.start, self.space)
            if number == 0
            else next_params(self.space, before, self.goal, search=self.number)
        )
        recipe: Recipe = self.start if number == 0 else recipe_at(params, self.start)
        trial = Trial(params=params, recipe=recipe, plan=plan)
        write_atomically(self._path(number, "trial"), with_sum(trial.model_dump_json()).encode())
        return trial

    def _text(self, number: int, what: str) -> str | None:
        path = self._path(number, what)
        return without_sum(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None

    def _path(self, number: int, what: str) -> Path:
        return self.folder / f"{number:04d}.{what}.json"


def _key(training: TrainSpec, data: DataReport, goal: Goal, alone: str) -> str:
    """What a trial's value depends on. The device is left out: it changes digits, and a pool may have several."""
    assert training.recipe is not None
    parts = (
        *(
            VERSION,
            code_version("trial"),
            training.family,
            training.origin.identity if training.origin else "",
            data.kind,
            data.digest,
            goal,
            alone,
        ),
        *(training.recipe.model_dump(mode="json"), training.seeds, training.latent_dim),
    )
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
