"""What `model.json` of a kept model holds."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hw3models.printable import few
from hw3models.specs import Kind, Report, Resampling, TargetReport, Task
from hw3models.specs.origin import Origin

Use = Literal["single", "ensemble"]


class ModelManifest(Report):
    """What `model.json` holds."""

    family: str
    format: Literal["safetensors", "arrays", "skops"] = "safetensors"
    """What the file beside it is: tensors of a network; arrays or objects of fitted baselines."""
    use: Use = "single"
    """Who answers: the replicate of `best_seed`, or all of `seeds`, whose probabilities are averaged."""
    origin: Origin | None = None
    """Where the family's code is; None for those of this package."""
    kind: Kind
    shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=3)]
    """Shape of one example: (T, C) of series; (H, W) of grey images, (H, W, 3) of colour."""
    class_names: tuple[str, ...]
    target: TargetReport | None = None
    """The numbers that it predicts, by its training examples; None of classes. Such a model names no classes."""
    channels: tuple[str, ...] = ()
    """Names of the C channels, where the training data had them: tables are read by them."""
    mean: tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
    """Per channel, of the training split (of the best seed's, where each seed has its own); images: of pixels / 255."""
    std: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]
    unequal_lengths: bool
    latent_dim: Annotated[int, Field(ge=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = ()
    depth: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=1)] | None = None
    seeds: tuple[int, ...]
    best_seed: int
    temperatures: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """What the logits of each seed are divided by, fitted on validation examples (Guo et al. 2017); empty: 1."""
    missing: Literal["refuse", "interpolate"] = "refuse"
    """What is done about missing values in what the model is asked about: as in its training."""
    image_fit: Literal["fit", "crop", "pad"] = "fit"
    """How pictures of another shape become that of the model: as in its training."""
    resampling: Resampling = "seed"
    """`training`: seed r was trained on a bootstrap of the training part; `split` and `both`: on the r-th resample of
    the data."""
    read_as: dict[str, str | int] = {}
    """Options of `DataSpec` by which its training data were read: those that were given, and those that were found
    out."""
    sample_column: str | None = None
    """`read_as` of models of earlier versions: the column that says which series a row belongs to."""
    time_column: str | None = None
    """The same: the column that orders the rows of a series."""
    data_digest: str
    data_name: str

    @model_validator(mode="after")
    def _belongs_together(self) -> "ModelManifest":
        faults = []
        is_colour = self.kind == "images" and len(self.shape) == 3
        if len(self.shape) == 3 and (not is_colour or self.shape[2] != 3):
            faults.append(f"`shape` is {self.shape}, where three numbers are height, width and 3 of colour images")
        num = 3 if is_colour else 1 if self.kind == "images" else self.shape[1]
        for name in ("mean", "std"):
            if len(getattr(self, name)) != num:
                faults.append(f"`{name}` has {len(getattr(self, name))} numbers for {num} channels")
        if self.channels and len(self.channels) != num:
            faults.append(f"`channels` has {len(self.channels)} names for {num} channels")
        for name in ("class_names", "channels", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                faults.append(f"`{name}` names one twice: {few(values)}")
        if not self.class_names and self.target is None:
            faults.append("`class_names` is empty")
        if self.temperatures and len(self.temperatures) != len(self.seeds):
            faults.append(f"`temperatures` has {len(self.temperatures)} numbers for {len(self.seeds)} seeds")
        if self.use == "ensemble" and len(self.seeds) < 2:
            faults.append("`use` is ensemble, of one seed")
        if self.best_seed not in self.seeds:
            faults.append(f"`best_seed` {self.best_seed} is not one of `seeds`")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def of(self, seeds: tuple[int, ...], use: Use = "single") -> "ModelManifest":
        """The manifest of some of its replicates; a single one is the best there is."""
        rows = [self.seeds.index(seed) for seed in seeds]
        best = self.best_seed if self.best_seed in seeds else seeds[0]
        chosen = {"seeds": seeds, "best_seed": best, "use": use}
        if self.temperatures:
            chosen["temperatures"] = tuple(self.temperatures[row] for row in rows)
        return ModelManifest.model_validate(self.model_dump() | chosen)

    @property
    def task(self) -> Task:
        """What it predicts."""
        return "classification" if self.target is None else "regression"

    @property
    def num_classes(self) -> int:
        """Classes that it knows; a number is predicted by one output."""
        return len(self.class_names) if self.target is None else 1

    def temperature_of(self, seed: int) -> float:
        """What the logits of the seed are divided by."""
        return self.temperatures[self.seeds.index(seed)] if self.temperatures else 1.0
