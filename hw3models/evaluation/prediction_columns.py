"""The columns of predictions in long form: what each means, and what is wrong with them.

Families, seeds, examples, labels and groups are names: they become text, and are compared to the letter. Whole numbers
are written without a point, so that the 1.0 of one column is the 1 of another.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.errors import DataError
from hw3models.printable import few

NAMES = ("family", "seed", "resample", "search", "example", "label", "prediction", "group")
"""Columns that hold names."""
COLUMNS = (*NAMES, "value", "seconds")
"""Columns with a meaning; every other is a class, or nothing to us."""
PREFIXES = ("p_", "prob_", "probability_")
"""What may stand before a class in the name of its column."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def tidied(frame: pd.DataFrame) -> pd.DataFrame:
    """The same predictions with names as text and a fresh index.

    Raises:
        DataError: the columns are not those of predictions; all faults at once.
    """
    frame = frame.reset_index(drop=not set(frame.index.names) & set(COLUMNS))
    frame.columns = pd.Index([as_name(name) for name in frame.columns])
    faults = list(_column_faults(frame))
    if not faults:
        for name in (name for name in NAMES if name in frame):
            try:
                frame[name] = _as_names(frame[name])
            except TypeError:
                faults.append(f"`{name}` must hold names or numbers, not lists of them")
        faults += _value_faults(frame)
    if faults:
        raise DataError(f"predictions: {'; '.join(faults)}.")
    return frame


def class_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Column of probabilities -> its class, of a tidied frame.

    They are named as the labels. Where none is, but a label is with `p_` in front, every column with `p_` is a class
    and others are left alone.
    """
    others = [name for name in frame.columns if name not in COLUMNS]
    labels = set(frame["label"].unique()) if "label" in frame else set()
    prefixed = {name: name.removeprefix(prefix) for name in others if (prefix := _prefix(name))}
    if labels & set(others):
        return {name: name for name in others if name in labels or is_numeric(frame[name])}
    if labels & set(prefixed.values()):
        return prefixed
    if {"prediction", "value"} & set(frame.columns):
        return {}
    return prefixed or {name: name for name in others if is_numeric(frame[name])}


def hold_numbers(frame: pd.DataFrame) -> bool:
    """Are labels and predictions of a tidied frame numbers, one label at least with a fraction, and no classes?"""
    if not {"label", "prediction"} <= set(frame.columns) or "value" in frame:
        return False
    labels = list(frame["label"].unique())
    texts = [*labels, *frame["prediction"].dropna().unique()]
    if all(map(_WHOLE.fullmatch, labels)) or class_columns(frame):
        return False
    return bool(np.isfinite([_number(text) for text in texts]).all())


def numbers_in(texts: Sequence[str], what: str) -> NDArray[np.float64]:
    """The numbers that texts say.

    Raises:
        DataError: one says none, or it is not finite.
    """
    found = np.array([_number(text) for text in texts], np.float64)
    if not (good := np.isfinite(found)).all():
        bad = texts[int(np.flatnonzero(~good)[0])]
        raise DataError(
            f"predictions: numbers are compared, and {bad!r} ({what}) is none ({int((~good).sum()):,} such). Compare "
            "classes by another `metric`, or write a number."
        )
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def in_order(names: Iterable[str]) -> list[str]:
    """Numbers by size, all else by letters: the order that results do not depend on."""
    found = list(names)
    if all(map(_WHOLE.fullmatch, found)):
        return sorted(found, key=lambda name: (int(name), name))
    return sorted(found)


def as_numbers(names: Iterable[str]) -> dict[str, int]:
    """Name -> number: itself where all of them are plain whole numbers, else its place."""
    found = in_order(names)
    if all(_WHOLE.fullmatch(name) and str(int(name)) == name for name in found):
        return {name: int(name) for name in found}
    return {name: place for place, name in enumerate(found)}


def as_name(value: object) -> str:
    """Text of a name: `1` for 1 and 1.0."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def is_numeric(column: "pd.Series[Any]") -> bool:
    """Does it hold numbers, and no text that looks like them?"""
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column))


def blanks(column: "pd.Series[Any]") -> "pd.Series[bool]":
    """Where nothing stands."""
    empty: pd.Series[bool] = column.isna()
    return empty if is_numeric(column) else empty | (column.astype(object).map(str).str.strip() == "")


def _prefix(name: str) -> str:
    return next((prefix for prefix in PREFIXES if name.startswith(prefix) and name != prefix), "")


def _as_names(column: "pd.Series[Any]") -> "pd.Series[Any]":
    codes, values = pd.factorize(column.astype(object))
    # What is missing has the code -1, which takes the last.
    texts = np.array([*map(as_name, values), None], dtype=object)
    return pd.Series(texts[codes], index=column.index, dtype=object).where(~blanks(column), None)


def _column_faults(frame: pd.DataFrame) -> Iterable[str]:
    found = list(frame.columns)
    if twice := sorted({name for name in found if found.count(name) > 1}):
        yield f"more than one column {few(twice)}"
        return
    if frame.empty:
        yield "there are no rows"
    needed = ["family", "example"] if "value" in frame else ["family", "example", "label"]
    if missing := [name for name in needed if name not in frame]:
        yield f"no column {few(missing)} (there are: {few(found)})"
    if wrong := [name for name in ("value", "seconds") if name in frame and not is_numeric(frame[name])]:
        yield f"{few(wrong)} must be numbers"


def _value_faults(frame: pd.DataFrame) -> Iterable[str]:
    """Blanks, and cells that are no probability. What a family leaves out altogether is no blank."""
    always = [name for name in NAMES if name in frame and name not in ("prediction", "search")]
    if blank := [name for name in always if frame[name].isna().any()]:
        yield f"blanks in {few(blank)}"
        return
    classes = class_columns(frame)
    if not {"value", "prediction"} & set(frame.columns) and not classes:
        yield (
            "neither `prediction`, nor `value`, nor a column of probabilities per class "
            f"(there are: {few(frame.columns)})"
        )
    if words := [name for name in classes if not is_numeric(frame[name])]:
        yield f"the probabilities in {few(words)} must be numbers"
    if not classes:
        return
    twice = sorted({name for name in classes.values() if list(classes.values()).count(name) > 1})
    if twice:
        yield f"more than one column of probabilities for {few(twice)}"
    if strangers := sorted(set(frame["label"].unique()) - set(classes.values())):
        yield f"no column of probabilities for {few(strangers)} (columns: {few(classes)})"
