"""What the command line prints at the end: sentences for people, or one JSON object for programs."""

import shlex
from typing import Any

from flows.answer_table import score_table, wrapped
from hw3models.evaluation.scores import main_metric
from hw3models.evaluation.verdicts import verdict_of
from hw3models.families import facts_of
from hw3models.printable import one_a_line
from hw3models.report import formatting
from hw3models.report.drawing import ranked
from hw3models.specs import Answer, EvaluationReport, RunReport, TrainReport


def as_json(run: RunReport) -> dict[str, Any]:
    """The stable shape of `--json`. One study: its answer; `hw3 run`: {"answers": [...], ...}."""
    common = {
        "mlflow": run.tracking.model_dump() if run.tracking else None,
        "report": run.report,
        "warnings": list(run.warnings),
        "seconds": run.seconds,
    }
    if len(run.answers) == 1 and not run.homework:
        return _answer(run.answers[0]) | common
    homework = [{"part": part.part, "question": part.question, "answer": part.answer} for part in run.homework]
    return {"answers": [_answer(answer) for answer in run.answers], "homework": homework} | common


def _answer(answer: Answer) -> dict[str, Any]:
    data, comparison = answer.data, answer.comparison
    pairs = comparison.pairs if comparison else ()
    return {
        "kind": answer.kind,
        "dataset": {
            "name": data.name,
            "source": data.source,
            "digest": data.digest,
            "train": data.num_train,
            "validation": data.num_validation,
            "test": data.num_test,
            "shape": list(data.shape),
            "classes": list(data.class_names) if data.target is None else [],
            **({} if data.target is None else {"target": data.target.model_dump()}),
        },
        "families": {name: _family(answer.training[name], one) for name, one in answer.evaluation.items()},
        "failures": answer.failures,
        "placement": {name: one.model_dump(mode="json") for name, one in answer.placement.items()},
        "tuning": {name: one.model_dump(mode="json") for name, one in answer.tuning.items()},
        "headline": comparison.headline if comparison else "",
        "changes": comparison.changes if comparison else "",
        "verdict": verdict_of(answer),
        "advice": comparison.advice if comparison else "",
        **_choice(answer),
        "groups": [list(group) for group in comparison.groups] if comparison else [list(answer.evaluation)],
        "pairs": [pair.model_dump(include=set(PAIR_KEYS)) for pair in pairs],
        "looks": [look.model_dump() for look in comparison.looks] if comparison else [],
        "notes": list(answer.notes),
        "claims": [claim.model_dump() for claim in answer.claims],
        "cached": list(answer.cached),
    }


def _choice(answer: Answer) -> dict[str, Any]:
    """Which family to use, why, and what must be known about it; of a single family, that one."""
    comparison = answer.comparison
    if comparison is None:
        families = list(answer.evaluation)
        return dict.fromkeys(CHOICE_KEYS) | {
            "take": families[0] if families else "",
            "reason": "alone" if families else None,
            "could_be_best": families,
            "collapses": {},
            "about": "training set",
        }
    return comparison.model_dump(mode="json", include=set(CHOICE_KEYS))


CHOICE_KEYS = ("take", "reason", "could_be_best", "corrected", "collapses", "about", "num_groups")
PAIR_KEYS = (
    "a",
    "b",
    "metric",
    "difference",
    "low",
    "high",
    "p_value",
    "level",
    "seeds",
    "verdict",
    "sentence",
    "power",
)


def _family(training: TrainReport, evaluation: EvaluationReport) -> dict[str, Any]:
    scores = {name: score.model_dump(mode="json") for name, score in evaluation.metrics.items()}
    return scores | {
        "train_seconds": training.train_seconds,
        "predict_seconds_per_1000": evaluation.predict_seconds_per_1000,
        "parameters": training.parameters,
        "device": training.device,
        "strategy": training.strategy,
        "precision": training.precision,
        "seeds": list(training.seeds),
        "members": training.members,
        "peak_memory_mb": training.peak_memory_mb,
    }


def as_text(run: RunReport, *, explain: bool = False, seconds: float | None = None) -> str:
    """Warnings; which families to take, and why, over a table of each data set; what to do next.

    With `explain` the whole verdicts follow. `seconds` is what the command took, which is more than the flow did.
    """
    lines = [f"WARNING: {warning}" for warning in run.warnings]
    for answer in run.answers:
        lines += ["", *_answer_lines(answer, explain=explain)]
    lines += _homework_lines(run, explain=explain)
    lines.append("")
    if len(run.answers) == 1:
        lines += _next_lines(run, run.answers[0])
    if run.tracking and explain:
        where = run.tracking
        lines.append(f"runs:    {where.tracking_uri} (experiment {where.experiment}, run {where.run_id})")
    if run.tracking and run.tracking.link:
        lines.append(f"MLflow:  {run.tracking.link}")
    took = formatting.seconds(run.seconds if seconds is None else seconds)
    lines.append(f"report:  {run.report} (done in {took})")
    return one_a_line(lines).lstrip("\n")


def _answer_lines(answer: Answer, *, explain: bool) -> list[str]:
    metric, answer = main_metric(answer), ranked(answer)
    scores = {name: one.metrics[metric] for name, one in answer.evaluation.items() if metric in one.metrics}
    lines = wrapped(f"{answer.data.name}: {headline_of(answer)}")
    if scores:
        per_seed = {name: one.train_seconds / max(1, len(one.seeds)) for name, one in answer.training.items()}
        facts = facts_of(scores, answer.data.kind)
        lines += ["", *score_table(metric, scores, answer.comparison, per_seed, facts)]
    for claim in answer.claims:
        lines.append(f"  claim: {claim.claim}: {claim.outcome.upper()}" + f" ({claim.evidence})" * explain)
    if explain:
        lines += ["", *wrapped(_verdict(answer))]
    return lines


def _homework_lines(run: RunReport, *, explain: bool) -> list[str]:
    if not explain:
        return ["", f"homework: {len(run.homework)} parts are answered in the report"] if run.homework else []
    parts = ([f"homework {part.part}: {part.question}", f"  {part.answer}"] for part in run.homework)
    return [line for part in parts for line in ("", *part)]


def _next_lines(run: RunReport, answer: Answer) -> list[str]:
    """What would change the answer, and the commands that go on from here."""
    changes = answer.comparison.changes if answer.comparison else ""
    commands = next_commands(run, answer)
    lines = wrapped(f"changes: {changes}", indent=9) if changes else []
    lines += [f"{'next:' if place == 0 else 'or:':<9}{command}" for place, command in enumerate(commands)]
    return lines


def next_commands(run: RunReport, answer: Answer) -> list[str]:
    """Ready to paste: more seeds, where they would decide; the winner before the gate; another training set."""
    comparison, commands = answer.comparison, []
    is_study = run.command.startswith(f"hw3 {answer.kind} ")
    needed = _seeds_that_would_decide(answer)
    if is_study and needed is not None and needed <= MOST_SEEDS:
        commands.append(with_option(run.command, "--seeds", str(needed)))
    take = comparison.take if comparison else next(iter(answer.evaluation), "")
    if run.tracking and _can_be_promoted(answer, take):
        commands.append(f"hw3 promote {run.tracking.run_id}")
    if not commands and is_study:
        if comparison is not None and comparison.about == "training set":
            commands.append(with_option(run.command, "--resampling", "training"))
        else:
            commands.append(f"{shlex.join(shlex.split(run.command))} --explain")
    return commands[:2]


def _can_be_promoted(answer: Answer, take: str) -> bool:
    """Is there a model of it that is kept, and that looks at examples?"""
    training = answer.training.get(take)
    return training is not None and training.is_kept and not facts_of([take], answer.data.kind)[take].ignores_examples


def _seeds_that_would_decide(answer: Answer) -> int | None:
    """Seeds with which the leading two could be separated; None where it is decided, or seeds hardly help."""
    comparison = answer.comparison
    if comparison is None or comparison.reason != "best mean" or len(comparison.could_be_best) < 2:
        return None
    a, b = comparison.could_be_best[:2]
    pair = next(pair for pair in comparison.pairs if {pair.a, pair.b} == {a, b})
    if pair.power is None:
        return 3 if min(pair.seeds) == 1 else None
    if pair.power.detectable <= comparison.margin or pair.power.seeds_for_margin is None:
        return None
    return max(pair.power.seeds_for_margin, max(pair.seeds) + 1)


MOST_SEEDS = 200
"""More seeds than this are not proposed."""


def with_option(command: str, option: str, value: str) -> str:
    """The command with the option set to the value, without what was about showing it and not about what is asked."""
    given, kept, skip = shlex.split(command), [], False
    for part in given:
        if skip or part.startswith(f"{option}="):
            skip = False
        elif part == option:
            skip = True
        elif part not in ("--fresh", "--explain", "--json"):
            kept.append(part)
    return shlex.join([*kept, option, value])


def headline_of(answer: Answer) -> str:
    """Which family to take, and why; reports of earlier versions have it as the first sentence of the verdict."""
    if answer.comparison is not None and answer.comparison.headline:
        return answer.comparison.headline
    return formatting.lead_and_rest(verdict_of(answer))[0]


def _verdict(answer: Answer) -> str:
    advice = answer.comparison.advice if answer.comparison else ""
    return " ".join(filter(None, (verdict_of(answer), advice)))
