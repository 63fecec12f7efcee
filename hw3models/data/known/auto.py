"""MNIST where it can be had, and what takes its place where it cannot."""

from hw3models.data.known.digits import DIGITS
from hw3models.data.known.mnist import MNIST, fetch_images
from hw3models.data.raw import Raw
from hw3models.data.source import Fetching, Source, found
from hw3models.errors import DownloadError, SpecError
from hw3models.specs import DataSpec, SourceReport

AUTO_TIMEOUT = 5.0
AUTO_WASTE = 15.0
"""`auto` waits so long for one mirror, and for all that fail together, before it takes the digits."""
AUTO_MIN_RATE = 100 * 1024


def _fetch(spec: DataSpec, how: Fetching) -> SourceReport:
    from hw3models.data.known.download import Patience

    patience = Patience(min(how.timeout, AUTO_TIMEOUT), min_rate=AUTO_MIN_RATE, waste=AUTO_WASTE)
    try:
        return found("mnist", "images", fetch_images("mnist", how, patience))
    except DownloadError as error:
        note = (
            "scikit-learn's 1,797 digits stand in for MNIST, and their accuracies are not MNIST's: it could not be had "
            f"({str(error).rstrip('.')})."
        )
        how.tell(note)
        report = DIGITS.fetch(spec.model_copy(update={"source": "digits"}), how)
        return report.model_copy(update={"notes": (note,)})


def _read(spec: DataSpec, *_: object) -> Raw:
    raise SpecError(f"`source` {spec.source!r} is what was asked for; what was fetched is read. Fetch it first.")


AUTO = Source(
    name="auto",
    forms=("auto",),
    text="MNIST if it can be had, else digits",
    kinds=("images",),
    matches=lambda source: source == "auto",
    fetch=_fetch,
    read=_read,
    is_remote=True,
    stands_for=(MNIST.name, DIGITS.name),
)
