"""Data and runs for tests of the tracker."""

from pathlib import Path

import pytest

from hw3models.data.dataset import describe, save
from hw3models.specs import DataReport
from tests.tiny import tiny_dataset


@pytest.fixture
def data(tmp_path: Path) -> DataReport:
    save(tiny_dataset(), tmp_path / "data.npz")
    return describe(tiny_dataset(), tmp_path / "data.npz")
