"""Which families are compared where nobody says, and what fits into a budget."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hw3models.data.dataset import describe, save
from hw3models.errors import SpecError
from hw3models.objectives import CLASSIFICATION
from hw3models.pipeline import defaults
from hw3models.pipeline.defaults import fitting_entries
from hw3models.pipeline.study import default_families
from hw3models.specs import DataReport, SequencesSpec
from tests.tiny import tiny_dataset

DEFAULT = default_families("sequences", CLASSIFICATION)


@pytest.fixture
def data(tmp_path: Path) -> DataReport:
    dataset = tiny_dataset()
    save(dataset, tmp_path / "data.npz")
    return describe(dataset, tmp_path / "data.npz")


def fitting(data: DataReport, entries: tuple[str, ...] = DEFAULT, **options: Any) -> defaults.Chosen:
    return fitting_entries(entries, data, SequencesSpec.model_validate(options), CLASSIFICATION)


def test_the_ensemble_of_the_cheap_network_stands_in_the_default_where_there_are_seeds_for_it(
    data: DataReport,
) -> None:
    chosen = fitting(data)
    assert chosen.entries == (
        "mlp", "cnn", "lstm", "gru", "lite", "lite*5", "majority", "logistic", "rocket",
    )  # fmt: skip
    assert chosen.notes == (
        "Not compared, for what they cost: Inception, ResNet, FCN, TCN and Transformer. Name them, or give a `budget`.",
    )
    assert "lite*5" not in fitting(data, seeds=4).entries
    assert "lite*5" not in fitting(data, resampling="training").entries
    assert "lite*5" not in fitting(data, until_decided=True).entries


def test_minirocket_stands_for_rocket_where_that_would_take_long_and_this_is_said(data: DataReport) -> None:
    large = data.model_copy(update={"num_train": 10_000})
    chosen = fitting(large)
    assert "rocket" not in chosen.entries
    assert "minirocket" in chosen.entries
    assert (
        "MiniROCKET stands for ROCKET, whose 10,000 kernels would take about 2 min on 202,400 time steps"
        in (chosen.notes[0])
    )
    named = fitting(large, ("cnn", "rocket"), families=("cnn", "rocket"))
    assert named == (("cnn", "rocket"), ())


def test_a_budget_takes_what_fits_whole_and_says_what_does_not(
    data: DataReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = {"cnn": 10, "lite": 20, "inception": 200, "resnet": 100, "gru": 30, "mlp": 1}
    monkeypatch.setattr(defaults, "estimated_seconds", lambda family, *_: costs.get(family.name, 40))
    chosen = fitting(data, budget="2m")
    # 1.2 times as long, one after another, in the order of what answers best: 12 + 24 + 36 + 1.2, and 48 + ... no more.
    assert chosen.entries == ("cnn", "lite", "lite*5", "gru", "mlp", "majority", "logistic", "rocket")
    assert chosen.notes[0] == "Training was estimated at 76 s of the budget of 2m."
    assert chosen.notes[1].startswith(
        "Left out, for they would not have fitted: Inception (about 4 min), ResNet (about 2"
    )
    everything = fitting(data, budget="1h")
    assert {"inception", "resnet", "fcn", "tcn", "transformer"} < set(everything.entries)
    assert len(everything.notes) == 1


def test_a_budget_leaves_out_what_was_named_and_does_not_fit(data: DataReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defaults, "estimated_seconds", lambda family, *_: 100 if family.name == "gru" else 10)
    chosen = fitting(data, ("gru", "cnn*5", "majority"), families=("gru", "cnn*5", "majority"), budget="30s")
    assert chosen.entries == ("cnn*5", "majority")
    assert "GRU (about 2 min)" in chosen.notes[1]
    with pytest.raises(SpecError, match=r"`budget` 5s is too short for any network: CNN with 5 seeds takes about 12 s"):
        fitting(data, ("gru", "cnn"), families=("gru", "cnn"), budget="5s")


def test_an_estimate_is_near_what_the_training_takes(data: DataReport) -> None:
    """Within a factor that no other work on the machine explains; a step too few or a seed too many would be seen."""
    spec = SequencesSpec(families=("mlp",), seeds=4, epochs=1)
    one = defaults._seconds("mlp", data, spec)
    many = defaults._seconds("mlp", data, spec.model_copy(update={"epochs": 1000}))
    assert 100 < many / one < 10_000


@pytest.mark.parametrize("budget", ["5", "m", "-5m", "5 m", "5d", "٥m", "0s", "1e3s"])
def test_a_budget_that_is_no_time_is_refused(budget: str) -> None:
    with pytest.raises(ValidationError, match=r"`budget` .* is no time\. Write a number and s, m or h"):
        SequencesSpec(budget=budget)


def test_a_budget_is_of_one_training() -> None:
    assert SequencesSpec(budget="1.5h").budget_seconds == 5400
    with pytest.raises(ValidationError, match="`budget` is of one training of each family, and `tune` trains more"):
        SequencesSpec(budget="5m", tune=5)
