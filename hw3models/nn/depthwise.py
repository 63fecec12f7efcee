"""A convolution over time with a kernel for each channel, whose gradients are quick on a CPU.

B = examples, C = channels, T = time steps, k = steps of a kernel, ... = either nothing or S
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

BLOCK = 64
"""Most time steps that one product of matrices gives; of 32 to 96 all are about as quick."""


class Depthwise(nn.Conv1d):
    """A kernel of odd length for each channel, evenly padded: (..., B, C, T) to the same shape.

    As `nn.Conv1d` with as many groups as channels. On a CPU it learns by `depthwise`: torch's gradients of dilated
    kernels take three to four times as long there. What has been learnt is asked by torch's.
    """

    def __init__(self, channels: int, kernel: int, *, dilation: int = 1) -> None:
        around = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, padding=around, dilation=dilation, groups=channels, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(B, C, T) to (B, C, T)."""
        if learns_by_blocks(self, input):
            return depthwise(input, self.weight, self.dilation[0])
        return super().forward(input)


def learns_by_blocks(layer: nn.Module, x: torch.Tensor) -> bool:
    """Whether `depthwise` is taken: on a CPU, in training, in one type of numbers."""
    return layer.training and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


def depthwise(x: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    """Series (B, C, T), each channel convolved with its own kernel (C, 1, k) of odd length, padded with zeros."""
    out: torch.Tensor = _Depthwise.apply(x, weight, dilation)
    return out


class _Depthwise(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
        return _convolved(x, weight, dilation)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor, int], output: torch.Tensor) -> None:  # noqa: ARG004
        x, weight, ctx.dilation = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        x, weight = ctx.saved_tensors
        seen, size = _seen(x, _reach(weight, ctx.dilation))
        rest = seen.shape[1] // len(x) * size - x.shape[-1]
        grads = F.pad(grad, (0, rest)).transpose(0, 1).reshape(x.shape[1], -1, size)
        # Entry (i, j) belongs to tap m of the kernel where i = j + m x dilation: a tap's gradient is a diagonal's sum.
        diagonals = torch.bmm(seen.mT, grads).flatten(1).unfold(1, size * size, size * ctx.dilation)[..., :: size + 1]
        weight_grad = diagonals.sum(-1).unsqueeze(1)
        # The input's gradient is a convolution with the kernels turned round: they are odd, and padded evenly.
        return _convolved(grad, weight.flip(-1), ctx.dilation), weight_grad, None


def _reach(weight: torch.Tensor, dilation: int) -> int:
    return dilation * (weight.shape[-1] - 1)


def _convolved(x: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    """Blocks of steps with what they see, times the banded matrix of each channel's kernel."""
    num, channels, steps = x.shape
    reach = _reach(weight, dilation)
    seen, size = _seen(x, reach)
    # The kernel with its gaps, between zeros as far as a block goes; column j of a band begins j steps later.
    kernel = F.pad(weight.transpose(1, 2), (0, dilation - 1)).flatten(1)[:, : reach + 1]
    bands = F.pad(kernel, (size - 1, size - 1)).unfold(1, size, 1).flip(2)
    return torch.bmm(seen, bands).view(channels, num, -1).transpose(0, 1)[..., :steps]


def _seen(x: torch.Tensor, reach: int) -> tuple[torch.Tensor, int]:
    """What each block of steps sees (C, B x blocks, size + reach), and the steps of a block."""
    num, channels, steps = x.shape
    blocks = -(-steps // BLOCK)
    size = -(-steps // blocks)
    padded = F.pad(x, (reach // 2, reach - reach // 2 + blocks * size - steps))
    return padded.unfold(2, size + reach, size).transpose(0, 1).reshape(channels, num * blocks, -1), size
