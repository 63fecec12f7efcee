"""Training: recipes, what is to be trained and where, and what came of it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from hw3models.errors import SpecError
from hw3models.specs.base import Report, Spec
from hw3models.specs.data import DataSpec
from hw3models.specs.origin import Origin

PlacementWish = Literal["auto", "here", "gpu", "cpu"]
Resampling = Literal["seed", "training", "split", "both"]
Goal = Literal["accuracy", "balanced_accuracy", "macro_f1", "loss"]
"""What is watched on validation examples: the highest of the first three, or the lowest loss."""


class Recipe(Spec):
    """How a network is trained. Every family has one default; see `hw3models.families`."""

    model_config = ConfigDict(allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Passes over the training examples (more for small data: see `min_examples`)."""
    min_examples: Annotated[int, Field(ge=0)] = 0
    """Examples that a training must see, counting repeats: small data are passed over more often until it has."""
    max_time_steps: Annotated[int, Field(ge=0)] = 0
    """Sequences: time steps (examples x length) up to which `min_examples` holds. Long series cost more each, and are
    passed over less often, down to a quarter of `min_examples`. 0: however many."""
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
    depth: Annotated[int, Field(ge=1, le=200)] | None = None
    """Residual networks: layers, 6n + 2 (8, 14, 20, ...); transformers: blocks. None: the family's own."""
    width: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Convolutional networks: channels of the first layers; transformers: numbers in a token. None: the family's
    own."""
    hidden: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = ()
    """Autoencoders: hidden units of the encoder's layers, from the image to the code; the decoder mirrors them.
    Empty: 128 and 64."""
    select: Literal["last", "best"] = "last"
    """Parameters to keep: of the last epoch, or of the best one on validation examples (see `goal` of a training)."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Stop a replicate after so many epochs without a better one on validation examples; None: never."""
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    """Autoencoders always use MSE per pixel; for classifiers MSE is against the one-hot label (homework 1B)."""
    class_weights: Literal["none", "balanced"] = "none"
    """Classifiers: `balanced` lets each class count for as much in the loss, however few its training examples are."""
    shift_pixels: Annotated[int, Field(ge=0, le=8)] = 0
    """Images: random shift by up to so many pixels in each direction, drawn per batch and replicate."""
    crop: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Images: largest random shift of each, as a share of height and width: a crop of the image with its border
    repeated around it."""
    flip: Literal["never", "auto", "always"] = "never"
    """Images: each is mirrored left to right with probability 1/2; `auto` where a mirrored training example looks like
    one of its class still, as of clothes and not of digits."""
    cutout: Annotated[float, Field(ge=0, le=0.9)] = 0.0
    """Images: side of a square that is blanked in each (DeVries and Taylor 2017), as a share of the shorter side."""
    colour: Annotated[float, Field(ge=0)] = 0.0
    """Images: standard deviation of a random gain and of a random offset, drawn for each example and channel."""
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
    """Each example is blended with another, whose share is drawn up to this; so are the labels."""
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
    """Name in the registry: see `hw3 families`."""
    origin: Origin | None = None
    """Where the family's code is; None for those of this package."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = (0, 1, 2, 3, 4)
    """One replicate per seed: its own initialisation and its own order of examples."""
    recipe: Recipe | None = None
    """None: the family's default."""
    goal: Goal = "loss"
    """What `select: best` and `patience` go by on validation examples: that of the study's metric."""
    latent_dim: Annotated[int, Field(ge=1, le=512)] = 2
    """Autoencoder and PCA: numbers in the code."""
    resampling: Resampling = "seed"
    """What differs between replicates. `seed`: initialisation and order of examples: which family is best when trained
    on exactly these examples? `training`: each replicate is also trained on its own bootstrap of the training part, and
    all are tested on the same examples: which is best on this problem, whatever examples were drawn? `split`: replicate
    r is trained and tested on the r-th stratified resample of train and test, all from one seed. `both`: resample r and
    seed r."""
    strategy: Literal["auto", "stacked", "split", "vmap", "separate"] = "auto"
    """Replicates as one program over (S, ...) parameters that uses all cores, as one on each core, or as separate
    modules; auto takes what was measured to be fastest. Resamples are always separate."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train; auto takes CUDA, then MPS, then CPU."""
    precision: Literal["auto", "float32", "tf32", "bf16"] = "auto"
    """Precision of products in training: float32, TF32 (on CUDA; elsewhere float32), or bfloat16, in which all families
    keep sequences, half as large, and CNNs compute. auto: TF32 on CUDA for families whose loss curves it was measured
    to leave as they are, float32 for all others."""
    memory_mb: Annotated[int, Field(ge=1)] = 1024
    """MiB of the training examples that are held in memory at once; a larger `.npy` or Parquet file is read in
    chunks."""

    @model_validator(mode="after")
    def _seeds_are_distinct(self) -> "TrainSpec":
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise SpecError(f"`seeds` must be distinct and not empty, got {list(self.seeds)}.")
        return self


class TrialPlan(Spec):
    """How one trial of a search for a recipe is judged; the recipe itself is that of the training."""

    number: Annotated[int, Field(ge=0)]
    """Number of the trial; 0 is the recipe that the search began with."""
    goal: Goal = "accuracy"
    """What is to become best on validation examples."""
    folds: Annotated[int, Field(ge=1, le=10)] = 1
    """1: judged on the data's own validation split. More: on so many folds of the training part."""
    search: Annotated[int, Field(ge=0, lt=1000)] = 0
    """Number of the search, where there are several: each draws its recipes, seeds and folds anew."""
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
    fencing_token: str | None = None
    """Token whose bearer may train for that run; given by the flow that sends this training out."""
    metric: str | None = None
    """What the study compares by, with which the MLflow run's description begins; None: accuracy, or squared error."""
    fresh: bool = False
    """Train again even if the same was trained before."""

    @model_validator(mode="after")
    def _a_run_comes_with_a_token(self) -> "TrainJob":
        if (self.run_id is None) != (self.fencing_token is None):
            raise SpecError(
                "`run_id` and `fencing_token` are given together, by the study; leave both out to train alone."
            )
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
    """Seconds from its submission until a worker began, or until it was called back."""
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
    origin: Origin | None = None
    """Where the family's code was; None for those of this package."""
    seeds: tuple[int, ...]
    """Seeds whose replicates were trained to the end, in the order of every per-seed list."""
    members: int = 1
    """Networks of an ensemble, each with a seed of its own; `seeds` are then those of the first members."""
    failures: tuple[ReplicateFailure, ...] = ()
    best_seed: int
    """Lowest validation loss (training loss where there is no validation split)."""
    directory: str
    """`model.json`, `replicates.safetensors`, `history.json`; for baselines `predictions.npz`, and `model.json` and
    `replicates.safetensors` or `replicates.skops` where what was learnt is kept."""
    digest: str
    """sha256 over the folder's parameters; of a baseline over its predictions."""
    kept_digest: str | None = None
    """sha256 over the file of what a baseline has learnt; None where there is none."""
    data_digest: str
    spec_digest: str
    recipe: Recipe | None
    """The recipe it was trained by; None for baselines."""
    epochs: int
    """Epochs of the longest replicate; 0 for baselines."""
    parameters: int
    """Trained numbers of one replicate."""
    train_seconds: float
    """Wall time of the training of all replicates together."""
    device: str
    """Where it was trained, such as `cpu (Intel Xeon)` or `cuda (NVIDIA H100)`."""
    strategy: str
    precision: str = "float32"
    """`float32`, `tf32`, `bf16`, or `float32, series as bf16`; see `hw3models.engine.precision`."""
    peak_memory_mb: float
    """Peak resident memory of the process, or of the GPU's allocator, in MiB."""
    notes: tuple[str, ...] = ()
    """What did not go as planned, such as for want of memory."""

    @property
    def is_kept(self) -> bool:
        """Whether there is a model that can be asked again."""
        return self.recipe is not None or self.kept_digest is not None
