"""The report: one HTML file that holds everything about a run, and needs nothing else."""

from hw3models.report.drawing import KeptDrawing, ranked
from hw3models.report.figures import family_figures
from hw3models.report.page import write_report

__all__ = ["KeptDrawing", "family_figures", "ranked", "write_report"]
