"""A depthwise convolution gives what torch's give, outputs and gradients, plain and stacked."""

import pytest
import torch
from torch import nn

from hw3models.nn.depthwise import BLOCK, Depthwise
from hw3models.nn.stacking import stack

SHAPES = [(40, 19, 2), (BLOCK, 9, 4), (BLOCK + 1, 5, 1), (7, 7, 1), (3 * BLOCK, 39, 1), (1, 1, 1)]


def learnt(layer: nn.Module, x: torch.Tensor, *, training: bool) -> list[torch.Tensor]:
    """The output, and the gradients in the input and the weights of a sum that tells places apart."""
    weight = next(layer.train(training).parameters())
    out = layer(x)
    places = torch.linspace(-1, 2, 4 * 6 * out.shape[-1], dtype=out.dtype).view(4, 6, -1)
    return [out, *torch.autograd.grad((out * places).sum(), [x, weight])]


@pytest.mark.parametrize(("steps", "kernel", "dilation"), SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_depthwise_learns_as_torch_s_convolution_does(training: bool, steps: int, kernel: int, dilation: int) -> None:
    torch.manual_seed(0)
    ours = [Depthwise(6, kernel, dilation=dilation).double() for _ in range(3)]
    around = dilation * (kernel // 2)
    theirs = nn.Conv1d(6, 6, kernel, padding=around, dilation=dilation, groups=6, bias=False).double()
    x = torch.randn(3, 4, 6, steps, dtype=torch.double, requires_grad=True)
    together = learnt(stack(ours), x, training=training)
    for row, own in enumerate(ours):
        theirs.load_state_dict(own.state_dict())
        alone = x[row].detach().requires_grad_()
        expected = learnt(theirs, alone, training=training)
        torch.testing.assert_close(learnt(own, alone, training=training), expected, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close([one[row] for one in together], expected, rtol=1e-10, atol=1e-12)
