"""Evaluation and comparison: scores, pairs, claims, and the answer of a study."""

from typing import Literal

from hw3models.specs.base import Report
from hw3models.specs.data import DataReport
from hw3models.specs.training import Placement, TrainReport
from hw3models.specs.tuning import TuningReport

PairVerdict = Literal["a better", "b better", "equivalent", "cannot tell"]


class Score(Report):
    """A metric: mean over seeds with a 95% interval."""

    mean: float
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
    """Class name -> precision, recall, f1, support; means over seeds."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Rows true, columns predicted, summed over seeds."""
    predict_seconds_per_1000: float
    """Prediction time of one replicate per 1,000 examples, on `device`."""
    device: str
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
    """Interval at 1 - `level`, Holm-adjusted decision apart."""
    level: float = 0.05
    """Of the tests, and of the interval: less than 0.05 where several looks at the data share it."""
    seeds: tuple[int, int] = (1, 1)
    """Of a and of b."""
    p_value: float
    """Two-sided, before Holm's correction."""
    verdict: PairVerdict
    sentence: str
    power: PowerReport | None = None
    """None where the variance says nothing: one seed, or no disagreement at all."""


class Look(Report):
    """One look of a study that goes on until it is decided (`hw3models.evaluation.sequential`)."""

    seeds: int
    """Of every family that was still in."""
    level: float
    """Share of the 5% that this look may spend."""
    leader: str
    out: tuple[str, ...]
    """Families that someone beats, as of this look: they get no more seeds."""
    equivalent: tuple[str, ...]
    """To the leader, within the margin."""
    undecided: tuple[str, ...]
    """Neither separated from the leader nor equivalent to it."""


class ComparisonReport(Report):
    """What the prediction tables say about the families."""

    metric: str
    higher_is_better: bool
    data_digest: str
    pairs: tuple[PairReport, ...]
    groups: tuple[tuple[str, ...], ...]
    """Families that cannot be separated from the best of their group; best group first."""
    cheapest: str
    """Least training time per seed within the best group."""
    verdict: str
    """Sentences, the most important first."""
    advice: str = ""
    """What the leading pair could have shown, and what more seeds or test examples would change."""
    looks: tuple[Look, ...] = ()
    """Of a study that goes on until it is decided: what each look saw."""
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


class Answer(Report):
    """Everything about one data set: what a flow returns and the report shows."""

    kind: Literal["images", "autoencoder", "sequences"]
    data: DataReport
    training: dict[str, TrainReport]
    evaluation: dict[str, EvaluationReport]
    comparison: ComparisonReport | None
    """None with a single family."""
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
