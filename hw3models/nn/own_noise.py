"""Randomness of foreign modules, drawn from the replicate's own generator instead of torch's global one.

A module that calls `F.dropout`, `torch.rand` or `Tensor.bernoulli_` in its forward pass cannot say from where; while
the mode `OwnNoise` is on, these calls draw from the `Noise` of the program. What it does not know still moves the
global generator, which `hw3models.nn.proof` finds out.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from hw3models.nn.attention import as_added, join_heads, scaled_dot_product, split_heads
from hw3models.nn.rng import Noise


class OwnNoise(TorchFunctionMode):
    """While it is on, torch's random functions draw from `noise`."""

    def __init__(self, noise: Noise) -> None:
        super().__init__()
        self._noise = noise

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Take over what draws; everything else goes on as it is."""
        given = dict(kwargs or {})
        ours = _OURS.get(func)
        if ours is None or given.get("generator") is not None:
            return func(*args, **given)
        return ours(self._noise, func, *args, **given)


def _of_features(noise: Noise, x: torch.Tensor) -> tuple[int, ...]:
    """One draw for an example's whole channel (Tompson et al. 2015), whatever follows it."""
    axes = 3 if noise.layout == "stacked" else 2
    return (*x.shape[:axes], *[1] * (x.dim() - axes))


def _dropped(noise: Noise, x: torch.Tensor, shape: Sequence[int], p: float) -> torch.Tensor:
    return x * (noise.keep(shape, p, x) / (1 - p) if p < 1 else torch.zeros_like(x))


_SATURATION = -1.7580993408473766
"""What alpha dropout sets to: minus scale times alpha of SELU (Klambauer et al. 2017, section 2)."""


def _alpha_dropped(noise: Noise, x: torch.Tensor, shape: Sequence[int], p: float) -> torch.Tensor:
    """Keep mean and variance of what SELU gives (Klambauer et al. 2017, "new dropout technique")."""
    if p >= 1:
        return torch.zeros_like(x)
    keep = noise.keep(shape, p, x)
    scale = math.pow((1 - p) * (1 + p * _SATURATION**2), -0.5)
    return scale * (x * keep + _SATURATION * (1 - keep)) - scale * p * _SATURATION


def _drops(drop: Callable[..., torch.Tensor], *, features: bool, trains: bool) -> Callable[..., torch.Tensor]:
    """One of torch's dropout functions; `trains` is what it takes for `training` where nobody says."""

    def ours(
        noise: Noise, _: object, x: torch.Tensor, p: float = 0.5, training: bool = trains, inplace: bool = False
    ) -> torch.Tensor:
        if not training or p == 0:
            return x
        out = drop(noise, x, _of_features(noise, x) if features else x.shape, p)
        return x.copy_(out) if inplace else out

    return ours


_dropout = _drops(_dropped, features=False, trains=True)
_dropout_of_features = _drops(_dropped, features=True, trains=True)


def _rrelu(
    noise: Noise,
    func: Callable[..., torch.Tensor],
    x: torch.Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> torch.Tensor:
    """Slopes below zero are drawn between `lower` and `upper` (Xu et al. 2015)."""
    if not training:
        return func(x, lower, upper, training, inplace)
    slope = noise.uniform(x.shape).to(x.dtype) * (upper - lower) + lower
    out = torch.where(x >= 0, x, x * slope)
    return x.copy_(out) if inplace else out


def _attention(
    noise: Noise,
    func: Callable[..., torch.Tensor],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    if dropout_p == 0:
        return func(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    if enable_gqa:
        raise TypeError("grouped-query attention with dropout draws from torch's global generator")
    drop = partial(_dropout, noise, None, p=dropout_p)
    return scaled_dot_product(query, key, value, attn_mask, drop=drop, causal=is_causal, scale=scale)[0]


_ATTENTION = (
    *("embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "add_zero_attn"),
    *("dropout_p", "out_proj_weight", "out_proj_bias"),
)
"""Arguments of `F.multi_head_attention_forward` behind query, key and value."""


def _multi_head_attention(
    noise: Noise,
    func: Callable[..., Any],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *rest: Any,
    **more: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Do what `F.multi_head_attention_forward` does on (T, B, E), where it would drop weights by itself."""
    given = dict(zip(_ATTENTION, rest, strict=True)) | more
    p = given["dropout_p"]
    if p == 0 or not given.get("training", True):
        plain: tuple[torch.Tensor, torch.Tensor | None] = func(query, key, value, *rest, **more)
        return plain
    special = [name for name in ("bias_k", "bias_v", "static_k", "static_v") if given.get(name) is not None]
    if special or given["add_zero_attn"] or given.get("use_separate_proj_weight") or query.dim() != 3:
        raise TypeError(
            f"attention with dropout and {', '.join(special) or 'such options'} draws from torch's global generator"
        )
    biases = [None] * 3 if given["in_proj_bias"] is None else given["in_proj_bias"].chunk(3)
    parts = zip((query, key, value), given["in_proj_weight"].chunk(3), biases, strict=True)
    q, k, v = (split_heads(F.linear(x.transpose(0, 1), w, b), given["num_heads"]) for x, w, b in parts)
    attn_mask = given.get("attn_mask")
    if attn_mask is not None and attn_mask.dim() == 3:
        attn_mask = attn_mask.unflatten(0, q.shape[:2])
    mask = as_added(attn_mask, given.get("key_padding_mask"), q.dtype)
    found, weights = scaled_dot_product(q, k, v, mask, drop=partial(_dropout, noise, None, p=p))
    out = F.linear(join_heads(found), given["out_proj_weight"], given["out_proj_bias"]).transpose(0, 1)
    if not given.get("need_weights", True):
        return out, None
    return out, weights.mean(1) if given.get("average_attn_weights", True) else weights


def _recurrent(noise: Noise, func: Callable[..., Any], *args: Any) -> Any:
    """Layer by layer, as torch does it, with dropout between the layers."""
    if len(args) != 9 or not isinstance(args[3], bool):
        raise TypeError("a packed sequence with dropout draws from torch's global generator")
    x, hidden, weights, biases, layers, p, training, both_ways, batch_first = args
    if p == 0 or not training or layers == 1:
        return func(*args)
    ways = 2 if both_ways else 1
    is_lstm = isinstance(hidden, (tuple, list))
    states = tuple(hidden) if is_lstm else (hidden,)
    each, ends = len(weights) // layers, []
    for layer in range(layers):
        if layer:
            x = _dropout(noise, None, x, p)
        begin = tuple(state[ways * layer : ways * (layer + 1)] for state in states)
        own = list(weights[each * layer : each * (layer + 1)])
        x, *end = func(x, begin if is_lstm else begin[0], own, biases, 1, 0.0, training, both_ways, batch_first)
        ends.append(end)
    return (x, *(torch.cat(parts) for parts in zip(*ends, strict=True)))


_NEUTRAL = {"dtype", "device", "layout", "requires_grad", "memory_format", "pin_memory", "out", "generator"}
"""Options that do not change what is drawn; any other one is refused, not dropped."""


def _checked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = {name for name, value in options.items() if name not in _NEUTRAL or (name == "out" and value is not None)}
    if unknown:
        raise TypeError(f"a random function with {', '.join(sorted(unknown))} cannot draw from a replicate's generator")
    return options


def _typed(drawn: torch.Tensor, options: Mapping[str, Any], dtype: torch.dtype) -> torch.Tensor:
    return drawn.to(_checked(options).get("dtype") or dtype)


def _drawn_like(draw: Callable[[Noise, Sequence[int]], torch.Tensor]) -> Callable[..., torch.Tensor]:
    def ours(noise: Noise, _: object, x: torch.Tensor, **options: Any) -> torch.Tensor:
        return _typed(draw(noise, x.shape), options, x.dtype)

    return ours


def _drawn_of_size(draw: Callable[[Noise, Sequence[int]], torch.Tensor]) -> Callable[..., torch.Tensor]:
    def ours(noise: Noise, _: object, *shape: Any, **options: Any) -> torch.Tensor:
        given = options.pop("size", shape)
        size = given[0] if len(given) == 1 and not isinstance(given[0], int) else given
        return _typed(draw(noise, tuple(size)), options, torch.get_default_dtype())

    return ours


def _randint(noise: Noise, _: object, *bounds: Any, **options: Any) -> torch.Tensor:
    """`torch.randint(high, size)` or `(low, high, size)`, with any of them by name."""
    given = list(bounds)
    size = options.pop("size") if "size" in options else given.pop()
    high = options.pop("high") if "high" in options else given.pop()
    low = options.pop("low") if "low" in options else (given.pop() if given else 0)
    return _typed((noise.uniform(tuple(size)) * (high - low) + low).floor(), options, torch.int64)


def _filled(noise: Noise, x: torch.Tensor, drawn: torch.Tensor, options: Mapping[str, Any]) -> torch.Tensor:
    """`x`, holding what was drawn. Behind vmap a tensor of the forward pass's own cannot hold S draws: a new one does,
    which is wrong only where the returned tensor is not used; the proof would see it."""
    _checked(options)
    return drawn.to(x.dtype) if noise.layout == "vmap" else x.copy_(drawn)


def _bernoulli(noise: Noise, _: object, x: torch.Tensor, p: Any = None, **options: Any) -> torch.Tensor:
    return _typed(noise.uniform(x.shape) < (x if p is None else noise.chance(p)), options, x.dtype)


def _bernoulli_(noise: Noise, _: object, x: torch.Tensor, p: Any = 0.5, **options: Any) -> torch.Tensor:
    return _filled(noise, x, noise.uniform(x.shape) < noise.chance(p), options)


def _uniform_(noise: Noise, _: object, x: torch.Tensor, *bounds: float, **options: Any) -> torch.Tensor:
    low, high = (*bounds, *(0.0, 1.0)[len(bounds) :])
    low, high = options.pop("from", low), options.pop("to", high)
    return _filled(noise, x, noise.uniform(x.shape) * (high - low) + low, options)


def _normal_(
    noise: Noise, _: object, x: torch.Tensor, mean: float = 0.0, std: float = 1.0, **options: Any
) -> torch.Tensor:
    return _filled(noise, x, noise.normal(x.shape) * std + mean, options)


_OURS: dict[Callable[..., Any], Callable[..., Any]] = {
    F.dropout: _dropout,
    F.dropout1d: _dropout_of_features,
    F.dropout2d: _dropout_of_features,
    F.dropout3d: _dropout_of_features,
    F.alpha_dropout: _drops(_alpha_dropped, features=False, trains=False),
    F.feature_alpha_dropout: _drops(_alpha_dropped, features=True, trains=False),
    F.rrelu: _rrelu,
    F.scaled_dot_product_attention: _attention,
    F.multi_head_attention_forward: _multi_head_attention,
    torch.lstm: _recurrent,
    torch.gru: _recurrent,
    torch.rnn_tanh: _recurrent,
    torch.rnn_relu: _recurrent,
    torch.rand_like: _drawn_like(Noise.uniform),
    torch.randn_like: _drawn_like(Noise.normal),
    torch.rand: _drawn_of_size(Noise.uniform),
    torch.randn: _drawn_of_size(Noise.normal),
    torch.randint: _randint,
    torch.bernoulli: _bernoulli,
    torch.Tensor.bernoulli: _bernoulli,
    torch.Tensor.bernoulli_: _bernoulli_,
    torch.Tensor.uniform_: _uniform_,
    torch.Tensor.normal_: _normal_,
}
"""torch's function -> (noise, that function, its arguments) -> what it returns."""
