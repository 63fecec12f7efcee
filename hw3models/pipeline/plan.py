"""What a study is going to do, decided before anything is trained: the data, the families, the metric, the recipes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hw3models.data.resamples import tests_on_splits
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.metrics import goal_for
from hw3models.families import Network, facts_of, find_family, recipe_of
from hw3models.pipeline.study import trained_for
from hw3models.specs import DataReport, DataSpec, Recipe, StudyKind, StudySpec, TrainSpec


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """One data set, several families. Everything that the steps of a study have in common."""

    kind: StudyKind
    spec: StudySpec
    source: DataSpec
    data: DataReport
    families: tuple[str, ...]
    """Entries of the comparison, in the order in which the user named them: families, and ensembles of their seeds."""
    metric: str
    """What they are compared, ranked and shown by."""
    parent: str = ""
    """The study's MLflow run, where there is one."""
    latent_dim: int = 2
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    """Network -> the recipe that a search has found."""

    @property
    def is_resampled(self) -> bool:
        """Has each replicate a test split of its own?"""
        return tests_on_splits(self.spec.resampling)

    @property
    def trained(self) -> tuple[str, ...]:
        """The families whose seeds are trained."""
        return trained_for(self.families)

    @property
    def networks(self) -> tuple[str, ...]:
        """The families that are trained by a recipe."""
        return tuple(name for name in self.trained if isinstance(find_family(self.data.kind, name), Network))

    @property
    def facts(self) -> dict[str, FamilyFacts]:
        """What verdicts must know about the families."""
        return facts_of(self.families, self.data.kind, training_resampled=self.spec.resampling == "training")

    def with_recipes(self, found: Mapping[str, Recipe]) -> "StudyPlan":
        """The plan with what a search has found in place of the networks' own recipes."""
        return replace(self, recipes=found)

    def trainings(self, families: Iterable[str], seeds: Sequence[int]) -> dict[str, TrainSpec]:
        """The training of each family."""
        return {family: self.training(family, seeds) for family in families}

    def training(self, family: str, seeds: Sequence[int]) -> TrainSpec:
        """All that a worker needs to know: the recipe in full, and the digest that the data must have."""
        recipe = self.recipes[family] if family in self.recipes else self._own_recipe(family)
        return TrainSpec(
            data=self.source.model_copy(update={"source": self.data.source, "digest": self.data.digest}),
            family=family,
            origin=find_family(self.data.kind, family).origin,
            seeds=tuple(seeds),
            recipe=recipe,
            # Where no epoch is chosen, nothing depends on the metric, and what was trained for another one serves.
            goal=goal_for(self.metric) if recipe is not None and recipe.select == "best" else "loss",
            latent_dim=self.latent_dim,
            resampling=self.spec.resampling,
            strategy=self.spec.strategy,
            device=self.spec.device,
            precision=self.spec.precision,
            memory_mb=self.spec.memory_mb,
        )

    def _own_recipe(self, family: str) -> Recipe | None:
        """The recipe that the user gave or named; None for a baseline."""
        found = find_family(self.data.kind, family, task=self.data.task)
        if not isinstance(found, Network):
            return None
        recipe = self.spec.own_recipe or recipe_of(found, self.spec.recipe)
        if self.spec.epochs is None:
            return recipe
        return recipe.model_copy(update={"epochs": self.spec.epochs, "min_examples": 0})
