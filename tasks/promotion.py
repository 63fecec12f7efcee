"""The winner of a study goes before the gate: registered as a version, judged, and what was decided written down."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.data import load_prepared
from hw3models.engine.asking import ask_again, seconds_side_by_side
from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import Ensemble, ensemble_table, named_ensemble
from hw3models.evaluation.gate import Candidate, judge, reign_of, winner
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.evaluation.scores import main_metric
from hw3models.families import Baseline, facts_of, find_family
from hw3models.pipeline.ensembles import make_ensemble
from hw3models.printable import few
from hw3models.runtime.devices import pick_device
from hw3models.serving.model_card import model_card
from hw3models.specs import Answer, DataReport, GateDecision, PromoteSpec, Promotion, RegistryEvent, TrainReport
from tasks import tracking
from tasks.names import slug
from tasks.tracking import registry
from tasks.tracking.finding import FamilyRun, fetch_family

_HOMEWORK = ("mnist", "digits")
"""What `auto` may be: its image models had a name without the data before there were other pictures, and keep it."""


def model_name(answer: Answer) -> str:
    """Name of the registered model: one for each kind of study and data set, as champions of other data are none."""
    is_homework = answer.kind != "sequences" and answer.data.name in _HOMEWORK
    return f"hw3-{answer.kind}" if is_homework else f"hw3-{answer.kind}-{slug(answer.data.name)}"


def challenger_of(answer: Answer, family: str | None) -> str:
    """The family that goes before the gate, or the ensemble of its seeds (`cnn*5`).

    Raises:
        SpecError: the wanted one is not there, or nothing that is kept.
    """
    known = candidates_of(answer)
    if family is not None and not _has(answer, family):
        raise SpecError(f"`family` {family!r} is not a model of this study; models: {few(known) or 'none'}.")
    facts = facts_of(known, answer.data.kind)
    judged = [name for name in known if not facts[name].ignores_examples]
    chosen = family or winner(answer.comparison, judged)
    if chosen is None:
        raise SpecError(
            f"the study of {answer.data.name} has kept no model that looks at examples: there is nothing to promote."
        )
    return chosen


def candidates_of(answer: Answer) -> list[str]:
    """Every entry of the study that a model is kept of: families, and the ensembles that were compared."""
    return [name for name in answer.training if _has(answer, name)]


def _has(answer: Answer, entry: str) -> bool:
    """Is it a kept family, or an ensemble of one that has as many seeds?"""
    family, members = parts_of(entry)
    if (own := answer.training.get(entry)) is not None:
        # An ensemble may have been named without its family.
        return own.is_kept
    training = answer.training.get(family)
    return training is not None and training.is_kept and members <= len(training.seeds)


def _training_of(answer: Answer, entry: str) -> TrainReport:
    return answer.training.get(entry) or answer.training[parts_of(entry)[0]]


def parts_of(entry: str) -> tuple[str, int]:
    """The family and the number of members, of `cnn*5`; 1 of `cnn`."""
    found = named_ensemble(entry)
    return (entry, 1) if found is None else (found.family, found.members)


def fetch_challenger(answer: Answer, family: str | None, directory: Path) -> FamilyRun:
    """Everything that is kept of the challenger.

    Raises:
        SpecError: there is none, or it is not the wanted one.
        DataError: its run does not have it (yet).
    """
    name, members = parts_of(challenger_of(answer, family))
    return fetch_family(answer.run_ids[name], directory, members)


def picked_from(answer: Answer, chosen: str) -> tuple[int, str]:
    """How many models the challenger was picked from, and what they are called."""
    facts = facts_of(candidates_of(answer), answer.data.kind)
    judged = {name for name, one in facts.items() if not one.ignores_examples} | {chosen}
    is_network = all(_training_of(answer, name).recipe is not None for name in judged)
    return len(judged), "networks" if is_network else "models"


@task(task_run_name="promote-{answer.data.name}", cache_policy=NO_CACHE, persist_result=False)
def promote(answer: Answer, spec: PromoteSpec, run: FamilyRun, data: DataReport) -> Promotion:
    """Register, judge, move the alias, write down. What goes before the gate is what `run.members` says.

    Raises:
        DataError: the run's results have not arrived in MLflow.
    """
    model, family = model_name(answer), entry_of(run)
    card = model_card(_with_entry(answer, run), family, run.spec, run.environment, licence=spec.licence)
    with registry.alone(model):
        tags = {"family": family, "data": data.name, "data_digest": data.digest, "hw3.spec": run.spec.fingerprint()}
        if run.members > 1:
            tracking.log_ensemble(run.run_id, run.training, data, run.members)
        version = registry.register(model, run.run_id, tags, card, run.members)
        registry.finish(model)
        before = registry.version_with(model, registry.CHAMPION)
        decision = _overridden(_decide(answer, spec, run, data, model, before, version), spec.override)
        if registry.version_with(model, registry.CHAMPION) != before:
            # Another machine has promoted meanwhile: this one was judged against the wrong champion.
            raise SpecError(f"the champion of {model} has changed while this one was judged: promote again.")
        now = version if decision.outcome == "champion" else before
        event = RegistryEvent(
            at=registry.now(model),
            model=model,
            version=version,
            event=decision.outcome,
            reason=decision.reason,
            champion=now,
            grounds=decision.grounds,
            level=decision.level,
            metric=decision.metric,
        )
        # First the reason, then the alias: whoever is killed between the two has it finished by the next command.
        if version != before:
            event = _as_told(event)
            registry.write_down(event, note=f"**{decision.outcome}**: {decision.reason}\n\n{card}")
            _move(model, version, decision)
    tracking.log_card(run.run_id, card)
    return Promotion(
        model=model,
        version=version,
        family=family,
        run_id=run.run_id,
        data=data.name,
        data_digest=data.digest,
        decision=decision,
        champion_before=before,
        champion_now=now,
    )


def _with_entry(answer: Answer, run: FamilyRun) -> Answer:
    """The answer with the scores of what is promoted: an ensemble may not have been compared."""
    name = entry_of(run)
    if name in answer.training:
        return answer
    training, evaluation = make_ensemble(name, Ensemble(run.training.family, run.members), run.training, run.evaluation)
    return answer.model_copy(
        update={
            "training": {**answer.training, name: training},
            "evaluation": {**answer.evaluation, name: evaluation},
        }
    )


def _as_told(event: RegistryEvent) -> RegistryEvent:
    """The newest event of the history, where that says the same: its promotion was killed, and is repeated."""
    events = registry.history(event.model)
    return events[-1] if events and event.model_copy(update={"at": events[-1].at}) == events[-1] else event


def _overridden(decision: GateDecision, why: str | None) -> GateDecision:
    """A person may know better than the gate, on record."""
    if why is None or decision.outcome == "champion":
        return decision
    reason = f"By a person's decision: {why}. What the gate said: {decision.reason}"
    return decision.model_copy(update={"outcome": "champion", "grounds": "override", "reason": reason})


def _move(model: str, version: int, decision: GateDecision) -> None:
    """What was refused gets no alias."""
    if decision.outcome != "refused":
        registry.move(model, registry.CHALLENGER, version)
    if decision.outcome == "champion":
        registry.move(model, registry.CHAMPION, version)


def _decide(
    answer: Answer,
    spec: PromoteSpec,
    run: FamilyRun,
    data: DataReport,
    model: str,
    before: int | None,
    version: int,
) -> GateDecision:
    metric = spec.metric or main_metric(answer)
    if before == version:
        return GateDecision(outcome="champion", reason="It is the champion already.", metric=metric)
    challenger = _candidate(run, own_table(run))
    reign = reign_of(registry.history(model))
    with tempfile.TemporaryDirectory() as folder:
        champion = anchor = None
        if before is not None:
            there = registry.fetch_version(model, before, Path(folder) / "champion")
            challenger, champion = _side_by_side(run, challenger, there, data, spec)
            if spec.prefer_cheaper and reign.anchor not in (None, before):
                anchor = own_table(registry.fetch_version(model, reign.anchor, Path(folder) / "anchor"))
        baselines = {} if champion else _baselines(answer, Path(folder))
        number, called = picked_from(answer, challenger.family)
        facts = facts_of({challenger.family, *([champion.family] if champion else baselines)}, data.kind)
        return judge(
            challenger,
            champion,
            baselines=baselines,
            anchor=anchor,
            metric=metric,
            margin=spec.margin,
            prefer_cheaper=spec.prefer_cheaper,
            facts=facts,
            turn=replace(reign.turn(version, metric, number), called=called),
        )


def _candidate(run: FamilyRun, table: PredictionTable, seconds: float | None = None) -> Candidate:
    return Candidate(
        family=entry_of(run),
        table=table,
        tried=run.training.recipe.tried if run.training.recipe else None,
        parameters=run.training.parameters * run.members,
        recipe=_recipe(run),
        predict_seconds=seconds,
    )


def _recipe(run: FamilyRun) -> str:
    """Equal for runs that differ in nothing but their seeds, and in how these were trained together."""
    if run.environment is None:
        return ""
    spec = run.spec.model_dump_json(exclude={"seeds", "strategy", "device", "memory_mb"})
    # An ensemble of five and one of ten are not the same.
    return f"{run.environment.code} {spec} {run.members if run.members > 1 else ''}"


def entry_of(run: FamilyRun) -> str:
    """What it is called in a comparison: `cnn`, or `cnn*5`."""
    return run.training.family if run.members == 1 else f"{run.training.family}*{run.members}"


def own_table(run: FamilyRun) -> PredictionTable:
    """The predictions that it is judged by: of every seed, or of ensembles."""
    return _as_used(run, load_table(Path(run.evaluation.table_path), digest=run.evaluation.table_digest))


def _as_used(run: FamilyRun, table: PredictionTable) -> PredictionTable:
    return table if run.members == 1 else ensemble_table(table, entry_of(run), run.members)


def _side_by_side(
    ours: FamilyRun, challenger: Candidate, there: FamilyRun, data: DataReport, spec: PromoteSpec
) -> tuple[Candidate, Candidate]:
    """The champion's replicates are asked again about the same test examples, here and now."""
    stored = own_table(there)
    if stored.data_digest != data.digest or (there.training.recipe is None and stored.is_resampled):
        return challenger, _candidate(there, stored)  # which the gate refuses
    dataset, device = load_prepared(data), pick_device("auto")
    table = _as_used(there, ask_again(Path(there.training.directory), dataset, device))
    own, champions = None, None
    if spec.prefer_cheaper:
        both = [(Path(one.training.directory), one.members) for one in (ours, there)]
        own, champions = seconds_side_by_side(both[0], both[1], dataset, device)
    return _candidate(ours, challenger.table, own), _candidate(there, table, champions)


def _baselines(answer: Answer, folder: Path) -> Mapping[str, PredictionTable]:
    """Prediction tables of the study's baselines."""
    tables = {}
    for family, run_id in answer.run_ids.items():
        if isinstance(find_family(answer.data.kind, family), Baseline):
            tables[family] = own_table(fetch_family(run_id, folder / family))
    return tables
