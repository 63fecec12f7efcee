"""Losses with their gradients by hand: as a node for autograd, and for `StackedDenseChain.forward_backward` without it.

S = replicates, B = examples, K = classes, P = outputs
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def cross_entropy_grad(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy in nats (S,) of logits (S, B, K) and labels (S, B), and its gradient by the logits."""
    logs, index = _log_softmax(logits, labels)
    losses = logs.gather(1, index).squeeze(1).mean(1).neg_()
    share = -1 / labels.shape[1]
    gradient = logs.exp_().mul_(-share).scatter_add_(1, index, logs.new_full((), share).expand(index.shape))
    return losses, gradient.mT


def _log_softmax(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities (S, K, B) of logits (S, B, K), and the labels as an index (S, 1, B).

    With the examples last: over a last axis of ten classes torch goes row by row, which takes as long as a layer.
    """
    return torch.log_softmax(logits.mT, 1), labels.unsqueeze(1)


class CrossEntropy(torch.autograd.Function):
    """Cross-entropy in nats (S, B) of logits (S, B, K) and labels (S, B): see `_log_softmax` for what it saves."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Less the label's log probability."""
        logs, index = _log_softmax(logits, labels)
        ctx.save_for_backward(logs, index)
        return logs.gather(1, index).squeeze(1).neg_()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Softmax less one at the label."""
        logs, index = ctx.saved_tensors
        weight = grad.unsqueeze(1)
        return logs.exp().mul_(weight).scatter_add_(1, index, -weight).mT, None


def squared_error_grad(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean squared error (S,) of outputs and targets (S, B, P), and its gradient by the outputs."""
    residual = output - target
    losses = torch.linalg.vector_norm(residual, dim=-1).square_().mean(1).div_(residual.shape[-1])
    return losses, residual.mul_(2 / (residual.shape[-1] * residual.shape[1]))


class SquaredError(torch.autograd.Function):
    """Squared error averaged over the last axis, (S, B), of outputs and targets (S, B, P), in two passes each way."""

    @staticmethod
    def forward(ctx: Any, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The differences are kept for the way back."""
        residual = output - target
        ctx.save_for_backward(residual)
        norms: torch.Tensor = torch.linalg.vector_norm(residual, dim=-1)
        return norms.square_().div_(residual.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Twice the difference."""
        (residual,) = ctx.saved_tensors
        return residual * (grad * (2 / residual.shape[-1])).unsqueeze(-1), None
