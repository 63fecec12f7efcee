"""A run as the report sees it: reports with their files, made without training. Scores are drawn, then measured by
the real evaluation and comparison."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from hw3models.data.dataset import Dataset, describe, save
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.prediction_table import PredictionTable, save_table
from hw3models.evaluation.scores import evaluate
from hw3models.families import Network, facts_of, find_family
from hw3models.families.autoencoder import Autoencoder
from hw3models.homework.claims import judge_claims
from hw3models.specs import (
    Answer,
    DataReport,
    Environment,
    EvaluationReport,
    HomeworkPart,
    Kind,
    RunReport,
    Tracking,
    TrainReport,
)
from hw3models.specs.model import ModelManifest

SEEDS = (0, 1, 2)
SKILLS = {"cnn": 0.86, "gru": 0.93, "lstm": 0.92, "mlp": 0.71, "minirocket": 0.9, "majority": 0.5}
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>')
"""Class names that would run if they reached the page as they are."""


def run_report(folder: Path, *, class_names: tuple[str, ...] = ("rest", "move"), num_test: int = 200) -> RunReport:
    """Two data sets: sequences with six families, images with two autoencoders. All files lie under `folder`."""
    return RunReport(
        title="HW 3",
        command="hw3 run --seeds 3 --images digits",
        started="2026-11-22T23:40:00+00:00",
        seconds=754.2,
        answers=(
            sequences_answer(folder / "sequences", class_names=class_names, num_test=num_test),
            autoencoder_answer(folder / "images"),
        ),
        homework=(homework_part(),),
        environment=Environment(
            hardware="cpu (Test Processor), 2 cores",
            python="3.11.9",
            platform="Linux",
            versions={"torch": "2.15.0", "numpy": "2.3.5"},
            code="hw3 0.1.0, git 1234567890",
        ),
        tracking=Tracking(tracking_uri="https://ada:secret@mlflow.example", experiment="hw3", run_id="a" * 32),
        prefect={"flow run": "brave-otter"},
        warnings=("MNIST could not be downloaded: the digits of scikit-learn (8 x 8, enlarged) were taken instead.",),
    )


def sequences_answer(
    folder: Path, *, class_names: tuple[str, ...] = ("rest", "move"), num_test: int = 200, name: str = "regime:order"
) -> Answer:
    """Six families of known skill."""
    rng = np.random.default_rng(0)
    num_classes = len(class_names)
    num = 400 + num_test
    dataset = Dataset(
        name=name,
        kind="sequences",
        source=name,
        features=np.zeros((num, 5, 2), np.float32),
        labels=np.arange(num) % num_classes,
        class_names=class_names,
        train=np.arange(300),
        validation=np.arange(300, 400),
        test=np.arange(400, num),
        notes=("Made for tests.",),
    )
    data = _saved(dataset, folder)
    tables = {family: _classifier(family, skill, dataset, rng) for family, skill in SKILLS.items()}
    return _answer("sequences", dataset, data, tables, folder)


def autoencoder_answer(folder: Path) -> Answer:
    """An autoencoder and PCA, with a code of two numbers."""
    rng = np.random.default_rng(1)
    num = 120
    labels = np.arange(num) % 3
    features = np.zeros((num, 28, 28), np.uint8)
    for row, label in enumerate(labels):
        features[row, 4 : 12 + 4 * label, 6 : 20 - 3 * label] = 200
    dataset = Dataset(
        name="digits",
        kind="images",
        source="digits",
        features=features,
        labels=labels,
        class_names=("zero", "one", "two"),
        train=np.arange(60),
        validation=np.arange(60, 80),
        test=np.arange(80, num),
    )
    data = _saved(dataset, folder)
    tables = {family: _autoencoder(family, error, dataset, rng) for family, error in (("autoencoder", 30), ("pca", 44))}
    answer = _answer("autoencoder", dataset, data, tables, folder)
    _save_network(folder / "autoencoder", dataset)
    return answer


def homework_part() -> HomeworkPart:
    """Part 1A, with code in its answer."""
    return HomeworkPart(
        part="1A",
        question="What is the cross-entropy for the digit 3?",
        answer="0.9163 nats, as `F.cross_entropy` says.",
        table=(("logarithm", "value"), ("natural", "0.9163"), ("base 10", "0.3979")),
    )


# ------------------------------------------------------------------------------------------- parts


def _saved(dataset: Dataset, folder: Path) -> DataReport:
    save(dataset, folder / "data.npz")
    return describe(dataset, folder / "data.npz")


def _classifier(family: str, skill: float, dataset: Dataset, rng: np.random.Generator) -> PredictionTable:
    labels, num_classes = dataset.labels[dataset.test], len(dataset.class_names)
    is_constant = family == "majority"
    seeds = (0,) if is_constant else SEEDS
    right = rng.random((len(seeds), len(labels))) < skill
    wrong = (labels + rng.integers(1, max(2, num_classes), (len(seeds), len(labels)))) % num_classes
    chosen = np.zeros_like(wrong) if is_constant else np.where(right, labels, wrong)
    probabilities = np.full((*chosen.shape, num_classes), 0.2 / num_classes, np.float32)
    np.put_along_axis(probabilities, chosen[..., None], 0.8 + 0.2 / num_classes, axis=2)
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=seeds,
        test_index=dataset.test,
        labels=labels,
        probabilities=probabilities,
    )


def _autoencoder(family: str, error: float, dataset: Dataset, rng: np.random.Generator) -> PredictionTable:
    labels = dataset.labels[dataset.test]
    seeds = (0,) if family == "pca" else SEEDS
    shown = np.arange(12)
    return PredictionTable(
        family=family,
        data_digest=dataset.digest,
        seeds=seeds,
        test_index=dataset.test,
        labels=labels,
        squared_error=rng.gamma(20, error / 20, (len(seeds), len(labels))),
        codes=(rng.normal(size=(len(seeds), len(labels), 2)) + 3 * labels[:, None]).astype(np.float32),
        probe_correct=rng.random((len(seeds), len(labels))) < 0.8,
        reconstructions=dataset.features[dataset.test][shown] // 2,
        reconstructed_index=shown,
        num_pixels=784,
    )


def _answer(
    kind: str, dataset: Dataset, data: DataReport, tables: Mapping[str, PredictionTable], folder: Path
) -> Answer:
    training = {family: _training(family, dataset, folder / family) for family in tables}
    evaluation = {family: _evaluated(table, data, folder) for family, table in tables.items()}
    comparison = compare(
        tables,
        train_seconds={family: one.train_seconds for family, one in training.items()},
        facts=facts_of(tables, dataset.kind),
    )
    claims = judge_claims({"order": comparison}, {"order": evaluation}) if kind == "sequences" else ()
    return Answer.model_validate(
        {"kind": kind, "data": data, "training": training, "evaluation": evaluation, "comparison": comparison}
        | {"claims": claims, "run_ids": {family: f"{family}-run" for family in tables}}
    )


def _evaluated(table: PredictionTable, data: DataReport, folder: Path) -> EvaluationReport:
    path = folder / f"{table.family}.npz"
    return evaluate(
        table,
        data.class_names,
        predict_seconds_per_1000=0.0123,
        device="cpu (Test Processor)",
        table_path=str(path),
        table_digest=save_table(table, path),
    )


def _training(family: str, dataset: Dataset, folder: Path) -> TrainReport:
    kind: Kind = dataset.kind
    found = find_family(kind, family)
    recipe = found.recipe if isinstance(found, Network) else None
    seeds = (0,) if family in ("majority", "pca") else SEEDS
    folder.mkdir(parents=True)
    if recipe is not None:
        (folder / "history.json").write_text(json.dumps(_history(with_accuracy=family != "autoencoder")))
    return TrainReport(
        family=family,
        seeds=seeds,
        best_seed=seeds[-1],
        directory=str(folder),
        digest=f"model-{family}",
        data_digest=dataset.digest,
        spec_digest=f"spec-{family}",
        recipe=recipe,
        epochs=12 if recipe else 0,
        parameters=12_345,
        train_seconds={"majority": 2e-6, "minirocket": 1.5, "pca": 0.2, "mlp": 4.0}.get(family, 31.0),
        device="cpu (Test Processor)",
        strategy="stacked" if recipe else "baseline",
        peak_memory_mb=812.4,
    )


def _history(*, with_accuracy: bool) -> dict[str, object]:
    """Three seeds; the last stops early, the first has one epoch that was not finite."""
    curves: list[list[float | None]] = [
        [0.7 * 0.8**epoch + 0.01 * seed for epoch in range(12 - 4 * (seed == 2))] for seed in SEEDS
    ]
    accuracy = [[None if value is None else 1 - value / 2 for value in curve] for curve in curves]
    curves[0][3] = None
    return {
        "seeds": list(SEEDS),
        "learning_rate": [0.001] * 12,
        "train_loss": curves,
        "validation_loss": curves,
        "validation_accuracy": accuracy if with_accuracy else None,
    }


def _save_network(folder: Path, dataset: Dataset) -> None:
    """Untrained weights in the layout of a trained autoencoder."""
    torch.manual_seed(0)
    states = [Autoencoder((28, 28), 2).state_dict() for _ in SEEDS]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
    safetensors.torch.save_file(stacked, folder / "replicates.safetensors")
    manifest = ModelManifest(
        family="autoencoder",
        kind="images",
        shape=(28, 28),
        class_names=dataset.class_names,
        mean=(0.0,),
        std=(1.0,),
        unequal_lengths=False,
        latent_dim=2,
        dropout=0.0,
        seeds=SEEDS,
        best_seed=SEEDS[-1],
        data_digest=dataset.digest,
        data_name=dataset.name,
    )
    (folder / "model.json").write_text(manifest.model_dump_json())
