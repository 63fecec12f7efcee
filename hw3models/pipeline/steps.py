"""The steps between data and answer, each a function from specs and reports to a report.

Everything bigger stays in files, named by digest. The orchestration puts its policy around these.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

from hw3models.data import load_prepared
from hw3models.data.dataset import Dataset
from hw3models.data.preparation import check_digest
from hw3models.data.resamples import drawn_from, num_train, split_of
from hw3models.data.training_sets import training_set, with_training_set
from hw3models.engine.calibrating import calibrate, calibration_text
from hw3models.engine.checkpoints import KeptCheckpoints
from hw3models.engine.fit import EpochReport, FitResult, fit
from hw3models.engine.fitted_store import keep
from hw3models.engine.model_store import load_model, save_model
from hw3models.engine.predicting import predict
from hw3models.errors import DigestError
from hw3models.evaluation.prediction_table import PredictionTable, add_seeds, join_resamples, load_table, save_table
from hw3models.evaluation.scores import evaluate
from hw3models.families import Baseline, Network, find_family
from hw3models.objectives.objective import BaselineFit
from hw3models.runtime.cores import present
from hw3models.runtime.devices import describe_device, peak_memory_mb, pick_device, restart_peak_memory
from hw3models.runtime.files import write_atomically
from hw3models.specs import DataReport, EvaluationReport, TrainReport, TrainSpec

OnEpoch = Callable[[EpochReport], None]


def train_step(
    spec: TrainSpec,
    data: DataReport,
    directory: Path,
    *,
    on_epoch: OnEpoch = lambda _: None,
    checkpoints: Path | None = None,
    every: float = 30.0,
    resume: bool = True,
    on_free_core: Callable[[], None] = lambda: None,
) -> TrainReport:
    """Train the replicates of `spec`, or fit the baseline, and leave them in `directory`.

    With a folder for `checkpoints`, written `every` so many seconds, a training that was cut off goes on from there
    (without `resume` they are deleted first); they are deleted when it is done. `on_free_core` is as in `fit`.

    Raises:
        SpecError: no such family for these data, or the device is not there.
        DigestError: the data are not those that `spec.data.digest` names.
        TrainingError: every replicate failed.
    """
    check_digest(spec, data)
    family = find_family(data.kind, spec.family, spec.origin, data.task)
    dataset = load_prepared(data)
    directory.mkdir(parents=True, exist_ok=True)
    restart_peak_memory()
    if isinstance(family, Baseline):
        return _fit_baseline(family, spec, dataset, directory)
    kept = None if checkpoints is None else KeptCheckpoints(checkpoints, spec, data, every, resume)
    return _fit_network(family, spec, dataset, directory, on_epoch, kept, on_free_core)


def _fit_network(
    family: Network,
    spec: TrainSpec,
    dataset: Dataset,
    directory: Path,
    on_epoch: OnEpoch,
    checkpoints: KeptCheckpoints | None,
    on_free_core: Callable[[], None],
) -> TrainReport:
    result = fit(dataset, family, spec, on_epoch=on_epoch, checkpoints=checkpoints, on_free_core=on_free_core)
    digest = save_model(directory, dataset, family, spec, result)
    calibrate(directory, dataset, result.device)
    if checkpoints is not None:
        checkpoints.clear()
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    learnt = [tensor[0].numel() for name, tensor in result.states.items() if not name.endswith(buffers)]
    return TrainReport(
        family=family.name,
        origin=family.origin,
        seeds=result.seeds,
        failures=result.failures,
        best_seed=result.best_seed,
        directory=str(directory),
        digest=digest,
        data_digest=dataset.digest,
        spec_digest=spec.fingerprint(),
        recipe=spec.recipe or family.recipe,
        epochs=max(report.epoch for report in result.epochs),
        parameters=sum(learnt),
        train_seconds=result.seconds,
        device=describe_device(result.device),
        strategy=_told(result),
        precision=str(result.precision),
        peak_memory_mb=peak_memory_mb(result.device),
        notes=result.notes,
    )


def _told(result: FitResult) -> str:
    """The strategy in words: why not another one, and how much of the data was in memory."""
    because = f" (not {result.reason})" if result.reason else ""
    return f"{result.strategy}{because}" + (f", in chunks of {result.chunk:,}" if result.chunk else "")


def _import_baselines() -> None:
    """Load what baselines are made of, before the clock runs: the first one would seem to cost a second more."""
    import sklearn.decomposition
    import sklearn.dummy
    import sklearn.linear_model  # noqa: F401


def _fit_baseline(family: Baseline, spec: TrainSpec, dataset: Dataset, directory: Path) -> TrainReport:
    """Baselines are asked about the test split at once, and kept where they can be."""
    seeds = spec.seeds[:1] if family.deterministic and spec.resampling == "seed" else spec.seeds
    views = [_seen_by(seed, dataset, spec) for seed in seeds]
    _import_baselines()
    start = time.perf_counter()
    with present():
        fits = [
            family.fit(view, drawn_from(spec.resampling, seed), spec.latent_dim)
            for seed, view in zip(seeds, views, strict=True)
        ]
    fitting = time.perf_counter() - start - sum(one.predict_seconds for one in fits)
    table = _baseline_table(family, spec, seeds, fits, views, dataset)
    digest = save_table(table, directory / "predictions.npz")
    seconds = f"{fits[0].predict_seconds}"
    write_atomically(directory / "predict_seconds", seconds.encode())
    kept_digest, reason = keep(directory, views[0], family, spec, seeds, fits)
    cpu = pick_device("cpu")
    return TrainReport(
        family=family.name,
        origin=family.origin,
        seeds=seeds,
        best_seed=seeds[0],
        directory=str(directory),
        digest=digest,
        kept_digest=kept_digest,
        data_digest=dataset.digest,
        spec_digest=spec.fingerprint(),
        recipe=None,
        epochs=0,
        parameters=fits[0].parameters,
        train_seconds=fitting,
        device=describe_device(cpu),
        strategy="one after another",
        peak_memory_mb=peak_memory_mb(cpu),
        notes=(f"The model of {family.label} is not kept: {reason}.",) if reason else (),
    )


def _seen_by(seed: int, dataset: Dataset, spec: TrainSpec) -> Dataset:
    """The data as a baseline sees them with this seed."""
    if spec.resampling == "training":
        return with_training_set(dataset, training_set(dataset, seed))
    return split_of(dataset, spec.resampling, seed)


def _baseline_table(
    family: Baseline,
    spec: TrainSpec,
    seeds: Sequence[int],
    fits: Sequence[BaselineFit],
    views: Sequence[Dataset],
    dataset: Dataset,
) -> PredictionTable:
    """The table of all seeds, each fitted to its own view of the data."""
    if spec.resampling == "seed":
        return family.objective.baseline_table(family.name, seeds, fits, dataset)
    each = zip(seeds, fits, views, strict=True)
    tables = [family.objective.baseline_table(family.name, (seed,), [one], view) for seed, one, view in each]
    if spec.resampling == "training":
        return replace(reduce(add_seeds, tables), training_resampled=True)
    return join_resamples(tables, data_digest=dataset.digest, num_train=num_train(views))


def evaluate_step(training: TrainReport, data: DataReport) -> EvaluationReport:
    """Predict the test split, once, keep the prediction table beside the model, and score it."""
    if training.data_digest != data.digest:
        raise DigestError(
            f"{training.family} was trained on data {training.data_digest}, but is to be evaluated on {data.digest}."
        )
    dataset = load_prepared(data)
    directory = Path(training.directory)
    path = directory / "predictions.npz"
    family, calibration = find_family(data.kind, training.family, training.origin, data.task), ""
    if isinstance(family, Baseline):
        table, seconds = load_table(path), float((directory / "predict_seconds").read_text())
        table_digest, device = training.digest, training.device
    else:
        where = pick_device("auto" if not training.device.startswith("cpu") else "cpu")
        manifest, states = load_model(directory)
        table, seconds = predict(manifest, states, dataset, where)
        calibration = calibration_text(manifest, table, len(dataset.validation))
        table_digest, device = save_table(table, path), describe_device(where)
    return evaluate(
        table,
        dataset.class_names,
        predict_seconds_per_1000=1000 * seconds / len(dataset.test),
        device=device,
        table_path=str(path),
        table_digest=table_digest,
    ).model_copy(update={"calibration": calibration})
