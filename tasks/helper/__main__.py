"""`python -m tasks.helper`: draws and sends until its standard input is closed, which its parent's death does, too."""

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import BinaryIO

from tasks.helper.calling import IMPORT
from tasks.processes import importing

NICENESS = 10
"""Of a core that both want the command gets nine tenths."""


def main() -> None:
    """Answer requests, those of each kind in their order."""
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What libraries print is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Imported meanwhile: a parent that ends has not to be waited for.
    requests: SimpleQueue[bytes] = SimpleQueue()
    may_import = threading.Event()
    threading.Thread(target=_work_or_end, args=(requests, answers, may_import), daemon=True).start()
    for line in sys.stdin.buffer:
        if line == IMPORT:
            may_import.set()
        else:
            requests.put(line)
    os._exit(0)


def _work_or_end(requests: "SimpleQueue[bytes]", answers: BinaryIO, may_import: threading.Event) -> None:
    # One that only looks alive would be waited for; what has ended is done without.
    try:
        may_import.wait()
        _work(requests, answers)
    finally:
        os._exit(1)


def _work(requests: "SimpleQueue[bytes]", answers: BinaryIO) -> None:
    with importing():
        from tasks.helper.desk import Desk
        from tasks.helper.wire import ASKED, Asked, Done, Ready, Rest, Send, to_line

    lock, rest = threading.Lock(), _Rest()

    def tell(message: Ready | Done) -> None:
        with lock:
            answers.write(to_line(message))
            answers.flush()

    def answer(asked: Asked) -> None:
        rest.wait()
        tell(desk.fulfil(asked))

    desk = Desk()
    tell(Ready())
    # A server that does not answer must not keep the page from being written.
    sending, drawing = _Lane(), _Lane()
    while True:
        asked = ASKED.validate_json(requests.get())
        if isinstance(asked.request, Rest):
            rest.last(asked.request.seconds)
            tell(Done(number=asked.number))
        else:
            lane = sending if isinstance(asked.request, Send) else drawing
            lane.put(partial(answer, asked))


class _Rest:
    """Until when nothing is begun."""

    def __init__(self) -> None:
        self._changed, self._until = threading.Condition(), 0.0

    def last(self, seconds: float) -> None:
        """From now on."""
        with self._changed:
            self._until = time.monotonic() + seconds
            self._changed.notify_all()

    def wait(self) -> None:
        """Until it is over."""
        with self._changed:
            while (left := self._until - time.monotonic()) > 0:
                self._changed.wait(left)


class _Lane:
    """A thread that does one thing after another."""

    def __init__(self) -> None:
        self._things: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, thing: Callable[[], None]) -> None:
        self._things.put(thing)

    def _work(self) -> None:
        while True:
            self._things.get()()


if __name__ == "__main__":
    main()
