"""At which precision networks train: float32, or less where the loss curves stay those of float32.

Parameters, gradients, optimiser and losses are float32 at each of them, and so is everything that is evaluated:

    float32   products in IEEE single precision.
    tf32      products on CUDA cut what they multiply to 10 bits of mantissa (NVIDIA's TensorFloat-32, 2020).
    bf16      as tf32; sequences are kept as bfloat16, half as large, and torch's own layers compute in it
              (mixed precision: Micikevicius et al. 2018, with the type of Kalamkar et al. 2019).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from hw3models.dense import StackedDenseChain
from hw3models.families.family import Network
from hw3models.specs import TrainSpec
from hw3models.stacked_recurrent import StackedRecurrent

Precision = Literal["float32", "tf32", "bf16"]
TABLE = Path(__file__).with_suffix(".json")
"""Families whose loss curves TF32 leaves as they are; `make precision` measures it anew."""


def pick_precision(spec: TrainSpec, family: Network, device: torch.device) -> tuple[Precision, str]:
    """The spec's own wish, else what leaves the family's loss curves as they are; and what is to be said about it.

    Never bfloat16 unasked: data may need the digits that it drops (docs/decisions/0018).
    """
    if spec.precision == "auto":
        return _table().get(device.type, {}).get(f"{family.kind}/{family.name}", "float32"), ""
    if spec.precision == "tf32" and device.type != "cuda":
        return "float32", f"there is no TF32 on {device.type}: trained in float32, which loses nothing but time"
    if spec.precision == "bf16" and device.type == "cpu" and not _cpu_has_bf16():
        return "bf16", "this processor has no instructions for bfloat16: float32 is faster here"
    return spec.precision, ""


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Precision]]:
    table: dict[str, dict[str, Precision]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def _cpu_has_bf16() -> bool:
    """AVX512-BF16 or AMX; True where torch does not tell."""
    known: Mapping[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return not known or bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def products(precision: Precision, device: torch.device) -> Iterator[None]:
    """While the block lasts, products of float32 on CUDA are those of `precision`, in the whole process.

    torch's own choice is IEEE for matrices and TF32 for convolutions.
    """
    if device.type != "cuda":
        yield
        return
    libraries: Any = torch.backends
    backends = (libraries.cuda.matmul, libraries.cudnn.conv, libraries.cudnn.rnn)
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee" if precision == "float32" else "tf32"
        yield
    finally:
        for backend, old in zip(backends, before, strict=True):
            backend.fp32_precision = old


def has_only_torch_layers(program: nn.Module) -> bool:
    """Can torch compute it in bfloat16? Our own passes write into tensors of float32."""
    return not any(isinstance(module, (StackedDenseChain, StackedRecurrent)) for module in program.modules())
