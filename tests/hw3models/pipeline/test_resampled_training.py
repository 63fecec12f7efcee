"""Replicates with training sets of their own, under the same test examples."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hw3models.data.dataset import Dataset, describe, save
from hw3models.data.training_sets import training_set, with_training_set
from hw3models.engine.checkpoints import Checkpoints
from hw3models.engine.fit import EpochReport, FitResult, fit
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError, SpecError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.prediction_table import PredictionTable, add_seeds, load_table, save_table
from hw3models.families import FAMILIES, Network, facts_of, find_family
from hw3models.families.baselines import standardised
from hw3models.nn.stacking import unstack
from hw3models.pipeline.merging import merge
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.runtime.devices import one_thread
from hw3models.specs import DataReport, EvaluationReport, Kind, Resampling, TrainReport, TrainSpec
from tests.tables import classifier
from tests.tiny import narrow, quick_recipe, tiny_dataset

DATA = tiny_dataset(num=160)
FAMILIES_OF_NETWORKS = [
    pytest.param(one, id=f"{kind}-{one.name}")
    for kind in FAMILIES
    for one in FAMILIES[kind].values()
    if isinstance(one, Network)
]


@pytest.fixture
def data(tmp_path: Path) -> DataReport:
    return kept(DATA, tmp_path)


def kept(dataset: Dataset, folder: Path) -> DataReport:
    save(dataset, folder / "data.npz")
    return describe(dataset, folder / "data.npz")


def spec(seeds: tuple[int, ...], family: str = "cnn", *, resampling: Resampling = "training") -> TrainSpec:
    recipe = quick_recipe(dropout=0.2, select="best", jitter=0.1, shift_pixels=1)
    return TrainSpec(family=family, seeds=seeds, resampling=resampling, recipe=narrow(recipe, family), device="cpu")


def answered(spec: TrainSpec, data: DataReport, folder: Path) -> tuple[TrainReport, EvaluationReport]:
    training = train_step(spec, data, folder)
    return training, evaluate_step(training, data)


def table_of(evaluation: EvaluationReport) -> PredictionTable:
    return load_table(Path(evaluation.table_path), evaluation.table_digest)


# ---------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("family", FAMILIES_OF_NETWORKS)
def test_replicate_s_of_many_is_seed_s_alone_on_its_own_bootstrap(family: Network) -> None:
    dataset = tiny_dataset(family.kind, num=160)

    def trained(seeds: tuple[int, ...], on: Dataset, resampling: Resampling) -> FitResult:
        given = spec(seeds, family.name, resampling=resampling).model_copy(update={"strategy": "stacked"})
        with one_thread():  # gradients of convolutions are rounded by the number of threads, which follows the load
            return fit(on, family, given, dtype=torch.float64)

    many = trained((4, 11, 2), dataset, "training")
    assert many.strategy == "stacked"
    alone = unstack(trained((11,), dataset, "training").states, 0)
    # The same through the front door: a data set whose training part is that bootstrap.
    plain = unstack(trained((11,), with_training_set(dataset, training_set(dataset, 11)), "seed").states, 0)
    for name, tensor in unstack(many.states, 1).items():
        torch.testing.assert_close(tensor, alone[name], rtol=1e-9, atol=1e-10)
        assert torch.equal(alone[name], plain[name])


def test_every_epoch_passes_once_over_the_replicates_own_set() -> None:
    from hw3models.engine.batches import DeviceData
    from hw3models.nn.rng import ReplicateRng

    device = torch.device("cpu")
    sets = torch.as_tensor(np.stack([training_set(DATA, seed) for seed in (3, 4)]))
    batches = list(DeviceData(DATA, device).order(sets, 32, ReplicateRng((3, 4), device), 1))
    assert [batch.shape[1] for batch in batches] == [32, 32, 16]
    seen = torch.cat(batches, dim=1)
    assert torch.equal(seen.sort(dim=1).values, sets)
    assert not torch.equal(seen, sets), "in an order of its own"


def test_a_training_that_was_cut_off_goes_on_with_the_same_sets(tmp_path: Path) -> None:
    family = find_family("sequences", "cnn")
    assert isinstance(family, Network)

    def end(report: EpochReport) -> None:
        if report.epoch == 2:
            raise InterruptedError

    def in_folder(seeds: Sequence[int]) -> Checkpoints:
        return Checkpoints(tmp_path / "-".join(map(str, seeds)), "key", every=0)

    with pytest.raises(InterruptedError):
        fit(DATA, family, spec((3, 8)), checkpoints=in_folder, on_epoch=end)
    whole, resumed = (fit(DATA, family, spec((3, 8)), checkpoints=kept) for kept in (None, in_folder))
    for name, tensor in whole.states.items():
        assert torch.equal(tensor, resumed.states[name]), name


def test_data_in_chunks_are_refused(tmp_path: Path) -> None:
    features = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (160, 2000, 4))
    features[:, :20] = DATA.features
    features.flush()
    large = replace(DATA, features=np.load(tmp_path / "x.npy", mmap_mode="r"))
    family = find_family("sequences", "mlp")
    assert isinstance(family, Network)
    small = spec((0, 1), "mlp").model_copy(update={"memory_mb": 1})
    with pytest.raises(SpecError, match=r"`resampling: training` draws .* read in chunks.* Raise `memory_mb`"):
        fit(large, family, small)
    assert fit(large, family, small.model_copy(update={"memory_mb": 64})).seeds == (0, 1)


@pytest.mark.parametrize("family", ["mlp", "logistic", "majority"])
def test_all_replicates_are_tested_on_the_same_examples_and_the_table_says_how(
    data: DataReport, tmp_path: Path, family: str
) -> None:
    training, evaluation = answered(spec((0, 1, 2), family), data, tmp_path / "model")
    table = table_of(evaluation)
    assert (training.seeds, table.seeds) == ((0, 1, 2), (0, 1, 2)), "no family is deterministic any more"
    assert (table.training_resampled, table.is_resampled, table.data_digest) == (True, False, DATA.digest)
    np.testing.assert_array_equal(table.test_index, DATA.test)
    fixed = table_of(answered(spec((0, 1, 2), family, resampling="seed"), data, tmp_path / "fixed")[1])
    assert not fixed.training_resampled
    if family == "mlp":
        manifest, _ = load_model(Path(training.directory))
        assert manifest.resampling == "training"
        np.testing.assert_allclose(manifest.mean, DATA.mean, err_msg="scaling is of the whole training part")


def test_each_seed_of_a_baseline_is_fitted_to_its_own_bootstrap(data: DataReport, tmp_path: Path) -> None:
    _, evaluation = answered(spec((3, 8), "logistic"), data, tmp_path / "model")
    table = table_of(evaluation)
    assert table.probabilities is not None
    for row, seed in enumerate((3, 8)):
        drawn = training_set(DATA, seed)
        model = LogisticRegression(max_iter=200, tol=1e-3)
        model.fit(standardised(DATA, drawn).reshape(len(drawn), -1), DATA.labels[drawn])
        expected = model.predict_proba(standardised(DATA, DATA.test).reshape(len(DATA.test), -1))
        np.testing.assert_allclose(table.probabilities[row], expected, atol=1e-4)


@pytest.mark.parametrize(("family", "kind"), [("pca", "images"), ("autoencoder", "images"), ("rocket", "sequences")])
def test_other_families_take_part(family: str, kind: Kind, tmp_path: Path) -> None:
    dataset = tiny_dataset(kind, num=80)
    _, evaluation = answered(spec((0, 1), family), kept(dataset, tmp_path), tmp_path / "model")
    table = table_of(evaluation)
    assert table.training_resampled
    values = table.squared_error if table.squared_error is not None else table.probabilities
    assert values is not None
    assert not np.array_equal(values[0], values[1])


# ------------------------------------------------------------------------------- more seeds, comparing


def test_seeds_that_are_added_are_those_of_one_training(data: DataReport, tmp_path: Path) -> None:
    first, more = (answered(spec(seeds, "mlp"), data, tmp_path / str(seeds[0])) for seeds in ((0, 1), (2, 3)))
    _, merged = merge(spec((0, 1, 2, 3), "mlp"), first, more, data, tmp_path / "merged")
    at_once = table_of(answered(spec((0, 1, 2, 3), "mlp"), data, tmp_path / "all")[1])
    table = table_of(merged)
    assert table.training_resampled
    np.testing.assert_allclose(table.probabilities, at_once.probabilities, atol=1e-5)


def test_seeds_of_both_designs_are_not_put_together() -> None:
    ours = classifier(np.ones((2, 40)))
    theirs = replace(ours, seeds=(2, 3), training_resampled=True)
    with pytest.raises(DataError, match=r"some seeds of .* on the whole training part and some on bootstraps"):
        add_seeds(ours, theirs)


def test_the_design_is_in_the_file_and_in_its_digest(tmp_path: Path) -> None:
    fixed = classifier(np.ones((2, 40)))
    drawn = replace(fixed, training_resampled=True)
    assert load_table(tmp_path / "a.npz", save_table(drawn, tmp_path / "a.npz")).training_resampled
    assert not load_table(tmp_path / "b.npz", save_table(fixed, tmp_path / "b.npz")).training_resampled
    assert drawn.digest != fixed.digest


def test_no_family_is_deterministic_in_this_design() -> None:
    assert facts_of(["logistic"], "sequences")["logistic"].deterministic
    facts = facts_of(["logistic", "cnn"], "sequences", training_resampled=True)
    assert not facts["logistic"].deterministic
    tables = {
        name: replace(classifier(np.ones((1, 40)), family=name), training_resampled=True)
        for name in ("logistic", "majority")
    }
    (pair,) = compare(tables, train_seconds={}, facts=facts_of(tables, training_resampled=True)).pairs
    assert pair.verdict == "cannot tell", "one bootstrap says nothing about another"
