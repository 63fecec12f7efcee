"""A model folder that does not fit together is refused before anything is predicted, and no answer is nobody's."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from hw3models.engine.model_store import build_from_manifest
from hw3models.errors import DataError
from hw3models.serving.batch import score_file
from hw3models.serving.predictor import Predictor, load_predictor
from hw3models.specs.model import ModelManifest
from tests.hw3models.serving.test_batch import CHANNELS, STEPS, examples, long_form, make_predictor
from tests.tiny import unsealed

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"std": [1, 0, 1]}, "`std.1`: Input should be greater than 0"),
        ({"std": [1, -2, 1]}, "`std.1`: Input should be greater than 0"),
        ({"std": [1, NAN, 1]}, "`std.1`: Input should be (greater than 0|a finite number)"),
        ({"mean": [0, INF, 0]}, "`mean.1`: Input should be a finite number"),
        ({"mean": [0, 0]}, "`mean` has 2 numbers for 3 channels"),
        ({"std": [1]}, "`std` has 1 numbers for 3 channels"),
        ({"std": [1] * STEPS}, "`std` has 12 numbers for 3 channels"),
        ({"class_names": ["a", "a"]}, "`class_names` names one twice: a, a"),
        ({"class_names": []}, "`class_names` is empty"),
        ({"class_names": ["a", "b", "c"]}, r"is \(2.*but by the manifest it is \(3"),
        ({"channels": ["x", "y"]}, "`channels` has 2 names for 3 channels"),
        ({"channels": ["x", "y", "x"]}, "`channels` names one twice: x, y, x"),
        ({"dropout": 5}, "`dropout`: Input should be less than 1"),
        ({"dropout": -0.1}, "`dropout`: Input should be greater than or equal to 0"),
        ({"shape": [STEPS, 0]}, "`shape.1`: Input should be greater than or equal to 1"),
        ({"shape": [STEPS]}, "`shape`: Tuple should have at least 2 items"),
        ({"shape": [10**9, CHANNELS]}, "but by the manifest it is "),
        ({"seeds": [0, 0]}, "`seeds` names one twice"),
        ({"best_seed": 4}, "`best_seed` 4 is not one of `seeds`"),
        ({"kind": "images"}, "`mean` has 3 numbers for 1 channels; `std` has 3 numbers for 1 channels"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    make_predictor(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(unsealed(path) | changes))
    with pytest.raises(DataError, match=rf"model: not a whole model \(.*{message}"):
        load_predictor(tmp_path / "model")


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_parameters_that_are_not_finite_are_refused_by_name(value: float, tmp_path: Path) -> None:
    make_predictor(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    for name in safetensors.torch.load_file(path):
        tensors = safetensors.torch.load_file(path)
        tensors[name].view(-1)[-1] = value
        (tmp_path / name).mkdir()
        safetensors.torch.save_file(tensors, tmp_path / name / "model.safetensors")
        (tmp_path / name / "model.json").write_bytes((tmp_path / "model" / "model.json").read_bytes())
        with pytest.raises(DataError, match=f"not a whole model .`{name}` holds numbers that are not finite"):
            load_predictor(tmp_path / name)


def test_parameters_of_another_module_are_refused_by_name(tmp_path: Path) -> None:
    make_predictor(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    name, tensor = next(iter(tensors.items()))
    safetensors.torch.save_file({other: value for other, value in tensors.items() if other != name}, path)
    with pytest.raises(DataError, match=f"`{name}` is missing, but by the manifest it is "):
        load_predictor(tmp_path / "model")
    safetensors.torch.save_file(tensors | {name: tensor[:1].clone()}, path)
    with pytest.raises(DataError, match=rf"`{name}` is \(1.*, but by the manifest it is "):
        load_predictor(tmp_path / "model")


def test_an_example_without_an_answer_is_named_and_not_given_the_first_class(tmp_path: Path) -> None:
    predictor = make_predictor(tmp_path / "model")
    values = examples(5)
    values[3] = 3e38 * np.sign(values[3])
    with pytest.raises(DataError, match="the model has no answer for example 3: its probabilities are not finite"):
        predictor.predict(values)
    long_form(values).to_csv(tmp_path / "far.csv", index=False)
    with pytest.raises(DataError, match=r"far\.csv.*the model has no answer for example 3"):
        score_file(predictor, tmp_path / "far.csv", tmp_path / "out.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far.csv", "model"]


def colour_predictor(directory: Path) -> Predictor:
    """An MLP of colour pictures of 6 x 8."""
    manifest = ModelManifest(
        family="mlp", kind="images", shape=(6, 8, 3), class_names=("ant", "bee"), mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.4), unequal_lengths=False, latent_dim=1, dropout=0, seeds=(0,), best_seed=0,
        data_digest="d", data_name="n", image_fit="crop",
    )  # fmt: skip
    torch.manual_seed(0)
    return Predictor.of_network(manifest, build_from_manifest(manifest))


def sent(image: Image.Image, form: str = "PNG") -> str:
    out = io.BytesIO()
    image.save(out, form)
    return base64.b64encode(out.getvalue()).decode()


def test_pictures_in_base64_are_answered_as_their_pixels_are(tmp_path: Path) -> None:
    predictor = colour_predictor(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    wanted = predictor.predict(pixels)["probabilities"]
    texts = [sent(Image.fromarray(one)) for one in pixels]
    for form in (texts, [[text] for text in texts], [f"data:image/png;base64,{text}" for text in texts]):
        np.testing.assert_allclose(predictor.predict(np.array(form))["probabilities"], wanted, atol=1e-6)
    boxed = np.array([{"b64": text} for text in texts], dtype=object)
    np.testing.assert_allclose(predictor.predict(boxed)["probabilities"], wanted, atol=1e-6)


def test_a_picture_of_another_size_is_brought_to_the_models_as_in_training(tmp_path: Path) -> None:
    predictor = colour_predictor(tmp_path)
    wide = np.zeros((12, 48, 3), np.uint8)
    wide[:, 16:32] = 200  # what `crop` keeps
    middle = np.full((1, 6, 8, 3), 200, np.uint8)
    [[first], [second]] = (
        predictor.predict(one)["probabilities"] for one in (np.array([sent(Image.fromarray(wide))]), middle)
    )
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_text_that_is_no_picture_is_refused_by_its_number(tmp_path: Path) -> None:
    predictor = colour_predictor(tmp_path)
    good = sent(Image.new("RGB", (8, 6)))
    with pytest.raises(DataError, match="example 1 is not base64"):
        predictor.predict(np.array([good, "?"]))
    with pytest.raises(DataError, match="'example 1' is no picture: it begins with b'hello'"):
        predictor.predict(np.array([good, base64.b64encode(b"hello").decode()]))
    with pytest.raises(DataError, match="examples must be numbers"):
        make_predictor(tmp_path / "model").predict(np.array([good]))
