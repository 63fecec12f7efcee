"""Data: where they come from, and what was prepared."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from hw3models.specs.base import Report, Spec

Kind = Literal["images", "sequences"]
Task = Literal["classification", "regression"]
Axes = Literal["NTC", "NCT"]
HOW_READ = re.compile(
    r"Read as |Taken with |The time step is |Resampled to |[0-9,]+ recordings? cut into |It is one recording, divided |"
    r"Labels of [0-9,]+ stretches |All sensors were brought |Each key is a class "
)
"""How notes begin that say how files were read, and warn of nothing."""


_described: list[Callable[[], str]] = []


def describe_source_by(text: Callable[[], str]) -> None:
    """What forms say about `DataSpec.source` from now on: who knows the sources (`hw3models.data`) tells it."""
    _described[:] = [text]


def _describe_source(schema: dict[str, Any]) -> None:
    schema["description"] = " ".join([schema["description"], *(text() for text in _described)])


class FormOptions(Spec):
    """How series are found in files that can be read in several ways; the same for training and for prediction."""

    layout: Literal["auto", "long", "wide", "columns", "tidy", "pixels", "channels"] = "auto"
    """Tables: `long` has a row for each series and time step, `wide` a row for each series, `columns` a column
    for each series, `tidy` a row for each value (case, dimension, time, value), `pixels` a row for each picture; a
    folder with `channels` has a file for each channel, a row for each series. `auto` finds out, and says it."""
    pair: bool = True
    """Take X_TEST beside X_TRAIN as the test split, and X_VAL as the validation split. False: only the file that is
    named."""
    window: Annotated[int, Field(ge=2)] | None = None
    """Cut recordings into windows of so many steps; a window's label is that of its rows, and windows of one recording
    stay on one side of every split. None: a recording is one series."""
    stride: Annotated[int, Field(ge=1)] | None = None
    """Steps from the begin of a window to the next one's. None: as many as a window has, so that none overlap."""
    mixed_windows: Literal["drop", "majority"] = "drop"
    """Windows in which the label changes: `drop` leaves them out and counts them, `majority` takes the label of most
    rows."""
    resample: str | None = None
    """Bring series with times to a grid, such as `20ms`, `1s` or `5min`; a number without a unit counts in the time
    column's own unit. Holes stay missing."""
    arrays: str | None = None
    """`.mat`, HDF5 and `.npz`, and folders of them: which array is what, such as `X=data/signals,y=data/labels` (also
    X_val, y_val, X_test, y_test, groups, groups_val, groups_test); fields of structs are `data.X`, and channels
    that are an array each `X=rec.x+rec.y`."""
    axes: Axes | None = None
    """Arrays of sequences: the order of their axes, `NTC` (series, steps, channels) or `NCT` (series, channels,
    steps). None: found out by their sizes, and said; where it cannot be, it is asked for."""
    pixel_bits: Annotated[int, Field(ge=8, le=16)] | None = None
    """Pictures with 16 bits: how many of them are used, such as 12 of a camera; of these the upper 8 are taken. None:
    8, 10, 12, 14 or 16, by the greatest value for training, which the model remembers."""
    file_pattern: str | None = None
    """A folder of files: how a file's name tells its label, as in `{label}_{group}_*.csv`; `{split}` may stand in it as
    well."""
    manifest: str | None = None
    """A table about the series, with a label and, where there are some, group and split: of a folder of files a row for
    each file (or its number), of a table a row for each series by its name. Several, with a comma between them, are put
    together."""


class DataOptions(FormOptions):
    """How data are split, and (for the synthetic regimes) how many and how hard."""

    model_config = ConfigDict(allow_inf_nan=False)

    task: Task = "classification"
    """What a label is: a class, or (`regression`) a number to predict, by which families are compared with RMSE, MAE or
    R2."""
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
    max_train_groups: Annotated[int, Field(ge=2)] | None = None
    """At most so many groups in the training part, whole ones; a larger part holds the smaller one. None: all."""
    sample_column: str = "sample"
    """Long-form tables: the column that says which series a row belongs to; several (`subject,trial`) where it takes
    them together, as where numbers of trials begin anew for each subject."""
    time_column: str = "time"
    """Long-form tables: the column that orders the rows of a series; several (`Date,Time`) where they say it
    together."""
    label_column: str = "label"
    """Long-form tables: the column of the class, constant within a series."""
    group_column: str | None = None
    """Tables: the column that says whose series it is, or of which recording (such as `subject`), constant within a
    series. No group is then in two of training, validation and test. Other files name groups beside or within
    themselves. None: series count as independent."""
    feature_columns: tuple[str, ...] = ()
    """Long-form tables: the columns that are channels (`x,y,z`), and no others. None: all numbers that are neither
    an index, nor a counter, nor the same within every series; which are left out is said."""
    ignore_columns: tuple[str, ...] = ()
    """Long-form tables: columns that are no channels, whatever they hold."""
    merge_labels: bool = False
    """Labels that differ in case, in spaces around them or in how a number is written (1 and 1.0) are one class."""
    missing: Literal["refuse", "interpolate"] = "refuse"
    """Missing values of sequences: `refuse` names their places; `interpolate` fills them linearly in time within a
    series and channel (the ends take the nearest value, a channel without any its training mean). The model does the
    same to what it is asked about."""
    image_size: str | None = None
    """Pictures in files: the size that all are brought to, a side such as `64`, or height and width such as `48x64`.
    None: their own if all have one of at most 64 pixels, else one of at most 64."""
    image_fit: Literal["fit", "crop", "pad"] = "fit"
    """Pictures in files: how one of another shape becomes that size. `fit` stretches the whole picture, `crop` cuts off
    on both sides what is too long, `pad` fills up with black."""
    skip_unreadable: bool = False
    """Pictures in files: go on without those that cannot be read, and say how many."""
    group_from: str | None = None
    """Pictures in files: whose picture it is, or of which recording. `folder` is the folder within that of the class;
    anything else is a regular expression that is searched for in the path, such as `patient\\d+`; its first bracket, if
    it has one, is the group."""
    digest: str | None = None
    """The content digest that the prepared data must have; other data are refused. None: not checked."""

    @field_validator("feature_columns", "ignore_columns", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            value = (value,)
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(name.strip() for item in value for name in item.split(",") if name.strip())
        return value


class DataSpec(DataOptions):
    """Which data, and how split."""

    source: Annotated[str, Field(json_schema_extra=_describe_source)] = "regime:order"
    """What `hw3 sources` lists: the name of a data set, or a path."""


class SourceReport(Report):
    """Raw data that are on this machine now."""

    source: str
    """The source that was really taken; `auto` is resolved here."""
    kind: Kind
    files: tuple[str, ...] = ()
    """Absolute paths of the raw files; empty for data made or shipped by a library."""
    digest: str
    """sha256 over the raw files (or over the name and the version of what makes the data)."""
    reader: str = ""
    """Name and version of the package that reads it; empty for ours."""
    notes: tuple[str, ...] = ()
    """What the user must know, such as which data set replaced `auto`."""


class TargetReport(Report):
    """The numbers that are predicted, by the training examples alone."""

    mean: Annotated[float, Field(allow_inf_nan=False)]
    std: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Networks are trained on (number - mean) / std; what they say is brought back."""
    low: float
    high: float


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
    """Shape of one example: (H, W) or (H, W, 3) for images, (T, C) for sequences."""
    class_names: tuple[str, ...]
    """Names of the classes; of numbers the ranges that splits are stratified by."""
    class_counts: tuple[int, ...]
    """Examples per class, over all splits."""
    target: TargetReport | None = None
    """The numbers to predict; None of classes."""
    unequal_lengths: bool = False
    """Sequences differ in length: padded at the end and masked."""
    num_groups: int | None = None
    """Groups that the examples are of; None where nobody said."""
    num_validation_groups: int | None = None
    num_test_groups: int | None = None
    num_pool_groups: int | None = None
    """Groups of the training part, those for validation included."""
    notes: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()
    """How the files were read, in sentences, where more than one way is possible."""

    @property
    def task(self) -> Task:
        """What a label is."""
        return "classification" if self.target is None else "regression"

    @property
    def labels(self) -> str:
        """What the labels are: `3 classes`, or `numbers from 0.5 to 3`."""
        if self.target is not None:
            return f"numbers from {self.target.low:.6g} to {self.target.high:.6g}"
        return f"{len(self.class_names):,} classes"

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes that must be read before any verdict: all but those that say how files were read."""
        return tuple(note for note in self.notes if not HOW_READ.match(note))
