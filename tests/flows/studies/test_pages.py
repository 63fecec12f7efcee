from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from flows.studies.pages import page_path, rewrite
from hw3models.errors import DataError


def test_runs_that_start_in_the_same_second_get_pages_of_their_own(home: Path) -> None:
    started = datetime(2026, 1, 2, 3, 4, 5)
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: page_path("a run", started), range(40)))
    assert len(set(pages)) == 40
    assert home / "reports" / "20260102-030405-a-run.html" in pages


def test_without_a_run_there_is_nothing_to_write_again(home: Path) -> None:
    with pytest.raises(DataError, match=r"reports: no run yet. Start one with `hw3 run`"):
        rewrite(None, None)
