"""What counts as a private name of a package."""

import ast

import pytest

from benchmarks.private_names import EXCEPTIONS, defined, violations

OWN = {"_plan", "_client"}


def refused(code: str) -> list[str]:
    return [name for _, name in sorted(violations(ast.parse(code), OWN))]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import torch._inductor", "torch._inductor"),
        ("from torch import _fused_adam_", "torch._fused_adam_"),
        ("from prefect._internal.concurrency import api", "prefect._internal.concurrency.api"),
        ("def late():\n    from mlflow.utils import _spark_utils as spark", "mlflow.utils._spark_utils"),
        ("import torch\ntorch._fused_adam_(1)", "torch._fused_adam_"),
        ("import torch.nn.functional as F\nF._pad(1)", "torch.nn.functional._pad"),
        ("from sklearn import linear_model as lm\nlm._base.x", "sklearn.linear_model._base"),
        ("from torch import nn\nnn.Module._call_impl", "torch.nn.Module._call_impl"),
        ("def parts(module):\n    return module._modules", "_modules"),
        ("class Net(Base):\n    def parts(self):\n        return self._forward_hooks", "_forward_hooks"),
        ("def own(module):\n    module._buffers['x'] = 1", "_buffers"),
        ("server = make()\nserver._serve()", "_serve"),
        ("get_client()._http", "_http"),
        ("setattr(module, '_parameters', {})", "_parameters"),
        ("monkeypatch.setattr('uvicorn.server._lock', None)", "uvicorn.server._lock"),
        ("os.environ['PREFECT__SERVER_FINAL'] = '1'", "PREFECT__SERVER_FINAL"),
    ],
)
def test_a_private_name_of_a_package_is_refused(code: str, name: str) -> None:
    assert refused(code) == [name]


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.__version__",
        "import os\nos._exit(1)",
        "from tasks.tracking import store as _store\n_store._connect()",
        "class Mine:\n    def go(self):\n        return self._plan",
        "study = find()\nstudy._client",
        "point._replace(x=1)",
        "from prefect import flow\nflow.__name__",
        "text = 'the word _modules, and prefect._x of a sentence'",
        "os.environ['PREFECT_HOME'] = 'x'",
    ],
)
def test_what_is_public_or_ours_is_not(code: str) -> None:
    assert refused(code) == []


def test_what_a_file_writes_into_another_object_is_not_its_own() -> None:
    code = "class A:\n    def __init__(self):\n        self._mine = 1\n        other._theirs = 2"
    assert {"_mine"} == {name for name in defined(ast.parse(code)) if name.startswith("_") and name != "__init__"}


def test_exceptions_are_few_and_have_reasons() -> None:
    assert len(EXCEPTIONS) <= 3
    assert all(len(reason) > 30 for reason in EXCEPTIONS.values())
