"""Which family to use, given how all pairs were judged.

The best mean, unless a cheaper family is shown to be within the margin of it: a one-sided test of non-inferiority, by
Bonferroni's correction over the families that are cheaper, and the interval that is printed of the two must lie within
the margin as well: nobody shall read "at most 0.5 points worse" beside one that reaches further. A family that is only
not separated from the best is never taken for that: with few test examples everything is not separated. Baselines are
taken only where they are the best.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import beta

from hw3models.evaluation.facts import Facts, fact
from hw3models.evaluation.metrics import METRICS, counts_right_answers, measure
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.verdicts import Choice, Setting, Standings
from hw3models.specs import Collapse, Score
from hw3models.stats.intervals import Estimate, Measured, estimate

CHEAPER = 0.8
"""Share of the best family's training time below which another is cheaper: a clock's noise is smaller."""
BEYOND_NOISE = 4
"""Standard errors of guessing that the median seed must be away from it before another can have collapsed."""


def choose(setting: Setting, standings: Standings, apart: Callable[[str, str], Estimate]) -> Choice:
    """Which family to take, and why; `apart` is the difference of two of them, the first minus the second."""
    best, *others = standings.scores
    if not others:
        return Choice(best, "alone")
    cheaper = [
        name
        for name in others
        if name not in standings.baselines
        and not setting.is_single(name)
        and not setting.is_single(best)
        and standings.costs.get(best, 0.0) > 0
        and standings.costs.get(name, math.inf) <= CHEAPER * standings.costs[best]
    ]
    level = setting.level / max(len(cheaper), 1)
    near = [
        name
        for name in cheaper
        if _p_inferior(setting, name, best, apart) <= level and _looks_near(setting, standings, name)
    ]
    if near:
        return Choice(min(near, key=standings.costs.__getitem__), "cheaper and not worse")
    return Choice(best, "better than all" if len(standings.could_be_best) == 1 else "best mean")


def _looks_near(setting: Setting, standings: Standings, name: str) -> bool:
    """Does the interval that is printed say so, too? It may be wider, being of all pairs together and two-sided."""
    pair = standings.pair(standings.best, name)
    worst = pair.high if (pair.a == standings.best) == METRICS[setting.metric].higher_is_better else -pair.low
    return worst <= setting.margin


def _p_inferior(setting: Setting, name: str, best: str, apart: Callable[[str, str], Estimate]) -> float:
    pair = (name, best) if METRICS[setting.metric].higher_is_better else (best, name)
    return apart(*pair).p_inferior(setting.margin)


def corrected(setting: Setting, standings: Standings, measured: Mapping[str, Measured]) -> Score | None:
    """The best score, less what it owes to luck: it was picked as the best of the m families that could be it.

    Of m equal families the best looks better than it is. So the corrected score is the one-sided limit that all m
    families together miss with a probability of a half (each with 1 - 0.5^(1/m), Sidak 1967), and the end of the
    interval on its good side is that of one family, on its bad side that of all m (Bonferroni).
    """
    num, best = len(standings.could_be_best), next(iter(standings.scores))
    if num < 2 or setting.is_single(best):
        return None
    found = estimate(measured[best])
    if not math.isfinite(found.variance):
        return None
    good = METRICS[setting.metric].higher_is_better
    lowest, highest = METRICS[setting.metric].range
    ends = (
        found.limit(0.025, upper=good),
        found.limit(0.025 / num, upper=not good),
        found.limit(1 - 0.5 ** (1 / num), upper=not good),
    )
    first, second, mean = (min(max(end, lowest), highest) for end in ends)
    return Score(mean=mean, low=min(first, second), high=max(first, second), per_seed=())


def collapses(
    tables: Mapping[str, PredictionTable], measured: Mapping[str, Measured], metric: str, facts: Facts
) -> dict[str, Collapse]:
    """Families of which some seeds, not most, learnt next to nothing: nearer to guessing than to the median seed.

    Guessing is the most frequent class of the test split, or the mean over classes for metrics that are one; of numbers
    it is their mean, whose R2 is 0, by whatever they are compared. Where the median seed itself is not beyond the noise
    of guessing, nothing has been learnt that a seed could have missed.
    """
    of_numbers = METRICS[metric].needs == "predicted"
    if not (of_numbers or counts_right_answers(metric)):
        return {}
    found = {}
    for name, table in tables.items():
        values = (measure(table, "r2") if of_numbers else measured[name]).per_replicate
        if len(values) < 3 or fact(facts, name).is_baseline:
            continue
        guess, median = 0.0 if of_numbers else _guess(table, metric), float(np.median(values))
        spread = 0.25 if of_numbers else guess * (1 - guess)
        noise = math.sqrt(spread / measured[name].num_independent)
        learnt = median - guess > BEYOND_NOISE * noise
        count = int((values < (guess + median) / 2).sum()) if learnt else 0
        if count:
            upper = float(beta.ppf(0.95, count + 1, len(values) - count)) if count < len(values) else 1.0
            found[name] = Collapse(seeds=count, of=len(values), upper=upper)
    return found


def _guess(table: PredictionTable, metric: str) -> float:
    assert table.probabilities is not None
    if metric == "auroc":
        return 0.5
    counts = np.bincount(np.ravel(table.labels))
    return float(counts.max() / counts.sum()) if metric == "accuracy" else 1 / table.probabilities.shape[2]
