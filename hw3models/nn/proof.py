"""Proof, before it is used, that a program of S replicates computes what they compute alone.

Outputs, gradients and running statistics are compared on a few random examples, in training and in evaluation mode.
What a module draws from torch's global generators is found out first: replicates that share a generator would depend
on who trains beside them.

S = replicates, B = examples
"""

import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from hw3models.nn.program import Program
from hw3models.nn.rng import Layout, ReplicateRng

if TYPE_CHECKING:
    from collections.abc import Iterator

NUM_EXAMPLES = 4
SEEDS = (0, 1)
_STEPS = 3
"""Training passes in a row: what a module remembers may matter from the second on."""
_TRIES = 3
"""Another thread may draw from the global generator meanwhile: what moves it moves it each time."""

_CPU = torch.device("cpu")
_Passes = tuple[list[tuple[int, ...]], dict[str, torch.Tensor]]
"""See `_passes`."""
Build = Callable[[int], nn.Module]
"""A seed to a freshly built module on the CPU; torch's global generator stays as it was."""


class UnfitModuleError(TypeError):
    """The module cannot be trained in replicates at all; the message says which layer and why."""


@dataclass(frozen=True)
class Shape:
    """What the module is given, and what it must give."""

    example: tuple[int, ...]
    """Shape of one example: (T, C) or (H, W)."""
    has_lengths: bool = False
    """A second argument, int64 (B,), says how long each series is."""


@dataclass(frozen=True)
class Proof:
    """How replicates of a module may run."""

    layout: Layout
    """`stacked` or `vmap`; `plain`: each alone."""
    foreign_noise: bool = False
    """It calls torch's random functions, which draw from the replicate's own generator in `OwnNoise`."""
    reasons: tuple[str, ...] = ()
    """Why not the layouts that were tried before."""


def prove(build: Build, shape: Shape, layouts: Sequence[Literal["stacked", "vmap"]] = ("stacked", "vmap")) -> Proof:
    """The first of `layouts` in which replicates compute what they compute alone; `plain` where there is none.

    Raises:
        UnfitModuleError: it draws from a generator that replicates would share, or is not the same twice.
    """
    foreign_noise = check_alone(build(SEEDS[0]), shape)
    _check_reproducible(build, shape, foreign_noise)
    reasons: list[str] = []
    for layout in layouts:
        reason = _difference(build, shape, layout, foreign_noise)
        if reason is None:
            return Proof(layout, foreign_noise, tuple(reasons))
        reasons.append(f"{layout}: {reason}")
    return Proof("plain", foreign_noise, tuple(reasons))


def check_alone(model: nn.Module, shape: Shape) -> bool:
    """Does it call torch's random functions in its forward pass?

    Raises:
        UnfitModuleError: it draws what `OwnNoise` cannot give it from the replicate's generator, draws in evaluation
            mode, gives another answer the second time, or fails.
    """
    try:
        return _looked_at(model, shape)
    except (UnfitModuleError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if "allocate memory" in str(error):
            raise
        raise UnfitModuleError(f"{type(model).__name__} fails: {_short(str(error)) or type(error).__name__}") from error


def _looked_at(model: nn.Module, shape: Shape) -> bool:
    inputs = example_inputs(shape, 1)
    program = Program([model], "plain", ReplicateRng(SEEDS[:1], _CPU))
    draws = _draws(program, inputs)
    if draws:
        program = Program([model], "plain", ReplicateRng(SEEDS[:1], _CPU), foreign_noise=True)
        if left := _draws(program, inputs):
            raise UnfitModuleError(
                f"{type(model).__name__} draws from {left} in its forward pass{_which(program, inputs)}. Replicates "
                "would share it. Use torch's dropout layers, or draw with torch.rand, rand_like or bernoulli_."
            )
    if _draws(Program([model], "plain"), inputs, train=False):
        raise UnfitModuleError(f"{type(model).__name__} draws random numbers in evaluation mode.")
    with torch.no_grad():
        first, second = program(*inputs), program(*inputs)
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise UnfitModuleError(f"{type(model).__name__} gives another answer the second time, in evaluation mode.")
    return bool(draws)


def _check_reproducible(build: Build, shape: Shape, foreign_noise: bool) -> None:
    """A seed must give the same network twice, and the same training passes.

    Raises:
        UnfitModuleError: it does not.
    """
    results = []
    for _ in range(2):
        model = build(SEEDS[0])
        begin = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        rng = ReplicateRng(SEEDS[:1], _CPU)
        program = Program([model.train()], "plain", rng, foreign_noise=foreign_noise)
        with torch.no_grad():
            results.append((begin, program(*example_inputs(shape, 1))))
    (begin, out), (again, out_again) = results
    name = type(model).__name__
    if any(not torch.equal(tensor.nan_to_num(), again[key].nan_to_num()) for key, tensor in begin.items()):
        raise UnfitModuleError(f"{name} begins with other weights each time: they do not come from torch's generator.")
    if not torch.equal(out.nan_to_num(), out_again.nan_to_num()):
        raise UnfitModuleError(f"{name} draws from a generator of its own, which replicates would share.")


class _NoValues(TorchFunctionMode):
    """While it is on, a module that decides by values fails: in a stack they are those of all replicates."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Let everything pass that reads no number."""
        if func in _READING:
            raise TypeError("it decides by the values of its examples")
        return func(*args, **(kwargs or {}))


_READING = {
    *(torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.__bool__, torch.Tensor.__float__, torch.Tensor.__int__),
    torch.Tensor.__index__,
}


def example_inputs(shape: Shape, num: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    """(S, B, ...) standard normal examples, and lengths (S, B) where the module takes them."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(num, NUM_EXAMPLES, *shape.example, generator=generator).to(dtype)
    if not shape.has_lengths:
        return (x,)
    steps = shape.example[0]
    lengths = torch.tensor([max(1, steps - row * steps // (2 * NUM_EXAMPLES)) for row in range(NUM_EXAMPLES)])
    valid = torch.arange(steps) < lengths[:, None]
    return x * valid.to(dtype)[None, :, :, None], lengths.expand(num, -1).contiguous()


def _draws(program: Program, inputs: Sequence[torch.Tensor], *, train: bool = True) -> str:
    """Which generators, shared by the whole process, a forward pass moves; empty for none."""
    found = ""
    for _ in range(_TRIES):
        program.module.train(train)
        before = _generators()
        with _kept_buffers(program.module), torch.no_grad():
            for _again in range(_STEPS):
                program(*inputs)
        moved = [name for name, state in _generators().items() if state != before[name]]
        if not moved:
            return ""
        found = " and ".join(moved)
    return found


def _generators() -> dict[str, object]:
    numpys: Any = np.random.get_state()  # the old global one is what is looked for
    return {
        "torch's global generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's global generator": (numpys[1].tobytes(), numpys[2]),
        "Python's global generator": random.getstate(),
    }


def _which(program: Program, inputs: Sequence[torch.Tensor]) -> str:
    """Name the layers in which torch's global generator moves."""
    found: dict[str, str] = {}
    before: dict[str, bytes] = {}

    def enter(name: str) -> Callable[..., None]:
        return lambda *_: before.update({name: torch.get_rng_state().numpy().tobytes()})

    def leave(name: str, kind: str) -> Callable[..., None]:
        def look(*_: object) -> None:
            if torch.get_rng_state().numpy().tobytes() != before[name]:
                found[name] = kind

        return look

    hooks = []
    for name, layer in program.module.named_modules():
        hooks.append(layer.register_forward_pre_hook(enter(name)))
        hooks.append(layer.register_forward_hook(leave(name, type(layer).__name__)))
    try:
        program.module.train()
        with _kept_buffers(program.module), torch.no_grad():
            program(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    # A layer's own draws, not those of what it is made of.
    own = [
        f"{name} ({kind})" for name, kind in found.items() if name and not any(o.startswith(f"{name}.") for o in found)
    ]
    return f", in {', '.join(own)}" if own else ""


@contextmanager
def _kept_buffers(module: nn.Module) -> "Iterator[None]":
    """Running statistics are afterwards what they were."""
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in module.named_buffers():
            buffer.copy_(before[name])


def _difference(build: Build, shape: Shape, layout: Layout, foreign_noise: bool) -> str | None:
    """Why the layout does not compute what the plain modules do; None where it does."""
    dtype, tolerance, alone = _alone(build, shape, foreign_noise)
    models, inputs = [build(seed).to(dtype) for seed in SEEDS], example_inputs(shape, len(SEEDS), dtype)
    try:
        with _heard_warnings() as heard:
            program = Program(models, layout, ReplicateRng(SEEDS, _CPU), foreign_noise=foreign_noise)
            with _NoValues() if layout == "stacked" else nullcontext():
                found = _passes(program, inputs)
    except Exception as error:  # whatever a foreign module may raise on inputs of another shape
        if "allocate memory" in str(error):
            raise
        return _short(str(error)) or type(error).__name__
    if slow := next((text for text in heard if _FALLBACK in text), None):
        return _short(slow)
    for row, (shapes, own) in enumerate(alone):
        if shapes != found[0]:
            return "it draws numbers of other shapes"
        for name, expected in own.items():
            if name not in found[1] or found[1][name][row : row + 1].shape != expected.shape:
                return f"{name} is missing or has another shape"
            if not expected.numel():
                continue
            apart = (found[1][name][row] - expected[0]).abs().max().item()
            if not apart <= tolerance * (1 + expected.abs().max().item()):
                return f"{name} is off by {apart:.2g}"
    return None


def _alone(build: Build, shape: Shape, foreign_noise: bool) -> tuple[torch.dtype, float, list[_Passes]]:
    """What each replicate computes by itself, in what type, and what rounding may make of it there.

    In float64, where rounding is far below any real difference; in float32 for modules that insist on it.
    """
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-3)):
        inputs = [one.split(1) for one in example_inputs(shape, len(SEEDS), dtype)]
        models = [build(seed).to(dtype) for seed in SEEDS]
        try:
            rngs = [ReplicateRng([seed], _CPU) for seed in SEEDS]
            programs = [
                Program([m], "plain", r, foreign_noise=foreign_noise) for m, r in zip(models, rngs, strict=True)
            ]
            return dtype, tolerance, [_passes(one, own) for one, *own in zip(programs, *inputs, strict=True)]
        except Exception as error:
            fault = error
    name = type(build(SEEDS[0])).__name__
    raise UnfitModuleError(f"{name} fails in training: {_short(str(fault))}") from fault


_FALLBACK = "not yet implemented the batching rule"
"""What torch warns of where vmap runs replicates one by one, slower than alone."""


@contextmanager
def _heard_warnings() -> "Iterator[list[str]]":
    """Collect the texts of warnings. Filters are the whole process's: those of other threads are passed on."""
    heard: list[str] = []
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        yield heard
    for one in recorded:
        heard.append(str(one.message))
        if "torch" not in one.filename and not str(one.message).startswith("There is a performance drop"):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _short(text: str) -> str:
    return " ".join(text.split())[:200]


def _passes(program: Program, inputs: Sequence[torch.Tensor]) -> _Passes:
    """Shapes of what a replicate draws; outputs in both modes, gradients and buffers after the passes, (S, ...)."""
    results: dict[str, torch.Tensor] = {}
    if program.noise is not None:
        program.noise.often, program.noise.shapes = True, []
    program.module.train()
    for number in range(_STEPS):
        # Larger and larger, and once an odd number of examples: a module may treat them otherwise.
        given = [one[:, : NUM_EXAMPLES - number % 2] for one in inputs]
        out = program((1 + number) * given[0], *given[1:])
        # A weighted sum: the plain one has no gradient behind a softmax.
        weights = torch.randn(out.shape[1:], generator=torch.Generator().manual_seed(number)).to(out.dtype)
        if out.requires_grad:
            (out * weights).sum().backward()
        results["the output in training" + f", pass {number + 1}" * (number > 0)] = out.detach()
    alone = program.layout == "plain"
    for name, parameter in program.module.named_parameters():
        if parameter.grad is not None:
            grad = parameter.grad.detach()
            results[f"the gradient of {name}"] = grad.unsqueeze(0) if alone else grad
    for name, buffer in program.module.named_buffers():
        if buffer.is_floating_point():
            results[f"the buffer {name}"] = (buffer.unsqueeze(0) if alone else buffer).clone()
    program.module.eval()
    with torch.no_grad():
        results["the output in evaluation"] = program(*inputs)
    return [] if program.noise is None else program.noise.shapes, results
