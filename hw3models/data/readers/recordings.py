"""Tables with a row for each time step, read as recordings: to be cut into windows, brought to a grid, or put together.

The checks are those of all tables in long form (`tables.parse`); label and time of each row travel through it as
columns.

N recordings, T rows, C channels
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.raw import label_texts
from hw3models.data.readers.columns import chosen_names, left_out_of, told
from hw3models.data.readers.gathered import PART_WORDS, PARTS, Gathered, Part
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.intervals import with_intervals
from hw3models.data.readers.label_tables import joiner, label_table
from hw3models.data.readers.long_tables import SPLIT_COLUMN, chunks, row_names, sample_parts, with_joined
from hw3models.data.readers.missing import MISSING
from hw3models.data.readers.tables import Part as TablePart
from hw3models.data.readers.tables import parse
from hw3models.data.readers.time_columns import first_cells, found_parts, time_parts
from hw3models.data.readers.times import dates_note, dates_of
from hw3models.data.readers.wide_tables import read_head, text_frame
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, Task

_TIMES = ("time", "timestamp", "date", "datetime", "time_stamp", "t")
_LABELS = ("label", "class", "target", "activity", "class_label", "classlabel")
_CASES = ("case", "case_id", "sample", "series", "id", "series_id")
_DIMENSIONS = ("dimension", "dim", "dim_id", "dimension_id", "channel", "variable", "sensor")
_VALUES = ("value", "reading", "measurement")
_POINTS = (*_TIMES, "reading_id", "timepoint", "time_id", "step")
_LABEL, _SECONDS, _PART, _ALONE, _ROW, _NONE = (
    f"\ue000{name}" for name in ("label", "seconds", "part", "alone", "row", "-")
)
"""Columns of our own, named by a character that nobody uses (pandas cuts names at a NUL)."""


def looks_tidy(names: list[str]) -> bool:
    """Has it a column of dimensions and one of values?"""
    lower = {name.lower() for name in names}
    return len(names) <= 8 and bool(lower & set(_DIMENSIONS)) and bool(lower & set(_VALUES))


@dataclass
class _Columns:
    """What the columns of a table are."""

    names: list[str]
    faults: list[str] = field(default_factory=list)

    def find(self, spec: DataSpec, attribute: str, known: tuple[str, ...] = ()) -> str | None:
        """The column that was named; where nobody named one, one that is usually called so, if there is one."""
        wanted = getattr(spec, attribute)
        if wanted is None or wanted in self.names:
            return wanted  # type: ignore[no-any-return]  # a column of a spec is a text
        if wanted != DataSpec.model_fields[attribute].default:
            there = ", ".join(self.names[:20])
            near = suggestion(wanted, self.names)
            self.faults.append(f"column {wanted!r} (`{attribute}`) is missing; the table has {there}.{near}")
            return None
        return self.only(known)

    def only(self, known: tuple[str, ...]) -> str | None:
        """The one column that is called so."""
        own = [name for name in self.names if name.lower() in known]
        return own[0] if len(own) == 1 else None


def gather_rows(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """Recordings of a table with a row for each time step; without a column that names them it is one recording.

    Raises:
        DataError: all faults together, with their lines.
    """
    if path.suffix.lower() == ".parquet":
        table = pd.concat(list(chunks(path, spec, whole=True)))
        found = gather_frame(table, spec, labelled, path, row_names(path, table), form="a Parquet table")
        return _with_stretches(found, path, spec, labelled)
    head = read_head(path)
    texts, lines = text_frame(path, head)
    texts = joiner(path, spec)(with_joined(texts, spec)) if head.has_header else texts
    table = typed(texts)
    if not head.has_header and spec.label_column in ("first", "last"):
        spec = spec.model_copy(update={"label_column": str(texts.columns[0 if spec.label_column == "first" else -1])})
    form = f"a table {'with' if head.has_header else 'without'} a header"
    found = gather_frame(table, spec, labelled, path, lambda row: f"line {lines[row]}", form=form, texts=texts)
    return _with_stretches(replace(found, notes=(*head.form.notes, *found.notes)), path, spec, labelled)


def _with_stretches(found: Gathered, path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The same with the labels of a table of intervals beside it, where it has none itself."""
    if not labelled or found.row_labels is not None:
        return found
    beside = label_table(path, spec, [*found.channels, spec.sample_column])
    return found if beside is None or beside.intervals is None else with_intervals(found, beside.intervals)


def typed(texts: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as numbers, where all of a column are; what is missing is NaN."""
    columns = {}
    for name in texts.columns:
        cells = texts[name].str.strip()
        missing = cells.str.lower().isin(MISSING)
        known = cells.where(~missing)
        numbers = pd.to_numeric(known, errors="coerce")
        if (numbers.isna() & ~missing).any():
            numbers = pd.to_numeric(known.str.replace(",", "."), errors="coerce")
        columns[name] = cells.where(~missing) if (numbers.isna() & ~missing).any() else numbers.astype(np.float64)
    return pd.DataFrame(columns)


def gather_frame(
    table: pd.DataFrame,
    spec: DataSpec,
    labelled: bool,
    path: Path,
    row_name: Callable[[int], str],
    *,
    form: str,
    texts: pd.DataFrame | None = None,
) -> Gathered:
    """The same of a table that is in memory already; `texts` has the same columns as they are written."""
    table, texts, spec = _joined(table, texts, spec)
    parts = (*sample_parts(spec), *time_parts(spec))
    columns = _Columns([str(column) for column in table.columns])
    time = columns.find(spec, "time_column", _TIMES)
    label = columns.find(spec, "label_column", _LABELS)
    sample, group = columns.find(spec, "sample_column"), columns.find(spec, "group_column")
    raise_faults(str(path), columns.faults)
    time = time or _rising(table, spec, sample or group)
    own = {time, label, sample, group, SPLIT_COLUMN, *(part for part in parts if part not in spec.feature_columns)}
    named = tuple(name for name in own if name is not None)
    channels = chosen_names(columns.names, spec.feature_columns, spec.ignore_columns, named, str(path))
    if texts is not None:
        table = table.assign(**{name: texts[name].str.strip() for name in own & set(columns.names) if name is not None})
    left = _left_out(table, channels, sample or group, label) if labelled and not spec.feature_columns else {}
    left |= _other_times(table, channels) if time is not None and not spec.feature_columns else {}
    channels = [name for name in channels if name not in left]
    if not channels:
        raise DataError(f"{path}: no channel is left. {told(left) if left else 'All columns are ignored.'}")
    work = table.assign(**_travelling(table, time, label if labelled else None, path, row_name, spec.task))
    if sample is None:
        sample = group or _ALONE
        work[_ALONE] = path.stem
    if time is None:
        work[_ROW] = np.arange(len(work))
    inner = spec.model_copy(
        update={"sample_column": sample, "time_column": time or _ROW, "label_column": _NONE, "group_column": group}
    )
    if group == sample:
        inner = inner.model_copy(update={"group_column": None})
    travelling = [name for name in (_LABEL, _SECONDS, _PART) if name in work.columns]
    part = parse(work, inner, row_name, where=str(path), labelled=False, channels=(*channels, *travelling))
    said = _said(form, sample, time, label)
    found = _as_gathered(part, work, travelling, path, time=time, label=label, form=said, task=spec.task)
    how = None if time is None else dates_note(table[time])
    notes = (*([told(left)] if left else []), *([how] if how else []))
    return replace(found, notes=notes) if notes else found


def _joined(
    table: pd.DataFrame, texts: pd.DataFrame | None, spec: DataSpec
) -> tuple[pd.DataFrame, pd.DataFrame | None, DataSpec]:
    """The same with columns that say something together, of times also where nobody named them, as one."""
    written = table if texts is None else texts
    if spec.time_column == DataSpec.model_fields["time_column"].default:
        names = [str(name) for name in table.columns if name not in (*spec.feature_columns, *spec.ignore_columns)]
        found = found_parts(names, first_cells(written))
        spec = spec.model_copy(update={"time_column": found or spec.time_column})
    joined = with_joined(written, spec)
    new = {name: joined[name] for name in joined.columns if name not in table.columns}
    return (table.assign(**new), None if texts is None else joined, spec) if new else (table, texts, spec)


def _rising(table: pd.DataFrame, spec: DataSpec, sample: str | None) -> str | None:
    """The only column that is called like a time and grows from row to row in all recordings; nobody named one."""
    taken = {*spec.feature_columns, *spec.ignore_columns}
    if spec.time_column != DataSpec.model_fields["time_column"].default or not len(table):
        return None
    names = [str(name) for name in table.columns if name not in taken and table[name].dtype.kind in "iuf"]
    codes = np.zeros(len(table), np.int64) if sample is None else pd.factorize(table[sample])[0]
    order = np.argsort(codes, kind="stable")
    inside = np.diff(codes[order]) == 0
    steps = {name: np.diff(table[name].to_numpy(np.float64)[order])[inside] for name in likely("time_column", names)}
    rising = [name for name, own in steps.items() if len(own) and bool((own > 0).all())]
    return rising[0] if len(rising) == 1 else None


def _other_times(table: pd.DataFrame, names: list[str]) -> dict[str, str]:
    """Columns of texts that are called like times, where another one is the time."""
    texts = [name for name in names if table[name].dtype.kind not in "iufb"]
    return dict.fromkeys(likely("time_column", texts), "holds texts, and another column is the time")


def _left_out(table: pd.DataFrame, names: list[str], sample: str | None, label: str | None) -> dict[str, str]:
    """Columns that tell nothing of the steps, as in all tables in long form, each with its reason."""
    samples = np.zeros(len(table), np.int64)
    if sample is not None:
        samples, _ = pd.factorize(table[sample], use_na_sentinel=False)
    return left_out_of(table, names, samples, None if label is None else table[label])


def _travelling(
    table: pd.DataFrame,
    time: str | None,
    label: str | None,
    path: Path,
    row_name: Callable[[int], str],
    task: Task,
) -> dict[str, Any]:
    """Label, time and part of each row as numbers, so that they stay with it when series are sorted."""
    extra: dict[str, Any] = {}
    if label is not None:
        extra[_LABEL] = pd.factorize(_label_of_rows(table[label], task))[0].astype(np.float64)
    if time is not None:
        extra[_SECONDS] = _numbers_of_times(table[time])[0]
    if SPLIT_COLUMN in table.columns:
        words = table[SPLIT_COLUMN].astype("str").str.strip().str.lower()
        unknown = np.flatnonzero(~words.isin(list(PART_WORDS)).to_numpy())
        if len(unknown):
            word = str(words.iloc[int(unknown[0])])[:40]
            raise DataError(
                f"{path}: column 'split' must be {', '.join(PARTS)}; at {row_name(int(unknown[0]))} it is {word!r}."
            )
        extra[_PART] = words.map(lambda word: float(PARTS.index(PART_WORDS[word]))).to_numpy()
    return extra


def _label_of_rows(cells: "pd.Series[Any]", task: Task) -> NDArray[Any]:
    values = cells.to_numpy()
    if values.dtype.kind in "iufb":
        distinct, codes = np.unique(values, return_inverse=True)
        return np.array(label_texts(distinct, task), dtype=object)[codes]
    return np.array(["" if cell is None or cell != cell else str(cell).strip() for cell in values], dtype=object)


def _numbers_of_times(cells: "pd.Series[Any]") -> tuple[NDArray[np.float64], bool]:
    """Times as numbers from 0, and whether they are seconds; zeros where they cannot be read, which `parse` says."""
    if not pd.api.types.is_datetime64_any_dtype(cells):
        numbers = pd.to_numeric(cells, errors="coerce")
        if not numbers.isna().all():
            exact = numbers - numbers.min()  # large ones that differ would be the same as floats
            return exact.to_numpy(dtype=np.float64, na_value=0.0), False
        cells = dates_of(cells)
    since = (cells - cells.min()).dt.total_seconds()
    return since.fillna(0.0).to_numpy(dtype=np.float64), True


def _begin_of(cells: "pd.Series[Any]") -> float:
    """What `_numbers_of_times` has taken away."""
    numbers = None if pd.api.types.is_datetime64_any_dtype(cells) else pd.to_numeric(cells, errors="coerce")
    if numbers is not None and not numbers.isna().all():
        return float(numbers.min())
    first = (cells if numbers is None else dates_of(cells)).min()
    return 0.0 if pd.isna(first) else pd.Timestamp(first).timestamp()


def _as_gathered(
    part: TablePart,
    work: pd.DataFrame,
    travelling: list[str],
    path: Path,
    *,
    time: str | None,
    label: str | None,
    form: str,
    task: Task,
) -> Gathered:
    num = len(part.channels) - len(travelling)
    own = {name: [one[:, num + place] for one in part.series] for place, name in enumerate(travelling)}
    row_labels = parts = None
    if _LABEL in own and label is not None:
        names = np.array(pd.factorize(_label_of_rows(work[label], task))[1], dtype=object)
        row_labels = [names[codes.astype(np.int64)] for codes in own[_LABEL]]
    if _PART in own:
        parts = _constant_parts(own[_PART], part.names, path)
    return Gathered(
        name=path.stem,
        where=str(path),
        form=form,
        series=[one[:, :num] for one in part.series],
        ids=part.names,
        row_labels=row_labels,
        parts=parts,
        groups=part.groups,
        times=own.get(_SECONDS),
        begin=0.0 if time is None else _begin_of(work[time]),
        in_seconds=time is not None and _numbers_of_times(work[time].iloc[:1000])[1],
        channels=part.channels[:num],
    )


def _constant_parts(codes: list[NDArray[np.float64]], names: list[str], path: Path) -> list[Part]:
    for name, one in zip(names, codes, strict=True):
        if (one != one[0]).any():
            raise DataError(f"{path}: column 'split' changes within {name!r}. Name recordings that are on one side.")
    return [PARTS[int(one[0])] for one in codes]


def _said(form: str, sample: str, time: str | None, label: str | None) -> str:
    said = [f"{form} with a row for each time step (`--layout long`)"]
    said.append("one recording" if sample == _ALONE else f"recordings in {sample!r}")
    said.append("rows in their order" if time is None else f"times in {time!r}")
    if label is not None:
        said.append(f"labels in {label!r}")
    return ", ".join(said)


def gather_tidy(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """A table with a row for each value: case, dimension, time, value, and a label that is the same within a case.

    Raises:
        DataError: a column is missing, or a case has two values for one dimension and time.
    """
    head = read_head(path)
    texts, lines = text_frame(path, head)
    columns = _Columns([str(name) for name in texts.columns])
    sample = columns.find(spec, "sample_column", _CASES)
    time = columns.find(spec, "time_column", _POINTS)
    label, group = columns.find(spec, "label_column", _LABELS), columns.find(spec, "group_column")
    dimension, value = columns.only(_DIMENSIONS), columns.only(_VALUES)
    named = {"case": sample, "dimension": dimension, "time": time, "value": value}
    if missing := [what for what, name in named.items() if name is None]:
        columns.faults.append(
            f"it has no column for {' and '.join(missing)}; a row for each value needs case, dimension, time and "
            f"value, and the table has {few(columns.names)}"
        )
    raise_faults(str(path), columns.faults)
    assert sample is not None
    assert value is not None
    texts = texts.apply(lambda column: column.str.strip())
    keys = [sample, time, dimension]
    if (twice := texts.duplicated(keys).to_numpy()).any():
        row = int(twice.argmax())
        raise DataError(f"{path}: line {lines[row]} has a second value for {' '.join(texts.loc[row, keys])}. Keep one.")
    numbers = typed(texts[[value]])[value]
    if numbers.dtype.kind != "f":
        unread = pd.to_numeric(numbers, errors="coerce").isna() & numbers.notna()
        row = int(unread.to_numpy().argmax())
        raise DataError(f"{path}: column {value!r} is no number in line {lines[row]}: {str(numbers.iloc[row])[:40]!r}.")
    constant = [name for name in (label if labelled else None, group, SPLIT_COLUMN) if name in columns.names]
    wide = texts.assign(**{value: numbers}).pivot(index=[sample, time, *constant], columns=dimension, values=value)
    table = wide.reset_index().rename_axis(columns=None)
    # Cases in the order in which they come in the file.
    order = {name: number for number, name in enumerate(texts[sample].drop_duplicates())}
    table = table.sort_values(sample, key=lambda cells: cells.map(order), kind="stable").reset_index(drop=True)
    inner = spec.model_copy(update={"sample_column": sample, "time_column": time, "label_column": label or "label"})
    found = gather_frame(table, inner, labelled, path, lambda row: f"case {table[sample].iloc[row]!r}", form="a table")
    form = f"a row for each value (`--layout tidy`): {sample}, {dimension}, {time}, {value}"
    return replace(found, form=form, notes=(*head.form.notes, *found.notes))
