"""What lies beside pictures and is neither a class nor an example: masks, boxes, folders that only hold pictures."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from hw3models.data.pictures.listing import PART_OF, quoted
from hw3models.errors import DataError
from hw3models.printable import few

_HELD = (
    "image images img imgs picture pictures photo photos jpegimages jpg jpgs jpeg png pngs data dataset raw input "
    "inputs mask masks label labels annotation annotations annot annots segmentation segmentations "
    "segmentationclass segmentationobject gt gts groundtruth ground truth target targets output outputs imagesets"
)
_HOLDERS = frozenset(_HELD.split(" "))
"""Words of which names of folders are made that say what is in them, not of which class it is."""
_MASK = re.compile(r"^(.+?)[_\-. ](mask|masks|seg|segm|segmentation|segmentations|gt|groundtruth)([_\-. ]?\d+)?$", re.I)
_MASKED = "mask masks seg segm segmentation segmentations segmented gt groundtruth ground_truth"
_MASK_FOLDERS = frozenset(_MASKED.split(" "))
_VERSION = re.compile(
    r"(cv|k?fold|split)[_\-. ]?\d+|\d+x\d+|(colou?r|gr[ae]y|gr[ae]yscale|rgb|bw|segmented|raw|original|resized|cropped|"
    r"augmented|aug|normali[sz]ed|enhanced)([_\-. ]?(images|imgs|data))?",
    re.I,
)
_YOLO = re.compile(r"\s*(\d+(\s+[\d.eE+-]+){4,}\s*)+")
_COCO = re.compile(r"(instances|person_keypoints|captions|panoptic)_.*\.json|.*coco\.json", re.I)


def is_no_class(name: str) -> bool:
    """Is a folder called like what it holds, or like a part (`images`, `masks`, `train_images`)?"""
    words = [word for word in re.split(r"[_\-. ]+", name.strip().lower()) if word]
    return any(word in _HOLDERS for word in words) and all(
        word in _HOLDERS or word in PART_OF or word.isdecimal() for word in words
    )


def refuse_no_classes(where: Path, names: Collection[str]) -> None:
    """Refuse folders as classes where each is called like what it holds.

    Raises:
        DataError: they are.
    """
    if names and all(map(is_no_class, names)):
        are = "are not called like classes" if len(names) > 1 else "is not called like a class"
        raise DataError(
            f"{where}: {', '.join(map(quoted, sorted(names)[:4]))} {are}. Put the pictures of a class into a folder of "
            "its name, or give a table of paths and labels (a CSV with `path` and `label`)."
        )


def versions_among(ways: Sequence[tuple[str, ...]]) -> str:
    """What to ask where the outermost folders are folds, or versions of the same pictures; empty where they are not."""
    inner: dict[str, set[str]] = defaultdict(set)
    for way in ways:
        inner[way[0]].update(way[1:2] if len(way) > 2 else ())
    if len(inner) < 2 or not all(_VERSION.fullmatch(name.strip()) for name in inner):
        return ""
    shared = set.intersection(*inner.values())
    if len(shared) < 2:
        return ""
    return (
        f"are {', '.join(map(quoted, sorted(inner)[:3]))} classes? They are called like folds or versions of one set, "
        f"and each holds the folders {few(map(quoted, sorted(shared)), 3)}. Give one of them ({sorted(inner)[0]}), or "
        "say `--file-pattern '*/{label}/*'` for all together"
    )


def masks_among(ways: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Pictures called like another one beside them and `_mask` or the like, or in a folder of masks beside its own."""
    ways = list(ways)
    marked = [(way, match[1]) for way in ways if (match := _MASK.match(PurePosixPath(way[-1]).stem))]
    within = [way for way in ways if len(way) > 2 and way[-2].lower() in _MASK_FOLDERS]
    if not marked and not within:
        return set()
    stems = {(*way[:-1], PurePosixPath(way[-1]).stem) for way in ways}
    masks = {way for way, stem in marked if (*way[:-1], stem) in stems}
    beside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for way in ways:
        if len(way) > 2 and way[-2].lower() not in _MASK_FOLDERS:
            beside[way[:-2]].add(way[-2])
    for way in within:
        stem = PurePosixPath(way[-1]).stem
        own = {stem, match[1] if (match := _MASK.match(stem)) else stem}
        if any((*way[:-2], folder, one) in stems for folder in beside[way[:-2]] for one in own):
            masks.add(way)
    return masks


def boxes_of(root: Path, folders: Collection[tuple[str, ...]], others: Iterable[tuple[str, ...]]) -> str | None:
    """How boxes around objects are written beside the pictures; None where there are none."""
    holders = {folder[-1].lower() for folder in folders}
    for way in others:
        name, above = way[-1].lower(), way[-2].lower() if len(way) > 1 else ""
        if above == "annotations" and name.endswith(".xml"):
            return f"boxes in {'/'.join(way[:-1])!r}, as Pascal VOC writes them"
        if _COCO.fullmatch(name):
            return f"boxes in {'/'.join(way)!r}, as COCO writes them"
        if "images" in holders and "labels" in way[:-1] and name.endswith(".txt") and _is_yolo(root.joinpath(*way)):
            return f"boxes in {'/'.join(way[:-1])!r}, as YOLO writes them"
    return None


def boxes_beside(root: Path, pictures: Collection[tuple[str, ...]], others: Iterable[tuple[str, ...]]) -> str | None:
    """Boxes in a file for each picture that is called like it, or in one file for all; None where there are none."""
    stems = {PurePosixPath(way[-1]).stem for way in pictures}
    for way in others:
        name, path = PurePosixPath(way[-1]), root.joinpath(*way)
        suffix, is_beside = name.suffix.lower(), name.stem in stems
        if is_beside and suffix == ".xml":
            return f"boxes in files such as {'/'.join(way)!r}, as Pascal VOC writes them"
        if is_beside and suffix == ".txt" and _is_yolo(path):
            return f"boxes in files such as {'/'.join(way)!r}, as YOLO writes them"
        if suffix == ".json" and (key := _key_of_boxes(path)):
            return f"boxes in {'/'.join(way)!r} (its {key!r})"
    return None


def _is_yolo(path: Path) -> bool:
    """Is each line a number and four or more?"""
    return bool(_YOLO.fullmatch(_begin(path, 4096).rpartition("\n")[0] or _begin(path, 4096)))


def _key_of_boxes(path: Path) -> str | None:
    text = _begin(path, 2**21)
    return next((key for key in ("bbox", "shapes", "segmentation") if f'"{key}"' in text), None)


def _begin(path: Path, most: int) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(most)
    except OSError:
        return ""
