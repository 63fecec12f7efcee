"""The gate between a winner and a champion: what is asked, decided and remembered."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hw3models.errors import SpecError
from hw3models.specs.base import Report, Spec
from hw3models.specs.comparison import PairReport
from hw3models.specs.studies import AutoencoderSpec, ImagesSpec, SequencesSpec

GateOutcome = Literal["champion", "challenger", "refused"]
Grounds = Literal["first", "better", "cheaper", "override"]


class GateDecision(Report):
    """What the promotion gate says about a challenger (`hw3models.evaluation.gate`)."""

    outcome: GateOutcome
    """It becomes the champion, it stays a challenger, or it may not be compared at all."""
    grounds: Grounds | None = None
    """Why it became the champion: there was none, it is better, it is cheaper and not worse, or a person said so."""
    reason: str
    metric: str
    margin: float | None = None
    """How much better it must be, in the metric's own unit; None where nothing was compared."""
    level: float | None = None
    """One-sided level that was spent; None where nothing was compared."""
    pairs: tuple[PairReport, ...] = ()
    """The pair with the champion (and with the anchor), or with each baseline where there is no champion."""


class GateOptions(Spec):
    """How a challenger is judged."""

    metric: str | None = None
    """What is compared; none: what the study compared."""
    margin: Annotated[float, Field(gt=0)] | None = None
    """How much better than the champion a challenger must be, beyond noise; in the metric's own unit. None: as in a
    comparison, 0.005 (half a point) of metrics in percent."""
    prefer_cheaper: bool = False
    """Let a challenger win, too, that is not worse by more than the margin and predicts in 80% of the time or less."""


class PromoteSpec(GateOptions):
    """Which run's winner goes before the gate."""

    run: str | None = None
    """MLflow run of a study or of one of its families, or the `.json` beside a report. None: the newest study."""
    data: str | None = None
    """Only this data set of a run with several. None: all of them."""
    family: str | None = None
    """This family instead of the winner; `cnn*5`: the five seeds of the study as an ensemble."""
    licence: str | None = None
    """Licence of the data, for the model card."""
    override: str | None = None
    """Why it becomes the champion whatever the gate says; kept in the history."""


class Promotion(Report):
    """A version in the model registry, and what the gate said about it."""

    model: str
    """Registered name."""
    version: int
    family: str
    run_id: str
    """MLflow run of the family."""
    data: str
    data_digest: str
    decision: GateDecision
    champion_before: int | None
    champion_now: int | None


class PromotionReport(Report):
    """What came of `hw3 promote`."""

    promotions: tuple[Promotion, ...]


class RegistryEvent(Report):
    """One line of a registered model's history."""

    at: str
    """ISO 8601, UTC."""
    model: str
    version: int
    event: Literal["champion", "challenger", "refused", "rollback"]
    reason: str
    champion: int | None
    """The champion after it."""
    grounds: Grounds | None = None
    """Why the champion is another one."""
    level: float | None = None
    """One-sided level that the decision has spent; None where it spent nothing."""
    metric: str | None = None
    """What was compared."""


class NightlySpec(Spec):
    """Studies, each followed by the gate: what runs every night."""

    sequences: SequencesSpec | None = None
    """A study of sequences."""
    images: ImagesSpec | None = None
    """A study of images."""
    autoencoder: AutoencoderSpec | None = None
    """A study of autoencoders."""
    gate: GateOptions = GateOptions()
    """How the winners are judged."""
    new_seeds: bool = True
    """Other seeds each day, counted from the date: with the same ones nothing new could be found."""

    @model_validator(mode="after")
    def _something_is_to_be_done(self) -> "NightlySpec":
        if not (self.sequences or self.images or self.autoencoder):
            raise SpecError("nothing to do: give at least one of `sequences`, `images` and `autoencoder`.")
        return self
