"""A study at growing sizes, and what it says of a larger one: real trainings, each size once."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import flows.cli.studies
from flows import learning_curve as module
from flows.learning_curve import learning_curve
from hw3models.data import fetch, load_prepared, prepare
from hw3models.specs import (
    DataOptions,
    DataReport,
    DataSpec,
    LearningCurveReport,
    LearningCurveSpec,
    RunReport,
    SequencesSpec,
)
from tests.hw3models.evaluation.test_growth import answer


@pytest.mark.usefixtures("prefect", "store")
@pytest.mark.slow
def test_sizes_are_nested_halves_and_the_forecast_is_said_and_a_second_call_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = DataSpec(source="regime:locked", num_train=200, num_test=200)
    study = SequencesSpec(data=data, families=("logistic", "majority"), seeds=1)
    runs: list[RunReport] = []

    def until(num: float) -> None:
        def one(spec: SequencesSpec) -> RunReport:
            if len(runs) >= num:
                raise KeyboardInterrupt
            runs.append(module_sequences(spec))
            return runs[-1]

        monkeypatch.setattr(module, "sequences", one)

    module_sequences = module.sequences
    until(2)
    with pytest.raises(KeyboardInterrupt):
        learning_curve(LearningCurveSpec(sequences=study))
    before, runs[:] = list(runs), []
    until(np.inf)
    report = learning_curve(LearningCurveSpec(sequences=study))
    assert [one.answers[0].run_ids for one in runs[:2]] == [one.answers[0].run_ids for one in before], "not done again"
    assert [one.answers[0].run_ids for one in runs[2:]] != [one.answers[0].run_ids for one in before]
    assert report.sizes == (25, 50, 100, 200)
    logistic = report.families["logistic"]
    assert [len(one.accuracy) for one in report.families.values()] == [4, 4]
    assert logistic.low <= logistic.expected <= logistic.high
    assert "logistic: with twice the data expect" in report.verdict
    assert "logistic would lead." in report.verdict


class _Studies:
    """Studies whose data are really prepared and whose scores are made up: nothing is trained."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.asked: list[SequencesSpec] = []
        self.data: list[DataReport] = []

    def __call__(self, spec: SequencesSpec) -> SimpleNamespace:
        self.asked.append(spec)
        self.data.append(prepare(spec.data, fetch(spec.data, cache=self.cache), cache=self.cache))
        size = self.data[-1].num_train + self.data[-1].num_validation
        one = answer(size, {"gru": 1 - 4 / size}).model_copy(update={"data": self.data[-1], "training": {"gru": None}})
        return SimpleNamespace(answers=(one,))


def curve(study: SequencesSpec, cache: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LearningCurveReport, _Studies]:
    studies = _Studies(cache)
    monkeypatch.setattr(module, "sequences", studies)
    monkeypatch.setattr(module, "say", lambda _: None)
    return learning_curve.fn(LearningCurveSpec(sequences=study)), studies


def of_people(path: Path, people: int, each: int = 6) -> DataSpec:
    """Series of each person, all of one class."""
    num = people * each
    table = {
        "sample": np.repeat(np.arange(num), 5),
        "time": np.tile(np.arange(5), num),
        "x": np.random.default_rng(0).normal(size=num * 5).round(3),
        "label": np.repeat(np.array(["a", "b", "c"])[np.arange(num) // each % 3], 5),
        "person": np.repeat(np.arange(num) // each, 5),
    }
    pd.DataFrame(table).to_csv(path, index=False)
    return DataSpec(source=str(path), group_column="person")


def test_sizes_are_whole_groups_nested_and_on_one_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = SequencesSpec(data=of_people(tmp_path / "mine.csv", 80))
    report, studies = curve(study, tmp_path, monkeypatch)
    assert (report.by_groups, report.sizes) == (True, (8, 15, 30, 60))
    assert report.verdict.startswith("gru: with twice the groups (120 instead of 60) expect ")
    assert report.verdict.endswith("Sizes are numbers of whole groups: more examples of the same groups may help less.")
    pools = []
    for one in studies.data:
        dataset = load_prepared(one)
        assert dataset.groups is not None
        names = np.array(dataset.group_names)
        parts = [set(names[dataset.groups[rows]]) for rows in (dataset.train, dataset.validation, dataset.test)]
        assert not (parts[0] & parts[1]) | (parts[0] & parts[2]) | (parts[1] & parts[2])
        assert len(dataset.labels) == 6 * sum(map(len, parts)), "groups are whole"
        pools.append(parts[0] | parts[1])
    assert [len(one) for one in pools] == [60, 30, 15, 8]
    assert all(small < large for large, small in pairwise(pools))


def test_of_few_groups_examples_are_drawn_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = SequencesSpec(data=of_people(tmp_path / "mine.csv", 12, each=24))
    report, studies = curve(study, tmp_path, monkeypatch)
    assert not report.by_groups
    asked = [one.data.max_train for one in studies.asked]
    assert None in asked, "the whole"
    assert set(report.sizes[:-1]) <= set(asked)
    assert "Examples were drawn, not groups" in report.verdict


def test_a_budget_is_of_all_sizes_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = SequencesSpec(data=of_people(tmp_path / "mine.csv", 40), budget="20m")
    _, studies = curve(study, tmp_path, monkeypatch)
    first, *rest = studies.asked
    assert first.budget == "640.000s", "the whole has one of 1.875 parts"
    assert {(one.budget, one.families) for one in rest} == {(None, ("gru",))}, "what the budget has left"


def test_a_learning_curve_is_of_one_study() -> None:
    with pytest.raises(ValueError, match="give one of `images` and `sequences`"):
        LearningCurveSpec()


def test_the_command_asks_what_data_are_in_the_form_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stopped(load: object, spec: LearningCurveSpec, **_: object) -> None:
        asked.append(spec)
        raise SystemExit(0)

    monkeypatch.setattr("flows.local.run.run_here", stopped)
    rows = [[i % 2, *(i + j for j in range(8 * 9))] for i in range(20)]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", header=False, index=False)
    for layout in ("auto", "pixels"):
        with pytest.raises(SystemExit):
            flows.cli.studies.learning_curve(str(tmp_path / "t.csv"), data=DataOptions(layout=layout))
    assert [one.images is None for one in asked] == [True, False]
