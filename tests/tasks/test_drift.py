"""What a look for drift compares: groups as the training data named them, and predictions that were not learnt."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw3models.data import fetch, load_prepared, prepare
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError
from hw3models.evaluation.prediction_table import load_table
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.serving.predictor import load_predictor, save_predictor
from hw3models.specs import DataReport, DataSpec, DriftReport, DriftSpec, TrainSpec
from tasks.drift import look_for_drift
from tasks.tracking.finding import FamilyRun
from tests.tiny import quick_recipe

SUBJECTS, WINDOWS, STEPS = 30, 8, 5


def series(rng: np.random.Generator, subjects: int, first: int = 0) -> list[tuple[str, np.ndarray, str]]:
    """(subject, values, label): a level of the subject's own, and a label for one in four that nothing shows."""
    found = []
    for subject in range(first, first + subjects):
        level = rng.normal()
        for _ in range(WINDOWS):
            label = "rare" if rng.random() < 0.25 else "usual"
            found.append((f"p{subject:02d}", level + 0.3 * rng.normal(size=STEPS), label))
    return found


def table(path: Path, rows: list[tuple[str, np.ndarray, str]], columns: tuple[str, ...]) -> str:
    """Long form, with these of the columns `subject` and `label`."""
    lines = [",".join(("sample", "time", "x", *columns))]
    for number, (subject, values, label) in enumerate(rows):
        more = {"subject": subject, "label": label}
        lines += [
            ",".join((f"s{number}", str(t), f"{x:.6f}", *(more[c] for c in columns))) for t, x in enumerate(values)
        ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HW3_CACHE", str(tmp_path / "cache"))
    return tmp_path


def trained(home: Path, group_column: str | None = None) -> tuple[FamilyRun, DataReport]:
    """A network that learns its training labels by heart."""
    rows = series(np.random.default_rng(0), SUBJECTS)
    columns = ("subject", "label") if group_column else ("label",)
    data = DataSpec(source=table(home / "old.csv", rows, columns), group_column=group_column)
    report = prepare(data, fetch(data, cache=home / "cache"), cache=home / "cache")
    recipe = quick_recipe(epochs=60, batch_size=16, learning_rate=1e-2, weight_decay=0.0)
    spec = TrainSpec(data=data, family="mlp", seeds=(0,), recipe=recipe, device="cpu")
    training = train_step(spec, report, home / "mlp")
    return FamilyRun("0" * 32, spec, training, evaluate_step(training, report), None), report


def look(run: FamilyRun, data: DataReport, **new: Any) -> DriftReport:
    return look_for_drift.fn(DriftSpec(reference="0" * 32, new=DataSpec(**new)), run, data)


def test_the_column_of_the_groups_is_remembered_and_new_people_are_no_drift(home: Path) -> None:
    run, data = trained(home, group_column="subject")
    rng = np.random.default_rng(1)
    alarms = []
    for number in range(3):
        path = table(home / f"new{number}.csv", series(rng, 14, 50), ("subject", "label") if number else ("subject",))
        report = look(run, data, source=path)
        assert report.num_groups == (data.num_groups - data.num_test_groups, 14)
        assert all("groups permuted" in test.test for test in report.tests)
        alarms.append(report.drifted)
    assert not all(alarms), "one in twenty looks may be one"
    without = table(home / "without.csv", series(rng, 14, 50), ())
    with pytest.raises(
        DataError, match=r"column 'subject' \(`group_column`\) is missing; the table has sample, time, x"
    ):
        look(run, data, source=without)
    np.savez(home / "new.npz", X=rng.normal(size=(40, STEPS, 1)).astype(np.float32))
    with pytest.raises(DataError, match=r"the model's training data say of which groups .*, and these data do not"):
        look(run, data, source=str(home / "new.npz"))


def test_classes_that_the_model_says_are_compared_with_those_of_examples_that_it_has_not_met(home: Path) -> None:
    run, data = trained(home)
    rows = series(np.random.default_rng(2), 20, 50)
    report = look(run, data, source=table(home / "new.csv", rows, ()))
    [shares] = [test for test in report.tests if test.what == "shares of the classes (predicted)"]
    before = load_table(Path(run.evaluation.table_path)).probabilities
    assert before is not None
    manifest, states = load_model(Path(run.training.directory))
    save_predictor(home / "one", manifest, states, 0)
    predictor = load_predictor(home / "one")
    now = predictor.predict(np.array([values for _, values, _ in rows], np.float32)[..., None])["probabilities"]
    moved = np.abs(_shares(before[0]) - _shares(now)).sum() / 2
    assert shares.effect == pytest.approx(moved)
    # Training examples would have told another story.
    dataset = load_prepared(data)
    known = predictor.predict(dataset.features[np.concatenate([dataset.train, dataset.validation])])["probabilities"]
    assert np.abs(_shares(known) - _shares(before[0])).max() > 0.01


def _shares(probabilities: np.ndarray) -> np.ndarray:
    return np.bincount(probabilities.argmax(1), minlength=2) / len(probabilities)


def test_groups_on_the_new_side_alone_are_refused(home: Path) -> None:
    run, data = trained(home)
    path = table(home / "new.csv", series(np.random.default_rng(3), 14, 50), ("subject",))
    with pytest.raises(DataError, match=r"these data say of which groups .*, and the model's training data do not"):
        look(run, data, source=path, group_column="subject")
