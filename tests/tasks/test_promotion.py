"""What goes before the gate, and under which name."""

from types import SimpleNamespace
from typing import Any

import pytest

from tasks.promotion import model_name


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        ("images", "mnist", "hw3-images"),
        ("autoencoder", "digits", "hw3-autoencoder"),
        ("images", "My Photos", "hw3-images-my-photos"),
        ("autoencoder", "fashion-mnist", "hw3-autoencoder-fashion-mnist"),
        ("sequences", "gait", "hw3-sequences-gait"),
    ],
)
def test_each_data_set_has_a_registered_model_of_its_own(kind: str, data: str, name: str) -> None:
    answer: Any = SimpleNamespace(kind=kind, data=SimpleNamespace(name=data))
    assert model_name(answer) == name
