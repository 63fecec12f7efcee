"""Predictions that were made anywhere, as a table in long form, compared like our own.

One row says what one seed of one family says about one example. Columns: `family`, `example`, `label`; `seed` where
there are several; `prediction` (the class), or one column of probabilities per class, named as the class (`p_` in
front is allowed), or `value` (an error per example: less is better, and no label is needed). Optional: `group` (whose
example it is), `resample` (each has a test split of its own), `seconds` (training time of the seed).

S = seeds, n = test examples, K = classes
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.specs import ComparisonReport

COLUMNS = ("family", "seed", "resample", "example", "label", "prediction", "value", "group", "seconds")
"""Names with a meaning; every other column is a class."""
_PREFIXES = ("p_", "prob_", "probability_")


def compare_predictions(
    frame: pd.DataFrame,
    metric: str | None = None,
    margin: float | None = None,
    level: float = 0.05,
    *,
    deterministic: Collection[str] = (),
    baselines: Collection[str] = (),
    num_train: int | None = None,
) -> ComparisonReport:
    """Which family is better on these examples, and is the difference real?

    Args:
        frame: predictions in long form, as the head of this file says.
        metric: see `hw3models.evaluation.metrics.METRICS`; None: accuracy, or the error per example.
        margin: the largest difference that does not matter, in the metric's own unit (0.005 is half a point).
        level: chance of one or more false alarms among all pairs, at most.
        deterministic: families of which one seed says everything; a single seed of any other is "cannot tell".
        baselines: families that are only taken where they are the best.
        num_train: training examples of each resample; needed with a column `resample`.

    Raises:
        DataError: the columns, or what stands in them, are no such table; all faults at once.
        SpecError: no such metric, or not for these predictions; a margin that is not positive.
    """
    tables = tables_of(frame, num_train=num_train)
    strangers = sorted({*deterministic, *baselines} - tables.keys())
    if strangers:
        raise DataError(f"no predictions of {', '.join(strangers)}; there are some of {', '.join(tables)}.")
    facts = {
        name: FamilyFacts(label=name, deterministic=name in deterministic, is_baseline=name in baselines)
        for name in tables
    }
    return compare(tables, metric=metric, margin=margin, level=level, train_seconds=seconds_of(frame), facts=facts)


def tables_of(frame: pd.DataFrame, *, num_train: int | None = None) -> dict[str, PredictionTable]:
    """The prediction table of each family of `frame`, in order of appearance.

    Raises:
        DataError: the columns, or what stands in them, are no such table; all faults at once.
    """
    if faults := _column_faults(frame, num_train):
        raise DataError(f"predictions: {'; '.join(faults)}.")
    replicate = "resample" if "resample" in frame else "seed"
    examples = _Examples(frame)
    return {
        str(name): _table(str(name), rows, examples, replicate, num_train)
        for name, rows in frame.groupby("family", sort=False)
    }


def seconds_of(frame: pd.DataFrame) -> dict[str, float]:
    """Training seconds of all seeds of each family that has them."""
    if "seconds" not in frame:
        return {}
    keys = [key for key in ("family", "seed", "resample") if key in frame]
    each = frame.dropna(subset=["seconds"]).groupby(keys, sort=False)["seconds"].first()
    return {str(name): float(total) for name, total in each.groupby(level="family").sum().items()}


def _column_faults(frame: pd.DataFrame, num_train: int | None) -> list[str]:
    faults = []
    if frame.empty:
        faults.append("there are no rows")
    needed = ["family", "example"] if "value" in frame else ["family", "example", "label"]
    if missing := [name for name in needed if name not in frame]:
        faults.append(f"no column {', '.join(missing)} (there are: {', '.join(map(str, frame.columns))})")
    if not {"value", "prediction"} & set(frame.columns) and not _class_columns(frame):
        faults.append("neither `prediction`, nor `value`, nor a column of probabilities per class")
    if "resample" in frame and num_train is None:
        faults.append("resampled splits need the number of training examples (`num_train`)")
    known = [name for name in COLUMNS if name in frame and name != "seconds"]
    if blank := [name for name in known if frame[name].isna().any()]:
        faults.append(f"blanks in {', '.join(blank)}")
    if wrong := [name for name in ("value", "seconds") if name in frame and not _numeric(frame[name])]:
        faults.append(f"{', '.join(wrong)} must be numbers")
    return faults


def _numeric(column: "pd.Series[Any]") -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _class_columns(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in COLUMNS and _numeric(frame[name])]


def _class_of(column: str) -> str:
    prefix = next((one for one in _PREFIXES if str(column).startswith(one)), "")
    return str(column).removeprefix(prefix)


class _Examples:
    """What is known of the examples, whoever predicts them: label and group, the same in every row."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.codes, names = pd.factorize(frame["example"])
        self.rows = pd.Series(self.codes, index=frame.index)
        self.num = len(names)
        self.digest = hashlib.sha256("\x00".join(map(str, names)).encode())
        labels = frame["label"].astype(str) if "label" in frame else pd.Series("", index=frame.index)
        self.columns = [] if "value" in frame else _class_columns(frame)
        self.classes = self._classes(frame, labels)
        place = {name: position for position, name in enumerate(self.classes)}
        self.labels = self._constant(labels.map(place).to_numpy(), "label", names)
        self.digest.update("\x00".join(self.classes).encode() + self.labels.tobytes())
        self.groups = None
        if "group" in frame:
            self.groups = self._constant(pd.factorize(frame["group"])[0], "group", names)
            self.digest.update(self.groups.tobytes())

    def _classes(self, frame: pd.DataFrame, labels: "pd.Series[Any]") -> list[str]:
        if self.columns:
            classes = [_class_of(name) for name in self.columns]
            if strangers := sorted(set(labels.unique()) - set(classes)):
                raise DataError(
                    f"predictions: no column of probabilities for {', '.join(strangers)} (columns: "
                    f"{', '.join(map(str, self.columns))})."
                )
            return classes
        named: Any = frame["prediction"].astype(str).unique() if "prediction" in frame else []
        return sorted({*labels.unique(), *named})

    def _constant(self, values: NDArray[Any], what: str, names: Any) -> NDArray[np.int64]:
        found = np.full(self.num, -1, np.int64)
        found[self.codes] = values
        if (odd := found[self.codes] != values).any():
            example = names[self.codes[np.flatnonzero(odd)[0]]]
            raise DataError(f"predictions: example {example!r} has more than one {what}.")
        return found


def _table(
    family: str, rows: pd.DataFrame, examples: _Examples, replicate: str, num_train: int | None
) -> PredictionTable:
    seeds, names = pd.factorize(rows[replicate] if replicate in rows else pd.Series(0, index=rows.index), sort=True)
    codes = examples.rows.loc[rows.index].to_numpy()
    order = np.lexsort((codes, seeds))
    seeds, codes, rows = seeds[order], codes[order], rows.iloc[order]
    if ((seeds[1:] == seeds[:-1]) & (codes[1:] == codes[:-1])).any():
        raise DataError(f"predictions of {family}: a {replicate} says two things about one example.")
    counts = np.bincount(seeds)
    resampled = replicate == "resample"
    if len(set(counts.tolist())) > 1 or (not resampled and counts[0] != examples.num):
        least, most = int(counts.min()), examples.num if not resampled else int(counts.max())
        raise DataError(
            f"predictions of {family}: a {replicate} has {least:,} examples where there are {most:,}. Every "
            f"{replicate} of every family must predict the same examples."
        )
    shape = (len(names), int(counts[0]))
    index = codes.reshape(shape)
    kept = index if resampled else index[0]
    return PredictionTable(
        family=family,
        data_digest=examples.digest.hexdigest()[:16],
        seeds=_as_numbers(names),
        test_index=kept,
        labels=examples.labels[kept],
        groups=None if examples.groups is None else examples.groups[kept],
        num_train=num_train if resampled else None,
        **_said(rows, examples, shape),
    )


def _as_numbers(names: Any) -> tuple[int, ...]:
    """Seeds as they are named; counted where their names are no whole numbers."""
    try:
        numbers = tuple(int(name) for name in names)
    except (TypeError, ValueError):
        return tuple(range(len(names)))
    return numbers if len(set(numbers)) == len(names) else tuple(range(len(names)))


def _said(rows: pd.DataFrame, examples: _Examples, shape: tuple[int, int]) -> Mapping[str, Any]:
    if "value" in rows:
        return {"error": rows["value"].to_numpy(np.float64).reshape(shape)}
    if examples.columns:
        return {"probabilities": rows[examples.columns].to_numpy(np.float32).reshape(*shape, -1)}
    place = {name: position for position, name in enumerate(examples.classes)}
    named = rows["prediction"].astype(str).map(place).to_numpy().reshape(shape)
    certain = np.eye(len(examples.classes), dtype=np.float32)[named]
    return {"probabilities": certain, "hard": True}
