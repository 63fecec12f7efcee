"""What an extension touches: each of six is made here, in the files that ARCHITECTURE.md names and in no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hw3models import families
from hw3models.data.dataset import describe, save
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.families import FAMILIES, Network, facts_of
from hw3models.families.family import Architecture
from hw3models.nn.program import Program
from hw3models.nn.proof import Shape, prove
from hw3models.nn.rng import global_generator
from hw3models.nn.stacking import RULES
from hw3models.objectives.objective import BaselineFit, Batch, LossGrad, Trained
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.specs import EvaluationReport, Kind, Recipe, TrainReport, TrainSpec
from tests.tiny import quick_recipe, tiny_dataset

ROOT = Path(__file__).resolve().parents[1]


def answered(kind: Kind, family: str, folder: Path) -> tuple[TrainReport, EvaluationReport]:
    """Train and evaluate through the steps that every study takes."""
    save(tiny_dataset(kind), folder / "data.npz")
    data = describe(tiny_dataset(kind), folder / "data.npz")
    training = train_step(
        TrainSpec(family=family, seeds=(0, 1), recipe=quick_recipe(), device="cpu"), data, folder / family
    )
    return training, evaluate_step(training, data)


@pytest.fixture
def registry() -> Iterator[dict[Kind, dict[str, families.Family]]]:
    """The registry, in which a line may be added for one test."""
    originals = {kind: dict(own) for kind, own in FAMILIES.items()}
    yield FAMILIES
    for kind, own in FAMILIES.items():
        own.clear()
        own.update(originals[kind])


def test_a_family_of_sequences_is_one_file_and_a_line(
    registry: dict[Kind, dict[str, families.Family]], tmp_path: Path
) -> None:
    """The file is the one in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    [source] = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "class DilatedCNN" in code]
    module: dict[str, object] = {}
    exec(source, module)
    dilated = module["SEQUENCES"]
    assert isinstance(dilated, Network)
    registry["sequences"]["dilated"] = dilated
    training, evaluation = answered("sequences", "dilated", tmp_path)
    assert training.strategy.startswith("stacked")
    assert evaluation.metrics["accuracy"].mean > 0.4


def test_a_family_of_images_is_one_file_and_a_line(
    registry: dict[Kind, dict[str, families.Family]], tmp_path: Path
) -> None:
    def build(like: Architecture) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 8), nn.Tanh(), nn.Linear(8, like.num_classes))

    registry["images"]["tiny"] = Network(name="tiny", label="tiny MLP", kind="images", build=build, recipe=Recipe())
    training, evaluation = answered("images", "tiny", tmp_path)
    assert training.parameters == 785 * 8 + 9 * 3
    assert evaluation.metrics["accuracy"].mean > 0.5


class Ordinal:
    """A task type of one file: the class as a number, by squared error."""

    name = "ordinal"
    metrics = ("mse", "squared_error")
    needs_pixels = False
    learns_labels = False

    def num_outputs(self, shape: tuple[int, ...], num_classes: int) -> int:
        return 1

    def losses(self, outputs: torch.Tensor, batch: Batch, recipe: Recipe, *, train: bool) -> torch.Tensor:
        return (outputs.squeeze(-1) - batch.labels).square()

    def loss_grad(self, batch: Batch, recipe: Recipe) -> LossGrad | None:
        return None

    def is_right(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        return None

    def table(self, trained: Trained) -> tuple[PredictionTable, float]:
        dataset = trained.dataset
        with torch.inference_mode():
            parts = [trained.outputs(batch) for batch in trained.batches(dataset.test, len(trained.models))]
        errors = np.square(torch.cat(parts, 1).squeeze(-1).double().numpy() - dataset.labels[dataset.test])
        return PredictionTable(
            family=trained.family, data_digest=dataset.digest, seeds=trained.seeds, test_index=dataset.test,
            labels=dataset.labels[dataset.test], squared_error=errors, num_pixels=1,
        ), trained.seconds_of_one(dataset.test)  # fmt: skip

    def baseline_table(
        self, family: str, seeds: tuple[int, ...], fits: list[BaselineFit], dataset: object
    ) -> PredictionTable:
        raise NotImplementedError

    def answers(self, model: nn.Module, arguments: tuple[torch.Tensor, ...]) -> dict[str, np.ndarray]:
        return {"value": model(*arguments).numpy()}


def test_a_task_type_is_one_file_and_the_families_that_have_it(
    registry: dict[Kind, dict[str, families.Family]], tmp_path: Path
) -> None:
    """Trained in replicates, evaluated, compared; nothing asks what task it is."""

    def build(width: int):  # type: ignore[no-untyped-def]
        return lambda like: nn.Sequential(nn.Flatten(), nn.Linear(80, width), nn.ReLU(), nn.Linear(width, 1))

    tables = {}
    for name, width in (("narrow", 1), ("wide", 32)):
        registry["sequences"][name] = Network(
            name=name, label=name, kind="sequences", objective=Ordinal(), build=build(width), recipe=Recipe()
        )  # type: ignore[arg-type]
        _, evaluation = answered("sequences", name, tmp_path)
        tables[name] = load_table(Path(evaluation.table_path))
        assert set(evaluation.metrics) >= {"mse", "squared_error"}
    found = compare(tables, train_seconds={}, facts=facts_of(tables, "sequences"))
    assert found.metric == "mse", "the first metric that can be computed"
    assert found.pairs[0].difference > 0, "narrow minus wide, of an error"


def test_a_rule_for_a_layer_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scale(nn.Module):
        """A factor for each feature, which no rule knows."""

        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.rand(5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.factor

    class StackedScale(nn.Module):
        def __init__(self, layers: list[Scale]) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.stack([layer.factor.detach() for layer in layers]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.factor.view(len(self.factor), *[1] * (x.dim() - 2), 5)

    def build(seed: int) -> nn.Module:
        with global_generator(seed):
            return nn.Sequential(nn.Linear(4, 5), Scale())

    before = prove(build, Shape((20, 4)))
    assert before.layout == "vmap"
    assert before.reasons == ("stacked: cannot stack Scale (1): it holds factor itself",)
    monkeypatch.setitem(RULES, Scale, StackedScale)
    assert prove(build, Shape((20, 4))).layout == "stacked"
    program = Program([build(0), build(1)], "stacked")
    x = torch.randn(2, 3, 20, 4)
    torch.testing.assert_close(program(x)[1], build(1)(x[1]))
