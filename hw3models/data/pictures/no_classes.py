"""What lies beside pictures and is neither a class nor an example: masks, boxes, folders that only hold pictures."""

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from hw3models.data.pictures.listing import PART_OF

_HELD = (
    "image images img imgs picture pictures photo photos jpegimages jpg jpgs jpeg png pngs data dataset raw input "
    "inputs mask masks label labels annotation annotations annot annots segmentation segmentations "
    "segmentationclass segmentationobject gt gts groundtruth ground truth target targets output outputs imagesets"
)
_HOLDERS = frozenset(_HELD.split(" "))
"""Words of which names of folders are made that say what is in them, not of which class it is."""
_MASK = re.compile(r"^(.+?)[_\-. ](mask|masks|seg|segm|segmentation|segmentations|gt|groundtruth)([_\-. ]?\d+)?$", re.I)
_COCO = re.compile(r"(instances|person_keypoints|captions|panoptic)_.*\.json|.*coco\.json", re.I)


def is_no_class(name: str) -> bool:
    """Is a folder called like what it holds, or like a part (`images`, `masks`, `train_images`)?"""
    words = [word for word in re.split(r"[_\-. ]+", name.strip().lower()) if word]
    return any(word in _HOLDERS for word in words) and all(
        word in _HOLDERS or word in PART_OF or word.isdecimal() for word in words
    )


def masks_among(ways: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Pictures called like another one beside them and `_mask` or the like."""
    ways = list(ways)
    marked = [(way, match) for way in ways if (match := _MASK.match(PurePosixPath(way[-1]).stem))]
    if not marked:
        return set()
    stems = {(*way[:-1], PurePosixPath(way[-1]).stem) for way in ways}
    return {way for way, match in marked if (*way[:-1], match[1]) in stems}


def boxes_of(folders: Collection[tuple[str, ...]], others: Iterable[tuple[str, ...]]) -> str | None:
    """How boxes around objects are written beside the pictures; None where there are none."""
    holders = {folder[-1].lower() for folder in folders}
    for way in others:
        name, above = way[-1].lower(), way[-2].lower() if len(way) > 1 else ""
        if above == "annotations" and name.endswith(".xml"):
            return f"boxes in {'/'.join(way[:-1])!r}, as Pascal VOC writes them"
        if _COCO.fullmatch(name):
            return f"boxes in {'/'.join(way)!r}, as COCO writes them"
        if "images" in holders and "labels" in way[:-1] and name.endswith(".txt"):
            return f"boxes in {'/'.join(way[:-1])!r}, as YOLO writes them"
    return None
