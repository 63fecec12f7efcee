"""A champion behind `mlflow models serve`: offline, with our own checks, and by plain torch."""

import base64
import io
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.serving import served
from tests.servers import clean_environment

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SMALL = ("--seeds", "3", "--epochs", "5", "--families", "mlp,majority")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home with two champions."""
    home = tmp_path_factory.mktemp("home")
    found = clean_environment(HW3_HOME=str(home), HW3_CACHE=str(home / "cache"), PYTHONPATH=str(ROOT))
    found["PATH"] = f"{BIN}:{found['PATH']}"
    for arguments in (
        ("sequences", "regime:locked", "--num-train", "300", "--num-test", "300", *SMALL),
        ("promote",),
        ("images", "digits", *SMALL),
        ("promote",),
    ):
        command = [sys.executable, "-m", "flows.cli", *arguments]
        subprocess.run(command, env=found, check=True, capture_output=True, cwd=home, timeout=200)
    return found | {"MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow/store/mlflow.db"}


@pytest.fixture(scope="module")
def port(environment: dict[str, str]) -> Iterator[int]:
    with served("models:/hw3-sequences-locked@champion", environment) as found:
        yield found


def ask(port: int, body: object) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_answers_are_those_of_hw3_predict(port: int, environment: dict[str, str], tmp_path: Path) -> None:
    import pandas as pd

    examples = np.random.default_rng(1).normal(size=(5, 50, 8)).astype(np.float32)
    status, answer = ask(port, {"inputs": examples.tolist()})
    assert status == 200
    np.save(tmp_path / "x.npy", examples)
    subprocess.run(
        [sys.executable, "-m", "flows.cli", "predict", str(tmp_path / "x.npy"), "--model",
         "hw3-sequences-locked@champion", "-o", str(tmp_path / "o.parquet")],
        env=environment, check=True, timeout=100,
    )  # fmt: skip
    ours = pd.read_parquet(tmp_path / "o.parquet")[["p_0", "p_1"]]
    np.testing.assert_allclose(answer["predictions"]["probabilities"], ours, atol=1e-5)


def spoilt(value: object) -> dict[str, Any]:
    examples: list[Any] = np.zeros((1, 50, 8)).tolist()
    examples[0][3][2] = value
    return {"inputs": examples}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"inputs": np.zeros((1, 50, 7)).tolist()}, r"incompatible with|\(1, 50, 7\)|shape"),
        (spoilt(None), r"examples must be finite, got nan at \(0, 3, 2\)"),
        (spoilt(1e300), r"examples must be finite, got inf at \(0, 3, 2\)"),
        (spoilt("a"), "could not convert string to float"),
        ({"inputs": []}, "tensor|schema"),
        ({}, "exactly one of the input fields"),
        (b"{nonsense", "valid JSON"),
    ],
)
def test_bad_input_is_a_400_with_a_message(port: int, body: object, message: str) -> None:
    status, answer = ask(port, body)
    assert status == 400
    assert re.search(message, answer["message"]), answer["message"][-500:]


def test_pictures_in_base64_are_answered_as_their_pixels_are(environment: dict[str, str]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    texts = []
    for one in pixels:
        out = io.BytesIO()
        Image.fromarray(one).save(out, "PNG")
        texts.append(base64.b64encode(out.getvalue()).decode())
    with served("models:/hw3-images@champion", environment) as port:
        status, wanted = ask(port, {"inputs": pixels.tolist()})
        assert status == 200, wanted
        for inputs in (texts, [[text] for text in texts], [f"data:image/png;base64,{text}" for text in texts]):
            status, answer = ask(port, {"inputs": inputs})
            assert status == 200, answer
            ours, theirs = (one["predictions"]["probabilities"] for one in (answer, wanted))
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
        status, answer = ask(port, {"inputs": [texts[0], "?"]})
        assert (status, "example 1 is not base64" in answer["message"]) == (400, True), answer
        status, answer = ask(port, {"inputs": [texts[0], base64.b64encode(b"hello").decode()]})
        assert (status, "'example 1' is no picture" in answer["message"]) == (400, True), answer


def test_a_version_opens_with_plain_torch_as_the_docs_say(environment: dict[str, str], tmp_path: Path) -> None:
    text = (ROOT / "docs" / "serving.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "mlflow artifacts download -u models:/hw3-images@champion" in text
    command = ["mlflow", "artifacts", "download", "-u", "models:/hw3-images@champion", "-d", str(tmp_path / "got")]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=100)
    [weights] = (tmp_path / "got").rglob("model.safetensors")
    (tmp_path / "model").symlink_to(weights.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() in {str(digit) for digit in range(10)}
