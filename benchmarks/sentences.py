"""`make sentences`: random comparisons, every sentence of which is read back (`benchmarks/reading.py`).

One to seven families, all metrics, 2 to 5,000 test examples, 1 to 20 seeds, near the ceiling and at chance, with
identical tables, deterministic families, baselines, groups, resampled splits, resampled training parts, looks, costs,
collapsed seeds, margins from 1e-6 to 0.5 and levels from 0.001 to 0.2. Prints what contradicts its numbers.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.reading import Case, faults, templates_in
from hw3models.evaluation import sequential
from hw3models.evaluation.comparison import LookPlan, compare
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.metrics import available
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.scores import score
from hw3models.specs import ComparisonReport

FAMILIES = ("cnn", "gru", "lstm", "mlp", "minirocket", "logistic", "majority")
LABELS = ("CNN", "GRU", "LSTM", "MLP", "MiniROCKET", "logistic regression", "majority class")
NUMBER = 10_000
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Design:
    """What all families of a comparison share."""

    labels: NDArray[np.int64]
    """(n,), or (S, n) of resampled splits."""
    index: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    num_classes: int
    kind: str
    """probabilities, hard, squared_error or error."""
    difficulty: Floats
    """Shared by all families: (n,), or (S, n)."""
    training_resampled: bool
    level: float
    """How good the families are, on the logit."""


def random_case(number: int, *, with_power: bool) -> Case:
    """The comparison of this number: always the same."""
    rng = np.random.default_rng([29, number])
    design, seeds = _design(rng)
    names = FAMILIES[: int(rng.integers(1, 8))]
    facts = {
        name: FamilyFacts(
            label=label,
            deterministic=bool(rng.random() < 0.15),
            is_baseline=bool(rng.random() < (0.6 if place > 3 else 0.1)),
            ignores_examples=name == "majority",
        )
        for place, (name, label) in enumerate(zip(names, LABELS, strict=False))
    }
    tables = _tables(rng, design, seeds, facts)
    common = set.intersection(*(set(available(table)) for table in tables.values()))
    options: dict[str, Any] = {
        "metric": str(rng.choice(sorted(common))),
        "margin": None
        if rng.random() < 0.3
        else float(f"{10 ** rng.uniform(-6, np.log10(0.5)):.{rng.integers(1, 9)}g}"),
        "level": float(rng.choice([0.001, 0.01, 0.05, 0.05, 0.1, 0.2, round(float(rng.uniform(0.001, 0.2)), 4)])),
        "facts": facts,
        "with_power": with_power,
        "train_seconds": {name: round(float(rng.lognormal(1, 2)), 1) for name in names if rng.random() < 0.9},
        "devices": {name: str(rng.choice(["cpu (2 cores)", "cuda (H100)"])) for name in names if rng.random() < 0.3},
        "budgets": {name: int(rng.integers(1, 3)) for name in names if rng.random() < 0.2},
    }
    is_looked_at = len(names) > 1 and rng.random() < 0.2 and all(len(one.seeds) >= 4 for one in tables.values())
    if not is_looked_at and design.labels.ndim == 1 and not design.training_resampled:
        if rng.random() < 0.2:
            options["estimand"] = "median"
        elif rng.random() < 0.2:
            tables = {name: _searched(rng, one) for name, one in tables.items()}
    report = _looked_at(tables, options) if is_looked_at else compare(tables, **options)
    order = [name for group in report.groups for name in group]
    return Case(
        report=report,
        scores={name: score(tables[name], report.metric, report.estimand) for name in order},
        facts=facts,
        num_test=tables[names[0]].num_test,
        seeds={name: len(tables[name].seeds) for name in order},
        costs={name: s / len(tables[name].seeds) for name, s in options["train_seconds"].items()},
        is_resampled=design.labels.ndim == 2,
        searches={name: one.num_searches for name, one in tables.items() if one.search is not None},
    )


def _searched(rng: np.random.Generator, table: PredictionTable) -> PredictionTable:
    """The same, whose seeds are of two searches or more."""
    num = len(table.seeds)
    if num < 4:
        return table
    return replace(table, search=np.arange(num) % int(rng.integers(2, num // 2 + 1)))


def _design(rng: np.random.Generator) -> tuple[Design, int]:
    seeds = int(rng.choice([1, 2, 3, 5, 5, 10, 20]))
    num, num_classes = round(2 * 2500 ** rng.random()), int(rng.integers(2, 5))
    resampled = num >= 8 and rng.random() < 0.12
    shape = (seeds, num) if resampled else (num,)
    groups = rng.integers(0, int(rng.integers(2, 60)), shape) if num >= 20 and rng.random() < 0.2 else None
    if groups is not None and rng.random() < 0.3:
        groups[rng.random(shape) < 0.5] = 0  # one of them has half of the examples
    labels = rng.permuted(np.broadcast_to(np.arange(num) % num_classes, shape), axis=-1).astype(np.int64)
    index = np.stack([rng.permutation(3 * num)[:num] for _ in range(seeds)]) if resampled else np.arange(num)
    return Design(
        labels=labels,
        index=index.astype(np.int64),
        groups=groups,
        num_classes=num_classes,
        kind=str(rng.choice(["probabilities", "probabilities", "hard", "squared_error", "error"])),
        difficulty=rng.normal(0, float(rng.choice([0.0, 1.0, 3.0])), shape),
        training_resampled=not resampled and rng.random() < 0.1,
        level=float(rng.choice([0.0, 1.5, 3.0, 6.0, 9.0])),
    ), seeds


def _tables(
    rng: np.random.Generator, design: Design, seeds: int, facts: Mapping[str, FamilyFacts]
) -> dict[str, PredictionTable]:
    spread, luck = float(rng.choice([0.0, 0.01, 0.1, 0.5, 2.0])), float(rng.choice([0.0, 0.1, 1.0]))
    tables: dict[str, PredictionTable] = {}
    for name, one in facts.items():
        num = 1 if one.deterministic and design.labels.ndim == 1 else seeds
        if design.labels.ndim == 1 and num > 1 and rng.random() < 0.1:
            num = int(rng.integers(1, 21))
        if tables and rng.random() < 0.1:
            same = tables[str(rng.choice(list(tables)))]
            tables[name] = replace(same, family=name)
            continue
        centre = design.level + spread * rng.normal() + luck * rng.normal(size=(num, 1))
        if num > 2 and rng.random() < 0.1:
            centre[0] = -1.0  # a collapsed seed
        logits = (
            centre + design.difficulty + rng.normal(0, float(rng.choice([0.1, 1.0])), (num, design.labels.shape[-1]))
        )
        tables[name] = _table(rng, design, name, logits)
    return tables


def _table(rng: np.random.Generator, design: Design, name: str, logits: Floats) -> PredictionTable:
    num_seeds = len(logits)
    values: dict[str, Any] = {}
    if design.kind in ("probabilities", "hard"):
        right = 1 / (1 + np.exp(-logits))
        labels = np.broadcast_to(design.labels, logits.shape)
        if design.kind == "hard":
            right = (rng.random(right.shape) < right).astype(float)
        elif rng.random() < 0.5:
            right = np.where(
                rng.random(right.shape) < right, np.maximum(right, 1 - right), np.minimum(right, 1 - right)
            )
        given = np.repeat(((1 - right) / (design.num_classes - 1))[..., None], design.num_classes, axis=2)
        np.put_along_axis(given, labels[..., None], right[..., None], axis=2)
        values = {"probabilities": given.astype(np.float32), "hard": design.kind == "hard"}
    else:
        errors = np.exp(-np.clip(logits, -20, 20) / 2)
        values = {design.kind: errors}
        if design.kind == "squared_error":
            values |= {"num_pixels": 784, "probe_correct": rng.random(logits.shape) < 0.9}
            values["codes"] = np.zeros((*logits.shape, 2), np.float32)
    return PredictionTable(
        family=name,
        data_digest="d1",
        seeds=tuple(range(num_seeds)),
        test_index=design.index,
        labels=design.labels,
        groups=design.groups,
        num_train=2 * design.labels.shape[-1] if design.labels.ndim == 2 else None,
        training_resampled=design.training_resampled,
        **values,
    )


def _looked_at(tables: Mapping[str, PredictionTable], options: dict[str, Any]) -> ComparisonReport:
    """Two looks, the first at half of the seeds."""
    seeds = min(len(table.seeds) for table in tables.values())
    plan = (seeds // 2, seeds)
    looks, settled, report = [], (), None
    for look, num in enumerate(plan):
        some = {name: table if look else _first(table, num) for name, table in tables.items()}
        report = compare(some, looks=LookPlan(plan, look), settled=settled, **options)
        settled = sequential.settled(report)
        # A margin that is a share of the best score is that of the first look.
        options = options | {"margin": report.margin}
        looks.append(sequential.see(report, seeds=num))
    assert report is not None
    return sequential.with_looks(
        report, looks, plan, resampled=next(iter(tables.values())).is_resampled, facts=options["facts"]
    )


def _first(table: PredictionTable, num: int) -> PredictionTable:
    arrays = {
        name: array[:num]
        for name in ("probabilities", "error", "squared_error", "codes", "probe_correct")
        if (array := getattr(table, name)) is not None
    }
    if table.is_resampled:
        arrays |= {name: getattr(table, name)[:num] for name in ("test_index", "labels")}
        arrays |= {} if table.groups is None else {"groups": table.groups[:num]}
    return replace(table, seeds=table.seeds[:num], **arrays)


def main() -> int:
    """Read `NUMBER` comparisons, or as many as the first argument says, from the second on; 1 where any is faulty."""
    number, start = (*map(int, sys.argv[1:]), *(NUMBER, 0)[len(sys.argv) - 1 :])
    began, used, contradictions = monotonic(), Counter[str](), 0
    for index in range(start, start + number):
        try:
            case = random_case(index, with_power=index % 3 == 0)
            found = faults(case)
            used.update(templates_in(case))
        except (ArithmeticError, ValueError) as error:
            found = [f"fails: {error!r}"]
        if found:
            contradictions += 1
            print(f"{index}: {'; '.join(found)}", flush=True)
    print(f"{number:,} comparisons in {monotonic() - began:.0f} s, {contradictions:,} of them contradict their numbers")
    print(", ".join(f"{name} {count:,}" for name, count in sorted(used.items())))
    return int(contradictions > 0)


if __name__ == "__main__":
    sys.exit(main())
