"""Tables with a row for each picture, whose cells are pixels: MNIST and its like as CSV, FER2013, Parquet.

Which columns are pixels is found by `pixel_columns`. Pictures are squares, or of the shape that names of columns
(`1x1 ... 20x30`), `--image-size` or the model say.

N pictures, H x W pixels
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import raise_faults
from hw3models.data.pictures.listing import PART_OF, Part
from hw3models.data.raw import MAX_BYTES, Raw, class_codes, group_codes
from hw3models.data.readers.forms import name_of, name_of_set, pair_note, parts_of
from hw3models.data.readers.guessed_columns import likely
from hw3models.data.readers.json_files import SUFFIXES as JSON
from hw3models.data.readers.json_files import record_frame
from hw3models.data.readers.missing import MISSING_NUMBERS
from hw3models.data.readers.pixel_columns import (
    PixelColumns,
    Shape,
    is_json,
    may_be_pixels,
    pixel_columns,
    shape_of,
)
from hw3models.data.readers.text_files import quoted
from hw3models.data.readers.wide_tables import FEWEST_PIXELS
from hw3models.data.source import GROUP_COLUMN, Block, Source, Wanted, files_of, found, path_of
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec, SourceReport

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".parquet", *JSON)
_CELLS_AT_ONCE = 4_000_000
_SPLITS = ("split", "usage", "part", "subset", "set", "fold")
_OF_PICTURES = ("y", "emotion", "digit", "letter")
"""Names of labels beside those that all tables may have."""
_NO_LABEL = ("id", "index", "image_id", "img_name", "imageid", "row", "row_id", "filename", "file", "path", "")


class _Table(NamedTuple):
    """One file: its pixels, and what else stands in its rows."""

    path: Path
    columns: PixelColumns
    pixels: NDArray[Any]
    """(N, pixels), uint8 where they can be."""
    shape: Shape
    rest: "pd.DataFrame"
    """The other columns, as texts."""
    label: str | None
    """The column of the label."""


def _is_table(source: str) -> bool:
    path = path_of(source)
    return name_of(path).suffix in SUFFIXES and path.is_file()


def _matches(source: str) -> bool:
    """Are its columns pixels by their names?"""
    if not _is_table(source) or is_json(path_of(source)):  # lists in JSON are series, unless pictures are asked for
        return False
    try:
        return pixel_columns(path_of(source)).is_named
    except DataError:
        return False


def _roles(columns: PixelColumns, spec: DataSpec, faults: list[str], *, labelled: bool) -> tuple[str | None, list[str]]:
    """The column of the label, where there is one, and those of the pixels, in their order."""
    if not columns.has_header:
        return _by_place(columns, spec, labelled=labelled)
    pixels = [columns.in_one] if columns.in_one else list(columns.pixels)
    special = [spec.group_column, *(name for name in columns.names if name.strip().lower() in _SPLITS)]
    others = [name for name in columns.names if name not in pixels and name not in special]
    label = _label(others, spec, faults if labelled else [], are_all=columns.is_named)
    if not pixels:
        pixels = [name for name in others if name != label and name.strip().lower() not in _NO_LABEL]
    return label, pixels


def _label(others: list[str], spec: DataSpec, faults: list[str], *, are_all: bool) -> str | None:
    """The label by its name; or, where the pixels are known (`are_all`), the only one of the others."""
    asked = spec.label_column
    if asked in others:
        return asked
    if asked in ("first", "last") and others:
        return others[0 if asked == "first" else -1]
    listed = ", ".join(map(repr, others[:12])) or "no column"
    if asked != "label":
        faults.append(f"column {asked!r} (`label_column`) is missing; beside pixels there is {listed}")
        return None
    usual = likely("label_column", others)
    known = [name for name in others if name in usual or name.strip().lower() in _OF_PICTURES]
    able = known or [name for name in others if are_all and name.strip().lower().split(": ")[0] not in _NO_LABEL]
    able = [name for name in able if not name.lower().startswith("unnamed:")]
    if len(able) == 1:
        return able[0]
    options = " or ".join(f"`--label-column {name}`" for name in able[:6])
    faults.append(
        f"which column is the label? Say {options}"
        if able
        else f"there is no column of labels, but {listed} beside the pixels (`hw3 predict` asks a model about it)"
    )
    return None


def _by_place(columns: PixelColumns, spec: DataSpec, *, labelled: bool) -> tuple[str | None, list[str]]:
    """Without a header the label is the first cell, or the last, where the first cannot be one."""
    names, head = list(columns.names), columns.head
    fits = [shape_of(len(names) - one, spec.image_size) is not None for one in (0, 1)]
    if not labelled and (fits[0] or not fits[1]):
        return None, names
    place = {"first": 0, "last": -1}.get(spec.label_column)
    if place is None:
        rows = [head.first, *head.rows] if head is not None else []
        firsts = {row[0] for row in rows}
        place = 0 if len(firsts) > 1 or len({row[-1] for row in rows}) == 1 else -1
    label = names[place]
    return label, [name for name in names if name != label]


def _load(path: Path, spec: DataSpec, *, labelled: bool, shape: tuple[int, ...] | None = None) -> _Table:
    """One file; `shape` is what the model takes, where one is asked.

    Raises:
        DataError: all faults together.
    """
    if shape is not None:
        spec = spec.model_copy(update={"image_size": "x".join(map(str, shape[:2]))})
    columns, faults = pixel_columns(path), list[str]()
    if spec.group_column is not None and spec.group_column not in columns.names and labelled:
        faults.append(f"column {spec.group_column!r} (`group_column`) is missing")
    label, pixels = _roles(columns, spec, faults, labelled=labelled)
    raise_faults(str(path), faults)
    values, rest = _values(path, columns, pixels)
    size = columns.shape or shape_of(values.shape[1], spec.image_size)
    if size is None:
        raise DataError(f"{path}: {_no_shape(path, values.shape[1], spec)}")
    return _Table(path, columns._replace(pixels=tuple(pixels)), values, size, rest, label)


def _no_shape(path: Path, num: int, spec: DataSpec) -> str:
    if spec.image_size is not None:
        return f"each row has {num:,} pixels, but `image_size` {spec.image_size} says another shape. Height x width."
    return (
        f"each row has {num:,} numbers beside the label, which is the square of no side, nor three such squares. Say "
        f"the shape (`--image-size HEIGHTxWIDTH`); if the rows are series: `hw3 sequences {quoted(path)}`."
    )


def _values(path: Path, columns: PixelColumns, pixels: list[str]) -> tuple[NDArray[Any], "pd.DataFrame"]:
    """Pixels (N, pixels), and the other columns as texts."""
    import pandas as pd

    if len(pixels) < FEWEST_PIXELS and not columns.in_one:
        raise DataError(f"{path}: there are no columns of pixels; there are {few(columns.names)}.")
    others = [name for name in columns.names if name not in set(pixels)]
    parts, rests, first, size = list[NDArray[Any]](), list["pd.DataFrame"](), 1, 0
    for chunk in _chunks(path, columns, others):
        values = _in_one(path, chunk, pixels[0], first) if columns.in_one else _side_by_side(path, chunk, pixels, first)
        if parts and values.shape[1] != parts[0].shape[1]:
            raise DataError(f"{path}: row {first} has {values.shape[1]:,} pixels, others have {parts[0].shape[1]:,}.")
        parts.append(_smallest(values))
        rests.append(chunk[others].astype("str"))
        first, size = first + len(chunk), size + parts[-1].nbytes
        if size > MAX_BYTES:
            raise DataError(f"{path}: its pixels need more than {MAX_BYTES / 2**30:.0f} GiB. Write them as an `.npy`.")
    if not parts or first == 1:
        raise DataError(f"{path}: the table has no rows. Write one for each picture.")
    return np.concatenate(parts), pd.concat(rests, ignore_index=True)


def _chunks(path: Path, columns: PixelColumns, others: list[str]) -> "Iterator[pd.DataFrame]":
    """Rows, some at a time; other columns than pixels are texts."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from hw3models.data.readers.text_files import rows_of

    num = max(1, _CELLS_AT_ONCE // max(1000, len(columns.names)))
    try:
        if is_json(path):
            frame, _ = record_frame(path)
            yield frame.assign(**{name: frame[name].map(_text) for name in others})
            return
        if columns.head is None:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(num, columns=list(columns.names)):
                    chunk = batch.to_pandas()
                    yield chunk.assign(**{name: chunk[name].map(_text) for name in others})
            return
        texts = dict.fromkeys([*others, *([columns.in_one] if columns.in_one else [])], "str")
        form = columns.head.form
        options: dict[str, Any] = {**form.pandas(), "dtype": texts, "skipinitialspace": True, "chunksize": num}
        options |= {"names": list(columns.names), "header": 0 if columns.has_header else None, "index_col": False}
        options |= {
            "keep_default_na": False,
            "na_values": {name: MISSING_NUMBERS for name in columns.names if name not in texts},
        }
        with rows_of(path, form) as file, pd.read_csv(file, **options) as reader:
            yield from reader
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).strip().rstrip('.')}).") from error


def _text(cell: Any) -> str:
    if cell is None or cell != cell:  # NaN is not itself
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _side_by_side(path: Path, chunk: "pd.DataFrame", pixels: list[str], first: int) -> NDArray[Any]:
    import pandas as pd

    wrong = [name for name in pixels if chunk[name].dtype.kind not in "biuf"]
    for name in wrong:
        numbers = pd.to_numeric(chunk[name], errors="coerce")
        if (bad := numbers.isna().to_numpy()).any():
            row = int(bad.argmax())
            cell = str(chunk[name].iloc[row])[:40]
            raise DataError(f"{path}: column {name!r} is no number in row {first + row} below the header: {cell!r}.")
        chunk = chunk.assign(**{name: numbers})
    values = chunk[pixels].to_numpy()
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        row, at = np.argwhere(~finite)[0]
        raise DataError(
            f"{path}: {int((~finite).sum()):,} pixels are missing, the first in row {first + row} below the header, "
            f"column {pixels[at]!r}. Every picture needs all of them."
        )
    return np.asarray(values)


def _in_one(path: Path, chunk: "pd.DataFrame", column: str, first: int) -> NDArray[Any]:
    """(n, pixels) of cells that hold all pixels of a picture."""
    rows = list[NDArray[Any]]()
    for number, cell in enumerate(chunk[column], first):
        try:
            if isinstance(cell, str):
                words = cell.strip().strip("[]()").replace(",", " ").split()
                rows.append(np.array(words, dtype=np.float32))
            else:
                rows.append(_flat(cell))
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{path}: {column!r} holds no pixels in row {number} below the header ({error})."
            ) from error
        if len(rows[-1]) != len(rows[0]) or not np.isfinite(rows[-1]).all():
            raise DataError(
                f"{path}: {column!r} has {len(rows[-1]):,} pixels in row {number} below the header, and "
                f"{len(rows[0]):,} before; all pictures need as many."
            )
    return np.stack(rows)


def _flat(cell: Any) -> NDArray[Any]:
    """The numbers of lists within lists, as Parquet gives rows of pixels with three colours."""
    values = np.asarray(cell)
    if values.dtype.kind != "O":
        return values.astype(np.float32).ravel()
    return np.concatenate([_flat(one) for one in values])


def _smallest(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in as few bytes as hold them."""
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    is_whole = values.dtype.kind in "biu" or bool((values == np.floor(values)).all())
    for kind in (np.uint8, np.uint16) if is_whole and low >= 0 else ():
        if high <= np.iinfo(kind).max:
            return np.asarray(values, dtype=kind)
    return np.asarray(values, dtype=np.float32)


def _pictures(tables: list[_Table], spec: DataSpec, faults: list[str]) -> tuple[NDArray[np.uint8], str]:
    """Pixels of all files, and the order of their colours (`NTC`: last, `NCT`: first; empty where they are grey)."""
    from hw3models.data.readers.image_arrays import bits_in, eight_bits

    height, width, colours = tables[0].shape
    values = np.concatenate([one.pixels for one in tables])
    axes = ""
    if colours == 3:
        axes = spec.axes or _order(values, height, width)
        by_colour = axes == "NCT"
        values = values.reshape(-1, *((3, height, width) if by_colour else (height, width, 3)))
        values = values.transpose(0, 2, 3, 1) if by_colour else values
    values = values.reshape(-1, height, width, *((3,) if colours == 3 else ()))
    pixels, fault = eight_bits(values, "the table", spec.pixel_bits or bits_in(tables[0].pixels))
    if fault:
        faults.append(fault)
    return pixels, axes


def _order(values: NDArray[Any], height: int, width: int) -> str:
    """Colours stand last where neighbours in a row are then more alike than they are with colours first."""
    some = np.asarray(values[:500], np.float32)
    last = np.abs(np.diff(some.reshape(-1, height, width, 3), axis=2)).mean()
    first = np.abs(np.diff(some.reshape(-1, 3, height, width), axis=3)).mean()
    return "NTC" if last <= first else "NCT"


def _split(table: _Table, faults: list[str]) -> list[Part] | None:
    """The part of each row, where a column says it."""
    for name in table.rest.columns:
        if table.columns.has_header and name.strip().lower() in _SPLITS and name != table.label:
            words = table.rest[name].str.strip().str.lower()
            unknown = sorted(set(words) - set(PART_OF))
            if not unknown:
                return [PART_OF[word] for word in words]
            if name.strip().lower() == "split":
                faults.append(f"column {name!r} must be train, validation or test, and is {unknown[0][:40]!r} as well")
    return None


def _files(spec: DataSpec) -> dict[str, Path]:
    """The files by their parts; those without labels beside one with labels are left for prediction."""
    path = path_of(spec.source)
    parts = parts_of(path, pair=spec.pair) or {"train": path}
    return {part: one for part, one in parts.items() if part == "train" or _has_label(one, spec)}


def _has_label(path: Path, spec: DataSpec) -> bool:
    try:
        columns = pixel_columns(path)
        if not columns.has_header:
            return shape_of(len(columns.names), spec.image_size) is None
        return _roles(columns, spec, [], labelled=True)[0] is not None
    except DataError:
        return True  # reading says what is wrong


def _read(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    parts, faults = _files(spec), list[str]()
    if set(parts.values()) != set(files_of(report)):
        parts = {"train": files_of(report)[0]}
    tables = [_load(path, spec, labelled=True) for path in parts.values()]
    if len(shapes := {one.shape for one in tables}) > 1:
        told = " and ".join(f"{one.path.name} {'x'.join(map(str, one.shape[:2]))}" for one in tables)
        faults.append(f"the parts have pictures of {len(shapes)} shapes ({told}); one is needed")
        raise_faults(str(tables[0].path), faults)
    pixels, axes = _pictures(tables, spec, faults)
    labels, groups, sides = _said(tables, parts, spec, faults)
    raise_faults(str(tables[0].path), faults)
    names, codes = class_codes(labels)
    group_names, group_of = ((), None) if groups is None else group_codes(groups)
    side = np.array(sides)
    is_test = side == ("test" if "test" in sides else "validation")
    is_validation = side == "validation" if {"test", "validation"} <= set(sides) else None
    left = [one.name for one in parts_of(path_of(spec.source), pair=spec.pair).values() if one not in parts.values()]
    notes = [f"{few(left)} has no labels and is not taken as a part: `hw3 predict` takes it."] if left else []
    return Raw(
        name=name_of_set(tables[0].path, parts if len(parts) > 1 else {}),
        kind="images",
        features=pixels,
        labels=codes,
        class_names=names,
        test=is_test if is_test.any() else None,
        validation=is_validation,
        notes=tuple(notes),
        understood=(
            _told(tables[0], len(pixels), axes),
            *_deep(tables[0], spec),
            *([f"{pair_note(parts)}."] if len(parts) > 1 else []),
        ),
        found_out=_found_out(tables[0], axes, spec),
        groups=group_of,
        group_names=group_names,
    )


def _said(
    tables: list[_Table], parts: dict[str, Path], spec: DataSpec, faults: list[str]
) -> tuple[list[str], list[str] | None, list[str]]:
    """Labels, groups and parts of all rows."""
    from hw3models.data.readers.wide_tables import Rows, labels_of, texts_of

    labels, groups, sides = list[str](), list[str](), list[str]()
    words: dict[str, Part] = {"train": "train", "validation": "validation", "test": "test"}
    for part, one in zip(parts, tables, strict=True):
        assert one.label is not None
        rows = Rows(np.arange(1, len(one.rest) + 1), "row")
        labels += labels_of(one.rest[one.label], rows, faults, spec.task)
        if spec.group_column is not None:
            groups += texts_of(one.rest[spec.group_column], rows, faults)
        own = _split(one, faults)
        if own is not None and len(tables) > 1:
            faults.append(f"{one.path.name} has a split of its own (`--no-pair` reads it alone)")
        sides += own or [words[part]] * len(one.rest)
    return labels, groups if spec.group_column is not None else None, sides


def _told(table: _Table, num: int, axes: str) -> str:
    height, width, _ = table.shape
    names = table.columns.pixels
    how = f"all pixels in {table.columns.in_one!r}" if table.columns.in_one else f"{len(names):,} columns of pixels"
    if table.columns.has_header and not table.columns.in_one:
        how += f", {names[0]!r} to {names[-1]!r}"
        at = [table.columns.names.index(name) for name in names]
        how += ", put in order by their names" * (at != sorted(at))
    colour = {"": "grey", "NTC": "in colour, a pixel's three side by side (`--axes NTC`)"}.get(
        axes, "in colour, one colour after the other (`--axes NCT`)"
    )
    where = f"labels in {table.label!r}" if table.columns.has_header else "no header, the label is the first cell"
    if not table.columns.has_header and table.label != table.columns.names[0]:
        where = "no header, the label is the last cell"
    return (
        f"{num:,} pictures of {height} x {width}, a row each (`--layout pixels`): {how}, {colour}; {where} "
        "(`--label-column`)."
    )


def _deep(table: _Table, spec: DataSpec) -> Iterator[str]:
    from hw3models.data.readers.image_arrays import bits_in, how_taken

    if bits := spec.pixel_bits or bits_in(table.pixels):
        yield how_taken(table.pixels, bits)


def _found_out(table: _Table, axes: str, spec: DataSpec) -> dict[str, Any]:
    from hw3models.data.readers.image_arrays import bits_in

    found_out: dict[str, Any] = {"layout": "pixels"}
    if bits := bits_in(table.pixels):
        found_out["pixel_bits"] = bits
    if axes and spec.axes is None:
        found_out["axes"] = axes
    label = table.label
    if label is not None and not table.columns.has_header:
        label = "first" if label == table.columns.names[0] else "last"
    return {**found_out, **({"label_column": label} if label not in (None, spec.label_column) else {})}


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    from hw3models.data.readers.unlabelled import array_blocks

    path = path_of(spec.source)
    if wanted.kind != "images":
        raise DataError(
            f"{path}: these are pictures, but the model takes series (`--layout wide` reads rows as series)."
        )
    faults = list[str]()
    table = _load(path, spec, labelled=False, shape=wanted.shape)
    pixels, _ = _pictures([table], spec, faults)
    raise_faults(str(path), faults)
    yield from array_blocks(path, (pixels[at : at + 1024] for at in range(0, len(pixels), 1024)), wanted)


def _is_labelled(spec: DataSpec) -> bool:
    path = path_of(spec.source)
    return not path.is_file() or _has_label(path, spec)


def _names_of(path: Path) -> tuple[str, ...] | None:
    try:
        columns = pixel_columns(path)
    except DataError:
        return None
    return columns.names if columns.has_header else ("first", "last")


def _digest_files(spec: DataSpec) -> tuple[Path, ...]:
    if not path_of(spec.source).is_file():
        raise DataError(f"{path_of(spec.source)} is no file. Give the path of a table.")
    return tuple(_files(spec).values())


TABLE = Source(
    name="pixel-table",
    forms=("PIXELS.csv", "PIXELS.parquet"),
    text="a table with the pixels of a picture in each row, and its label",
    kinds=("images",),
    matches=_matches,
    fetch=lambda spec, _: found(spec.source, "images", _digest_files(spec)),
    read=_read,
    is_path=True,
    unlabelled=_examples,
    is_labelled=_is_labelled,
    groups=GROUP_COLUMN,
    names=_names_of,
    takes=("layout", "axes", "image_size", "pixel_bits"),
    layout="pixels",
    may_be=lambda source, is_asked: _is_table(source) and (is_asked or may_be_pixels(path_of(source))),
)
