"""Maps of examples: how much each cell speaks for what the model says (`hw3models.explaining.said`).

Occlusion (Zeiler and Fergus 2014) hides a window, that is, puts the training mean there, and asks again: any model can
be asked. Integrated gradients (Sundararajan, Taly and Yan 2017) add up gradients on the way from the training mean to
the example: networks only. Both as captum has them.

S = members, n = examples, A, B = cells of a map
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hw3models.errors import SpecError
from hw3models.explaining.said import Said
from hw3models.explaining.windows import Window
from hw3models.serving.predictor import Member, NetworkMember, Predictor

STEPS = 32
"""Gradients on the way from the mean to an example."""
AT_ONCE = 512
"""Examples that are asked about together."""
Asked = tuple[NDArray[np.float32], NDArray[np.int64] | None]
"""Examples and lengths as `Predictor.checked` gives them."""
Tell = Callable[[str], None]


def blank(predictor: Predictor) -> NDArray[np.float32]:
    """(*shape,): the training mean of each channel, which stands where something is hidden."""
    manifest = predictor.manifest
    mean = np.array(manifest.mean, np.float32) * (255 if manifest.kind == "images" else 1)
    if manifest.kind == "images" and len(manifest.shape) == 2:
        return np.full(manifest.shape, mean[0], np.float32)
    return np.broadcast_to(mean, manifest.shape).astype(np.float32)


def occlusion(predictor: Predictor, asked: Asked, said: Said, window: Window) -> NDArray[np.float32]:
    """(S, n, A, B): what log-odds, or the number, lose when the windows over a cell are hidden, on average."""
    return np.stack([_occluded(predictor, member, asked, said, window) for member in predictor.members])


def _occluded(predictor: Predictor, member: Member, asked: Asked, said: Said, window: Window) -> NDArray[np.float32]:
    from captum.attr import Occlusion

    def forward(examples: torch.Tensor, keys: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        columns = member(examples.numpy(), None if lengths is None else lengths.numpy())
        return torch.from_numpy(said.score(columns, keys.numpy()))

    keys, shape = said.keys(), predictor.manifest.shape
    every = () if len(shape) == 2 else (shape[2],)
    found = []
    for rows in _pieces(len(keys), 64):
        examples, lengths = torch.from_numpy(asked[0][rows]), None if asked[1] is None else asked[1][rows]
        more = (torch.from_numpy(keys[rows]), *(() if lengths is None else (torch.from_numpy(lengths),)))
        values = Occlusion(forward).attribute(
            examples,
            sliding_window_shapes=(min(window.height, shape[0]), min(window.width, shape[1]), *every),
            strides=(*window.stride, *every),
            baselines=torch.from_numpy(blank(predictor)[None]),
            additional_forward_args=more,
            perturbations_per_eval=max(1, AT_ONCE // len(examples)),
        )
        found.append(values.numpy() if len(shape) == 2 else values.numpy()[..., 0])
    return _without_ends(np.concatenate(found), asked[1])


def integrated_gradients(predictor: Predictor, asked: Asked, said: Said) -> NDArray[np.float32]:
    """(S, n, A, B): they add up to the log-odds (or the number) of the example less those of the mean alone.

    Raises:
        SpecError: a member is no network, or no gradient comes to its inputs.
    """
    found = []
    for member in predictor.members:
        if not isinstance(member, NetworkMember):
            raise SpecError(f"{predictor.manifest.family} is not a network, and has no gradients. Use occlusion.")
        parts = [_integrated(member, asked, said, rows) for rows in _pieces(len(said.keys()), AT_ONCE // STEPS)]
        values = np.concatenate(parts)
        colours_summed = values if values.ndim == 3 else values.sum(axis=-1)
        found.append(_without_ends(colours_summed, asked[1]))
    return np.stack(found)


def _integrated(member: NetworkMember, asked: Asked, said: Said, rows: slice) -> NDArray[np.float32]:
    from captum.attr import IntegratedGradients

    def forward(inputs: torch.Tensor, keys: torch.Tensor, *lengths: torch.Tensor) -> torch.Tensor:
        return said.output(member.model(inputs, *lengths) / member.temperature, keys)

    inputs, *lengths = member.arguments(asked[0][rows], None if asked[1] is None else asked[1][rows])
    more: tuple[Any, ...] = (torch.from_numpy(said.keys()[rows]), *lengths)
    try:
        values = IntegratedGradients(forward).attribute(
            inputs, additional_forward_args=more, n_steps=STEPS, internal_batch_size=AT_ONCE
        )
    except RuntimeError as error:
        raise SpecError(
            f"{member.manifest.family}: no gradient comes to its inputs ({str(error).splitlines()[0]}). Use occlusion."
        ) from error
    return np.asarray(values.detach().numpy(), np.float32)


def _pieces(num: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, num, size)]


def _without_ends(maps: NDArray[np.floating], lengths: NDArray[np.int64] | None) -> NDArray[np.float32]:
    """NaN after the end of a shorter series."""
    values = np.array(maps, np.float32)
    if lengths is not None:
        values[np.arange(values.shape[1]) >= lengths[:, None]] = np.nan
    return values
