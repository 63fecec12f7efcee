"""docs/speed.md has a table for each processor; a run replaces the one of its own."""

from benchmarks.measured import Result
from benchmarks.speed import __main__ as speed

RESULTS = [Result("mlp", ours=0.1, reference=2.5, ratio=25.0, spread=(24.0, 26.0), must=25.0)]


def test_tables_are_found_again_in_the_page_in_their_order() -> None:
    tables = {"Second": speed.table(RESULTS, True, 300, 0.0), "First": speed.table(RESULTS * 2, False, 200, 0.5)}
    assert list(speed.tables_of(speed.page(tables)).items()) == list(tables.items())


def test_the_page_in_the_repository_is_one_that_a_run_could_have_written() -> None:
    text = speed.PAGE.read_text(encoding="utf-8")
    assert speed.page(speed.tables_of(text)) == text


def test_a_table_has_its_figures_and_conditions() -> None:
    text = speed.table(RESULTS, False, 321.4, 0.25)
    assert "| mlp | 0.1 s | 2.5 s | 25.00 [24.00, 26.00] | 25.00 |" in text
    assert "MNIST was not at hand" in text
    assert "321 s in all; cores apart in 25% of looks" in text
    assert "MNIST was not at hand" not in speed.table(RESULTS, True, 321.4, 0.25)
