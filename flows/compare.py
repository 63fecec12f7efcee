"""`hw3 compare`: a verdict on predictions that were made anywhere, without any training."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.answer_table import score_table, wrapped
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import Facts
from hw3models.evaluation.metrics import METRICS, available
from hw3models.evaluation.prediction_columns import tidied
from hw3models.evaluation.prediction_files import read_predictions
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.predictions import check_level, named_facts, seconds_of, tables_of
from hw3models.evaluation.scores import score
from hw3models.printable import one_a_line
from hw3models.runtime.file_digests import file_digest
from hw3models.specs import ComparisonReport, Estimand, Score

MANY_CLASSES = 100
"""Classes beyond which only the metric of the comparison is computed: some take a matrix of them for each seed."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is compared: predictions, and what is known about those who made them."""

    tables: Mapping[str, PredictionTable]
    train_seconds: Mapping[str, float]
    facts: Facts = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    budgets: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where the predictions come from: file -> digest, or MLflow run -> nothing."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The verdict, and the scores that it is about."""

    given: Given
    comparison: ComparisonReport
    scores: dict[str, dict[str, Score]]
    """Family -> metric -> score; from the best family to the worst."""


def from_files(paths: Sequence[Path], num_train: int | None = None, metric: str | None = None) -> Given:
    """The predictions in these files.

    Raises:
        DataError: a file cannot be read, or is not of predictions.
    """
    frame = tidied(read_predictions(paths))
    return Given(
        tables=tables_of(frame, num_train=num_train, metric=metric),
        train_seconds=seconds_of(frame),
        sources={str(path): file_digest(path)[:16] for path in paths},
    )


def from_runs(run_ids: Sequence[str], num_train: int | None = None, metric: str | None = None) -> Given:
    """The predictions that these MLflow runs hold.

    Raises:
        SpecError: there is no such run, or it has no predictions.
        DataError: what it holds is not what it must be.
    """
    from flows.local.servers import check_servers
    from hw3models.families import facts_of
    from tasks.tracking.predictions import fetch_predictions

    check_servers(writes=False)
    found = fetch_predictions(run_ids)
    sources = {f"MLflow run {run_id}": "" for run_id in run_ids}
    if found.frames:
        frame = tidied(found.frame)
        tables = tables_of(frame, num_train=num_train, metric=metric)
        return Given(tables=tables, train_seconds=seconds_of(frame), sources=sources)
    known = facts_of({one.family for one in found.training.values()})
    return Given(
        tables=found.tables,
        train_seconds={name: one.train_seconds for name, one in found.training.items()},
        facts={name: known[one.family] for name, one in found.training.items()},
        devices={name: one.device for name, one in found.training.items()},
        budgets={name: one.recipe.tried for name, one in found.training.items() if one.recipe is not None},
        sources=sources,
    )


def judge(
    given: Given,
    *,
    metric: str | None,
    margin: float | None,
    level: float,
    deterministic: Collection[str],
    baselines: Collection[str],
    estimand: Estimand = "mean",
) -> Compared:
    """Compare what is given as `hw3models.evaluation.compare_predictions` does.

    Raises:
        SpecError: no such metric, or not for these predictions; a margin that is not positive.
        DataError: the families do not predict the same examples.
    """
    check_level(level)
    facts = named_facts(given.tables, deterministic, baselines, given.facts)
    comparison = compare(
        given.tables,
        metric=metric,
        margin=margin,
        level=level,
        train_seconds=given.train_seconds,
        facts=facts,
        devices=given.devices,
        budgets=given.budgets,
        estimand=estimand,
    )
    scores = {
        name: {one: score(given.tables[name], one, estimand) for one in _shown(given.tables[name], comparison.metric)}
        for group in comparison.groups
        for name in group
    }
    return Compared(given=_replaced(given, facts), comparison=comparison, scores=scores)


def write_page(found: Compared, path: Path, command: str) -> None:
    """The same as a page.

    Raises:
        DataError: the file cannot be written.
    """
    from hw3models.report.comparison_page import write_comparison

    tables = found.given.tables
    write_comparison(
        found.comparison,
        found.scores,
        facts=found.given.facts,
        num_test=next(iter(tables.values())).num_test,
        train_seconds=found.given.train_seconds,
        sources=found.given.sources,
        command=command,
        path=path,
    )


def as_json(found: Compared, page: Path | None) -> str:
    """The report with the scores of all families beside it, one object."""
    first = next(iter(found.given.tables.values()))
    families = {
        name: {metric: one.model_dump(mode="json") for metric, one in scores.items()}
        | {"train_seconds": found.given.train_seconds.get(name), "seeds": list(found.given.tables[name].seeds)}
        for name, scores in found.scores.items()
    }
    answer: dict[str, Any] = {
        "dataset": {"digest": first.data_digest, "test": first.num_test},
        "families": families,
        **found.comparison.model_dump(mode="json", exclude={"cheapest"}),
        "report": None if page is None else str(page),
    }
    return json.dumps(answer, indent=1, allow_nan=False)


def as_text(found: Compared, page: Path | None, *, explain: bool = False) -> str:
    """What a terminal shows: which family to take, and why, over a table of all; with `explain` the whole verdict."""
    comparison, first = found.comparison, next(iter(found.given.tables.values()))
    facts, metric = found.given.facts, comparison.metric
    scores = {name: one[metric] for name, one in found.scores.items()}
    counts = sorted({len(one.per_seed) for one in scores.values()})
    kind = "resample" if first.is_resampled else "seed"
    replicates = f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} {kind}{'' if counts == [1] else 's'}"
    seconds = {name: took / len(found.given.tables[name].seeds) for name, took in found.given.train_seconds.items()}
    lines = [f"{METRICS[metric].label} on {first.num_test:,} test examples, {replicates}"]
    lines += [*wrapped(comparison.headline or comparison.verdict, indent=0), ""]
    lines += score_table(metric, scores, comparison, seconds, facts)
    if comparison.changes:
        lines += ["", *wrapped(f"changes: {comparison.changes}", indent=9)]
    if explain:
        lines += ["", *wrapped(" ".join(filter(None, (comparison.verdict, comparison.advice))), indent=0)]
    return one_a_line([*lines, *([f"report:  {page}"] if page else [])])


def _shown(table: PredictionTable, metric: str) -> tuple[str, ...]:
    if table.probabilities is not None and table.probabilities.shape[2] > MANY_CLASSES:
        return (metric,)
    return available(table)


def _replaced(given: Given, facts: Facts) -> Given:
    return Given(**{**vars(given), "facts": facts})
