"""The search for a recipe: trials, and what they found."""

from typing import Literal

from hw3models.specs.base import Report, Spec
from hw3models.specs.training import Goal, Recipe, TrialPlan


class Trial(Spec):
    """One trial of a search, as it was asked for."""

    params: dict[str, int | float | str]
    """Field of the recipe -> value, as the sampler knows it."""
    recipe: Recipe
    plan: TrialPlan


class TrialReport(Report):
    """One recipe, judged on validation examples."""

    number: int
    family: str
    recipe: Recipe
    state: Literal["finished", "pruned", "failed"]
    """`pruned`: worse than the median of the others on the way. `failed`: a replicate was lost, or its process."""
    value: float | None = None
    """The goal at the end, mean over folds and seeds; None unless finished."""
    loss: float | None = None
    """Validation loss, the same way: it decides between recipes of equal accuracy."""
    course: tuple[float, ...] = ()
    """The goal after each epoch, fold after fold: mean over the seeds, and over the folds so far."""
    rungs: tuple[float, ...] = ()
    """The values of the curve at which the trial was compared with others."""
    seconds: float = 0.0
    device: str = ""
    reason: str = ""
    """Why it failed."""
    run_id: str | None = None
    """The trial's MLflow run."""
    parent_id: str | None = None
    """MLflow run of the study that has tried it."""


class TuningReport(Report):
    """A search for the recipe of one family: what was tried, and what came of it."""

    family: str
    recipe: Recipe
    """The best one; the studied replicates were trained with it."""
    trials: int
    """The budget: every network of a study has as many. Pruned and failed trials count."""
    finished: int
    pruned: int
    failed: int
    reused: int = 0
    """Trials of an earlier search for the same that were not done again."""
    goal: Goal
    best: int
    """Number of the best trial; 0 is the recipe that the search began with."""
    value: float
    """The goal on validation examples. Optimistic: it is the best of several. The test split tells."""
    default_value: float | None
    """The value of trial 0; None where it failed."""
    changed: dict[str, tuple[str, str]]
    """Field of the recipe -> before and after, where they differ."""
    folds: int
    num_judged: int
    """Validation examples that a trial is judged on, all folds together."""
    seeds: tuple[int, ...]
    """Seeds of the trials; a study never has the same."""
    seconds: float
    """Seconds of all trials, one after another."""
    again: tuple["TuningReport", ...] = ()
    """The other searches for the same, each with draws of its own, where there were several."""
