"""Out of memory: fewer replicates at once need less of it, and are the same replicates."""

import gc
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class MemoryPlan:
    """Which seeds train as one program, and how many programs side by side."""

    groups: tuple[tuple[int, ...], ...]
    at_once: int

    def smaller(self) -> "MemoryPlan | None":
        """Groups of half the size; then one after another; None when one replicate is all there is."""
        if max(map(len, self.groups)) > 1:
            halves = (part for group in self.groups for part in (group[: len(group) // 2], group[len(group) // 2 :]))
            return MemoryPlan(tuple(half for half in halves if half), self.at_once)
        return MemoryPlan(self.groups, 1) if self.at_once > 1 else None

    def __str__(self) -> str:
        size = max(map(len, self.groups))
        together = f"{size} replicates as one program" if size > 1 else "single replicates"
        return f"{together}, {'one after another' if self.at_once == 1 else f'{self.at_once} side by side'}"


def is_out_of_memory(error: BaseException) -> bool:
    """On a CPU torch raises a `RuntimeError` like any other."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "not enough memory" in text)


def release(device: torch.device) -> None:
    """Give back what the failed try has held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
