"""The search for recipes before a study trains: as many trials for each network, here or on a pool."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

from flows.prefect_tags import prefect_tags
from flows.studies.results import StudyResults
from flows.studies.training import decide
from hw3models.errors import DigestError, TrainingError
from hw3models.evaluation.metrics import goal_for
from hw3models.evaluation.wording import goal_value
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import Recipe, TrialReport, TuningReport
from hw3models.tuning.choice import best_of, choose
from hw3models.tuning.search import Claim, Search
from tasks import tracking
from tasks.placement import Decision, Dispatcher, Outcome, cancel_earlier
from tasks.progress import say
from tasks.tuning import searches, try_recipe

LIVES = 2
"""Times that a trial is sent to a pool: the death of a process there says nothing about a recipe, two may."""


@dataclass(frozen=True)
class Tuned:
    """What was found for each network."""

    reports: Mapping[str, TuningReport]
    trials: Mapping[str, tuple[TrialReport, ...]]
    """Trials of all searches."""

    @property
    def recipes(self) -> dict[str, Recipe]:
        """Network -> the best recipe, of the first search where there were several."""
        return {family: report.recipe for family, report in self.reports.items()}

    @property
    def searches(self) -> list[dict[str, Recipe]]:
        """The same of each search."""
        every = {family: (report, *report.again) for family, report in self.reports.items()}
        number = max(map(len, every.values()), default=1)
        return [{family: each[place].recipe for family, each in every.items()} for place in range(number)]

    def with_another(self, other: "Tuned") -> "Tuned":
        """Both searches, for the networks that both have found something for."""
        both = [family for family in self.reports if family in other.reports]
        reports = {
            family: self.reports[family].model_copy(
                update={"again": (*self.reports[family].again, other.reports[family])}
            )
            for family in both
        }
        return Tuned(reports, {family: self.trials[family] + other.trials[family] for family in both})

    def log(self, run_ids: Mapping[str, str], parent: str) -> None:
        """Log the search on the families' MLflow runs, which get their trials as children."""
        for family, report in self.reports.items():
            if family in run_ids:
                tracking.log_search(run_ids[family], parent, report, self.trials[family])


NOTHING = Tuned({}, {})


def tune(plan: StudyPlan, results: StudyResults) -> Tuned:
    """Search for a recipe for each network, where the study asks for it, from the training part alone.

    A network whose search fails is missing, and in the results' failures. With several searches, all are done before
    anything is trained.
    """
    spec = plan.spec
    if spec.trials is None or not plan.networks:
        return NOTHING
    # A recipe is chosen for as many different examples as there are, whatever each seed is trained on later.
    plan = replace(plan, spec=spec.model_copy(update={"resampling": "seed"}))
    return reduce(Tuned.with_another, (_one_search(plan, results, number) for number in range(spec.searches)))


def _one_search(plan: StudyPlan, results: StudyResults, number: int) -> Tuned:
    spec, networks = plan.spec, results.without_failures(plan.networks)
    assert spec.trials is not None
    decision, alone = decide(spec), plan.parent if spec.fresh else ""
    found = {
        family: Search(searches(), training, plan.data, goal_for(plan.metric), alone=alone, number=number)
        for family, training in plan.trainings(networks, (0,)).items()
    }
    trials = _Trials(spec.trials, found, results, plan.parent)
    try:
        if decision.deployment is not None:
            trials.on_pool(decision, spec.queue_deadline)
        trials.here()
    finally:
        trials.give_back()
    reports = {}
    for family, search in found.items():
        try:
            if family not in results.failures:
                reports[family] = choose(search, spec.trials)
                which = f", search {number + 1} of {spec.searches}" if spec.searches > 1 else ""
                say(_summary(reports[family], f"{results.data.name}{which}"))
        except TrainingError as error:
            results.failures[family] = str(error)
    return Tuned(reports, {family: tuple(found[family].reports(spec.trials)) for family in reports})


class _Errand(NamedTuple):
    """A trial that this process is responsible for."""

    search: Search
    claim: Claim
    run_id: str

    @property
    def family(self) -> str:
        """Name of the network."""
        return self.search.family.name


class _Trials:
    """The trials of a study's networks, until all are done."""

    def __init__(self, number: int, found: Mapping[str, Search], results: StudyResults, parent: str) -> None:
        self.number, self.searches, self.results, self.parent = number, found, results, parent
        self._held: dict[int, tuple[Search, Claim]] = {}
        self._out: dict[str, _Errand] = {}
        self._deaths: Counter[tuple[str, int]] = Counter()
        self._stays_here = False

    # ------------------------------------------------------------------------------------------- here

    def here(self) -> None:
        """What is left, one after another. Trials that another process is at are waited for: it may die."""
        for family, search in self.searches.items():
            while family not in self.results.failures and not search.is_done(self.number):
                claim = self._claim(search)
                if claim is None:
                    time.sleep(0.3)
                else:
                    self._try_here(self._begin(search, claim))

    def _try_here(self, errand: _Errand) -> None:
        training, plan = errand.claim.training, errand.claim.trial.plan
        try:
            report = try_recipe(training, plan, self.results.data, errand.run_id)
            self._finish(errand, report)
        except Exception as error:
            # Bad luck of this machine, not of this recipe: another try may do it.
            self._give_up(errand, f"trial {plan.number} of the search: {type(error).__name__}: {error}")

    # ---------------------------------------------------------------------------------------- on a pool

    def on_pool(self, decision: Decision, deadline: float) -> None:
        """Try as many at once as the pool has workers. Trials that nobody takes come back."""
        with Dispatcher(deadline=deadline) as children:
            self._send(children, decision)
            for outcome in children.outcomes():
                self._take(outcome)
                self._send(children, decision)

    def _send(self, children: Dispatcher, decision: Decision) -> None:
        while len(self._out) < decision.workers and not self._stays_here:
            errand = self._next()
            if errand is None:
                return
            cancel_earlier(errand.run_id)
            training, plan = errand.claim.training, errand.claim.trial.plan
            try:
                child = children.submit(training, errand.run_id, decision, trial=plan)
            except Exception as error:
                self._come_back(errand, decision, f"could not be queued on {decision.where}: {error}")
            else:
                self._out[child.run_id] = errand
                say(f"{errand.family} on {self.results.data.name}: trial {plan.number} queued on {decision.where}")

    def _next(self) -> _Errand | None:
        """A trial of the network that is furthest behind: the fewer of one search at once, the more each can learn."""
        at = Counter(errand.family for errand in self._out.values())
        waiting = [(at[family], family) for family in self.searches if family not in self.results.failures]
        for _, family in sorted(waiting, key=lambda one: one[0]):
            claim = self._claim(self.searches[family])
            if claim is not None:
                return self._begin(self.searches[family], claim)
        return None

    def _take(self, outcome: Outcome) -> None:
        child = outcome.child
        errand = self._out.pop(child.run_id)
        if outcome.kind == "done":
            self._fetch(errand)
        elif outcome.kind == "free":
            self._come_back(errand, child.decision, outcome.reason)
        else:
            self._mourn(errand, outcome.reason)

    def _fetch(self, errand: _Errand) -> None:
        try:
            report = tracking.fetch_trial(errand.run_id)
            asked = (errand.family, errand.claim.trial.plan.number, errand.claim.trial.recipe)
            if (report.family, report.number, report.recipe) != asked:
                raise DigestError(f"What arrived is trial {report.number} of {report.family}, or of another recipe.")
        except Exception as error:
            self._mourn(errand, f"its result could not be fetched: {error}")
            return
        self._finish(errand, report, is_logged=True)

    def _come_back(self, errand: _Errand, decision: Decision, reason: str) -> None:
        if not decision.may_come_back:
            self._give_up(errand, reason)
            return
        if not self._stays_here:
            self.results.notes.append(
                f"trials were to be tried on {decision.where}: {reason}; those left were done here"
            )
        self._stays_here = True
        self._try_here(errand)

    def _mourn(self, errand: _Errand, reason: str) -> None:
        """Try a trial once more whose process died; after that the recipe has failed."""
        which = (errand.family, errand.claim.trial.plan.number)
        self._deaths[which] += 1
        if self._deaths[which] < LIVES:
            say(f"{errand.family}: trial {which[1]} is tried again: {reason}")
            self._drop(errand)
            return
        plan, recipe = errand.claim.trial.plan, errand.claim.trial.recipe
        report = TrialReport(number=plan.number, family=errand.family, recipe=recipe, state="failed", reason=reason)
        self._finish(errand, report)

    # ------------------------------------------------------------------------------------------- both

    def _claim(self, search: Search) -> Claim | None:
        claim = search.claim(self.number)
        if claim is not None:
            self._held[id(claim)] = (search, claim)
        return claim

    def _begin(self, search: Search, claim: Claim) -> _Errand:
        plan, data = claim.trial.plan, self.results.data
        return _Errand(
            search, claim, tracking.open_trial(self.parent, claim.training, plan, data, prefect_tags(), search.key)
        )

    def _finish(self, errand: _Errand, report: TrialReport, *, is_logged: bool = False) -> None:
        """Logged before it is kept: a process that dies in between logs the same once more, which changes nothing."""
        report = report.model_copy(update={"run_id": errand.run_id, "parent_id": self.parent})
        if is_logged:
            tracking.end_trial(errand.run_id, report)
        else:
            tracking.log_trial(errand.run_id, errand.claim.training, errand.claim.trial.plan, report)
        errand.search.finish(errand.claim, report)
        del self._held[id(errand.claim)]
        say(_progress(errand.search, report, self.number, self.results.data.name))

    def _give_up(self, errand: _Errand, reason: str) -> None:
        say(f"{errand.family} on {self.results.data.name} FAILED: {reason}")
        self.results.failures[errand.family] = reason
        tracking.end_run(errand.run_id, tracking.FAILED, reason)
        self._drop(errand)

    def _drop(self, errand: _Errand) -> None:
        errand.search.give_back(errand.claim)
        del self._held[id(errand.claim)]

    def give_back(self) -> None:
        """Whatever is still held: others may go on with it."""
        for search, claim in self._held.values():
            search.give_back(claim)
        self._held.clear()


def _progress(search: Search, report: TrialReport, number: int, data: str) -> str:
    reports = list(search.reports(number))
    best = best_of(reports, search.goal)
    value = report.state if report.value is None else goal_value(search.goal, report.value)
    so_far = "" if best is None else f"; best so far {goal_value(search.goal, best.value)}"
    return f"{report.family} on {data}: trial {report.number} ({len(reports)} of {number} done): {value}{so_far}"


def _summary(report: TuningReport, data: str) -> str:
    changed = ", ".join(f"{name} {new}" for name, (_, new) in report.changed.items()) or "the default recipe"
    best, default = goal_value(report.goal, report.value), goal_value(report.goal, report.default_value)
    return (
        f"{report.family} on {data}: best of {report.trials} trials: {changed}; validation {report.goal} {best}, "
        f"the default's {default}"
    )
