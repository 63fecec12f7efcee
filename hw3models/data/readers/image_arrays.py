"""Images as arrays in one file: `.npz` and HDF5, in the forms that people keep them in.

| names | |
|---|---|
| `X`, `y`, and `X_test`, `y_test` | as for series (`npz_files`), with X of uint8 (N, H, W) or (N, H, W, C) |
| `train_images`, `train_labels`, `val_images` ..., `test_labels` | MedMNIST's, with a validation part |
| `x_train`, `y_train`, `x_test`, `y_test` | Keras' |
| `train/data`, `train/target`, `test/data` ... | HDF5 groups, such as USPS; images may be rows of pixels in 0..1 |

N images, H x W pixels, C channels: 1, 3 or 4
"""

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.pictures.listing import PART_OF, Part
from hw3models.data.raw import MAX_BYTES, Raw, class_codes, group_codes, group_texts, label_texts
from hw3models.data.readers.npz_files import header_faults
from hw3models.data.source import Block, Source, Wanted, file_source, files_of, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport, Task

_IMAGES = ("images", "image", "x", "data", "imgs")
_LABELS = ("labels", "label", "y", "target", "targets")
_HDF5 = (".h5", ".hdf5", ".hdf")
_SMALLEST = 8
"""Pixels of a side, from which on uint8 (N, H, W) are images; smaller are series of whole numbers."""


class _Entry(NamedTuple):
    """An array of the file, before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]
    fault: str = ""
    """Why it must not be read."""


Entries = dict[str, _Entry]


class _Part(NamedTuple):
    """The names of what belongs together."""

    part: Part
    images: str
    labels: str | None
    groups: str | None


@contextmanager
def _opened(path: Path) -> Iterator[Entries]:
    """What stands in the file.

    Raises:
        DataError: no such file, or not whole.
    """
    try:
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                yield {info.filename.removesuffix(".npy"): _npz_entry(archive, info) for info in archive.infolist()}
        else:
            import h5py

            with h5py.File(path) as file:
                yield _hdf5_entries(file)
    except (OSError, ValueError, EOFError, RuntimeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole `{path.suffix}` file ({str(error).rstrip('.')}). Write it again."
        ) from error


def _npz_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    from numpy.lib import format as npy_format

    any_format: Any = npy_format
    faults = header_faults(archive, info, info.filename.removesuffix(".npy"), text=True)
    if faults:
        return _Entry((), np.dtype("O"), lambda: np.zeros(0), faults[0])

    def read() -> NDArray[Any]:
        with archive.open(info) as member:
            return np.asarray(any_format.read_array(member, allow_pickle=False))

    with archive.open(info) as member:
        version = any_format.read_magic(member)
        header = any_format.read_array_header_1_0 if version == (1, 0) else any_format.read_array_header_2_0
        shape, _, dtype = header(member)
    return _Entry(shape, dtype, read)


def _hdf5_entries(file: Any) -> Entries:
    import h5py

    found: Entries = {}

    def see(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            size = math.prod(item.shape) * item.dtype.itemsize
            is_text = h5py.check_string_dtype(item.dtype) is not None
            fault = f"{name} needs {size / 2**30:,.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB"
            read = (lambda: np.array(item.asstr()[()], dtype=str)) if is_text else (lambda: np.asarray(item[()]))
            found[name] = _Entry(item.shape, item.dtype, read, fault if size > MAX_BYTES else "")

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


def _are_images(entry: _Entry, *, rows: bool) -> bool:
    """Uint8 of two or three axes; with `rows`, squares written as rows of pixels as well."""
    shape = entry.shape[1:]
    if entry.dtype == np.uint8 and len(shape) == 3:
        return shape[2] in (1, 3, 4)
    if entry.dtype == np.uint8 and len(shape) == 2:
        return min(shape) >= _SMALLEST
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    return rows and side >= _SMALLEST and side * side == shape[0] and entry.dtype.kind in "uf"


def _matches(suffixes: tuple[str, ...]) -> Callable[[str], bool]:
    def matches(source: str) -> bool:
        path = path_of(source)
        if path.suffix.lower() not in suffixes or not path.is_file():
            return False
        try:
            with _opened(path) as entries:
                parts = _parts(entries)
                is_hdf5 = suffixes == _HDF5
                return bool(parts) and all(_are_images(entries[part.images], rows=is_hdf5) for part in parts)
        except DataError:
            return False

    return matches


def read_arrays(path: Path, name: str, task: Task = "classification") -> Raw:
    """The images of all parts, with their labels and groups.

    Raises:
        DataError: all faults of the file together.
    """
    faults: list[str] = []
    images, labels, groups, sides = [], list[str](), list[str](), []
    with _opened(path) as entries:
        parts = _parts(entries)
        for part in parts:
            pixels, texts, owners = _read_part(entries, part, faults, task)
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
        labels=codes,
        class_names=names,
        test=test if test.any() else None,
        validation=validation,
        groups=group_of,
        group_names=group_names,
    )


def _read_part(
    entries: Entries, part: _Part, faults: list[str], task: Task
) -> tuple[NDArray[np.uint8], list[str], list[str]]:
    """Images, labels and groups; empty, and entries in `faults`, where they cannot be used."""
    nothing = np.zeros((0, 1, 1), np.uint8)
    if part.labels is None:
        faults.append(f"there are no labels for {part.images!r}; the file has {', '.join(entries)}")
        return nothing, [], []
    wrong = [entries[name].fault for name in part[1:] if name is not None and entries[name].fault]
    if wrong:
        faults += wrong
        return nothing, [], []
    pixels, fault = eight_bits(entries[part.images].read(), part.images)
    labels, texts = entries[part.labels].read(), list[str]()
    if labels.ndim == 2 and labels.shape[1] == 1:  # as MedMNIST writes them
        labels = labels[:, 0]
    if labels.shape != (len(pixels),):
        faults.append(
            f"{part.images} has {len(pixels):,} images, but {part.labels} is {labels.shape}; one each is needed"
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
    if fault or not len(pixels):
        faults.append(fault or f"{part.images} holds no images")
        return nothing, [], []
    return pixels, texts, groups


def eight_bits(values: NDArray[Any], name: str) -> tuple[NDArray[np.uint8], str]:
    """Images (N, H, W) or (N, H, W, 3) of any numbers; or why they are none. Rows of pixels become squares.

    One channel is grey, a fourth is left out.
    """
    nothing = np.zeros((0, 1, 1), np.uint8)
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
    if low < 0 or high > 255:
        return nothing, f"{name} holds {low:g} to {high:g}; pixels are 0 to 255, or fractions in 0 to 1"
    scale = 255 if values.dtype.kind == "f" and high <= 1 else 1
    return np.ascontiguousarray(np.round(values * scale), dtype=np.uint8), ""


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    from hw3models.data.readers.unlabelled import array_blocks

    path = path_of(spec.source)
    with _opened(path) as entries:
        parts, faults = _parts(entries), [entry.fault for entry in entries.values() if entry.fault]
        raise_faults(str(path), faults)
        arrays = [eight_bits(entries[part.images].read(), part.images) for part in parts]
    raise_faults(str(path), [fault for _, fault in arrays if fault])
    yield from array_blocks(
        path, (pixels[at : at + 1024] for pixels, _ in arrays for at in range(0, len(pixels), 1024)), wanted
    )


def _is_labelled(spec: DataSpec) -> bool:
    with _opened(path_of(spec.source)) as entries:
        return all(part.labels is not None for part in _parts(entries))


def _read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    [path] = files_of(report)
    return read_arrays(path, path.stem, spec.task)


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
    return replace(made, name=name, forms=suffixes[:1], matches=_matches(suffixes))


NPZ = _source("npz-images", (".npz",), "images X and y of uint8, or MedMNIST's and Keras' names")
HDF5 = _source("hdf5-images", _HDF5, "images in HDF5, such as train/data and train/target")
