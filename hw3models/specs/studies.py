"""Studies: what a flow is asked, and its whole report."""

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from hw3models.errors import SpecError
from hw3models.specs.base import Report, Spec
from hw3models.specs.comparison import Answer, Estimand, Tracking
from hw3models.specs.data import DataSpec
from hw3models.specs.training import PlacementWish, Recipe, Resampling

StudyKind = Literal["images", "autoencoder", "sequences"]
RecipeName = Literal["default", "homework", "long", "deep"]
TUNE_SIZES = {"small": 5, "medium": 20, "large": 60}
"""Trials that a search of this size has."""


class StudySpec(Spec):
    """What the studies of images, autoencoders and sequences have in common."""

    model_config = ConfigDict(allow_inf_nan=False)

    families: tuple[str, ...] | None = None
    """Families and baselines to compare; none: those that suit the data. `inception*5` is an ensemble of five seeds."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    """Replicates per family. Under 3 there is hardly a statement about the difference."""
    first_seed: Annotated[int, Field(ge=0, lt=2**30)] = 0
    """The seeds are first_seed, first_seed + 1, ..."""
    resampling: Resampling = "seed"
    """What differs between replicates. `seed`: initialisation and order of examples: which family is best when trained
    on exactly these examples? `training`: each replicate is also trained on its own bootstrap of the training part, and
    all are tested on the same examples: which is best on this problem, whatever examples were drawn? `split`: replicate
    r is trained and tested on the r-th stratified resample of train and test, all from one seed. `both`: resample r and
    seed r."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Passes over the training data, instead of the default recipes' own."""
    recipe: RecipeName = "default"
    """The networks' own recipes: `default`; `homework`, plain Adam as in the course; `long`, three to ten times
    the training; `deep`, the wide autoencoder of Hinton and Salakhutdinov."""
    own_recipe: Recipe | None = None
    """One recipe for all networks, instead of a named one; what is not given has the value shown here."""
    tune: Annotated[int, Field(ge=2, le=1000)] | Literal["small", "medium", "large"] | None = None
    """Search for each network's recipe first, in so many trials, judged on validation examples only: `small` is 5,
    `medium` 20, `large` 60. Every network has the same number; baselines are not tuned. None: the recipes are taken as
    they are."""
    searches: Annotated[int, Field(ge=1, le=100)] = 1
    """Repeat the search so often, each with draws of its own, and spread the seeds over the recipes that are found, so
    that the luck of the search is in the intervals. `seeds` must be a multiple of it; under 3 there is hardly a
    statement."""
    strategy: Literal["auto", "stacked", "split", "vmap", "separate"] = "auto"
    """How replicates are trained: one program, one on each core, separate modules, or what is fastest here."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device of the process that trains; auto takes CUDA, then MPS, then the CPU."""
    precision: Literal["auto", "float32", "tf32", "bf16"] = "auto"
    """Networks are trained in float32, in TF32 (on CUDA), or CNNs in bfloat16 and all sequences kept in it, half as
    large and without digits that data may need. auto: TF32 on CUDA where loss curves were measured to stay as they are,
    else float32."""
    memory_mb: Annotated[int, Field(ge=1)] = 1024
    """MiB of the training examples that are held in memory at once; a larger `.npy` or Parquet file is read in
    chunks."""
    placement: PlacementWish = "auto"
    """Where networks are trained: `auto` takes the GPU pool when it is available and this process otherwise; `here` is
    this process; `gpu` and `cpu` insist on that work pool and fail when nobody there takes the training."""
    queue_deadline: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Seconds that a training may wait in a pool's queue while nothing of this study runs there."""
    until_decided: bool = False
    """Add seeds in batches until every family is beaten by another or equivalent to the best one, or out of seeds."""
    max_seeds: Annotated[int, Field(ge=3, le=1000)] = 50
    """Seeds per family at most, where they are added until decided."""
    metric: str | None = None
    """What families are compared by: `accuracy`, `balanced_accuracy`, `macro_f1`, `cross_entropy`, `auroc`, `brier` or
    `calibration_error`; of autoencoders `mse`, `squared_error`, `psnr` or `probe_accuracy`. None: accuracy, or mse."""
    estimand: Estimand = "mean"
    """Compare families by the `mean` over their seeds, or by the `median`, which seeds that collapse hardly move: it
    takes ten seeds or more."""
    margin: Annotated[float, Field(gt=0)] | None = None
    """Differences within the margin do not matter; in the metric's own unit. None: 0.005 (half a point) of metrics in
    percent, 0.1 dB, 2% of the best value of all others."""
    budget: str | None = None
    """Time that training may take, such as `90s`, `5m` or `1h`: as many families as can be trained in it, all with the
    same seeds and their whole recipes; what is left out is said. None: as long as it takes."""
    fresh: bool = False
    """Do it again even if the same was done before: a new MLflow run, nothing taken from the cache."""

    @property
    def budget_seconds(self) -> float | None:
        """The budget as a number."""
        if self.budget is None:
            return None
        return float(self.budget[:-1]) * {"s": 1, "m": 60, "h": 3600}[self.budget[-1]]

    @model_validator(mode="after")
    def _a_budget_is_a_time(self) -> "StudySpec":
        if self.budget is None:
            return self
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?[smh]", self.budget, re.ASCII) or self.budget_seconds == 0:
            raise SpecError(
                f"`budget` {self.budget!r} is no time. Write a number and s, m or h, such as `90s`, `5m` or `1h`."
            )
        if self.until_decided or self.tune is not None:
            other = "until_decided" if self.until_decided else "tune"
            raise SpecError(
                f"`budget` is of one training of each family, and `{other}` trains more. Give one of the two."
            )
        return self

    @field_validator("tune", mode="before")
    @classmethod
    def _trials_of_a_size(cls, value: object) -> object:
        """So a size is the same search, and the same study, as its number."""
        return TUNE_SIZES.get(value, value) if isinstance(value, str) else value

    @property
    def trials(self) -> int | None:
        """Trials of the search for each network's recipe."""
        return TUNE_SIZES[self.tune] if isinstance(self.tune, str) else self.tune

    @model_validator(mode="after")
    def _looks_fit_the_seeds(self) -> "StudySpec":
        if self.until_decided and not 3 <= self.seeds <= self.max_seeds:
            raise SpecError(
                f"`until_decided` begins with `seeds` ({self.seeds}) and ends with `max_seeds` ({self.max_seeds}): "
                "give at least 3 seeds, and not more than `max_seeds`."
            )
        return self

    @model_validator(mode="after")
    def _searches_fit_the_seeds(self) -> "StudySpec":
        if self.searches == 1:
            return self
        if self.tune is None:
            raise SpecError(f"`searches` ({self.searches}) repeats a search that `tune` asks for. Give `tune` as well.")
        if self.resampling == "training":
            raise SpecError(
                f"`searches` ({self.searches}) share the seeds among recipes, and `resampling: training` pairs them by "
                "their bootstraps. Give one of the two."
            )
        if self.until_decided:
            raise SpecError(
                f"`searches` ({self.searches}) shares `seeds` among recipes, and `until_decided` adds seeds. Give one "
                "of the two."
            )
        if self.seeds % self.searches:
            near = max(1, round(self.seeds / self.searches)) * self.searches
            raise SpecError(
                f"`seeds` ({self.seeds}) are spread over `searches` ({self.searches}), as many to each. Give `seeds` "
                f"that are a multiple, such as {near}."
            )
        return self

    @model_validator(mode="after")
    def _a_median_is_of_independent_seeds(self) -> "StudySpec":
        if self.estimand == "mean":
            return self
        others = {
            "until_decided": self.until_decided,
            "searches": self.searches > 1,
            f"resampling: {self.resampling}": self.resampling != "seed",
        }
        if against := [f"`{name}`" for name, is_given in others.items() if is_given]:
            raise SpecError(
                f"`estimand: median` is of seeds that are independent and all there at once, and "
                f"{' and '.join(against)} makes others. Use `estimand: mean`, or leave that out."
            )
        return self

    @model_validator(mode="after")
    def _test_examples_are_not_tuned_on(self) -> "StudySpec":
        if self.tune is not None and self.resampling in ("split", "both"):
            raise SpecError(
                f"`tune` ({self.tune}) chooses on the training part, and `resampling: {self.resampling}` would test on "
                "examples of it. Use `resampling: seed` or `training`, or leave `tune` out."
            )
        return self

    @field_validator("families", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            value = (value,)
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(name for item in value for name in item.replace(",", " ").split())
        return value


class ImagesSpec(StudySpec):
    """Classifiers on images: homework part 1."""

    data: DataSpec = DataSpec(source="digits")
    """Which images."""


class AutoencoderSpec(StudySpec):
    """Autoencoders on images: homework part 2."""

    data: DataSpec = DataSpec(source="digits")
    """Which images."""
    latent_dim: Annotated[int, Field(ge=1, le=512)] = 2
    """Numbers in the code."""

    @model_validator(mode="after")
    def _one_shape_of_network(self) -> "AutoencoderSpec":
        if self.searches > 1:
            raise SpecError(
                f"`searches` ({self.searches}) of autoencoders may find other layers, and replicates of unlike layers "
                "are not kept together. Leave `searches` out."
            )
        return self


class SequencesSpec(StudySpec):
    """Classifiers on sequences: homework part 5."""

    data: DataSpec = DataSpec()
    """Which sequences."""


class LearningCurveSpec(Spec):
    """The same study at growing sizes of the training part: would more data help?"""

    images: ImagesSpec | None = None
    """A study of images."""
    sequences: SequencesSpec | None = None
    """A study of sequences."""
    times: Annotated[float, Field(gt=1, le=10)] = 2.0
    """How much more data the forecast is for."""

    @model_validator(mode="after")
    def _one_study(self) -> "LearningCurveSpec":
        if (self.images is None) == (self.sequences is None):
            raise SpecError("give one of `images` and `sequences`: a learning curve is of one study.")
        return self


class GrowthReport(Report):
    """One family's accuracy (R2 of numbers) at growing sizes, and at a larger one."""

    accuracy: tuple[float, ...]
    """At each size, the mean over seeds, of the report's metric."""
    expected: float
    low: float
    high: float
    """Forecast with its 80% interval."""
    held_back: tuple[float, float] | None
    """The 80% interval at the largest size, forecast from the others; None where these were too few."""
    fits: bool | None
    """Whether it holds what was measured there."""


class ClassGainReport(Report):
    """The class whose recall has grown most when the data last grew, beyond luck and beyond that of the others."""

    name: str
    gain: float
    """Gain of its recall from the last size but one to the whole; a mean over seeds."""
    low: float
    high: float
    """95% interval, for as many classes as were looked at."""
    others: float
    """The mean gain of the other classes."""


class LearningCurveReport(Report):
    """What came of `hw3 learning-curve`."""

    data: str
    metric: str = "accuracy"
    """What is forecast: `accuracy`, or `r2` of numbers."""
    times: float
    sizes: tuple[int, ...]
    """Training examples, or groups, those for validation included."""
    by_groups: bool = False
    """Whether sizes are numbers of whole groups."""
    families: dict[str, GrowthReport]
    gains: dict[str, ClassGainReport] = {}
    """Family -> the class that more data are likely to help most; only where that is more than luck."""
    verdict: str


class Hw3Spec(Spec):
    """Everything: images, autoencoder, sequence regimes, homework parts, one report."""

    images: Literal["mnist", "fashion-mnist", "digits", "auto"] = "digits"
    """Image data; `auto` is MNIST if it can be had, else digits."""
    regimes: tuple[Literal["motif", "order", "locked", "dynamics", "trend"], ...] = ("motif", "order", "locked")
    """Sequence regimes to test the claims of homework part 5 on."""
    image_regimes: tuple[Literal["shifted-digits", "shuffled-digits", "locked-image"], ...] = ()
    """Image regimes to test what homework part 5B says of CNNs on images: minutes each."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    """Replicates per family."""
    num_train: Annotated[int, Field(ge=20)] = 1000
    """Training series of each regime."""
    num_test: Annotated[int, Field(ge=20)] = 1000
    """Test series of each regime."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Passes over the training data, instead of the default recipes' own."""
    latent_dim: Annotated[int, Field(ge=1, le=512)] = 2
    """Numbers in the autoencoder's code."""
    homework: bool = True
    """Compute the answers of homework parts 1A to 1C and 3 as well."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device of the process that trains; auto takes CUDA, then MPS, then the CPU."""
    placement: PlacementWish = "auto"
    """Where networks are trained: `auto` takes the GPU pool when it is available and this process otherwise; `here` is
    this process; `gpu` and `cpu` insist on that work pool and fail when nobody there takes the training."""
    queue_deadline: Annotated[float, Field(ge=1, le=86_400)] = 60
    """Seconds that a training may wait in a pool's queue while nothing of this study runs there."""
    fresh: bool = False
    """Do it again even if the same was done before: a new MLflow run, nothing taken from the cache."""


class HomeworkPart(Report):
    """One part of the homework, answered by computation."""

    part: str
    """`1A`, `1B`, `1C`, `3a` ..."""
    question: str
    answer: str
    """Sentences; the numbers in them are computed."""
    table: tuple[tuple[str, ...], ...] = ()
    """First row: column heads."""
    series: dict[str, tuple[float, ...]] = {}
    """What the part's figure draws (`hw3models.homework.figures.draw`)."""


class Environment(Report):
    """What a run ran on."""

    hardware: str
    python: str
    platform: str
    versions: dict[str, str]
    """Package -> version."""
    code: str
    """Version of this project, with the git commit where there is one."""


class RunReport(Report):
    """One `hw3 run` (or one of its flows): everything the report page shows."""

    title: str
    command: str
    """The command line or deployment that made it."""
    started: str
    """ISO 8601, with the time zone."""
    seconds: float
    answers: tuple[Answer, ...]
    homework: tuple[HomeworkPart, ...] = ()
    environment: Environment
    tracking: Tracking | None = None
    prefect: dict[str, str] = {}
    """Names and ids of the flow runs."""
    report: str | None = None
    """Path of the report page; None for a study whose parent writes the report."""
    warnings: tuple[str, ...] = ()
    """Shown before everything else: a substituted data set, families that failed, replicates that were lost."""
