"""A listing becomes an array: all headers are looked at, then all pictures decoded, on all cores; kept in the cache.

What is larger than `IN_MEMORY` stays in its file, and is trained on in chunks.

N pictures, H x W pixels
"""

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import PIL
from filelock import FileLock
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from hw3models.data.blocks import blocks
from hw3models.data.pictures import decoding
from hw3models.data.pictures.decoding import Content, Header, UnreadableError
from hw3models.data.pictures.listing import Listing, class_name_faults, plain_name, quoted, raise_all
from hw3models.data.pictures.sizes import Fit, Size, parsed, usual_size
from hw3models.data.progress import tell
from hw3models.data.raw import PictureFacts, Raw, class_codes, group_codes
from hw3models.errors import DataError
from hw3models.runtime.cores import allowed
from hw3models.runtime.sums import load_arrays, save_arrays
from hw3models.specs import DataSpec

IN_MEMORY = 512 * 2**20
"""Bytes of pixels that are held in memory; more stay in their file."""
GO_ON = "Mend or remove them, or go on without them (`--skip-unreadable`)."
"""Advice about pictures that cannot be read."""
_VERSION = 3
"""Part of what is kept. Raise it when the same pictures would give other pixels."""
_TELL_EVERY = 2.0
_Result = TypeVar("_Result")


class _Decoded(NamedTuple):
    """Pixels, and what was seen on the way."""

    pixels: NDArray[np.uint8]
    kept: NDArray[np.int64]
    """Places in the listing: unreadable ones are left out."""
    facts: PictureFacts
    understood: tuple[str, ...]
    notes: tuple[str, ...]
    bits: int
    """How many are used of pictures with 16; 0 where there are none."""


def read_pictures(listing: Listing, spec: DataSpec, cache: Path) -> Raw:
    """Decode all pictures of the listing, or take them from the cache.

    Raises:
        DataError: all pictures that cannot be used are named together; or the cache cannot be written.
        SpecError: the size is none.
    """
    labels = [picture.label for picture in listing.pictures]
    raise_all(listing.where, class_name_faults(sorted(set(labels))))
    found = _decoded(listing, spec, cache)
    pictures = [listing.pictures[place] for place in found.kept]
    names, codes = class_codes([picture.label for picture in pictures])
    group_names: tuple[str, ...] = ()
    groups = None
    if all(picture.group is not None for picture in pictures):
        group_names, groups = group_codes([picture.group or "" for picture in pictures])
    test, validation, about_parts = _parts([picture.part for picture in pictures])
    return Raw(
        name=listing.name,
        kind="images",
        features=found.pixels,
        labels=codes,
        class_names=names,
        test=test,
        validation=validation,
        notes=(*found.notes, *listing.notes),
        understood=(*found.understood, *listing.understood, *about_parts),
        groups=groups,
        group_names=group_names,
        pictures=found.facts,
        found_out={"pixel_bits": found.bits} if found.bits and spec.pixel_bits is None else {},
    )


def _parts(
    parts: list[Any],
) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None, tuple[str, ...]]:
    """Test and validation as the data have them. Two parts are training and test, whatever the second is called."""
    named = np.array([part or "train" for part in parts], dtype=object)
    test, validation = named == "test", named == "validation"
    if test.any():
        return test, validation if validation.any() else None, ()
    if validation.any():
        return validation, None, ("There is no test part: the validation part is the test split.",)
    return None, None, ()


def _decoded(listing: Listing, spec: DataSpec, cache: Path) -> _Decoded:
    size = parsed(spec.image_size)
    means = (_VERSION, PIL.__version__, listing.digest, size, spec.image_fit, spec.skip_unreadable, spec.pixel_bits)
    key = hashlib.sha256(repr(means).encode()).hexdigest()[:16]
    array, rest = (cache / "pictures" / f"{key}{suffix}" for suffix in (".npy", ".npz"))
    if (kept := _kept(array, rest)) is not None:
        return kept
    try:
        array.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(array.with_suffix(".lock")):
            if (kept := _kept(array, rest)) is not None:
                return kept
            with decoding.quiet():
                _decode(listing, spec, size, array, rest)
    except OSError as error:
        raise DataError(
            f"{listing.where}: the decoded pictures cannot be written to {array.parent} ({error}). Choose another "
            "cache (HW3_CACHE)."
        ) from error
    kept = _kept(array, rest)
    assert kept is not None
    return kept


def _kept(array: Path, rest: Path) -> _Decoded | None:
    """What is in the cache; None where it is not there, or not whole."""
    if (arrays := load_arrays(rest, array)) is None:
        return None
    text, kept, numbers = json.loads(bytes(arrays["text"])), arrays["kept"], arrays["numbers"]
    pixels = np.load(array, mmap_mode="r", allow_pickle=False)
    facts = PictureFacts(
        names=tuple(text["names"]),
        heights=numbers[:, 0],
        widths=numbers[:, 1],
        num_bytes=numbers[:, 2],
        formats=tuple(text["formats"]),
        modes=tuple(text["modes"]),
    )
    in_memory = pixels if pixels.nbytes > IN_MEMORY else np.array(pixels)
    return _Decoded(in_memory, kept, facts, tuple(text["understood"]), tuple(text["notes"]), text["bits"])


def _decode(listing: Listing, spec: DataSpec, size: Size | None, array: Path, rest: Path) -> None:
    """Write the pixels, and then what belongs to them: while that is missing nothing is there."""
    faults: dict[int, str] = {}
    headers = _headers(listing, faults)
    _refuse(listing, faults, spec)
    size = size or usual_size([(one.height, one.width) for one in headers.values()])
    colour = not all(decoding.is_grey(one) for one in headers.values())
    kept, bits = np.array(sorted(headers), np.int64), spec.pixel_bits or _bits(listing, headers)
    temporary = array.with_name(f".{array.name}.part")
    try:
        _write_pixels(listing, headers, size, spec.image_fit, temporary, faults, colour=colour, bits=bits)
        _refuse(listing, faults, spec)
        whole = np.array([place not in faults for place in kept])
        _finish(temporary, array, whole, colour=colour)
    finally:
        temporary.unlink(missing_ok=True)
    kept = kept[whole]
    shape = np.load(array, mmap_mode="r").shape[1:]
    own = [headers[place] for place in kept]
    text = {
        "names": [plain_name(listing.pictures[place].name) for place in kept],
        "formats": [one.format for one in own],
        "modes": [one.mode for one in own],
        "understood": _understood(listing, own, shape, spec.image_fit, bits),
        "bits": bits if any(decoding.is_deep(one) for one in own) else 0,
        "notes": _left_out(listing, faults),
    }
    arrays: dict[str, NDArray[Any]] = {
        "text": np.frombuffer(json.dumps(text).encode(), np.uint8),
        "kept": kept,
        "numbers": np.array([(one.height, one.width, one.num_bytes) for one in own], np.int64),
    }
    save_arrays(rest, arrays, array)


def _headers(listing: Listing, faults: dict[int, str]) -> dict[int, Header]:
    found: dict[int, Header] = {}
    for place, one in enumerate(_each(decoding.header, listing.contents(), "looking at", len(listing.pictures))):
        if isinstance(one, str):
            faults[place] = one
        else:
            found[place] = one
    return found


def _bits(listing: Listing, headers: dict[int, Header]) -> int:
    """One scale for all pictures with 16 bits, by the greatest value of those for training."""
    train = [one.greatest for place, one in headers.items() if listing.pictures[place].part in (None, "train")]
    return decoding.bits_of(max(train or [one.greatest for one in headers.values()]))


def _told_bits(own: list[Header], bits: int) -> str:
    if bits == 16:
        return "with 16 bits: the upper 8 are taken"
    greatest = max(one.greatest for one in own)
    return (
        f"with 16 bits, of which {bits} are used, as the greatest value is {greatest:,}: of these the upper 8 are "
        "taken (`--pixel-bits`)"
    )


def _refuse(listing: Listing, faults: dict[int, str], spec: DataSpec) -> None:
    if len(faults) == len(listing.pictures) or (faults and not spec.skip_unreadable):
        count = f"{len(faults):,} of {len(listing.pictures):,} pictures cannot be read"
        named = [f"{quoted(listing.pictures[place].name)} {why}" for place, why in sorted(faults.items())]
        raise_all(f"{listing.where}: {count}", named, advice=GO_ON)


def _write_pixels(
    listing: Listing,
    headers: dict[int, Header],
    size: Size,
    fit: Fit,
    path: Path,
    faults: dict[int, str],
    *,
    colour: bool,
    bits: int,
) -> None:
    shape = (len(headers), *size, *((3,) if colour else ()))
    _check_room(listing, int(np.prod(shape, dtype=np.int64)), path.parent)
    out = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    wanted = (content for place, content in enumerate(listing.contents()) if place in headers)

    def one(content: Content) -> NDArray[np.uint8]:
        return decoding.pixels(content, size, fit, colour=colour, bits=bits)

    places = sorted(headers)
    for row, found in enumerate(_each(one, wanted, "decoding", len(places))):
        if isinstance(found, str):
            faults[places[row]] = found
        else:
            out[row] = found
    out.flush()


def _finish(written: Path, array: Path, whole: NDArray[np.bool_], *, colour: bool) -> None:
    """Without the pictures that turned out damaged, and grey where every pixel of every picture is."""
    pixels = np.load(written, mmap_mode="r")
    grey = colour and all(bool((rows == rows[..., :1]).all()) for _, rows in blocks(pixels))
    if whole.all() and not grey:
        written.replace(array)
        return
    shape = (int(whole.sum()), *(pixels.shape[1:3] if grey else pixels.shape[1:]))
    temporary = array.with_name(f".{array.name}.whole")
    try:
        out, row = open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape), 0
        for start, rows in blocks(pixels):
            some = rows[whole[start : start + len(rows)]]
            out[row : row + len(some)] = some[..., 0] if grey else some
            row += len(some)
        out.flush()
        temporary.replace(array)
    finally:
        temporary.unlink(missing_ok=True)


def _check_room(listing: Listing, needed: int, folder: Path) -> None:
    from shutil import disk_usage

    free = disk_usage(folder).free
    if needed > 0.95 * free:
        raise DataError(
            f"{listing.where}: its pictures need {needed / 2**30:,.1f} GiB in {folder}, where {free / 2**30:,.1f} GiB "
            "are free. Choose a smaller `--image-size`, or another cache (HW3_CACHE)."
        )


def _each(
    work: Callable[[Content], _Result], contents: Iterable[Content], what: str, num: int
) -> Iterator[_Result | str]:
    """Results in order, or why there is none; Pillow works without the interpreter's lock, so threads are enough."""
    cores = allowed()
    waiting: deque[Future[_Result]] = deque()
    begun = told = time.monotonic()
    with ThreadPoolExecutor(cores) as pool:
        done, rest = 0, iter(contents)
        while True:
            # A few ahead of what is written: contents may be of any size.
            while len(waiting) < 4 * cores and (content := next(rest, None)) is not None:
                waiting.append(pool.submit(work, content))
            if not waiting:
                return
            try:
                yield waiting.popleft().result()
            except UnreadableError as error:
                yield str(error)
            done += 1
            if time.monotonic() - told >= _TELL_EVERY:
                told = time.monotonic()
                tell(f"{what} pictures: {done:,} of {num:,} ({done / (told - begun):,.0f} a second)")


def _left_out(listing: Listing, faults: dict[int, str]) -> list[str]:
    if not faults:
        return []
    some = ", ".join(quoted(listing.pictures[place].name) for place in sorted(faults)[:3])
    are = "picture cannot be read and is" if len(faults) == 1 else "pictures cannot be read and are"
    return [f"{len(faults):,} {are} left out: {some}{' and others' if len(faults) > 3 else ''}."]


def _understood(listing: Listing, own: list[Header], shape: tuple[int, ...], fit: Fit, bits: int) -> list[str]:
    """First, in one sentence, what was found; then what was done about single pictures."""
    sizes = Counter((one.height, one.width) for one in own)
    (height, width), most = sizes.most_common(1)[0]
    if len(sizes) == 1:
        were = f"{height} x {width}"
    else:
        sides = [side for size in sizes for side in size]
        were = f"{len(sizes):,} sizes ({min(sides):,} to {max(sides):,} pixels a side, {most:,} of {height} x {width})"
    is_same = len(sizes) == 1 and (height, width) == shape[:2]
    how = {"fit": "stretched", "crop": "cut in the middle", "pad": "filled up with black"}[fit]
    became = "kept" if is_same else f"brought to {shape[0]} x {shape[1]} ({how}; `--image-size`, `--image-fit`)"
    notes = [
        f"{len(own):,} pictures of {were}, height x width, {became}, "
        f"{'in colour' if len(shape) == 3 else 'grey'}; {_told_classes(listing)}."
    ]
    counts = {
        "with several frames or pages: the first is taken": sum(one.frames > 1 for one in own),
        "with transparent parts: laid on white": sum(one.has_alpha for one in own),
        _told_bits(own, bits): sum(decoding.is_deep(one) for one in own),
        "turned upright, as the EXIF data say": sum(one.turned for one in own),
        "in CMYK, brought to red, green and blue": sum(one.mode == "CMYK" for one in own),
    }
    told = [f"{count:,} {what}" for what, count in counts.items() if count]
    return [*notes, *([f"Of the pictures: {'; '.join(told)}."] if told else [])]


def _told_classes(listing: Listing) -> str:
    classes = len({picture.label for picture in listing.pictures})
    parts = Counter(picture.part for picture in listing.pictures if picture.part)
    told = f"{classes:,} classes"
    if parts:
        told += "; " + ", ".join(f"{num:,} {part}" for part, num in parts.items())
    groups = {picture.group for picture in listing.pictures} - {None}
    return f"{told}; {f'{len(groups):,} groups' if groups else 'no groups named'}"


def decoded(
    where: str, names: Sequence[str], contents: Sequence[Content], shape: tuple[int, ...], fit: Fit, bits: int = 16
) -> NDArray[np.uint8]:
    """A few pictures as uint8 (N, *shape).

    Raises:
        DataError: all that cannot be read are named together.
    """
    out, faults = readable(names, contents, shape, fit, bits)
    raise_all(where, list(faults.values()), advice="Mend or remove them.")
    return out


def readable(
    names: Sequence[str], contents: Sequence[Content], shape: tuple[int, ...], fit: Fit, bits: int = 16
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """A few pictures as uint8 (N, *shape), and by row what is wrong with those that cannot be read."""
    size, colour = (shape[0], shape[1]), len(shape) == 3
    out = np.empty((len(names), *shape), np.uint8)
    faults = dict[int, str]()

    def one(content: Content) -> NDArray[np.uint8]:
        return decoding.pixels(content, size, fit, colour=colour, bits=bits)

    with decoding.quiet():
        for row, found in enumerate(_each(one, contents, "decoding", len(names))):
            if isinstance(found, str):
                faults[row] = f"{quoted(names[row])} {found}"
            else:
                out[row] = found
    return out, faults
