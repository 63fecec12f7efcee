"""Look for drift: the training data behind a model, prepared again, against new ones."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.data import load_prepared
from hw3models.data.dataset import Dataset
from hw3models.data.source import GROUP_COLUMN
from hw3models.data.sources import match
from hw3models.drift import Side, detect
from hw3models.drift.looks import content, level_of, look_text
from hw3models.drift.reading import read_new
from hw3models.drift.units import number_groups
from hw3models.errors import DataError, SpecError
from hw3models.evaluation.metrics import errors_of
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score
from hw3models.serving.predictor import Predictor, load_predictor, save_use
from hw3models.specs import DataReport, DataSpec, DriftReport, DriftSpec, Score
from tasks import tracking
from tasks.bringing import on_this_machine
from tasks.progress import say
from tasks.promotion import fetch_challenger, own_table
from tasks.settings import Settings
from tasks.tracking import registry
from tasks.tracking.finding import FamilyRun, fetch_family, find_answers, is_study

_AT_ONCE = 1024


def fetch_reference(reference: str, directory: Path) -> FamilyRun:
    """The family's run behind a registered model, or the one that is named by its id.

    Raises:
        SpecError: there is none, or it is a baseline.
    """
    run = _named_by_id(reference, directory) if _is_run_id(reference) else registry.fetch_named(reference, directory)
    if not run.training.is_kept:
        why = " ".join(run.training.notes) or "It was trained before baselines were kept: train it again."
        raise SpecError(f"{reference} is a baseline ({run.training.family}) that keeps no model to ask. {why}")
    return run


def check_reference(reference: str) -> None:
    """Before anything starts.

    Raises:
        SpecError: no registered model is called so.
    """
    if not _is_run_id(reference):
        registry.find_named(reference)


def _is_run_id(reference: str) -> bool:
    return len(reference) == 32 and all(letter in "0123456789abcdef" for letter in reference)


def _named_by_id(run_id: str, directory: Path) -> FamilyRun:
    """The run itself; of a study with one data set, that of its winner."""
    if not is_study(run_id):
        return fetch_family(run_id, directory)
    _, answers = find_answers(run_id)
    if len(answers) > 1:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"MLflow run {run_id} has several data sets ({names}): name the run of a family.")
    return fetch_challenger(answers[0], None, directory)


@task(task_run_name="drift", cache_policy=NO_CACHE, persist_result=False)
def look_for_drift(spec: DriftSpec, run: FamilyRun, data: DataReport, run_id: str | None = None) -> DriftReport:
    """Compare, and where the new data have labels, score the model on them.

    `run_id` is the look's own MLflow run, by which it is counted; without one it is judged as the first look.

    Raises:
        DataError: the new data cannot be read, or do not fit the model.
    """
    predictor = _predictor(run)
    dataset = load_prepared(data)
    with on_this_machine(spec.new, say) as new_data:
        wanted = _with_group_column(new_data, run.spec.data, dataset)
        examples, found_labels, named = read_new(wanted, predictor.manifest, cache=Settings().cache)
    labels, numbers = (found_labels, None) if predictor.manifest.target is None else (None, found_labels)
    old_groups, new_groups = _groups(dataset, named, wanted)
    columns = predictor.predict(_usable(examples[:1]))
    what = next((name for name in ("probabilities", "prediction") if name in columns), None)
    said = None if what is None else _said(predictor, examples, what)
    new = _New(examples, said, labels, numbers)
    tested = None if old_groups is None or said is None else old_groups[_own_table(run).test_index]
    seen = content(examples, found_labels, new_groups)
    number = 1 if run_id is None else tracking.count_look(run_id, run.run_id, seen)
    report = detect(
        *_sides(run, dataset, new, (old_groups, new_groups)),
        kind=predictor.manifest.kind,
        num_classes=len(predictor.manifest.class_names),
        classes_are="predicted" if found_labels is None else "labels",
        hits=_hits(run, said, labels) if said is not None and labels is not None else None,
        errors=_errors(run, said, numbers) if said is not None and numbers is not None else None,
        hit_groups=None if tested is None or new_groups is None else (tested, new_groups),
        smallest=spec.smallest,
        level=level_of(number),
    )
    found = {"look": number, "verdict": f"{report.verdict} {look_text(number, report.level)}"}
    scores = {} if said is None else _scores(run, new)
    return report.model_copy(update={**found, **scores, "reference": spec.reference})


class _New(NamedTuple):
    """New examples, what the model says of them, and their labels or numbers where they have some."""

    examples: NDArray[np.float32]
    said: NDArray[Any] | None
    labels: NDArray[np.int64] | None
    numbers: NDArray[np.float64] | None


def _sides(
    run: FamilyRun,
    dataset: Dataset,
    new: _New,
    groups: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None],
) -> tuple[Side, Side]:
    """The training data, and the new ones: examples, and labels or else what the model says of them."""
    rows = np.concatenate([dataset.train, dataset.validation])[:20_000]
    examples, said, labels, numbers = new
    ours = Side(examples=_with_gaps(dataset, rows), groups=None if groups[0] is None else groups[0][rows])
    theirs = Side(examples=examples, groups=groups[1])
    if said is None:
        return ours, theirs
    if labels is not None:
        return replace(ours, classes=dataset.labels[rows]), replace(theirs, classes=labels)
    if numbers is not None and dataset.targets is not None:
        return replace(ours, numbers=dataset.targets[rows]), replace(theirs, numbers=numbers)
    # What it says about training examples it has learnt by heart: those that it has not met are like new ones.
    table = _own_table(run)
    tested = None if groups[0] is None else groups[0][table.test_index]
    if table.predicted is not None:
        return replace(ours, numbers=table.predicted[0], class_groups=tested), replace(theirs, numbers=said)
    return replace(ours, classes=_named_by(table), class_groups=tested), replace(theirs, classes=said.argmax(1))


def _with_group_column(new: DataSpec, trained: DataSpec, dataset: Dataset) -> DataSpec:
    """The new data's spec; a table names its groups as the training data did, where nothing else is asked for."""
    source = match(new.source, new.layout)
    if new.group_column is not None or dataset.groups is None or source is None or source.groups != GROUP_COLUMN:
        return new
    return new.model_copy(update={"group_column": trained.group_column or "group"})


def _groups(
    dataset: Dataset, named: tuple[str, ...] | None, new: DataSpec
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Groups (N,) of the prepared data, and of the new, in one numbering; None where nobody named any.

    Raises:
        DataError: only one side names groups.
    """
    if dataset.groups is None and named is None:
        return None, None
    if named is None:
        raise DataError(
            f"{new.source}: the model's training data say of which groups their examples are, and these data do not. "
            "Name them in the same way; where each example is of another group, number them."
        )
    if dataset.groups is None:
        raise DataError(
            f"{new.source}: these data say of which groups their examples are, and the model's training data do not. "
            "Train with groups, or leave them out here."
        )
    ours, theirs = number_groups([[dataset.group_names[code] for code in dataset.groups], named])
    return ours, theirs


def _named_by(table: PredictionTable) -> NDArray[np.int64]:
    """(n,) the classes that it says of its own test examples."""
    assert table.probabilities is not None
    return np.asarray(table.probabilities[0].argmax(-1), dtype=np.int64)


def _predictor(run: FamilyRun) -> Predictor:
    """What is used: the replicate of the best seed, or the ensemble."""
    with tempfile.TemporaryDirectory() as folder:
        save_use(Path(run.training.directory), Path(folder), run.members)
        return load_predictor(Path(folder))


def _with_gaps(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """NaN after the end of a shorter series, as new data have it."""
    values = np.asarray(dataset.features[rows], np.float32)
    if dataset.lengths is not None:
        values[np.arange(values.shape[1]) >= dataset.lengths[rows][:, None]] = np.nan
    return values


def _usable(examples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(examples)


def _said(predictor: Predictor, examples: NDArray[np.float32], what: str) -> NDArray[Any]:
    """(N, K) probabilities, or (N,) numbers."""
    starts = range(0, len(examples), _AT_ONCE)
    return np.concatenate([predictor.predict(examples[at : at + _AT_ONCE])[what] for at in starts])


def _own_table(run: FamilyRun) -> PredictionTable:
    """Predictions of the one model that is used, on its own test split."""
    table = own_table(run)
    return table.of_seed(table.seeds[0] if run.members > 1 else run.training.best_seed)


def _hits(run: FamilyRun, said: NDArray[Any], labels: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which examples it got right before, and which it gets right now."""
    table = _own_table(run)
    return _named_by(table) == table.labels, said.argmax(-1) == labels


def _errors(
    run: FamilyRun, said: NDArray[Any], numbers: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far it was off on its own test split, and is now."""
    return np.abs(errors_of(_own_table(run))[0]), np.abs(said - numbers)


def _scores(run: FamilyRun, new: _New) -> dict[str, Score | None]:
    """Accuracy, or RMSE, of the one model that is used: on its own test split, and on the new data."""
    table = _own_table(run)
    metric = "accuracy" if table.predicted is None else "rmse"
    labels = new.labels if table.predicted is None else np.zeros(len(new.examples), np.int64)
    before: dict[str, Score | None] = {f"{metric}_before": score(table, metric)}
    if labels is None or new.said is None or (metric == "rmse" and new.numbers is None):
        return before
    said: dict[str, Any] = {"probabilities": new.said[None]} if metric == "accuracy" else {"predicted": new.said[None]}
    now = PredictionTable(
        family=table.family,
        data_digest=table.data_digest,
        seeds=(run.training.best_seed,),
        test_index=np.arange(len(labels)),
        labels=labels,
        targets=new.numbers,
        **said,
    )
    return before | {f"{metric}_now": score(now, metric)}
