"""What goes between a command and its helper: one line of JSON for each request, and one for each answer."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from hw3models.specs import Answer, HomeworkPart, RunReport


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Send(_Message):
    """Send events to a run that has been started."""

    what: Literal["send"] = "send"
    store: Path
    """The folder of the store's journals, by which a helper with other settings is told from the right one."""
    run_id: str
    lines: tuple[str, ...]
    """As `tasks.tracking.journal.events.encode` writes them."""


class Draw(_Message):
    """Draw what the page shows of it, and keep that for the page."""

    what: Literal["draw"] = "draw"
    of: Answer | HomeworkPart


class Rest(_Message):
    """Begin nothing for so long; 0: go on."""

    what: Literal["rest"] = "rest"
    seconds: float


class Write(_Message):
    """Write the page."""

    what: Literal["write"] = "write"
    run: RunReport
    page: Path


OTHER_STORE = "OtherStoreError"
"""The refusal of a helper whose settings name another store than the request."""

Request = Annotated[Send | Draw | Write | Rest, Field(discriminator="what")]


class Asked(_Message):
    """A request with its number."""

    number: int
    request: Request


class Ready(_Message):
    """The helper has imported everything."""

    is_ready: Literal[True] = True


class Done(_Message):
    """The request with this number was fulfilled, or `refused`."""

    number: int
    refused: "Refusal | None" = None


class Refusal(_Message):
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


class HelperGoneError(Exception):
    """The helper has ended: what it was asked for may be done, or not."""


def to_line(message: Asked | Ready | Done) -> bytes:
    """With its end."""
    return message.model_dump_json().encode() + b"\n"
