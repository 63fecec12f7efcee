"""Tables with any names and times: the same series to training and to a model that is asked, or refused by both."""

import csv
import io
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.fuzz.bounds import bounded

NUMBERS = itertools.count()
WANTED = Wanted("sequences", (3, 1), unequal_lengths=True, channels=("x",))
NAMES = st.one_of(
    st.sampled_from(["1", "01", "1.0", "NA", "null", "nan", "007", "7", "1e3", "1000", "000", "0", "", " ", "True"]),
    st.integers(2**53 - 2, 2**53 + 2).map(str),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=4),
)
TIMES = st.one_of(
    st.lists(st.integers(-2, 2**53 + 2).map(str), min_size=3, max_size=3, unique=True),
    st.just(["2024-01-01", "2024-01-03", "2024-01-02T12:00"]),
    st.lists(st.sampled_from(["0", "1", "2", "0.0", "", "NA", "t0", "2024-01-01", "1e3"]), min_size=3, max_size=3),
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@given(st.lists(st.tuples(NAMES, TIMES), min_size=2, max_size=6, unique_by=lambda one: one[0]), st.booleans())
def test_a_table_is_the_same_series_to_all_or_refused_by_all(
    folder: Path, series: list[tuple[str, list[str]]], is_quoted: bool
) -> None:
    text = io.StringIO()
    out = csv.writer(text, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL)
    out.writerow(["sample", "time", "x", "label"])
    for number, (name, times) in enumerate(series):
        out.writerows([name, time, 3 * number + step, number % 2] for step, time in enumerate(times))
    path = folder / f"table{next(NUMBERS)}.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    with bounded():
        trained, asked = refused_or_read(lambda: trained_on(path)), refused_or_read(lambda: asked_about(path))
    path.unlink()
    if isinstance(trained, str) or isinstance(asked, str):
        assert asked == trained
        return
    np.testing.assert_array_equal(asked[1], trained)
    assert asked[0] == [name for name, _ in series]


def trained_on(path: Path) -> Any:
    spec = DataSpec(source=str(path))
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent).features


def asked_about(path: Path) -> Any:
    blocks = list(read_examples(path, WANTED))
    return [name for block in blocks for name in block.ids], np.concatenate([block.examples for block in blocks])


def refused_or_read(read: Callable[[], Any]) -> Any:
    """What was read, or the words in which it was refused."""
    try:
        return read()
    except DataError as error:
        return str(error)
