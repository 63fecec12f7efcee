"""Training steps as a CUDA graph: small models on a GPU wait for kernel launches, and a graph launches all at once."""

import warnings
from collections.abc import Callable, Sequence

import torch

Work = Callable[[torch.Tensor], None]
"""One training step over the examples of an index; its results stay in tensors that live longer than the step."""
Record = Callable[[Callable[[], None], Sequence[torch.Generator]], Callable[[], None]]
"""Makes of a function, whose tensors stay in place, one that does the same again."""

WARM_UP = 3
"""Steps that are run as they are before one is recorded: libraries choose algorithms, the optimiser makes its state."""


class GraphedSteps:
    """Runs a few steps as they are, then records one, and replays it for every index of the same shape.

    Other shapes (the last batch of an epoch) are run as they are. Where recording fails, a warning says why and
    everything is run as it is.
    """

    def __init__(self, work: Work, generators: Sequence[torch.Generator], record: Record) -> None:
        self.replays = 0
        self._work, self._generators, self._record = work, generators, record
        self._index: torch.Tensor | None = None
        self._replay: Callable[[], None] | None = None
        self._left = WARM_UP

    def __call__(self, index: torch.Tensor) -> None:
        """One step over the examples `index` (S, B)."""
        if self._index is None:
            self._index = index.clone()
        if index.shape != self._index.shape or not self._recorded():
            self._work(index)
            return
        assert self._replay is not None
        self._index.copy_(index)
        self._replay()
        self.replays += 1

    def _recorded(self) -> bool:
        if self._replay is not None:
            return True
        self._left -= 1
        if self._left != -1:
            # Still warming up, or recording has failed before.
            return False
        index = self._index
        assert index is not None
        try:
            self._replay = self._record(lambda: self._work(index), self._generators)
        except RuntimeError as error:
            warnings.warn(f"this training step cannot be a CUDA graph and runs without: {error}", stacklevel=2)
            return False
        return True


def record_cuda_graph(work: Callable[[], None], generators: Sequence[torch.Generator]) -> Callable[[], None]:
    """Capture `work` without running it. Draws from `generators` go on where they stand at every replay."""
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay
