"""The figures of one answer, drawn from its reports and from what lies beside them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from matplotlib.figure import Figure

from hw3models import plots
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.report import formatting
from hw3models.report.loading import (
    History,
    Missing,
    load_history,
    load_originals,
    load_predictions,
    walk_through,
)
from hw3models.specs import Answer, DataReport, EvaluationReport, TrainReport


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A figure that is ready for the page."""

    svg: str
    title: str
    has_ink: bool = False
    """Holds pictures of black ink, which a dark page inverts."""
    narrow: str = ""
    """The same for a telephone, where the whole figure would be too small to read."""


def draw(figure: Figure, label: str, *, title: str = "", has_ink: bool = False) -> Drawn:
    """`label` is what a reader who cannot see the figure is told."""
    return Drawn(svg=plots.to_svg(figure, label=label), title=title, has_ink=has_ink)


def draw_twice(figure: Callable[..., Figure], label: str) -> Drawn:
    """For wide screens, and for narrow ones."""
    narrow = plots.to_svg(figure(width=plots.NARROW), label=label)
    return Drawn(svg=plots.to_svg(figure(), label=label), title="", narrow=narrow)


def family_figures(training: TrainReport, evaluation: EvaluationReport, data: DataReport) -> dict[str, str]:
    """Figures of one family as SVG, by name: learning curves, confusion, predicted numbers, reconstructions, code map,
    walk.

    What cannot be read is left out.
    """
    name, of = training.family, f"{formatting.family_name(training.family)} on {data.name}"
    figures: dict[str, str] = {}
    if evaluation.confusion:
        figures["confusion"] = _confusion(evaluation.confusion, data.class_names, of)
    history = load_history(training) if training.recipe is not None else None
    if isinstance(history, History) and (curves := _curves(name, history, _loss_name(training), None)):
        figures["learning_curves"] = plots.to_svg(curves, label=f"Learning curves of {of}")
    table = load_predictions(evaluation) if {"mse", "rmse"} & set(evaluation.metrics) else None
    if isinstance(table, PredictionTable):
        if table.predicted is not None:
            figures["predicted_against_true"] = plots.to_svg(_scatter(name, table), label=f"Predicted numbers of {of}")
        for key, drawn in _pictures({name: training}, {name: table}, data):
            if isinstance(drawn, Drawn):
                figures[key] = drawn.svg
    return figures


# ------------------------------------------------------------------------------------------ scores


def draw_scores(answer: Answer, metric: str) -> Drawn:
    """Families with their intervals."""
    figure = partial(figure_of_scores, answer, metric)
    told = "; ".join(
        f"{formatting.family_name(name)} {' '.join(formatting.value_and_interval(metric, one.metrics[metric]))}"
        for name, one in answer.evaluation.items()
        if metric in one.metrics
    )
    return draw_twice(
        figure, f"{formatting.metric_name(metric)} of each family with 95% interval on {answer.data.name}: {told}"
    )


def figure_of_scores(answer: Answer, metric: str, width: float = plots.WIDE) -> Figure:
    """Families with their intervals."""
    return plots.intervals(
        _marks(answer, metric),
        metric=f"{formatting.metric_name(metric)} on the test split",
        is_percent=formatting.is_percent(metric),
        higher_is_better=formatting.higher_is_better(metric),
        width=width,
    )


def draw_cost(answer: Answer, metric: str) -> Drawn:
    """The metric over training time."""
    figure = partial(
        plots.cost_accuracy,
        _marks(answer, metric),
        metric=f"test {formatting.metric_name(metric)}",
        is_percent=formatting.is_percent(metric),
    )
    told = "; ".join(
        f"{formatting.family_name(name)} {formatting.seconds(per_seed(one))}" for name, one in answer.training.items()
    )
    return draw_twice(
        figure, f"{formatting.metric_name(metric)} over training time of one seed on {answer.data.name}: {told}"
    )


def per_seed(training: TrainReport) -> float:
    """Training seconds of one seed."""
    return training.train_seconds / max(1, len(training.seeds))


def _marks(answer: Answer, metric: str) -> list[plots.Mark]:
    marks = []
    for name, evaluation in answer.evaluation.items():
        if metric not in evaluation.metrics:
            continue
        score, is_baseline = evaluation.metrics[metric], formatting.is_baseline(name)
        marks.append(
            plots.Mark(
                label=formatting.family_name(name),
                mean=score.mean,
                low=score.low,
                high=score.high,
                per_seed=score.per_seed,
                seconds=per_seed(answer.training[name]) if name in answer.training else float("nan"),
                color=plots.family_color(name, is_baseline=is_baseline),
                is_baseline=is_baseline,
            )
        )
    return marks


# ------------------------------------------------------------------------------- curves, confusion


def draw_curves(answer: Answer) -> Iterator[Drawn | Missing]:
    """Learning curves of every network, with one scale of accuracy for all."""
    histories = {
        name: load_history(training)
        for name, training in answer.training.items()
        if training.recipe is not None and training.members == 1
    }
    read = {name: history for name, history in histories.items() if isinstance(history, History)}
    accuracies = [
        value for history in read.values() for row in history.validation_accuracy or () for value in row
        if value is not None
    ]  # fmt: skip
    limits = None
    if accuracies:
        room = 0.05 * (max(accuracies) - min(accuracies)) or 0.02
        limits = (min(accuracies) - room, max(accuracies) + room)
    for name, history in histories.items():
        if isinstance(history, Missing):
            yield history
        elif figure := _curves(name, history, _loss_name(answer.training[name]), limits):
            title = formatting.family_name(name)
            yield draw(figure, f"Learning curves of {title} on {answer.data.name}", title=title)


def _curves(name: str, history: History, loss: str, limits: tuple[float, float] | None) -> Figure | None:
    if not history.train_loss or not any(history.train_loss):
        return None
    return plots.learning_curves(
        history.train_loss,
        history.validation_loss,
        history.validation_accuracy,
        loss=loss,
        color=plots.family_color(name),
        accuracy_range=limits,
    )


def _loss_name(training: TrainReport) -> str:
    is_classifier = training.recipe is not None and training.recipe.loss == "cross-entropy"
    is_classifier &= training.family != "autoencoder"
    return "cross-entropy (nats)" if is_classifier else "squared error"


def draw_confusions(answer: Answer) -> Iterator[Drawn]:
    """One matrix per family, best family first."""
    for name, evaluation in answer.evaluation.items():
        if len(evaluation.confusion) == len(answer.data.class_names) > 0:
            title = formatting.family_name(name)
            svg = _confusion(evaluation.confusion, answer.data.class_names, f"{title} on {answer.data.name}")
            yield Drawn(svg=svg, title=title)


@lru_cache(maxsize=64)
def _confusion(counts: tuple[tuple[int, ...], ...], class_names: tuple[str, ...], of: str) -> str:
    """Drawn once for the family's MLflow run and for the page: it takes as long as an epoch of a small network."""
    return plots.to_svg(plots.confusion(counts, class_names), label=f"Confusion matrix of {of}")


def draw_scatters(answer: Answer) -> Iterator[Drawn | Missing]:
    """Predicted against true numbers, one figure per family, best family first."""
    for name, evaluation in answer.evaluation.items():
        if "rmse" not in evaluation.metrics:
            continue
        table = load_predictions(evaluation)
        if isinstance(table, Missing):
            yield table
            continue
        title = formatting.family_name(name)
        yield draw(
            _scatter(name, table), f"Predicted against true numbers of {title} on {answer.data.name}", title=title
        )


def _scatter(name: str, table: PredictionTable) -> Figure:
    assert table.predicted is not None
    assert table.targets is not None
    color = plots.family_color(name, is_baseline=formatting.is_baseline(name))
    if not table.is_resampled:
        return plots.predicted_against_true(table.targets, table.predicted, color=color)
    # Each replicate was tested on examples of its own.
    return plots.predicted_against_true(table.targets.ravel(), table.predicted.reshape(1, -1), color=color)


# ------------------------------------------------------------------------------------ autoencoders


def draw_pictures(answer: Answer) -> Iterator[tuple[str, Drawn | Missing]]:
    """Reconstructions, code maps and walks, each under the kind that it is."""
    tables = {}
    for name, evaluation in answer.evaluation.items():
        table = load_predictions(evaluation)
        if isinstance(table, Missing):
            yield "missing", table
        else:
            tables[name] = table
    yield from _pictures(answer.training, tables, answer.data)


def _pictures(
    training: Mapping[str, TrainReport], tables: Mapping[str, PredictionTable], data: DataReport
) -> Iterator[tuple[str, Drawn | Missing]]:
    yield from _rebuilt(tables, data)
    for name, table in tables.items():
        if table.codes is None or name not in training:
            continue
        title = formatting.family_name(name)
        if table.codes.shape[2] != 2:
            continue
        best = training[name].best_seed
        row = table.seeds.index(best) if best in table.seeds else 0
        codes, labels = table.codes[row], table.labels[row] if table.is_resampled else table.labels
        figure = plots.code_map(codes, labels, data.class_names)
        label = f"Map of the test examples of {data.name} by the two numbers of the code of {title}, coloured by class"
        yield "code_map", draw(figure, label, title=f"{title}, seed {best}")
        if training[name].recipe is None:
            continue
        walk = walk_through(training[name], codes, data.shape)
        if isinstance(walk, Missing):
            yield "missing", walk
        else:
            figure = plots.walk(walk.pictures, first=walk.first, second=walk.second)
            label = f"What the decoder of {title} draws for codes on a grid"
            yield "walk", draw(figure, label, title=f"{title}, seed {best}", has_ink=len(data.shape) == 2)


def _rebuilt(tables: Mapping[str, PredictionTable], data: DataReport) -> Iterator[tuple[str, Drawn | Missing]]:
    """Families that kept the same pictures share a figure; that is so unless one was evaluated otherwise."""
    kept = {name: table for name, table in tables.items() if table.reconstructions is not None}
    while kept:
        first = next(iter(kept.values())).reconstructed_index
        same = {name: t for name, t in kept.items() if np.array_equal(t.reconstructed_index, first)}  # type: ignore[arg-type]
        kept = {name: table for name, table in kept.items() if name not in same}
        table = next(iter(same.values()))
        shown = table.test_index[0] if table.is_resampled else table.test_index
        originals = load_originals(data, shown[first])
        if isinstance(originals, Missing):
            yield "missing", originals
            continue
        rows = {
            formatting.family_name(name): t.reconstructions for name, t in same.items() if t.reconstructions is not None
        }
        label = f"Test images of {data.name}, and below each its reconstruction by {', '.join(rows)}"
        yield "reconstructions", draw(plots.reconstructions(originals, rows), label, has_ink=originals.ndim == 3)
