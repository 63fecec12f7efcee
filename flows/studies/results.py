"""What has come of a study's families so far, from here and from work pools."""

from collections.abc import Sequence

from flows.studies.one_family import train_family
from hw3models.errors import TrainingError
from hw3models.evaluation.scores import headline
from hw3models.pipeline.ensembles import add_ensembles
from hw3models.specs import DataReport, EvaluationReport, Placement, TrainReport, TrainSpec
from tasks import tracking
from tasks.placement import Decision, Dispatcher, Outcome, RemoteTraining
from tasks.progress import say
from tasks.training import model_directory


class StudyResults:
    """Collects per family. A family that cannot be trained does not stop the others."""

    def __init__(
        self,
        data: DataReport,
        *,
        metric: str | None = None,
        fresh: bool = False,
        cached: Sequence[str] = (),
        is_batch: bool = False,
    ) -> None:
        self.data, self.metric, self.fresh = data, metric, fresh
        self.is_batch = is_batch
        """Are these some of a family's seeds, whose runs the study makes when it has all of them?"""
        self.cached = list(cached)
        """Steps that were not done again."""
        self.training: dict[str, TrainReport] = {}
        self.evaluation: dict[str, EvaluationReport] = {}
        self.failures: dict[str, str] = {}
        self.run_ids: dict[str, str] = {}
        self.placement: dict[str, Placement] = {}
        self.notes: list[str] = []

    def empty(self) -> "StudyResults":
        """Results of the same study with nothing in them yet: for the next batch of seeds."""
        return StudyResults(self.data, metric=self.metric, fresh=self.fresh, is_batch=True)

    def without_failures(self, families: Sequence[str]) -> list[str]:
        """Families of which nothing has failed so far."""
        return [family for family in families if family not in self.failures]

    def in_order(self, families: Sequence[str]) -> tuple[dict[str, TrainReport], dict[str, EvaluationReport]]:
        """Reports in the order of `families`; those that could not be trained are missing."""
        training = {family: self.training[family] for family in families if family in self.training}
        return training, {family: self.evaluation[family] for family in training}

    def add_ensembles(self, entries: Sequence[str]) -> None:
        """Make the ensembles among the entries of what their families' seeds have predicted."""
        for name in add_ensembles(entries, self.training, self.evaluation, self.failures):
            say(f"{name} on {self.data.name}: {headline(self.evaluation[name], self.metric)}, of seeds that are there")

    def send(self, children: Dispatcher, spec: TrainSpec, run_id: str, decision: Decision) -> Decision | None:
        """Queue the training on a pool; where it could not be queued and is to be done here: that decision."""
        self.run_ids[spec.family] = run_id
        try:
            child = children.submit(spec, run_id, decision, metric=self.metric, fresh=self.fresh)
        except Exception as error:
            reason = f"could not be queued on {decision.where}: {error}"
            if decision.may_come_back:
                self.notes.append(f"{spec.family} {reason}")
                return Decision(decision.wish, None, "here", reason)
            self._fail(spec.family, run_id, reason)
            return None
        say(f"{spec.family} on {self.data.name}: queued on {decision.where} as {child.flow_run_id}")
        return None

    def train_here(self, spec: TrainSpec, run_id: str, decision: Decision, child: RemoteTraining | None = None) -> None:
        """Train in this process; `child` is the one that was called back, if there was one."""
        self.run_ids[spec.family] = run_id
        placement = Placement(
            wish=decision.wish,
            where="here",
            reason=decision.reason,
            queued_seconds=child.waited() if child else 0.0,
            flow_run_id=str(child.flow_run_id) if child else None,
        )
        try:
            tracking.log_placement(run_id, placement)
            training, evaluation, cached = train_family(spec, self.data, run_id, metric=self.metric, fresh=self.fresh)
        except TrainingError as error:
            self._fail(spec.family, run_id, str(error))
            return
        except Exception as error:
            # Out of memory, a full disk: bad luck of this family. The others may do better.
            self._fail(spec.family, run_id, f"{type(error).__name__}: {error}")
            return
        self._add(training, evaluation, placement, cached)

    def take(self, outcome: Outcome, spec: TrainSpec) -> None:
        """Take in how a training on a pool ended: fetch its results, do it here, or say what is missing."""
        child = outcome.child
        if outcome.kind == "free" and child.decision.may_come_back:
            self.notes.append(f"{child.family} was to be trained on {child.decision.where}: {outcome.reason}")
            say(f"{child.family} on {self.data.name} comes back: {outcome.reason}")
            here = Decision(child.decision.wish, None, "here", outcome.reason)
            self.train_here(spec, child.run_id, here, child)
        elif outcome.kind == "done":
            self._fetch(child, spec)
        else:
            self._fail(child.family, child.run_id, outcome.reason)

    def _fetch(self, child: RemoteTraining, spec: TrainSpec) -> None:
        placement = Placement(
            wish=child.decision.wish,
            where=child.decision.where,
            reason=child.decision.reason,
            queued_seconds=child.waited(),
            flow_run_id=str(child.flow_run_id),
        )
        try:
            directory = model_directory(spec, self.data, child.run_id)
            training, evaluation, cached = tracking.fetch_results(child.run_id, spec, self.data, directory)
            tracking.log_placement(child.run_id, placement)
        except Exception as error:
            self._fail(child.family, child.run_id, f"its results could not be fetched: {error}")
            return
        self._add(training, evaluation, placement, (f"train {spec.family}",) if cached else ())

    def _add(
        self, training: TrainReport, evaluation: EvaluationReport, placement: Placement, cached: tuple[str, ...]
    ) -> None:
        family = training.family
        self.training[family], self.evaluation[family] = training, evaluation
        self.placement[family] = placement
        self.cached += cached
        if not self.is_batch and family in self.run_ids:
            tracking.log_seeds(self.run_ids[family], evaluation, self.data)
        where = "" if placement.where == "here" else f" on {placement.where} after {placement.queued_seconds:.0f} s"
        summary = _summary(training, evaluation, self.metric, cached=bool(cached))
        say(f"{family} on {self.data.name}: {summary}{where}")

    def _fail(self, family: str, run_id: str, reason: str) -> None:
        say(f"{family} on {self.data.name} FAILED: {reason}")
        self.failures[family] = reason
        try:
            tracking.end_run(run_id, tracking.FAILED, reason)
        except Exception as error:
            say(f"the MLflow run of {family} could not be ended: {error}")


def _summary(training: TrainReport, evaluation: EvaluationReport, metric: str | None, *, cached: bool) -> str:
    took = "unchanged, taken from the cache" if cached else f"{training.train_seconds:.1f} s"
    seeds = f"{len(evaluation.seeds)} seed{'s' if len(evaluation.seeds) > 1 else ''}"
    return f"{headline(evaluation, metric)}, {seeds}, {took}"
