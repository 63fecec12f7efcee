"""What can be sent to MLflow, and how it stands in a file: one line each, with a sum that tells a torn line."""

import zlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from hw3models.errors import DataError
from hw3models.specs import DataReport, EvaluationReport, Report, TrainReport


class Open(Report):
    """Start the run with this key, or find it."""

    kind: Literal["open"] = "open"
    key: str
    name: str
    tags: dict[str, str]
    params: dict[str, str] = Field(default_factory=dict)
    data: DataReport | None = None
    """The data set that the run's page names."""
    spec: str | None = None
    """Logged whole, as `spec.json`."""
    at: int
    """When it began, in ms."""


class Points(Report):
    """Metrics: (name, value, time stamp in ms, step). Sent again, they are the same points."""

    kind: Literal["points"] = "points"
    points: tuple[tuple[str, float, int, int], ...]
    new_run: bool
    """Nobody logged to the run before; otherwise points are left out that it has at the same step."""


class Facts(Report):
    """Parameters and tags. A tag whose value is a pending run gets that run's id."""

    kind: Literal["facts"] = "facts"
    params: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)


class Text(Report):
    """A small artifact, itself."""

    kind: Literal["text"] = "text"
    path: str
    text: str
    is_table: bool = False
    """Has it the form of MLflow's tables, which are shown beside those of other runs?"""


class Figures(Report):
    """Figures of a family, drawn when they are sent: that takes as long as an epoch of a small network."""

    kind: Literal["figures"] = "figures"
    training: TrainReport
    evaluation: EvaluationReport
    data: DataReport


class Files(Report):
    """A file or a folder of this machine as artifacts."""

    kind: Literal["files"] = "files"
    source: str
    folder: str | None = None


class Logged(Report):
    """The best seed's replicate as a model of the run."""

    kind: Literal["model"] = "model"
    training: TrainReport
    data: DataReport


class Input(Report):
    """The data set that the run's page names, where it was not known when the run was started."""

    kind: Literal["input"] = "input"
    data: DataReport


class SeedRun(Report):
    """What one seed reached."""

    seed: int
    metrics: dict[str, float]


class Seeds(Report):
    """A run for each seed of a family, below the family's."""

    kind: Literal["seeds"] = "seeds"
    name: str
    """Id of the family's run."""
    tags: dict[str, str]
    params: dict[str, str]
    seeds: tuple[SeedRun, ...]
    at: int


class View(Report):
    """Which runs MLflow's page of the experiment shows, and how, under the address that names the run."""

    kind: Literal["view"] = "view"
    metrics: tuple[str, ...]
    """Columns; the first one sorts."""
    ascending: bool
    group_by: tuple[str, ...]
    """Tags."""
    at: int


class Name(Report):
    """Another name for the run."""

    kind: Literal["name"] = "name"
    name: str


class End(Report):
    """The run is over."""

    kind: Literal["end"] = "end"
    status: Literal["FINISHED", "FAILED", "KILLED"]
    at: int
    """When, in ms: it may be sent hours later."""


Event = Annotated[
    Open | Points | Facts | Text | Figures | Files | Logged | Input | Seeds | View | Name | End,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def encode(event: Event) -> bytes:
    """A line, with its end."""
    text = event.model_dump_json().encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode(line: bytes) -> Event:
    """The event of a line.

    Raises:
        DataError: it is torn, altered, or of another version.
    """
    total, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or total != b"%08x" % zlib.crc32(text):
        raise DataError("the line is torn or was altered: its sum is another")
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"no event that this version knows: {where}: {first['msg']}") from None
