import pytest
import torch
from torch import nn

from hw3models.families import FAMILIES, Network
from hw3models.families.family import Architecture
from hw3models.nn.layers import Dropout, reverse_in_time, time_mask
from hw3models.nn.rng import Noise, ReplicateRng
from hw3models.nn.stacking import stack, stack_states, unstack

NETWORKS = [family for kind in FAMILIES.values() for family in kind.values() if isinstance(family, Network)]


def build(family: Network, count: int) -> list[nn.Module]:
    shape = (28, 28) if family.kind == "images" else (20, 4)
    models = []
    for seed in range(count):
        torch.manual_seed(seed)
        models.append(family.build(Architecture(shape=shape, num_classes=3)).double())
    return models


def example(family: Network, *shape: int) -> torch.Tensor:
    torch.manual_seed(99)
    return torch.randn(*shape, *((28, 28) if family.kind == "images" else (20, 4)), dtype=torch.float64)


@pytest.mark.parametrize("family", NETWORKS, ids=lambda f: f"{f.kind}-{f.name}")
def test_a_stack_computes_what_its_models_compute_alone(family: Network) -> None:
    models, x = build(family, 3), example(family, 3, 5)
    stacked = stack(models)
    together = stacked(x)
    for row, model in enumerate(models):
        torch.testing.assert_close(together[row], model(x[row]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", NETWORKS, ids=lambda f: f"{f.kind}-{f.name}")
def test_gradients_of_a_stack_are_those_of_its_models(family: Network) -> None:
    models, x = build(family, 2), example(family, 2, 5)
    stacked = stack(models)
    stacked(x).square().sum().backward()
    for row, model in enumerate(models):
        model(x[row]).square().sum().backward()
        for name, parameter in model.named_parameters():
            ours = stacked.get_parameter(name).grad
            if parameter.grad is None:  # a part that such short series do not reach
                assert ours is None
                continue
            assert ours is not None
            torch.testing.assert_close(ours[row], parameter.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", NETWORKS, ids=lambda f: f"{f.kind}-{f.name}")
def test_a_replicate_taken_out_is_the_model_that_went_in(family: Network) -> None:
    models = build(family, 3)
    states = stack(models).state_dict()
    for row, model in enumerate(models):
        taken = unstack(states, row)
        assert taken.keys() == model.state_dict().keys()
        fresh = build(family, 1)[0]
        fresh.load_state_dict(taken)
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, fresh.state_dict()[name])


def test_putting_together_undoes_taking_out() -> None:
    states = stack(build(NETWORKS[0], 2)).state_dict()
    again = stack_states([unstack(states, 0), unstack(states, 1)])
    assert all(torch.equal(states[name], again[name]) for name in states)


def test_running_statistics_of_stacked_batch_norms_do_not_mix() -> None:
    layers = [nn.BatchNorm1d(4).double() for _ in range(2)]
    stacked, x = (
        stack(layers),
        torch.randn(2, 8, 4, 10, dtype=torch.float64) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1),
    )
    stacked(x)
    for row, layer in enumerate(layers):
        layer(x[row])
        torch.testing.assert_close(stacked.running_var[row], layer.running_var)
        assert stacked.num_batches_tracked[row] == layer.num_batches_tracked == 1


def test_two_stacked_recurrent_layers_agree_with_torch() -> None:
    for kind in (nn.LSTM, nn.GRU):
        layers = [kind(3, 5, num_layers=2, batch_first=True).double() for _ in range(2)]
        x = torch.randn(2, 4, 7, 3, dtype=torch.float64)
        together, _ = stack(layers)(x)
        for row, layer in enumerate(layers):
            torch.testing.assert_close(together[row], layer(x[row])[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.BatchNorm1d(4, momentum=None), "needs a momentum"),
        (nn.LSTM(3, 5, bidirectional=True), "one direction"),
        (nn.Embedding(3, 4, max_norm=1.0), "max_norm, scale_grad_by_freq and sparse have no stacked form"),
        (nn.MultiheadAttention(4, 2, kdim=3), "keys and values as wide as queries"),
        (nn.MaxPool1d(2, return_indices=True), "it returns indices"),
        (nn.Softmax(), "`dim` is None, not an axis"),
        (
            nn.Sequential(nn.Sequential(nn.Bilinear(2, 3, 4))),
            r"cannot stack Bilinear \(0\.0\): it holds weight, bias itself",
        ),
    ],
)
def test_a_layer_without_a_stacked_form_is_refused(layer: nn.Module, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        stack([layer, layer])


def test_dropout_masks_of_a_replicate_do_not_depend_on_its_neighbours() -> None:
    together, alone = Dropout(0.5), Dropout(0.5)
    together.noise = Noise(ReplicateRng([3, 8], torch.device("cpu")), "stacked")
    alone.noise = Noise(ReplicateRng([8], torch.device("cpu")), "plain")
    x = torch.ones(2, 16, 10)
    torch.testing.assert_close(together(x)[1], alone(x[1]))
    assert set(together(x).unique().tolist()) == {0.0, 2.0}


def test_dropout_in_eval_mode_is_the_identity() -> None:
    layer = Dropout(0.9).eval()
    x = torch.randn(4, 5)
    assert torch.equal(layer(x), x)


def test_reversing_a_padded_series_leaves_its_padding_at_the_end() -> None:
    x = torch.tensor([[1.0, 2, 3, 0, 0], [1, 2, 3, 4, 5]]).unsqueeze(-1)
    turned = reverse_in_time(x, torch.tensor([3, 5])).squeeze(-1)
    assert turned.tolist() == [[3, 2, 1, 0, 0], [5, 4, 3, 2, 1]]
    assert time_mask(torch.tensor([3]), 5).tolist() == [[True, True, True, False, False]]


@pytest.mark.parametrize("name", ["cnn", "lstm", "gru"])
def test_more_padding_does_not_change_what_a_padded_series_gives(name: str) -> None:
    family = FAMILIES["sequences"][name]
    assert isinstance(family, Network)
    model = build(family, 1)[0].eval()
    x, lengths = example(family, 6), torch.tensor([5, 20, 7, 12, 20, 1])
    x = x * time_mask(lengths, 20).unsqueeze(-1)
    longer = torch.cat([x, torch.zeros(6, 9, 4, dtype=x.dtype)], dim=1)
    torch.testing.assert_close(model(x, lengths), model(longer, lengths), rtol=1e-10, atol=1e-10)
