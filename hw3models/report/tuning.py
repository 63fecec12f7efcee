"""The table of the searches for recipes."""

from dataclasses import dataclass

from hw3models.evaluation.wording import goal_value
from hw3models.report import formatting
from hw3models.specs import Answer, TuningReport


@dataclass(frozen=True, kw_only=True)
class TuningRow:
    """A network's search."""

    family: str
    trials: str
    """How many, and how they ended."""
    default: str
    best: str
    changed: tuple[tuple[str, str, str], ...]
    """Field, before, after; empty where the recipe it began with is the best."""
    seconds: float
    search: str = ""
    """Which of several searches; empty where there was one."""


@dataclass(frozen=True, kw_only=True)
class TuningView:
    """The searches of one data set."""

    rows: tuple[TuningRow, ...]
    trials: int
    goal: str
    judged_on: str


def view_tuning(answer: Answer) -> TuningView | None:
    """What the page says about the search; None where there was none."""
    if not answer.tuning:
        return None
    first = next(iter(answer.tuning.values()))
    examples = formatting.plural(first.num_judged, "example")
    on = f"{first.folds} folds of the training part" if first.folds > 1 else "the validation split"
    return TuningView(
        rows=tuple(
            _row(one, f", search {number}" if found.again else "")
            for found in answer.tuning.values()
            for number, one in enumerate((found, *found.again), 1)
        ),
        trials=first.trials,
        goal=first.goal,
        judged_on=f"{on} ({examples}), {formatting.plural(len(first.seeds), 'seed')} each",
    )


def _row(report: TuningReport, search: str) -> TuningRow:
    ends = (("finished", report.finished), ("pruned", report.pruned), ("failed", report.failed))
    earlier = f"; {report.reused} of an earlier search" if report.reused else ""
    return TuningRow(
        family=formatting.family_name(report.family),
        trials=", ".join(f"{number} {end}" for end, number in ends if number) + earlier,
        default=goal_value(report.goal, report.default_value),
        best=goal_value(report.goal, report.value),
        changed=tuple((name, before, after) for name, (before, after) in report.changed.items()),
        seconds=report.seconds,
        search=search,
    )
