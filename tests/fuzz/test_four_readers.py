"""Generated tables, written in several ways: the same data to training, check, predict and drift, or one refusal.

What a table is written with (separator, encoding, decimal mark, quotes) is none of its content: series, labels, order
and the digest of what is prepared are those of the plain file with commas.
"""

import csv
import io
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw3models.checking import check_data
from hw3models.data import fetch
from hw3models.data.preparation import load_prepared, prepare, read_raw
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.tiny import manifest_of

NUMBERS = itertools.count()
SERIES, STEPS = 12, 3
ODD_IDS = [
    "01",
    "1",
    "NA",
    "1e3",
    "1000",
    "null",
    "007",
    "7",
    "1.0",
    "True",
    "é",
    "a b",
    "nan",
    "-",
    "#1",
    "9007199254740993",
]
LABELS = [
    ("sit", "walk"),
    ("sit", "Sit", "walk", "walk "),
    ("1", "1.0", "2"),
    ("0", "1"),
    ("NaN", "b"),
    ("01", "1", "x"),
]
TIMES = [
    ["0", "1", "2"],
    ["10", "2", "30"],
    ["9007199254740992", "9007199254740993", "9007199254740995"],
    ["2024-01-01", "2024-01-03", "2024-01-02T12:00"],
    ["2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", "2024-01-02T00:00:00Z"],
    ["0.5", "1.5", "-1"],
    ["t0", "t1", "t2"],
    ["0", "0", "1"],
    ["", "1", "2"],
]


@dataclass(frozen=True)
class Written:
    """How a table is written."""

    separator: str
    encoding: str
    decimal: str
    quoting: int


WRITTEN = st.builds(
    Written,
    separator=st.sampled_from([";", "\t", "|", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    decimal=st.sampled_from([".", ","]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
PLAIN = Written(",", "utf-8", ".", csv.QUOTE_MINIMAL)


@dataclass(frozen=True)
class Table:
    """What stands in it."""

    ids: list[str]
    labels: list[str]
    times: list[str]
    merge: bool
    extra: str

    def rows(self, *, labelled: bool, decimal: str) -> list[list[str]]:
        found = [["sample", "time", "x", "y", *[self.extra] * bool(self.extra), *["label"] * labelled]]
        for number, (name, label) in enumerate(zip(self.ids, self.labels, strict=True)):
            for step, time in enumerate(self.times):
                values = [f"{np.sin(1.7 * number + step):.4f}", f"{(number * 7 + step * 3) % 5 + 0.25:.2f}"]
                values = [value.replace(".", decimal) for value in values]
                at = time.replace(".", decimal)
                more = [str(number % 3)] * bool(self.extra)
                found.append([name, at, *values, *more, *[label] * labelled])
        return found


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A dozen series of three steps."""
    odd = draw(st.lists(st.sampled_from(ODD_IDS), max_size=6, unique=True))
    words = draw(st.sampled_from(LABELS))
    return Table(
        ids=draw(st.permutations([*odd, *(f"s{i}" for i in range(SERIES - len(odd)))])),
        labels=[words[(i + draw(st.integers(0, 1))) % len(words)] for i in range(SERIES)],
        times=draw(st.sampled_from(TIMES)),
        merge=draw(st.booleans()),
        extra=draw(st.sampled_from(["", "fold", "Unnamed: 0"])),
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@settings(max_examples=30 if os.environ.get("HW3_FUZZ") is None else 2_500)  # 0.2 s each
@given(tables(), WRITTEN)
def test_training_check_predict_and_drift_read_one_table_alike(folder: Path, table: Table, how: Written) -> None:
    if how.separator == "," and how.decimal == ",":
        how = Written(";", how.encoding, ",", how.quoting)
    assert everybody(folder, table, PLAIN) == everybody(folder, table, how)


def everybody(folder: Path, table: Table, how: Written) -> Any:
    """What all four read, compared with each other; the refusal where there is one, or the data."""
    path = write(folder, table.rows(labelled=True, decimal=how.decimal), how)
    bare = write(folder, table.rows(labelled=False, decimal=how.decimal), how)
    spec = DataSpec(source=str(path), merge_labels=table.merge)
    trained = refused_or(lambda: read_raw(spec, fetch(spec, cache=folder), cache=folder), path)
    asked = refused_or(lambda: predicted(bare), bare)
    classes = ("a", "b") if isinstance(trained, str) else trained.class_names
    model = manifest_of((STEPS, 2), classes, ("x", "y"))
    drifted = refused_or(lambda: read_new(spec, model, cache=folder), path)
    bare_drift = refused_or(lambda: read_new(DataSpec(source=str(bare)), model, cache=folder), bare)
    digest = refused_or(lambda: prepared(spec, folder), path)
    path.unlink()
    bare.unlink()
    if isinstance(trained, str):
        assert trained == asked == drifted == bare_drift == digest
        return trained
    expected = np.asarray(trained.features, np.float32)
    assert [str(name) for name in asked[0]] == table.ids
    np.testing.assert_array_equal(asked[1], expected)
    np.testing.assert_array_equal(drifted.examples, expected)
    np.testing.assert_array_equal(bare_drift.examples, expected)
    assert drifted.classes.tolist() == trained.labels.tolist()
    assert trained.channels == ("x", "y")
    found, _ = check_data(trained, spec)
    assert (found.num_examples, found.class_names, found.channels) == (SERIES, trained.class_names, trained.channels)
    return digest, trained.class_names, trained.labels.tolist(), expected.tolist()


def write(folder: Path, rows: list[list[str]], how: Written) -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=how.separator, quoting=how.quoting).writerows(rows)  # type: ignore[arg-type]
    path = folder / f"table{next(NUMBERS)}.csv"
    path.write_text(text.getvalue(), encoding=how.encoding, newline="")
    return path


def predicted(path: Path) -> tuple[list[str], Any]:
    wanted = Wanted("sequences", (STEPS, 2), channels=("x", "y"))
    blocks = list(read_examples(path, wanted))
    return [name for block in blocks for name in block.ids], np.concatenate([block.examples for block in blocks])


def prepared(spec: DataSpec, folder: Path) -> str:
    """The digest of the prepared arrays; few examples of a class are refused."""
    named = fetch(spec, cache=folder)
    try:
        dataset = load_prepared(prepare(spec, named, cache=folder))
    except DataError as error:
        if "class" in str(error):
            return "few"
        raise
    return dataset.digest


def refused_or(read: Callable[[], Any], path: Path) -> Any:
    """What was read, or the words in which it was refused, without the file's name."""
    try:
        return read()
    except DataError as error:
        return str(error).replace(str(path), "FILE")
