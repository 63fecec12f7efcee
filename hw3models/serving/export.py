"""A model as one file that needs neither this project nor, as ONNX, torch: scaling, masks and calibration inside.

The file is compared with our own prediction before it is written.
"""

import copy
import json
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.errors import SpecError, TrainingError
from hw3models.families import family_of
from hw3models.runtime.files import atomic_path, check_writable
from hw3models.serving.predictor import NetworkMember, Predictor

SUFFIXES = (".onnx", ".pt2")
EXAMPLES = 1_000
"""Examples that both are asked about."""
TOLERANCE = 1e-4
"""Largest difference of an output: float32 rounds otherwise in another order of sums."""

Ask = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]


class Whole(nn.Module):
    """Raw examples to the outputs of `Predictor.predict`, as one module: (B, T, C) or (B, H, W), float32."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__()
        manifest = self.manifest = predictor.manifest
        members = [one for one in predictor.members if isinstance(one, NetworkMember)]
        self.networks = nn.ModuleList([_exportable(one.model) for one in members])
        self.temperatures = [one.temperature for one in members]
        self.objective = family_of(manifest).objective
        self.mean, self.std = (nn.Buffer(torch.tensor(one)) for one in (manifest.mean, manifest.std))

    def forward(self, examples: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The columns in their order; series that end early are NaN from there on."""
        inputs, lengths = examples, None
        if self.manifest.kind == "images":
            inputs = inputs / 255
        if self.manifest.unequal_lengths:
            valid = (~examples.isnan().all(dim=2)).int()
            lengths = valid.shape[1] - valid.flip(1).argmax(dim=1)
            mask = (torch.arange(valid.shape[1]) < lengths[:, None])[..., None]
            inputs = torch.where(mask, inputs, self.mean)  # which is zero, scaled
        inputs = (inputs - self.mean) / self.std
        arguments = (inputs,) if lengths is None else (inputs, lengths)
        answers = [
            self.objective.answers(network, arguments, temperature, self.manifest.target)
            for network, temperature in zip(self.networks, self.temperatures, strict=True)
        ]
        return tuple(torch.stack([one[name] for one in answers]).mean(0) for name in answers[0])


def _exportable(network: nn.Module) -> nn.Module:
    """The network, or a copy of it without what ONNX has no operator for."""
    pools = [name for name, one in network.named_modules() if isinstance(one, nn.AdaptiveMaxPool2d)]
    if not pools:
        return network
    made = copy.deepcopy(network)
    for name in pools:
        found = made.get_submodule(name)
        assert isinstance(found, nn.AdaptiveMaxPool2d)
        size = found.output_size
        made.set_submodule(name, MaxOfParts((size, size) if isinstance(size, int) or size is None else tuple(size)))
    return made


class MaxOfParts(nn.Module):
    """`nn.AdaptiveMaxPool2d` in slices: the maximum of parts as equal as can be, which overlap where they are not."""

    def __init__(self, size: tuple[int | None, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., H, W) to (..., h, w)."""
        rows, columns = (_parts(length, num) for length, num in zip(x.shape[-2:], self.size, strict=True))
        lines = [torch.stack([x[..., row, column].amax((-2, -1)) for column in columns], -1) for row in rows]
        return torch.stack(lines, -2)


def _parts(length: int, num: int | None) -> list[slice]:
    num = length if num is None else num
    return [slice(i * length // num, -(-(i + 1) * length // num)) for i in range(num)]


class Exported(NamedTuple):
    """What came of an export."""

    path: Path
    num_bytes: int
    difference: float
    """Largest difference from our own prediction."""
    milliseconds: Mapping[str, tuple[float, float]]
    """Examples at once, in words: the file's milliseconds and ours."""


def export(predictor: Predictor, output: Path) -> Exported:
    """Write the model to `output` (`.onnx` or `.pt2`), atomically, once it says what `predictor` says.

    Raises:
        SpecError: another suffix, a baseline, or the packages of the extra `export` are missing.
        TrainingError: the network cannot be exported, or says something else when it is.
    """
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise SpecError(f"`output` {output}: export to a {' or '.join(SUFFIXES)} file.")
    check_writable(output)
    manifest = predictor.manifest
    if manifest.format != "safetensors":
        raise SpecError(
            f"{manifest.family} is not a network, and only networks are exported. Serve it with `mlflow models serve`, "
            "or promote the best network with `hw3 promote --family`."
        )
    if suffix == ".onnx":
        check_installed()
    names = tuple(predictor.predict(drawn(predictor, 2)))
    whole = Whole(predictor).eval()
    facts = manifest.model_dump_json(), json.dumps(manifest.class_names)
    with atomic_path(output) as part:
        # Its own suffix, which torch asks for.
        made = part.with_name(f"{part.name}{suffix}")
        try:
            ask = (_to_onnx if suffix == ".onnx" else _to_pt2)(whole, drawn(predictor, 2), names, facts, made)
            difference = compared(predictor, ask)
            took = {text: _milliseconds(predictor, ask, num) for text, num in (("1", 1), ("64", 64))}
            size = made.stat().st_size
            made.replace(part)
        finally:
            made.unlink(missing_ok=True)
    return Exported(output, size, difference, took)


def check_installed() -> None:
    """Are the packages for ONNX here?

    Raises:
        SpecError: they are not.
    """
    from importlib.util import find_spec

    if missing := [name for name in ("onnx", "onnxruntime", "onnxscript") if find_spec(name) is None]:
        raise SpecError(f"ONNX needs {', '.join(missing)}, not installed here. Run `pip install 'hw3[export]'`.")


def drawn(predictor: Predictor, num: int) -> NDArray[np.float32]:
    """Examples like those that it was trained on, as far as its scaling says; shorter series where it takes them."""
    manifest, rng = predictor.manifest, np.random.default_rng(0)
    if manifest.kind == "images":
        return rng.integers(0, 256, (num, *manifest.shape)).astype(np.float32)
    values = rng.normal(manifest.mean, manifest.std, (num, *manifest.shape)).astype(np.float32)
    if manifest.unequal_lengths:
        lengths = rng.integers(1, manifest.shape[0] + 1, num)
        values[np.arange(manifest.shape[0]) >= lengths[:, None]] = np.nan
    return values


def compared(predictor: Predictor, ask: Ask) -> float:
    """The largest difference over `EXAMPLES` examples.

    Raises:
        TrainingError: it is too large, or the file cannot be asked about so many.
    """
    examples = drawn(predictor, EXAMPLES)
    ours = predictor.predict(examples)
    try:
        theirs = ask(examples)
    except Exception as error:  # each runtime has errors of its own
        said = " ".join(str(error).split())[:300]
        raise TrainingError(
            f"the exported {predictor.manifest.family} cannot be asked about {EXAMPLES} examples ({said}): nothing was "
            "written."
        ) from error
    difference = max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"the exported {predictor.manifest.family} differs from our own prediction by {difference:.2g}, at most "
            f"{TOLERANCE:.2g} is rounding: nothing was written."
        )
    return difference


def _to_onnx(
    whole: Whole, example: NDArray[np.float32], names: tuple[str, ...], facts: tuple[str, str], path: Path
) -> Ask:
    import onnx
    import onnxruntime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        try:
            made = torch.onnx.export(
                whole,
                (torch.from_numpy(example),),
                dynamo=True,
                input_names=["examples"],
                output_names=list(names),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
        except Exception as error:  # whatever the exporter says of a foreign network
            raise _impossible(whole, error) from error
    assert made is not None
    proto = made.model_proto
    onnx.helper.set_model_props(proto, {"hw3.model": facts[0], "class_names": facts[1]})
    onnx.save(proto, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda examples: dict(zip(names, session.run(list(names), {"examples": examples}), strict=True))


def _to_pt2(
    whole: Whole, example: NDArray[np.float32], names: tuple[str, ...], facts: tuple[str, str], path: Path
) -> Ask:
    shapes: Any = ({0: torch.export.Dim("batch")},)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own parts
        try:
            made = torch.export.export(whole, (torch.from_numpy(example),), dynamic_shapes=shapes)
        except Exception as error:  # whatever the exporter says of a foreign network
            raise _impossible(whole, error) from error
        torch.export.save(made, path, extra_files={"model.json": facts[0], "class_names.json": facts[1]})
        again = torch.export.load(path).module()

    def ask(examples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {name: one.numpy() for name, one in zip(names, again(torch.from_numpy(examples)), strict=True)}

    return ask


def _impossible(whole: Whole, error: Exception) -> TrainingError:
    said = " ".join(str(error).split())[:300]
    return TrainingError(f"{whole.manifest.family} cannot be exported ({type(error).__name__}: {said}).")


def _milliseconds(predictor: Predictor, ask: Ask, num: int) -> tuple[float, float]:
    """Medians of 30 questions each."""
    examples = drawn(predictor, num)
    return _median(ask, examples), _median(predictor.predict, examples)


def _median(ask: Ask, examples: NDArray[np.float32]) -> float:
    times = []
    for _ in range(31):
        start = time.perf_counter()
        ask(examples)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times[1:]))
