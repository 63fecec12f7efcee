"""Test examples that were wrong, or furthest off, drawn, with what each family said; and scores group by group.

S = seeds, n = test examples, F = families
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models import plots
from hw3models.data.dataset import Dataset, load
from hw3models.errors import DataError, DigestError
from hw3models.evaluation.metrics import errors_of
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.evaluation.wording import value
from hw3models.explaining.differences import differences, properties_of
from hw3models.explaining.questions import questions_of
from hw3models.plots.examples import are_ink
from hw3models.report import formatting
from hw3models.report.figures import Drawn, draw
from hw3models.report.loading import Missing, load_predictions
from hw3models.specs import Answer, DataReport

MOST_DRAWN = 6
"""Examples that are drawn: those that most families got wrong."""
MOST_OTHERS = 2
"""Families that the best one is set beside, example by example."""
MOST_GROUPS = 40
"""Groups that are listed: the hardest first."""
MOST_BYTES = 512 * 2**20
"""Prepared data that are larger than this are not read for a few pictures."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test example, and what the families said of it."""

    drawn: Drawn
    number: int
    """Its place in the data."""
    truth: str
    said: tuple[tuple[str, str, bool | None], ...]
    """Family, the class that most of its seeds named (with how many), and whether that is right; or the number, mean
    over seeds, and None."""


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """Accuracy, or RMSE of numbers, on the test examples of one group."""

    name: str
    examples: int
    scores: tuple[str, ...]
    """One for each family."""


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """What single test examples say."""

    families: tuple[str, ...] = ()
    num_wrong: int = 0
    """Test examples that most seeds of every network and baseline that looks at them got wrong."""
    shown: tuple[Mistake, ...] = ()
    differences: tuple[str, ...] = ()
    """Where the best family and the next ones differ, and what goes with it."""
    groups: tuple[GroupRow, ...] = ()
    num_groups: int = 0
    missing: tuple[Missing, ...] = ()
    of_numbers: bool = False
    """Numbers are predicted: those that were furthest off are shown."""


def find_mistakes(answer: Answer) -> Mistakes:
    """What kept predictions and prepared data show of families that were tested on the same examples."""
    tables: dict[str, PredictionTable] = {}
    for name, evaluation in answer.evaluation.items():
        table = load_predictions(evaluation)
        if isinstance(table, Missing) or table.is_resampled:
            continue
        if table.probabilities is not None or table.predicted is not None:
            tables[name] = table
    first = next(iter(tables.values()), None)
    tables = {n: t for n, t in tables.items() if first is not None and np.array_equal(t.test_index, first.test_index)}
    if first is None or not tables:
        return Mistakes()
    dataset = _dataset(answer.data)
    wrong = np.stack([_wrong(table) for table in tables.values()])
    order = np.argsort(-wrong.mean(axis=0), kind="stable")
    worst = [int(i) for i in order[:MOST_DRAWN] if wrong[:, i].mean() > 0]
    missing = (dataset,) if isinstance(dataset, Missing) and worst else ()
    shown = [] if isinstance(dataset, Missing) else [_mistake(dataset, answer.data, tables, i) for i in worst]
    names = () if isinstance(dataset, Missing) else dataset.group_names
    groups = _groups(tables, wrong, names)
    return Mistakes(
        families=tuple(map(formatting.family_name, tables)),
        num_wrong=0 if first.predicted is not None else int((wrong > 0.5).all(axis=0).sum()),
        of_numbers=first.predicted is not None,
        shown=tuple(shown),
        differences=() if isinstance(dataset, Missing) else _differences(dataset, tables),
        groups=tuple(groups[:MOST_GROUPS]),
        num_groups=len(groups),
        missing=missing,
    )


def _differences(dataset: Dataset, tables: Mapping[str, PredictionTable]) -> tuple[str, ...]:
    """The first family, which is the best, beside the next: figures may be drawn before families are compared."""
    asked = questions_of(dataset)
    properties = properties_of(asked, dataset.class_names, dataset.channels, dataset.group_names)
    return tuple(differences(tables, next(iter(tables)), properties, asked.groups, most=MOST_OTHERS))


def _wrong(table: PredictionTable) -> NDArray[np.float64]:
    """(n,): the share of seeds that are wrong; of numbers the root of their mean squared error."""
    if table.predicted is not None:
        return np.asarray(np.sqrt(np.square(errors_of(table)).mean(axis=0)))
    assert table.probabilities is not None
    return np.asarray((table.probabilities.argmax(axis=2) != table.labels).mean(axis=0))


def _dataset(data: DataReport) -> Dataset | Missing:
    what = f"test examples of {data.name}"
    try:
        if Path(data.path).stat().st_size > MOST_BYTES:
            return Missing(what=what, why=f"{data.path} is large, and is not read for pictures.")
        return load(Path(data.path), digest=data.digest)
    except OSError as error:
        return Missing(what=what, why=f"{data.path} cannot be read ({error.strerror or type(error).__name__}).")
    except (DataError, DigestError) as error:
        return Missing(what=what, why=str(error))


def _mistake(dataset: Dataset, data: DataReport, tables: Mapping[str, PredictionTable], i: int) -> Mistake:
    first = next(iter(tables.values()))
    row, truth = int(first.test_index[i]), int(first.labels[i])
    if dataset.kind == "images":
        has_ink = are_ink(np.asarray(dataset.features[dataset.test[:500]]))
        figure = plots.one_image(np.asarray(dataset.features[row]), ink=has_ink)
    else:
        example = np.asarray(dataset.features[row], dtype=np.float64)
        if dataset.lengths is not None:
            example = example[: int(dataset.lengths[row])]
        figure = plots.one_series(example, dataset.channels or [str(c) for c in range(example.shape[1])])
        has_ink = False
    said = tuple((formatting.family_name(name), *_said(table, i, data.class_names)) for name, table in tables.items())
    name = data.class_names[truth] if first.targets is None else f"{first.targets[i]:.4g}"
    label = f"Test example {row} of {data.name}, of {'class' if first.targets is None else 'the number'} {name}"
    return Mistake(drawn=draw(figure, label, has_ink=has_ink), number=row, truth=name, said=said)


def _said(table: PredictionTable, i: int, class_names: tuple[str, ...]) -> tuple[str, bool | None]:
    """What a family said about test example i, and whether that is right."""
    if table.predicted is not None:
        each = table.predicted[:, i]
        spread = f" ({each.min():.4g} to {each.max():.4g})" if len(each) > 1 else ""
        return f"{each.mean():.4g}{spread}", None
    assert table.probabilities is not None
    named = np.bincount(table.probabilities[:, i].argmax(axis=1), minlength=len(class_names))
    most = int(named.argmax())
    seeds = f" ({named[most]} of {len(table.seeds)} seeds)" if len(table.seeds) > 1 else ""
    return f"{class_names[most]}{seeds}", most == int(table.labels[i])


def _groups(
    tables: Mapping[str, PredictionTable], wrong: NDArray[np.float64], names: tuple[str, ...]
) -> list[GroupRow]:
    """The group with the most errors first."""
    groups = next(iter(tables.values())).groups
    if groups is None or groups.ndim != 1:
        return []
    rows = []
    for group in np.unique(groups):
        members = groups == group
        name = names[group] if group < len(names) else str(group)
        if next(iter(tables.values())).predicted is not None:
            right = -np.sqrt(np.square(wrong[:, members]).mean(axis=1))
            cells = tuple(value("rmse", -one) for one in right)
        else:
            right = 1 - wrong[:, members].mean(axis=1)
            cells = tuple(f"{100 * one:.1f}%" for one in right)
        rows.append((float(right.mean()), GroupRow(name=name, examples=int(members.sum()), scores=cells)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]
