"""Random numbers that belong to a replicate: what seed s draws never depends on who trains beside it."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch

Purpose = Literal["initialisation", "order", "noise"]
_PURPOSES: dict[Purpose, int] = {"initialisation": 0, "order": 1, "noise": 2}


def derived_seed(seed: int, purpose: Purpose) -> int:
    """A seed of its own for each use of `seed` (numpy's SeedSequence), so that streams never overlap."""
    return int(np.random.SeedSequence([seed, _PURPOSES[purpose]]).generate_state(1)[0])


_global = threading.RLock()


@contextmanager
def global_generator(seed: int) -> Iterator[None]:
    """torch's global CPU generator starts at `seed` in the block, and is afterwards as it was before.

    Modules draw their first weights from it. One thread has it at a time: a model that is logged while networks are
    initialised would change what they draw.
    """
    with _global, torch.random.fork_rng(devices=[]):
        # Not `torch.manual_seed`: that would also seed the generators of every GPU, which the fork does not restore.
        torch.default_generator.manual_seed(seed)
        yield


class ReplicateRng:
    """One generator per replicate; every draw has a leading replicate axis S.

    The order of examples is drawn on the CPU, so it is the same on every device. Noise (dropout,
    augmentation) is drawn where the tensors are.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.device = device
        self._order = [torch.Generator().manual_seed(derived_seed(s, "order")) for s in seeds]
        self._noise = [torch.Generator(device).manual_seed(derived_seed(s, "noise")) for s in seeds]

    def states(self) -> dict[str, torch.Tensor]:
        """Where every generator stands, as bytes."""
        named = {"order": self._order, "noise": self._noise}
        return {f"{kind}.{row}": g.get_state() for kind, each in named.items() for row, g in enumerate(each)}

    def restore(self, states: Mapping[str, torch.Tensor]) -> None:
        """Go on from where `states` was taken."""
        named = {"order": self._order, "noise": self._noise}
        for kind, each in named.items():
            for row, generator in enumerate(each):
                generator.set_state(states[f"{kind}.{row}"])

    @property
    def noise(self) -> list[torch.Generator]:
        """The generators on the device, one per replicate."""
        return self._noise

    def __len__(self) -> int:
        return len(self._order)

    def permutations(self, n: int) -> torch.Tensor:
        """Int64 (S, n): the order in which each replicate sees n examples in the next epoch."""
        return torch.stack([torch.randperm(n, generator=g) for g in self._order]).to(self.device)

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """(S, *shape) in [0, 1)."""
        return torch.stack([torch.rand(shape, generator=g, device=self.device, dtype=dtype) for g in self._noise])

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """(S, *shape), standard normal."""
        return torch.stack([torch.randn(shape, generator=g, device=self.device, dtype=dtype) for g in self._noise])

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        """Int64 (S, *shape), low <= draw < high."""
        return torch.stack([torch.randint(low, high, shape, generator=g, device=self.device) for g in self._noise])


Layout = Literal["plain", "stacked", "vmap"]
"""How the layers of a program see its replicates: one alone, (B, ...); S of them, (S, B, ...); or (B, ...) again, with
S of them behind `torch.vmap`."""


class Noise:
    """Random numbers for the layers of a program, each replicate's from its own generator, in the program's layout."""

    def __init__(self, rng: ReplicateRng, layout: Layout) -> None:
        self.rng, self.layout = rng, layout
        self.row: torch.Tensor | None = None
        """Which replicate is computed, int64 (), while `torch.vmap` runs."""
        self.shapes: list[tuple[int, ...]] = []
        """Shape of each draw of a replicate, while `often` is set."""
        self.often = False
        """Drop with probability 1/2, whatever is asked for: what happens rarely must be seen in a proof."""

    def uniform(self, shape: Sequence[int]) -> torch.Tensor:
        """Float32 of `shape`, in [0, 1)."""
        return self._seen(self.rng.uniform, shape)

    def normal(self, shape: Sequence[int]) -> torch.Tensor:
        """Float32 of `shape`, standard normal."""
        return self._seen(self.rng.normal, shape)

    def keep(self, shape: Sequence[int], p: float, like: torch.Tensor) -> torch.Tensor:
        """0 with probability `p`, else 1, in the type of `like`."""
        kept: torch.Tensor = self.uniform(shape) >= self.chance(p)
        return kept.to(like.dtype)

    def chance(self, p: Any) -> Any:
        """The probability to draw with."""
        return 0.5 if self.often else p

    def _seen(self, draw: Callable[..., torch.Tensor], shape: Sequence[int]) -> torch.Tensor:
        if self.often:
            self.shapes.append(tuple(shape[1:] if self.layout == "stacked" else shape))
        if self.layout == "plain":
            return draw(*shape)[0]
        if self.layout == "stacked":
            if not len(shape) or shape[0] != len(self.rng):
                raise TypeError(f"a draw of shape {tuple(shape)} has no axis of {len(self.rng)} replicates in front")
            return draw(*shape[1:])
        assert self.row is not None, "a program behind vmap says which replicate is computed"
        return draw(*shape).index_select(0, self.row.unsqueeze(0)).squeeze(0)
