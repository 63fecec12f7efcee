"""Which strategy trains S replicates faster: a table by device and family that `make strategies` measures anew.

Of families from outside nobody has measured any; they take what was measured for the kind of layer that holds most of
their parameters.
"""

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Literal

from torch import nn

from hw3models.families.pretrained import is_pretrained
from hw3models.specs import Kind

Strategy = Literal["stacked", "split", "vmap", "separate"]
"""All replicates as one program whose operations use all cores; a stack of replicates on each core; one program that
`torch.vmap` makes of the plain module; each replicate a program of its own, as many at a time as there are cores. On
one core, and on a GPU, the first two are the same."""
TABLE = Path(__file__).with_suffix(".json")
FEW = 512
"""Training examples below which batches are halved, to 16 at least (`batch_size`): operations have less to do then, and
what is faster is measured apart."""
_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Embedding, nn.MultiheadAttention, nn.LSTM, nn.GRU)
"""Layers that are measured alone; the others (norms, pools, activations) cost what their neighbours do."""


def section(device: str, num_train: int) -> str:
    """Name of the part of the table for a device (cpu, cuda, mps) and so many training examples."""
    return f"{device}, few examples" if num_train < FEW else device


def faster(device: str, kind: Kind, family: str, model: nn.Module | None = None, *, num_train: int = FEW) -> Strategy:
    """The measured winner on `device` (cpu, cuda, mps); stacked for what nobody has measured.

    `model` is one of a family from outside. Small models on a GPU wait for kernel launches, and a stack launches once
    for all its replicates.
    """
    if kind == "images" and is_pretrained(family):
        # Its layers are not asked whether they can be stacked, and are large enough for a GPU alone.
        return "separate"
    known = _table().get(device, {}) | _table().get(section(device, num_train), {})
    if model is not None:
        return known.get(f"layers/{dominant_layer(model)}", "stacked")
    return known.get(f"{kind}/{family}", "stacked")


def dominant_layer(model: nn.Module) -> str:
    """Name of the kind of layer that holds most parameters; `Linear` where none is known."""
    held: Counter[str] = Counter()
    inside: set[int] = set()
    for module in model.modules():
        if isinstance(module, _KINDS) and id(module) not in inside:
            inside |= {id(one) for one in module.modules()}
            kind = next(one.__name__ for one in _KINDS if isinstance(module, one))
            held[kind] += sum(parameter.numel() for parameter in module.parameters())
    return held.most_common(1)[0][0] if held else "Linear"


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Strategy]]:
    table: dict[str, dict[str, Strategy]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
