"""An exported file says what our own prediction says, of every family, and is asked without hw3 and without torch."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hw3models.data.dataset import Dataset, describe, save
from hw3models.errors import SpecError, TrainingError
from hw3models.families import FAMILIES, Network
from hw3models.pipeline.steps import train_step
from hw3models.serving import export as exporting
from hw3models.serving.export import MaxOfParts, Whole, drawn, export
from hw3models.serving.predictor import Predictor, load_predictor, save_use
from hw3models.specs import Recipe, TrainSpec
from tests.tiny import tiny_dataset

pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
ROOT = Path(__file__).resolve().parents[3]
EVERY = [
    (kind, name, unequal)
    for kind in ("images", "sequences")
    for unequal in ((False, True) if kind == "sequences" else (False,))
    for name, family in FAMILIES[kind].items()  # type: ignore[index]
    if isinstance(family, Network)
]


def trained(folder: Path, dataset: Dataset, family: str, members: int = 1) -> Predictor:
    save(dataset, folder / "data.npz")
    spec = TrainSpec(family=family, seeds=(0, 1), recipe=Recipe(epochs=1, batch_size=32))
    train_step(spec, describe(dataset, folder / "data.npz"), folder / "model")
    save_use(folder / "model", folder / "used", members)
    return load_predictor(folder / "used")


@pytest.fixture(scope="module")
def of_images(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """One network for what is not about the network."""
    return trained(tmp_path_factory.mktemp("images"), tiny_dataset("images"), "mlp")


def asked_alone(file: Path, examples: Any) -> list[str]:
    """What the client of the page says, in a process that can import neither torch nor hw3."""
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.DOTALL)
    np.save(file.parent / "x.npy", examples)
    (file.parent / "model.onnx").exists() or file.rename(file.parent / "model.onnx")
    blocked = "import sys\nfor one in ('torch', 'hw3models', 'tasks', 'flows'):\n    sys.modules[one] = None\n"
    command = [sys.executable, "-c", f"{blocked}{code}", "x.npy"]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()


def test_an_ensemble_of_series_that_end_early_is_asked_without_torch(tmp_path: Path) -> None:
    predictor = trained(tmp_path, tiny_dataset(unequal=True, num=400), "mlp", 2)
    assert predictor.manifest.temperatures
    made = export(predictor, tmp_path / "model.onnx")
    assert made.difference < 1e-5
    assert made.num_bytes == (tmp_path / "model.onnx").stat().st_size
    examples = drawn(predictor, 7)
    assert np.isnan(examples).any()
    ours = predictor.predict(examples)["probabilities"]
    lines = [line.split() for line in asked_alone(tmp_path / "model.onnx", examples)]
    assert [name for name, _ in lines] == [predictor.manifest.class_names[k] for k in ours.argmax(1)]
    np.testing.assert_allclose([float(number) for _, number in lines], ours.max(1), atol=1e-5)


def test_torch_loads_the_other_file_with_everything_that_the_manifest_says(
    of_images: Predictor, tmp_path: Path
) -> None:
    export(of_images, tmp_path / "model.pt2")
    extra = {"model.json": ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=extra)
    assert json.loads(extra["model.json"])["class_names"] == ["a", "b", "c"]
    examples = drawn(of_images, 5)
    with torch.no_grad():
        [said] = program.module()(torch.from_numpy(examples))
    np.testing.assert_allclose(said.numpy(), of_images.predict(examples)["probabilities"], atol=1e-6)


def test_what_says_something_else_is_not_written(
    of_images: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Whole.forward
    monkeypatch.setattr(Whole, "forward", lambda self, x: tuple(1.001 * one for one in forward(self, x)))
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(TrainingError, match=r"differs from our own prediction by 0\.00"):
        export(of_images, tmp_path / "model.pt2")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_cannot_be_asked_about_many_is_not_written(
    of_images: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Whole.forward

    def of_two(self: Whole, x: Any) -> Any:
        return tuple(one[:2] + 0 * one.new_zeros(2, 1) for one in forward(self, x.reshape(2, *x.shape[1:])))

    monkeypatch.setattr(Whole, "forward", of_two)
    with pytest.raises(TrainingError, match=r"mlp cannot be (exported|asked about 1000 examples) \("):
        export(of_images, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(dataset := tiny_dataset(), tmp_path / "data.npz")
    data = describe(dataset, tmp_path / "data.npz")
    train_step(TrainSpec(family="logistic", seeds=(0,)), data, tmp_path / "model")
    save_use(tmp_path / "model", tmp_path / "used")
    predictor = load_predictor(tmp_path / "used")
    with pytest.raises(SpecError, match="logistic is not a network, and only networks are exported"):
        export(predictor, tmp_path / "model.onnx")
    with pytest.raises(SpecError, match=r"export to a \.onnx or \.pt2 file"):
        export(predictor, tmp_path / "model.h5")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpecError, match=r"ONNX needs onnx, onnxruntime, onnxscript, not installed here"):
        exporting.check_installed()


@pytest.mark.parametrize("size", [3, (2, 5), (None, 1), 7])
def test_the_maximum_of_parts_is_torchs_adaptive_pooling(size: Any) -> None:
    x = torch.randn(2, 3, 7, 9)
    pair = (size, size) if isinstance(size, int) else size
    assert torch.equal(MaxOfParts(pair)(x), torch.nn.AdaptiveMaxPool2d(size)(x))


@pytest.mark.servers
@pytest.mark.parametrize(("kind", "family", "unequal"), EVERY)
def test_every_family_says_the_same_in_both_files(kind: Any, family: str, unequal: bool, tmp_path: Path) -> None:
    predictor = trained(tmp_path, tiny_dataset(kind, unequal=unequal, num=400), family)
    for suffix in (".onnx", ".pt2"):
        assert export(predictor, tmp_path / f"model{suffix}").difference < 1e-4
