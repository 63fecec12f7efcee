"""What tests of the helper share."""

from collections.abc import Iterator

import pytest

from hw3models.data.dataset import describe, save
from hw3models.pipeline.steps import train_step
from hw3models.specs import DataReport, TrainReport, TrainSpec
from tests.tiny import quick_recipe, tiny_dataset


@pytest.fixture(scope="module", autouse=True)
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One home for all tests: a helper takes seconds to import everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HW3_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataReport:
    path = tmp_path_factory.mktemp("data") / "data.npz"
    save(tiny_dataset(), path)
    return describe(tiny_dataset(), path)


@pytest.fixture(scope="module")
def training(data: DataReport, tmp_path_factory: pytest.TempPathFactory) -> TrainReport:
    spec = TrainSpec(family="gru", seeds=(0, 1), recipe=quick_recipe())
    return train_step(spec, data, tmp_path_factory.mktemp("model") / "gru")
