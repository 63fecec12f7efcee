"""A trained model's card: what it is, what it was trained on, how good it is, what it lost against, what it is not for.

The sections are those of Mitchell et al. (2019) as far as they can be filled from what was measured.
"""

import re
from collections.abc import Iterator

from hw3models.data.sources import match
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.scores import MOST_CLASSES
from hw3models.evaluation.wording import value, value_with_interval
from hw3models.families import display_name
from hw3models.specs import (
    Answer,
    DataReport,
    Environment,
    EvaluationReport,
    PairReport,
    Recipe,
    TrainReport,
    TrainSpec,
)

_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")


def licence_of(data: DataReport) -> str:
    """The licence of data that are known here."""
    source = match(data.source)
    return (source.licence if source else "") or "not stated (`hw3 promote --licence TEXT` states it)"


def model_card(
    answer: Answer,
    family: str,
    spec: TrainSpec,
    environment: Environment | None,
    *,
    licence: str | None = None,
) -> str:
    """Markdown; nothing from the data is markup in it. `family` is an entry of the answer: a family, or an ensemble."""
    parts = [
        f"# {display_name(family)} on {_plain(answer.data.name)}",
        *_data(answer.data, licence),
        *_training(answer, family, spec, environment),
        *_scores(answer.evaluation[family]),
        *_comparison(answer, family),
        *_limits(answer, family),
    ]
    return "\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Names come from data: what markdown or HTML would read as markup is escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _data(data: DataReport, licence: str | None) -> Iterator[str]:
    shape = " x ".join(map(str, data.shape))
    yield "\n## Data\n"
    yield f"- {_plain(data.name)}, {data.kind} of {shape}, content digest `{data.digest}`"
    yield f"- {data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples"
    if data.num_groups is not None:
        yield f"- {data.num_groups:,} groups, {data.num_test_groups:,} of them in the test split"
    counts = zip(data.class_names, data.class_counts, strict=True)
    if data.target is not None:
        spread = f"mean {data.target.mean:.6g} and standard deviation {data.target.std:.6g} in training"
        yield f"- predicts {data.labels}, with {spread}"
    kept = "examples by range" if data.target is not None else "classes"
    yield f"- {kept}: {', '.join(f'{_plain(name)} ({count:,})' for name, count in counts)}"
    yield f"- licence: {_plain(licence) if licence else licence_of(data)}"


def _training(answer: Answer, family: str, spec: TrainSpec, environment: Environment | None) -> Iterator[str]:
    training = answer.training[family]
    yield "\n## Training\n"
    yield f"- {_judged(training)}, {training.parameters:,} parameters each; the model is {_chosen(training, spec)}"
    yield f"- {training.epochs} epochs, {training.train_seconds:.1f} s for all seeds together on {training.device}"
    if training.recipe is not None:
        yield f"- recipe, found among {training.recipe.tried}: {_recipe(training.recipe)}"
    yield f"- spec `{spec.fingerprint()}`, parameters `{training.digest}`"
    if environment is not None:
        versions = ", ".join(f"{name} {number}" for name, number in environment.versions.items())
        yield f"- {environment.hardware}; Python {environment.python}, {versions}; {environment.code}"


def _judged(training: TrainReport) -> str:
    num = len(training.seeds)
    if training.members == 1:
        return f"{num} seeds"
    return f"{num} ensemble{'' if num == 1 else 's'} of {training.members} seeds"


def _chosen(training: TrainReport, spec: TrainSpec) -> str:
    if training.members > 1:
        which = "all" if training.members == len(spec.seeds) else "the first"
        return f"the ensemble of {which} {training.members}: the mean of what they say"
    best = "the best on the validation split" if training.recipe is not None else "the first"
    return f"seed {training.best_seed}, {best}"


def _recipe(recipe: Recipe) -> str:
    fields = recipe.model_dump(mode="json", exclude={"tried"}, exclude_defaults=True)
    return ", ".join(f"{name} {number}" for name, number in fields.items()) or "all defaults"


def _scores(evaluation: EvaluationReport) -> Iterator[str]:
    yield "\n## Scores\n"
    yield f"Means over seeds on the test split, with 95% intervals over seeds and {evaluation.num_test:,} examples.\n"
    yield "| metric | value |\n|---|---|"
    for name, score in evaluation.metrics.items():
        label = METRICS[name].label if name in METRICS else name
        yield f"| {label} | {value_with_interval(name, score.mean, score.low, score.high)} |"
    if evaluation.per_class:
        yield "\n| class | precision | recall | F1 | test examples |\n|---|---|---|---|---|"
    worst = sorted(evaluation.per_class, key=lambda name: evaluation.per_class[name]["f1"])[:MOST_CLASSES]
    for name, row in evaluation.per_class.items():
        if name not in worst:
            continue
        shares = " | ".join(value("accuracy", row[column]) for column in ("precision", "recall", "f1"))
        yield f"| {_plain(name)} | {shares} | {row['support']:.0f} |"
    if (left := len(evaluation.per_class) - len(worst)) > 0:
        yield f"\nThese are the {len(worst)} classes with the lowest F1; {left:,} more are in the report's JSON."


def _comparison(answer: Answer, family: str) -> Iterator[str]:
    yield "\n## Against the others\n"
    if answer.comparison is None:
        yield "Nothing was compared."
        return
    yield answer.comparison.verdict + "\n"
    for pair in answer.comparison.pairs:
        if family in (pair.a, pair.b):
            yield f"- {'lost: ' if _lost(pair, family) else ''}{pair.sentence}"


def _lost(pair: PairReport, family: str) -> bool:
    return pair.verdict == ("b better" if pair.a == family else "a better")


def _limits(answer: Answer, family: str) -> Iterator[str]:
    data = answer.data
    yield "\n## Limits\n"
    yield f"- takes {' x '.join(map(str, data.shape))} only, scaled as its training data were; other shapes are refused"
    if data.kind == "sequences" and not data.unequal_lengths:
        yield "- series of this length only"
    yield "- the scores hold for data like the test split; `hw3 drift` looks whether new data are"
    if data.target is not None:
        yield f"- numbers beyond {data.target.low:.6g} to {data.target.high:.6g} were never met in training"
    error = answer.evaluation[family].metrics.get("calibration_error")
    if error is not None:
        yield f"- its probabilities are off by {value('calibration_error', error.mean)} on average (calibration error)"
    if calibration := answer.evaluation[family].calibration:
        yield f"- {calibration}"
    if answer.comparison is not None and answer.comparison.advice:
        yield f"- {answer.comparison.advice}"
    yield from (f"- {_plain(note)}" for note in (*data.notes, *answer.notes))
    yield from (f"- {_plain(failure.reason)}" for failure in answer.training[family].failures)
