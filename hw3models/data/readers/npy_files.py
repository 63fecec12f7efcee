"""Examples in a `.npy` file, which may be larger than memory: only its header and the labels beside it are read.

| file | holds |
|---|---|
| NAME.npy | float32 (N, T, C): series; or uint8 (N, H, W) or (N, H, W, 3): images |
| NAME_labels.npy | (N,) integers, whole floats or text |
| NAME_test.npy | bool (N,), True for the test split; may be left out |
| NAME_groups.npy | (N,) integers or text, whose example it is; may be left out |

What fits into memory may be of other types, series (N, T), and images as in `image_arrays`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hw3models.data.axes import ordered
from hw3models.data.blocks import blocks
from hw3models.data.checks import raise_faults
from hw3models.data.raw import MAX_BYTES, Raw, group_codes, group_texts, label_codes
from hw3models.data.readers.image_arrays import bits_in, eight_bits, how_taken
from hw3models.data.readers.unlabelled import array_blocks, check_shape
from hw3models.data.source import Block, Wanted, file_source, files_of, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, Kind


def npy_files(path: Path) -> tuple[Path, ...]:
    """The file and those beside it.

    Raises:
        DataError: there are no labels.
    """
    labels, *others = (path.with_name(f"{path.stem}_{what}.npy") for what in ("labels", "test", "groups"))
    if not labels.is_file():
        raise DataError(f"{path}: the labels are missing. Write them to {labels.name} beside it: one per example.")
    return (path, labels, *(other for other in others if other.is_file()))


def npy_kind(path: Path) -> Kind:
    """Images are uint8 (N, H, W), or have four axes; everything else are series.

    Raises:
        DataError: no `.npy` file, or not whole.
    """
    return "images" if _are_images(open_npy(path)) else "sequences"


def _are_images(array: NDArray[Any]) -> bool:
    return (array.dtype in (np.uint8, np.bool_) and array.ndim == 3) or array.ndim == 4


def read_npy(files: tuple[Path, ...], name: str, spec: DataSpec | None = None) -> Raw:
    """Features stay in their file, as a map of it.

    Raises:
        DataError: all faults of the files together.
    """
    features, labels = open_npy(files[0]), open_npy(files[1])
    rest = {file.stem.rsplit("_", 1)[-1]: file for file in files[2:]}
    test = open_npy(rest["test"]) if "test" in rest else None
    features, understood, faults = _as_kept(features, files[0].name, None if spec is None else spec.pixel_bits)
    deep = bits_in(open_npy(files[0])) if features.dtype == np.uint8 else None
    if labels.ndim != 1 or len(labels) != len(features):
        faults.append(f"{files[1].name} has shape {labels.shape}; one label per example, ({len(features)},), is needed")
    elif labels.dtype.kind not in "iufbUS" or labels.nbytes > MAX_BYTES:
        faults.append(f"{files[1].name} has type {labels.dtype}; whole numbers or short texts are needed")
    if test is not None and (test.dtype != bool or test.shape != features.shape[:1]):
        faults.append(f"{rest['test'].name} is {test.dtype} {test.shape}; bool ({len(features)},) is needed")
    group_names: tuple[str, ...] = ()
    groups = None
    if "groups" in rest:
        texts, wrong = group_texts(open_npy(rest["groups"]), len(features), rest["groups"].name)
        faults += wrong
        group_names, groups = group_codes(texts)
    raise_faults(str(files[0]), faults)
    if features.dtype != np.uint8:
        features = ordered(features, spec.axes if spec else None, str(files[0]))
        features = features if features.flags.c_contiguous else np.ascontiguousarray(features)
    names, codes = label_codes(np.asarray(labels), str(files[1]), "classification" if spec is None else spec.task)
    return Raw(
        name=name,
        kind="images" if features.dtype == np.uint8 else "sequences",
        features=features,
        understood=(understood,) if understood else (),
        found_out={} if deep is None else {"pixel_bits": deep},
        labels=codes,
        class_names=names,
        test=None if test is None else np.array(test),
        groups=groups,
        group_names=group_names,
    )


def _as_kept(array: NDArray[Any], name: str, bits: int | None) -> tuple[NDArray[Any], str, list[str]]:
    """Series or images as they are kept, how they were taken, and faults: the map of the file where nothing changes."""
    if 0 in array.shape:
        return array, "", [f"the array is empty: {array.shape}"]
    if _are_images(array):
        if array.dtype == np.uint8 and array.flags.c_contiguous and (array.ndim == 3 or array.shape[3] == 3):
            return array, "", []
        if fault := _too_large(array, 1):
            return array, "", [fault]
        pixels, fault = eight_bits(np.asarray(array), name, bits)
        return pixels, how_taken(array, bits), [fault] if fault else []
    if array.dtype.kind not in "iufb" or array.ndim not in (2, 3):
        return array, "", [f"the array is {array.dtype} {array.shape}; numbers (series, steps, channels) are needed"]
    if array.dtype == np.dtype("<f4") and array.ndim == 3 and array.flags.c_contiguous:
        return array, "", []
    if fault := _too_large(array, 4):
        return array, "", [fault]
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite, which the checks report
        series = np.ascontiguousarray(array, dtype=np.float32)
    return series if series.ndim == 3 else series[:, :, None], "", []


def _too_large(array: NDArray[Any], size: int) -> str:
    """Why it cannot be brought into memory to be read as `size` bytes a number; empty where it can."""
    if array.size * size <= MAX_BYTES:
        return ""
    return (
        f"the array is {array.dtype} {array.shape}, too large to be changed in memory; write float32 (series, steps, "
        "channels) or uint8 (images, height, width) or (images, height, width, 3) in C order, which is read as it is"
    )


def open_npy(path: Path) -> NDArray[Any]:
    """The map of a whole `.npy` file; nothing is unpickled."""
    try:
        return cast("NDArray[Any]", np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        # numpy takes what does not begin as an array for a pickle, and says how one is loaded.
        reason = "its beginning is not that of one" if "pickle" in str(error) else str(error).rstrip(".")
        if "Python objects" in reason:
            raise DataError(
                f"{path}: the array holds Python objects, which are not unpickled. Write numbers, or series of unequal "
                "length as a table."
            ) from error
        raise DataError(
            f"{path}: not a whole `.npy` file ({reason}). Write it with numpy.save(path, array)."
        ) from error


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    groups, named = path.with_name(f"{path.stem}_groups.npy"), None
    if groups.is_file():
        array = open_npy(groups)
        named, faults = group_texts(array, len(array) if array.ndim else 0, groups.name)
        raise_faults(str(path), faults)
    return array_blocks(path, _rows(path, wanted, spec.pixel_bits), wanted, named)


def _rows(path: Path, wanted: Wanted, bits: int | None) -> Iterator[NDArray[Any]]:
    array = open_npy(path)
    if array.dtype.kind not in "iufb" or array.ndim < 2:
        raise DataError(f"{path}: the array is {array.dtype} {array.shape}; numbers of two or more axes are needed.")
    if not _are_images(array):  # before a row is read: one may be of any size in a file with holes
        check_shape(path, array.shape[1:] if array.ndim > 2 else (*array.shape[1:], 1), wanted)
    kept, _, faults = _as_kept(array, path.name, bits)
    raise_faults(str(path), faults)
    check_shape(path, kept.shape[1:], wanted)
    for _, rows in blocks(kept):
        yield rows


def _is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    return path.with_name(f"{path.stem}_labels.npy").is_file()


NPY = file_source(
    ".npy",
    "series or images, larger than memory, with NAME_labels.npy beside it",
    files=npy_files,
    kinds=("sequences", "images"),
    kind_of=npy_kind,
    read=lambda spec, report, _: read_npy(files_of(report), path_of(spec.source).stem, spec),
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups="NAME_groups.npy beside it",
)
