"""A kept model says what it said when it was written, or is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hw3models.data.dataset import describe, save
from hw3models.engine.fitted_store import load_fitted
from hw3models.engine.model_store import load_model, stored_manifest, write_manifest
from hw3models.errors import DataError
from hw3models.pipeline.steps import train_step
from hw3models.serving.predictor import load_predictor, load_seeds, save_use
from hw3models.specs import Recipe, TrainSpec
from tests.hw3models.serving.test_batch import make_predictor
from tests.tiny import tiny_dataset, unsealed

REFUSED = r"model.json: it was changed after it was written: .* the line `digest` out of it"


def change(folder: Path, **changes: Any) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": ["wild", "calm"]},
        {"mean": [0.4, 0.0, -1.0]},
        {"std": [1.0, 2.0, 0.51]},
        {"temperatures": [3.0]},
        {"missing": "interpolate"},
        {"channels": ["c", "b", "a"]},
        {"read_as": {"label_column": "y"}},
        {"digest": "0123456789abcdef"},
        {"digest": None},
    ],
)
def test_a_manifest_that_still_fits_its_tensors_is_refused_where_it_was_changed(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    make_predictor(tmp_path / "model")
    change(tmp_path / "model", **changes)
    with pytest.raises(DataError, match=REFUSED):
        load_predictor(tmp_path / "model")


def test_how_a_manifest_is_laid_out_and_folders_of_earlier_versions_make_no_difference(tmp_path: Path) -> None:
    before = make_predictor(tmp_path / "model").manifest
    path = tmp_path / "model" / "model.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(fields.items())), indent=3))
    assert load_predictor(tmp_path / "model").manifest == before
    path.write_text(json.dumps(unsealed(path) | {"class_names": ["wild", "calm"]}))
    assert load_predictor(tmp_path / "model").manifest.class_names == ("wild", "calm")


@pytest.mark.parametrize("family", ["mlp", "logistic"])
def test_every_reader_of_a_trained_folder_looks(family: str, tmp_path: Path) -> None:
    dataset = tiny_dataset()
    save(dataset, tmp_path / "data.npz")
    report = describe(dataset, tmp_path / "data.npz")
    recipe = Recipe(epochs=1, hidden=(4,)) if family == "mlp" else None
    folder = tmp_path / "trained"
    train_step(TrainSpec(family=family, seeds=(0, 1), recipe=recipe), report, folder)
    readers: list[Callable[[Path], object]] = [
        stored_manifest,
        load_seeds,
        lambda path: save_use(path, tmp_path / "use"),
    ]
    readers += [load_model] if family == "mlp" else [load_fitted]
    (tmp_path / "use").mkdir()
    for read in readers:
        read(folder)
    load_predictor(tmp_path / "use")
    names = tuple(f"new {name}" for name in stored_manifest(folder).class_names)
    write_manifest(folder, stored_manifest(folder).model_copy(update={"class_names": names}))
    assert stored_manifest(folder).class_names == names, "who means it writes the digest anew"
    change(folder, class_names=list(reversed(names)))
    for read in readers:
        with pytest.raises(DataError, match=REFUSED):
            read(folder)
