"""What the helper does for each request."""

import threading
from functools import lru_cache

from hw3models.homework import parts as homework
from hw3models.report import KeptDrawing, write_report
from hw3models.runtime.devices import compute_alone
from hw3models.specs import HomeworkPart
from tasks.helper.wire import Asked, Done, Draw, OtherStoreError, Refusal, Request, Send, Solve, Write
from tasks.patience import is_outage
from tasks.tracking.journal import outbox
from tasks.tracking.journal.events import decode
from tasks.tracking.journal.shipping import Shipping
from tasks.tracking.store import connect_once


class Desk:
    """Keeps what was drawn, and the connection to MLflow."""

    def __init__(self) -> None:
        self._drawing = KeptDrawing()
        # Models are built, and the homework is solved, with torch's global random numbers.
        self._drawing_numbers = threading.Lock()

    def fulfil(self, asked: Asked) -> Done:
        """Do it, or say what was raised."""
        try:
            return Done(number=asked.number, solved=self._do(asked.request))
        except Exception as error:
            refusal = Refusal(
                name=type(error).__name__,
                text=str(error),
                code=getattr(error, "error_code", None),
                is_outage=is_outage(error),
            )
            return Done(number=asked.number, refused=refusal)

    def _do(self, request: Request) -> HomeworkPart | None:
        if isinstance(request, Send):
            compute_alone()
            lines = (f"{line}\n".encode() for line in request.lines)
            with self._drawing_numbers:
                _shipping(request.store).send(request.run_id, [decode(line) for line in lines])
        elif isinstance(request, Solve):
            with self._drawing_numbers:
                return homework.solve_part(request.part)
        elif isinstance(request, Draw):
            self._drawing.of(request.of)
        elif isinstance(request, Write):
            write_report(request.run, request.page, self._drawing)
        return None


@lru_cache(maxsize=1)
def _shipping(store: object) -> Shipping:
    """Kept: it remembers what runs had, and is asked for by one thread."""
    box = outbox()
    if box.store != store:
        raise OtherStoreError(f"the helper sends the journals of {box.store}, not those of {store}")
    return Shipping(box.store, *connect_once())
