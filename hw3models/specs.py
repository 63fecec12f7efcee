"""Every spec and report that crosses a process: small, frozen, closed, JSON.

Specs say what to do, reports say what came of it. Arrays, models and clients never travel: reports hold
paths with content digests, and MLflow ids. The docstring under a field is its help text, in `--help` and
in the run form of the Prefect UI.
"""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hw3models.errors import SpecError

Kind = Literal["images", "sequences"]
StudyKind = Literal["images", "autoencoder", "sequences"]
PlacementWish = Literal["auto", "here", "gpu", "cpu"]
RecipeName = Literal["default", "homework", "long", "deep"]
Vary = Literal["seed", "split", "both"]
Goal = Literal["accuracy", "loss"]
PairVerdict = Literal["a better", "b better", "equivalent", "cannot tell"]
GateOutcome = Literal["champion", "challenger", "refused"]


def _lead_with_the_data(schema: dict[str, Any]) -> None:
    """Forms show fields in the schema's order, and inherited fields come first: put what matters most on top."""
    fields = schema.get("properties", {})
    leading = {name: fields[name] for name in ("data", "source") if name in fields}
    if leading:
        schema["properties"] = leading | fields


class Spec(BaseModel):
    """Frozen and closed: a misspelt field is refused by name instead of being dropped."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra=_lead_with_the_data,
        # An interval of one resampled split has no end; null could not be read back.
        ser_json_inf_nan="strings",
    )

    def fingerprint(self) -> str:
        """sha256 of the canonical JSON, the first 16 hex digits."""
        # Whether it is done again says nothing about what is done.
        text = json.dumps(self.model_dump(mode="json", exclude={"fresh"}), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Report(Spec):
    """What came of a step. Same rules as a spec."""


# ---------------------------------------------------------------------------------------------- data


class DataOptions(Spec):
    """How data are split, and (for the synthetic regimes) how many and how hard."""

    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the synthetic data and of every random split."""
    num_train: Annotated[int, Field(ge=20)] = 2000
    """Training examples of a synthetic regime (validation is taken from these)."""
    num_test: Annotated[int, Field(ge=20)] = 1000
    """Test examples of a synthetic regime."""
    difficulty: Annotated[float, Field(gt=0)] = 1.0
    """Difficulty of a synthetic regime: divides the strength of its signal. 1 is the default signal."""
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training examples held out for validation, stratified by class."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the examples held out for test where the source has no test split of its own, stratified."""
    max_train: Annotated[int, Field(ge=20)] | None = None
    """At most so many training examples, drawn at random and stratified by class. None: all."""
    sample_column: str = "sample"
    """Long-form tables: the column that says which series a row belongs to."""
    time_column: str = "time"
    """Long-form tables: the column that orders the rows of a series."""
    label_column: str = "label"
    """Long-form tables: the column of the class, constant within a series."""
    missing: Literal["refuse", "interpolate"] = "refuse"
    """Missing values of sequences: `refuse` names their places; `interpolate` fills them linearly in time within a
    series and channel (the ends take the nearest value, a channel without any its training mean). The model does the
    same to what it is asked about."""
    digest: str | None = None
    """The content digest that the prepared data must have; other data are refused. None: not checked."""


class DataSpec(DataOptions):
    """Which data, and how split."""

    source: str = "regime:order"
    """`mnist`, `fashion-mnist`, `digits`, `auto` (MNIST if it can be had, else digits), `regime:motif`,
    `regime:order`, `regime:locked`, `regime:dynamics`, `regime:trend`, `aeon:NAME`, or the path of a
    `.ts`, `.npz`, `.npy`, `.csv` or `.parquet` file."""


class SourceReport(Report):
    """Raw data that are on this machine now."""

    source: str
    """The source that was really taken; `auto` is resolved here."""
    kind: Kind
    files: tuple[str, ...] = ()
    """Absolute paths of the raw files; empty for data made or shipped by a library."""
    digest: str
    """sha256 over the raw files (or over the name and the version of what makes the data)."""
    notes: tuple[str, ...] = ()
    """What the user must know, such as which data set replaced `auto`."""


class DataReport(Report):
    """Prepared data: a file with a digest, and what is in it."""

    name: str
    kind: Kind
    source: str
    path: str
    """The prepared arrays (`.npz`, no pickle) in this machine's cache."""
    digest: str
    """Content digest of arrays, labels, splits and preprocessing version."""
    num_train: int
    num_validation: int
    num_test: int
    shape: tuple[int, ...]
    """Of one example: (28, 28) for images, (T, C) for sequences."""
    class_names: tuple[str, ...]
    class_counts: tuple[int, ...]
    """Examples per class, over all splits."""
    unequal_lengths: bool = False
    """Sequences differ in length: padded at the end and masked."""
    notes: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------ training


class Recipe(Spec):
    """How a network is trained. Every family has one default; see `hw3models.families`."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Passes over the training examples (more for small data: see `min_examples`)."""
    min_examples: Annotated[int, Field(ge=0)] = 0
    """Examples that a training must see, counting repeats: small data are passed over more often until it has."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Examples per step; halved for small data until an epoch has at least 8 steps, but not below 16."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    """Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), or SGD with momentum 0.9."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak learning rate."""
    schedule: Literal["constant", "cosine", "one-cycle"] = "one-cycle"
    """Learning rate over the steps: constant, cosine to zero, or one-cycle (Smith 2018): 30% linear warm-up
    from 1/25 of the peak, then cosine to zero."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled for AdamW, L2 for the others."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target spread over all classes (Szegedy et al. 2016)."""
    gradient_clip: Annotated[float, Field(gt=0)] | None = None
    """Largest gradient norm of a replicate; None: not clipped."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout probability, where the family has a place for it."""
    hidden: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = ()
    """Autoencoders: hidden units of the encoder's layers, from the image to the code; the decoder mirrors them.
    Empty: 128 and 64."""
    select: Literal["last", "best"] = "last"
    """Parameters to keep: of the last epoch, or of the epoch with the lowest validation loss."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop a replicate after so many epochs without a lower validation loss; None: never."""
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    """Autoencoders always use MSE per pixel; for classifiers MSE is against the one-hot label (homework 1B)."""
    shift_pixels: Annotated[int, Field(ge=0, le=8)] = 0
    """Images: random shift by up to so many pixels in each direction, drawn per batch and replicate."""
    augmented: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Sequences: share of the series that jitter, gain, shift and warp are applied to, drawn anew for every batch; the
    others stay where they are, for data in which the position tells the class."""
    jitter: Annotated[float, Field(ge=0)] = 0.0
    """Sequences: standard deviation of added white noise, in units of the channel's."""
    scale: Annotated[float, Field(ge=0)] = 0.0
    """Sequences: standard deviation of a random gain per series and channel."""
    shift_steps: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Sequences: largest random shift in time, as a share of the length."""
    time_warp: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Sequences: standard deviation of a smooth random distortion of time, as a share of the length."""
    mixup: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Sequences: each example is blended with another, whose share is drawn up to this; so are the labels."""
    tried: Annotated[int, Field(ge=1)] = 1
    """Recipes that were tried to find this one: families that are compared should have had as many."""

    @model_validator(mode="after")
    def _selection_needs_validation(self) -> "Recipe":
        if self.patience is not None and self.select != "best":
            raise SpecError(
                f"`patience` ({self.patience}) stops on validation loss and needs `select: best`, got {self.select!r}."
            )
        return self


class TrainSpec(Spec):
    """One family, S seeds, one data set: all that a remote worker needs to know."""

    data: DataSpec = DataSpec()
    """The data to train on."""
    family: str = "mlp"
    """Name in the registry: see `hw3 doctor` or `hw3models.families.FAMILIES`."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = (0, 1, 2, 3, 4)
    """One replicate per seed: its own initialisation and its own order of examples."""
    recipe: Recipe | None = None
    """None: the family's default."""
    code_size: Annotated[int, Field(ge=1, le=512)] = 2
    """Autoencoder and PCA: numbers in the code."""
    vary: Vary = "seed"
    """What differs between replicates. `seed`: initialisation and order of examples. `split`: replicate r is trained
    and tested on the r-th stratified resample of train and test, all from one seed. `both`: resample r and seed r."""
    strategy: Literal["auto", "stacked", "split", "separate"] = "auto"
    """Replicates as one program over (S, ...) parameters that uses all cores, as one on each core, or as separate
    modules; auto takes what was measured to be fastest. Resamples are always separate."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto takes CUDA, then MPS, then CPU."""
    memory_mb: Annotated[int, Field(ge=1)] = 1024
    """MiB of the training examples that are held in memory at once; a larger `.npy` file is read in chunks."""

    @model_validator(mode="after")
    def _seeds_are_distinct(self) -> "TrainSpec":
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise SpecError(f"`seeds` must be distinct and not empty, got {list(self.seeds)}.")
        return self


class TrialPlan(Spec):
    """How one trial of a search for a recipe is judged; the recipe itself is that of the training."""

    number: Annotated[int, Field(ge=0)]
    """From 0, which is the recipe that the search began with."""
    goal: Goal = "accuracy"
    """What is to become best on validation examples: the highest accuracy, or the lowest loss."""
    folds: Annotated[int, Field(ge=1, le=10)] = 1
    """1: judged on the data's own validation split. More: on so many folds of the training part."""
    bars: tuple[float | None, ...] = ()
    """What the trial must have reached, at each look at it, to go on (`hw3models.tuning.pruning`)."""


class TrainJob(Spec):
    """What the `train` deployments run: a training, and the MLflow run it is logged to."""

    training: TrainSpec = TrainSpec()
    """One family on one data set."""
    trial: TrialPlan | None = None
    """Given by a study that searches for recipes: judge the recipe on validation examples, and keep no model."""
    run_id: str | None = None
    """MLflow run, opened by the flow that sends this training out. None: a run of its own."""
    ticket: str | None = None
    """Whose bearer may train for that run; given by the flow that sends this training out."""
    fresh: bool = False
    """Train again even if the same was trained before."""

    @model_validator(mode="after")
    def _a_run_comes_with_a_ticket(self) -> "TrainJob":
        if (self.run_id is None) != (self.ticket is None):
            raise SpecError("`run_id` and `ticket` are given together, by the study; leave both out to train alone.")
        if self.trial is not None and self.run_id is None:
            raise SpecError("`trial` is a part of a study's search and comes with its `run_id`; leave it out to train.")
        return self


class Placement(Report):
    """Where a family was trained, and why there."""

    wish: PlacementWish
    where: str
    """`here`, or the name of a work pool."""
    reason: str
    queued_seconds: float = 0.0
    """From its submission until a worker began, or until it was called back."""
    flow_run_id: str | None = None
    """Prefect's run of the training on the pool; None when none was sent there."""


class ReplicateFailure(Report):
    """A replicate whose loss became NaN or infinite. The others went on."""

    seed: int
    epoch: int
    reason: str


class TrainReport(Report):
    """Trained replicates of one family: a folder with a digest, and how it went."""

    family: str
    seeds: tuple[int, ...]
    """Seeds whose replicates were trained to the end, in the order of every per-seed list."""
    failures: tuple[ReplicateFailure, ...] = ()
    best_seed: int
    """Lowest validation loss (training loss where there is no validation split)."""
    directory: str
    """`model.json`, `replicates.safetensors`, `history.json`; for baselines `predictions.npz`."""
    digest: str
    """sha256 over the folder's parameters."""
    data_digest: str
    spec_digest: str
    recipe: Recipe | None
    """None for baselines."""
    epochs: int
    """Epochs of the longest replicate; 0 for baselines."""
    parameters: int
    """Trained numbers of one replicate."""
    train_seconds: float
    """Wall time of the training of all replicates together."""
    device: str
    """Such as `cpu (Intel Xeon)` or `cuda (NVIDIA H100)`."""
    strategy: str
    peak_memory_mb: float
    """Peak resident memory of the process, or of the GPU's allocator, in MiB."""
    notes: tuple[str, ...] = ()
    """What did not go as planned, such as for want of memory."""


# -------------------------------------------------------------------------------------------- tuning


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
    """Of the goal at the end, mean over folds and seeds; None unless finished."""
    loss: float | None = None
    """Validation loss, the same way: it decides between recipes of equal accuracy."""
    course: tuple[float, ...] = ()
    """The goal after each epoch, fold after fold: mean over the seeds, and over the folds so far."""
    rungs: tuple[float, ...] = ()
    """Those of them at which the trial was compared with others."""
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
    """On validation examples. Optimistic: it is the best of several. The test split tells."""
    default_value: float | None
    """Of trial 0; None where it failed."""
    changed: dict[str, tuple[str, str]]
    """Field of the recipe -> before and after, where they differ."""
    folds: int
    num_judged: int
    """Validation examples that a trial is judged on, all folds together."""
    seeds: tuple[int, ...]
    """Of the trials; a study never has the same."""
    seconds: float
    """Of all trials, one after another."""


# ------------------------------------------------------------------------------ evaluation, comparison


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
    """What a comparison of two families could have shown (`hw3models.power`)."""

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
    """One look of a study that goes on until it is decided (`hw3models.sequential`)."""

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


# -------------------------------------------------------------------------------------------- studies


class StudySpec(Spec):
    """What the studies of images, autoencoders and sequences have in common."""

    families: tuple[str, ...] | None = None
    """Families and baselines to compare; none: all that suit the data."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    """Replicates per family. Under 3 there is hardly a statement about the difference."""
    first_seed: Annotated[int, Field(ge=0, lt=2**30)] = 0
    """The seeds are first_seed, first_seed + 1, ..."""
    vary: Vary = "seed"
    """What differs between replicates. `seed`: initialisation and order of examples. `split`: replicate r is trained
    and tested on the r-th stratified resample of train and test, all from one seed. `both`: resample r and seed r."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Passes over the training data, instead of the default recipes' own."""
    recipe: RecipeName = "default"
    """The networks' own recipes: `default`; `homework`, plain Adam as in the course; `long`, three to ten times
    the training; `deep`, the wide autoencoder of Hinton and Salakhutdinov."""
    own_recipe: Recipe | None = None
    """One recipe for all networks, instead of a named one; what is not given has the value shown here."""
    tune: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Search for each network's recipe first, in so many trials, judged on validation examples only. Every network has
    the same number; baselines are not tuned. None: the recipes are taken as they are."""
    strategy: Literal["auto", "stacked", "split", "separate"] = "auto"
    """How replicates are trained: one program, one on each core, separate modules, or what is fastest here."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device of the process that trains; auto takes CUDA, then MPS, then the CPU."""
    memory_mb: Annotated[int, Field(ge=1)] = 1024
    """MiB of the training examples that are held in memory at once; a larger `.npy` file is read in chunks."""
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
    margin: Annotated[float, Field(gt=0)] | None = None
    """Differences within the margin do not matter; in the metric's own unit. None: 0.005 (half a point) of metrics in
    percent, 0.1 dB, 2% of the best value of all others."""
    fresh: bool = False
    """Do it again even if the same was done before: a new MLflow run, nothing taken from the cache."""

    @model_validator(mode="after")
    def _looks_fit_the_seeds(self) -> "StudySpec":
        if self.until_decided and not 3 <= self.seeds <= self.max_seeds:
            raise SpecError(
                f"`until_decided` begins with `seeds` ({self.seeds}) and ends with `max_seeds` ({self.max_seeds}): "
                "give at least 3 seeds, and not more than `max_seeds`."
            )
        return self

    @model_validator(mode="after")
    def _test_examples_are_not_tuned_on(self) -> "StudySpec":
        if self.tune is not None and self.vary != "seed":
            raise SpecError(
                f"`tune` ({self.tune}) chooses on the training part, and `vary: {self.vary}` would test on examples of "
                "it. Use `vary: seed`, or leave `tune` out."
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
    code_size: Annotated[int, Field(ge=1, le=512)] = 2
    """Numbers in the code."""


class SequencesSpec(StudySpec):
    """Classifiers on sequences: homework part 5."""

    data: DataSpec = DataSpec()
    """Which sequences."""


class Hw3Spec(Spec):
    """Everything: images, autoencoder, sequence regimes, homework parts, one report."""

    images: Literal["mnist", "fashion-mnist", "digits", "auto"] = "digits"
    """Image data; `auto` is MNIST if it can be had, else digits."""
    regimes: tuple[Literal["motif", "order", "locked", "dynamics", "trend"], ...] = ("motif", "order", "locked")
    """Sequence regimes to test the claims of homework part 5 on."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    """Replicates per family."""
    num_train: Annotated[int, Field(ge=20)] = 1000
    """Training series of each regime."""
    num_test: Annotated[int, Field(ge=20)] = 1000
    """Test series of each regime."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Passes over the training data, instead of the default recipes' own."""
    code_size: Annotated[int, Field(ge=1, le=512)] = 2
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
    """What the part's figure draws (`hw3models.homework.draw`)."""


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


# ------------------------------------------------------------------------------------------ promotion


class GateDecision(Report):
    """What the promotion gate says about a challenger (`hw3models.gate`)."""

    outcome: GateOutcome
    """It becomes the champion, it stays a challenger, or it may not be compared at all."""
    reason: str
    metric: str
    margin: float | None = None
    """By which it must be better, in the metric's own unit; None where nothing was compared."""
    pairs: tuple[PairReport, ...] = ()
    """With the champion, or with each baseline where there is none."""


class GateOptions(Spec):
    """How a challenger is judged."""

    metric: str | None = None
    """What is compared; none: what the study compared."""
    margin: Annotated[float, Field(gt=0)] | None = None
    """By how much a challenger must be better than the champion, beyond noise; in the metric's own unit. None: as in a
    comparison, 0.005 (half a point) of metrics in percent."""
    prefer_cheaper: bool = False
    """Let a challenger win, too, that is equivalent within the margin and predicts in 80% of the time or less."""


class PromoteSpec(GateOptions):
    """Which run's winner goes before the gate."""

    run: str | None = None
    """MLflow run of a study or of one of its families, or the `.json` beside a report. None: the newest study."""
    data: str | None = None
    """Of a run with several data sets: only this one. None: all of them."""
    family: str | None = None
    """This family instead of the winner."""
    licence: str | None = None
    """Licence of the data, for the model card."""


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


# ---------------------------------------------------------------------------------------------- drift


class DriftSpec(Spec):
    """New data against the training data of a model."""

    reference: str
    """`NAME@champion` or `NAME/VERSION` of the model registry, or the MLflow run of a family."""
    new: DataSpec = DataSpec()
    """The new data; a file needs no labels."""
    smallest: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Smallest distance of two distributions that counts as drift, however significant."""


class DriftTest(Report):
    """One thing that was compared."""

    what: str
    test: str
    effect: float
    """Distance in 0..1, or the classifier's accuracy."""
    p_value: float
    """Before Holm's correction."""
    is_large: bool
    """Is the effect as large as what counts?"""
    drifted: bool = False
    """Significant after Holm's correction over all tests, and large."""
    detail: str


class DriftReport(Report):
    """What came of a look for drift."""

    num_reference: int
    num_new: int
    level: float
    """Chance of one or more false alarms among all tests, at most."""
    smallest: float
    tests: tuple[DriftTest, ...]
    drifted: bool
    verdict: str
    accuracy_before: Score | None = None
    """Of the model on its own test split."""
    accuracy_now: Score | None = None
    """Of the model on the new data, where they have labels."""
    reference: str = ""
    run_id: str | None = None
    """MLflow run of this look."""
