"""Lower precision is a choice that computes what it says, and that nobody gets whose data could need more."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hw3models.data.dataset import Dataset
from hw3models.engine import precision as precision_module
from hw3models.engine import predicting as prediction
from hw3models.engine.batches import DeviceData
from hw3models.engine.fit import FitResult, build_replicate, fit
from hw3models.engine.group import Group
from hw3models.engine.precision import FLOAT32, Precision, pick_precision, products
from hw3models.families import FAMILIES, Network, find_family
from hw3models.nn.dense import DenseChain
from hw3models.nn.rng import ReplicateRng
from hw3models.specs import Kind, TrainSpec
from hw3models.specs.model import ModelManifest
from tests.tiny import quick_recipe, tiny_dataset

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NETWORKS = [f for kind in FAMILIES.values() for f in kind.values() if isinstance(f, Network)]


def network(name: str) -> Network:
    family = find_family("sequences", name)
    assert isinstance(family, Network)
    return family


def trained(
    name: str, precision: str, seeds: tuple[int, ...] = (0, 1, 2, 3), *, dataset: Dataset | None = None, **options: Any
) -> FitResult:
    spec = TrainSpec.model_validate(
        {"family": name, "seeds": seeds, "precision": precision, "device": "cpu"}
        | {"recipe": quick_recipe(dropout=0.2, epochs=6)}
        | {key: value for key, value in options.items() if key != "dtype"}
    )
    given = {"dtype": options["dtype"]} if "dtype" in options else {}
    return fit(dataset or tiny_dataset(), network(name), spec, **given)


@pytest.mark.parametrize("family", NETWORKS, ids=[f"{f.kind}-{f.name}" for f in NETWORKS])
def test_nobody_gets_bfloat16_unasked_and_tf32_on_cuda_alone(family: Network) -> None:
    spec = TrainSpec(family=family.name)
    for device in (CPU, torch.device("mps")):
        assert pick_precision(spec, family, device) == (FLOAT32, "")
    assert pick_precision(spec, family, CUDA)[0] in (FLOAT32, Precision(tf32=True))


def test_auto_on_cuda_takes_tf32_by_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_module, "_unchanged_by_tf32", lambda: {"sequences/gru"})
    assert pick_precision(TrainSpec(family="gru"), network("gru"), CUDA) == (Precision(tf32=True), "")
    assert pick_precision(TrainSpec(family="lstm"), network("lstm"), CUDA) == (FLOAT32, "")


def test_the_table_names_families_that_there_are() -> None:
    assert precision_module._unchanged_by_tf32() <= {f"{family.kind}/{family.name}" for family in NETWORKS}


@pytest.mark.parametrize("family", NETWORKS, ids=[f"{f.kind}-{f.name}" for f in NETWORKS])
def test_a_family_computes_in_bfloat16_in_every_strategy_or_in_none(family: Network) -> None:
    """Layers that have a backward pass of our own when they are stacked compute in float32, alone as well."""
    dataset = tiny_dataset(family.kind)
    module = build_replicate(family, dataset, TrainSpec(family=family.name), 0)
    ours = any(isinstance(layer, (DenseChain, nn.LSTM, nn.GRU)) for layer in module.modules())
    assert family.computes_in_bf16 == (not ours)


@pytest.mark.parametrize(
    ("device", "name", "kind", "label"),
    [
        (CPU, "cnn", "sequences", "bf16"),
        (CPU, "gru", "sequences", "float32, series as bf16"),
        (CUDA, "gru", "sequences", "tf32, series as bf16"),
        (CPU, "mlp", "images", "float32"),
        (CUDA, "mlp", "images", "tf32"),
    ],
)
def test_what_is_told_is_what_was_computed(device: torch.device, name: str, kind: Kind, label: str) -> None:
    family = find_family(kind, name)
    assert isinstance(family, Network)
    precision, note = pick_precision(TrainSpec(family=name, precision="bf16"), family, device)
    assert str(precision) == label
    assert ("compute in" in note) == (label != "bf16")


def test_a_wish_that_the_device_cannot_meet_is_trained_in_float32_and_said() -> None:
    result = trained("mlp", "tf32")
    assert str(result.precision) == "float32"
    assert result.notes == ("there is no TF32 on cpu: trained in float32",)
    for name, tensor in trained("mlp", "float32").states.items():
        assert torch.equal(result.states[name], tensor)


@pytest.mark.parametrize(
    ("known", "said"),
    [({}, ""), ({"avx512_bf16": True}, ""), ({"amx_bf16": True}, ""), ({"avx2": True}, "float32 is faster here")],
)
def test_bfloat16_on_a_processor_without_it_is_said_to_be_slow(
    known: dict[str, bool], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    spec = TrainSpec(family="cnn", precision="bf16")
    precision, note = pick_precision(spec, network("cnn"), CPU)
    assert str(precision) == "bf16"
    assert said in note
    assert bool(said) == bool(note)


@pytest.mark.parametrize(("tf32", "expected"), [(False, "ieee"), (True, "tf32")])
def test_products_on_cuda_are_switched_and_left_as_they_were(tf32: bool, expected: str) -> None:
    libraries: Any = torch.backends
    switches = (libraries.cuda.matmul, libraries.cudnn.conv, libraries.cudnn.rnn)
    before = [switch.fp32_precision for switch in switches]

    def fail() -> None:
        with products(CUDA, tf32=tf32):
            assert [switch.fp32_precision for switch in switches] == [expected] * 3
            raise KeyError("in the middle")

    with pytest.raises(KeyError, match="in the middle"):
        fail()
    assert [switch.fp32_precision for switch in switches] == before
    with products(CPU, tf32=tf32):
        assert [switch.fp32_precision for switch in switches] == before


def test_test_examples_are_predicted_in_float32_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study, or the gate: products are switched around all of it."""
    switched: list[tuple[torch.device, bool]] = []

    @contextmanager
    def spy(device: torch.device, *, tf32: bool = False) -> Iterator[None]:
        switched.append((device, tf32))
        yield
        switched.append((device, tf32))

    monkeypatch.setattr(prediction, "products", spy)
    monkeypatch.setattr(prediction, "_ask", lambda *_: switched.append((CUDA, True)))
    prediction.predict(
        ModelManifest.model_construct(kind="sequences", family="cnn", resampling="seed"), {}, tiny_dataset(), CPU
    )
    assert switched == [(CPU, False), (CUDA, True), (CPU, False)]


def test_sequences_take_half_of_the_memory_and_batches_are_float32() -> None:
    dataset = tiny_dataset()
    whole = DeviceData(dataset, CPU)
    half = DeviceData(dataset, CPU, kept=torch.bfloat16)
    assert 2 * half.features.nbytes == whole.features.nbytes
    index = torch.tensor([[3, 200, 7], [0, 1, 2]])
    inputs = half.batch(index).inputs
    assert inputs.dtype == torch.float32
    assert torch.equal(inputs, whole.batch(index).inputs.bfloat16().float())


def test_images_stay_bytes() -> None:
    dataset = tiny_dataset("images")
    assert DeviceData(dataset, CPU, kept=torch.bfloat16).features.dtype == torch.uint8


@pytest.mark.parametrize(("strategy", "layers"), [("separate", 1), ("stacked", 2)])
@pytest.mark.parametrize(("in_bf16", "computed"), [(True, torch.bfloat16), (False, torch.float32)])
def test_convolutions_compute_in_it_and_parameters_gradients_and_losses_do_not(
    strategy: str, layers: int, in_bf16: bool, computed: torch.dtype
) -> None:
    dataset, family, seeds = tiny_dataset(), network("cnn"), tuple(range(layers))
    spec = TrainSpec(family="cnn", seeds=seeds)
    models = [build_replicate(family, dataset, spec, seed) for seed in seeds]
    group = Group(seeds, models, quick_recipe(), family.objective, ReplicateRng(seeds, CPU), in_bf16)
    seen: list[torch.dtype] = []
    for module in group.program.modules():
        if "Conv" in type(module).__name__:
            module.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    loss = group.take_step(DeviceData(dataset, CPU).batch(torch.arange(8).expand(layers, -1)))
    assert seen
    assert set(seen) == {computed}
    tensors = [loss, *group.parameters, *(p.grad for p in group.parameters if p.grad is not None)]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


@pytest.mark.parametrize("strategy", ["separate", "stacked"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "gru"])
def test_every_family_learns_in_bfloat16_as_in_float32(name: str, strategy: str) -> None:
    low, full = (trained(name, precision, strategy=strategy) for precision in ("bf16", "float32"))
    assert low.precision.keeps_bf16
    assert full.precision == FLOAT32
    losses = [np.array([report.train_loss for report in sorted_reports(result)]) for result in (low, full)]
    assert not np.array_equal(*losses)
    np.testing.assert_allclose(*losses, rtol=0.1)
    assert {tensor.dtype for tensor in low.states.values() if tensor.is_floating_point()} == {torch.float32}


def sorted_reports(result: FitResult) -> list[Any]:
    return sorted(result.epochs, key=lambda report: (report.seeds, report.epoch))


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "gru"])
@pytest.mark.parametrize("seeds", [(2,), (1, 2), (0, 1, 2)])
def test_a_seed_in_bfloat16_is_the_same_however_many_train_with_it(name: str, seeds: tuple[int, ...]) -> None:
    """On two cores three seeds are a stack of two and one alone: all must compute alike."""
    tolerance = 0.05 if name == "cnn" else 1e-4
    expected = last_loss(trained(name, "bf16", (2, 5, 7, 8), strategy="stacked"))
    for strategy in ("split", "stacked", "separate"):
        assert last_loss(trained(name, "bf16", seeds, strategy=strategy)) == pytest.approx(expected, rel=tolerance)


def last_loss(result: FitResult) -> float:
    """Of seed 2."""
    report = max((report for report in result.epochs if 2 in report.seeds), key=lambda report: report.epoch)
    return report.train_loss[report.seeds.index(2)]


def test_float64_is_not_lowered() -> None:
    assert trained("cnn", "bf16", (0,), dtype=torch.float64).precision == FLOAT32


def test_bfloat16_drops_a_small_signal_on_large_offsets_and_float32_does_not() -> None:
    """Why `auto` does not take it: each series stands elsewhere, and what is to be seen is a small part of that."""
    rng = np.random.default_rng(0)
    dataset = tiny_dataset()
    waves = np.sin(np.arange(20))[:, None]
    features = (rng.normal(0, 3_000, (len(dataset.features), 1, 4)) + waves).astype(np.float32)
    dataset = replace(dataset, features=features, mean=np.zeros(4, np.float32), std=np.full(4, 3_000, np.float32))

    def seen(kept: torch.dtype) -> float:
        series = DeviceData(dataset, CPU, kept=kept).features.double().numpy()
        each = [np.corrcoef(one[:, 0], waves[:, 0])[0, 1] for one in series if one[:, 0].std()]
        return float(np.sum(each) / len(series))

    assert seen(torch.float32) > 0.99
    assert seen(torch.bfloat16) < 0.5
