"""Pictures and labels of each part, read from files of one set, as one set with a split."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.pictures.listing import Part
from hw3models.data.raw import Raw, class_codes
from hw3models.data.source import Block, Wanted

Sides = dict[Part, tuple[NDArray[np.uint8], list[str]]]
"""Pixels (N, H, W) or (N, H, W, 3), and the label of each picture."""


def raw_of_sides(name: str, where: str, sides: Sides, understood: Sequence[str] = ()) -> Raw:
    """The parts together; two are training and test, whatever the second is called.

    Raises:
        DataError: they do not fit together.
    """
    faults = [
        f"the {part} part has {len(pixels):,} pictures, but {len(labels):,} labels; one each is needed"
        for part, (pixels, labels) in sides.items()
        if len(pixels) != len(labels)
    ]
    if len(shapes := {pixels.shape[1:] for pixels, _ in sides.values()}) > 1:
        faults.append(f"the parts have pictures of several sizes ({', '.join(map(str, sorted(shapes)))}); write one")
    if "train" not in sides:
        faults.append(f"there is no part for training, but {', '.join(sides) or 'nothing'}")
    raise_faults(where, faults)
    names, codes = class_codes([label for _, labels in sides.values() for label in labels])
    side = np.array([part for part, (_, labels) in sides.items() for _ in labels])
    test = side == ("test" if "test" in sides else "validation")
    both = {"test", "validation"} <= set(sides)
    return Raw(
        name=name,
        kind="images",
        features=np.ascontiguousarray(np.concatenate([pixels for pixels, _ in sides.values()])),
        labels=codes,
        class_names=names,
        test=test if test.any() else None,
        validation=side == "validation" if both else None,
        understood=tuple(understood),
    )


def blocks_of(path: Path, arrays: Sequence[NDArray[Any]], wanted: Wanted) -> Iterator[Block]:
    """The same pictures without labels, some at a time."""
    from hw3models.data.readers.unlabelled import array_blocks

    yield from array_blocks(path, (one[at : at + 1024] for one in arrays for at in range(0, len(one), 1024)), wanted)
