"""A network that somebody else wrote as a family: what it is built with, what it is given, what it must give.

B = examples, T = time steps, C = channels, K = classes
"""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from hw3models.errors import SpecError
from hw3models.families.family import Architecture, Network
from hw3models.families.named import other_recipes
from hw3models.objectives import CLASSIFICATION, OBJECTIVES, Objective
from hw3models.objectives.reconstruction import Coder
from hw3models.printable import few
from hw3models.specs import Kind, Recipe
from hw3models.specs.origin import Origin

InputLayout = Literal["plain", "channels-first", "one-channel", "three-channels"]
"""Series (B, T, C) and images (B, H, W) as they are; series (B, C, T); images (B, 1, H, W); or (B, 3, H, W)."""
_LAYOUTS: Mapping[Kind, tuple[InputLayout, ...]] = {
    "sequences": ("plain", "channels-first"),
    "images": ("plain", "one-channel", "three-channels"),
}
RECIPES: Mapping[Kind, Recipe] = {
    "sequences": Recipe(epochs=20, min_examples=20_000, learning_rate=1e-3, weight_decay=0.05),
    "images": Recipe(epochs=10, min_examples=100_000, learning_rate=1e-3, weight_decay=0.05),
}
"""What a network is trained with that brings no recipe of its own."""


class Adapted(nn.Module):
    """A foreign network `net` behind the inputs of this project."""

    def __init__(self, net: nn.Module, layout: InputLayout, *, takes_lengths: bool) -> None:
        super().__init__()
        self.net, self.layout, self.takes_lengths = net, layout, takes_lengths

    def arranged(self, x: torch.Tensor) -> torch.Tensor:
        """Inputs of this project as the network takes them."""
        if self.layout == "channels-first":
            return x.transpose(-1, -2)
        if self.layout == "plain":
            return x
        channels = 1 if self.layout == "one-channel" else 3
        return x.unsqueeze(-3).expand(*x.shape[:-2], channels, *x.shape[-2:])

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Standardised series (..., B, T, C) or images (..., B, H, W) to outputs (..., B, K); from the last axis."""
        x = self.arranged(x)
        out: torch.Tensor = self.net(x, lengths) if lengths is not None and self.takes_lengths else self.net(x)
        return out


class AdaptedCoder(Adapted):
    """A foreign autoencoder: `net` has `encode` and `decode`, too."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Standardised images (..., B, H, W) to codes (..., B, k)."""
        code: torch.Tensor = cast("Coder", self.net).encode(self.arranged(x))
        return code

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (..., B, k) to pixels (..., B, P) in 0..1."""
        pixels: torch.Tensor = cast("Coder", self.net).decode(code)
        return pixels


def network_of(make: Callable[..., Any], name: str, kind: Kind, origin: Origin) -> Network:
    """The family of the networks that `make` builds.

    `make` may bring a `recipe`, the `layout` of its inputs, and the `task` that it is for (`classification`).

    Raises:
        SpecError: its recipe or task is none.
    """
    recipe = _recipe(make, name, kind)
    task = getattr(make, "task", CLASSIFICATION.name)
    if task not in OBJECTIVES:
        raise SpecError(f"`families`: the `task` of {name} is {task!r}; it is one of {', '.join(OBJECTIVES)}.")
    objective = OBJECTIVES[task]
    return Network(
        name=name,
        label=name,
        kind=kind,
        objective=objective,
        build=_Build(make, name, kind, objective),
        recipe=recipe,
        named=other_recipes(recipe),
        origin=origin,
    )


def _recipe(make: Callable[..., Any], name: str, kind: Kind) -> Recipe:
    own = getattr(make, "recipe", None)
    if own is None or isinstance(own, Recipe):
        return own or RECIPES[kind]
    try:
        return Recipe.model_validate(own)
    except ValueError as error:
        raise SpecError(f"`families`: the `recipe` of {name} is none: {error}") from error


class _Build:
    """Builds one replicate and looks, the first time, at what it takes and gives."""

    def __init__(self, make: Callable[..., Any], name: str, kind: Kind, objective: Objective) -> None:
        self.make, self.name, self.kind, self.objective = make, name, kind, objective
        self._layouts: dict[Architecture, InputLayout] = {}

    def __call__(self, like: Architecture) -> nn.Module:
        """A freshly initialised network that takes this project's inputs."""
        net = _made(self.make, self.name, _known(like, self.objective, self.kind))
        takes_lengths = _takes_lengths(net)
        # A lazy module has its parameters only when it has seen an example.
        is_lazy = any(isinstance(one, UninitializedParameter) for one in net.parameters())
        if is_lazy or like not in self._layouts:
            self._layouts[like] = self._find_layout(net, like, takes_lengths=takes_lengths)
        if self.objective.needs_pixels:
            return AdaptedCoder(net, self._layouts[like], takes_lengths=takes_lengths)
        return Adapted(net, self._layouts[like], takes_lengths=takes_lengths)

    def _find_layout(self, net: nn.Module, like: Architecture, *, takes_lengths: bool) -> InputLayout:
        """The first layout of inputs that the network takes; what it gives must be right."""
        wanted = getattr(self.make, "layout", None)
        layouts = _LAYOUTS[self.kind]
        if self.objective.needs_pixels and not isinstance(net, Coder):
            raise SpecError(f"`families`: {self.name} is an autoencoder, and has no `encode` and `decode`.")
        if wanted is not None and wanted not in layouts:
            known = ", ".join(layouts)
            raise SpecError(
                f"`families`: the `layout` of {self.name} is {wanted!r}; for {self.kind} it is one of {known}."
            )
        faults = []
        for layout in layouts if wanted is None else (wanted,):
            try:
                out = _tried(Adapted(net, layout, takes_lengths=takes_lengths), like)
            except (Exception, SystemExit) as error:  # whatever a foreign forward pass may raise
                faults.append(f"{layout}: {' '.join(str(error).split())[:160] or type(error).__name__}")
                continue
            if fault := self._fault(out, like):
                faults.append(f"{layout}: {fault}")
                continue
            return layout
        raise SpecError(
            f"`families`: {self.name} does not take examples of shape {like.shape}. Tried: {'; '.join(faults)}."
        )

    def _fault(self, out: object, like: Architecture) -> str:
        num = self.objective.num_outputs(like.shape, like.num_classes)
        if not isinstance(out, torch.Tensor):
            return f"it returns {type(out).__name__}, not a tensor"
        if out.shape != (_TRIED, num):
            return f"it gives {tuple(out.shape)} for {_TRIED} examples, not {(_TRIED, num)}"
        return ""


_TRIED = 2
"""Examples that a new network is tried on."""


def _tried(net: nn.Module, like: Architecture) -> object:
    was_training = net.training
    net.eval()
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            return net(torch.randn(_TRIED, *like.shape))
    finally:
        net.train(was_training)


def _made(make: Callable[..., Any], name: str, known: Mapping[str, object]) -> nn.Module:
    """Call `make` with what it asks for by name."""
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        parameters = inspect.signature(make.__call__).parameters  # type: ignore[operator]
    given = {one: known[one] for one in parameters if one in known}
    kinds = {one.kind for one in parameters.values()}
    missing = [
        one.name
        for one in parameters.values()
        if one.default is one.empty and one.name not in known and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    if missing:
        raise SpecError(
            f"`families`: {name} asks for {few(missing)}, which nobody can give it. It may ask for "
            f"{', '.join(known)}, or have defaults."
        )
    if inspect.Parameter.VAR_KEYWORD in kinds and "num_classes" not in given:
        given["num_classes"] = known["num_classes"]
    try:
        net = make(**given)
    except (Exception, SystemExit) as error:
        asked = ", ".join(f"{one}={value}" for one, value in given.items())
        text = " ".join(str(error).split())[:200]
        raise SpecError(f"`families`: {name}({asked}) failed ({type(error).__name__}: {text}).") from error
    if not isinstance(net, nn.Module):
        raise SpecError(
            f"`families`: {name} makes {type(net).__name__}, not a torch module. An estimator is named itself, not "
            "what makes it."
        )
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise SpecError(f"`families`: {name} has no parameters that could be trained.")
    return net


def _known(like: Architecture, objective: Objective, kind: Kind) -> dict[str, object]:
    """What a network may ask for, by name."""
    num = objective.num_outputs(like.shape, like.num_classes)
    rows, columns = like.shape[0], like.shape[-1]
    return {
        "shape": like.shape,
        "num_classes": num,
        "num_channels": columns if kind == "sequences" else 1,
        "num_steps": rows,
        "num_inputs": math.prod(like.shape),
        "height": rows,
        "width": columns,
        "dropout": like.dropout,
        "hidden": like.hidden,
        "latent_dim": like.latent_dim,
    }


def _takes_lengths(net: nn.Module) -> bool:
    """Whether its forward pass has a second argument called `lengths`."""
    return "lengths" in inspect.signature(net.forward).parameters
