"""Fitted baselines as a model folder: `model.json` and, of plain arrays, `replicates.safetensors`; of objects
`replicates.skops`, which can make no object of a type that is not trusted. Never pickle (docs/decisions/0033).
"""

import hashlib
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from hw3models.data.dataset import Dataset
from hw3models.data.remembered import options_of
from hw3models.engine.model_store import read_manifest, write_manifest
from hw3models.errors import DataError, SpecError
from hw3models.families import Baseline, family_of
from hw3models.families.family import Answers
from hw3models.families.kernels import check_minirocket, check_rocket
from hw3models.families.outside import modules_of
from hw3models.objectives.objective import BaselineFit
from hw3models.runtime.files import write_atomically
from hw3models.specs import TrainSpec
from hw3models.specs.model import ModelManifest
from hw3models.specs.origin import Origin

FITTED = {"skops": "replicates.skops", "arrays": "replicates.safetensors"}
"""File of each format."""
TRUSTED = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""Types that are trusted beside those that skops trusts by itself (numpy's, scipy's and scikit-learn's own), aeon's
estimators, and the classes of the file that a family from outside is in, which is run anyway."""
MAX_BYTES = 512 * 2**20
"""A larger model is not kept: nearest neighbours hold all training examples."""


def keep(
    directory: Path, seen: Dataset, family: Baseline, spec: TrainSpec, seeds: Sequence[int], fits: Sequence[BaselineFit]
) -> tuple[str | None, str]:
    """Write the model folder; the digest of its file. Where it cannot be kept, None and the reason.

    `seen` are the data as the first seed has seen them.
    """
    if family.restore is None or any(one.fitted is None for one in fits):
        return None, "its family does not say how a fitted one is asked again"
    plain = family.sees_pixels
    manifest = ModelManifest(
        family=family.name,
        format="arrays" if all(_is_arrays(one.fitted) for one in fits) else "skops",
        origin=family.origin,
        kind=seen.kind,
        shape=seen.features.shape[1:],
        class_names=seen.class_names if seen.targets is None else (),
        target=seen.target,
        channels=seen.channels,
        mean=tuple(0.0 if plain else float(one) for one in seen.mean),
        std=tuple(1.0 if plain else float(one) for one in seen.std),
        unequal_lengths=seen.lengths is not None,
        latent_dim=spec.latent_dim,
        dropout=0,
        seeds=tuple(seeds),
        best_seed=seeds[0],
        missing=spec.data.missing,
        image_fit=spec.data.image_fit,
        resampling=spec.resampling,
        read_as=options_of(spec.data, seen.found_out),
        data_digest=seen.digest,
        data_name=seen.name,
    )
    try:
        data = dumped({seed: one.fitted for seed, one in zip(seeds, fits, strict=True)}, manifest)
    except Exception as error:  # whatever skops says of what it cannot write
        return (
            None,
            f"it cannot be written without pickle ({type(error).__name__}: {' '.join(str(error).split())[:200]})",
        )
    if len(data) > MAX_BYTES:
        return None, f"it has {len(data) >> 20:,} MiB, at most {MAX_BYTES >> 20} are kept"
    return store_fitted(directory, manifest, data), ""


def store_fitted(directory: Path, manifest: ModelManifest, data: bytes) -> str:
    """Write both files; the digest of the larger one."""
    write_atomically(directory / FITTED[manifest.format], data)
    # Last, so that a folder with a manifest is whole.
    write_manifest(directory, manifest)
    return fitted_digest(data)


def fitted_digest(data: bytes) -> str:
    """sha256: the first 16 hex digits."""
    return hashlib.sha256(data).hexdigest()[:16]


def fitted_file(directory: Path) -> Path:
    """The file beside `model.json` that holds what was learnt, where the folder is of a baseline."""
    objects = directory / FITTED["skops"]
    return objects if objects.exists() else directory / FITTED["arrays"]


def _is_arrays(fitted: Any) -> bool:
    """Whether it is named arrays of numbers and nothing else."""
    return isinstance(fitted, dict) and all(
        isinstance(one, np.ndarray) and one.dtype != object for one in fitted.values()
    )


def dumped(fitted: Mapping[int, Any], manifest: ModelManifest) -> bytes:
    """Seed -> fitted, in the manifest's format; what could not be read again is not written.

    Raises:
        ValueError: it holds types that are not trusted.
    """
    if manifest.format == "arrays":
        arrays = {f"{seed}.{name}": array for seed, one in fitted.items() for name, array in one.items()}
        return safetensors.numpy.save(arrays)
    # It looks at all of scikit-learn when it is imported, for a second.
    from skops import io

    data: bytes = io.dumps({str(seed): one for seed, one in fitted.items()})
    _trusted(data, manifest.origin)
    return data


def load_fitted(directory: Path, files: Mapping[str, str] = FITTED) -> tuple[ModelManifest, dict[int, Any]]:
    """The manifest, and what each seed has learnt; `files` has the file's name by its format.

    Everything in it is checked before it is used, but what a class from outside makes of its own attributes.

    Raises:
        DataError: the folder does not hold a whole model, or one with types that are not trusted.
        SpecError: the code of its family, which is from outside, is not here.
    """
    try:
        manifest = read_manifest(directory)
        _baseline(manifest)  # its code is looked for first
        name = files[manifest.format]
        found = _read((directory / name).read_bytes(), manifest)
        if not isinstance(found, dict) or set(found) != {str(seed) for seed in manifest.seeds}:
            raise ValueError(f"{name} does not hold the seeds {list(manifest.seeds)}")
        for one in _walk(found, set()):
            _check_arrays(one, manifest)
    except SpecError:
        raise
    except Exception as error:  # a damaged archive raises whatever its reader does
        raise DataError(f"{directory}: not a whole model ({' '.join(str(error).split())[:500]}).") from error
    return manifest, {seed: found[str(seed)] for seed in manifest.seeds}


def _read(data: bytes, manifest: ModelManifest) -> Any:
    """What each seed has learnt, by its name."""
    if manifest.format == "arrays":
        read: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in safetensors.numpy.load(data).items():
            seed, _, own = name.partition(".")
            read.setdefault(seed, {})[own] = array
        return read
    from skops import io

    return io.loads(data, trusted=_trusted(data, manifest.origin))


def restored_answers(manifest: ModelManifest, fitted: Any) -> Answers:
    """What one seed has learnt, ready to be asked.

    Raises:
        ValueError: it is not what the manifest says.
    """
    baseline = _baseline(manifest)
    if baseline.restore is None:
        raise ValueError(f"{manifest.family} is a baseline that is not kept")
    return baseline.restore(fitted, manifest.shape, manifest.num_classes)


def _baseline(manifest: ModelManifest) -> Baseline:
    family = family_of(manifest)
    if not isinstance(family, Baseline):
        raise ValueError(f"{manifest.family} is a network, its file cannot be skops")
    return family


def _trusted(data: bytes, origin: Origin | None) -> list[str]:
    """The types in `data` beside skops' own, all of which are trusted."""
    from skops import io

    found = io.get_untrusted_types(data=data)
    modules = () if origin is None else modules_of(origin)
    if strange := [name for name in found if name not in TRUSTED and not _is_trusted(name, modules)]:
        raise ValueError(f"types that are not trusted: {', '.join(sorted(strange)[:10])}")
    return list(found)


def _is_trusted(name: str, modules: Sequence[str]) -> bool:
    module, _, last = name.rpartition(".")
    if module in modules:
        return isinstance(getattr(sys.modules.get(module), last, None), type)
    if not module.startswith("aeon."):
        return False
    from aeon.base import BaseAeonEstimator

    try:
        found = getattr(importlib.import_module(module), last, None)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, BaseAeonEstimator)


def _walk(value: Any, seen: set[int]) -> Iterator[Any]:
    """Every object in what was read."""
    if id(value) in seen or isinstance(value, (str, bytes, int, float, np.number, type)):
        return
    seen.add(id(value))
    yield value
    if isinstance(value, dict):
        inner: Any = value.values()
    elif isinstance(value, (list, tuple, set)):
        inner = value
    elif isinstance(value, np.ndarray):
        inner = value.ravel() if value.dtype == object else ()
    else:
        inner = getattr(value, "__dict__", {}).values()
    for one in inner:
        yield from _walk(one, seen)


def _check_arrays(value: Any, manifest: ModelManifest) -> None:
    """Whatever compiled code reads by index without looking."""
    name = type(value).__name__
    if name == "Tree":
        _check_tree(value)
    elif name == "TreePredictor":
        nodes = value.nodes
        _check_children(nodes["left"], nodes["right"], nodes["is_leaf"].astype(bool), len(nodes))
    elif name in ("Rocket", "MiniRocket") and type(value).__module__.startswith("aeon."):
        shape = (manifest.shape[1], manifest.shape[0])
        (check_rocket if name == "Rocket" else check_minirocket)(
            value.kernels if name == "Rocket" else value.parameters, shape
        )


def _check_tree(tree: Any) -> None:
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    is_leaf = left == -1
    _check_children(left, right, is_leaf, len(left))
    features = np.asarray(tree.feature)[~is_leaf]
    if len(features) and (features.min() < 0 or features.max() >= tree.n_features):
        raise ValueError("a tree looks at features that an example does not have")


def _check_children(left: NDArray[Any], right: NDArray[Any], is_leaf: NDArray[np.bool_], num: int) -> None:
    """Children come after their parent, so that no way through the tree is endless."""
    parents = np.arange(num)
    for child in (left, right):
        inner = child[~is_leaf].astype(np.int64)
        if (inner <= parents[~is_leaf]).any() or (inner >= num).any():
            raise ValueError("a tree's branches lead out of it")
