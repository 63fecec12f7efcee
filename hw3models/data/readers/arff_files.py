"""Weka's `.arff`, as the UCR and UEA archives ship it: univariate, relational, or one file a dimension.

| @attribute | a row is |
|---|---|
| numbers and a class | a series of one channel |
| a relational one and a class | a series whose channels stand in one quoted cell, set apart by `\\n` |
| numbers and a class, with `--window` | a row of a recording, with its own label |

NAMEDimension1_TRAIN.arff, NAMEDimension2_TRAIN.arff, ... are the channels of one set.
"""

import csv
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import folded, raise_faults, suggestion
from hw3models.data.readers.forms import name_of, series_source
from hw3models.data.readers.gathered import Floats, Gathered
from hw3models.data.readers.text_files import number_of, open_text, text_form
from hw3models.data.readers.wide_tables import are_steps, beside_steps, is_number
from hw3models.data.source import COLUMNS, WINDOWS
from hw3models.errors import DataError
from hw3models.printable import few
from hw3models.specs import DataSpec
from hw3models.specs.data import FormOptions

_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"[^"]*"|\S+)\s+(.+)$""", re.IGNORECASE)
_DIMENSION = re.compile(r"^(?P<name>.+?)_?(?:dimension|channel|dim)_?(?P<number>\d+)(?P<rest>[_\-].*)?$", re.IGNORECASE)
_MAX_FAULTS = 100


@dataclass
class _Arff:
    """One file."""

    names: list[str] = field(default_factory=list)
    classes: dict[str, list[str]] = field(default_factory=dict)
    """Names of nominal attributes, with their values."""
    texts: list[str] = field(default_factory=list)
    """Names of attributes of text and dates."""
    relational: str | None = None
    steps: int = 0
    """Attributes inside the relational one."""
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def dimension_files(path: Path) -> tuple[Path, ...]:
    """The files of all dimensions of the set that `path` is one of; itself where it is of none."""
    named = name_of(path)
    match = _DIMENSION.match(named.stem)
    if match is None or not path.parent.is_dir():
        return (path,)
    found = {}
    for other in path.parent.iterdir():
        of_other = name_of(other)
        theirs = _DIMENSION.match(of_other.stem) if of_other.ending == named.ending else None
        if theirs is not None and (theirs["name"], theirs["rest"]) == (match["name"], match["rest"]):
            found[int(theirs["number"])] = other
    return tuple(found[number] for number in sorted(found))


def gather_arff(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    """The series of a file, with those of the other dimensions where it is one of several.

    Raises:
        DataError: all faults together, with their lines.
    """
    files = dimension_files(path)
    parts = [_one_file(file, spec, labelled) for file in files]
    first = parts[0]
    if len(files) == 1:
        alone = _DIMENSION.match(name_of(path).stem)
        note = f"No other dimension lies beside {path.name}: series have this one." if alone else None
        return first if note is None else _noted(first, note)
    faults = [
        f"{file.name} has {len(part):,} series of other labels or lengths than {files[0].name} with {len(first):,}"
        for file, part in zip(files, parts, strict=True)
        if part.labels != first.labels or list(map(len, part.series)) != list(map(len, first.series))
    ]
    raise_faults(str(path.parent), faults)
    series = [np.concatenate(ones, axis=1) for ones in zip(*(part.series for part in parts), strict=True)]
    named = ", ".join(file.name for file in files[1:4]) + (", ..." if len(files) > 4 else "")
    return replace(first, series=series, form=f"{first.form}; {named} beside it are the other dimensions")


def _noted(found: Gathered, note: str) -> Gathered:
    return replace(found, notes=(*found.notes, note))


def _one_file(path: Path, spec: DataSpec, labelled: bool) -> Gathered:
    arff = _parse(path)
    raise_faults(str(path), folded(arff.faults))
    label = _label_attribute(path, arff, spec) if labelled else _label_or_none(path, arff, spec)
    group = _group_attribute(path, arff, spec)
    place = {name: number for number, name in enumerate(arff.names)}
    taken, left = _taken(path, arff, spec, (label, group))
    labels = None if label is None or not labelled else _labels(arff, place[label], label)
    faults, said = arff.faults, ""
    if arff.relational is not None:
        cells = [row[place[arff.relational]] for row in arff.rows]
        series = [_dimensions(cell, line, faults) for cell, line in zip(cells, arff.lines, strict=True)]
        faults += _unlike(series, arff.lines)
        form = "relational `.arff`"
        sizes = {len(one) for one in series}
        if len(sizes) == 1 and arff.steps not in (0, *sizes):
            said = f"The header names {arff.steps:,} steps, but the series have {sizes.pop():,}."
    elif spec.window is None and spec.layout != "wide" and not are_steps(taken) and len(taken) > 1:
        raise DataError(
            f"{path}: its attributes ({', '.join(taken[:6])}, ...) look like channels, and its {len(arff.rows):,} rows "
            "like time steps of a recording. Give `--window 128 --stride 64` to cut it into windows, or `--layout "
            "wide` if each row is a series."
        )
    else:
        if spec.window is None and not spec.feature_columns:
            left |= beside_steps(taken)
            taken = [name for name in taken if name not in left]
        values = _matrix(arff, [place[name] for name in taken], faults)
        if spec.window is not None and labelled and not faults and not spec.feature_columns:
            left |= _left_out(values, taken, [row[place[group]] for row in arff.rows] if group else None, labels)
            values, taken = values[:, [name not in left for name in taken]], [n for n in taken if n not in left]
        series = [values] if spec.window is not None else list(values[:, :, None])
        form = "`.arff` with a row for each time step" if spec.window is not None else "`.arff`, one row a series"
    raise_faults(str(path), folded(faults))
    is_recording = spec.window is not None and arff.relational is None
    groups = None if group is None else [row[place[group]] for row in arff.rows]
    notes = (*_told(path, left, taken), *([said] if said else ()))
    if is_recording and groups is not None:
        return replace(_recordings(path, values, labels, groups, taken, form), notes=notes)
    return Gathered(
        name=name_of(path).stem,
        where=str(path),
        form=f"{form}, labels in {label!r}" if labels is not None else form,
        series=series,
        ids=[str(number) for number in range(len(series))],
        labels=None if is_recording else labels,
        row_labels=[np.array(labels, dtype=object)] if is_recording and labels is not None else None,
        groups=None if is_recording else groups,
        channels=tuple(taken) if is_recording else (),
        notes=notes,
    )


def _group_attribute(path: Path, arff: _Arff, spec: DataSpec) -> str | None:
    group = spec.group_column
    if group is not None and group not in arff.names:
        raise DataError(f"{path}: attribute {group!r} (`group_column`) is missing; there are {few(arff.names)}.")
    return group


def _taken(path: Path, arff: _Arff, spec: DataSpec, own: tuple[str | None, ...]) -> tuple[list[str], dict[str, str]]:
    """Attributes that are steps or channels; and those that are none, each with its reason.

    Raises:
        DataError: one that was named is not there, or none is left.
    """
    named = tuple(name for name in own if name is not None)
    left = dict.fromkeys(arff.texts, "holds text")
    left |= {name: "has classes" for name, values in arff.classes.items() if not all(map(is_number, values))}
    left = {
        name: why for name, why in left.items() if name not in (*named, *spec.feature_columns, *spec.ignore_columns)
    }
    taken = [name for name in arff.names if name not in (*named, *arff.texts)]
    if spec.feature_columns or spec.ignore_columns:
        from hw3models.data.readers.columns import chosen_names

        found = [name for name in arff.names if name not in named]
        taken = chosen_names(found, spec.feature_columns, spec.ignore_columns, named, str(path))
    return [name for name in taken if name not in left], left


def _left_out(values: Floats, names: list[str], groups: list[str] | None, labels: list[str] | None) -> dict[str, str]:
    """Columns of rows of recordings that are no channels, as in all tables in long form."""
    import pandas as pd

    from hw3models.data.readers.columns import left_out_of

    samples = pd.factorize(np.array(groups, dtype=object))[0] if groups else np.zeros(len(values), np.int64)
    table = pd.DataFrame(values, columns=names)
    return left_out_of(table, names, samples, None if labels is None else pd.Series(labels, dtype=object))


def _told(path: Path, left: dict[str, str], taken: list[str]) -> tuple[str, ...]:
    """What was left out, in one note.

    Raises:
        DataError: nothing else is there.
    """
    if not left:
        return ()
    from hw3models.data.readers.columns import told

    if not taken:
        raise DataError(f"{path}: no channel is left. {told(left)}")
    return (told(left),)


def _recordings(
    path: Path, values: Floats, labels: list[str] | None, groups: list[str], channels: list[str], form: str
) -> Gathered:
    """Rows of each group are one recording."""
    names, codes = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    rows = [np.flatnonzero(codes == code) for code in range(len(names))]
    return Gathered(
        name=name_of(path).stem,
        where=str(path),
        form=f"{form}, {len(names):,} recordings",
        series=[values[own] for own in rows],
        ids=names.tolist(),
        row_labels=None if labels is None else [np.array(labels, dtype=object)[own] for own in rows],
        groups=names.tolist(),
        channels=tuple(channels),
    )


def _parse(path: Path) -> _Arff:
    found, has_data, depth = _Arff(), False, 0
    try:
        with open_text(path, text_form(path).encoding) as file:
            for number, line in enumerate(file, 1):
                text = line.strip()
                if not text or text.startswith("%"):
                    continue
                if has_data:
                    _row(text, number, found)
                elif text.lower().startswith("@data"):
                    has_data = True
                elif text.lower().startswith("@attribute"):
                    depth = _attribute(text, number, depth, found)
                elif text.lower().startswith("@end"):
                    depth = 0
                elif not text.lower().startswith("@relation"):
                    found.faults.append(
                        f"line {number} stands before @data but is no @tag and no % comment: {text[:40]!r}"
                    )
                if len(found.faults) >= _MAX_FAULTS:
                    return found
    except (OSError, EOFError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}). Is it an `.arff` file?") from error
    if twice := sorted({name for name in found.names if found.names.count(name) > 1}):
        found.faults.append(f"attribute {', '.join(map(repr, twice[:5]))} is there more than once; name each once")
    if not has_data:
        found.faults.append("there is no @data line: the rows must follow one")
    elif not found.rows and not found.faults:
        found.faults.append("there are no rows after @data")
    return found


def _attribute(text: str, number: int, depth: int, found: _Arff) -> int:
    """Takes one attribute; returns whether those that follow are inside a relational one."""
    match = _ATTRIBUTE.match(text)
    if match is None:
        found.faults.append(f"line {number}: an attribute needs a name and a type, got {text[:60]!r}")
        return depth
    if depth:
        found.steps += 1  # a step of the series that are in the relational attribute
        return depth
    name, kind = match[1].strip("'\""), match[2].strip()
    found.names.append(name)
    if kind.startswith("{"):
        found.classes[name] = [_unquoted(one) for one in _split(kind.strip("{} \t"))]
    elif kind.lower().startswith("relational"):
        found.relational = name
        return 1
    elif kind.lower().split()[0] in ("string", "date"):
        found.texts.append(name)
    elif kind.lower().split()[0] not in ("numeric", "real", "integer"):
        found.faults.append(
            f"line {number}: attribute {name!r} has type {kind[:40]!r}; numbers, {{classes}} or relational are known"
        )
    return 0


def _split(text: str) -> list[str]:
    """Cells set apart by commas, in single or double quotes where they hold some."""
    quote = "'" if "'" in text else '"'
    if quote not in text:
        return [cell.strip() for cell in text.split(",")]
    return [
        cell.strip() for cell in next(csv.reader([text], quotechar=quote, skipinitialspace=True, escapechar="\\"), [])
    ]


def _unquoted(text: str) -> str:
    return text.strip().strip("'\"").strip()


def _row(text: str, number: int, found: _Arff) -> None:
    if text.startswith("{"):
        found.faults.append(f"line {number}: rows in Weka's sparse form cannot be read; save them as plain rows")
        return
    if found.relational is not None and text[0] in "'\"":
        # By hand: csv has a limit for the length of a cell, and would take `\\n` apart.
        end = text.rfind(text[0])
        cells = [text[1:end], *(_split(text[end + 1 :].lstrip(", ")) if text[end + 1 :].strip(", ") else [])]
    else:
        cells = _split(text)
    if len(cells) != len(found.names):
        found.faults.append(f"line {number} has {len(cells)} cells for {len(found.names)} attributes")
        return
    found.rows.append(cells)
    found.lines.append(number)


def _label_or_none(path: Path, arff: _Arff, spec: DataSpec) -> str | None:
    try:
        return _label_attribute(path, arff, spec)
    except DataError:
        return None


def _label_attribute(path: Path, arff: _Arff, spec: DataSpec) -> str:
    """The one that is named, else the only one with classes, else the last of those; without any the last number, where
    that is to be predicted."""
    if spec.label_column in arff.names:
        return spec.label_column
    if spec.label_column in ("first", "last"):
        return arff.names[0 if spec.label_column == "first" else -1]
    if spec.label_column != "label":
        raise DataError(
            f"{path}: attribute {spec.label_column!r} (`label_column`) is missing; there are "
            f"{few(arff.names)}.{suggestion(spec.label_column, arff.names)}"
        )
    nominal = [name for name in arff.classes if name != spec.group_column]
    if not nominal and spec.task == "regression":
        return arff.names[-1]
    if not nominal:
        raise DataError(
            f"{path}: no attribute has classes ({{a,b,...}}): the last, {arff.names[-1]!r}, is a measurement or text. "
            "Name the one with labels (`--label-column NAME`), predict it (`--task regression`), or divide it into "
            "classes."
        )
    return nominal[-1]


def _labels(arff: _Arff, column: int, name: str) -> list[str]:
    known = arff.classes.get(name)
    labels = [_unquoted(row[column]) for row in arff.rows]
    for label, line in zip(labels, arff.lines, strict=True):
        if label in ("?", ""):
            arff.faults.append(f"line {line} has no class (?)")
        elif known is not None and label not in known:
            arff.faults.append(
                f"line {line}: class {label!r} is not one of {name!r} ({few(known)})." + suggestion(label, known)
            )
    return labels


def _floats(cells: list[str], line: int, faults: list[str]) -> NDArray[np.float64]:
    try:
        if not any("_" in cell for cell in cells):
            return np.array(cells, dtype=object).astype(np.float64)
    except ValueError:
        pass
    values = np.empty(len(cells))
    for step, cell in enumerate(cells):
        try:
            values[step] = number_of("nan" if cell.strip() in ("?", "") else cell)
        except ValueError:
            faults.append(f"line {line}, step {step + 1}: {cell.strip()[:40]!r} is not a number")
            return values * np.nan
    return values


def _matrix(arff: _Arff, columns: list[int], faults: list[str]) -> Floats:
    rows = [_floats([row[c] for c in columns], line, faults) for row, line in zip(arff.rows, arff.lines, strict=True)]
    return np.stack(rows) if rows else np.empty((0, len(columns)))


def _dimensions(cell: str, line: int, faults: list[str]) -> Floats:
    """(T, C) out of `1,2,3\\n4,5,6`."""
    parts = [part for part in re.split(r"\\n|\n", cell) if part.strip()]
    channels = [_floats(part.split(","), line, faults) for part in parts]
    if len({len(one) for one in channels}) != 1:
        faults.append(f"line {line}: the dimensions differ in length ({few(len(one) for one in channels)})")
        return np.zeros((1, max(1, len(channels))))
    return np.array(channels).T


def _unlike(series: list[Floats], lines: list[int]) -> list[str]:
    wrong = [
        (one.shape[1], line) for one, line in zip(series, lines, strict=True) if one.shape[1] != series[0].shape[1]
    ]
    if not wrong:
        return []
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    return [f"line {wrong[0][1]}{more} has {wrong[0][0]} dimensions, but the first series has {series[0].shape[1]}"]


def _is_labelled(path: Path, spec: DataSpec) -> bool:
    try:
        arff = _parse(path)
        return _label_or_none(path, arff, spec) is not None and not all(_unquoted(row[-1]) == "?" for row in arff.rows)
    except DataError:
        return True


def _with_dimensions(path: Path, _: FormOptions) -> tuple[Path, ...]:
    return dimension_files(path)


ARFF = series_source(
    "arff",
    (".arff",),
    "Weka's form, as in the UCR and UEA archives: univariate, relational, or one file a dimension",
    gather=gather_arff,
    is_labelled=_is_labelled,
    with_files=_with_dimensions,
    takes=(*WINDOWS, *COLUMNS, "layout"),
)
