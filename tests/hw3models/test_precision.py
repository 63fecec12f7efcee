"""Lower precision is a choice that computes what it says, and that nobody gets whose data could need more."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from hw3models import precision as precision_module
from hw3models.batches import DeviceData
from hw3models.data.dataset import Dataset
from hw3models.families import FAMILIES, Network, find_family
from hw3models.group import Group
from hw3models.precision import TABLE, Precision, pick_precision, products
from hw3models.specs import TrainSpec
from hw3models.streams import Streams
from hw3models.training import FitResult, build_replicate, fit
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
        assert pick_precision(spec, family, device) == ("float32", "")
    assert pick_precision(spec, family, CUDA)[0] in ("float32", "tf32")


def test_the_table_on_cuda_is_what_auto_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_module, "_table", lambda: {"cuda": {"sequences/gru": "tf32"}})
    assert pick_precision(TrainSpec(family="gru"), network("gru"), CUDA) == ("tf32", "")
    assert pick_precision(TrainSpec(family="lstm"), network("lstm"), CUDA) == ("float32", "")
    assert TABLE.exists()


def test_a_wish_that_the_device_cannot_meet_is_trained_in_float32_and_said() -> None:
    result = trained("mlp", "tf32")
    assert result.precision == "float32"
    assert result.notes == ("there is no TF32 on cpu: trained in float32, which loses nothing but time",)
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
    assert precision == "bf16"
    assert said in note
    assert bool(said) == bool(note)


@pytest.mark.parametrize(("precision", "expected"), [("float32", "ieee"), ("tf32", "tf32"), ("bf16", "tf32")])
def test_products_on_cuda_are_switched_and_left_as_they_were(precision: Precision, expected: str) -> None:
    libraries: Any = torch.backends
    switches = (libraries.cuda.matmul, libraries.cudnn.conv, libraries.cudnn.rnn)
    before = [switch.fp32_precision for switch in switches]

    def fail() -> None:
        with products(precision, CUDA):
            assert [switch.fp32_precision for switch in switches] == [expected] * 3
            raise KeyError("in the middle")

    with pytest.raises(KeyError, match="in the middle"):
        fail()
    assert [switch.fp32_precision for switch in switches] == before
    with products(precision, CPU):
        assert [switch.fp32_precision for switch in switches] == before


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
@pytest.mark.parametrize(("precision", "computed"), [("bf16", torch.bfloat16), ("float32", torch.float32)])
def test_convolutions_compute_in_it_and_parameters_gradients_and_losses_do_not(
    strategy: str, layers: int, precision: Precision, computed: torch.dtype
) -> None:
    dataset, family, seeds = tiny_dataset(), network("cnn"), tuple(range(layers))
    spec = TrainSpec(family="cnn", seeds=seeds)
    models = [build_replicate(family, dataset, spec, seed) for seed in seeds]
    group = Group(seeds, models, quick_recipe(), family.task, Streams(seeds, CPU), precision)
    seen: list[torch.dtype] = []
    for module in group.program.modules():
        if "Conv1d" in type(module).__name__:
            module.register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    loss = group.take_step(DeviceData(dataset, CPU).batch(torch.arange(8).expand(layers, -1)))
    assert seen == [computed] * 3
    tensors = [loss, *group.parameters, *(p.grad for p in group.parameters if p.grad is not None)]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


@pytest.mark.parametrize("strategy", ["separate", "stacked"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "gru"])
def test_every_family_learns_in_bfloat16_as_in_float32(name: str, strategy: str) -> None:
    low, full = (trained(name, precision, strategy=strategy) for precision in ("bf16", "float32"))
    assert (low.precision, full.precision) == ("bf16", "float32")
    losses = [np.array([report.train_loss for report in sorted_reports(result)]) for result in (low, full)]
    assert not np.array_equal(*losses)
    np.testing.assert_allclose(*losses, rtol=0.1)
    assert {tensor.dtype for tensor in low.states.values() if tensor.is_floating_point()} == {torch.float32}


def sorted_reports(result: FitResult) -> list[Any]:
    return sorted(result.epochs, key=lambda report: (report.seeds, report.epoch))


def test_a_seed_in_bfloat16_is_the_same_among_few_and_among_others() -> None:
    among, alone = (trained("cnn", "bf16", seeds, strategy="separate") for seeds in ((0, 1, 2, 3), (2, 3)))
    for name, tensor in alone.states.items():
        assert torch.equal(among.states[name][2:], tensor)


def test_float64_is_not_lowered() -> None:
    assert trained("cnn", "bf16", (0,), dtype=torch.float64).precision == "float32"


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
