"""Evaluation and comparison: scores, pairs, claims, and the answer of a study."""

from typing import Literal

from hw3models.specs.base import Report
from hw3models.specs.data import DataReport
from hw3models.specs.training import Placement, TrainReport
from hw3models.specs.tuning import TuningReport

Estimand = Literal["mean", "median"]
"""What families are compared by: the mean over their seeds, or the median."""
PairVerdict = Literal["a better", "b better", "equivalent", "cannot tell"]


class Score(Report):
    """A metric: mean over seeds with a 95% interval."""

    mean: float
    """The median, where that was asked for."""
    low: float
    high: float
    per_seed: tuple[float, ...]


class EvaluationReport(Report):
    """One family on the test split, evaluated once."""

    family: str
    data_digest: str
    seeds: tuple[int, ...]
    num_test: int
    metrics: dict[str, Score]
    per_class: dict[str, dict[str, float]] = {}
    """Class name -> precision, recall, f1, support; means over seeds; `recall_low` and `recall_high`, the 95% limits
    of the recall."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Rows true, columns predicted, summed over seeds; empty where there are more classes than a reader can follow."""
    most_confused: tuple[tuple[str, str, int], ...] = ()
    """True class, predicted class and how often, summed over seeds, the most frequent first: in its place."""
    predict_seconds_per_1000: float
    """Prediction time of one replicate per 1,000 examples, on `device`."""
    device: str
    calibration: str = ""
    """What temperature scaling has changed, or why it was left out; a sentence. Empty for what is no network."""
    table_path: str
    """The prediction table (seeds x test examples), `.npz`, no pickle."""
    table_digest: str


class PowerReport(Report):
    """What a comparison of two families could have shown (`hw3models.stats.power`)."""

    detectable: float
    """The smallest true difference that is found with 80% power, in the metric's own unit."""
    detectable_with_many_seeds: float
    """The same with 1,000 seeds: what this test split allows."""
    seeds_for_margin: int | None
    """Seeds with which a difference of the margin is found with 80% power; None: no number of them."""
    examples_factor: float | None
    """Where no number of seeds helps: how many times the test examples it takes."""


class PairReport(Report):
    """Two families on the same test examples."""

    a: str
    b: str
    metric: str
    difference: float
    """a minus b, in the metric's own unit, mean over seeds and examples."""
    low: float
    high: float
    """The interval that belongs to the verdict. It excludes zero for "a better" and "b better" and holds zero
    otherwise; for "equivalent" it lies within the margin."""
    level: float = 0.05
    """Level that this pair alone was decided at: less than that of the comparison where pairs or looks share it."""
    seeds: tuple[int, int] = (1, 1)
    """Numbers of seeds of a and of b."""
    p_value: float
    """Two-sided, of this pair alone."""
    verdict: PairVerdict
    sentence: str
    power: PowerReport | None = None
    """What the pair could have shown; None where the variance says nothing: one seed, or no disagreement at all."""


class Look(Report):
    """One look of a study that goes on until it is decided (`hw3models.evaluation.sequential`)."""

    seeds: int
    """Number of seeds of every family that was still in."""
    level: float
    """Level that the first pair of the leader was decided at."""
    leader: str
    out: tuple[str, ...]
    """Families that someone beats, as of this look: they get no more seeds."""
    equivalent: tuple[str, ...]
    """Families that are equivalent to the leader, within the margin."""
    undecided: tuple[str, ...]
    """Neither separated from the leader nor equivalent to it."""


TakeReason = Literal["better than all", "best mean", "cheaper and not worse", "alone"]


class Collapse(Report):
    """Seeds of a family that learnt next to nothing."""

    seeds: int
    """How many."""
    of: int
    upper: float
    """Upper 95% bound of their rate (Clopper and Pearson 1934)."""


class ComparisonReport(Report):
    """What the prediction tables say about the families."""

    metric: str
    higher_is_better: bool
    data_digest: str
    pairs: tuple[PairReport, ...]
    groups: tuple[tuple[str, ...], ...]
    """Families from the best mean to the worst, cut before each that the first of its group beats."""
    cheapest: str = ""
    """Kept for reports of earlier versions: least training time per seed within the best group."""
    take: str = ""
    """The family to use: the best mean, or a cheaper one that is shown to be within the margin of it."""
    reason: TakeReason | None = None
    """Why that one."""
    could_be_best: tuple[str, ...] = ()
    """Families that no other is shown to beat, from the best mean to the worst."""
    corrected: Score | None = None
    """The best score, less what it owes to being the best of several (`hw3models.evaluation.answer`)."""
    collapses: dict[str, Collapse] = {}
    """Families of which some seeds learnt next to nothing."""
    num_groups: int | None = None
    """Groups (subjects, recordings) that the test examples come in; None where nobody named any."""
    equal_groups: float | None = None
    """Groups of one size that would say as much as these (Kish 1965)."""
    about: Literal["training set", "bootstraps", "problem"] = "training set"
    """What the verdict is about: networks trained on this training part, or on others like it as well, as bootstraps of
    it or other divisions of these data show them."""
    estimand: Estimand = "mean"
    """What families are compared by: the mean over their seeds, or the median."""
    level: float = 0.05
    """Chance of one or more false alarms among all pairs, at most."""
    headline: str = ""
    """Which family to take and why, in a sentence; empty in reports of earlier versions, and of one family."""
    changes: str = ""
    """What would change the answer."""
    verdict: str
    """Sentences, the most important first."""
    advice: str = ""
    """What the leading pair could have shown, and what more seeds or test examples would change."""
    looks: tuple[Look, ...] = ()
    """What each look saw, in a study that goes on until it is decided."""
    margin: float
    """Margin of practical equivalence, in the metric's own unit."""


class Claim(Report):
    """A claim of homework part 5, tested on a regime."""

    claim: str
    regime: str
    evidence: str
    outcome: Literal["holds", "does not hold", "cannot tell"]


class Tracking(Report):
    """Where the runs are."""

    tracking_uri: str
    experiment: str
    run_id: str
    link: str | None = None
    """Address at which MLflow compares the families, where it is a server."""


class Answer(Report):
    """Everything about one data set: what a flow returns and the report shows."""

    kind: Literal["images", "autoencoder", "sequences"]
    data: DataReport
    training: dict[str, TrainReport]
    evaluation: dict[str, EvaluationReport]
    comparison: ComparisonReport | None
    """What the families' differences are; None with a single family."""
    metric: str | None = None
    """What families are compared, ranked and shown by; None in answers of earlier versions."""
    claims: tuple[Claim, ...] = ()
    failures: dict[str, str] = {}
    """Families that could not be trained, with the reason."""
    notes: tuple[str, ...] = ()
    cached: tuple[str, ...] = ()
    """Steps that were skipped because the same spec was done before."""
    run_ids: dict[str, str] = {}
    """MLflow run id per family."""
    placement: dict[str, Placement] = {}
    """Per family: where it was trained, and why there."""
    tuning: dict[str, TuningReport] = {}
    """Per network: the search for its recipe, where there was one."""
