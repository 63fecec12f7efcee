"""Temperatures make probabilities honest, change no answer, and are left alone where little is known."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from hw3models.data.dataset import describe, save
from hw3models.engine.calibrating import MIN_EXAMPLES, temperature
from hw3models.engine.model_store import stored_manifest, write_manifest
from hw3models.evaluation.prediction_table import load_table
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import Recipe, TrainSpec
from tests.tiny import tiny_dataset


@pytest.mark.parametrize(("true", "low", "high"), [(1.0, 0.0, 0.006), (2.0, -0.13, -0.1), (0.5, -0.2, -0.05)])
def test_of_a_hundred_examples_the_factor_costs_little_and_gains_much(true: float, low: float, high: float) -> None:
    """Logits from which labels are drawn are right; multiplied by `true` they are not."""
    rng = np.random.default_rng(0)
    changes = []
    for _ in range(60):
        logits = rng.normal(0, 2, (MIN_EXAMPLES + 4000, 3))
        shares = np.exp(log_softmax(logits, axis=1))
        labels = (shares.cumsum(axis=1) > rng.random((len(logits), 1))).argmax(axis=1)
        own, new = slice(0, MIN_EXAMPLES), slice(MIN_EXAMPLES, None)
        found = temperature(true * logits[own], labels[own])
        losses = [-log_softmax(true * logits[new] / t, axis=1)[np.arange(4000), labels[new]].mean() for t in (1, found)]
        changes.append(losses[1] - losses[0])
    assert low < np.mean(changes) < high


def test_a_network_that_is_right_about_all_validation_examples_is_not_sure_of_all_others() -> None:
    labels = np.arange(120) % 3
    logits = 5.0 * np.eye(3)[labels]
    scaled = np.exp(log_softmax(logits / temperature(logits, labels), axis=1))
    assert 0.985 < scaled.max() < 0.999


def test_what_is_served_is_calibrated_as_what_was_judged_and_no_answer_changes(tmp_path: Path) -> None:
    dataset = tiny_dataset(num=480)
    save(dataset, tmp_path / "data.npz")
    data = describe(dataset, tmp_path / "data.npz")
    spec = TrainSpec(family="cnn", seeds=(0, 1), recipe=Recipe(epochs=3, batch_size=32))
    training = train_step(spec, data, tmp_path / "model")
    manifest = stored_manifest(tmp_path / "model")
    assert len(manifest.temperatures) == 2
    assert not any(one == 1 for one in manifest.temperatures)
    evaluation = evaluate_step(training, data)
    assert "Temperature scaling on 120 validation examples" in evaluation.calibration
    assert "no answer changed" in evaluation.calibration
    table = load_table(Path(evaluation.table_path)).probabilities
    save_use(tmp_path / "model", tmp_path / "used")
    said = load_predictor(tmp_path / "used").predict(dataset.features[dataset.test])["probabilities"]
    row = manifest.seeds.index(manifest.best_seed)
    assert table is not None
    np.testing.assert_allclose(said, table[row], atol=1e-6)

    write_manifest(tmp_path / "model", manifest.model_copy(update={"temperatures": ()}))
    plain = evaluate_step(training, data)
    assert "no temperature scaling (120 validation" in plain.calibration
    before = load_table(Path(plain.table_path)).probabilities
    assert before is not None
    assert np.array_equal(before.argmax(-1), table.argmax(-1))
    assert plain.metrics["accuracy"].mean == evaluation.metrics["accuracy"].mean
    shown = f"calibration error {100 * plain.metrics['calibration_error'].mean:.1f}"
    assert shown in evaluation.calibration, (shown, evaluation.calibration)
    # An independent oracle: logits / T, from the probabilities without.
    logits = np.log(before[row].astype(np.float64)) / manifest.temperatures[row]
    np.testing.assert_allclose(np.exp(log_softmax(logits, axis=1)), table[row], atol=1e-5)


def test_few_validation_examples_leave_it_out_and_that_is_said(tmp_path: Path) -> None:
    dataset = tiny_dataset()
    save(dataset, tmp_path / "data.npz")
    data = describe(dataset, tmp_path / "data.npz")
    training = train_step(TrainSpec(family="mlp", seeds=(0,), recipe=Recipe(epochs=1)), data, tmp_path / "model")
    assert stored_manifest(tmp_path / "model").temperatures == ()
    text = evaluate_step(training, data).calibration
    assert text.endswith("no temperature scaling (60 validation examples, and 100 are needed).")
