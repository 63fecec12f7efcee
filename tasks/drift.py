"""Look for drift: the training data behind a model, prepared again, against new ones."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.data import load_prepared
from hw3models.data.dataset import Dataset
from hw3models.drift import Side, detect
from hw3models.drift.reading import read_new
from hw3models.engine.model_store import load_model
from hw3models.errors import SpecError
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.evaluation.scores import score
from hw3models.serving.predictor import Predictor, load_predictor, save_predictor
from hw3models.specs import DataReport, DriftReport, DriftSpec, Score
from tasks.promotion import challenger_of
from tasks.settings import Settings
from tasks.tracking import registry
from tasks.tracking.finding import FamilyRun, fetch_family, find_answers, is_study

_AT_ONCE = 1024


def fetch_reference(reference: str, directory: Path) -> FamilyRun:
    """The family's run behind a registered model, or the one that is named by its id.

    Raises:
        SpecError: there is none, or it is a baseline.
    """
    is_run = len(reference) == 32 and all(letter in "0123456789abcdef" for letter in reference)
    run = fetch_family(_family_of(reference) if is_run else registry.run_behind(reference), directory)
    if run.training.recipe is None:
        raise SpecError(f"{reference} is a baseline ({run.training.family}): it keeps no model to ask.")
    return run


def _family_of(run_id: str) -> str:
    """The run itself; of a study with one data set, that of its winner."""
    if not is_study(run_id):
        return run_id
    _, answers = find_answers(run_id)
    if len(answers) > 1:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"MLflow run {run_id} has several data sets ({names}): name the run of a family.")
    return answers[0].run_ids[challenger_of(answers[0], None)]


@task(task_run_name="drift", cache_policy=NO_CACHE, persist_result=False)
def look_for_drift(spec: DriftSpec, run: FamilyRun, data: DataReport) -> DriftReport:
    """Compare, and where the new data have labels, score the model on them.

    Raises:
        DataError: the new data cannot be read, or do not fit the model.
    """
    predictor = _predictor(run)
    examples, labels = read_new(spec.new, predictor.manifest, cache=Settings().cache)
    dataset = load_prepared(data)
    rows = np.concatenate([dataset.train, dataset.validation])[:20_000]
    ours = _with_gaps(dataset, rows)
    classifies = "probabilities" in predictor.predict(np.nan_to_num(examples[:1]))
    said = _said(predictor, examples) if classifies else None
    reference, new = Side(examples=ours), Side(examples=examples)
    if said is not None and labels is None:
        reference = Side(examples=ours, classes=_said(predictor, ours).argmax(1))
        new = Side(examples=examples, classes=said.argmax(1))
    elif said is not None:
        reference, new = Side(examples=ours, classes=dataset.labels[rows]), Side(examples=examples, classes=labels)
    report = detect(
        reference,
        new,
        kind=predictor.manifest.kind,
        num_classes=len(predictor.manifest.class_names),
        classes_are="predicted" if labels is None else "labels",
        hits=_hits(run, said, labels) if said is not None and labels is not None else None,
        smallest=spec.smallest,
    )
    before, now = _scores(run, said, labels) if classifies else (None, None)
    return report.model_copy(update={"accuracy_before": before, "accuracy_now": now, "reference": spec.reference})


def _predictor(run: FamilyRun) -> Predictor:
    """The replicate that is used: the best seed's."""
    manifest, states = load_model(Path(run.training.directory))
    with tempfile.TemporaryDirectory() as folder:
        save_predictor(Path(folder), manifest, states, run.training.best_seed)
        return load_predictor(Path(folder))


def _with_gaps(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """NaN after the end of a shorter series, as new data have it."""
    values = np.asarray(dataset.features[rows], np.float32)
    if dataset.lengths is not None:
        values[np.arange(values.shape[1]) >= dataset.lengths[rows][:, None]] = np.nan
    return values


def _said(predictor: Predictor, examples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, K) probabilities."""
    starts = range(0, len(examples), _AT_ONCE)
    return np.concatenate([predictor.predict(examples[at : at + _AT_ONCE])["probabilities"] for at in starts])


def _own_table(run: FamilyRun) -> PredictionTable:
    """Predictions of the one model that is used, on its own test split."""
    table = load_table(Path(run.evaluation.table_path), digest=run.evaluation.table_digest)
    return table.of_seed(run.training.best_seed)


def _hits(
    run: FamilyRun, said: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which examples it got right before, and which it gets right now."""
    table = _own_table(run)
    assert table.probabilities is not None
    return table.probabilities[0].argmax(-1) == table.labels, said.argmax(-1) == labels


def _scores(
    run: FamilyRun, said: NDArray[np.float32] | None, labels: NDArray[np.int64] | None
) -> tuple[Score, Score | None]:
    """Accuracy of the one model that is used: on its own test split, and on the new data."""
    table = _own_table(run)
    before = score(table, "accuracy")
    if labels is None or said is None:
        return before, None
    new = PredictionTable(
        family=table.family,
        data_digest=table.data_digest,
        seeds=(run.training.best_seed,),
        test_index=np.arange(len(labels)),
        labels=labels,
        probabilities=said[None],
    )
    return before, score(new, "accuracy")
