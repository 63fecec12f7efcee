"""What the command line prints at the end: sentences for people, or one JSON object for programs."""

from typing import Any

from hw3models.evaluation.verdicts import verdict_of
from hw3models.printable import one_a_line
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
            "classes": list(data.class_names),
        },
        "families": {name: _family(answer.training[name], one) for name, one in answer.evaluation.items()},
        "failures": answer.failures,
        "placement": {name: one.model_dump(mode="json") for name, one in answer.placement.items()},
        "tuning": {name: one.model_dump(mode="json") for name, one in answer.tuning.items()},
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


def as_text(run: RunReport) -> str:
    """Warnings, then the verdicts, then where to read more."""
    lines = [f"WARNING: {warning}" for warning in run.warnings]
    for answer in run.answers:
        lines += ["", f"{answer.kind}: {answer.data.name}", f"  {_verdict(answer)}"]
        lines += [f"  claim: {claim.claim}: {claim.outcome.upper()} ({claim.evidence})" for claim in answer.claims]
    for part in run.homework:
        lines += ["", f"homework {part.part}: {part.question}", f"  {part.answer}"]
    lines += ["", f"done in {run.seconds:.0f} s"]
    if run.tracking:
        lines.append(
            f"runs:   {run.tracking.tracking_uri} (experiment {run.tracking.experiment}, run {run.tracking.run_id})"
        )
    lines.append(f"report: {run.report}")
    return one_a_line(lines).lstrip("\n")


def _verdict(answer: Answer) -> str:
    advice = answer.comparison.advice if answer.comparison else ""
    return " ".join(filter(None, (verdict_of(answer), advice)))
