"""`make reliability` runs tests by name: there are such."""

from pathlib import Path

import pytest

from benchmarks.reliability import ROWS, Row

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_every_test_of_a_row_exists(row: Row) -> None:
    for name in row.tests:
        path, _, test = name.partition("::")
        assert (TESTS / path).is_file(), name
        assert not test or f"def {test}(" in (TESTS / path).read_text(), name
