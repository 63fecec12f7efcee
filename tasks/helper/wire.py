"""What goes between a command and its helper: one line of JSON for each request, and one for each answer."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from hw3models.specs import Answer, HomeworkPart, Report, RunReport


class Send(Report):
    """Send events to a run that has been started."""

    what: Literal["send"] = "send"
    store: Path
    """The folder of the store's journals, by which a helper with other settings is told from the right one."""
    run_id: str
    lines: tuple[str, ...]
    """As `tasks.tracking.journal.events.encode` writes them."""


class Draw(Report):
    """Draw what the page shows of it, and keep that for the page."""

    what: Literal["draw"] = "draw"
    of: Answer | HomeworkPart


class Rest(Report):
    """Begin nothing for so long; 0: go on."""

    what: Literal["rest"] = "rest"
    seconds: float


class Write(Report):
    """Write the page."""

    what: Literal["write"] = "write"
    run: RunReport
    page: Path


class Solve(Report):
    """Solve a part of the homework."""

    what: Literal["solve"] = "solve"
    part: str


Request = Annotated[Send | Draw | Write | Rest | Solve, Field(discriminator="what")]


class Asked(Report):
    """A request with its number."""

    number: int
    request: Request


class Ready(Report):
    """The helper has imported everything."""

    is_ready: Literal[True] = True


class Done(Report):
    """The request with this number was fulfilled, or `refused`."""

    number: int
    refused: "Refusal | None" = None
    solved: HomeworkPart | None = None
    """What was asked for by `Solve`."""


class Refusal(Report):
    """What was raised."""

    name: str
    """Of its class."""
    text: str
    code: str | None = None
    """MLflow's own, for its errors."""
    is_outage: bool = False


ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)
TOLD: TypeAdapter[Ready | Done] = TypeAdapter(Ready | Done)


class RefusedError(Exception):
    """What the helper raised instead of an answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.name, self.error_code, self.is_outage = refusal.name, refusal.code, refusal.is_outage


class OtherStoreError(Exception):
    """The helper's settings name another store than the request does."""


class HelperGoneError(Exception):
    """The helper has ended: what it was asked for may be done, or not."""


def to_line(message: Asked | Ready | Done) -> bytes:
    """With its end."""
    return message.model_dump_json().encode() + b"\n"
