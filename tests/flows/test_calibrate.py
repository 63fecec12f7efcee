"""The page of `hw3 calibrate`."""

from pathlib import Path

import pytest

from flows import calibrate
from flows.calibrate import page, write_calibration
from hw3models.simulation import comparisons
from hw3models.simulation.cells import Cell
from hw3models.simulation.comparisons import Figure, What
from hw3models.simulation.rates import rate
from hw3models.simulation.worlds import Family, World

SMALL = [Cell(name, World((Family(0.85), Family(0.85)), 5, 100)) for name in ("one", "two")]


def _figure(cell: str, hits: int, *, what: What = "false alarms", seeds: int = 5, exception: str = "") -> Figure:
    return Figure(
        cell=cell,
        what=what,
        rate=rate(hits, 1000),
        repeats=1000,
        seeds=seeds,
        conservative=False,
        exception=exception,
    )


def test_the_page_names_the_worst_cell_of_each_promise_and_says_whether_it_holds() -> None:
    found = [_figure("good", 50), _figure("bad", 120), _figure("few groups", 300, exception="fewer than 20 groups")]
    text = page(found)
    assert "| 3% to 6.5% | 2 | bad | 12.0 [10.1, 14.2] | **no** (1 cells) |" in text
    assert "- false alarms (3% to 6.5%): bad: 12.0 [10.1, 14.2]\n" in text
    assert "| fewer than 20 groups | false alarms | few groups | 30.0 [27.2, 32.9] |" in text
    assert "Where it does not hold" not in page(found[:1])
    assert "| good | 5.0 [3.8, 6.5] | yes |" in page(found[:1])
    assert "| within error |" in page([_figure("nearly", 68)])


def test_a_cell_that_was_done_is_not_done_again_and_what_was_said_about_networks_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HW3_HOME", str(tmp_path))
    monkeypatch.setattr(calibrate, "cells", lambda: iter(SMALL))
    output = tmp_path / "page.md"
    output.write_text("# Old\n\n## Networks that were really trained\n\nas they were\n")
    write_calibration(output, repeats=20, trained=0)
    first = output.read_text()
    assert first.endswith("## Networks that were really trained\n\nas they were\n")
    assert "2 of 2 cells" in first
    monkeypatch.setattr(comparisons, "simulate", None)
    write_calibration(output, repeats=20, trained=0)
    assert [line for line in first.splitlines() if "2 of 2" not in line] == [
        line for line in output.read_text().splitlines() if "2 of 2" not in line
    ]
