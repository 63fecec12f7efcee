"""Text files with tables, `.csv`, `.tsv`, `.txt`, `.dat` and `.psv`: which form one has is found out here, and said.

| form | rows | read by |
|---|---|---|
| wide | a row for each series | `wide_tables` |
| tidy | a row for each value (case, dimension, time, value) | `recordings` |
| columns | a column for each series | `series_in_columns` |
| long with `--window` or `--resample` | a row for each time step | `recordings` |
| long | a row for each series and time step | `tables` |
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from hw3models.data.raw import Raw
from hw3models.data.readers import parquet_files
from hw3models.data.readers.csv_files import CSV
from hw3models.data.readers.forms import gathered_files, here, name_of, paired, parts_of, read_parts
from hw3models.data.readers.gathered import Gathered, examples, for_model, has_labels
from hw3models.data.readers.guessed_columns import Look, guessed, likely, with_guesses
from hw3models.data.readers.label_tables import label_table, without_row
from hw3models.data.readers.time_columns import LOOKED_AT, Cells
from hw3models.data.source import COLUMNS, WINDOWS, Block, Fetching, Wanted, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.runtime.file_digests import FileState, state_of
from hw3models.specs import DataSpec, SourceReport

SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".psv")


def layout_of(path: Path, spec: DataSpec) -> str:
    """`wide`, `tidy`, `rows` (recordings to be cut or resampled) or `long`."""
    from hw3models.data.readers.recordings import looks_tidy
    from hw3models.data.readers.series_in_columns import looks_turned
    from hw3models.data.readers.wide_tables import looks_wide, read_head

    if spec.layout == "auto":
        try:
            head = read_head(path)
        except DataError:
            return "long"  # whose reader says what is wrong
        if looks_tidy(head.first):
            return "tidy"
        if spec.window is None and looks_turned(path, spec):
            return "columns"
        # A recording has columns, and `--window` says that it is one.
        if spec.window is None and looks_wide(head, spec):
            return "wide"
    elif spec.layout == "channels":
        raise DataError(f"{path}: `--layout channels` is for a folder with a file for each channel, or a file X.")
    elif spec.layout != "long":
        return spec.layout
    return "long" if spec.window is None and spec.resample is None else "rows"


def gather_text(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of one text file, whichever form it has.

    Raises:
        DataError: all faults together, with their lines.
    """
    from hw3models.data.readers.recordings import gather_rows, gather_tidy
    from hw3models.data.readers.series_in_columns import gather_columns
    from hw3models.data.readers.wide_tables import gather_wide

    layout = layout_of(path, spec)
    if layout in ("wide", "columns"):
        return (gather_wide if layout == "wide" else gather_columns)(path, spec, labelled)
    return gather_tidy(path, spec, labelled) if layout == "tidy" else gather_rows(path, spec, labelled)


def _files(spec: DataSpec) -> tuple[Path, ...]:
    path = here(spec.source, "text")
    parts = parts_of(path, pair=spec.pair)
    tables = (parts["train"],) if _without_labels(parts, spec) else tuple(parts.values()) or (path,)
    return *tables, *_label_files(tables, spec, _look)


def labels_beside(path: Path) -> tuple[Path, ...]:
    """The tables of labels that lie beside a text table and go with it."""
    return _beside(path, DataSpec(), _look)


def _label_files(tables: tuple[Path, ...], spec: DataSpec, look: Look) -> tuple[Path, ...]:
    """The tables of labels that go with tables of series."""
    found = [beside for one in tables for beside in _beside(one, spec, look)]
    return tuple(dict.fromkeys(beside for beside in found if beside not in tables))


def _beside(path: Path, spec: DataSpec, look: Look) -> tuple[Path, ...]:
    try:
        names, first = look(path)
        known = guessed(spec, names, first)
        one = label_table(path, known, _with_names(path, known, names))
    except DataError:
        if spec.manifest is not None:
            raise
        return ()
    return one.paths if one is not None else ()


def _in_columns(path: Path, spec: DataSpec) -> bool:
    """Is each column of a text table a series?"""
    return name_of(path).suffix in SUFFIXES and layout_of(path, spec) == "columns"


def _with_names(path: Path, spec: DataSpec, names: Sequence[str]) -> list[str]:
    """The columns, with one for the names of series that are put together of several, or are the names of columns."""
    if _in_columns(path, spec):
        return ["sample"]
    return [*names, *([spec.sample_column] if "," in spec.sample_column else [])]


def _without_labels(parts: dict[str, Path], spec: DataSpec) -> list[Path]:
    """The files beside the one for training, where they have all of its columns but one, which may be the label."""
    from hw3models.data.readers.wide_tables import read_head

    try:
        heads = {part: read_head(path) for part, path in parts.items()}
    except DataError:
        return []  # whose reader says what is wrong
    if parts and _beside(parts["train"], spec, _look):  # Kaggle's: labels of the training series only
        left = [path for part, path in parts.items() if part != "train" and not _has_its_labels(path, spec)]
        return left if len(left) == len(parts) - 1 else []
    train, others = heads.pop("train", None), [set(head.first) for head in heads.values() if head.has_header]
    if train is None or len(others) < len(heads) or not train.has_header:
        return []
    missing = [set(train.first) - names for names in others if names < set(train.first)]
    are_labels = len(missing) == len(heads) and len(only := set().union(*missing)) == 1
    if are_labels and spec.label_column not in only:
        # What is called as labels are, and is there, is the label; then a channel is missing.
        known = [name for name in train.first if name == spec.label_column] or likely("label_column", train.first)
        are_labels = not known or bool(only & set(known))
    return [path for part, path in parts.items() if part != "train"] if are_labels else []


def _with_label_table(raw: Callable[[], Raw], path: Path, spec: DataSpec, look: Look) -> Raw:
    """What is read, with a sentence about the table of labels that was taken; or what is wrong with that one.

    Raises:
        DataError: as `raw` does, or the table of labels lacks series.
    """
    try:
        names = list(look(path)[0])
    except DataError:
        return raw()  # says what is wrong
    beside = label_table(path, spec, _with_names(path, spec, names))
    if beside is None:
        return raw()
    if beside.intervals is not None and spec.window is None:
        raise DataError(
            f"{path}: {beside.path.name} says the labels of stretches of time, and {path.name} those of rows nowhere. "
            "`--window 128 --stride 64` cuts recordings into windows of 128 rows; those across a border are left out."
        )
    sample = beside.key if beside.key in names else spec.sample_column
    wanted = spec.window is not None and beside.intervals is None
    if wanted and (fault := without_row(beside, _ids(path, sample, spec))):
        raise DataError(fault)  # windows without a label are left out otherwise
    try:
        found = raw()
    except DataError as error:
        if f"column {spec.label_column!r} is empty" not in str(error) or _in_columns(path, spec):
            raise
        raise DataError(without_row(beside, _ids(path, sample, spec)) or str(error)) from error
    return found if beside.intervals else replace(found, understood=(*found.understood, beside.said))


def _ids(path: Path, sample: str, spec: DataSpec) -> list[str]:
    """The names of all series."""
    from hw3models.data.readers.long_tables import chunks

    own = spec.model_copy(update={"sample_column": sample})
    return [str(one) for part in chunks(path, own) for one in part[sample].drop_duplicates()]


def _has_its_labels(path: Path, spec: DataSpec) -> bool:
    """Has the table labels, or one of labels beside it that knows one of its series?"""
    names, first = _look(path)
    known = guessed(spec, names, first)
    beside = label_table(path, known, names)
    if beside is None:
        return known.label_column in names
    ids = _ids(path, beside.key if beside.key in names else known.sample_column, known)
    return any(one.strip() in next(iter(beside.columns.values())) for one in ids)


def _read(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    return _with_label_table(lambda: _read_table(spec, report, cache), files_of(report)[0], spec, _look)


def _read_table(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    path = files_of(report)[0]
    left = _without_labels(parts_of(path_of(spec.source), pair=spec.pair), spec)
    spec = spec.model_copy(update={"pair": False, "source": str(path)}) if left else spec
    layout = layout_of(path, spec)
    if layout == "long":
        raw = _read_long(spec, report, cache)
    else:  # what is beside the file has its form
        own = spec.model_copy(update={"layout": _option(layout)})
        raw = gathered_files(path, own, gather_text, by_name=True)
    raw = _with_layout(raw, layout, spec)
    if not left:
        return raw
    names = ", ".join(one.name for one in left)
    note = f"{names} has no labels and is not taken as a part: `hw3 predict` takes it."
    return replace(raw, notes=(note, *raw.notes))


def _with_layout(raw: Raw, layout: str, spec: DataSpec) -> Raw:
    """The form that was found out, for the model to remember."""
    if spec.layout != "auto":
        return raw
    return replace(raw, found_out={**raw.found_out, "layout": _option(layout)})


def _option(layout: str) -> str:
    """What `--layout` calls it."""
    return {"rows": "long", "lists": "wide"}.get(layout, layout)


def _read_long(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    parts = parts_of(path_of(spec.source), pair=spec.pair)
    try:
        return read_parts(CSV, spec, parts or {"train": files_of(report)[0]}, cache)
    except DataError as error:
        if (hint := _hint(files_of(report)[0], spec, str(error))) is None:
            raise
        raise DataError(f"{error} {hint}") from error


def _hint(path: Path, spec: DataSpec, error: str) -> str | None:
    """What else the table may be, where it is none in long form."""
    from hw3models.data.readers.wide_tables import read_head

    try:
        head = read_head(path)
    except DataError:
        return None
    if f"column {spec.label_column!r} changes within a series" in error:
        return "`--window 128 --stride 64` cuts recordings whose label changes into windows of 128 rows."
    if spec.sample_column in head.first or len(head.first) < 3:
        return None
    return (
        "If it is a recording with a label in each row, `--window 128 --stride 64` cuts it into windows; if each row "
        "is a series, say `--layout wide`; if each column is one, `--layout columns`."
    )


def _unlabelled(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    if layout_of(path, spec) == "long" and CSV.unlabelled is not None:
        yield from CSV.unlabelled(spec, wanted)
    elif layout_of(path, spec) == "wide":
        from hw3models.data.readers.wide_tables import gather_wide

        width = None if wanted.unequal_lengths else math.prod(wanted.shape)
        yield from examples(gather_wide(path, spec, False, width), spec, wanted)
    else:
        yield from examples(gather_text(path, for_model(spec, wanted), False), spec, wanted)


def _is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    if not path.is_file():
        return True
    with suppress(DataError):
        if layout_of(path, spec) == "long":
            return CSV.is_labelled(spec) or bool(_beside(path, spec, _look))
    return has_labels(lambda labelled: gather_text(path, spec, labelled))


def _look(path: Path) -> tuple[list[str], Cells]:
    try:
        return _looked_at(path, state_of(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read as text ({error}).") from error


@lru_cache(maxsize=4)
def _looked_at(path: Path, _: FileState) -> tuple[list[str], Cells]:
    """Asked several times of a file, which may have a million columns."""
    from hw3models.data.readers.wide_tables import read_head

    head = read_head(path, LOOKED_AT)
    if not head.has_header:
        return [], lambda _: []

    def cells(name: str) -> list[str]:
        at = head.first.index(name)
        return [row[at] for row in head.rows if at < len(row)]

    return head.first, cells


_TEXT = replace(
    CSV,
    name="csv",
    forms=SUFFIXES,
    text="a table: a row for each series and time step, or for each series (`--layout`); or packed (.gz, .bz2, .xz)",
    matches=lambda source: name_of(Path(source)).suffix in SUFFIXES,
    fetch=lambda spec, _: found(spec.source, "sequences", _files(spec)),
    read=_read,
    unlabelled=_unlabelled,
    is_labelled=_is_labelled,
    takes=(*WINDOWS, *COLUMNS, "layout", "manifest"),
)
"""`CSV` reads the long form, and this one all others."""
TEXT = with_guesses(_TEXT, _look)


def _is_long(path: Path, spec: DataSpec) -> bool:
    """Neither cut nor with a row for each series."""
    from hw3models.data.readers.wide_parquet import layout_of as layout_of_parquet

    return spec.window is None and spec.resample is None and layout_of_parquet(path, spec) == "long"


def _gather_parquet(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    from hw3models.data.readers import wide_parquet
    from hw3models.data.readers.recordings import gather_rows

    if wide_parquet.layout_of(path, spec) != "long":
        return wide_parquet.gather(path, spec, labelled)
    return gather_rows(path, spec, labelled)


def _fetch_parquet(spec: DataSpec, how: Fetching) -> SourceReport:
    report = _PAIRED.fetch(spec, how)
    tables = files_of(report)
    beside = _label_files(tables, spec, _look_at_parquet)
    return found(spec.source, "sequences", (*tables, *beside)) if beside else report


def _read_parquet(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    path = files_of(report)[0]
    return _with_label_table(lambda: _read_parquet_table(spec, report, cache), path, spec, _look_at_parquet)


def _read_parquet_table(spec: DataSpec, report: SourceReport, cache: Path) -> Raw:
    from hw3models.data.readers.wide_parquet import layout_of as layout_of_parquet

    path = files_of(report)[0]
    layout = layout_of_parquet(path, spec)
    if _is_long(path, spec):
        raw = _PAIRED.read(spec, report, cache)
    else:
        own = spec.model_copy(update={"layout": _option(layout)})
        raw = gathered_files(path, own, _gather_parquet, by_name=True)
    return _with_layout(raw, layout, spec)


def _parquet_examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    from hw3models.data.readers import wide_parquet

    path = path_of(spec.source)
    if wide_parquet.layout_of(path, spec) != "long":
        width = None if wanted.unequal_lengths else math.prod(wanted.shape)
        yield from examples(wide_parquet.gather(path, spec, False, width), spec, wanted)
    elif not _is_long(path, spec):
        yield from examples(_gather_parquet(path, for_model(spec, wanted), False), spec, wanted)
    elif _PAIRED.unlabelled is not None:
        yield from _PAIRED.unlabelled(spec, wanted)


def _parquet_is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    if not path.is_file() or _is_long(path, spec):
        return _PAIRED.is_labelled(spec) or (path.is_file() and bool(_beside(path, spec, _look_at_parquet)))
    return has_labels(lambda labelled: _gather_parquet(path, spec, labelled))


def _look_at_parquet(path: Path) -> tuple[list[str], Cells]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            first = next(file.iter_batches(batch_size=LOOKED_AT), None)
            names = list(file.schema_arrow.names)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({error}).") from error

    def cells(name: str) -> list[str]:
        try:
            return [] if first is None else list(map(str, first.column(names.index(name)).to_pylist()))
        except UnicodeDecodeError:
            return []  # which is said where the column is read

    return names, cells


_PAIRED = paired(parquet_files.PARQUET)
_PARQUET = replace(
    _PAIRED,
    text="the same table, which may be larger than memory; or a row for each series, in columns or lists",
    fetch=_fetch_parquet,
    read=_read_parquet,
    unlabelled=_parquet_examples,
    is_labelled=_parquet_is_labelled,
    takes=(*WINDOWS, *COLUMNS, "layout", "axes", "manifest"),
)
PARQUET = with_guesses(_PARQUET, _look_at_parquet)
"""Parquet tables in long form may be larger than memory, and may be cut into windows."""
