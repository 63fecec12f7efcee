"""Pictures of 16 bits of which fewer are used."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from hw3models.data import fetch, prepare
from hw3models.data.preparation import read_raw
from hw3models.data.readers.image_arrays import eight_bits
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.engine.model_store import stored_manifest
from hw3models.pipeline.steps import train_step
from hw3models.serving.encoded import decoded_examples
from hw3models.serving.predictor import save_use
from hw3models.specs import DataSpec, FormOptions, Recipe, TrainSpec

RNG = np.random.default_rng(0)


def deep(num: int, greatest: int) -> NDArray[np.uint16]:
    values = RNG.integers(0, greatest + 1, (num, 10, 12)).astype(np.uint16)
    values[0, 0, 0] = greatest
    return values


def folder(root: Path, values: NDArray[np.uint16], suffix: str) -> None:
    for number, one in enumerate(values):
        path = root / "ab"[number % 2] / f"{number:02}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(path)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize(("greatest", "bits"), [(1000, 10), (4095, 12), (9000, 14), (40_000, 16)])
def test_the_upper_eight_of_the_bits_that_are_used_are_taken(
    tmp_path: Path, suffix: str, greatest: int, bits: int
) -> None:
    values = deep(8, greatest)
    folder(tmp_path / "scans" / "train", values, suffix)
    folder(tmp_path / "scans" / "test", deep(8, 65_535), suffix)  # says nothing about the scale
    spec = DataSpec(source=str(tmp_path / "scans"))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert raw.pictures is not None
    assert raw.test is not None
    order = [int(Path(name).stem) for name in np.array(raw.pictures.names)[~raw.test]]
    expected = values[order] // 257 if bits == 16 else values[order] // 2 ** (bits - 8)
    np.testing.assert_array_equal(raw.features[~raw.test], expected)
    assert raw.features[raw.test].max() == 255
    assert raw.found_out == {"pixel_bits": bits}
    if bits < 16:
        assert f"of which {bits} are used, as the greatest value is" in " ".join(raw.understood)
    given = spec.model_copy(update={"pixel_bits": 16})
    raw = read_raw(given, fetch(given, cache=tmp_path), cache=tmp_path)
    np.testing.assert_array_equal(raw.features[~raw.test], values[order] // 257)


def test_a_model_takes_the_scale_of_its_training_for_darker_pictures(tmp_path: Path) -> None:
    folder(tmp_path / "scans", deep(40, 4000), ".tif")
    spec = DataSpec(source=str(tmp_path / "scans"))
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    plan = TrainSpec(data=spec, family="mlp", seeds=(0,), device="cpu", recipe=Recipe(epochs=1, hidden=(4,)))
    train_step(plan, data, tmp_path / "trained")
    save_use(tmp_path / "trained", tmp_path / "model")
    manifest = stored_manifest(tmp_path / "model")
    assert manifest.read_as == {"pixel_bits": 12}
    dark = deep(4, 600)
    folder(tmp_path / "dark", dark, ".tif")
    wanted = Wanted("images", (10, 12))
    [block] = read_examples(tmp_path / "dark", wanted, form=FormOptions(pixel_bits=12))
    order = [int(Path(str(name)).stem) for name in block.ids]
    np.testing.assert_array_equal(block.examples, dark[order] // 16)
    import base64

    sent = base64.b64encode((tmp_path / "dark" / "a" / "00.tif").read_bytes()).decode()
    np.testing.assert_array_equal(decoded_examples(np.array([sent]), manifest), dark[:1] // 16)


def test_arrays_and_tables_of_twelve_bits_have_one_scale_for_all_parts(tmp_path: Path) -> None:
    train, test = deep(20, 3000), deep(8, 700)
    labels = np.arange(28) % 2
    np.savez(
        tmp_path / "a.npz", train_images=train, train_labels=labels[:20], test_images=test, test_labels=labels[20:]
    )
    np.save(tmp_path / "b.npy", np.concatenate([train, test])[..., None])
    np.save(tmp_path / "b_labels.npy", labels)
    names = [f"{row}x{at}" for row in range(10) for at in range(12)]
    table = pd.DataFrame(np.concatenate([train, test]).reshape(28, -1), columns=names).assign(label=labels)
    table.to_csv(tmp_path / "c.csv", index=False)
    for name in ("a.npz", "b.npy", "c.csv"):
        spec = DataSpec(source=str(tmp_path / name))
        raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
        np.testing.assert_array_equal(raw.features, np.concatenate([train, test]) // 16)
        assert raw.found_out["pixel_bits"] == 12
        assert "12 bits (the greatest is 3,000) as 8" in " ".join(raw.understood)
    np.testing.assert_array_equal(eight_bits(test, "X", 12)[0], test // 16)
