"""More seeds of a family: merged with those before they are what one training of all of them would have left."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hw3models.data.dataset import describe, save
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError
from hw3models.evaluation.prediction_table import load_table, save_table
from hw3models.pipeline.merging import Results, merge
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.specs import DataReport, TrainSpec
from tests.tiny import quick_recipe, tiny_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataReport:
    path = tmp_path_factory.mktemp("data") / "data.npz"
    save(tiny_dataset(), path)
    return describe(tiny_dataset(), path)


def spec_of(family: str, seeds: tuple[int, ...], **changes: Any) -> TrainSpec:
    recipe = None if family == "logistic" else quick_recipe(**{"epochs": 2} | changes)
    return TrainSpec(family=family, seeds=seeds, recipe=recipe, device="cpu")


def trained(data: DataReport, spec: TrainSpec, folder: Path) -> Results:
    training = train_step(spec, data, folder)
    return training, evaluate_step(training, data)


@pytest.mark.parametrize("select", ["best", "last"])
def test_two_batches_of_a_network_are_one_training(data: DataReport, tmp_path: Path, select: str) -> None:
    first = trained(data, spec_of("mlp", (0, 1), select=select), tmp_path / "first")
    more = trained(data, spec_of("mlp", (2,), select=select), tmp_path / "more")
    both = spec_of("mlp", (0, 1, 2), select=select)
    training, evaluation = merge(both, first, more, data, tmp_path / "merged")
    at_once, scored = trained(data, both, tmp_path / "at-once")

    assert training.seeds == evaluation.seeds == (0, 1, 2)
    assert training.spec_digest == both.fingerprint()
    assert training.best_seed == at_once.best_seed
    assert training.train_seconds == first[0].train_seconds + more[0].train_seconds
    for metric, score in scored.metrics.items():
        np.testing.assert_allclose(evaluation.metrics[metric].per_seed, score.per_seed, rtol=1e-3, atol=1e-5)
    (manifest, states), (expected, whole) = (load_model(Path(one.directory)) for one in (training, at_once))
    assert (manifest.seeds, manifest.best_seed) == (expected.seeds, expected.best_seed)
    for name, tensor in whole.items():
        torch.testing.assert_close(states[name], tensor, rtol=1e-3, atol=1e-5)
    histories = [json.loads((Path(one.directory) / "history.json").read_text()) for one in (training, at_once)]
    assert histories[0]["seeds"] == [0, 1, 2]
    np.testing.assert_allclose(histories[0]["validation_loss"], histories[1]["validation_loss"], rtol=1e-3)
    # The reports name what lies there.
    assert load_table(Path(evaluation.table_path), evaluation.table_digest).seeds == (0, 1, 2)


def test_the_best_seed_of_both_batches_leads(data: DataReport, tmp_path: Path) -> None:
    first, more = (trained(data, spec_of("mlp", (seed,)), tmp_path / str(seed)) for seed in (0, 1))
    path = Path(more[0].directory) / "history.json"
    history = json.loads(path.read_text())
    for loss, best in ((-1.0, 1), (9.0, 0)):
        path.write_text(json.dumps(history | {"validation_loss": [[loss, loss]]}))
        training, _ = merge(spec_of("mlp", (0, 1)), first, more, data, tmp_path / f"best-{best}")
        assert training.best_seed == load_model(Path(training.directory))[0].best_seed == best


def test_a_baseline_is_its_predictions(data: DataReport, tmp_path: Path) -> None:
    first = trained(data, spec_of("logistic", (0,)), tmp_path / "first")
    table = load_table(Path(first[1].table_path))
    path = tmp_path / "more.npz"
    digest = save_table(replace(table, seeds=(1,)), path)
    more = (first[0], first[1].model_copy(update={"table_path": str(path), "table_digest": digest}))
    training, evaluation = merge(spec_of("logistic", (0, 1)), first, more, data, tmp_path / "merged")
    assert training.digest == evaluation.table_digest
    assert evaluation.metrics["accuracy"].per_seed == 2 * first[1].metrics["accuracy"].per_seed


def test_what_does_not_belong_together_is_refused(data: DataReport, tmp_path: Path) -> None:
    one = trained(data, spec_of("logistic", (0,)), tmp_path / "one")
    with pytest.raises(DataError, match="`seeds` must be distinct"):
        merge(spec_of("logistic", (0, 1)), one, one, data, tmp_path / "merged")
    table = load_table(Path(one[1].table_path))
    path = tmp_path / "other.npz"
    digest = save_table(replace(table, seeds=(1,), test_index=table.test_index + 1), path)
    other = one[1].model_copy(update={"table_path": str(path), "table_digest": digest})
    with pytest.raises(DataError, match="were tested on other examples"):
        merge(spec_of("logistic", (0, 1)), one, (one[0], other), data, tmp_path / "merged")
