"""Networks that predict numbers: every family, in replicates and alone, against a loop of plain torch."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hw3models.data.resamples import resample
from hw3models.engine.batches import DeviceData
from hw3models.engine.fit import FitResult, build_replicate, fit
from hw3models.engine.model_store import load_model, save_model
from hw3models.engine.predicting import predict
from hw3models.families import FAMILIES, Network, find_family
from hw3models.nn.rng import ReplicateRng
from hw3models.nn.stacking import unstack
from hw3models.objectives import REGRESSION
from hw3models.specs import DataSpec, Kind, Recipe, TrainSpec
from tests.tiny import narrow, quick_recipe, tiny_numbers

CASES = [
    pytest.param(kind, name, other, id=f"{kind}-{name}{'-other' if other else ''}")
    for kind, families in FAMILIES.items()
    for name in families
    for other in (False, True)
    if isinstance(one := find_family(kind, name, task="regression"), Network)
    and one.objective is REGRESSION
    and (other is False or name in ("cnn", "lstm", "mlp"))
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(kind: Kind, name: str) -> Network:
    found = find_family(kind, name, task="regression")
    assert isinstance(found, Network)
    return found


def train(kind: Kind, name: str, seeds: tuple[int, ...], recipe: Recipe, *, other: bool = False) -> FitResult:
    if kind == "images":
        dataset = tiny_numbers("images", num=60, size=28 if name == "mlp" else 14, colour=other)
    else:
        dataset = tiny_numbers("sequences", unequal=other, num=120)
    spec = TrainSpec(
        data=DataSpec(), family=name, seeds=seeds, recipe=narrow(recipe, name), strategy="stacked", device="cpu"
    )
    return fit(dataset, network(kind, name), spec, dtype=torch.float64)


def test_all_networks_that_classify_predict_numbers() -> None:
    sequences = {"mlp", "cnn", "lstm", "gru", "inception", "resnet", "fcn", "lite", "tcn", "transformer"}
    assert {case.values[1] for case in CASES if case.values[0] == "sequences"} == sequences  # type: ignore[index]
    assert {"mlp", "cnn", "resnet", "vit"} == {case.values[1] for case in CASES if case.values[0] == "images"}  # type: ignore[index]


@pytest.mark.parametrize(("kind", "name", "other"), CASES)
def test_replicate_s_of_many_equals_seed_s_trained_alone(kind: Kind, name: str, other: bool) -> None:
    recipe = quick_recipe(epochs=2, dropout=0.3, jitter=0.1, mixup=0.4, select="best")
    both, alone = train(kind, name, (3, 5), recipe, other=other), train(kind, name, (5,), recipe, other=other)
    for key, value in unstack(both.states, 1).items():
        np.testing.assert_allclose(value.numpy(), alone.states[key][0].numpy(), rtol=1e-9, atol=1e-9, err_msg=key)
    assert alone.epochs[-1].validation_loss is not None
    assert both.epochs[-1].validation_accuracy is None, "a number is neither right nor wrong"


def test_a_seed_is_what_a_loop_of_plain_torch_trains() -> None:
    dataset = tiny_numbers("sequences", num=120)
    family, recipe = network("sequences", "mlp"), quick_recipe(schedule="constant", gradient_clip=None)
    spec = TrainSpec(family="mlp", seeds=(4,), recipe=recipe, device="cpu")
    found = fit(dataset, family, spec, dtype=torch.float64)

    model = build_replicate(family, dataset, spec, 4).double().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    data = DeviceData(dataset, torch.device("cpu"), torch.float64)
    rng = ReplicateRng([4], torch.device("cpu"))
    own = dataset.targets[dataset.train]  # type: ignore[index]
    wanted = torch.as_tensor((dataset.targets - own.mean()) / own.std())  # type: ignore[operator]
    inputs = torch.as_tensor((dataset.features - dataset.mean) / dataset.std, dtype=torch.float64)
    train = torch.as_tensor(dataset.train)
    losses = []
    for epoch in range(1, recipe.epochs + 1):
        total = 0.0
        for index in data.order(train, 15, rng, epoch):  # 60 examples in batches of 16 are 4 steps of 15
            rows = index[0]
            loss = nn.functional.mse_loss(model(inputs[rows]).squeeze(-1), wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(train))
    np.testing.assert_allclose([report.train_loss[0] for report in found.epochs], losses, rtol=1e-6)


def test_a_classifiers_recipe_loses_what_would_change_the_number() -> None:
    assert FAMILIES["sequences"]["cnn"].recipe.scale > 0  # type: ignore[union-attr]
    for kind, families in FAMILIES.items():
        for name in families:
            family = find_family(kind, name, task="regression")
            if isinstance(family, Network) and family.objective is REGRESSION:
                for recipe in (family.recipe, *family.named.values()):
                    assert (recipe.scale, recipe.time_warp, recipe.mixup, recipe.crop, recipe.shift_pixels) == (0,) * 5
                    assert recipe.flip == "never"


def test_predictions_come_in_their_own_units_whatever_these_are(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A linear map of the numbers is a linear map of the predictions: targets are scaled on the training rows."""
    dataset = tiny_numbers("sequences", num=120)
    far = replace(dataset, targets=-3e6 + 1e-3 * dataset.targets)  # type: ignore[operator]
    tables = []
    for number, data in enumerate((dataset, far)):
        spec = TrainSpec(family="mlp", seeds=(0, 1), recipe=quick_recipe(), device="cpu")
        folder = tmp_path / str(number)
        folder.mkdir()
        save_model(folder, data, network("sequences", "mlp"), spec, fit(data, network("sequences", "mlp"), spec))
        table, _ = predict(*load_model(folder), data, torch.device("cpu"))
        assert load_model(folder)[0].target == data.target
        tables.append(table)
    first, second = tables
    np.testing.assert_allclose(second.predicted, -3e6 + 1e-3 * first.predicted, rtol=0, atol=1e-6)  # type: ignore[operator]
    own = dataset.targets[dataset.train]  # type: ignore[index]
    assert dataset.target is not None
    assert (dataset.target.mean, dataset.target.std) == (own.mean(), own.std())


def test_a_resampled_split_is_scaled_by_its_own_training_part() -> None:
    dataset = tiny_numbers("sequences", num=120)
    other = resample(dataset, 3)
    assert other.target is not None
    assert other.target.mean == pytest.approx(dataset.targets[other.train].mean())  # type: ignore[index]
    assert other.target != dataset.target
