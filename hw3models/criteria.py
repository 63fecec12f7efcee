"""What is minimised, with its slope by hand: as a node for autograd, and for `StackedDenseChain.learn` without it.

S = replicates, B = examples, K = classes, P = outputs
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def cross_entropy_slope(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy in nats (S,) of logits (S, B, K) and labels (S, B), and its gradient by the logits."""
    losses, probabilities, index = _cross_entropy(logits, labels)
    share = -1 / labels.shape[1]
    gradient = probabilities.mul_(-share).scatter_add_(-1, index, probabilities.new_full((), share).expand(index.shape))
    return losses.mean(1), gradient


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Losses (S, B), softmax (S, B, K), and the labels as an index (S, B, 1)."""
    shifted = logits - logits.amax(-1, keepdim=True)
    index = labels.unsqueeze(-1)
    own = shifted.gather(-1, index)
    total = shifted.exp_().sum(-1, keepdim=True)
    return (total.log() - own).squeeze(-1), shifted.div_(total), index


class CrossEntropy(torch.autograd.Function):
    """Cross-entropy in nats (S, B) of logits (S, B, K) and labels (S, B).

    torch's own goes over one row of K logits after another, which for ten classes takes as long as a layer.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """log sum exp less the label's logit, both less the largest."""
        losses, probabilities, index = _cross_entropy(logits, labels)
        ctx.save_for_backward(probabilities, index)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Softmax less one at the label."""
        probabilities, index = ctx.saved_tensors
        weight = grad.unsqueeze(-1)
        return (probabilities * weight).scatter_add_(-1, index, -weight), None


def squared_error_slope(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean squared error (S,) of outputs and targets (S, B, P), and its gradient by the outputs."""
    apart = output - target
    losses = torch.linalg.vector_norm(apart, dim=-1).square_().mean(1).div_(apart.shape[-1])
    return losses, apart.mul_(2 / (apart.shape[-1] * apart.shape[1]))


class SquaredError(torch.autograd.Function):
    """Squared error averaged over the last axis, (S, B), of outputs and targets (S, B, P), in two passes each way."""

    @staticmethod
    def forward(ctx: Any, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The differences are kept for the way back."""
        apart = output - target
        ctx.save_for_backward(apart)
        norms: torch.Tensor = torch.linalg.vector_norm(apart, dim=-1)
        return norms.square_().div_(apart.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Twice the difference."""
        (apart,) = ctx.saved_tensors
        return apart * (grad * (2 / apart.shape[-1])).unsqueeze(-1), None
