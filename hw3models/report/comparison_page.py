"""A comparison of predictions that were made elsewhere as a page: what the report of a study has, less the training."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hw3models import plots
from hw3models.errors import DataError
from hw3models.evaluation.facts import Facts, fact
from hw3models.evaluation.metrics import METRICS
from hw3models.report import formatting
from hw3models.report.figures import Drawn, draw_twice
from hw3models.report.page import rendered
from hw3models.report.views import confidence, head, short_rows, view_cell, view_matrix, view_pairs, view_verdict
from hw3models.runtime.files import write_atomically
from hw3models.specs import ComparisonReport, Score


def write_comparison(
    comparison: ComparisonReport,
    scores: Mapping[str, Mapping[str, Score]],
    *,
    facts: Facts,
    num_test: int,
    train_seconds: Mapping[str, float],
    sources: Mapping[str, str],
    command: str,
    path: Path,
) -> None:
    """Write the page, whole or not at all. `scores` are family -> metric -> score, from the best to the worst.

    Raises:
        DataError: the file cannot be written.
    """
    name = {one: fact(facts, one).label for one in scores}
    shown = [name for name in METRICS if any(name in one for one in scores.values())]
    rows = [
        {
            "name": fact(facts, name).label,
            "is_baseline": fact(facts, name).is_baseline,
            "group": next(number for number, group in enumerate(comparison.groups, 1) if name in group),
            "seeds": len(next(iter(one.values())).per_seed),
            "seconds": train_seconds.get(name),
            "cells": [view_cell(metric, one[metric]) if metric in one else None for metric in shown],
        }
        for name, one in scores.items()
    ]
    page = rendered(
        "comparison.html.j2",
        comparison=comparison,
        verdict_view=view_verdict(comparison),
        short=short_rows(comparison, {one: scores[one][comparison.metric] for one in scores}, train_seconds, name),
        matrix=view_matrix(comparison, name),
        metric=formatting.metric_name(comparison.metric),
        heads=[head(name) for name in shown],
        rows=rows,
        figure=_figure(comparison, scores, facts),
        pairs=view_pairs(comparison, lambda name: fact(facts, name).label),
        confidence=confidence(comparison),
        num_test=num_test,
        sources=sources,
        command=command,
    )
    try:
        write_atomically(path, page.encode("utf-8", errors="replace"))
    except OSError as error:
        raise DataError(f"{path}: the page cannot be written ({error.strerror or error}). Name another one.") from error


def _figure(comparison: ComparisonReport, scores: Mapping[str, Mapping[str, Score]], facts: Facts) -> Drawn:
    metric = comparison.metric
    marks = [
        plots.Mark(
            label=fact(facts, name).label,
            mean=one[metric].mean,
            low=one[metric].low,
            high=one[metric].high,
            per_seed=one[metric].per_seed,
            color=plots.family_color(name, is_baseline=fact(facts, name).is_baseline),
            is_baseline=fact(facts, name).is_baseline,
        )
        for name, one in scores.items()
    ]
    figure = partial(
        plots.intervals,
        marks,
        metric=formatting.metric_name(metric),
        is_percent=formatting.is_percent(metric),
        higher_is_better=comparison.higher_is_better,
    )
    told = "; ".join(
        f"{mark.label} {' '.join(formatting.value_and_interval(metric, scores[name][metric]))}"
        for name, mark in zip(scores, marks, strict=True)
    )
    return draw_twice(figure, f"{formatting.metric_name(metric)} of each family with 95% interval: {told}")
