"""At which precision networks train: float32, or less where the loss curves stay those of float32.

Parameters, gradients, optimiser and losses are float32 at each of them. Validation examples are what training examples
are; test examples are predicted in float32.

    float32   products in IEEE single precision.
    tf32      products on CUDA cut what they multiply to 10 bits of mantissa (NVIDIA's TensorFloat-32, 2020).
    bf16      as tf32; sequences are kept as bfloat16, half as large, and families of torch's own layers compute in it
              (mixed precision: Micikevicius et al. 2018, with the type of Kalamkar et al. 2019).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from hw3models.families.family import Network
from hw3models.specs import TrainSpec

TABLE = Path(__file__).with_suffix(".json")
"""Families whose loss curves TF32 leaves as they are; `make precision` measures it anew."""


@dataclass(frozen=True)
class Precision:
    """What a training does in less than float32."""

    tf32: bool = False
    """Products on CUDA."""
    computes_in_bf16: bool = False
    keeps_bf16: bool = False
    """Sequences."""

    def kept(self, dtype: torch.dtype) -> torch.dtype:
        """The type of sequences in memory, where `dtype` is that of batches."""
        return torch.bfloat16 if self.keeps_bf16 else dtype

    def __str__(self) -> str:
        products = "tf32" if self.tf32 else "float32"
        if self.computes_in_bf16:
            return "bf16"
        return f"{products}, series as bf16" if self.keeps_bf16 else products


FLOAT32 = Precision()


def pick_precision(spec: TrainSpec, family: Network, device: torch.device) -> tuple[Precision, str]:
    """The spec's own wish, else what leaves the family's loss curves as they are; and what is to be said about it.

    Never bfloat16 unasked: data may need the digits that it drops (docs/decisions/0018).
    """
    on_cuda = device.type == "cuda"
    if spec.precision == "auto":
        return Precision(tf32=on_cuda and f"{family.kind}/{family.name}" in _unchanged_by_tf32()), ""
    if spec.precision == "float32":
        return FLOAT32, ""
    if spec.precision == "tf32":
        return Precision(tf32=on_cuda), "" if on_cuda else f"there is no TF32 on {device.type}: trained in float32"
    chosen = Precision(on_cuda, family.computes_in_bf16, family.kind == "sequences")
    if not chosen.computes_in_bf16:
        kept = "series are kept as bfloat16, but the layers" if chosen.keeps_bf16 else "the layers"
        return chosen, f"{kept} compute in {'TF32' if on_cuda else 'float32'} with `--precision bf16`, too"
    if device.type == "cpu" and not cpu_has_bf16():
        return chosen, "this processor has no instructions for bfloat16: float32 is faster here"
    return chosen, ""


@lru_cache(maxsize=1)
def _unchanged_by_tf32() -> frozenset[str]:
    return frozenset(json.loads(TABLE.read_text(encoding="utf-8"))["tf32"])


def cpu_has_bf16() -> bool:
    """AVX512-BF16 or AMX; True where torch does not tell."""
    known: Mapping[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return not known or bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def products(device: torch.device, *, tf32: bool = False) -> Iterator[None]:
    """While the block lasts, products on CUDA are IEEE float32 or `tf32`, in the whole process.

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
            backend.fp32_precision = "tf32" if tf32 else "ieee"
        yield
    finally:
        for backend, old in zip(backends, before, strict=True):
            backend.fp32_precision = old
