"""The best trial of a search, and what is said of it."""

from collections.abc import Mapping, Sequence

from hw3models.errors import TrainingError
from hw3models.families import display_name
from hw3models.specs import DataReport, Goal, Recipe, TrialReport, TuningReport
from hw3models.tuning.search import Search


def choose(search: Search, num_trials: int) -> TuningReport:
    """Choose the best of the first `num_trials` trials, which are all done.

    Raises:
        TrainingError: none of them was finished.
    """
    reports = list(search.reports(num_trials))
    best = best_of(reports, search.goal)
    if best is None or best.value is None:
        reasons = "; ".join(dict.fromkeys(report.reason for report in reports if report.reason))
        raise TrainingError(f"none of {num_trials} trials of {search.family.name} could be finished: {reasons}")
    states = [report.state for report in reports]
    return TuningReport(
        family=search.family.name,
        recipe=best.recipe.model_copy(update={"tried": num_trials}),
        trials=num_trials,
        finished=states.count("finished"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        reused=max(0, num_trials - search.done_here),
        goal=search.goal,
        best=best.number,
        value=best.value,
        default_value=reports[0].value,
        changed=changes(search.start, best.recipe),
        folds=search.folds,
        num_judged=num_judged(search.data, search.folds),
        seeds=search.training.seeds,
        seconds=sum(report.seconds for report in reports),
    )


def best_of(reports: Sequence[TrialReport], goal: Goal) -> TrialReport | None:
    """The best finished trial: by the goal, then by validation loss, then the one that was first."""

    def rank(report: TrialReport) -> tuple[float, float, int]:
        assert report.value is not None
        assert report.loss is not None
        return (report.value if goal == "loss" else -report.value, report.loss, report.number)

    return min((report for report in reports if report.state == "finished"), key=rank, default=None)


def num_judged(data: DataReport, folds: int) -> int:
    """Validation examples that a trial is judged on; with folds each example of the training part is one once."""
    return data.num_validation if folds == 1 else data.num_train + data.num_validation


def changes(before: Recipe, after: Recipe) -> dict[str, tuple[str, str]]:
    """Fields that differ, with both values; not how many recipes were tried."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return {name: (str(old[name]), str(value)) for name, value in new.items() if name != "tried" and old[name] != value}


def budget_sentence(tuning: Mapping[str, TuningReport], baselines: Sequence[str]) -> str:
    """What the verdict says about the search: the budget, what was judged on, and who had none."""
    first = next(iter(tuning.values()))
    searches = 1 + len(first.again)
    on = f"{first.folds} folds of the training part" if first.folds > 1 else "the validation split"
    whose = "each network's" if len(tuning) > 1 else "the network's"
    untouched = "; baselines were not tuned" if baselines else ""
    seconds = ", ".join(
        f"{display_name(name)} {sum(part.seconds for part in (one, *one.again)):,.0f} s" for name, one in tuning.items()
    )
    trials = f"{first.trials:,} trials" if searches == 1 else f"{searches} searches of {first.trials:,} trials"
    budget = f"Budget of the search: {trials}{' each' if len(tuning) > 1 else ''} ({seconds})."
    who = f"{whose.capitalize()} recipe is" if searches == 1 else f"In each search {whose} recipe is"
    return f"{budget} {who} the best of {first.trials:,} that were tried, judged on {on} alone{untouched}."
