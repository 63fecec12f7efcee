"""A worker takes a training of foreign code only where it has the same code."""

from pathlib import Path

import pytest

from flows import train as module
from hw3models.data.dataset import describe, save
from hw3models.errors import SpecError
from hw3models.families import enter
from hw3models.specs import TrainJob, TrainSpec
from tests.tiny import tiny_dataset

NET = """
from torch import nn

def net(num_inputs, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(num_inputs, num_classes))
"""


def test_other_code_under_the_same_name_is_refused_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `_prepare` raises is told to the study (`tracking.refuse`), which trains it itself."""
    save(tiny_dataset(), tmp_path / "data.npz")
    monkeypatch.setattr(module, "prepare", lambda _: describe(tiny_dataset(), tmp_path / "data.npz"))
    path = tmp_path / "nets.py"
    path.write_text(NET)
    family = enter("sequences", f"{path}:net")
    job = TrainJob(training=TrainSpec(family=family.name, origin=family.origin))
    assert module._prepare(job).num_train == 120
    path.write_text(NET.replace("nn.Flatten()", "nn.Flatten(1)"))
    monkeypatch.setattr("hw3models.families._outside", {})
    with pytest.raises(SpecError, match=r"net is .*nets\.py:net \(sha256 [0-9a-f]{16}\), but here .* It is other code"):
        module._prepare(job)
    path.unlink()
    with pytest.raises(SpecError, match="which cannot be read"):
        module._prepare(job)
