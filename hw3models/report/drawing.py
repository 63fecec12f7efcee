"""What the page shows of an answer and of a part of the homework, drawn at once or kept from before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.scores import main_metric
from hw3models.homework import figures
from hw3models.plots.style import drawing_lock
from hw3models.report import formatting
from hw3models.report.figures import (
    Drawn,
    draw,
    draw_confusions,
    draw_cost,
    draw_curves,
    draw_pictures,
    draw_scatters,
    draw_scores,
)
from hw3models.report.loading import Missing
from hw3models.report.mistakes import Mistakes, find_mistakes
from hw3models.specs import Answer, HomeworkPart, Score


@dataclass(frozen=True, kw_only=True)
class AnswerFigures:
    """What is drawn of one data set."""

    scores: Drawn
    cost: Drawn
    curves: tuple[Drawn, ...]
    confusions: tuple[Drawn, ...]
    scatters: tuple[Drawn, ...]
    """Predicted against true numbers."""
    reconstructions: tuple[Drawn, ...]
    code_maps: tuple[Drawn, ...]
    walks: tuple[Drawn, ...]
    mistakes: Mistakes
    missing: tuple[Missing, ...]
    """What could not be drawn, as what lies beside the reports is gone."""


class Drawing:
    """Draws what it is asked for."""

    def of_answer(self, answer: Answer) -> AnswerFigures:
        """All figures of a data set: half a second for seven families."""
        return _draw_answer(answer)

    def of_part(self, part: HomeworkPart) -> Drawn | None:
        """The figure of a part of the homework, where it has one.

        Raises:
            SpecError: the part has not what it needs.
        """
        # Its figures have settings of their own, in which another thread's must not be drawn.
        with drawing_lock:
            figure = figures.draw(part)
        return draw(figure, f"Figure of part {part.part}: {part.question}") if figure else None

    def of(self, what: Answer | HomeworkPart) -> AnswerFigures | Drawn | None:
        """Figures of a data set, or of a part of the homework."""
        return self.of_answer(what) if isinstance(what, Answer) else self.of_part(what)


class KeptDrawing(Drawing):
    """Draws everything once. What lies beside the reports is taken to stay as it was."""

    def __init__(self) -> None:
        self._answers: dict[str, AnswerFigures] = {}
        self._parts: dict[str, Drawn | None] = {}

    def of_answer(self, answer: Answer) -> AnswerFigures:
        # All that figures are drawn from: families are compared, and claims judged, when they may be drawn already.
        drawn_from = answer.model_dump_json(include={"kind", "data", "training", "evaluation"})
        key = f"{main_metric(answer)} {drawn_from}"
        if key not in self._answers:
            self._answers[key] = super().of_answer(answer)
        return self._answers[key]

    def of_part(self, part: HomeworkPart) -> Drawn | None:
        key = part.model_dump_json()
        if key not in self._parts:
            self._parts[key] = super().of_part(part)
        return self._parts[key]


def _draw_answer(answer: Answer) -> AnswerFigures:
    metric, answer = main_metric(answer), ranked(answer)
    curves = list(draw_curves(answer))
    scatters = list(draw_scatters(answer))
    pictures = list(draw_pictures(answer)) if answer.kind == "autoencoder" else []
    mistakes = Mistakes() if answer.kind == "autoencoder" else find_mistakes(answer)
    return AnswerFigures(
        scores=draw_scores(answer, metric),
        cost=draw_cost(answer, metric),
        curves=_drawn(curves),
        confusions=tuple(draw_confusions(answer)),
        scatters=_drawn(scatters),
        reconstructions=_drawn(one for kind, one in pictures if kind == "reconstructions"),
        code_maps=_drawn(one for kind, one in pictures if kind == "code_map"),
        walks=_drawn(one for kind, one in pictures if kind == "walk"),
        mistakes=mistakes,
        missing=(
            *(one for one in (*curves, *scatters, *(one for _, one in pictures)) if isinstance(one, Missing)),
            *mistakes.missing,
            *_too_many(answer),
        ),
    )


def _too_many(answer: Answer) -> Iterator[Missing]:
    """Confusions of more classes than a reader can follow: the most frequent errors instead."""
    for name, evaluation in answer.evaluation.items():
        if evaluation.most_confused:
            errors = evaluation.most_confused[:10]
            shown = ", ".join(f"{said!r} for {truth!r} ({num:,})" for truth, said, num in errors)
            why = f"{len(answer.data.class_names):,} classes are too many for a picture. Most often it says {shown}."
            yield Missing(what=f"confusion of {formatting.family_name(name)}", why=why)


def _drawn(found: Iterable[Drawn | Missing]) -> tuple[Drawn, ...]:
    return tuple(one for one in found if isinstance(one, Drawn))


def metrics_of(answer: Answer) -> tuple[str, ...]:
    """All that any family has; known ones in the order of tables, then the others."""
    found = dict.fromkeys(name for one in answer.evaluation.values() for name in one.metrics)
    known = [name for name in METRICS if name in found]
    return (*known, *(name for name in found if name not in METRICS))


def ranked(answer: Answer) -> Answer:
    """The answer with the best family first: a family's place is that of its score, as in the verdict."""
    metric = main_metric(answer)
    names = sorted(answer.evaluation, key=lambda name: _rank(answer.evaluation[name].metrics.get(metric), metric))
    return answer.model_copy(
        update={
            "evaluation": {name: answer.evaluation[name] for name in names},
            "training": {name: answer.training[name] for name in names if name in answer.training},
        }
    )


def _rank(score: Score | None, metric: str) -> tuple[bool, float]:
    if score is None or score.mean != score.mean:
        return True, 0.0
    return False, -score.mean if formatting.higher_is_better(metric) else score.mean
