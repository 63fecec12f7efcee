"""Seeds in batches until it is decided, with trainings that take no time: who is given more, and what is merged."""

from pathlib import Path
from typing import Any

import pytest

from flows.studies import batches, looks
from flows.studies.looks import still_growing, train_until_decided
from flows.studies.results import StudyResults
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.prediction_table import load_table
from hw3models.families import facts_of
from hw3models.specs import Look
from tasks import tracking
from tasks.evaluation import compare
from tests.flows.studies.made import Trainer, plan_of, prepared

FACTS = facts_of(["cnn", "gru", "mlp", "majority"], "sequences")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """MLflow does not take part: what would be logged is kept here."""
    kept: dict[str, Any] = {"named": {}, "nested": {}, "recorded": {}}
    monkeypatch.setattr(tracking, "name_as_family", lambda run, family, _: kept["named"].update({family: run}))
    monkeypatch.setattr(tracking, "open_child", lambda _, spec, *__: f"whole-{spec.family}-{len(spec.seeds)}")
    monkeypatch.setattr(tracking, "log_placement", lambda *_: None)
    monkeypatch.setattr(tracking, "log_seeds", lambda *_: None)
    monkeypatch.setattr(tracking, "nest", lambda runs, run: kept["nested"].update({run: list(runs)}))
    monkeypatch.setattr(batches, "record", lambda run, training, *_: kept["recorded"].update({run: training.seeds}))
    monkeypatch.setattr(looks, "compare", compare.fn)
    return kept


def train(
    monkeypatch: pytest.MonkeyPatch, folder: Path, trainer: Trainer, families: tuple[str, ...], **changes: Any
) -> tuple[StudyResults, Any]:
    monkeypatch.setattr(looks, "train_all", trainer)
    monkeypatch.setenv("HW3_HOME", str(folder))
    plan = plan_of(prepared(folder), families, until_decided=True, **changes)
    results = StudyResults(plan.data)
    return results, train_until_decided(plan, results)


def look(**changes: Any) -> Look:
    values = {"seeds": 5, "level": 0.01, "leader": "cnn", "out": (), "equivalent": (), "undecided": ("gru",)}
    return Look.model_validate(values | changes)


def test_who_is_beaten_stuck_or_deterministic_gets_no_more_seeds() -> None:
    seen = look(out=("mlp",), undecided=("gru", "majority"))
    assert still_growing(seen, (), FACTS, resampled=False) == ["cnn", "gru"]
    assert still_growing(seen, {"gru"}, FACTS, resampled=False) == ["cnn"]
    assert still_growing(look(equivalent=("mlp",)), (), FACTS, resampled=False) == ["cnn", "mlp", "gru"]
    strangers = {name: FamilyFacts(label=name, deterministic=True) for name in ("cnn", "gru")}
    assert still_growing(look(), (), strangers, resampled=False) == []


def test_resampled_splits_grow_in_pairs_and_for_deterministic_families_as_well() -> None:
    seen = look(undecided=("gru", "majority"))
    assert still_growing(seen, (), FACTS, resampled=True) == ["cnn", "gru", "majority"]
    assert still_growing(seen, {"cnn"}, FACTS, resampled=True) == [], "without the leader no pair grows"
    assert still_growing(seen, {"gru", "majority"}, FACTS, resampled=True) == []


def test_what_is_decided_at_the_first_look_needs_no_second(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: dict[str, Any]
) -> None:
    trainer = Trainer(tmp_path / "models", {"cnn": 0.99, "mlp": 0.3})
    _, comparison = train(monkeypatch, tmp_path, trainer, ("cnn", "mlp"), seeds=4, max_seeds=12)
    assert trainer.asked == [{"cnn": (0, 1, 2, 3), "mlp": (0, 1, 2, 3)}]
    assert comparison.groups == (("cnn",), ("mlp",))
    assert comparison.verdict.endswith(
        "Stopped after look 1 of at most 3, with 4 seeds: every other family is beaten, or equivalent to the best one."
    )
    assert set(logged["named"]) == {"cnn", "mlp"}
    assert logged["nested"] == {}


def test_only_who_is_undecided_gets_more_seeds_and_all_of_a_familys_become_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: dict[str, Any]
) -> None:
    skills = {"cnn": 0.85, "gru": 0.85, "mlp": 0.2}
    trainer = Trainer(tmp_path / "models", skills)
    results, comparison = train(
        monkeypatch, tmp_path, trainer, ("cnn", "gru", "mlp"), seeds=3, max_seeds=7, margin=1e-9, first_seed=10
    )
    # Equal seeds are right on the same examples: never separated, and the margin is too narrow for "equivalent".
    assert [sorted(one) for one in trainer.asked] == [["cnn", "gru", "mlp"], ["cnn", "gru"], ["cnn", "gru"]]
    assert [one["cnn"] for one in trainer.asked] == [(10, 11, 12), (13, 14, 15), (16,)]
    assert [one.seeds for one in comparison.looks] == [3, 6, 7]
    seeds = {family: one.seeds for family, one in results.training.items()}
    assert seeds == {"cnn": tuple(range(10, 17)), "gru": tuple(range(10, 17)), "mlp": (10, 11, 12)}
    table = load_table(Path(results.evaluation["gru"].table_path), results.evaluation["gru"].table_digest)
    assert table.seeds == tuple(range(10, 17))
    assert logged["named"] == {"mlp": "12".ljust(32, "f")}
    assert logged["recorded"] == {"whole-cnn-7": tuple(range(10, 17)), "whole-gru-7": tuple(range(10, 17))}
    assert results.run_ids["cnn"] == "whole-cnn-7"
    assert logged["nested"]["whole-cnn-7"] == [f"{number}0".ljust(32, "f") for number in (1, 2, 3)]


def test_a_family_that_fails_later_stays_with_the_seeds_that_it_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: dict[str, Any]
) -> None:
    class Fragile(Trainer):
        def __call__(self, *arguments: Any) -> None:
            if self.asked:
                self.fails["gru"] = "out of memory"
            super().__call__(*arguments)

    trainer = Fragile(tmp_path / "models", {"cnn": 0.85, "gru": 0.85})
    results, comparison = train(monkeypatch, tmp_path, trainer, ("cnn", "gru"), seeds=3, max_seeds=8, margin=1e-9)
    assert results.failures == {}
    assert results.notes == ["gru stays at its first 3 seeds: training more of them failed: out of memory"]
    assert results.training["gru"].seeds == (0, 1, 2)
    assert [sorted(one) for one in trainer.asked] == [["cnn", "gru"], ["cnn", "gru"], ["cnn"]]
    assert comparison.looks[-1].seeds == 8


def test_one_family_alone_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: dict[str, Any]
) -> None:
    trainer = Trainer(tmp_path / "models", {"cnn": 0.85, "gru": 0.85})
    trainer.fails["gru"] = "its loss became nan"
    results, comparison = train(monkeypatch, tmp_path, trainer, ("cnn", "gru"), seeds=3, max_seeds=8)
    assert comparison is None
    assert len(trainer.asked) == 1
    assert results.failures == {"gru": "its loss became nan"}
    assert logged["named"] == {"cnn": results.run_ids["cnn"]}
