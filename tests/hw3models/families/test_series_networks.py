"""What the convolutional networks and the transformer for series promise beside what all families do."""

import pytest
import torch
from torch import nn

from hw3models.families import FAMILIES, Network
from hw3models.families.cnn import SequenceCNN
from hw3models.families.family import Architecture
from hw3models.families.lite import filters_by_hand
from hw3models.families.tcn import TCN, num_blocks
from hw3models.families.transformer import PatchTransformer

CONVOLUTIONAL = ["cnn", "fcn", "resnet", "inception", "lite", "tcn"]


def build(name: str, steps: int, channels: int = 2) -> nn.Module:
    family = FAMILIES["sequences"][name]
    assert isinstance(family, Network)
    torch.manual_seed(0)
    model = family.build(Architecture(shape=(steps, channels), num_classes=3))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            # As after training: an input of zero is none after it.
            nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
    return model.eval()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize(("steps", "length"), [(40, 23), (1100, 700)])
def test_a_padded_series_gets_the_answer_that_it_gets_without_padding(name: str, steps: int, length: int) -> None:
    # 1,100 steps are computed at every third.
    model, x = build(name, steps), torch.randn(2, steps, 2) - 1
    x[0, length:] = 0
    padded = model(x, torch.tensor([length, steps]))
    torch.testing.assert_close(padded[:1], model(x[:1, :length]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(padded[1:], model(x[1:]), rtol=1e-4, atol=1e-5)


def test_the_transformer_attends_to_no_patch_after_the_end_of_a_series() -> None:
    model = build("transformer", 40)
    assert isinstance(model, PatchTransformer)
    x, length = torch.randn(1, 40, 2), 21
    other = x.clone()
    behind = (-(-length // model.stride) + 1) * model.stride
    other[:, behind:] += 5
    lengths = torch.tensor([length])
    torch.testing.assert_close(model(x, lengths), model(other, lengths))
    assert not torch.allclose(model(x, torch.tensor([40])), model(other, torch.tensor([40])), atol=1e-3)


@pytest.mark.parametrize("steps", [13, 14, 50, 251, 1100])
def test_a_step_of_the_cnns_coarsest_level_has_seen_as_many_steps_as_the_series_has(steps: int) -> None:
    model = SequenceCNN(steps, 1, 2).eval()
    # Linear, so that every step that is seen has a gradient.
    model.relu = model.body.relu = nn.Identity()  # type: ignore[assignment]
    model.coarser = nn.AvgPool1d(2, ceil_mode=True)  # type: ignore[assignment]
    x = torch.randn(1, 1, 4 * steps, requires_grad=True)
    h = model.body(x, None)
    for level in model.levels:
        h = level(model.coarser(h))
    h[0, :, h.shape[-1] // 2].sum().backward()
    assert x.grad is not None
    assert int((x.grad != 0).sum()) >= steps


@pytest.mark.parametrize("steps", [9, 30, 251])
def test_a_step_of_the_tcn_has_seen_the_whole_series(steps: int) -> None:
    model = TCN(steps, 1, 2).eval()
    for block in model.blocks:
        block.relu = nn.Identity()
    x = torch.randn(1, 4 * steps, 1, requires_grad=True)
    h = x.transpose(-1, -2)
    for block in model.blocks:
        h = block(h, None)
    h[0, :, h.shape[-1] // 2].sum().backward()
    assert x.grad is not None
    assert int((x.grad != 0).sum()) >= steps
    assert num_blocks(steps) == len(model.blocks)


def test_lites_filters_by_hand_find_rises_falls_and_peaks_and_are_not_trained() -> None:
    filters = filters_by_hand(1000)
    assert sum(len(one) for one in filters) == 17
    assert filters[0].tolist() == [[-1, 1], [1, -1]]
    assert filters[6].tolist() == [[-1, -1, 2, 2, -1, -1]]
    assert all(one.sum(1).abs().max() < 1e-5 for one in filters), "a constant series gives zero"
    assert max(one.shape[1] for one in filters_by_hand(20)) <= 20
    model = build("lite", 128, 3)
    fixed = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    assert len(fixed) == 10, "the longest does not fit"
    assert sum(p.numel() for p in build("lite", 128, 1).parameters() if p.requires_grad) < 12_000


def test_no_network_computes_at_more_than_512_steps() -> None:
    x = torch.randn(1, 1100, 2)
    for name in ("fcn", "resnet", "inception", "lite", "tcn"):
        model = build(name, 1100)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.register_forward_hook(_refuse_long)
        model(x)


def _refuse_long(_: nn.Module, __: object, out: torch.Tensor) -> None:
    assert out.shape[-1] <= 512
