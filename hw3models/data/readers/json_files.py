"""Series as JSON: records with lists of numbers, or a record for each time step; a list of them, or one a line.

| record | |
|---|---|
| `{"id": "a1", "label": "walk", "values": [0.1, 0.2]}` | a series; lists of lists have steps and channels |
| `{"id": "a1", "label": "walk", "x": [0.1, 0.2], "y": [0.3, 0.4]}` | a list for each channel |
| `{"id": "a1", "label": "walk", "points": [{"t": 0, "x": 0.1}, {"t": 1, "x": 0.2}]}` | the same, by steps |
| `{"id": "a1", "time": 0, "x": 0.1, "label": "walk"}` | a time step |
| `{"label": "walk", "t0": 0.1, "t1": 0.2, "t2": 0.3}` | a series, a key for each step |

Several series may be put together in any of the shapes of `json_shapes`.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw3models.data.checks import raise_faults
from hw3models.data.readers.forms import here, series_source
from hw3models.data.readers.gathered import Floats, Gathered, examples, for_model, has_labels
from hw3models.data.readers.guessed_columns import guessed, told
from hw3models.data.readers.json_shapes import are_classes, records_of
from hw3models.data.readers.text_files import TextForm, open_text
from hw3models.data.readers.time_columns import first_cells
from hw3models.data.source import COLUMNS, WINDOWS, Block, Wanted
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".json", ".jsonl", ".ndjson")
_MOST_CHARACTERS = 512 * 2**20
_MOST_KEYS = 10_000
_TIMES = ("time", "t", "timestamp", "timestamps", "times", "seconds")


def _text(path: Path) -> str:
    try:
        with open_text(path, "utf-8-sig") as file:
            text = file.read(_MOST_CHARACTERS + 1)
    except (OSError, EOFError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as JSON in UTF-8 ({error}).") from error
    if len(text) > _MOST_CHARACTERS:
        raise DataError(f"{path}: it is larger than {_MOST_CHARACTERS // 2**20} MiB. Write the series as Parquet.")
    if not text.strip():
        raise DataError(f"{path}: the file is empty.")
    return text


def _parsed(path: Path) -> Any:
    """What stands in the file; of several lines with a value each a list of them."""
    text = _text(path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(f"{path}: its lists are too deep. Write a record for each series.") from error
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if not lines or not lines[0][1].strip().endswith("}"):
            raise DataError(f"{path}: no whole JSON ({error}). Write it with json.dump, or a record a line.") from error
    records = []
    for number, line in lines:
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: line {number} is no whole record of JSON ({error}). Write one a line.") from error
    return records


def _records(path: Path, found: Any) -> list[dict[str, Any]]:
    """The records of a file, whichever way they are put together.

    Raises:
        DataError: it holds none.
    """
    found = records_of(found)
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        at = (
            next((n for n, one in enumerate(found, 1) if not isinstance(one, dict)), 0)
            if isinstance(found, list)
            else 0
        )
        what = f"record {at} is no object" if at else "there are no records in it"
        raise DataError(
            f"{path}: {what}. A list of objects is needed, or one a line, such as "
            '{"id": "a1", "label": "walk", "values": [0.1, 0.2]}.'
        )
    if (keys := len(set().union(*found))) > _MOST_KEYS:
        raise DataError(f"{path}: its records have {keys:,} different keys. Write steps as a list under one key.")
    return found


def _flat(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One level of objects as keys of their own, and a list of points as a list for each of their keys.

    A key that stands under several names in some record, or beside them, is called by both: `acc.x` and `gyro.x`.
    """
    opened = [{name: _opened(value) for name, value in one.items()} for one in records]
    twice: set[str] = set()
    for one in opened:
        seen: dict[str, Any] = {name: value for name, value in one.items() if not isinstance(value, dict)}
        for value in one.values():
            for key, item in value.items() if isinstance(value, dict) else ():
                if key in seen and seen[key] != item:
                    twice.add(key)
                seen[key] = item
    out = []
    for one in opened:
        flat = {name: value for name, value in one.items() if not isinstance(value, dict)}
        for name, value in one.items():
            if isinstance(value, dict):
                flat |= {f"{name}.{key}" if key in twice else key: item for key, item in value.items()}
        out.append(flat)
    return out


def _opened(value: Any) -> Any:
    """Points as an object with a list for each of their keys; all else as it is."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return value
    return {key: [one.get(key) for one in value] for key in dict.fromkeys(key for one in value for key in one)}


def record_frame(path: Path) -> "tuple[pd.DataFrame, list[str]]":
    """A row for each record, and the columns that hold lists.

    Raises:
        DataError: it holds no records, or objects in objects.
    """
    return _frame(path)[:2]


def _frame(path: Path) -> "tuple[pd.DataFrame, list[str], tuple[str, ...]]":
    """A row for each record, the columns that hold lists, and notes."""
    return _frame_of(path, state_of(path)) if path.is_file() else _frame_of.__wrapped__(path, None)


@lru_cache(maxsize=1)
def _frame_of(path: Path, _: FileState | None) -> "tuple[pd.DataFrame, list[str], tuple[str, ...]]":
    """Asked several times of a file by one command, until it is read (`_once`)."""
    import pandas as pd

    found = _parsed(path)
    records = _flat(_records(path, found))
    classes = isinstance(found, dict) and are_classes(found) and "label" in records[0]
    notes = (f"Each key is a class with a list of its series: {few(found)}.",) if classes else ()
    columns = dict.fromkeys(name for one in records for name in one)
    lists = [name for name in columns if any(isinstance(one.get(name), list) for one in records)]
    if objects := next((name for name in columns if any(isinstance(one.get(name), dict) for one in records)), None):
        raise DataError(f"{path}: {objects!r} holds objects in objects. Write lists of numbers, or single values.")
    return pd.DataFrame({name: [one.get(name) for one in records] for name in columns}), lists, notes


def recording_table(path: Path) -> "pd.DataFrame":
    """One recording with a row for each step: of a record with lists, or of a record for each step.

    Raises:
        DataError: there are several records with lists, or the lists differ in length.
    """
    import pandas as pd

    table, lists, _ = _frame(path)
    if not lists:
        return table
    if len(table) > 1:
        raise DataError(f"{path}: it holds {len(table):,} series. Such a file is given itself, not its folder.")
    columns: dict[str, Any] = {}
    for name in lists:
        cell = table[name].iloc[0]
        if cell and all(isinstance(one, list) for one in cell):  # steps of channels
            widths = {len(one) for one in cell}
            if len(widths) > 1:
                raise DataError(f"{path}: the steps in {name!r} differ in their channels ({few(sorted(widths))}).")
            columns |= {f"{name}_{at}": [one[at] for one in cell] for at in range(widths.pop())}
        else:
            columns[name] = cell
    if len({len(one) for one in columns.values()}) > 1:
        told = few(f"{name} {len(one)}" for name, one in columns.items())
        raise DataError(f"{path}: its lists differ in length ({told}); channels have the same steps.")
    single = {str(name): table[name].iloc[0] for name in table.columns if name not in lists}
    return pd.DataFrame({**columns, **single})


def gather_json(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of all records.

    Raises:
        DataError: all faults together, with the numbers of records.
    """
    try:
        found = _gathered(path, spec, labelled)
        return replace(found, notes=(*_frame(path)[2], *found.notes))
    except DataError as error:
        if "(`label_column`) is missing" not in str(error):
            raise
        raise DataError(
            f"{error} Its keys are {few(_frame(path)[0].columns)}; write labels beside the series, such as "
            '{"data": [...], "labels": [...]}, or {"label": "walk", "values": [0.1, 0.2]} for each, also where '
            "each key is a class."
        ) from error


def _gathered(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    table, lists, _ = _frame(path)
    lists = [name for name in lists if name not in spec.ignore_columns]
    if lists:
        return _of_lists(path, table, lists, spec, labelled)
    from hw3models.data.readers.wide_tables import Head, Rows, are_steps, gather_cells

    names = [str(name) for name in table.columns]
    if spec.layout == "wide" or (spec.layout == "auto" and are_steps(names)):
        from hw3models.data.readers.wide_parquet import as_texts

        head = Head(TextForm(), names, [], known=True)
        rows = Rows(_numbers(len(table)), "record")
        found = gather_cells(path, as_texts(table), rows, head, spec, labelled, None)
        return replace(found, form=found.form.replace(f", separated by {head.form.separated_by}", ""))
    return _of_rows(path, table, spec, labelled)


def _numbers(num: int) -> Any:
    import numpy as np

    return np.arange(1, num + 1)


def _of_lists(path: Path, table: "pd.DataFrame", lists: list[str], spec: DataSpec, labelled: bool) -> Gathered:
    from hw3models.data.readers.wide_parquet import gather_lists

    time = next((name for name in lists if name.lower() in _TIMES and len(lists) > 1), None)
    channels = [name for name in lists if name.rpartition(".")[2].lower() not in _TIMES]
    wanted = [name for name in spec.feature_columns or channels or lists if name != time]
    raise_faults(
        str(path),
        [f"key {name!r} holds no lists; there are {', '.join(lists[:8])}" for name in wanted if name not in lists],
    )
    others = [str(name) for name in table.columns if name not in lists]
    found = gather_lists(path, lambda: table, wanted, others, spec, labelled)
    times = None if time is None else _times(path, table[time].tolist(), found)
    return replace(
        found,
        form=f"{found.form.replace('one row a series (`--layout wide`)', 'a record for each series')}",
        times=times,
    )


def _times(path: Path, cells: list[Any], found: Gathered) -> list[Floats] | None:
    """The times of each series; None where they are no numbers that grow."""
    import numpy as np

    times = list[Floats]()
    for number, (cell, one) in enumerate(zip(cells, found.series, strict=True), 1):
        if not isinstance(cell, list) or len(cell) != len(one):
            raise DataError(f"{path}: record {number} has {len(cell or ()):,} times, but {len(one):,} steps.")
        try:
            own = np.array(cell, dtype=np.float64)
        except (TypeError, ValueError):
            return None
        if not (np.diff(own) > 0).all():
            return None
        times.append(own)
    return times


def _of_rows(path: Path, table: "pd.DataFrame", spec: DataSpec, labelled: bool) -> Gathered:
    """A record for each time step."""
    from hw3models.data.readers.recordings import gather_frame
    from hw3models.data.readers.tables import column_faults

    known = guessed(spec, [str(name) for name in table.columns], first_cells(table))
    if spec.window is None:
        raise_faults(str(path), column_faults(table, known, labelled=labelled))
    found = gather_frame(table, known, labelled, path, lambda row: f"record {row + 1}", form="records")
    said = told(spec, known)
    own = {name: getattr(known, name) for name in ("sample_column", "time_column", "label_column")}
    changed = {name: value for name, value in own.items() if value != getattr(spec, name)}
    return replace(found, notes=(*([said] if said else []), *found.notes), found_out={**found.found_out, **changed})


def _is_labelled(path: Path, spec: DataSpec) -> bool:
    return has_labels(lambda labelled: gather_json(path, spec, labelled))


def _unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    yield from examples(_once(here(spec.source, "JSON"), for_model(spec, wanted), False), spec, wanted)


def _once(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series, and nothing else of the file is kept in memory."""
    found = gather_json(path, spec, labelled)
    _frame_of.cache_clear()
    return found


def _names(path: Path) -> list[str] | None:
    try:
        return [str(name) for name in record_frame(path)[0].columns]
    except DataError:
        return None


JSON = replace(
    series_source(
        "json",
        SUFFIXES,
        "records with lists of numbers, or one for each time step; a list of them, or one a line",
        gather=_once,
        is_labelled=_is_labelled,
        takes=(*WINDOWS, *COLUMNS, "layout", "axes"),
    ),
    names=_names,
    unlabelled=_unlabelled,
)
