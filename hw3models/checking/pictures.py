"""What only pictures in files can be asked: near copies, what their files give away, groups in their names.

N pictures, H x W pixels
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw3models.checking.contents import named
from hw3models.checking.findings import Finding
from hw3models.checking.leaks import ALONE, alone
from hw3models.data.blocks import take
from hw3models.data.raw import PictureFacts, Raw

NEAR_BITS = 6
"""Most of the 64 bits of a perceptual hash in which near copies differ; and beside that:"""
NEAR_PIXELS = 12.0
"""Root mean square difference, of 255, of the pictures at 16 x 16."""
_MOST = 20_000
"""Pictures that are compared with each other."""
_SMALL = 16
_AT_ONCE = 500


def pictures(raw: Raw, is_train: NDArray[np.bool_]) -> Iterator[Finding]:
    """All of it; nothing for images that were no files."""
    if raw.pictures is None:
        return
    yield from _forms(raw.pictures)
    yield from _near_copies(raw, raw.pictures, is_train)
    yield from _given_away(raw, raw.pictures, is_train)
    yield from _named_otherwise(raw, raw.pictures)
    if raw.groups is None:
        yield from _grouped_by_name(raw, raw.pictures)


def _forms(facts: PictureFacts) -> Iterator[Finding]:
    sizes = Counter(zip(facts.heights.tolist(), facts.widths.tolist(), strict=True))
    kinds = Counter(f"{form} {mode}" for form, mode in zip(facts.formats, facts.modes, strict=True))
    if len(sizes) == 1 and len(kinds) == 1:
        return
    told = ", ".join(f"{num:,} {kind}" for kind, num in kinds.most_common(5))
    (height, width), most = sizes.most_common(1)[0]
    yield Finding(
        severity="note",
        what=f"the files are of {len(sizes):,} sizes ({most:,} of {height} x {width}) and {len(kinds)} kinds ({told})",
        do="nothing, where classes do not differ in it; all are brought to one size and form",
    )


def _near_copies(raw: Raw, facts: PictureFacts, is_train: NDArray[np.bool_]) -> Iterator[Finding]:
    rows = np.arange(len(raw.labels))
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST, replace=False))
    pairs = rows[near_pairs(take(raw.features, rows))]
    if not len(pairs):
        return
    first, second = pairs.T
    looked = "" if len(rows) == len(raw.labels) else f" of {len(rows):,} drawn at random"
    across = pairs[is_train[first] != is_train[second]]
    if len(across):
        tests = len(np.unique(across[~is_train[across]]))
        yield Finding(
            severity="error" if tests > 0.05 * (~is_train).sum() else "warning",
            what=f"{tests:,} test pictures{looked} are nearly the same as one for training, such as "
            f"{_pair(facts, across[0])}",
            do="keep such pictures on one side: say whose they are (`--group-from`), or remove copies",
        )
    torn = pairs[raw.labels[first] != raw.labels[second]]
    if len(torn):
        labels = ", ".join(repr(raw.class_names[k]) for k in raw.labels[torn[0]])
        yield Finding(
            severity="warning",
            what=f"{len(torn):,} pairs of pictures{looked} are nearly the same and have other labels, such as "
            f"{_pair(facts, torn[0])} ({labels})",
            do="look at them: one of the labels may be wrong",
        )
    within = len(pairs) - len(across)
    if within:
        yield Finding(
            severity="note" if within < 0.05 * len(rows) else "warning",
            what=f"{within:,} pairs of pictures{looked} on one side are nearly the same, such as "
            f"{_pair(facts, pairs[is_train[first] == is_train[second]][0])}",
            do="are they of one burst, or of one person? then name groups (`--group-from`)",
        )


def _pair(facts: PictureFacts, rows: NDArray[np.int64]) -> str:
    return " and ".join(repr(facts.names[row]) for row in rows)


def near_pairs(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(n, 2) pairs of uint8 images (N, H, W) or (N, H, W, 3) that look alike, but are not the same to the pixel.

    Their perceptual hashes (`imagehash.phash`) differ in few bits, and so do the pictures themselves when made small:
    the hash alone takes plain pictures for each other.
    """
    hashes, small = _hashes(images)
    found = []
    for start in range(0, len(hashes), _AT_ONCE):
        distance = np.bitwise_count(hashes[start : start + _AT_ONCE, None] ^ hashes[None, start + 1 :])
        one, other = np.nonzero(distance <= NEAR_BITS)
        one, other = one + start, other + start + 1
        one, other = one[other > one], other[other > one]
        apart = np.sqrt(np.square(small[one] - small[other]).mean(1))
        near = apart <= NEAR_PIXELS
        found.append(np.stack([one[near], other[near]], 1))
    pairs = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    same = [np.array_equal(images[a], images[b]) for a, b in pairs]
    return np.asarray(pairs[~np.array(same, bool)], dtype=np.int64)


def _hashes(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """(N,) of 64 bits, and (N, 256) of the pictures made small."""
    import imagehash
    from PIL import Image

    hashes, small = np.zeros(len(images), np.uint64), np.zeros((len(images), _SMALL**2), np.float32)
    weights = np.uint64(1) << np.arange(64, dtype=np.uint64)
    for row, image in enumerate(images):
        grey = Image.fromarray(image).convert("L")
        hashes[row] = weights[imagehash.phash(grey).hash.ravel()].sum(dtype=np.uint64)
        small[row] = np.asarray(grey.resize((_SMALL, _SMALL), Image.Resampling.BOX), np.float32).ravel()
    return hashes, small


def _given_away(raw: Raw, facts: PictureFacts, is_train: NDArray[np.bool_]) -> Iterator[Finding]:
    """Size, length or form of the file alone tell the class: classes came from different sources."""
    labels = raw.labels[is_train]
    if np.bincount(labels, minlength=len(raw.class_names)).min() < 5:
        return
    numbers: dict[str, NDArray[Any]] = {
        "the height of the picture": facts.heights,
        "the width of the picture": facts.widths,
        "the shape of the picture (width / height)": facts.widths / facts.heights,
        "the size of the file in bytes": facts.num_bytes,
        "the format of the file": np.unique(facts.formats, return_inverse=True)[1],
        "the way colours are stored": np.unique(facts.modes, return_inverse=True)[1],
    }
    for what, values in numbers.items():
        if len(np.unique(values[is_train])) < 2:
            continue
        accuracy = alone(values[is_train].astype(np.float64), labels, len(raw.class_names))
        if accuracy >= ALONE:
            yield Finding(
                severity="warning",
                what=f"{what} alone tells the classes apart: {100 * accuracy:.0f}% balanced accuracy, cross-validated "
                f"on {len(labels):,} training pictures",
                do="classes seem to come from different cameras or sources, and a network may learn to tell those "
                "apart: bring them into one form at the source, or collect each class from all sources",
            )


def _named_otherwise(raw: Raw, facts: PictureFacts) -> Iterator[Finding]:
    """Pictures whose file is named like another class than theirs."""
    words = [set(_words(PurePosixPath(name).stem)) for name in facts.names]
    keys = [frozenset(_words(name)) for name in raw.class_names]
    long = [k for k, key in enumerate(keys) if key and all(len(word) > 2 and word.isalpha() for word in key)]
    wrong = [
        row
        for row, own in enumerate(words)
        if raw.labels[row] in long and not keys[raw.labels[row]] <= own and any(keys[k] <= own for k in long)
    ]
    right = sum(keys[label] <= own for own, label in zip(words, raw.labels, strict=True))
    if wrong and right:
        yield Finding(
            severity="warning",
            what=f"{len(wrong):,} pictures are named like another class than theirs, such as "
            f"{named([facts.names[row] for row in wrong[:3]])}",
            do="look at them: they may lie in the wrong folder",
        )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", text.lower())


_BY_NAME = (
    ("folder", "the folder within that of its class", ""),
    (r"([^/_-]+)[_-][^/]*$", "what stands before the first `_` or `-`", r"^([^_-]+)[_-]"),
    (r"([^/]*[^/\d_. -])[_. -]*\d+\.\w+$", "the name without its last number", r"^(.*[^\d_. -])[_. -]*\d+$"),
)


def _grouped_by_name(raw: Raw, facts: PictureFacts) -> Iterator[Finding]:
    """Parts of names that several pictures share, though not all of a class: people, bursts, frames of a video."""
    for option, what, pattern in _BY_NAME:
        keys = [_key(name, pattern) for name in facts.names]
        if not all(keys):
            continue
        counts = Counter(keys)
        if not max(3, len(raw.class_names) + 1) <= len(counts) <= len(keys) / 2:
            continue
        if sum(num for num in counts.values() if num > 1) < 0.8 * len(keys):
            continue
        yield Finding(
            severity="warning",
            what=f"{what} repeats over several pictures: {len(counts):,} values in {len(keys):,} pictures, such as "
            f"{named([str(key) for key, _ in counts.most_common(3)])}. Does it say whose they are?",
            do=f"if so give `--group-from '{option}'`: no group is then on two sides of a split",
        )
        return


def _key(name: str, pattern: str) -> str | None:
    path = PurePosixPath(name)
    if not pattern:
        return path.parts[-2] if len(path.parts) > 2 and not _is_part_or_class(path) else None
    found = re.search(pattern, path.stem)
    return found[1] if found else None


def _is_part_or_class(path: PurePosixPath) -> bool:
    from hw3models.data.pictures.listing import PART_OF

    return len(path.parts) == 3 and any(part.lower() in PART_OF for part in path.parts[:2])
