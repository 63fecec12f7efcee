"""Figures: for the report page, and as SVG files for MLflow.

Every function takes plain numbers and returns a matplotlib `Figure` (no pyplot, no state); `to_svg` makes it fit a
page of any colour.
"""

from hw3models.plots.codes import code_map, reconstructions, walk
from hw3models.plots.confusion import confusion
from hw3models.plots.curves import learning_curves
from hw3models.plots.examples import one_image, one_series
from hw3models.plots.scatter import predicted_against_true
from hw3models.plots.scores import NARROW, WIDE, Mark, cost_accuracy, intervals
from hw3models.plots.style import family_color
from hw3models.plots.svg import to_svg

__all__ = [
    "NARROW",
    "WIDE",
    "Mark",
    "code_map",
    "confusion",
    "cost_accuracy",
    "family_color",
    "intervals",
    "learning_curves",
    "one_image",
    "one_series",
    "predicted_against_true",
    "reconstructions",
    "to_svg",
    "walk",
]
