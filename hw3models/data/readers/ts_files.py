"""The `.ts` format of the UCR/UEA archives (Bagnall et al. 2018), read with line numbers in every error.

Own reader: that of aeon 1.6 lower-cases class names and takes missing values, time stamps and regression
targets without a word. Here they are refused, because no classifier of this project can use them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite, isnan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw3models.data.checks import FILL_THEM, raise_faults, suggestion
from hw3models.data.raw import Raw, raw_sequences
from hw3models.data.readers.unlabelled import padded
from hw3models.data.source import Block, Wanted, file_source, files_of, path_of
from hw3models.errors import DataError
from hw3models.specs import DataSpec, SourceReport

_SPLIT = re.compile(r"^(?P<name>.+)_(?P<split>TRAIN|TEST)$", re.IGNORECASE)
GROUPS = ".groups"
"""The suffix of a file beside a `.ts` file: a group in each line, in the order of the series."""
_MAX_FAULTS = 100
"""A file of another kind would give a fault per line: stop reading here."""


@dataclass
class TsFile:
    """The series of one file, each (T_i, C), with their labels."""

    series: list[NDArray[np.float64]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    missing: int = 0
    first_missing: str = ""
    fill: bool = False
    """Missing values will be filled: they are no fault."""


@dataclass
class _Header:
    flags: dict[str, bool] = field(default_factory=dict)
    classes: list[str] | None = None
    has_data: bool = False


def ts_files(path: Path) -> tuple[Path, ...]:
    """The files that belong to `path`: X_TRAIN.ts and X_TEST.ts, or a single file without such an ending.

    Behind them come their files of groups, where they have some: X_TRAIN.groups and X_TEST.groups, or X.groups.

    Raises:
        DataError: the other half of a pair is missing.
    """
    pair = _pair(path)
    named = [file.with_suffix(GROUPS) for file in pair]
    there = [file for file in named if file.is_file()]
    if there and there != named:
        missing = next(file for file in named if file not in there)
        raise DataError(f"{path}: {there[0].name} names groups, but {missing.name} is not beside it. Write both.")
    return (*pair, *there)


def _pair(path: Path) -> tuple[Path, ...]:
    match = _SPLIT.match(path.stem)
    if not match:
        return (path,)
    pair = []
    for split in ("TRAIN", "TEST"):
        # The other half is written in the case of this one: a_train.ts goes with a_test.ts.
        cased = split.lower() if match["split"].islower() else split
        pair.append(path.with_name(f"{match['name']}_{cased}{path.suffix}"))
    missing = [other for other in pair if not other.is_file()]
    if missing:
        raise DataError(
            f"{path}: {missing[0].name} is not beside it. Put it there, or give the file a name that does not end in "
            "_TRAIN or _TEST: then a test split is drawn from it."
        )
    return tuple(pair)


def read_ts(files: tuple[Path, ...], name: str, *, fill: bool = False) -> Raw:
    """Read one `.ts` file, or the pair (train, test), with the files of groups that stand behind them.

    Raises:
        DataError: all faults of the files together, with their lines.
    """
    named = [file for file in files if file.suffix == GROUPS]
    files = tuple(file for file in files if file.suffix != GROUPS)
    parts = [_read_file(file, fill=fill) for file in files]
    faults = [f"{file.name}: {fault}" for file, part in zip(files, parts, strict=True) for fault in part.faults]
    groups = list[str]()
    for file, part in zip(named, parts, strict=False):
        groups += _read_groups(file, None if part.faults else len(part.series), faults)
    channels = [part.series[0].shape[1] for part in parts if part.series]
    if len(set(channels)) > 1:
        faults.append(f"train has {channels[0]} dimensions, but test has {channels[1]}")
    raise_faults(str(files[0].parent), faults)
    sizes = [len(part.series) for part in parts]
    return raw_sequences(
        name,
        [one for part in parts for one in part.series],
        [label for part in parts for label in part.labels],
        test=np.arange(sum(sizes)) >= sizes[0] if len(parts) == 2 else None,
        groups=groups if named else None,
    )


def _read_groups(path: Path, num: int | None, faults: list[str]) -> list[str]:
    """A group for each of `num` series (not counted where it is not known); entries in `faults` where it is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path.name}: cannot be read as text ({error}); write a group in each line")
        return []
    empty = [number for number, line in enumerate(lines, start=1) if not line.strip()]
    if empty:
        more = f" and {len(empty) - 1:,} more" if len(empty) > 1 else ""
        faults.append(f"{path.name}: line {empty[0]}{more} names no group; write one for each series")
    if num is not None and len(lines) != num:
        faults.append(f"{path.name}: it has {len(lines):,} lines for {num:,} series; write a group for each series")
    return lines


def read_series(path: Path) -> list[NDArray[np.float64]]:
    """The series (T_i, C) of one file alone, whatever its labels; what is missing is NaN.

    Raises:
        DataError: all faults of the file together, with their lines.
    """
    found = _read_file(path, fill=True)
    raise_faults(str(path), found.faults)
    return found.series


def is_classification(path: Path) -> bool:
    """Whether the header of `path` announces classes, not measurements."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            tag = line.lower().split()
            if tag[:2] == ["@classlabel", "true"]:
                return True
            if tag[:1] == ["@data"]:
                break
    return False


def _read_file(path: Path, *, fill: bool) -> TsFile:
    found, header = TsFile(fill=fill), _Header()
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}). Is it a `.ts` file?") from error
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if not line or line[0] in "#%":  # both mark comments in the archives
            continue
        if header.has_data:
            _read_series(line, number, header, found)
        elif line.startswith("@"):
            _read_tag(line, number, header, found)
        else:
            found.faults.append(f"line {number} stands before @data but is no @tag and no # comment: {line[:40]!r}")
        if len(found.faults) >= _MAX_FAULTS:
            return found
    if not header.has_data:
        found.faults.append("there is no @data line: the series must follow one")
    elif not found.series and not found.faults:
        found.faults.append("there are no series after @data")
    if found.missing:
        found.faults.append(
            f"{found.missing:,} values are missing or infinite, the first at {found.first_missing}; "
            f"{FILL_THEM}, or leave these series out"
        )
    _check_lengths(header, found)
    return found


def _read_tag(line: str, number: int, header: _Header, found: TsFile) -> None:
    tag, *values = line.split()
    tag = tag[1:].lower()
    if tag == "data":
        header.has_data = True
        if header.classes is None:
            found.faults.append("the header has no `@classLabel true` with the names of the classes")
    elif tag == "classlabel":
        _read_classes(values, number, header, found)
    elif tag in ("timestamps", "missing", "univariate", "equallength", "targetlabel"):
        if [value.lower() for value in values] not in (["true"], ["false"]):
            found.faults.append(f"line {number}: @{tag} needs `true` or `false`, got {' '.join(values)!r}")
            return
        header.flags[tag] = values[0].lower() == "true"
        if tag == "timestamps" and header.flags[tag]:
            found.faults.append(f"line {number}: series with time stamps are not supported; write plain values")
        if tag == "targetlabel" and header.flags[tag]:
            header.classes = []
            found.faults.append(f"line {number}: the target is a measurement (regression); classes are needed")


def _read_classes(values: list[str], number: int, header: _Header, found: TsFile) -> None:
    header.classes = values[1:]
    if values[:1] and values[0].lower() == "false":
        found.faults.append(f"line {number}: the series have no classes (@classLabel false)")
    elif not values or values[0].lower() != "true" or len(values) < 2:
        found.faults.append(
            f"line {number}: @classLabel needs `true` and the names of the classes, got {' '.join(values)!r}"
        )


def _read_series(line: str, number: int, header: _Header, found: TsFile) -> None:
    *dimensions, label = (part.strip() for part in line.split(":"))
    if not dimensions:
        found.faults.append(f"line {number} has no `:` between series and class: {line[:40]!r}")
        return
    channels = []
    for index, text in enumerate(dimensions, start=1):
        values = _read_numbers(text, f"line {number}, dimension {index}", found)
        if values is None:
            return
        channels.append(values)
    lengths = [len(values) for values in channels]
    if len(set(lengths)) > 1:
        found.faults.append(f"line {number}: the dimensions differ in length ({', '.join(map(str, lengths))})")
        return
    if found.series and found.series[0].shape[1] != len(channels):
        found.faults.append(
            f"line {number} has {len(channels)} dimensions, but the first series has {found.series[0].shape[1]}"
        )
        return
    if header.flags.get("univariate") and len(channels) > 1:
        found.faults.append(f"line {number} has {len(channels)} dimensions, but the header says @univariate true")
        return
    found.series.append(np.array(channels, dtype=np.float64).T)
    found.labels.append(_match_label(label, number, header, found))


def _read_numbers(text: str, place: str, found: TsFile) -> list[float] | None:
    numbers = []
    for step, value in enumerate(text.split(","), start=1):
        try:
            number = float("nan" if value.strip() == "?" else value)
        except ValueError:
            found.faults.append(f"{place}, step {step}: {value.strip()[:40]!r} is not a number")
            return None
        if not isfinite(number) and not (found.fill and isnan(number)):
            found.missing += 1
            found.first_missing = found.first_missing or f"{place}, step {step} ({value.strip()})"
        numbers.append(number)
    return numbers


def _match_label(label: str, number: int, header: _Header, found: TsFile) -> str:
    """The declared spelling of `label`: some files of the archives differ in case from their header."""
    known = header.classes or []
    if label in known or not known:
        return label
    same = [name for name in known if name.lower() == label.lower()]
    if len(same) != 1:
        found.faults.append(
            f"line {number}: class {label!r} is not one of those in @classLabel ({', '.join(known[:10])})."
            + suggestion(label, known)
        )
        return label
    return same[0]


def _check_lengths(header: _Header, found: TsFile) -> None:
    lengths = {len(one) for one in found.series}
    if header.flags.get("equallength") and len(lengths) > 1:
        found.faults.append(
            f"the header says @equalLength true, but series have {min(lengths)} to {max(lengths)} steps; "
            "correct the header or the series"
        )


def read_pair(spec: DataSpec, report: SourceReport, _: Path) -> Raw:
    """What was fetched: a pair has the name of the set, a single file its own."""
    files = files_of(report)
    stem, num = files[0].stem, sum(file.suffix != GROUPS for file in files)
    return read_ts(files, stem if num == 1 else stem.rsplit("_", 1)[0], fill=spec.missing != "refuse")


def _examples(spec: DataSpec, wanted: Wanted) -> Iterator[Block]:
    path = path_of(spec.source)
    series = read_series(path)
    faults, sidecar = list[str](), path.with_suffix(GROUPS)
    groups = _read_groups(sidecar, len(series), faults) if sidecar.is_file() else None
    raise_faults(str(path.parent), faults)
    for start in range(0, len(series), 1024):
        names = np.arange(start, min(start + 1024, len(series)))
        of_rows = None if groups is None else tuple(groups[start : start + 1024])
        yield padded(path, names, series[start : start + 1024], wanted)._replace(groups=of_rows)


TS = file_source(
    ".ts",
    "as in the UCR and UEA archives; NAME_TEST.ts is found beside NAME_TRAIN.ts",
    files=ts_files,
    read=read_pair,
    unlabelled=_examples,
    groups=f"NAME{GROUPS} beside it, a line for each series (NAME_TRAIN{GROUPS} and NAME_TEST{GROUPS})",
)
