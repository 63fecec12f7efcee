"""Whether two cores share a cache: said of a figure that depends on it."""

import time

import pytest
import torch

from benchmarks import cores


@pytest.mark.alone
@pytest.mark.skipif(torch.get_num_threads() < 2, reason="one core")
def test_what_another_core_has_written_does_not_cost_less_than_ones_own() -> None:
    assert max(cores.cost_of_sharing() for _ in range(5)) > 0.9


def test_a_look_tells_the_time_of_shared_rows_over_that_of_own_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several tries the lowest: other work only makes them longer."""
    tries = {False: iter([4.0, 2.0] * 5), True: iter([9.0, 3.0] * 5)}

    def seconds(first: torch.Tensor, second: torch.Tensor) -> float:
        is_shared = second.data_ptr() < first.data_ptr() + first.nbytes
        return next(tries[is_shared])

    monkeypatch.setattr(cores, "_seconds", seconds)
    assert cores.cost_of_sharing() == 1.5


def test_the_share_of_looks_with_cores_apart() -> None:
    assert cores.share_apart([1.05, 1.1, 1.4, 2.0]) == 0.5
    assert cores.share_apart([]) == 0


def test_the_watch_looks_as_long_as_something_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "cost_of_sharing", lambda: 1.4)
    with cores.Watch(every=0.01) as watch:
        while not watch.ratios:
            time.sleep(0.01)
    number = len(watch.ratios)
    time.sleep(0.05)
    assert len(watch.ratios) == number
