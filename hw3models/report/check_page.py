"""The findings as a page of its own: one HTML file that loads nothing, in which everything from the data is escaped."""

from functools import partial
from pathlib import Path

import numpy as np
from markupsafe import Markup

from hw3models.checking.findings import DataCheck
from hw3models.checking.sample import Sample
from hw3models.errors import DataError
from hw3models.plots import to_svg
from hw3models.plots.examples import PANELS, are_ink, class_images, class_means, class_series
from hw3models.plots.scores import NARROW, WIDE
from hw3models.plots.style import plain
from hw3models.report.figures import Drawn
from hw3models.report.page import rendered
from hw3models.runtime.files import write_atomically

MOST_CLASSES = 20
"""Most classes that are shown with a picture."""
MOST_CHANNELS = 50
"""Most channels whose ranges are listed."""
_IMAGES = 30


def write_page(found: DataCheck, sample: Sample, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    text = rendered(
        "check.html.j2",
        found=found,
        pictures=_pictures(found, sample),
        means=_means(found, sample),
        ranges=_ranges(found, sample),
        most=MOST_CLASSES,
    )
    try:
        write_atomically(path, text.encode("utf-8", errors="replace"))
    except OSError as error:
        raise DataError(f"{path}: the page cannot be written ({error.strerror or error}). Name another one.") from error


def _pictures(found: DataCheck, sample: Sample) -> list[tuple[str, Markup, bool]]:
    """(class, SVG, is it ink) of the first classes, made by our plots, which escape."""
    train, is_images = sample.is_train, found.kind == "images"
    values, ink = sample.values, False
    channels, limits = list[int](), list[tuple[float, float]]()
    if is_images:
        ink = are_ink(values[train])
    else:
        values = _known(sample)
        channels = list(range(min(PANELS, values.shape[2])))
        limits = [_limits(values[train][:, :, channel]) for channel in channels]
    names = [channel_name(found, channel) for channel in channels]
    pictures = []
    for k, name in enumerate(found.class_names[:MOST_CLASSES]):
        own = values[train & (sample.labels == k)][:500]
        if not len(own):
            continue
        figure = class_images(own[:_IMAGES], ink=ink) if is_images else class_series(own, channels, limits, names)
        svg = to_svg(figure, label=f"examples of class {plain(name)}")
        pictures.append((name, Markup(svg), ink))  # noqa: S704  # written by an XML library
    return pictures


def _means(found: DataCheck, sample: Sample) -> Drawn | None:
    """The mean of each class over the training examples, one over the other: where classes part, they can be told."""
    if found.kind == "images":
        return None
    values = _known(sample)
    means = []
    for k, name in enumerate(found.class_names[:MOST_CLASSES]):
        own = values[sample.is_train & (sample.labels == k)][:2000]
        if len(own):
            counts = np.isfinite(own).sum(axis=0)
            mean = np.divide(np.nansum(own, axis=0), counts, out=np.full(counts.shape, np.nan), where=counts > 0)
            means.append((name, mean))
    if not means:
        return None
    channels = list(range(min(PANELS, values.shape[2])))
    names = [channel_name(found, channel) for channel in channels]
    figure = partial(class_means, means, channels, names)
    label = f"Mean of each class of {plain(found.name)}, a panel per channel"
    return Drawn(svg=to_svg(figure(WIDE), label=label), title="", narrow=to_svg(figure(NARROW), label=label))


def channel_name(found: DataCheck, channel: int) -> str:
    """The name that the data have for it, or its number."""
    return found.channels[channel] if channel < len(found.channels) else f"channel {channel}"


def _ranges(found: DataCheck, sample: Sample) -> list[tuple[str, ...]]:
    """What is shown of each channel: least, mean, greatest, standard deviation, and the share of values that are missing."""
    if found.kind == "images":
        return []
    values, there = _known(sample), int(sample.valid.sum())
    rows = []
    for channel in range(min(values.shape[2], MOST_CHANNELS)):
        known = values[:, :, channel][np.isfinite(values[:, :, channel])]
        missing = 1 - len(known) / there if there else 0.0
        numbers = (known.min(), known.mean(), known.max(), known.std()) if len(known) else (np.nan,) * 4
        told = ("n/a" if np.isnan(number) else f"{number:.4g}" for number in numbers)
        rows.append((channel_name(found, channel), *told, f"{100 * missing:.2g}%"))
    return rows


def _known(sample: Sample) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    return np.where(sample.valid & np.isfinite(sample.values), sample.values, np.nan)


def _limits(values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> tuple[float, float]:
    """All but the outermost hundredth, with some air."""
    low, high = np.nanpercentile(values, (0.5, 99.5)) if np.isfinite(values).any() else (0.0, 1.0)
    air = 0.1 * (high - low) or 1.0
    return float(low - air), float(high + air)
