"""Families that need no training: their prediction tables are made to order, and lie in files as real ones do."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flows.studies.results import StudyResults
from hw3models.data.dataset import describe, save
from hw3models.evaluation.prediction_table import save_table
from hw3models.evaluation.scores import evaluate
from hw3models.pipeline.plan import StudyPlan
from hw3models.specs import (
    DataReport,
    DataSpec,
    EvaluationReport,
    Placement,
    SequencesSpec,
    StudySpec,
    TrainReport,
    TrainSpec,
)
from tests.tables import classifier
from tests.tiny import tiny_dataset

HERE = Placement(wish="here", where="here", reason="asked for")


def prepared(folder: Path) -> DataReport:
    """The tiny sequences, prepared: 60 test examples of 2 classes."""
    dataset = tiny_dataset(num_classes=2)
    save(dataset, folder / "data.npz")
    return describe(dataset, folder / "data.npz")


def plan_of(data: DataReport, families: tuple[str, ...], *, metric: str = "accuracy", **changes: object) -> StudyPlan:
    spec: StudySpec = SequencesSpec.model_validate({"data": DataSpec(source="tests"), "families": families} | changes)
    return StudyPlan(
        kind="sequences",
        spec=spec,
        source=DataSpec(source="tests"),
        data=data,
        families=families,
        metric=metric,
        parent="p" * 32,
    )


class Trainer:
    """A stand-in for `train_all`: each family is right on its share of the test examples, more or less by seed."""

    def __init__(self, folder: Path, skills: Mapping[str, float]) -> None:
        self.folder, self.skills = folder, skills
        self.fails: dict[str, str] = {}
        """Family -> why it cannot be trained from now on."""
        self.asked: list[dict[str, tuple[int, ...]]] = []
        """The seeds of each family, call by call."""

    def __call__(self, plan: StudyPlan, trainings: Mapping[str, TrainSpec], results: StudyResults) -> None:
        self.asked.append({family: training.seeds for family, training in trainings.items()})
        for number, (family, training) in enumerate(trainings.items()):
            results.run_ids[family] = f"{len(self.asked)}{number}".ljust(32, "f")
            if family in self.fails:
                results.failures[family] = self.fails[family]
                continue
            results.training[family], results.evaluation[family] = self.train(training, plan.data)
            results.placement[family] = HERE

    def train(self, spec: TrainSpec, data: DataReport) -> tuple[TrainReport, EvaluationReport]:
        """What a training of `spec` leaves behind; no network, so that there are no models to merge."""
        folder = self.folder / f"{spec.family}-{'-'.join(map(str, spec.seeds))}"
        folder.mkdir(parents=True, exist_ok=True)
        rights = [self._right(seed, self.skills[spec.family], data.num_test) for seed in spec.seeds]
        table = replace(classifier(np.stack(rights), family=spec.family, data_digest=data.digest), seeds=spec.seeds)
        path = folder / "predictions.npz"
        digest = save_table(table, path)
        training = TrainReport(
            family=spec.family,
            seeds=spec.seeds,
            best_seed=spec.seeds[0],
            directory=str(folder),
            digest=digest,
            data_digest=data.digest,
            spec_digest=spec.fingerprint(),
            recipe=None,
            epochs=0,
            parameters=1,
            train_seconds=1.0 * len(spec.seeds),
            device="cpu",
            strategy="baseline",
            peak_memory_mb=1.0,
        )
        evaluation = evaluate(
            table,
            data.class_names,
            predict_seconds_per_1000=0.1,
            device="cpu",
            table_path=str(path),
            table_digest=digest,
        )
        return training, evaluation

    @staticmethod
    def _right(seed: int, share: float, num: int) -> NDArray[np.bool_]:
        return np.random.default_rng(seed).random(num) < share
