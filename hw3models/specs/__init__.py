"""Every spec and report that crosses a process: small, frozen, closed, JSON.

Specs say what to do, reports say what came of it. Arrays, models and clients never travel: reports hold
paths with content digests, and MLflow ids. The docstring under a field is its help text, in `--help` and
in the run form of the Prefect UI.
"""

from hw3models.specs.base import Report, Spec
from hw3models.specs.comparison import (
    Answer,
    Claim,
    ComparisonReport,
    EvaluationReport,
    Look,
    PairReport,
    PairVerdict,
    PowerReport,
    Score,
    Tracking,
)
from hw3models.specs.data import DataOptions, DataReport, DataSpec, Kind, SourceReport
from hw3models.specs.drift import DriftReport, DriftSpec, DriftTest
from hw3models.specs.promotion import (
    GateDecision,
    GateOptions,
    GateOutcome,
    NightlySpec,
    PromoteSpec,
    Promotion,
    PromotionReport,
    RegistryEvent,
)
from hw3models.specs.studies import (
    AutoencoderSpec,
    Environment,
    HomeworkPart,
    Hw3Spec,
    ImagesSpec,
    RecipeName,
    RunReport,
    SequencesSpec,
    StudyKind,
    StudySpec,
)
from hw3models.specs.training import (
    Goal,
    Placement,
    PlacementWish,
    Recipe,
    ReplicateFailure,
    Resampling,
    TrainJob,
    TrainReport,
    TrainSpec,
    TrialPlan,
)
from hw3models.specs.tuning import Trial, TrialReport, TuningReport

__all__ = [
    "Answer",
    "AutoencoderSpec",
    "Claim",
    "ComparisonReport",
    "DataOptions",
    "DataReport",
    "DataSpec",
    "DriftReport",
    "DriftSpec",
    "DriftTest",
    "Environment",
    "EvaluationReport",
    "GateDecision",
    "GateOptions",
    "GateOutcome",
    "Goal",
    "HomeworkPart",
    "Hw3Spec",
    "ImagesSpec",
    "Kind",
    "Look",
    "NightlySpec",
    "PairReport",
    "PairVerdict",
    "Placement",
    "PlacementWish",
    "PowerReport",
    "PromoteSpec",
    "Promotion",
    "PromotionReport",
    "Recipe",
    "RecipeName",
    "RegistryEvent",
    "ReplicateFailure",
    "Report",
    "Resampling",
    "RunReport",
    "Score",
    "SequencesSpec",
    "SourceReport",
    "Spec",
    "StudyKind",
    "StudySpec",
    "Tracking",
    "TrainJob",
    "TrainReport",
    "TrainSpec",
    "Trial",
    "TrialPlan",
    "TrialReport",
    "TuningReport",
]
