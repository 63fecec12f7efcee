"""What holds of every input, however bad: an error that says where, soon, in little memory."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from hw3models.data import fetch, load_prepared, prepare
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

SECONDS, MEBIBYTES = 20.0, 700.0


@contextmanager
def bounded() -> Iterator[None]:
    """It ends soon and has not taken much."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert time.monotonic() - began < SECONDS
    assert grown < MEBIBYTES, f"{grown:.0f} MiB"


def read_file(path: Path, cache: Path) -> bool:
    """Read as a study does; False when it was refused, which must name the file."""
    spec = DataSpec(source=str(path))
    with bounded():
        try:
            data = load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))
        except (DataError, SpecError, ValidationError) as error:
            text = str(error)
            assert path.name in text, f"the message does not say which file: {text}"
            assert len(text) < 4_000, f"the message is too long to be read: {text[:300]}..."
            assert "\x1b" not in text, "what is in a file must not reach the terminal as a control sequence"
            return False
    assert len(data.labels) == len(data.features)
    return True


def refused_or(call: Callable[[], object]) -> None:
    """Nothing else than our own errors."""
    with bounded(), suppress(DataError, SpecError, ValidationError):
        call()
