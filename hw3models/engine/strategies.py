"""Which strategy trains S replicates faster, per device and family: a table that `make strategies` measures anew."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal

from hw3models.specs import Kind

Strategy = Literal["stacked", "split", "vmap", "separate"]
"""All replicates as one program whose operations use all cores; a stack of replicates on each core; one program that
`torch.func.vmap` makes of the plain module; each replicate a program of its own, as many at a time as there are cores.
On one core, and on a GPU, the first two are the same."""
TABLE = Path(__file__).with_suffix(".json")


def faster(device: str, kind: Kind, family: str) -> Strategy:
    """The measured winner on `device` (cpu, cuda, mps); stacked for what nobody has measured.

    Small models on a GPU wait for kernel launches, and a stack launches once for all its replicates.
    """
    return _table().get(device, {}).get(f"{kind}/{family}", "stacked")


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Strategy]]:
    table: dict[str, dict[str, Strategy]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
