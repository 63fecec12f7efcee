"""Tables with a column for each series, time down the rows: spreadsheets and spectrometers write them.

| time | s1 | s2 | ... |      names of series; the label in a row that begins with `label`, or in a row of texts
| label | walk | sit | ... |   or as the name (`walk`, `walk`, `sit`), with numbers behind (`walk.1`, `walk_2`)
| 0.0 | 0.12 | 0.53 | ... |

They are turned, and then read as a table with a row for each series (`wide_tables`).

N series, T time steps
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hw3models.data.readers.gathered import Gathered
from hw3models.data.readers.guessed_columns import SENSOR, likely
from hw3models.data.readers.step_names import are_timed
from hw3models.data.readers.text_files import open_text, text_rows
from hw3models.data.readers.wide_tables import Head, Rows, gather_cells, is_number, read_head
from hw3models.errors import DataError
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 4
"""Columns of series from which on their names say something."""
_NUMBER = re.compile(r"[_\-. ]?\d+$")
_MOST = 5_000
"""Columns; a table with more has a row for each series, unless `--layout columns` says otherwise."""
_MANY = 8
"""Columns from which on texts that come again are labels, and no units."""
_UNIT = re.compile(r"[/^°%µ²³(\[]|^.{0,3}$")
_OTHERS = ("split", "subject", "group")


class _Turned(NamedTuple):
    """The rows of a table, told apart."""

    named: dict[str, list[str]]
    """What rows of texts say of each series: `sample`, `label`, and others by their first cell."""
    steps: list[list[str]]
    """T rows, with the column before the series."""
    begin: int
    """Is there a column before the series?"""
    is_called: bool
    """Does a row say that it holds the labels?"""
    num_texts: int
    """Rows with texts."""
    in_names: bool
    """Are labels told by the names of columns?"""


def looks_turned(path: Path, spec: DataSpec) -> bool:
    """Is each column a series, as far as its first rows say? A table of another form has columns with other names."""
    try:
        return _looks_turned(path, state_of(path), spec.sample_column, spec.label_column)
    except (DataError, OSError):
        return False


@lru_cache(maxsize=8)
def _looks_turned(path: Path, _: FileState, *own: str) -> bool:
    rows = _first_rows(path, read_head(path))
    header = rows[0]
    if len(header) > _MOST or likely("sample_column", header[1:]) or set(own) & set(header[1:]):
        return False
    if len(header) <= _FEWEST or any(len(row) != len(header) for row in rows) or all(map(is_number, header)):
        return False
    found = _divided(rows, header)
    if not found.steps or likely("label_column", header[1:]) or are_timed(header[found.begin :]):
        return False
    if found.is_called:
        return found.begin == 0 or _rises([row[0] for row in found.steps]) or not any(is_number(row[0]) for row in rows)
    names = header[found.begin :]
    bare = _labels_in_names(names)
    if bare is not None and "label" in found.named and found.num_texts == 1:
        is_written = len(set(names)) < len(names) or all(
            one in names for one in bare
        )  # pandas writes walk, walk.1, ...
        return is_written and set(names) >= set(bare) and not any(map(SENSOR.fullmatch, bare))
    labels = found.named.get("label", [])
    return len(labels) >= _MANY and not any(map(_UNIT.search, labels)) and not any(map(SENSOR.fullmatch, names))


def gather_columns(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of all columns.

    Raises:
        DataError: rows are not alike, or nothing says the labels.
    """
    import pandas as pd

    head = read_head(path)
    rows = _first_rows(path, head, None)
    wrong = next((number for number, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if wrong is not None:
        raise DataError(
            f"{path}: row {wrong} has {len(rows[wrong - 1])} cells, but the first has {len(rows[0])}: every row "
            "needs a cell for each series."
        )
    found = _divided(rows, rows[0])
    if not found.steps:
        raise DataError(f"{path}: no row holds numbers. A column for each series needs a row for each step.")
    num = len(rows[0]) - found.begin
    steps = [f"t{number}" for number in range(len(found.steps))]
    columns = {name: one for name, one in found.named.items() if labelled or name != "label"}
    table = pd.DataFrame(
        {**columns, **dict(zip(steps, (row[found.begin :] for row in found.steps), strict=True))}, dtype="str"
    )
    if labelled:
        table = _with_labels_beside(path, table, spec)
    own = replace(head, first=list(table.columns), rows=[], known=True)
    known = spec.model_copy(update={"label_column": "label" if "label" in columns else spec.label_column})
    places = Rows(np.arange(1, num + 1) + found.begin, "column")
    try:
        one = gather_cells(path, table, places, own, known, labelled, None)
    except DataError as error:
        if "no column of labels" not in str(error):
            raise
        raise DataError(
            f"{path}: nothing says the labels of its {num:,} columns. Write them into a row that begins with `label`, "
            "or give a table with the name of each column and its label: `--manifest labels.csv`."
        ) from error
    said = f"one column a series (`--layout columns`), separated by {head.form.separated_by}, {len(steps):,} rows"
    where = "in the names of columns" if found.in_names else "in a row"
    return replace(
        one,
        form=f"{said}, labels {where}" if labelled and "label" in columns else said,
        notes=tuple(note for note in one.notes if "and was left out" not in note),
        found_out={},
        steps=(),
    )


def _with_labels_beside(path: Path, table: "pd.DataFrame", spec: DataSpec) -> "pd.DataFrame":
    from hw3models.data.readers.label_tables import label_table

    if spec.manifest is None and "label" in table.columns:
        return table
    found = label_table(path, spec, ["sample"])
    return table if found is None else found.join(table, "sample").fillna("")


def _first_rows(path: Path, head: Head, most: int | None = 20) -> list[list[str]]:
    """The cells of all rows (or of the first ones) that are not blank, lines of names and units among them."""
    rows = list[list[str]]()
    try:
        with open_text(path, head.form.encoding) as file:
            for _ in range(head.form.before):
                file.readline()
            for _, row in text_rows(file, head.form):
                if any(cell.strip() for cell in row):
                    rows.append([cell.strip() for cell in row])
                if most is not None and len(rows) > most:
                    break
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}).") from error
    return rows


def _divided(rows: Sequence[list[str]], header: list[str]) -> _Turned:
    """Rows of texts, and rows of steps."""
    texts, steps = list[list[str]](), list[list[str]]()
    for number, row in enumerate(rows):
        is_text = number == 0 or not all(is_number(cell) or not cell for cell in row[1:])
        is_text = is_text or _is_called(row[0]) or not any(row[1:])
        (texts if is_text else steps).append(row)
    first = [row[0] for row in texts]
    begin = int(any(not cell or _is_called(cell) for cell in first) or bool(likely("time_column", first[:1])))
    begin = int(begin or (bool(steps) and not any(is_number(row[0]) for row in steps)))
    begin = int(begin or _are_even([row[0] for row in steps]))
    named: dict[str, list[str]] = {}
    is_called = in_names = False
    for row in texts:
        cells = row[begin:]
        if not any(cells):
            continue
        called = row[0].lower() if begin else ""
        if _is_called(row[0]) and begin and (row is not rows[0] or _repeat(cells)):  # label,t0,t1,... is a header
            is_label = bool(likely("label_column", [row[0]])) or called == "y"
            named["label" if is_label else called] = cells
            is_called = is_called or is_label
        elif len(set(cells)) == len(cells):
            named.setdefault("sample", cells)
        elif row is not rows[0] and _repeat(cells):
            named.setdefault("label", cells)
    if "label" not in named and (labels := _labels_in_names(header[begin:])) is not None:
        named["label"], in_names = labels, True
        named.setdefault("sample", header[begin:])
    if len(set(named.get("sample", ()))) < len(named.get("sample", ())):
        del named["sample"]
    num_texts = sum(any(row[1:]) for row in texts)
    return _Turned(named, steps, begin, is_called, num_texts, in_names)


def _is_called(cell: str) -> bool:
    """Does the cell say what its row holds?"""
    return bool(likely("label_column", [cell])) or cell.lower() in {"y", *_OTHERS}


def _repeat(cells: Sequence[str]) -> bool:
    """Few texts, each of several columns."""
    num = Counter(cells)
    return 1 < len(num) <= len(cells) / 2 and min(num.values()) > 1


def _labels_in_names(names: Sequence[str]) -> list[str] | None:
    """Labels that are the names of columns, or what stands before a number; None where they are none."""
    plain = [_NUMBER.sub("", name) if not is_number(name) else name for name in names]
    return plain if len(names) >= _FEWEST and all(plain) and _repeat(plain) and not all(map(is_number, plain)) else None


def _are_even(cells: Sequence[str]) -> bool:
    """Do numbers rise or fall by the same from row to row, as no measurement does?"""
    try:
        steps = np.diff([float(cell.replace(",", ".")) for cell in cells])
    except ValueError:
        return False
    return len(steps) > 3 and bool(steps[0]) and bool(np.allclose(steps, steps[0], rtol=1e-3))


def _rises(cells: Sequence[str]) -> bool:
    try:
        return bool((np.diff([float(cell.replace(",", ".")) for cell in cells]) > 0).all())
    except ValueError:
        return False
