"""Images as arrays in one file: `.npz` and HDF5, in the forms that people keep them in.

| names | |
|---|---|
| `X`, `y`, and `X_test`, `y_test` | as for series (`npz_files`), with X of four axes, or uint8 or bool (N, H, W) |
| `images`, `labels` | the same, and (N, H, W) of any numbers, and rows of pixels |
| `train_images`, `train_labels`, `val_images` ..., `test_labels` | MedMNIST's, with a validation part |
| `x_train`, `y_train`, `x_test`, `y_test` | Keras' |
| `X` (H, W, C, N), `y` | the pictures last, as in SVHN's `.mat` and others of MATLAB |
| `train/data`, `train/target`, `test/data` ... | HDF5 groups, such as USPS; images may be rows of pixels in 0..1 |

Pixels may be whole numbers in 0..255, fractions in 0..1, 16 bits or bool; channels may come first, as in torch.

N images, H x W pixels, C channels: 1, 3 or 4
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.pictures.listing import PART_OF, Part
from hw3models.data.raw import MAX_BYTES, Raw, class_codes, group_codes, group_texts, label_texts
from hw3models.data.readers.named_arrays import flat_labels, is_elsewhere, opened_arrays
from hw3models.data.readers.npz_files import Entry, entry_of, members
from hw3models.data.source import Block, Source, Wanted, file_source, files_of, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec, SourceReport, Task

_IMAGES = ("images", "image", "x", "data", "imgs")
_ONLY_IMAGES = ("images", "image", "imgs")
"""Names that no series have: what bears them is taken for images whatever its numbers are."""
_LABELS = ("labels", "label", "y", "target", "targets")
_HDF5 = (".h5", ".hdf5", ".hdf")
_MAT = ".mat"
_SMALLEST = 8
"""Pixels of a side, from which on uint8 (N, H, W) are images; smaller are series of whole numbers."""
_COLOURS = (1, 3, 4)


Entries = dict[str, Entry]


class _Part(NamedTuple):
    """The names of what belongs together."""

    part: Part
    images: str
    labels: str | None
    groups: str | None


@contextmanager
def _opened(path: Path, *, any_name: bool = False) -> Iterator[Entries]:
    """What stands in the file; with `any_name` one of those that have one name.

    Raises:
        DataError: no such file, or not whole, or two arrays have one name.
    """
    try:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                named = [(info.filename.removesuffix(".npy"), info) for info in archive.infolist()]
                found = dict(named) if any_name else members(path, archive)
                yield {name: entry_of(archive, info) for name, info in found.items()}
        elif path.suffix.lower() == _MAT:
            with opened_arrays(path) as arrays:
                yield {name: Entry(one.shape, one.dtype, one.read) for name, one in arrays.items()}
        else:
            import h5py

            with h5py.File(path) as file:
                yield _hdf5_entries(file)
    except (OSError, ValueError, EOFError, RuntimeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole `{path.suffix}` file ({str(error).rstrip('.')}). Write it again."
        ) from error


def _hdf5_entries(file: Any) -> Entries:
    import h5py

    found: Entries = {}

    def see(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            size = math.prod(item.shape) * item.dtype.itemsize
            is_text = h5py.check_string_dtype(item.dtype) is not None
            if is_elsewhere(item):
                raise DataError(f"{file.filename}: {name!r} has its numbers in other files. Write them into this one.")
            fault = f"{name} needs {size / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB"
            read = (lambda: np.array(item.asstr()[()], dtype=str)) if is_text else (lambda: np.asarray(item[()]))
            found[name] = Entry(item.shape, item.dtype, read, fault if size > MAX_BYTES else "")

    file.visititems(see)
    return found


def _parts(entries: Entries) -> list[_Part]:
    """Which arrays are images, and what belongs to them; empty where none are."""
    found: dict[Part, _Part] = {}
    for name in entries:
        part, what = _meaning(name)
        if what in _IMAGES and part not in found:
            rest = {_meaning(other): other for other in entries}
            labels = next((rest[part, word] for word in _LABELS if (part, word) in rest), None)
            groups = next((rest[part, word] for word in ("groups", "group") if (part, word) in rest), None)
            found[part] = _Part(part, name, labels, groups)
    order: tuple[Part, ...] = ("train", "validation", "test")
    return [found[part] for part in order if part in found]


def _meaning(name: str) -> tuple[Part, str]:
    """`train/data`, `x_train`, `train_images` and `X` as a part and a word; alone it is for training."""
    words = name.lower().replace("/", "_").split("_")
    parts = [PART_OF[word] for word in words if word in PART_OF]
    rest = [word for word in words if word not in PART_OF]
    return parts[0] if len(parts) == 1 else "train", "_".join(rest) if len(parts) < 2 else name


def _are_images(name: str, entry: Entry, *, rows: bool) -> bool:
    """Four axes, which series do not have; or uint8 or bool of three. By their name, or with `rows`, also others."""
    shape, is_named = entry.shape[1:], _meaning(name)[1] in _ONLY_IMAGES
    if entry.dtype.kind not in "buif":
        return False
    if len(shape) == 3:
        sides = shape[:2] if shape[2] in _COLOURS else shape[1:]
        has_colours = shape[2] in _COLOURS or shape[0] in _COLOURS
        return has_colours and (min(sides) >= _SMALLEST or is_named or entry.dtype == np.uint8)
    if len(shape) == 2:
        return min(shape) >= _SMALLEST and (is_named or entry.dtype in (np.uint8, np.bool_))
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    return (rows or is_named) and side >= _SMALLEST and side * side == shape[0] and entry.dtype.kind in "uif"


def _matches(suffixes: tuple[str, ...]) -> Callable[[str], bool]:
    def matches(source: str) -> bool:
        path = path_of(source)
        if path.suffix.lower() not in suffixes or not path.is_file():
            return False
        return _holds_images(path, state_of(path))

    return matches


@lru_cache(maxsize=16)
def _holds_images(path: Path, _: FileState) -> bool:
    """Looked at once a file: a `.mat` is read for that."""
    suffix = path.suffix.lower()
    try:
        with _opened(path, any_name=True) as entries:
            parts = [(part.images, _first_axis(entries, part)) for part in _parts(entries)]
    except DataError:
        return False
    # Three axes in MATLAB are series, unless their name says otherwise.
    are_meant = suffix != _MAT or all(len(one.shape) == 4 or _meaning(name)[1] in _ONLY_IMAGES for name, one in parts)
    return bool(parts) and are_meant and all(_are_images(name, one, rows=suffix in _HDF5) for name, one in parts)


def _first_axis(entries: Entries, part: _Part) -> Entry:
    """The images of a part along the first axis: MATLAB's have them along the last one."""
    entry, labels = entries[part.images], entries.get(part.labels or "")
    num = 0 if labels is None else math.prod(labels.shape)
    if len(entry.shape) not in (3, 4) or entry.shape[0] == num or entry.shape[-1] != num:
        return entry
    return entry._replace(shape=(num, *entry.shape[:-1]), read=lambda: np.moveaxis(entry.read(), -1, 0))


def read_arrays(path: Path, name: str, task: Task = "classification", bits: int | None = None) -> Raw:
    """The images of all parts, with their labels and groups.

    Raises:
        DataError: all faults of the file together.
    """
    faults: list[str] = []
    images, labels, groups, sides, said = [], list[str](), list[str](), [], list[str]()
    own: int | None = None
    with _opened(path) as entries:
        parts = _parts(entries)
        for part in parts:
            pixels, texts, owners, how, own = _read_part(entries, part, faults, task, bits or own)
            said.append(how)
            images.append(pixels)
            labels += texts
            groups += owners
            sides += [part.part] * len(texts)
    if len({one.shape[1:] for one in images}) > 1:
        sizes = ", ".join(f"{part.images} {one.shape[1:]}" for part, one in zip(parts, images, strict=True))
        faults.append(f"the parts have images of several sizes ({sizes}); write one")
    if groups and len(groups) != len(labels):
        faults.append("groups are named for one part and not for another: name them for all, or for none")
    if sides and "train" not in sides:
        faults.append(f"there is no part for training, but {', '.join(dict.fromkeys(sides))}")
    raise_faults(str(path), faults)
    names, codes = class_codes(labels)
    group_names, group_of = group_codes(groups) if groups else ((), None)
    side = np.array(sides)
    # Two parts are training and test, whatever the second is called.
    test = side == "test" if "test" in sides else side == "validation"
    validation = side == "validation" if "test" in sides and "validation" in sides else None
    return Raw(
        name=name,
        kind="images",
        features=np.concatenate(images),
        understood=tuple(dict.fromkeys(filter(None, said))),
        labels=codes,
        class_names=names,
        found_out={} if own is None or bits is not None else {"pixel_bits": own},
        test=test if test.any() else None,
        validation=validation,
        groups=group_of,
        group_names=group_names,
    )


def _read_part(
    entries: Entries, part: _Part, faults: list[str], task: Task, bits: int | None
) -> tuple[NDArray[np.uint8], list[str], list[str], str, int | None]:
    """Images, labels, groups, how pixels were read and of how many bits; empty where `faults` say why."""
    nothing = np.zeros((0, 1, 1), np.uint8), list[str](), list[str](), "", bits
    if part.labels is None:
        faults.append(f"there are no labels for {part.images!r}; the file has {few(entries)}")
        return nothing
    wrong = [entries[name].fault for name in part[1:] if name is not None and entries[name].fault]
    if wrong:
        faults += wrong
        return nothing
    values = _first_axis(entries, part).read()
    bits = bits or bits_in(values)
    pixels, fault = eight_bits(values, part.images, bits)
    if fault or not len(pixels):
        faults.append(fault or f"{part.images} holds no images")
        return nothing
    labels, texts = entries[part.labels].read(), list[str]()
    if labels.ndim == 2 and labels.shape in ((len(pixels), 1), (1, len(pixels))):  # as MedMNIST and MATLAB write them
        labels = flat_labels(labels, part.labels)
    if labels.shape != (len(pixels),):
        faults.append(
            f"{part.images} has {len(pixels):,} images, but {part.labels} is {labels.shape}; one each is needed"
            f"{' (of one-hot columns: y.argmax(axis=1))' if labels.ndim == 2 else ''}"
        )
    else:
        try:
            texts = label_texts(labels, task)
        except ValueError as error:
            faults.append(f"{part.labels}: {error}")
    groups: list[str] = []
    if part.groups is not None:
        groups, wrong = group_texts(entries[part.groups].read(), len(pixels), part.groups)
        faults += wrong
    return pixels, texts, groups, how_taken(values, bits), bits


def how_taken(values: NDArray[Any], bits: int | None = None) -> str:
    """The way in which `eight_bits` reads an array, where there is another one; empty where there is none."""
    said, largest = [], float(values.max()) if values.size else 0.0
    if values.ndim == 4 and values.shape[3] not in _COLOURS and values.shape[1] in _COLOURS:
        said.append("channels before rows")
    if values.dtype.kind == "f" and largest <= 1:
        said.append("0 to 1 as 0 to 255")
    if values.dtype == np.uint16 and largest > 255:
        used = bits or bits_in(values)
        said.append("16 bits as 8" if used == 16 else f"{used} bits (the greatest is {largest:,.0f}) as 8")
    if values.dtype == np.bool_:
        said.append("True as 255")
    return f"Pixels {values.dtype} {values.shape} were read with {' and '.join(said)}." if said else ""


def bits_in(values: NDArray[Any]) -> int | None:
    """How many bits whole numbers of 16 bits use; None of others, and of those that are 0 to 255."""
    from hw3models.data.pictures.decoding import bits_of

    greatest = int(values.max()) if values.dtype == np.uint16 and values.size else 0
    return bits_of(greatest) if greatest > 255 else None


def eight_bits(values: NDArray[Any], name: str, bits: int | None = None) -> tuple[NDArray[np.uint8], str]:
    """Images (N, H, W) or (N, H, W, 3) of any numbers; or why they are none. Rows of pixels become squares.
    Of 16 bits the upper 8 of `bits` are taken; None: by the greatest value.

    One channel is grey, a fourth is left out, and channels may stand before rows.
    """
    from hw3models.data.pictures.decoding import upper_eight

    nothing = np.zeros((0, 1, 1), np.uint8)
    if values.ndim == 4 and values.shape[3] not in _COLOURS and values.shape[1] in _COLOURS:
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 2 and math.isqrt(values.shape[1]) ** 2 == values.shape[1]:
        values = values.reshape(-1, math.isqrt(values.shape[1]), math.isqrt(values.shape[1]))
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim == 4 and values.shape[3] == 4:
        values = values[..., :3]
    if values.ndim not in (3, 4) or values.shape[3:] not in ((), (3,)):
        return nothing, f"{name} has shape {values.shape}; (N, H, W) or (N, H, W, 3) is needed"
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values), ""
    if values.size == 0 or not np.isfinite(values).all():
        return nothing, f"{name} is empty, or holds numbers that are not finite"
    low, high = float(values.min()), float(values.max())
    bits = (bits or bits_in(values)) if values.dtype == np.uint16 else None
    if bits is not None and bits != 16:
        return np.ascontiguousarray(upper_eight(values, bits)), ""
    if bits == 16:
        return np.ascontiguousarray(np.round(values / 257), dtype=np.uint8), ""
    if low < 0 or high > 255:
        undo = "; undo what normalised them" if low < 0 else ""
        return nothing, f"{name} holds {low:g} to {high:g}; pixels are 0 to 255, or fractions in 0 to 1{undo}"
    scale = 255 if values.dtype.kind in "fb" and high <= 1 else 1
    return np.ascontiguousarray(np.round(values * float(scale)), dtype=np.uint8), ""


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    from hw3models.data.readers.unlabelled import array_blocks

    path = path_of(spec.source)
    with _opened(path) as entries:
        parts, faults = _parts(entries), [entry.fault for entry in entries.values() if entry.fault]
        raise_faults(str(path), faults)
        values = [(_first_axis(entries, part).read(), part.images) for part in parts]
        arrays = [eight_bits(one, name, spec.pixel_bits) for one, name in values]
    raise_faults(str(path), [fault for _, fault in arrays if fault])
    yield from array_blocks(
        path, (pixels[at : at + 1024] for pixels, _ in arrays for at in range(0, len(pixels), 1024)), wanted
    )


def _is_labelled(spec: DataSpec) -> bool:
    with _opened(path_of(spec.source)) as entries:
        return all(part.labels is not None for part in _parts(entries))


def _read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    [path] = files_of(report)
    return read_arrays(path, path.stem, spec.task, spec.pixel_bits)


def _source(name: str, suffixes: tuple[str, ...], text: str) -> Source:
    from dataclasses import replace

    made = file_source(
        suffixes[0],
        text,
        read=_read,
        kinds=("images",),
        unlabelled=_examples,
        is_labelled=_is_labelled,
        groups="an array `groups` beside the images of each part",
    )
    return replace(made, name=name, forms=suffixes[:1], matches=_matches(suffixes), takes=("pixel_bits",))


NPZ = _source(
    "npz-images", (".npz",), "`images` and `labels`, X and y of uint8 or four axes, MedMNIST's and Keras' names"
)
HDF5 = _source("hdf5-images", _HDF5, "images in HDF5, such as train/data and train/target")
MAT = _source(
    "mat-images", (_MAT,), "MATLAB's arrays of four axes, with the pictures first or last, or called `images`"
)
