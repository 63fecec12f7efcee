"""`python -m tasks.helper`: draws and sends until its standard input is closed, which its parent's death does, too."""

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import BinaryIO

NICENESS = 19
"""A tenth of what a training's thread gets on a core that both want: enough for curves that are followed live."""


def main() -> None:
    """Answer requests, those of each kind in their order."""
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    # What libraries print is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Imported meanwhile: a parent that ends has not to be waited for.
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_work, args=(requests, answers), daemon=True).start()
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _work(requests: "SimpleQueue[bytes]", answers: BinaryIO) -> None:
    from tasks.helper.desk import Desk
    from tasks.helper.wire import ASKED, Asked, Done, to_line

    desk, lock = Desk(), threading.Lock()

    def say(done: Done) -> None:
        with lock:
            answers.write(to_line(done))

    def answer(asked: Asked) -> None:
        say(Done(number=asked.number, refused=desk.fulfil(asked.request)))

    # A server that does not answer must not keep the page from being written.
    lanes = {what: _Lane() for what in ("send", "page")}
    say(Done(number=0))
    while True:
        asked = ASKED.validate_json(requests.get())
        lanes["send" if asked.request.what == "send" else "page"].put(partial(answer, asked))


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
