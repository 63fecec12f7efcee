"""What holds of every input, however bad: an error that says where, soon, in little memory."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from hypothesis import settings
from pydantic import ValidationError

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.remembered import as_trained, options_of
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from hw3models.specs.model import ModelManifest

SECONDS, MEBIBYTES = 20.0, 700.0
few = settings(max_examples=25 if os.environ.get("HW3_FUZZ") is None else 2_500)
"""For inputs of which each takes tens of milliseconds."""


@contextmanager
def bounded() -> Iterator[None]:
    """It ends soon and has not taken much."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert time.monotonic() - began < SECONDS
    assert grown < MEBIBYTES, f"{grown:.0f} MiB"


def read_file(path: Path, cache: Path) -> bool:
    """Read as a study does; False when it was refused, which must name the file."""
    spec = DataSpec(source=str(path))
    with bounded():
        try:
            data = load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))
        except (DataError, SpecError, ValidationError) as error:
            text = str(error)
            # Too few groups are said of the option, by the split, which knows no file.
            is_named = path.name in text or text.startswith("`group_column`: ")
            assert is_named, f"the message does not say which file: {text}"
            assert len(text) < 4_000, f"the message is too long to be read: {text[:300]}..."
            assert "\x1b" not in text, "what is in a file must not reach the terminal as a control sequence"
            return False
    assert len(data.labels) == len(data.features)
    return True


def refused_or(call: Callable[[], object]) -> None:
    """Nothing else than our own errors."""
    with bounded(), suppress(DataError, SpecError, ValidationError):
        call()


def read_alike(path: Path, cache: Path) -> bool:
    """`read_file`; and where that reads it, `predict` and `drift` read the same examples for a model of these data."""
    if not read_file(path, cache):
        return False
    spec = DataSpec(source=str(path))
    raw = read_raw(spec, fetch(spec, cache=cache), cache=cache)
    manifest = manifest_of(raw, spec)
    expected = np.array(raw.features, np.float32)
    if raw.lengths is not None:
        expected[np.arange(expected.shape[1]) >= raw.lengths[:, None]] = np.nan
    with bounded():
        asked = as_trained(DataSpec(source=str(path)), manifest)
        columns = {name: getattr(asked, name) for name in ("sample_column", "time_column", "label_column")}
        wanted = Wanted(manifest.kind, manifest.shape, manifest.unequal_lengths, manifest.channels)
        blocks = list(read_examples(path, wanted, **columns, form=asked))
        np.testing.assert_array_equal(np.concatenate([block.examples for block in blocks]), expected)
        drifted = read_new(spec, manifest, cache=cache)
        np.testing.assert_array_equal(drifted.examples, expected)
        assert drifted.classes is None or drifted.classes.tolist() == raw.labels.tolist()
    return True


def manifest_of(raw: Raw, spec: DataSpec) -> ModelManifest:
    """A model's that was trained on these data."""
    channels = 1 if raw.features.ndim == 3 and raw.kind == "images" else raw.features.shape[-1]
    return ModelManifest(
        family="mlp",
        kind=raw.kind,
        shape=raw.features.shape[1:],
        class_names=raw.class_names,
        channels=raw.channels,
        mean=(0.0,) * channels,
        std=(1.0,) * channels,
        unequal_lengths=raw.lengths is not None,
        latent_dim=2,
        dropout=0,
        seeds=(0,),
        best_seed=0,
        read_as=options_of(spec, raw.found_out),
        data_digest="d",
        data_name="toy",
    )
