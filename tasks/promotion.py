"""The winner of a study goes before the gate: registered as a version, judged, and what was decided written down."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.data import load_prepared
from hw3models.engine.model_store import load_model
from hw3models.engine.predicting import predict, seconds_side_by_side
from hw3models.errors import SpecError
from hw3models.evaluation.gate import Candidate, judge, reign_of, winner
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.evaluation.scores import main_metric
from hw3models.families import Baseline, Network, facts_of, find_family
from hw3models.runtime.devices import pick_device
from hw3models.serving.model_card import model_card
from hw3models.specs import Answer, DataReport, GateDecision, PromoteSpec, Promotion, RegistryEvent
from tasks import tracking
from tasks.names import slug
from tasks.tracking import registry
from tasks.tracking.finding import FamilyRun, fetch_family


def model_name(answer: Answer) -> str:
    """Name of the registered model: one for images, one for autoencoders, one for each data set of sequences."""
    return f"hw3-sequences-{slug(answer.data.name)}" if answer.kind == "sequences" else f"hw3-{answer.kind}"


def challenger_of(answer: Answer, family: str | None) -> str:
    """The family that goes before the gate.

    Raises:
        SpecError: the wanted one is not there, or no network is.
    """
    networks = networks_of(answer)
    if family is not None and family not in networks:
        raise SpecError(
            f"`family` {family!r} is not a network of this study; networks: {', '.join(networks) or 'none'}."
        )
    chosen = family or winner(answer.comparison, networks)
    if chosen is None:
        raise SpecError(f"the study of {answer.data.name} has trained no network: there is nothing to promote.")
    return chosen


def networks_of(answer: Answer) -> list[str]:
    """The networks that the study has trained: what a challenger is picked from."""
    return [
        name
        for name in answer.training
        if answer.training[name].members == 1
        and isinstance(find_family(answer.data.kind, name, answer.training[name].origin), Network)
    ]


@task(task_run_name="promote-{answer.data.name}", cache_policy=NO_CACHE, persist_result=False)
def promote(answer: Answer, spec: PromoteSpec, run: FamilyRun, data: DataReport) -> Promotion:
    """Register, judge, move the alias, write down.

    Raises:
        DataError: the run's results have not arrived in MLflow.
    """
    model, family = model_name(answer), run.training.family
    card = model_card(answer, family, run.spec, run.environment, licence=spec.licence)
    with registry.alone(model):
        tags = {"family": family, "data": data.name, "data_digest": data.digest, "hw3.spec": run.spec.fingerprint()}
        version = registry.register(model, run.run_id, tags, card)
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
    challenger = _candidate(run, _table(run))
    reign = reign_of(registry.history(model))
    with tempfile.TemporaryDirectory() as folder:
        champion = anchor = None
        if before is not None:
            there = fetch_family(registry.run_of(model, before), Path(folder) / "champion")
            challenger, champion = _side_by_side(run, challenger, there, data, spec)
            if spec.prefer_cheaper and reign.anchor not in (None, before):
                anchor = _table(fetch_family(registry.run_of(model, reign.anchor), Path(folder) / "anchor"))
        baselines = {} if champion else _baselines(answer, Path(folder))
        return judge(
            challenger,
            champion,
            baselines=baselines,
            anchor=anchor,
            metric=metric,
            margin=spec.margin,
            prefer_cheaper=spec.prefer_cheaper,
            facts=facts_of({challenger.family, *([champion.family] if champion else baselines)}, data.kind),
            turn=reign.turn(version, metric, len(networks_of(answer))),
        )


def _candidate(run: FamilyRun, table: PredictionTable, seconds: float | None = None) -> Candidate:
    tried = run.training.recipe.tried if run.training.recipe else 1
    return Candidate(
        family=run.training.family,
        table=table,
        tried=tried,
        parameters=run.training.parameters,
        recipe=_recipe(run),
        predict_seconds=seconds,
    )


def _recipe(run: FamilyRun) -> str:
    """Equal for runs that differ in nothing but their seeds, and in how these were trained together."""
    if run.environment is None:
        return ""
    spec = run.spec.model_dump_json(exclude={"seeds", "strategy", "device", "memory_mb"})
    return f"{run.environment.code} {spec}"


def _table(run: FamilyRun) -> PredictionTable:
    return load_table(Path(run.evaluation.table_path), digest=run.evaluation.table_digest)


def _side_by_side(
    ours: FamilyRun, challenger: Candidate, there: FamilyRun, data: DataReport, spec: PromoteSpec
) -> tuple[Candidate, Candidate]:
    """The champion's replicates are asked again about the same test examples, here and now."""
    stored = _table(there)
    if stored.data_digest != data.digest:
        return challenger, _candidate(there, stored)  # which the gate refuses
    dataset, device = load_prepared(data), pick_device("auto")
    manifest, states = load_model(Path(there.training.directory))
    table, _ = predict(manifest, states, dataset, device)
    own, champions = None, None
    if spec.prefer_cheaper:
        own_manifest = load_model(Path(ours.training.directory))
        own, champions = seconds_side_by_side(own_manifest, (manifest, states), dataset, device)
    return _candidate(ours, challenger.table, own), _candidate(there, table, champions)


def _baselines(answer: Answer, folder: Path) -> Mapping[str, PredictionTable]:
    """Prediction tables of the study's baselines."""
    tables = {}
    for family, run_id in answer.run_ids.items():
        if isinstance(find_family(answer.data.kind, family), Baseline):
            tables[family] = _table(fetch_family(run_id, folder / family))
    return tables
