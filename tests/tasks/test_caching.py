"""Cached results are only taken while their files are what the reports say."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hw3models.data.dataset import describe, save
from hw3models.engine.fitted_store import FITTED
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.specs import Recipe, TrainSpec
from tasks.caching import run_cached
from tests.hw3models.data.test_edited_caches import flipped, truncated
from tests.tiny import tiny_dataset


class Kept:
    """A step of Prefect whose result is in its cache."""

    def __init__(self, report: Any) -> None:
        self.report = report

    def __call__(self, *_: Any, return_state: bool) -> Any:
        assert return_state
        return SimpleNamespace(name="Cached", result=lambda: self.report)

    def with_options(self, *, refresh_cache: bool) -> Any:
        assert refresh_cache
        return lambda *_: "done again"


def reports(folder: Path) -> Iterator[tuple[Any, list[Path]]]:
    data = tiny_dataset()
    save(data, folder / "data.npz")
    report = describe(data, folder / "data.npz")
    yield report, [folder / "data.npz"]
    for family, files in (("mlp", ["replicates.safetensors"]), ("logistic", ["predictions.npz", FITTED["arrays"]])):
        recipe = Recipe(epochs=1, hidden=(4,)) if family == "mlp" else None
        training = train_step(TrainSpec(family=family, seeds=(0, 1), recipe=recipe), report, folder / family)
        yield training, [folder / family / name for name in files]
        evaluation = evaluate_step(training, report)
        yield evaluation, [Path(evaluation.table_path)]


def test_a_cached_result_whose_files_were_edited_is_not_believed(tmp_path: Path) -> None:
    for report, files in reports(tmp_path):
        step: Any = Kept(report)
        assert run_cached(step) == (report, True)
        for path in files:
            whole = path.read_bytes()
            for edit in (flipped, truncated, Path.unlink):
                edit(path)
                assert run_cached(step) == ("done again", False), f"{path.name}, {edit.__name__}"
                path.write_bytes(whole)
            assert run_cached(step) == (report, True)
