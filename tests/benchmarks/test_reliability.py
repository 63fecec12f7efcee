"""`make reliability` runs tests by name: there are such."""

from pathlib import Path

import pytest

from benchmarks import reliability
from benchmarks.reliability import ROWS, Row

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_every_test_of_a_row_exists(row: Row) -> None:
    for name in row.tests:
        path, _, test = name.partition("::")
        assert (TESTS / path).is_file(), name
        assert not test or f"def {test}(" in (TESTS / path).read_text(), name


def test_what_was_not_survived_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").mkdir()
    text = "def test_good(): pass\ndef test_bad(): assert 'the server' == 'answers'\n"
    (tmp_path / "tests" / "test_made.py").write_text(text)
    monkeypatch.setattr(reliability, "ROOT", tmp_path)
    monkeypatch.setattr(reliability, "FIGURES", tmp_path / "figures.json")
    outcome = reliability.run(Row("a fault", "a promise", ("test_made.py",), tries=5))
    assert (outcome.passed, outcome.tried) == (5, 10)
    [failure] = outcome.failures
    assert failure.splitlines()[0].endswith("test_made::test_bad")
    assert "assert 'the server' == 'answers'" in failure
    reliability.store({"a fault": outcome})
    assert reliability.stored() == {"a fault": outcome._replace(failures=())}
