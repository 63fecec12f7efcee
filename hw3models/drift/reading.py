"""New data for a trained model, with labels where they have any."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data import fetch
from hw3models.data.labels import plain
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.remembered import as_trained
from hw3models.data.source import Block, Wanted, path_of
from hw3models.data.sources import find_source, read_examples
from hw3models.data.targets import targets_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec
from hw3models.specs.model import ModelManifest

MOST = 20_000
"""Examples that are looked at: the first of the file."""


class New(NamedTuple):
    """New data as the model takes them."""

    examples: NDArray[np.float32]
    """(N, *shape), NaN where nothing is."""
    classes: NDArray[Any] | None
    """(N,) in the model's numbering, or the numbers themselves where it predicts numbers; None without labels."""
    groups: tuple[str, ...] | None
    """N, whose examples they are; None where nobody said."""


def read_new(spec: DataSpec, manifest: ModelManifest, *, cache: Path) -> New:
    """Examples with their classes and groups, where the data name them; read as the model's training data were.

    Raises:
        DataError: they cannot be read, or do not fit the model; the message says which dimension, type or class.
    """
    wanted = Wanted(manifest.kind, manifest.shape, manifest.unequal_lengths, manifest.channels, manifest.image_fit)
    spec = as_trained(spec, manifest)
    source = find_source(spec.source, spec.layout)
    if source.holds_pictures or "image_size" in source.takes:
        spec = spec.model_copy(update={"image_size": "x".join(map(str, manifest.shape[:2]))})
    if not source.is_labelled(spec):
        fields = {"sample_column", "time_column", "label_column", "group_column", "skip_unreadable"}
        options = spec.model_dump(include=fields)
        blocks = _first(read_examples(path_of(spec.source), wanted, **options, form=spec))
        if not blocks:
            raise DataError(f"{spec.source}: the file holds no examples.")
        named = tuple(group for block in blocks for group in block.groups or ())[:MOST]
        return New(np.concatenate([block.examples for block in blocks])[:MOST], None, named or None)
    # The file that is named alone: what lies beside it may be what the model was trained on. And the model's own
    # channels, whatever else the table holds and whatever a new model would take of it.
    spec = spec.model_copy(update={"task": manifest.task})
    names = manifest.channels if source.table is not None else ()
    spec = spec.model_copy(update={"missing": "interpolate", "pair": False, "feature_columns": names})
    if source.holds_pictures:
        spec = spec.model_copy(update={"image_fit": manifest.image_fit})
    raw = read_raw(spec, fetch(spec, cache=cache), cache=cache)
    groups = None if raw.groups is None else tuple(raw.group_names[code] for code in raw.groups[:MOST])
    examples = _fitted(raw, wanted)[:MOST]
    if manifest.target is not None:
        return New(examples, targets_of(raw, spec.source)[:MOST], groups)
    return New(examples, _classes(raw, manifest, merge=spec.merge_labels)[:MOST], groups)


def _first(blocks: Iterator[Block]) -> list[Block]:
    """Blocks with as many examples as are looked at."""
    found, num = list[Block](), 0
    for block in blocks:
        found.append(block)
        num += len(block.ids)
        if num >= MOST:
            break
    return found


def _fitted(raw: Raw, wanted: Wanted) -> NDArray[np.float32]:
    """Padded with NaN to the model's length."""
    features = _by_name(raw, wanted, np.asarray(raw.features[:MOST], np.float32))
    if raw.kind == wanted.kind == "images":
        features = _coloured(features, len(wanted.shape))
    if features.shape[1:] == wanted.shape and raw.lengths is None:
        return features
    steps, (longest, *rest) = wanted.shape[0], features.shape[1:]
    if tuple(rest) != wanted.shape[1:] or longest > steps or not wanted.unequal_lengths:
        shape = " x ".join(map(str, features.shape[1:]))
        raise DataError(f"{raw.name}: examples are {shape}, but the model takes {' x '.join(map(str, wanted.shape))}.")
    lengths = np.full(len(features), longest) if raw.lengths is None else raw.lengths[:MOST]
    padded = np.full((len(features), *wanted.shape), np.nan, np.float32)
    padded[:, :longest] = features
    padded[np.arange(steps) >= lengths[:, None]] = np.nan
    return padded


def _coloured(images: NDArray[np.float32], axes: int) -> NDArray[np.float32]:
    """Grey images for a model of colour ones, and the other way round, as Pillow turns one into the other."""
    if images.ndim == 3 and axes == 3:
        return np.repeat(images[..., None], 3, axis=-1)
    if images.ndim == 4 and axes == 2:
        return np.asarray(np.round(images @ np.array([0.299, 0.587, 0.114], np.float32)))
    return images


def _by_name(raw: Raw, wanted: Wanted, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The model's channels in its order, where both sides have names."""
    if not (wanted.channels and raw.channels) or wanted.channels == raw.channels:
        return features
    if missing := [name for name in wanted.channels if name not in raw.channels]:
        named, known = ", ".join(map(repr, missing[:5])), ", ".join(raw.channels[:20])
        raise DataError(f"{raw.name}: channel {named} of the model is missing; there are {known}.")
    return features[:, :, [raw.channels.index(name) for name in wanted.channels]]


def _classes(raw: Raw, manifest: ModelManifest, *, merge: bool) -> NDArray[np.int64]:
    """The model's own numbers of the classes; with `merge` by any spelling, as new data may have other ones."""
    called = {plain(name): name for name in manifest.class_names} if merge else {}
    names = [name if name in manifest.class_names else called.get(plain(name), name) for name in raw.class_names]
    unknown = [name for name in names if name not in manifest.class_names]
    if unknown:
        raise DataError(
            f"{raw.name}: class {', '.join(map(repr, unknown[:5]))} is not one of the model's "
            f"({few(manifest.class_names)}). Train again with it."
        )
    number = np.array([manifest.class_names.index(name) for name in names])
    return np.asarray(number[raw.labels], dtype=np.int64)
