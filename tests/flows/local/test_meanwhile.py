import sys
from pathlib import Path

import pytest

from flows.local import meanwhile
from hw3models.specs import ImagesSpec, SequencesSpec, Spec
from tasks.settings import Settings


@pytest.fixture(autouse=True)
def imported(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of modules that are asked for; the last one cannot be imported."""
    names: list[str] = []

    def note(name: str) -> None:
        names.append(name)
        if name.startswith("aeon"):
            raise ImportError(name)

    monkeypatch.setattr(meanwhile, "import_module", note)
    return names


@pytest.mark.parametrize(("spec", "expected"), [(ImagesSpec(), 1), (SequencesSpec(), 2)])
def test_what_a_study_needs_is_imported_while_the_server_starts(spec: Spec, expected: int, imported: list[str]) -> None:
    meanwhile.prepare_for(spec, lambda: True)
    assert len(imported) == expected
    assert Settings().store.joinpath("mlflow.db").exists()


def test_nothing_is_imported_ahead_once_the_server_is_there(imported: list[str]) -> None:
    meanwhile.prepare_for(SequencesSpec(), lambda: not imported)
    assert imported == ["sklearn.linear_model"]


def test_the_modules_that_are_imported_ahead_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    meanwhile.prepare_for(SequencesSpec(), lambda: True)
    assert {"sklearn.linear_model", "aeon.transformations.collection.convolution_based"} <= set(sys.modules)
