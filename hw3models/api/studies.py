"""`study`: families compared on arrays, in this process."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hw3models.api.result import StudyFolder, StudyResult
from hw3models.checking import warnings_about
from hw3models.data.arrays import WHERE, raw_from_arrays
from hw3models.data.labels import merged
from hw3models.data.preparation import prepare_raw
from hw3models.data.raw import Raw
from hw3models.data.source import made
from hw3models.errors import SpecError, TrainingError
from hw3models.evaluation.scores import headline
from hw3models.families import display_name
from hw3models.pipeline.answering import answer_of, compare_reports, with_design
from hw3models.pipeline.defaults import fitting_entries
from hw3models.pipeline.ensembles import add_ensembles
from hw3models.pipeline.plan import StudyPlan
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.pipeline.study import check_study
from hw3models.printable import few
from hw3models.runtime.environment import describe_environment
from hw3models.specs import (
    Answer,
    Axes,
    DataOptions,
    DataSpec,
    EvaluationReport,
    Kind,
    RunReport,
    StudyKind,
    StudySpec,
    Task,
    TrainReport,
)

ELSEWHERE = ("tune", "searches", "until_decided", "placement", "queue_deadline", "max_seeds", "fresh")
"""Options of a study that need the flows: `hw3 sequences` and `hw3 images` have them."""
OF_ARRAYS = (
    "max_train",
    "max_train_groups",
    "merge_labels",
    "missing",
    "seed",
    "task",
    "test_fraction",
    "validation_fraction",
)
"""Options of data that are about arrays, too; the others say how files are read, or which data are made."""


def study(
    examples: ArrayLike | Sequence[ArrayLike],
    labels: ArrayLike,
    *,
    families: Sequence[str] | str | None = None,
    seeds: int = 5,
    groups: ArrayLike | None = None,
    test: ArrayLike | None = None,
    kind: Kind | None = None,
    axes: Axes | None = None,
    channels: Sequence[str] = (),
    name: str = "arrays",
    folder: str | Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    **options: Any,
) -> StudyResult:
    """Which family is best on these examples, and is the difference real?

    The same as `hw3 images` and `hw3 sequences` on a file with these examples, to the last digit. A family that cannot
    be trained does not stop the others; the result says why.

    Args:
        examples: images, uint8 (N, H, W) or (N, H, W, 3), or other numbers of four axes (fractions in 0..1, channels
            first); or series, numbers (N, T, C) or (N, T), or a list of N arrays (T_i, C). Steps at the end of a series
            that are NaN in every channel are not part of it.
        labels: (N,) whole numbers or text; numbers with fractions are predicted (regression), whole ones with
            `task="regression"`.
        families: such as `["cnn", "rocket"]` or `"cnn,./nets.py:MyNet"`; None: all that suit.
        seeds: trainings of each family.
        groups: (N,) whose examples they are (subjects, recordings): none is then on two sides, and the intervals count
            groups. None: the examples are independent.
        test: (N,) True for examples to test on; None: a quarter is drawn, stratified by class.
        kind: `images` or `sequences`; None: images where they are uint8 or have four axes, else series.
        axes: of series: `NTC`, or `NCT` where channels come before steps, as in aeon; None: NTC, and arrays that look
            like NCT are refused.
        channels: names of the C channels of series.
        name: what reports call the data.
        folder: where models and predictions are kept; None: a temporary one, that goes with the result.
        tell: gets a line after each family, such as `print`.
        options: fields of `StudySpec` and `DataOptions`, such as `metric="macro_f1"`, `margin=0.01`, `epochs=20`,
            `test_fraction=0.3` or `missing="interpolate"`.

    Raises:
        SpecError: an option that there is not, or that asks for what is impossible.
        DataError: the arrays do not fit; all faults together.
        TrainingError: no family could be trained.
    """
    own, of_data = _options(options)
    task, told = _task_of(labels, of_data.get("task"))
    raw = raw_from_arrays(
        examples,
        labels,
        kind=kind,
        task=task,
        axes=axes,
        test=test,
        groups=groups,
        channels=channels,
        name=name,
    )
    raw = replace(raw, understood=(*raw.understood, *told))
    of_data["task"] = task
    spec = StudySpec.model_validate({"families": families, "seeds": seeds} | own)
    where = Path(tempfile.mkdtemp(prefix="hw3-study-") if folder is None else folder).absolute()
    found = StudyFolder(where, is_temporary=folder is None)
    if of_data.get("merge_labels"):
        raw = merged(raw)
    started, clock = datetime.now().astimezone(), time.perf_counter()
    answer = _study(raw, spec, DataSpec(source=WHERE, **of_data), where, tell)
    run = RunReport(
        title="study",
        command="hw3models.study(...)",
        started=started.isoformat(timespec="seconds"),
        seconds=time.perf_counter() - clock,
        answers=(answer,),
        environment=describe_environment(),
        warnings=_warnings(answer),
    )
    classes = _originals(labels, raw.class_names if task == "classification" else ())
    return StudyResult(run, classes=classes, folder=found, axes=axes)


def _task_of(labels: ArrayLike, asked: Task | None) -> tuple[Task, tuple[str, ...]]:
    """What the labels are, and what is said of it: numbers with fractions are predicted where nobody says otherwise."""
    values = np.asarray(labels)
    has_fractions = values.dtype.kind == "f" and bool((np.isfinite(values) & (values != np.floor(values))).any())
    if asked is not None or not has_fractions:
        return asked or "classification", ()
    told = 'y holds numbers with fractions: taken as numbers to predict (`task="classification"` would refuse them).'
    return "regression", (told,)


def _options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the study, and those of the data."""
    of_study = set(StudySpec.model_fields) - {*ELSEWHERE, "families", "seeds"}
    of_data = set(OF_ARRAYS)
    if needs_flows := sorted(set(options) & set(ELSEWHERE)):
        raise SpecError(f"`{needs_flows[0]}` needs the flows: use `hw3 images` or `hw3 sequences`, or leave it out.")
    if of_files := sorted(set(options) & set(DataOptions.model_fields) - of_data):
        raise SpecError(
            f"`{of_files[0]}` says how files are read, and these are arrays: change the arrays, or give a file to "
            "`hw3 images` or `hw3 sequences`."
        )
    if unknown := sorted(set(options) - of_study - of_data):
        raise SpecError(f"`{unknown[0]}` is no option; there are {few(sorted(of_study | of_data))}.")
    return (
        {name: value for name, value in options.items() if name in of_study},
        {name: value for name, value in options.items() if name in of_data},
    )


class _Reports(NamedTuple):
    """What has come of the families so far."""

    training: dict[str, TrainReport]
    evaluation: dict[str, EvaluationReport]
    failures: dict[str, str]


def _study(raw: Raw, spec: StudySpec, of_data: DataSpec, folder: Path, tell: Callable[[str], None]) -> Answer:
    study_kind: StudyKind = "sequences" if raw.kind == "sequences" else "images"
    choice = check_study(study_kind, spec, of_data.task)
    data = prepare_raw(raw, of_data, made(WHERE, raw.kind, 1), cache=folder)
    warned = warnings_about(data, of_data)
    for text in warned:
        tell(text)
    entries, left_out = fitting_entries(choice.families, data, spec, choice.objective)
    plan = StudyPlan(kind=study_kind, spec=spec, source=of_data, data=data, families=entries, metric=choice.metric)
    found = _train_all(plan, folder, tell)
    comparison = None
    if len(found.training) > 1:
        compared = compare_reports(
            data, found.training, found.evaluation, plan.metric, spec.margin, estimand=spec.estimand
        )
        comparison = with_design(compared, plan)
    return answer_of(
        plan, found.training, found.evaluation, comparison, failures=found.failures, notes=[*warned, *left_out]
    )


def _train_all(plan: StudyPlan, folder: Path, tell: Callable[[str], None]) -> _Reports:
    found = _Reports({}, {}, {})
    seeds = range(plan.spec.first_seed, plan.spec.first_seed + plan.spec.seeds)
    for family, training in plan.trainings(plan.trained, seeds).items():
        try:
            trained = train_step(
                training, plan.data, folder / "models" / f"{plan.data.digest}-{training.fingerprint()}"
            )
            evaluated = evaluate_step(trained, plan.data)
        except TrainingError as error:
            found.failures[family] = str(error)
            tell(f"{display_name(family)} could not be trained: {error}")
            continue
        found.training[family], found.evaluation[family] = trained, evaluated
        took = f"{len(evaluated.seeds)} x {trained.train_seconds / len(evaluated.seeds):.1f} s"
        tell(f"{display_name(family)}: {headline(evaluated, plan.metric)}, {took}")
    for name in add_ensembles(plan.families, found.training, found.evaluation, found.failures):
        tell(f"{display_name(name)}: {headline(found.evaluation[name], plan.metric)}, of seeds that are there")
    entries = [name for name in plan.families if name in found.training]
    return _Reports(
        {name: found.training[name] for name in entries},
        {name: found.evaluation[name] for name in entries},
        found.failures,
    )


def _warnings(answer: Answer) -> tuple[str, ...]:
    failed = [f"{family} could not be trained: {why}" for family, why in answer.failures.items()]
    return tuple(dict.fromkeys((*answer.data.warnings, *failed, *answer.notes)))


def _originals(labels: ArrayLike, class_names: Sequence[str]) -> np.ndarray[Any, Any]:
    """(K,) the labels as the user gave them, in the order of `class_names`."""
    values = np.unique(np.asarray(labels))
    if values.dtype.kind in "iufb":
        by_name = {str(int(value)): value for value in values}
        by_name |= {str(value): value for value in values}
    else:
        by_name = {value.decode() if isinstance(value, bytes) else str(value): value for value in values}
    return np.array([by_name.get(name, name) for name in class_names], dtype=values.dtype)
