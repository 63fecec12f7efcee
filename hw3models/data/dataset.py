"""The prepared data set: arrays, labels, splits, scaling, and the digest that names exactly these."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hw3models.data.blocks import blocks, is_on_disk
from hw3models.errors import DataError, DigestError
from hw3models.runtime.file_digests import FileState, known, learn, state_of
from hw3models.runtime.files import write_atomically
from hw3models.specs import DataReport, Kind, TargetReport, Task

PREPROCESSING_VERSION = 1
"""Part of every digest. Raise it when the same raw data would give other arrays."""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled examples with their splits. N examples, T time steps, C channels.

    Splits are disjoint; `validation` may be empty. Features are kept in their smallest form: scaling is
    learnt from `train` only and applied on the batch.
    """

    name: str
    kind: Kind
    source: str
    features: NDArray[Any]
    """Images: uint8 (N, H, W), or (N, H, W, 3) in colour. Sequences: float32 (N, T, C), zero after the end of a
    shorter series."""
    labels: NDArray[np.int64]
    """(N,), in 0..K-1, indices into `class_names`."""
    class_names: tuple[str, ...]
    """Names of the classes; of numbers the ranges that splits, bootstraps and folds are stratified by."""
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    targets: NDArray[np.float64] | None = None
    """(N,) numbers to predict; None of classes."""
    lengths: NDArray[np.int64] | None = None
    """(N,) valid time steps of each series; None when all are T."""
    mean: NDArray[np.float32] = field(default_factory=lambda: np.zeros(1, np.float32))
    """(C,) over the valid steps of `train`; images: (1,) or (3,), in units of a pixel / 255."""
    std: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32))
    """(C,), 1 where a channel is constant."""
    notes: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    """How the files were read; see `Raw`."""
    found_out: Mapping[str, str | int] = field(default_factory=dict)
    """What the reader found out; see `Raw`. Not a part of the digest."""
    channels: tuple[str, ...] = ()
    """Names of the C channels, where the source has them."""
    groups: NDArray[np.int64] | None = None
    """(N,), indices into `group_names`: whose example it is; None where nobody said."""
    group_names: tuple[str, ...] = ()

    @property
    def target(self) -> TargetReport | None:
        """The numbers to predict, by the training examples alone; None of classes."""
        if self.targets is None:
            return None
        own = self.targets[self.train]
        # As with channels: a spread that is nothing but rounding is none.
        spread = float(own.std())
        std = spread if spread > 1e-12 * max(1e-30, float(np.abs(own).max())) else 1.0
        return TargetReport(mean=float(own.mean()), std=std, low=float(own.min()), high=float(own.max()))

    @property
    def task(self) -> Task:
        """What a label is."""
        return "classification" if self.targets is None else "regression"

    @property
    def num_classes(self) -> int:
        """Classes that there are; a number is predicted by one output."""
        return len(self.class_names) if self.targets is None else 1

    @property
    def test_groups(self) -> NDArray[np.int64] | None:
        """(n,) of the test examples; None where nobody said."""
        return None if self.groups is None else self.groups[self.test]

    @cached_property
    def digest(self) -> str:
        """sha256 over arrays, labels, groups, splits, all names and the preprocessing version: first 16 hex digits."""
        return content_digest(self)


def content_digest(dataset: Dataset) -> str:
    """`Dataset.digest`, computed again."""
    sha = hashlib.sha256(f"hw3-dataset-{PREPROCESSING_VERSION}-{dataset.kind}".encode())
    sha.update(json.dumps(dataset.class_names).encode())
    if dataset.channels:
        sha.update(json.dumps(dataset.channels).encode())
    arrays = [dataset.features, dataset.labels, dataset.train, dataset.validation, dataset.test, dataset.lengths]
    if dataset.groups is not None:  # data without groups keep the digest that they have had
        sha.update(json.dumps({"groups": dataset.group_names}).encode())
        arrays.append(dataset.groups)
    if dataset.targets is not None:  # likewise
        arrays.append(dataset.targets)
    for array in arrays:
        if array is None:
            sha.update(b"none")
        else:
            sha.update(f"{array.dtype.str}{array.shape}".encode())
            for _, rows in blocks(array):
                sha.update(np.ascontiguousarray(rows).data)
    return sha.hexdigest()[:16]


def save(dataset: Dataset, path: Path) -> None:
    """Write `dataset` as `.npz` (no pickle), atomically: a reader never sees half a file.

    Features that are in a file of their own stay there; the `.npz` says where, and the digest that they are the same.
    """
    header = {
        "name": dataset.name,
        "kind": dataset.kind,
        "source": dataset.source,
        "class_names": dataset.class_names,
        "notes": dataset.notes,
        "channels": dataset.channels,
        **({"understood": dataset.understood} if dataset.understood else {}),
        **({"found_out": dict(dataset.found_out)} if dataset.found_out else {}),
        **({} if dataset.groups is None else {"group_names": dataset.group_names}),
    }
    if on_disk := is_on_disk(dataset.features):
        header["features_file"] = str(dataset.features.filename)  # type: ignore[attr-defined]  # of a memmap
    arrays: dict[str, NDArray[Any]] = {
        "features": np.empty(0, np.uint8) if on_disk else dataset.features,
        "labels": dataset.labels,
        "train": dataset.train,
        "validation": dataset.validation,
        "test": dataset.test,
        "mean": dataset.mean,
        "std": dataset.std,
    }
    if dataset.lengths is not None:
        arrays["lengths"] = dataset.lengths
    if dataset.groups is not None:
        arrays["groups"] = dataset.groups
    if dataset.targets is not None:
        arrays["targets"] = dataset.targets
    header["sum"] = _sum(header, dataset.mean, dataset.std)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getbuffer(), is_ours=True)


def load(path: Path, *, digest: str | None = None) -> Dataset:
    """Read what `save` wrote. Its content is digested once in a process, for as long as the files stay as they are.

    Raises:
        DataError: the file is not a prepared data set.
        DigestError: the content is not the one asked for.
    """
    try:
        states = [state_of(path)]
        # Opened by hand: numpy leaves the file open when it is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            header = json.loads(bytes(arrays["header"]))
            found = header.pop("sum", None)
            if found is not None and found != _sum(header, arrays["mean"], arrays["std"]):
                raise ValueError("its names or its scaling were edited")
            dataset = Dataset(
                name=header["name"],
                kind=header["kind"],
                source=header["source"],
                class_names=tuple(header["class_names"]),
                notes=tuple(header["notes"]),
                understood=tuple(header.get("understood", ())),
                found_out=header.get("found_out", {}),
                channels=tuple(header.get("channels", ())),
                features=_map(header["features_file"], states) if "features_file" in header else arrays["features"],
                labels=arrays["labels"],
                train=arrays["train"],
                validation=arrays["validation"],
                test=arrays["test"],
                targets=arrays.get("targets"),
                lengths=arrays.get("lengths"),
                groups=arrays.get("groups"),
                group_names=tuple(header.get("group_names", ())),
                mean=arrays["mean"],
                std=arrays["std"],
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a prepared data set ({error}). Delete it and prepare the data again.") from error
    if digest is None:
        return dataset
    if (found := known("data set", *states)) is None:
        learn("data set", found := dataset.digest, *states)
    vars(dataset)["digest"] = found  # as `cached_property` keeps it
    if found != digest:
        raise DigestError(
            f"{path}: content digest is {found}, but {digest} was asked for. "
            "The data changed; delete the file and prepare the data again, or drop `digest` from the spec."
        )
    return dataset


def _sum(header: Mapping[str, Any], mean: NDArray[np.float32], std: NDArray[np.float32]) -> str:
    """A digest of what the content digest leaves out: it is computed from the rest, or said to people."""
    return hashlib.sha256(json.dumps(header).encode() + mean.tobytes() + std.tobytes()).hexdigest()[:16]


def _map(path: str, states: list[FileState]) -> NDArray[Any]:
    states.append(state_of(Path(path)))
    return cast("NDArray[Any]", np.load(path, mmap_mode="r", allow_pickle=False))


def describe(dataset: Dataset, path: Path) -> DataReport:
    """The small report that stands for `dataset` between processes."""
    counts = np.bincount(dataset.labels, minlength=len(dataset.class_names))
    return DataReport(
        name=dataset.name,
        kind=dataset.kind,
        source=dataset.source,
        path=str(path),
        digest=dataset.digest,
        num_train=len(dataset.train),
        num_validation=len(dataset.validation),
        num_test=len(dataset.test),
        shape=tuple(int(n) for n in dataset.features.shape[1:]),
        class_names=dataset.class_names,
        class_counts=tuple(int(n) for n in counts),
        target=dataset.target,
        unequal_lengths=dataset.lengths is not None,
        num_groups=_num_groups(dataset, slice(None)),
        num_validation_groups=_num_groups(dataset, dataset.validation),
        num_test_groups=_num_groups(dataset, dataset.test),
        num_pool_groups=_num_groups(dataset, np.concatenate([dataset.train, dataset.validation])),
        notes=dataset.notes,
        understood=dataset.understood,
    )


def _num_groups(dataset: Dataset, rows: slice | NDArray[np.int64]) -> int | None:
    return None if dataset.groups is None else len(np.unique(dataset.groups[rows]))
