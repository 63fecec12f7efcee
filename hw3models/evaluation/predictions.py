"""Predictions that were made anywhere, as a table in long form, compared like our own.

One row says what one seed of one family says about one example. Columns: `family`, `example`, `label`; `seed` where
there are several; `prediction` (the class), or one column of probabilities per class, named as the class (`p_` in
front is allowed), or `value` (an error per example: less is better, and no label is needed). Labels and predictions
are numbers where all of them are and one label has a fraction, or where the metric is one of numbers (`rmse`, `mae`,
`r2`). Optional: `group` (whose example it is), `resample` (each has a test split of its own), `search` (which of
several searches for a recipe the seed's recipe comes of: seeds of one search share its luck), `seconds` (training time
of the seed).

S = seeds, n = test examples, K = classes
"""

import hashlib
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.errors import DataError, SpecError
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.facts import NO_FACTS, Facts, FamilyFacts, fact
from hw3models.evaluation.metrics import METRICS
from hw3models.evaluation.prediction_columns import (
    as_name,
    as_numbers,
    class_columns,
    hold_numbers,
    in_order,
    numbers_in,
    tidied,
)
from hw3models.evaluation.prediction_table import SUM_TOLERANCE, PredictionTable
from hw3models.printable import few
from hw3models.specs import ComparisonReport, Estimand

LARGEST = 2**31
"""Bytes that the named classes of a family may take as probabilities of 0 and 1."""


def compare_predictions(
    frame: pd.DataFrame,
    metric: str | None = None,
    margin: float | None = None,
    level: float = 0.05,
    *,
    deterministic: Collection[str] = (),
    baselines: Collection[str] = (),
    num_train: int | None = None,
    estimand: Estimand = "mean",
) -> ComparisonReport:
    """Which family is better on these examples, and is the difference real?

    The order of a family's rows does not matter.

    Args:
        frame: predictions in long form, as the head of this file says.
        metric: see `hw3models.evaluation.metrics.METRICS`; None: accuracy, RMSE of numbers, or the error per
            example.
        margin: the largest difference that does not matter, in the metric's own unit (0.005 is half a point).
        level: chance of one or more false alarms among all pairs, at most.
        deterministic: families of which one seed says everything; a single seed of any other is "cannot tell".
        baselines: families that are only taken where they are the best.
        num_train: training examples of each resample; needed with a column `resample`.
        estimand: `mean` or `median` over seeds: seeds that collapse hardly move a median.

    Raises:
        DataError: the columns, or what stands in them, are no such table; all faults at once.
        SpecError: no such metric, or not for these predictions; a margin that is not positive.
    """
    check_level(level)
    frame = tidied(frame)
    tables = tables_of(frame, num_train=num_train, metric=metric)
    facts = named_facts(tables, deterministic, baselines)
    return compare(
        tables,
        metric=metric,
        margin=margin,
        level=level,
        train_seconds=seconds_of(frame),
        facts=facts,
        estimand=estimand,
    )


def check_level(level: float) -> None:
    """Refuse what is no level.

    Raises:
        SpecError: it does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise SpecError(f"`level` must lie between 0 and 1, got {level}.")


def named_facts(
    families: Collection[str], deterministic: Collection[str], baselines: Collection[str], known: Facts = NO_FACTS
) -> dict[str, FamilyFacts]:
    """What is known of each family, and what was said of it by name beside.

    Raises:
        DataError: something was said of a family that is not there.
    """
    fixed, beaten = _names(deterministic), _names(baselines)
    if strangers := sorted((fixed | beaten) - set(families)):
        raise DataError(f"no predictions of {few(strangers)}; there are some of {few(families)}.")
    facts = {name: fact(known, name) for name in families}
    return {
        name: replace(
            one, deterministic=one.deterministic or name in fixed, is_baseline=one.is_baseline or name in beaten
        )
        for name, one in facts.items()
    }


def tables_of(
    frame: pd.DataFrame, *, num_train: int | None = None, metric: str | None = None
) -> dict[str, PredictionTable]:
    """The prediction table of each family of `frame`, in order of appearance.

    What the labels are is found out, where `metric` does not say it.

    Raises:
        DataError: the columns, or what stands in them, are no such table; all faults at once.
    """
    frame = tidied(frame)
    replicate = "resample" if "resample" in frame else "seed"
    if replicate == "resample" and (num_train is None or num_train < 1):
        raise DataError(
            "predictions: resampled splits need the number of training examples of each (`num_train`), "
            f"got {'none' if num_train is None else num_train}."
        )
    are_numbers = METRICS[metric].needs == "predicted" if metric in METRICS else hold_numbers(frame)
    examples = _Examples(frame, are_numbers=are_numbers)
    numbers = as_numbers(frame[replicate].unique()) if replicate in frame else {}
    return {
        str(name): _table(str(name), _Rows(str(name), rows, examples, replicate), examples, numbers, num_train)
        for name, rows in frame.groupby("family", sort=False)
    }


def seconds_of(frame: pd.DataFrame) -> dict[str, float]:
    """Training seconds of all seeds of each family that has them for every seed.

    Raises:
        DataError: the columns are not those of predictions, or a seed has more than one time.
    """
    frame = tidied(frame)
    if "seconds" not in frame:
        return {}
    keys = ["family", *(key for key in ("seed", "resample") if key in frame)]
    times = frame.groupby(keys, sort=False)["seconds"].agg(["min", "max"]).reset_index()
    wrong = times[(times["min"] != times["max"]) & times["min"].notna() | (times["min"] < 0) | np.isinf(times["max"])]
    if len(wrong):
        raise DataError(
            f"predictions of {wrong['family'].iloc[0]}: `seconds` is the training time of a seed, the same in all its "
            f"rows and not negative, got {wrong['min'].iloc[0]:g} to {wrong['max'].iloc[0]:g}."
        )
    found = times.groupby("family", sort=False)["min"].agg(lambda each: each.sum(skipna=False))
    return {str(name): float(total) for name, total in found.dropna().items()}


def _names(given: Collection[str]) -> set[str]:
    return {given} if isinstance(given, str) else {as_name(name) for name in given}


class _Examples:
    """What is known of the examples, whoever predicts them: label and group, the same in every row."""

    def __init__(self, frame: pd.DataFrame, *, are_numbers: bool = False) -> None:
        self.are_numbers = are_numbers
        self.names = in_order(frame["example"].unique())
        self.codes = self._places(frame["example"], self.names)
        if len(self.names) < 2:
            raise DataError(f"predictions: there is one example, {self.names[0]!r}; it takes two at least.")
        self.digest = hashlib.sha256("\x00".join(self.names).encode())
        self.columns = {} if are_numbers else class_columns(frame)
        self.classes = self._classes(frame)
        labels = self._places(frame["label"], self.classes) if "label" in frame else np.zeros(len(frame), np.int64)
        self.labels = self._constant(labels, "label")
        self.digest.update("\x00".join(self.classes).encode() + self.labels.tobytes())
        self.targets = numbers_in(self.classes, "label")[self.labels] if are_numbers else None
        self.groups = None
        if "group" in frame:
            self.groups = self._constant(self._places(frame["group"], in_order(frame["group"].unique())), "group")
            self.digest.update(self.groups.tobytes())

    def _classes(self, frame: pd.DataFrame) -> list[str]:
        if self.columns:
            return list(self.columns.values())
        if self.are_numbers:
            return in_order(set(frame["label"].unique())) if "label" in frame else []
        named = [frame[name].dropna().unique() for name in ("label", "prediction") if name in frame]
        return in_order(set(np.concatenate(named))) if named else []

    @staticmethod
    def _places(column: "pd.Series[Any]", names: list[str]) -> NDArray[np.int64]:
        places = {name: place for place, name in enumerate(names)}
        return np.asarray(column.map(places), dtype=np.int64)

    def _constant(self, values: NDArray[np.int64], what: str) -> NDArray[np.int64]:
        found = np.full(len(self.names), -1, np.int64)
        found[self.codes] = values
        if (odd := found[self.codes] != values).any():
            example = self.names[self.codes[np.flatnonzero(odd)[0]]]
            raise DataError(f"predictions: example {example!r} has more than one {what}.")
        return found


class _Rows:
    """The rows of one family, by seed or resample and then by example: S times n of them."""

    def __init__(self, family: str, rows: pd.DataFrame, examples: _Examples, replicate: str) -> None:
        self.family, self.replicate = family, replicate
        names = rows[replicate] if replicate in rows else pd.Series("0", index=rows.index)
        self.replicates = in_order(names.unique())
        seeds = names.map({name: place for place, name in enumerate(self.replicates)}).to_numpy(np.int64)
        codes = examples.codes[rows.index.to_numpy()]
        order = np.lexsort((codes, seeds))
        self.seeds, self.codes, self.frame = seeds[order], codes[order], rows.iloc[order]
        self._check_once(examples)
        self.shape = (len(self.replicates), self._size(examples))

    def _check_once(self, examples: _Examples) -> None:
        if self.replicate == "resample" and "seed" in self.frame:
            seeds = self.frame.groupby("resample")["seed"].nunique()
            if (seeds > 1).any():
                raise DataError(
                    f"predictions of {self.family}: resample {seeds.idxmax()} has {seeds.max()} seeds. Give each "
                    "resample one seed."
                )
        twice = (self.seeds[1:] == self.seeds[:-1]) & (self.codes[1:] == self.codes[:-1])
        if twice.any():
            row = int(np.flatnonzero(twice)[0])
            raise DataError(
                f"predictions of {self.family}: {self.of(row)} says two things about example "
                f"{examples.names[self.codes[row]]!r} ({int(twice.sum()):,} such rows). Each may stand once."
            )

    def of(self, row: int) -> str:
        """The seed or resample of a row: `seed 3`."""
        return f"{self.replicate} {self.replicates[self.seeds[row]]}"

    def _size(self, examples: _Examples) -> int:
        counts = np.bincount(self.seeds)
        if self.replicate == "resample":
            if counts.min() != counts.max():
                least, most = (self.replicates[int(i)] for i in (counts.argmin(), counts.argmax()))
                raise DataError(
                    f"predictions of {self.family}: resample {least} has {counts.min():,} examples, resample {most} "
                    f"has {counts.max():,}. Every resample must have as many."
                )
            return int(counts[0])
        if counts.min() < len(examples.names):
            seed = int(counts.argmin())
            absent = np.setdiff1d(np.arange(len(examples.names)), self.codes[self.seeds == seed])
            raise DataError(
                f"predictions of {self.family}: seed {self.replicates[seed]} has {counts[seed]:,} of "
                f"{len(examples.names):,} examples; there is none for {few(examples.names[i] for i in absent)}. "
                "Every seed of every family must predict the same examples."
            )
        return len(examples.names)

    def complete(self, columns: Collection[str]) -> bool:
        """Does the family have these columns? What it has it has for every row.

        Raises:
            DataError: for some rows only.
        """
        here = [name for name in columns if name in self.frame]
        empty = self.frame[here].isna()
        if not here or empty.all(axis=None):
            return False
        if empty.any(axis=None):
            blank = few(name for name in here if empty[name].any())
            raise DataError(f"predictions of {self.family}: blanks in {blank}.")
        return True


def _table(
    family: str, rows: _Rows, examples: _Examples, numbers: dict[str, int], num_train: int | None
) -> PredictionTable:
    resampled = rows.replicate == "resample"
    index = rows.codes.reshape(rows.shape)
    kept = index if resampled else index[0]
    said: dict[str, Any] = {}
    if rows.complete(["value"]):
        said["error"] = _values(rows, examples)
    if examples.targets is not None and rows.complete(["prediction"]):
        texts = rows.frame["prediction"].tolist()
        said["predicted"] = numbers_in(texts, f"prediction of {family}").reshape(rows.shape)
        said["targets"] = examples.targets[kept]
    elif rows.complete(examples.columns):
        said |= _probabilities(rows, examples)
    elif rows.complete(["prediction"]):
        said |= _named(rows, examples)
    if not said:
        raise DataError(f"predictions of {family}: neither `prediction`, nor `value`, nor probabilities.")
    return PredictionTable(
        family=family,
        data_digest=examples.digest.hexdigest()[:16],
        seeds=tuple(numbers.get(name, 0) for name in rows.replicates),
        test_index=kept,
        labels=examples.labels[kept],
        groups=None if examples.groups is None else examples.groups[kept],
        num_train=num_train if resampled else None,
        search=None if resampled else _searches(rows),
        **said,
    )


def _searches(rows: _Rows) -> NDArray[np.int64] | None:
    """(S,) the search of each seed; None where the family has no column, or a single one."""
    if not rows.complete(["search"]):
        return None
    each = rows.frame["search"].to_numpy().reshape(rows.shape)
    if (odd := (each != each[:, :1]).any(axis=1)).any():
        row = int(np.flatnonzero(odd)[0]) * rows.shape[1]
        raise DataError(
            f"predictions of {rows.family}: {rows.of(row)} is of more than one search. Seeds of different "
            "searches need names of their own."
        )
    codes = np.unique(each[:, 0].astype(str), return_inverse=True)[1]
    return np.asarray(codes, np.int64) if codes.max() else None


def _values(rows: _Rows, examples: _Examples) -> NDArray[np.float64]:
    found = rows.frame["value"].to_numpy(np.float64)
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"predictions of {rows.family}: `value` is an error, finite and not negative, got {found[row]:g} of "
            f"{rows.of(row)} for example {examples.names[rows.codes[row]]!r} ({int(wrong.sum()):,} such rows)."
        )
    values: NDArray[np.float64] = found.reshape(rows.shape)
    return values


def _probabilities(rows: _Rows, examples: _Examples) -> dict[str, Any]:
    """What the columns say; 0 and 1 throughout are named classes, written as columns."""
    given = rows.frame[list(examples.columns)].to_numpy(np.float64)
    sums = given.sum(axis=1)
    wrong = (np.abs(sums - 1) > SUM_TOLERANCE) | (given < 0).any(axis=1) | ~np.isfinite(sums)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"predictions of {rows.family}: the probabilities of {rows.of(row)} for example "
            f"{examples.names[rows.codes[row]]!r} must be 0 to 1 with a sum of 1, got a sum of {sums[row]:.4g} "
            f"({int(wrong.sum()):,} such rows; columns: {few(examples.columns)}). Where a column is no class, name "
            "the classes `p_CLASS`: others are left alone then."
        )
    probabilities = given.astype(np.float32)
    if rows.complete(["prediction"]):
        probabilities = _agreeing(probabilities, rows, examples)
    return {
        "probabilities": probabilities.reshape(*rows.shape, -1),
        "hard": bool(np.isin(given, (0, 1)).all()),
    }


def _agreeing(probabilities: NDArray[np.float32], rows: _Rows, examples: _Examples) -> NDArray[np.float32]:
    """The same, where `prediction` breaks ties.

    Raises:
        DataError: `prediction` is not the most probable class.
    """
    place = {name: position for position, name in enumerate(examples.classes)}
    named = rows.frame["prediction"].map(place).fillna(-1).to_numpy(np.int64)
    every = np.arange(len(named))
    highest = probabilities.max(axis=1)
    wrong = (named < 0) | (probabilities[every, named] < highest)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"predictions of {rows.family}: `prediction` of {rows.of(row)} for example "
            f"{examples.names[rows.codes[row]]!r} is {rows.frame['prediction'].iloc[row]!r}, the most probable class "
            f"{examples.classes[int(probabilities[row].argmax())]!r} ({int(wrong.sum()):,} such rows). Leave one of "
            "the two out."
        )
    tied = probabilities.argmax(axis=1) != named
    probabilities[every[tied], named[tied]] = np.nextafter(highest[tied], np.float32(2))
    return probabilities


def _named(rows: _Rows, examples: _Examples) -> dict[str, Any]:
    """Probabilities of 0 and 1 of the classes that are named."""
    named = rows.frame["prediction"]
    labels = {examples.classes[k] for k in np.unique(examples.labels[rows.codes])}
    known = set(examples.classes)
    if strangers := [name for name in named.unique() if name not in known]:
        raise DataError(f"predictions of {rows.family}: no column of probabilities for {few(strangers)}.")
    if labels.isdisjoint(named.unique()):
        raise DataError(
            f"predictions of {rows.family}: none is a label ({few(in_order(named.unique()))}; labels: "
            f"{few(in_order(labels))}). Write both alike."
        )
    if len(named) * len(examples.classes) * 4 > LARGEST:
        raise DataError(
            f"predictions of {rows.family}: {len(examples.classes):,} classes are too many for {len(named):,} rows. "
            "Give `value` instead: 0 where the prediction is right, 1 where it is wrong."
        )
    place = {name: position for position, name in enumerate(examples.classes)}
    certain = np.zeros((len(named), len(examples.classes)), np.float32)
    certain[np.arange(len(named)), named.map(place).to_numpy(np.int64)] = 1
    return {"probabilities": certain.reshape(*rows.shape, -1), "hard": True}
