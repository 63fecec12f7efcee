"""Tables in wide form: one row a series, as the UCR archive and many exports have them.

| label | t0 | t1 | ... |    with a header or without, the label in the first or last column or under a name

Columns such as `x_0 ... x_99, y_0 ... y_99` are two channels. A row that ends with missing values is a shorter series.

N series, T time steps, C channels
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults, suggestion
from hw3models.data.raw import PREDICT_THEM
from hw3models.data.readers.gathered import PART_WORDS, PARTS, Floats, Gathered, Part
from hw3models.data.readers.guessed_columns import in_other_languages, likely
from hw3models.data.readers.missing import MISSING
from hw3models.data.readers.step_names import are_timed, is_counted, steps_of
from hw3models.data.readers.text_files import TextForm, cells, open_rows, quoted, text_form, text_rows, without_comments
from hw3models.data.readers.time_columns import time_parts
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, Task

if TYPE_CHECKING:
    import pandas as pd

"""What stands for a missing number, in small letters."""
_LABEL_NAMES = ("label", "class", "target", "y", "activity", "classlabel", "class_label", "category")
_MOST_ROWS = 5
_MAX_COLUMNS = 100_000
_CELLS_AT_ONCE = 2_000_000
_MIN_ROWS = 30
"""Rows from which on it says something that a column without a name counts."""
_MIN_STEPS = 3
"""A column whose name begins as those of fewer is none of the steps, where most are counted on by their names."""
_INDEX = re.compile(r"(unnamed: \d+|index|level_\d+|row_?(names?|id|num|number|nr)?|#)?", re.IGNORECASE)
PIXEL = re.compile(r"(pixels?|pix|px)[_ .\-]?(?P<number>\d+)|(?P<row>\d+)x(?P<column>\d+)", re.IGNORECASE)
"""The name of a column that holds one pixel of each picture."""
FEWEST_PIXELS = 16
"""Pixels of a picture: with fewer columns a table is something else."""


@dataclass(frozen=True)
class Head:
    """The first lines of a text file, as cells."""

    form: TextForm
    first: list[str]
    rows: list[list[str]]
    """The lines after the first, some of them."""
    known: bool | None = None
    """Is it known already whether the first line is a header?"""

    @property
    def has_header(self) -> bool:
        """Are the cells of the first line names? Numbers that count on, as pandas writes them, are names as well."""
        if self.known is not None:
            return self.known
        are_numbers = [is_number(cell) for cell in self.first]
        texts = [
            at for at, (cell, is_one) in enumerate(zip(self.first, are_numbers, strict=True)) if cell and not is_one
        ]
        numbers = list(compress(self.first, are_numbers))
        below = self.rows[0] if self.rows else []
        if len(numbers) > 3 and _counts_on(numbers) and not _counts_on([cell for cell in below if is_number(cell)]):
            return True
        if len(numbers) > 3 and _are_grid(numbers) and likely("label_column", [self.first[at] for at in texts]):
            return True
        if not self.rows:
            return len(texts) > 1
        # Texts above texts only: a row as the others are.
        return any(is_number(row[number]) for row in self.rows for number in texts if number < len(row))


class Rows(NamedTuple):
    """Where the rows of a table stand, for messages."""

    numbers: NDArray[np.int64]
    """(N,), from 1."""
    unit: str = "line"

    def place(self, row: int) -> str:
        """Where one stands, such as `line 3`."""
        return f"{self.unit} {self.numbers[row]}"


def read_head(path: Path, rows: int = 20) -> Head:
    """The first lines, without blank ones.

    Raises:
        DataError: the file is no text, or empty.
    """
    try:
        form = text_form(path)
        with open_rows(path, form) as file:
            for _ in range(form.before):
                file.readline()
            lines = []
            for line in file:
                if line.strip():
                    lines.append(line.rstrip("\r\n"))
                if len(lines) > rows:
                    break
    except (OSError, EOFError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error
    if not lines:
        raise DataError(f"{path}: the file is empty.")
    found = [[cell.strip() for cell in cells(line, form.separator)] for line in lines]
    first = found[0]
    if first[0].startswith("#"):
        first = [first[0].lstrip("# "), *first[1:]]
    return Head(form, first, found[1:])


def is_number(cell: str) -> bool:
    """A number, with a decimal comma or point, or what stands for a missing one."""
    text = cell.strip().strip('"')
    if text.lower() in MISSING:
        return bool(text)
    try:
        float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return False
    return "_" not in text


def _counts_on(numbers: list[str]) -> bool:
    return all(cell.isdecimal() for cell in numbers) and all(int(b) == int(a) + 1 for a, b in pairwise(numbers))


def _are_grid(cells: list[str]) -> bool:
    """Do numbers only rise, or only fall, by even steps, as wavelengths do?"""
    try:
        steps = np.diff([float(cell) for cell in cells])
    except ValueError:
        return False
    return bool(steps[0] != 0 and np.allclose(steps, steps[0]))


def looks_wide(head: Head, spec: DataSpec) -> bool:
    """One row a series? Without a header always; else where most columns are steps with numbers in their names."""
    if len(head.first) < 3:
        return False
    if not head.has_header:
        return True
    names = set(head.first)
    if (
        {*time_parts(spec)} & names
        or spec.time_column in names
        or (spec.label_column in names and {spec.sample_column, "dimension"} <= names)
    ):
        return False
    numbers = [name for name in head.first if is_number(name)]
    return are_steps(head.first) or (len(numbers) > 3 and 2 * len(numbers) >= len(names) and _are_grid(numbers))


def are_steps(names: list[str]) -> bool:
    """Are most names such as t0, t1, t2, ...: at least three that count on, after the same beginning, or times?"""
    found = steps_of(names)
    if found and are_timed(list(found)):
        return len(found) >= 0.5 * len(names)
    counted: dict[str, list[float]] = {}
    for channel, step in found.values():
        counted.setdefault(channel, []).append(step)
    runs = [own for own in counted.values() if len(own) > 2 and max(own) - min(own) + 1 == len(own) == len(set(own))]
    return bool(runs) and sum(map(len, runs)) >= 0.5 * len(names)


def gather_wide(path: Path, spec: DataSpec, labelled: bool, width: int | None = None) -> Gathered:
    """The series of a table with one row for each; without labels `width` numbers in each, where that is known.

    Raises:
        DataError: all faults together, with their lines.
    """
    head = read_head(path)
    table, lines = text_frame(path, head)
    if labelled and head.has_header:
        table = _with_labels(path, table, spec)
    return gather_cells(path, table, Rows(lines), head, spec, labelled, width)


def _with_labels(path: Path, table: "pd.DataFrame", spec: DataSpec) -> "pd.DataFrame":
    """The table with what a table of labels beside it says, by the column that names the series in both."""
    from hw3models.data.readers.label_tables import label_table

    names = list(table.columns)
    found = label_table(path, spec, names)
    if found is None:
        return table
    sample = found.key if found.key in names else _special(names, spec, [], has_header=True).get("sample")
    return table if sample is None else found.join(table, sample).fillna("")


def gather_cells(
    path: Path,
    table: "pd.DataFrame",
    rows: Rows,
    head: Head,
    spec: DataSpec,
    labelled: bool,
    width: int | None,
) -> Gathered:
    """The same of cells that were read: all are texts, each row from where `rows` says.

    Raises:
        DataError: all faults together, with their lines.
    """
    names = list(table.columns)
    faults: list[str] = []
    special = _special(names, spec, faults, has_header=head.has_header)
    label = _label_column(table, head, spec, faults) if labelled else None
    raise_faults(str(path), faults)
    own = {label, *special.values()} if labelled else {spec.label_column, *special.values()}
    steps, left = step_columns(table, head, spec, [name for name in names if name not in own], where=str(path))
    if not labelled:
        more = None if width is None else len(names) - len(special) - len(left) - width
        label = _known_label(table, head, spec, more)
        steps = [name for name in steps if name != label]
    steps, turned = by_number(steps) if head.has_header else (steps, ())
    if not steps:
        raise DataError(f"{path}: there are no columns of steps beside {few(map(repr, names))}.")
    values = numbers_of(table[steps], rows, faults)
    labels = labels_of(table[label], rows, faults, spec.task) if labelled and label is not None else None
    groups = texts_of(table[special["group"]], rows, faults) if "group" in special else None
    parts = parts_in(table[special["split"]], rows, faults) if labelled and "split" in special else None
    raise_faults(str(path), faults)
    channels, series = _channels(values, steps, head, is_chosen=bool(spec.feature_columns or spec.ignore_columns))
    ids = table[special["sample"]].tolist() if "sample" in special else [str(number) for number in range(len(table))]
    return Gathered(
        name=path.stem,
        where=str(path),
        form=_form(head, label, names, steps, channels),
        series=series,
        ids=ids,
        labels=labels,
        parts=parts,
        groups=groups,
        channels=channels,
        steps=tuple(steps) if head.has_header else (),
        notes=(*head.form.notes, *_told(left), *turned, *_as_pixels(path, steps)),
        found_out={"label_column": label} if head.has_header and label not in (None, spec.label_column) else {},
    )


def _as_pixels(path: Path, steps: list[str]) -> Iterator[str]:
    """What to do where the columns are pixels by their names: as steps of a series, rows of a picture are cut apart."""
    if all(map(PIXEL.fullmatch, steps)) and len(steps) >= FEWEST_PIXELS:
        from hw3models.data.readers.forms import parts_of

        path = parts_of(path).get("train", path)
        yield (
            f"The {len(steps):,} columns are called like pixels, and were taken for steps of a series. For pictures: "
            f"`hw3 images {quoted(path)}`."
        )


def step_columns(
    table: "pd.DataFrame", head: Head, spec: DataSpec, names: list[str], *, where: str
) -> tuple[list[str], dict[str, str]]:
    """Divide `names` into steps of the series, and those that are none, each with its reason.

    `--feature-columns` and `--ignore-columns` name columns, or channels (`x` of x_0, x_1, ...).

    Raises:
        DataError: a column that was named is not there, or none is left; the message begins with `where`.
    """
    found = steps_of(names)
    channel_of = {name: found[name][0] if name in found else name for name in names}
    if spec.feature_columns or spec.ignore_columns:
        from hw3models.data.readers.columns import chosen_names

        def spread(asked: tuple[str, ...]) -> tuple[str, ...]:
            ends = {one: [name for name in names if channel_of[name] == one] for one in asked if one not in names}
            return tuple(name for one in asked for name in ends.get(one) or [one])

        wanted, ignored = spread(spec.feature_columns), spread(spec.ignore_columns)
        chosen = set(chosen_names(names, wanted, ignored, (), where))
        names = [name for name in names if name in chosen]
    left: dict[str, str] = {}
    if not spec.feature_columns:
        apart = beside_steps(names) if head.has_header else {}
        for number, name in enumerate(names):
            is_first = number == 0 and len(table) >= _MIN_ROWS
            if _INDEX.fullmatch(name.strip()) and table[name].str.strip().str.isdecimal().all() and head.has_header:
                left[name] = "is an index by its name"
            elif name in apart:
                left[name] = apart[name]
            elif is_first and not head.has_header and _counts_rows(table[name]):
                left[name] = "numbers the rows"
    return [name for name in names if name not in left], left


def beside_steps(names: list[str]) -> dict[str, str]:
    """Where most are steps by their names: those that are none, each with its reason."""
    found = steps_of(names)
    channels = [found[name][0] if name in found else name for name in names]
    num = Counter(channels)
    apart = [name for name, channel in zip(names, channels, strict=True) if num[channel] < _MIN_STEPS]
    return dict.fromkeys(apart, "stands beside the steps and is none") if are_steps(names) else {}


def by_number(steps: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Columns such as t0, t1, ... in the order of their numbers, and a note where they stand in another one."""
    found = list(steps_of(steps).values())
    numbers = [number for _, number in found]
    if len(found) < len(steps) or len({channel for channel, _ in found}) > 1 or numbers == sorted(numbers):
        return steps, ()
    if len(set(numbers)) < len(numbers):
        return steps, ()
    order = np.argsort(numbers, kind="stable")
    note = f"Columns were put in the order of their numbers: the file begins with {', '.join(steps[:3])}."
    return [steps[at] for at in order], (note,)


def _told(left: dict[str, str]) -> tuple[str, ...]:
    if not left:
        return ()
    from hw3models.data.readers.columns import told

    return (told(left),)


def text_frame(path: Path, head: Head) -> "tuple[pd.DataFrame, NDArray[np.int64]]":
    """All cells as texts, without blank lines, and the line of each row.

    Raises:
        DataError: a row has another number of cells than the first one, or columns have no names of their own.
    """
    import pandas as pd

    from hw3models.data.readers.table_limits import twice_faults

    width = len(head.first)
    if width > _MAX_COLUMNS:
        raise DataError(f"{path}: a row has {width:,} cells; the limit is {_MAX_COLUMNS:,}.")
    names = head.first if head.has_header else [str(number) for number in range(width)]
    if head.has_header and (twice := sorted({name for name in names if names.count(name) > 1})):
        more = [fault for fault in twice_faults(path, head.form, names) if fault.startswith("line ")]
        told = more[0][0].upper() + more[0][1:] if more else "Name each once"
        raise DataError(f"{path}: column {', '.join(map(repr, twice[:5]))} is there more than once. {told}.")
    pieces, lines = list["pd.DataFrame"](), list[int]()
    try:
        with open_rows(path, head.form) as file:
            for chunk in _chunks(path, file, head, lines):
                pieces.append(pd.DataFrame(chunk, columns=names, dtype="str"))
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}).") from error
    table = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame([], columns=names, dtype="str")
    return table, np.array(lines, dtype=np.int64)


def _chunks(path: Path, file: IO[str], head: Head, lines: list[int]) -> Iterator[list[list[str]]]:
    """Rows, some at a time, as millions of texts would fill the memory; their lines are added to `lines`."""
    for _ in range(head.form.before):
        file.readline()
    is_first, rows = head.has_header, list[list[str]]()
    for line, row in text_rows(file, head.form):
        if not any(cell.strip() for cell in row):
            continue
        if is_first:
            is_first = False
            continue
        if len(row) != len(head.first) and row[0].lstrip().startswith("#"):
            raise DataError(f"{path}: line {line + head.form.before} is a comment ({without_comments(path)}).")
        if len(row) != len(head.first):
            raise DataError(
                f"{path}: line {line + head.form.before} has {len(row)} cells, but the first has {len(head.first)}: "
                "every row needs as many. Fill shorter series up with NaN at the end."
            )
        rows.append(row)
        lines.append(line + head.form.before)
        if len(rows) * len(row) > _CELLS_AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


def _special(names: list[str], spec: DataSpec, faults: list[str], *, has_header: bool) -> dict[str, str]:
    """The columns of ids, groups and splits, where there are some."""
    found = {}
    if spec.group_column is not None:
        if spec.group_column in names and has_header:
            found["group"] = spec.group_column
        else:
            there = f"the table has {few(names)}" if has_header else "the table has no header"
            faults.append(f"column {spec.group_column!r} (`group_column`) is missing; {there}")
    if has_header and spec.sample_column in names:
        found["sample"] = spec.sample_column
    elif has_header and spec.sample_column == "sample":
        own = [name for name in names if name.lower() in {"id", "sample", "series", "case", "name"}]
        if len(own) == 1:
            found["sample"] = own[0]
    if has_header and "split" in names:
        found["split"] = "split"
    return found


def _known_label(table: "pd.DataFrame", head: Head, spec: DataSpec, more: int | None) -> str | None:
    """The column of labels that are not wanted, where it can be told; None where the table has none.

    `more` are the columns that the table has beyond those of the series, where that is known.
    """
    named = spec.label_column if head.has_header and spec.label_column in table.columns else None
    if more == 0 and named is None:
        return None
    found = _label_column(table, head, spec, [])
    return str(table.columns[0]) if found is None and more == 1 else found


def _label_column(table: "pd.DataFrame", head: Head, spec: DataSpec, faults: list[str]) -> str | None:
    """The column of labels, by its name, by its place, or found out: few whole numbers or texts, best the first."""
    names = list(table.columns)
    if head.has_header and spec.label_column in names:
        return spec.label_column
    if spec.label_column in ("first", "last"):
        return names[0] if spec.label_column == "first" else names[-1]
    if spec.label_column != "label":
        there = f"the table has {few(names)}" if head.has_header else "the table has no header"
        near = suggestion(spec.label_column, names) if head.has_header else ""
        faults.append(
            f"column {spec.label_column!r} (`label_column`) is missing; {there}.{near} Or say "
            "`--label-column first` or `last`"
        )
        return None
    if head.has_header:
        known = [name for name in names if name.lower() in _LABEL_NAMES] or in_other_languages("label_column", names)
        if len(known) == 1:
            return known[0]
    for name in (names[0], names[-1]):
        if _may_be_label(table[name]) and not (head.has_header and is_counted(name)):
            return name
    faults.append(
        "no column of labels was found: neither the first nor the last has texts, or whole numbers of which each "
        "stands in several rows. Name it (`--label-column NAME`, `first` or `last`); if each column is a series, say "
        "`--layout columns`"
    )
    return None


def _may_be_label(column: "pd.Series[Any]") -> bool:
    values = column.str.strip()
    distinct = values.nunique()
    if distinct < 2 or distinct > max(2, len(values) // 2) or distinct == len(values):
        return False
    texts = values.drop_duplicates()
    if not texts.map(is_number).all():
        return True
    return bool(texts.map(_is_whole).all())


def _is_whole(text: str) -> bool:
    return text.lower() not in MISSING and float(text.replace(",", ".")).is_integer()


def _counts_rows(column: "pd.Series[Any]") -> bool:
    return bool(column.str.isdecimal().all()) and _counts_on(column.tolist())


def numbers_of(table: "pd.DataFrame", rows: Rows, faults: list[str]) -> Floats:
    """(N, columns), NaN where a number is missing."""
    import pandas as pd

    values = np.empty(table.shape)
    for number, name in enumerate(table.columns):
        column = table[name]
        values[:, number] = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        unread = np.flatnonzero(np.isnan(values[:, number]))
        cells_of, wrong = column.tolist() if len(unread) else [], []
        for row in unread.tolist():
            values[row, number], ok = parse_number(cells_of[row])
            if not ok:
                wrong.append(row)
        if wrong:
            more = f" and in {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
            faults.append(
                f"column {str(name)!r} is no number in {rows.place(wrong[0])}{more}: {column.iloc[wrong[0]][:40]!r}"
            )
        if len(faults) > 8:
            break
    return values


def parse_number(cell: str) -> tuple[float, bool]:
    """The number, and whether it is one; a missing one is NaN."""
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan"), True
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text), "_" not in text
    except ValueError:
        return float("nan"), False


def labels_of(column: "pd.Series[Any]", rows: Rows, faults: list[str], task: Task) -> list[str]:
    """To the letter; whole numbers that are written with a point or an exponent are whole numbers."""
    texts = texts_of(column, rows, faults)
    numbers = [text for text in set(texts) if is_number(text) and text.lower() not in MISSING]
    if len(numbers) < len(set(texts)) or not any(mark in text for text in numbers for mark in ".,eE"):
        return texts
    values = {text: parse_number(text)[0] for text in numbers}
    if task == "regression":
        return [repr(values[text]) for text in texts]
    broken = [text for text, value in values.items() if not value.is_integer()]
    if broken:
        faults.append(
            f"label {broken[0]} (column {column.name!r}) is no whole number; classes are needed, not measurements, "
            f"{PREDICT_THEM}. If labels are in another column, name it: `--label-column NAME`, `first` or `last`"
        )
        return texts
    return [str(int(values[text])) for text in texts]


def texts_of(column: "pd.Series[Any]", rows: Rows, faults: list[str]) -> list[str]:
    """Cells to the letter; an empty one is a fault."""
    texts: list[str] = column.str.strip().tolist()
    empty = [int(line) for line, text in zip(rows.numbers, texts, strict=True) if not text]
    if empty:
        more = f" and {len(empty) - _MOST_ROWS:,} more" if len(empty) > _MOST_ROWS else ""
        faults.append(f"column {column.name!r} is empty in {rows.unit} {', '.join(map(str, empty[:_MOST_ROWS]))}{more}")
    return texts


def parts_in(column: "pd.Series[Any]", rows: Rows, faults: list[str]) -> list[Part]:
    """The part of a split that each cell names."""
    words = column.str.strip().str.lower().tolist()
    unknown = [row for row, word in enumerate(words) if word not in PART_WORDS]
    if unknown:
        faults.append(
            f"column 'split' must be {', '.join(PARTS)}; in {rows.place(unknown[0])} it is {words[unknown[0]][:40]!r}"
        )
        return []
    return [PART_WORDS[word] for word in words]


def _channels(values: Floats, steps: list[str], head: Head, *, is_chosen: bool) -> tuple[tuple[str, ...], list[Floats]]:
    """Names of the channels, and the series (T, C): columns `x_0 ... x_9, y_0 ... y_9` are two channels."""
    columns: dict[str, list[int]] = {}
    if head.has_header:
        found = steps_of(steps)
        for number, name in enumerate(steps):
            columns.setdefault(found[name][0] if name in found else "\0", []).append(number)
    sizes = {len(own) for own in columns.values()}
    if (len(columns) > 1 or is_chosen) and len(sizes) == 1 and sizes.pop() > 1 and "\0" not in columns:
        order = {name: sorted(own, key=lambda n: found[steps[n]][1]) for name, own in columns.items()}
        stacked = np.stack([values[:, own] for own in order.values()], axis=-1)
        return tuple(name or "value" for name in order), list(stacked)
    return (), list(values[:, :, None])


def _form(head: Head, label: str | None, names: list[str], steps: list[str], channels: tuple[str, ...]) -> str:
    header = "with a header" if head.has_header else "without a header"
    place = "first" if label == names[0] else "last" if label == names[-1] else "own"
    said = "no labels" if label is None else f"the label in the {place} column"
    if label is not None and head.has_header:
        said = f"labels in {label!r}"
    many = f", {len(channels)} channels side by side" if len(channels) > 1 else ""
    return (
        f"one row a series (`--layout wide`), {header}, separated by {head.form.separated_by}, {said}, "
        f"{len(steps):,} numbers a row{many}"
    )
