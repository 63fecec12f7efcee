"""Files of predictions, put below each other: long form as CSV or Parquet, and result files of tsml-eval and sktime."""

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hw3models.errors import DataError
from hw3models.evaluation.prediction_columns import NAMES
from hw3models.evaluation.tsml_results import is_tsml, read_tsml
from hw3models.printable import few

_PARQUET = b"PAR1"


def read_predictions(paths: Sequence[Path]) -> pd.DataFrame:
    """The predictions of all files in long form; a file without a column `family` is one, named as the file.

    Names (ids, labels, families, groups) come back to the letter: `007`, `1e3` and `NA` stay what they are.

    Raises:
        DataError: a file cannot be read, or is not of predictions.
    """
    if not paths:
        raise DataError("no files of predictions were given. Name one at least.")
    results = [path for path in paths if is_tsml(path)]
    frames = [read_tsml(results)] if results else []
    long = [path for path in paths if path not in results]
    unnamed: dict[str, Path] = {}
    for path in long:
        frame = _read(path)
        if "family" not in frame:
            if path.stem in unnamed and not {"seed", "resample"} & set(frame.columns):
                raise DataError(
                    f"{unnamed[path.stem]} and {path} would both be family {path.stem!r}. Give them a column `family`, "
                    "or `seed` if they are of one."
                )
            unnamed[path.stem] = path
            frame = frame.assign(family=path.stem)
        frames.append(frame)
    return below_each_other(frames)


def below_each_other(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all; where only some have seeds, the others are of a single one."""
    if any("seed" in frame for frame in frames):
        frames = [frame if "seed" in frame else frame.assign(seed="0") for frame in frames]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file as it is, names as text.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        return pd.read_parquet(path) if is_parquet else _read_csv(path)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: neither Parquet nor text in UTF-8. Save it as CSV in UTF-8, or as Parquet."
        ) from error
    except (OSError, ValueError, csv.Error, pd.errors.ParserWarning) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip().splitlines()[0]
        raise DataError(f"{path}: not a CSV or Parquet file of predictions ({why}).") from error


def _read(path: Path) -> pd.DataFrame:
    frame = read_table(path)
    if frame.index.names != [None]:
        frame = frame.reset_index()
    needed = ["example"] if "value" in frame else ["example", "label"]
    if missing := [name for name in needed if name not in frame]:
        raise DataError(
            f"{path}: no column {few(missing)} (there are: {few(frame.columns)}). Predictions stand in long "
            "form, one row for each example of each seed of each family."
        )
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        head = next(csv.reader(file), [])
    if not head:
        raise ValueError("it is empty")
    if twice := sorted({name for name in head if head.count(name) > 1}):
        raise ValueError(f"more than one column {few(twice)}")
    with warnings.catch_warnings():
        # Rows that are longer than the head.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            dtype={name: str for name in NAMES if name in head},
            # A blank is missing; what looks like "not available" is a name.
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            encoding="utf-8-sig",
            float_precision="round_trip",
        )
