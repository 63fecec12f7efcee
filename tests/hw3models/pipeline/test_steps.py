"""From a prepared data set to an evaluation report, through files; and models used outside."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from hw3models.data import fetch, prepare
from hw3models.data.dataset import describe, save
from hw3models.engine.model_store import load_model, rebuild
from hw3models.errors import DataError, DigestError
from hw3models.evaluation.prediction_table import load_table
from hw3models.families import FAMILIES, Network
from hw3models.families.family import Architecture
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.runtime.code_version import code_version
from hw3models.serving.predictor import load_predictor, save_predictor
from hw3models.specs import DataReport, DataSpec, Kind, Resampling, TrainReport, TrainSpec
from tests.tiny import quick_recipe, tiny_dataset


def prepared(tmp_path: Path, kind: str = "sequences", *, unequal: bool = False) -> DataReport:
    dataset = tiny_dataset("images" if kind == "images" else "sequences", unequal=unequal)
    save(dataset, tmp_path / "data.npz")
    return describe(dataset, tmp_path / "data.npz")


def trained(tmp_path: Path, data: DataReport, family: str, *, seeds: tuple[int, ...] = (0, 1, 2)) -> TrainReport:
    spec = TrainSpec(data=DataSpec(), family=family, seeds=seeds, recipe=quick_recipe(dropout=0.2), device="cpu")
    return train_step(spec, data, tmp_path / family)


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("family", ["mlp", "cnn", "lstm", "gru"])
def test_the_prediction_table_is_what_each_plain_model_says(tmp_path: Path, family: str, unequal: bool) -> None:
    data = prepared(tmp_path, unequal=unequal)
    training = trained(tmp_path, data, family)
    evaluation = evaluate_step(training, data)
    dataset = tiny_dataset(unequal=unequal)
    table = load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    assert table.probabilities is not None
    manifest, states = load_model(Path(training.directory))
    inputs = torch.as_tensor((dataset.features - dataset.mean) / dataset.std)
    lengths = None if dataset.lengths is None else torch.as_tensor(dataset.lengths)
    for row, seed in enumerate(training.seeds):
        model = rebuild(manifest, states, seed)
        if lengths is None:
            logits = model(inputs)
        else:
            logits = model(inputs * (torch.arange(20) < lengths[:, None])[..., None], lengths)
        expected = logits.softmax(-1)[dataset.test].detach().numpy()
        np.testing.assert_allclose(table.probabilities[row], expected, atol=1e-5)
        said = table.probabilities[row].argmax(1)
        accuracy = accuracy_score(dataset.labels[dataset.test], said)
        assert evaluation.metrics["accuracy"].per_seed[row] == pytest.approx(accuracy)


def test_training_reports_what_was_trained(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    training = trained(tmp_path, data, "cnn")
    family = FAMILIES["sequences"]["cnn"]
    assert isinstance(family, Network)
    model = family.build(Architecture(shape=(20, 4), num_classes=3, dropout=0.2))
    assert training.parameters == sum(p.numel() for p in model.parameters())
    assert training.device.startswith("cpu")
    history = json.loads((Path(training.directory) / "history.json").read_text())
    assert history["seeds"] == [0, 1, 2]
    assert [len(row) for row in history["validation_accuracy"]] == [3, 3, 3]
    final = {seed: history["validation_loss"][row][-1] for row, seed in enumerate(history["seeds"])}
    assert training.best_seed == min(final, key=lambda seed: final[seed])
    assert not list(Path(training.directory).glob("*.pt")), "no pickle"


def test_reconstruction_errors_are_those_of_the_plain_autoencoder(tmp_path: Path) -> None:
    data = prepared(tmp_path, "images")
    training = trained(tmp_path, data, "autoencoder", seeds=(3, 4))
    evaluation = evaluate_step(training, data)
    dataset = tiny_dataset("images")
    manifest, states = load_model(Path(training.directory))
    pixels = torch.as_tensor(dataset.features[dataset.test]) / 255
    for row, seed in enumerate((3, 4)):
        rebuilt = rebuild(manifest, states, seed)((pixels - 0.2) / 0.5)
        mse = torch.nn.functional.mse_loss(rebuilt, pixels.flatten(1)).item()
        assert evaluation.metrics["mse"].per_seed[row] == pytest.approx(mse, rel=1e-5)
        assert evaluation.metrics["psnr"].per_seed[row] == pytest.approx(-10 * np.log10(mse), rel=1e-5)
    assert {"squared_error", "probe_accuracy"} <= set(evaluation.metrics)


def test_deterministic_baselines_are_fitted_once_and_random_ones_per_seed(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    assert trained(tmp_path, data, "logistic").seeds == (0,)
    assert trained(tmp_path, data, "minirocket", seeds=(5, 6)).seeds == (5, 6)


def test_other_data_than_the_spec_names_are_refused(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    spec = TrainSpec(data=DataSpec(digest="0000000000000000"), family="mlp")
    with pytest.raises(DigestError, match=rf"`data.digest` is 0000000000000000, but .* have {data.digest}"):
        train_step(spec, data, tmp_path / "mlp")


def test_a_model_is_not_evaluated_on_other_data(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    training = trained(tmp_path, data, "mlp").model_copy(update={"data_digest": "other"})
    with pytest.raises(DigestError, match="mlp was trained on data other"):
        evaluate_step(training, data)


def test_a_broken_model_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    training = trained(tmp_path, prepared(tmp_path), "mlp")
    weights = Path(training.directory) / "replicates.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(DataError, match="not a whole model"):
        load_model(Path(training.directory))


@pytest.mark.parametrize(("kind", "family"), [("sequences", "gru"), ("images", "mlp"), ("images", "autoencoder")])
def test_a_predictor_takes_raw_examples(tmp_path: Path, kind: str, family: str) -> None:
    data = prepared(tmp_path, kind)
    training = trained(tmp_path, data, family)
    manifest, states = load_model(Path(training.directory))
    save_predictor(tmp_path / "single", manifest, states, seed=1)
    predictor = load_predictor(tmp_path / "single")
    dataset = tiny_dataset("images" if kind == "images" else "sequences")
    output = predictor.predict(dataset.features[dataset.test])
    if family == "autoencoder":
        assert output["code"].shape == (len(dataset.test), 2)
        return
    table = load_table(Path(evaluate_step(training, data).table_path))
    assert table.probabilities is not None
    np.testing.assert_allclose(output["probabilities"], table.probabilities[1], atol=1e-5)


def test_a_predictor_reads_nan_at_the_end_as_padding(tmp_path: Path) -> None:
    data = prepared(tmp_path, unequal=True)
    training = trained(tmp_path, data, "lstm")
    save_predictor(tmp_path / "single", *load_model(Path(training.directory)), seed=0)
    dataset = tiny_dataset(unequal=True)
    assert dataset.lengths is not None
    examples = dataset.features[dataset.test].copy()
    examples[np.arange(20) >= dataset.lengths[dataset.test, None]] = np.nan
    table = load_table(Path(evaluate_step(training, data).table_path))
    assert table.probabilities is not None
    given = load_predictor(tmp_path / "single").predict(examples)["probabilities"]
    np.testing.assert_allclose(given, table.probabilities[0], atol=1e-5)
    examples[0] = np.nan
    with pytest.raises(DataError, match="example 0 has no valid time step"):
        load_predictor(tmp_path / "single").predict(examples)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.zeros((2, 27, 28)), r"shape \(N, 28, 28\), got \(2, 27, 28\)"),
        (np.zeros((0, 28, 28)), r"got \(0, 28, 28\)"),
        (np.array(3.0), r"got \(\)"),
        (np.full((1, 28, 28), 256.0), "pixels must lie in 0..255, got 256 to 256"),
        (np.full((1, 28, 28), np.inf), r"must be finite, got inf at \(0, 0, 0\)"),
        (np.full((1, 28, 28), "a"), "must be numbers"),
    ],
)
def test_a_predictor_refuses_what_it_was_not_made_for(tmp_path: Path, examples: np.ndarray, message: str) -> None:
    training = trained(tmp_path, prepared(tmp_path, "images"), "mlp")
    save_predictor(tmp_path / "single", *load_model(Path(training.directory)), seed=0)
    with pytest.raises(DataError, match=message):
        load_predictor(tmp_path / "single").predict(examples)


def test_pca_with_30_numbers_reproduces_the_published_error_on_mnist(tmp_path: Path, shared: Path) -> None:
    # Hinton and Salakhutdinov 2006, Science 313, figure 2: 13.87 squared error per image.
    raw = tmp_path / "raw" / "mnist"
    raw.mkdir(parents=True)
    for file in (shared / "mnist").iterdir():
        (raw / file.name).symlink_to(file)
    spec = DataSpec(source="mnist")
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    training = train_step(TrainSpec(data=spec, family="pca", seeds=(0,), latent_dim=30), data, tmp_path / "pca")
    evaluation = evaluate_step(training, data)
    assert evaluation.metrics["squared_error"].mean == pytest.approx(13.87, abs=0.01)


def test_the_code_version_is_the_same_in_one_tree() -> None:
    assert code_version() == code_version.__wrapped__()


@pytest.mark.parametrize(
    ("kind", "family"), [("sequences", "cnn"), ("sequences", "majority"), ("images", "autoencoder"), ("images", "pca")]
)
@pytest.mark.parametrize("resampling", ["seed", "both"])
def test_every_task_type_tells_the_groups_of_its_test_examples(
    tmp_path: Path, kind: Kind, family: str, resampling: Resampling
) -> None:
    groups = np.random.default_rng(0).integers(0, 20, 240)
    dataset = replace(tiny_dataset(kind), groups=groups, group_names=tuple(map(str, range(20))))
    save(dataset, tmp_path / "data.npz")
    data = describe(dataset, tmp_path / "data.npz")
    spec = TrainSpec(family=family, seeds=(0, 1), resampling=resampling, recipe=quick_recipe(epochs=1), device="cpu")
    if family in ("majority", "pca"):
        spec = spec.model_copy(update={"recipe": None})
    evaluation = evaluate_step(train_step(spec, data, tmp_path / family), data)
    table = load_table(Path(evaluation.table_path), digest=evaluation.table_digest)
    assert table.groups is not None
    np.testing.assert_array_equal(table.groups, groups[table.test_index])
    assert table.is_resampled == (resampling == "both")
