"""Result files of tsml-eval, aeon and sktime (`testResample0.csv`), as predictions in long form.

Line 1: `dataset,estimator,split,resample,time unit,comment`. Line 2: parameters, as the estimator writes them. Line 3
of a classifier: `accuracy,fit time,predict time,benchmark,memory,classes,...`. Then a line for each test example:
`label,prediction`, and where there are probabilities `,,p0,p1,...` behind it. Written by
`tsml_eval.utils.results_writing.write_results_to_tsml_format`, and by sktime's `write_results_to_uea_format`.

What the files do not say is assumed as docs/compare-results.md tells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.evaluation.prediction_columns import as_name, in_order
from hw3models.printable import few

_SPLITS = ("train", "test", "no split")
_UNITS = {"SECONDS": 1.0, "MILLISECONDS": 1e-3, "MICROSECONDS": 1e-6, "NANOSECONDS": 1e-9}
_OTHER_TASKS = {5: "forecaster", 7: "clusterer", 8: "regressor"}
"""Numbers on line 3 -> who writes so many; a classifier writes nine, and six or none in older files."""
_NUMBER_IN_NAME = re.compile(r"(\d+)$")


@dataclass(frozen=True, kw_only=True)
class _Result:
    """One file."""

    path: Path
    dataset: str
    family: str
    resample: str
    seconds: float
    labels: list[str]
    predictions: list[str]
    probabilities: NDArray[np.float64] | None
    """(n, K)."""


def is_tsml(path: Path) -> bool:
    """Is it a result file, by its first lines?"""
    try:
        with path.open(encoding="utf-8", errors="strict") as file:
            lines = [line.rstrip("\r\n").split(",") for line in islice(file, 4)]
    except (OSError, UnicodeDecodeError):
        return False
    return (
        len(lines) == 4
        and len(lines[0]) >= 3
        and lines[0][2].strip().lower() in _SPLITS
        and not {"example", "label"} & set(lines[0])
        and len(lines[3]) >= 2
    )


def read_tsml(paths: Sequence[Path]) -> pd.DataFrame:
    """Predictions in long form: the estimator is the family, the resample's number its seed or its resample.

    Raises:
        DataError: the files are not of classifiers on the test split of one data set, or say something twice.
    """
    results = [_parse(path) for path in paths]
    if len(datasets := sorted({one.dataset for one in results})) > 1:
        raise DataError(f"results of {len(datasets)} data sets ({few(datasets)}). Compare on one at a time.")
    known: dict[tuple[str, str], Path] = {}
    for one in results:
        other = known.setdefault((one.family, one.resample), one.path)
        if other != one.path:
            raise DataError(f"{other} and {one.path} are both resample {one.resample} of {one.family}. Leave one out.")
    classes = _classes(results)
    resampled = _is_resampled(results)
    return pd.concat([_frame(one, classes, resampled=resampled) for one in results], ignore_index=True)


def _frame(one: _Result, classes: Sequence[str], *, resampled: bool) -> pd.DataFrame:
    # Examples have no names. Those of another resample are others.
    examples = [f"{one.resample}/{row}" if resampled else str(row) for row in range(len(one.labels))]
    columns: dict[str, object] = {
        "family": one.family,
        "resample" if resampled else "seed": one.resample,
        "example": examples,
        "label": one.labels,
        "prediction": one.predictions,
        "seconds": one.seconds,
    }
    if one.probabilities is not None:
        columns |= {f"p_{name}": one.probabilities[:, k] for k, name in enumerate(classes)}
    return pd.DataFrame(columns)


def _is_resampled(results: Sequence[_Result]) -> bool:
    """Has each number test examples of its own?

    Labels in another order show it. The same labels class by class are what stratified resampling writes, whichever
    examples it drew; the same labels mixed are the same examples.
    """
    if len({one.resample for one in results}) < 2:
        return False
    first = results[0].labels
    by_class = len(list(groupby(first))) == len(set(first))
    return by_class or any(one.labels != first for one in results if one.family == results[0].family)


def _classes(results: Sequence[_Result]) -> list[str]:
    """The class of each column of probabilities."""
    widths = {one.probabilities.shape[1]: one.path for one in results if one.probabilities is not None}
    if len(widths) > 1:
        (fewest, narrow), *_, (many, wide) = sorted(widths.items())
        raise DataError(f"{narrow} has probabilities of {fewest} classes, {wide} of {many}. Compare on one data set.")
    seen = {name for one in results for name in (*one.labels, *one.predictions)}
    if not widths:
        return in_order(seen)
    [width] = widths
    numbered = [str(k) for k in range(width)]
    if seen <= set(numbered):
        return numbered
    if len(seen) == width:
        return in_order(seen)
    raise DataError(
        f"{widths[width]}: {width} probabilities for each example, but the labels are {few(in_order(seen))}. Which "
        "column is whose cannot be told: write them in long form, `p_CLASS` each."
    )


def _parse(path: Path) -> _Result:
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    first, third, rows = lines[0], lines[2], [line for line in lines[3:] if line != [""]]
    if first[2].strip().lower() == "train":
        raise DataError(f"{path}: predictions of the training part. Give the file of the test split.")
    if len(third) in _OTHER_TASKS and _numbers(third) >= len(third) - 1:
        raise DataError(
            f"{path}: results of a {_OTHER_TASKS[len(third)]}. Only those of classifiers are read; give the error of "
            "each example as `value` in long form."
        )
    probabilities = _probabilities(path, rows)
    return _Result(
        path=path,
        dataset=first[0].strip(),
        family=first[1].strip(),
        resample=_resample(path, first),
        seconds=_seconds(first, third),
        labels=_column(path, rows, 0),
        predictions=_column(path, rows, 1),
        probabilities=probabilities,
    )


def _column(path: Path, rows: Sequence[list[str]], column: int) -> list[str]:
    found = [_name(row[column]) if len(row) > column else "" for row in rows]
    for line, name in enumerate(found, 4):
        if name in ("", "?", "nan"):
            raise DataError(f"{path}: line {line} has no {'label' if column == 0 else 'prediction'}.")
    return found


def _probabilities(path: Path, rows: Sequence[list[str]]) -> NDArray[np.float64] | None:
    """Numbers behind an empty field, up to the next."""
    if all(len(row) < 4 for row in rows):
        return None
    values: list[list[float]] = []
    for line, row in enumerate(rows, 4):
        behind = row[3:]
        texts = behind[: behind.index("")] if "" in behind else behind
        try:
            values.append([float(text) for text in texts])
        except ValueError as error:
            raise DataError(f"{path}: line {line} has probabilities that are no numbers.") from error
        if len(row) < 4 or row[2].strip() or len(values[-1]) != len(values[0]):
            raise DataError(
                f"{path}: line {line} is not `label,prediction,,` and {len(values[0])} probabilities as line 4 is."
            )
    return np.array(values)


def _resample(path: Path, first: Sequence[str]) -> str:
    given = first[3].strip() if len(first) > 3 else ""
    if given.isdecimal():
        return str(int(given))
    found = _NUMBER_IN_NAME.search(path.stem)
    return str(int(found.group())) if found else "0"


def _seconds(first: Sequence[str], third: Sequence[str]) -> float:
    """Time of the fit; NaN where the unit is not said, or the time is not."""
    unit = _UNITS.get(first[4].strip().upper()) if len(first) > 4 else None
    try:
        time = float(third[1])
    except (IndexError, ValueError):
        return float("nan")
    return time * unit if unit is not None and time >= 0 else float("nan")


def _numbers(fields: Sequence[str]) -> int:
    return sum(_is_number(text) for text in fields)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _name(text: str) -> str:
    """A class: 1 and 1.0 are one."""
    return as_name(float(text)) if _is_number(text) and text.strip().lower() != "nan" else text.strip()
