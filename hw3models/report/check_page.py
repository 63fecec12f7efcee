"""The findings as a page of its own: one HTML file that loads nothing, in which everything from the data is escaped."""

from pathlib import Path

import numpy as np
from markupsafe import Markup

from hw3models.checking.findings import DataCheck
from hw3models.checking.sample import Sample
from hw3models.errors import DataError
from hw3models.plots import to_svg
from hw3models.plots.examples import PANELS, class_images, class_series
from hw3models.plots.style import plain
from hw3models.report.page import rendered
from hw3models.runtime.files import write_atomically

MOST_CLASSES = 20
"""Most classes that are shown with a picture."""
_IMAGES = 10


def write_page(found: DataCheck, sample: Sample, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    text = rendered("check.html.j2", found=found, pictures=_pictures(found, sample), most=MOST_CLASSES)
    try:
        write_atomically(path, text.encode("utf-8", errors="replace"))
    except OSError as error:
        raise DataError(f"{path}: the page cannot be written ({error.strerror or error}). Name another one.") from error


def _pictures(found: DataCheck, sample: Sample) -> list[tuple[str, Markup]]:
    """(class, SVG) of the first classes, made by our plots, which escape."""
    train = sample.is_train
    values = np.where(sample.valid & np.isfinite(sample.values), sample.values, np.nan)
    channels = list(range(min(PANELS, values.shape[2])))
    limits = [_limits(values[train][:, :, channel]) for channel in channels]
    pictures = []
    for k, name in enumerate(found.class_names[:MOST_CLASSES]):
        own = values[train & (sample.labels == k)][:500]
        if not len(own):
            continue
        figure = (
            class_images(own[:_IMAGES])
            if found.kind == "images"
            else class_series(own, channels, limits, found.channels)
        )
        svg = to_svg(figure, label=f"examples of class {plain(name)}")
        pictures.append((name, Markup(svg)))  # noqa: S704  # written by an XML library
    return pictures


def _limits(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> tuple[float, float]:
    """All but the outermost hundredth, with some air."""
    low, high = np.nanpercentile(values, (0.5, 99.5)) if np.isfinite(values).any() else (0.0, 1.0)
    air = 0.1 * (high - low) or 1.0
    return float(low - air), float(high + air)
