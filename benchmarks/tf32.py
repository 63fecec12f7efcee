"""TensorFloat-32 on a processor that has none: what is learnt with it, not how fast."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

NOT_MULTIPLIED = {
    "mm": (),
    "bmm": (),
    "addmm": (0,),
    "baddbmm": (0,),
    "convolution": (2,),
    "convolution_backward": (),
}
"""Products, and which of their arguments are added only."""
KEPT = -1 << 13
"""Sign, exponent and the first 10 of float32's 23 bits of mantissa."""


class CutProducts(TorchDispatchMode):
    """While it is entered, this thread's products of float32 are those of TF32, summed up in float32.

    Numbers are cut to TF32, not rounded: tensor cores do either, and cutting is the worse.
    """

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Every operation of torch comes by here, those of a backward pass as well."""
        added = NOT_MULTIPLIED.get(func.overloadpacket.__name__.rstrip("_"))
        if added is not None:
            args = tuple(
                cut(arg) if isinstance(arg, torch.Tensor) and place not in added else arg
                for place, arg in enumerate(args)
            )
        return func(*args, **(kwargs or {}))


def cut(tensor: torch.Tensor) -> torch.Tensor:
    """To the 19 bits of TF32; what is not float32 stays as it is."""
    if tensor.dtype != torch.float32:
        return tensor
    return (tensor.view(torch.int32) & KEPT).view(torch.float32)
