"""What we wrote ourselves, damaged: checkpoints, journals, models, reports. Never believed, never executed."""

import itertools
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hw3models.engine.checkpoints import Checkpoints, Saved
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError
from hw3models.evaluation.prediction_table import load_table
from hw3models.specs import DataSpec, Hw3Spec, ImagesSpec, RunReport, SequencesSpec, Spec, TrainJob
from tasks.tracking.journal.events import Facts, Points, decode, encode
from tests.fuzz.bounds import bounded, refused_or
from tests.fuzz.mutations import mutated
from tests.report_fixtures import run_report

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def checkpoint_files() -> list[tuple[str, bytes]]:
    with tempfile.TemporaryDirectory() as made:
        checkpoints = Checkpoints(Path(made), "key")
        for epoch in (1, 2):
            checkpoints.save(Saved(epoch, {"w": torch.arange(6.0) * epoch}, {"step": epoch}))
        return [(path.name, path.read_bytes()) for path in sorted(Path(made).iterdir())]


FIRST, SECOND = checkpoint_files()


@given(mutated(SECOND[1]))
def test_a_damaged_checkpoint_gives_the_one_before_it(folder: Path, content: bytes) -> None:
    place = folder / f"c{next(NUMBERS)}"
    place.mkdir()
    (place / FIRST[0]).write_bytes(FIRST[1])
    (place / SECOND[0]).write_bytes(content)
    with bounded():
        found = Checkpoints(place, "key").newest()
    assert found is not None
    assert found.epoch == (2 if content == SECOND[1] else 1)


LINE = encode(Points(points=(("loss", 0.25, 1, 2), ("loss", 0.5, 3, 4)), new_run=False))


@given(st.one_of(mutated(LINE), st.binary(max_size=200), mutated(encode(Facts(tags={"a": "b"})))))
def test_a_damaged_journal_line_is_refused_or_what_was_written(content: bytes) -> None:
    with bounded(), suppress(DataError):
        assert decode(content) in (decode(LINE), Facts(tags={"a": "b"}))


@pytest.fixture(scope="module")
def model(folder: Path) -> dict[str, bytes]:
    from hw3models.data.dataset import describe, save
    from hw3models.pipeline.steps import evaluate_step, train_step
    from hw3models.specs import Recipe, TrainSpec
    from tests.tiny import tiny_dataset

    data = tiny_dataset()
    save(data, folder / "data.npz")
    report = describe(data, folder / "data.npz")
    spec = TrainSpec(family="mlp", seeds=(0, 1), recipe=Recipe(epochs=1, hidden=(4,)))
    training = train_step(spec, report, folder / "model")
    evaluate_step(training, report)
    return {path.name: path.read_bytes() for path in (folder / "model").iterdir() if path.is_file()}


@given(st.data())
def test_a_damaged_model_folder_is_refused_or_read(folder: Path, model: dict[str, bytes], data: st.DataObject) -> None:
    place = folder / f"m{next(NUMBERS)}"
    place.mkdir()
    name = data.draw(st.sampled_from(["model.json", "replicates.safetensors", "predictions.npz"]))
    for other, content in model.items():
        (place / other).write_bytes(data.draw(mutated(content)) if other == name else content)
    refused_or(lambda: load_model(place))
    refused_or(lambda: load_table(place / "predictions.npz"))


SPECS: list[Spec] = [SequencesSpec(), ImagesSpec(), Hw3Spec(), TrainJob(), DataSpec()]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


@given(st.sampled_from(SPECS), st.data())
def test_specs_with_any_values_are_refused_or_complete(spec: Spec, data: st.DataObject) -> None:
    fields = spec.model_dump(mode="json")
    for name in data.draw(st.lists(st.sampled_from([*fields, "unknown"]), max_size=3)):
        fields[name] = data.draw(VALUES)
    with bounded(), suppress(ValueError):
        read = type(spec).model_validate(fields)
        assert type(spec).model_validate_json(read.model_dump_json()) == read
        assert len(read.fingerprint()) == 16


@given(mutated(SequencesSpec().model_dump_json().encode()))
def test_damaged_spec_json_is_refused_or_read(content: bytes) -> None:
    refused_or(lambda: SequencesSpec.model_validate_json(content))


@pytest.fixture(scope="module")
def report(folder: Path) -> bytes:
    return run_report(folder).model_dump_json().encode()


@given(st.data())
def test_a_damaged_run_file_is_refused_or_read(folder: Path, report: bytes, data: st.DataObject) -> None:
    from flows.studies.pages import rewrite

    path = folder / f"run{next(NUMBERS)}.json"
    path.write_bytes(data.draw(mutated(report)))
    with bounded():
        try:
            RunReport.model_validate_json(path.read_bytes())
        except ValueError:
            with pytest.raises((DataError, ValueError), match=path.name):
                rewrite(path, folder / "page.html")


def test_the_run_file_is_read_when_nothing_is_changed(report: bytes) -> None:
    assert RunReport.model_validate(json.loads(report))
