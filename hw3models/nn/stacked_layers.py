"""Layers that hold S sets of parameters, (S, ...), and compute S replicates at once: (S, B, ...) to (S, B, ...).

S = replicates, B = examples, C = channels, T = time steps, E = features
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from hw3models.nn.attention import as_added, join_heads, scaled_dot_product, split_heads
from hw3models.nn.depthwise import Depthwise, depthwise, learns_by_blocks
from hw3models.nn.layers import Noisy


class StackedLinear(nn.Module):
    """S linear layers: (S, B, ..., in) to (S, B, ..., out), one `baddbmm`."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = _optional([layer.bias for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(1, -2)
        weight = self.weight.mT
        out = torch.bmm(rows, weight) if self.bias is None else torch.baddbmm(self.bias.unsqueeze(1), rows, weight)
        unfolded: torch.Tensor = out.unflatten(1, x.shape[1:-1])
        return unfolded


class StackedConv(nn.Module):
    """S convolutions over one or two axes as one with S times as many groups: (S, B, C, ...) to (S, B, O, ...)."""

    def __init__(self, layers: Sequence[nn.Conv1d] | Sequence[nn.Conv2d]) -> None:
        super().__init__()
        first = layers[0]
        self.weight = stacked_parameter([layer.weight for layer in layers])
        self.bias = _optional([layer.bias for layer in layers])
        self.stride, self.padding, self.dilation, self.groups = (
            first.stride,
            first.padding,
            first.dilation,
            first.groups,
        )
        self.kernel_size, self.padding_mode = first.kernel_size, first.padding_mode
        self._convolve = F.conv1d if isinstance(first, nn.Conv1d) else F.conv2d
        self._is_depthwise = isinstance(first, Depthwise)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        num = len(self.weight)
        bias = None if self.bias is None else self.bias.flatten()
        folded = _to_groups(x)
        if self._is_depthwise and learns_by_blocks(self, x):
            return _from_groups(depthwise(folded, self.weight.flatten(0, 1), self.dilation[0]), num)
        padding: str | int | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros":
            folded, padding = F.pad(folded, self._around(), mode=self.padding_mode), 0
        # F.conv1d takes "same" or a number; nn.Conv1d keeps either in `padding`.
        out = self._convolve(
            folded, self.weight.flatten(0, 1), bias, self.stride, padding, self.dilation, num * self.groups
        )
        return _from_groups(out, num)

    def _around(self) -> list[int]:
        """Padding before and after each axis, the last axis first, as `F.pad` wants it."""
        pads = []
        for axis in reversed(range(len(self.kernel_size))):
            total = self.dilation[axis] * (self.kernel_size[axis] - 1)
            if self.padding == "same":
                pads += [total // 2, total - total // 2]
            else:
                pads += [0, 0] if self.padding == "valid" else [int(self.padding[axis])] * 2
        return pads


class StackedBatchNorm(nn.Module):
    """S batch normalisations of (S, B, C, ...): statistics are per channel, so S x C channels do not mix."""

    def __init__(self, layers: Sequence[nn.BatchNorm1d] | Sequence[nn.BatchNorm2d]) -> None:
        super().__init__()
        first = layers[0]
        if first.momentum is None:
            raise TypeError(f"cannot stack {first}: needs a momentum")
        self.eps, self.momentum = first.eps, first.momentum
        self.weight = _optional([layer.weight for layer in layers])
        self.bias = _optional([layer.bias for layer in layers])
        self.running_mean: torch.Tensor | None
        self.running_var: torch.Tensor | None
        self.num_batches_tracked: torch.Tensor | None
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            own = [getattr(layer, name) for layer in layers]
            self.register_buffer(name, None if own[0] is None else torch.stack(own))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        # The views share memory with the buffers, so the running statistics are updated in place.
        mean, var, weight, bias = map(_flat, (self.running_mean, self.running_var, self.weight, self.bias))
        by_batch = self.training or mean is None
        out = F.batch_norm(_to_groups(x), mean, var, weight, bias, by_batch, self.momentum, self.eps)
        return _from_groups(out, x.shape[0])


class StackedLayerNorm(nn.Module):
    """S layer normalisations over the last axes of (S, B, ..., E): one statistic, S scales and shifts."""

    def __init__(self, layers: Sequence[nn.LayerNorm]) -> None:
        super().__init__()
        self.shape, self.eps = layers[0].normalized_shape, layers[0].eps
        self.weight = _optional([layer.weight for layer in layers])
        self.bias = _optional([layer.bias for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.layer_norm(x, self.shape, eps=self.eps)
        between = [1] * (x.dim() - 1 - len(self.shape))
        if self.weight is not None:
            out = out * self.weight.view(len(self.weight), *between, *self.shape)
        return out if self.bias is None else out + self.bias.view(len(self.bias), *between, *self.shape)


class StackedGroupNorm(nn.Module):
    """S group normalisations of (S, B, C, ...)."""

    def __init__(self, layers: Sequence[nn.GroupNorm]) -> None:
        super().__init__()
        self.num_groups, self.eps = layers[0].num_groups, layers[0].eps
        self.weight = _optional([layer.weight for layer in layers])
        self.bias = _optional([layer.bias for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = F.group_norm(x.flatten(0, 1), self.num_groups, eps=self.eps).unflatten(0, x.shape[:2])
        if self.weight is None or self.bias is None:
            return out
        return torch.addcmul(_per_channel(self.bias, x), out, _per_channel(self.weight, x))


class StackedPReLU(nn.Module):
    """S rectifiers with learnt slopes (He et al. 2015) of (S, B, C, ...)."""

    def __init__(self, layers: Sequence[nn.PReLU]) -> None:
        super().__init__()
        self.weight = stacked_parameter([layer.weight for layer in layers])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x >= 0, x, x * _per_channel(self.weight, x))


class StackedEmbedding(nn.Module):
    """S tables of vectors: int64 (S, B, ...) to (S, B, ..., E), looked up in one table of S times as many rows."""

    def __init__(self, layers: Sequence[nn.Embedding]) -> None:
        super().__init__()
        first = layers[0]
        if first.max_norm is not None or first.scale_grad_by_freq or first.sparse:
            raise TypeError(f"cannot stack {first}: max_norm, scale_grad_by_freq and sparse have no stacked form")
        self.padding_idx = first.padding_idx
        self.weight = stacked_parameter([layer.weight for layer in layers])

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        num, rows = self.weight.shape[:2]
        offset = rows * torch.arange(num, device=index.device).view(num, *[1] * (index.dim() - 1))
        out = F.embedding(index + offset, self.weight.flatten(0, 1))
        if self.padding_idx is None:
            return out
        # The vector of the padding is not learnt.
        return torch.where((index == self.padding_idx).unsqueeze(-1), out.detach(), out)


class StackedAttention(Noisy):
    """S layers of `nn.MultiheadAttention`, with its arguments: (S, B, T, E), or (S, T, B, E) without `batch_first`."""

    def __init__(self, layers: Sequence[nn.MultiheadAttention]) -> None:
        super().__init__()
        first = layers[0]
        if first.in_proj_weight is None or first.bias_k is not None or first.add_zero_attn:
            raise TypeError(f"cannot stack {first}: needs keys and values as wide as queries, and no bias_k")
        self.num_heads, self.dropout, self.batch_first = first.num_heads, first.dropout, first.batch_first
        self.in_proj_weight = stacked_parameter([layer.in_proj_weight for layer in layers])
        self.in_proj_bias = _optional([layer.in_proj_bias for layer in layers])
        self.out_proj = StackedLinear([layer.out_proj for layer in layers])

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,  # noqa: ARG002  # a hint beside the mask, as in torch
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        inputs = (query, key, value) if self.batch_first else (x.transpose(1, 2) for x in (query, key, value))
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3, dim=1)
        weights = self.in_proj_weight.chunk(3, dim=1)
        q, k, v = (
            split_heads(_project(x, weight, bias), self.num_heads)
            for x, weight, bias in zip(inputs, weights, biases, strict=True)
        )
        if attn_mask is not None and attn_mask.dim() != 2:
            raise TypeError("a mask per example and head has no stacked form")
        mask = as_added(attn_mask, key_padding_mask, q.dtype)
        found, shares = scaled_dot_product(q, k, v, mask, drop=self._drop)
        out = self.out_proj(join_heads(found))
        out = out if self.batch_first else out.transpose(1, 2)
        if not need_weights:
            return out, None
        return out, shares.mean(-3) if average_attn_weights else shares

    def _drop(self, weights: torch.Tensor) -> torch.Tensor:
        if not self.training or self.dropout == 0:
            return weights
        if self.noise is None:
            return F.dropout(weights, self.dropout)
        kept: torch.Tensor = weights * self.noise.keep(weights.shape, self.dropout, weights) / (1 - self.dropout)
        return kept


class Folded(nn.Module):
    """A layer without parameters that treats examples one by one, such as a pooling: S x B examples at once."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return out


def stacked_parameter(tensors: Sequence[torch.Tensor]) -> nn.Parameter:
    """One parameter (S, ...) of S tensors; it learns where they do."""
    return nn.Parameter(torch.stack([t.detach() for t in tensors]), requires_grad=tensors[0].requires_grad)


def _optional(tensors: Sequence[torch.Tensor | None]) -> nn.Parameter | None:
    there = [tensor for tensor in tensors if tensor is not None]
    return stacked_parameter(there) if there else None


def _flat(tensor: torch.Tensor | None) -> torch.Tensor | None:
    return None if tensor is None else tensor.view(-1)


def _project(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """(S, B, T, E) by weights (S, O, E) and biases (S, O) to (S, B, T, O)."""
    out = torch.einsum("sbte,soe->sbto", x, weight)
    return out if bias is None else out + bias[:, None, None, :]


def _per_channel(parameter: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(S, C) or (S, 1), to be multiplied with x (S, B, C, ...)."""
    return parameter.view(len(parameter), 1, -1, *[1] * (x.dim() - 3))


def _to_groups(x: torch.Tensor) -> torch.Tensor:
    """(S, B, C, ...) to (B, S x C, ...)."""
    return x.transpose(0, 1).flatten(1, 2)


def _from_groups(x: torch.Tensor, num: int) -> torch.Tensor:
    """(B, S x C, ...) to (S, B, C, ...)."""
    unfolded: torch.Tensor = x.unflatten(1, (num, -1)).transpose(0, 1)
    return unfolded
