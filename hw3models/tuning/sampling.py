"""The next recipe: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), seeded by the trial's number.

The study that it looks at is made anew from the trials before, in their order: what trial n is depends on those and
on nothing else, so a search that was cut off goes on as if it had not been.
"""

from collections.abc import Sequence
from typing import Any

from hw3models.specs import Goal, Trial, TrialReport
from hw3models.tuning.space import Choice, Range, Space

RANDOM = 6
"""Trials that are drawn at random before the estimator has something to learn from; the first is the default."""


_APART = 100_003
"""Between the streams of two searches: more than trials."""


def next_params(
    space: Space, before: Sequence[tuple[Trial, TrialReport | None]], goal: Goal, *, search: int = 0
) -> dict[str, int | float | str]:
    """The point to try after the trials `before`; those without a report are still under way.

    Where several are under way, each of them is taken for a bad one (constant liar), which keeps the next away.
    """
    import optuna  # here: half a second that only a search costs

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: _distribution(field) for name, field in space.items()}
    study = optuna.create_study(
        direction="minimize" if goal == "loss" else "maximize",
        sampler=optuna.samplers.TPESampler(
            seed=_APART * search + len(before), n_startup_trials=RANDOM, multivariate=True, constant_liar=True
        ),
    )
    for trial, report in before:
        study.add_trial(_known(trial, report, distributions))
    return dict(study.ask(distributions).params)


def _distribution(field: Choice | Range) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(field, Choice):
        return CategoricalDistribution(field.options)
    return FloatDistribution(field.low, field.high, log=field.log)


def _known(trial: Trial, report: TrialReport | None, distributions: dict[str, Any]) -> Any:
    from optuna.trial import TrialState, create_trial

    states = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    return create_trial(
        params=trial.params,
        distributions=distributions,
        state=TrialState.RUNNING if report is None else states[report.state],
        value=None if report is None else report.value,
        intermediate_values={} if report is None else dict(enumerate(report.rungs)),
    )
