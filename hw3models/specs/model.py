"""What `model.json` of a kept model holds."""

from typing import Literal

from hw3models.specs import Kind, Report, Resampling
from hw3models.specs.origin import Origin


class ModelManifest(Report):
    """What `model.json` holds."""

    family: str
    origin: Origin | None = None
    """Where the family's code is; None for those of this package."""
    kind: Kind
    shape: tuple[int, ...]
    """Shape of one example: (28, 28), or (T, C)."""
    class_names: tuple[str, ...]
    channels: tuple[str, ...] = ()
    """Names of the C channels, where the training data had them: tables are read by them."""
    mean: tuple[float, ...]
    """Per channel, of the training split (of the best seed's, where each seed has its own); images: of pixels / 255."""
    std: tuple[float, ...]
    unequal_lengths: bool
    latent_dim: int
    dropout: float
    hidden: tuple[int, ...] = ()
    seeds: tuple[int, ...]
    best_seed: int
    missing: Literal["refuse", "interpolate"] = "refuse"
    """What is done about missing values in what the model is asked about: as in its training."""
    resampling: Resampling = "seed"
    """`training`: seed r was trained on a bootstrap of the training part; `split` and `both`: on the r-th resample of
    the data."""
    data_digest: str
    data_name: str
