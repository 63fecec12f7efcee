"""Predictions of one model for a file of any size, as a table of any size.

K = classes, k = numbers in an autoencoder's code
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from hw3models.data.remembered import as_trained
from hw3models.data.source import Block, Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError, SpecError
from hw3models.runtime.files import atomic_path, check_output
from hw3models.serving.predictor import Predictor
from hw3models.specs import DataSpec, FormOptions

AT_ONCE = 1024
"""Examples that the network sees together."""
SUFFIXES = (".parquet", ".csv")


def wanted_by(predictor: Predictor) -> Wanted:
    """What the model takes."""
    manifest = predictor.manifest
    return Wanted(manifest.kind, manifest.shape, manifest.unequal_lengths, manifest.channels, manifest.image_fit)


def score_file(
    predictor: Predictor,
    data: Path,
    output: Path,
    *,
    sample_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    skip_unreadable: bool = False,
    form: FormOptions = FormOptions(),  # noqa: B008  # frozen
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write a row for each example of `data` to `output` (`.parquet` or `.csv`); how many. What is not said of `data`
    is as in the model's training.

    Columns are `id`, `class`, `probability` and one `p_CLASS` for each class; `id` and `prediction` where numbers are
    predicted; of an autoencoder `id`, `code_1`, ... and `squared_error` (per pixel). The file appears when it is whole:
    a failed run leaves none, and of two at once the later one's stays.

    Raises:
        SpecError: `output` is neither Parquet nor CSV, or is `data`.
        DataError: the examples do not fit the model, or `output` cannot be written.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise SpecError(f"`output` {output}: write to a {' or '.join(SUFFIXES)} file.")
    check_output(output, [data])
    given = {"sample_column": sample_column, "time_column": time_column, "label_column": label_column}
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    asked = as_trained(DataSpec(source=str(data), **said, **dict(form)), predictor.manifest)
    columns = {name: getattr(asked, name) for name in given} | said
    blocks = read_examples(data, wanted_by(predictor), **columns, skip_unreadable=skip_unreadable, form=asked)
    is_csv = output.suffix.lower() == ".csv"
    try:
        with atomic_path(output) as part:
            return _write(_tables(predictor, data, blocks), part, is_csv=is_csv, tell=on_progress)
    except OSError as error:
        raise DataError(f"{output}: cannot be written ({error.strerror or error}).") from error


def _write(tables: Iterator[pd.DataFrame], path: Path, *, is_csv: bool, tell: Callable[[int], None]) -> int:
    number, writer = 0, None
    try:
        for table in tables:
            if is_csv:
                table.to_csv(path, mode="a" if number else "w", header=number == 0, index=False)
            else:
                rows = pa.Table.from_pandas(table, preserve_index=False)
                writer = writer or parquet.ParquetWriter(path, rows.schema)
                writer.write_table(rows)
            number += len(table)
            tell(number)
    finally:
        if writer is not None:
            writer.close()
    if not number:
        raise DataError("there is nothing to predict: the file holds no examples.")
    return number


def _tables(predictor: Predictor, path: Path, blocks: Iterator[Block]) -> Iterator[pd.DataFrame]:
    for block in blocks:
        for start in range(0, len(block.ids), AT_ONCE):
            ids, examples = block.ids[start : start + AT_ONCE], block.examples[start : start + AT_ONCE]
            try:
                predicted = predictor.predict(examples)
            except DataError as error:
                raise DataError(f"{path}, counted from example {str(ids[0])!r}: {error}") from error
            yield _table(predictor, ids, examples, predicted)


def _table(predictor: Predictor, ids: Any, examples: Any, predicted: dict[str, Any]) -> pd.DataFrame:
    names = predictor.manifest.class_names
    columns: dict[str, Any] = {"id": ids}
    if "probabilities" in predicted:
        best = predicted["probabilities"].argmax(1)
        columns["class"] = np.array(names, dtype=object)[best]
        columns["probability"] = predicted["probabilities"].max(1)
        columns |= {f"p_{name}": predicted["probabilities"][:, k] for k, name in enumerate(names)}
    elif "prediction" in predicted:
        columns["prediction"] = predicted["prediction"]
    else:
        columns |= {f"code_{k + 1}": values for k, values in enumerate(predicted["code"].T)}
        pixels = examples.reshape(len(examples), -1) / 255
        columns["squared_error"] = np.square(predicted["reconstruction"] - pixels).mean(1)
    return pd.DataFrame(columns)
