"""Every error that a user can meet.

    Hw3Error
    ├── SpecError          a spec asks for something impossible (also a ValueError)
    ├── DataError          a file or an array is not what it must be
    │   └── DownloadError  no mirror gave a whole, correct file
    ├── DigestError        the data are not the data that were asked for
    ├── TrainingError      no replicate of a family could be trained
    └── PlacementError     a training cannot go where the spec wants it, or was called back from there

The command line turns `SpecError`, `DataError` and `DigestError` into exit code 2 and one message.
A message says what is wrong, what was found, and what to do.
"""

from hw3models.printable import printable

LONGEST = 2_000
"""Characters of a message."""


class Hw3Error(Exception):
    """Base of everything this project raises on purpose.

    Messages quote what is in files: no control sequence reaches a terminal, and a message can be read.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_readable(message))


def _readable(text: str) -> str:
    if len(text) > LONGEST:
        # The beginning says where and what, the end what to do.
        text = f"{text[: 2 * LONGEST // 3]} [...] {text[-LONGEST // 4 :]}"
    return printable(text)


class SpecError(Hw3Error, ValueError):
    """A spec asks for something impossible. A `ValueError`, so that Prefect reports a bad parameter."""


class DataError(Hw3Error):
    """A file or an array is not what it must be."""


class DownloadError(DataError):
    """No mirror gave a whole, correct file."""


class DigestError(Hw3Error):
    """The data are not the data that were asked for: the content digests differ."""


class TrainingError(Hw3Error):
    """No replicate of a family could be trained."""


class PlacementError(Hw3Error):
    """A training cannot go where the spec wants it, or was called back from there."""


class LinesError(Hw3Error):
    """A message of several lines, as where the end of a log says why; all others are one."""
