"""What the helper does for each request."""

from functools import lru_cache

from hw3models.devices import compute_alone
from hw3models.report import KeptDrawing, write_report
from hw3models.specs import Answer
from tasks.helper.wire import Draw, Refusal, Request, Send
from tasks.patience import is_outage
from tasks.tracking.journal import outbox
from tasks.tracking.journal.events import decode
from tasks.tracking.journal.shipping import Shipping
from tasks.tracking.store import connect_once


class OtherStoreError(Exception):
    """`tasks.helper.wire.OTHER_STORE`."""


class Desk:
    """Keeps what was drawn, and the connection to MLflow."""

    def __init__(self) -> None:
        self._drawing = KeptDrawing()

    def fulfil(self, request: Request) -> Refusal | None:
        """Do it; None, or what was raised."""
        try:
            if isinstance(request, Send):
                self._send(request)
            elif isinstance(request, Draw):
                self._draw(request)
            else:
                write_report(request.run, request.page, self._drawing)
        except Exception as error:
            return Refusal(
                name=type(error).__name__,
                text=str(error),
                code=getattr(error, "error_code", None),
                is_outage=is_outage(error),
            )
        return None

    def _draw(self, request: Draw) -> None:
        if isinstance(request.of, Answer):
            self._drawing.of_answer(request.of)
        else:
            self._drawing.of_part(request.of)

    def _send(self, request: Send) -> None:
        compute_alone()
        _shipping(request.store).send(request.run_id, [decode(f"{line}\n".encode()) for line in request.lines])


@lru_cache(maxsize=1)
def _shipping(store: object) -> Shipping:
    """Kept: it remembers what runs had, and is asked for by one thread."""
    box = outbox()
    if box.store != store:
        raise OtherStoreError(f"the helper sends the journals of {box.store}, not those of {store}")
    return Shipping(box.store, *connect_once())
