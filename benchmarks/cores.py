"""`python -m benchmarks.cores`: whether two cores share a cache just now, watched for a minute.

The host of a virtual machine moves its cores about. Where two of them share no cache, what one has written costs the
other more to read, and GRUs that are one stack train half as long again (docs/decisions/0017). Figures of two trainings
can only be compared with that known.
"""

import argparse
import statistics
import sys
import threading
import time

import torch

APART = 1.25
"""Ratio above which the cores are said to be apart: 1.1 is usual where they share a cache, 1.4 where they do not."""


def main() -> None:
    """One line for each look, and the share of them in which the cores were apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    end, ratios = time.monotonic() + options.seconds, list[float]()
    while time.monotonic() < end:
        ratios.append(cost_of_sharing())
        sys.stdout.write(f"{ratios[-1]:.2f}\n")
        sys.stdout.flush()
        time.sleep(1)
    sys.stdout.write(
        f"median {statistics.median(ratios):.2f}, apart {share_apart(ratios):.0%} of {len(ratios)} looks\n"
    )


def cost_of_sharing() -> float:
    """Time to add to numbers that the other core has just written, over that for numbers of one's own; 5 ms.

    An operation of torch gives the first half of its numbers to the first thread. So of rows 0 and 1 the second thread
    writes row 1, of rows 1 and 2 the first. The lowest of several tries: other work only makes them longer.
    """
    rows = torch.zeros(4, 32_768)
    taken = {"own": list[float](), "shared": list[float]()}
    for _ in range(10):
        taken["own"].append(_seconds(rows[:2], rows[2:]))
        taken["shared"].append(_seconds(rows[:2], rows[1:3]))
    return min(taken["shared"]) / min(taken["own"])


def _seconds(*views: torch.Tensor) -> float:
    start = time.perf_counter()
    for _ in range(20):
        for view in views:
            view.add_(1)
    return time.perf_counter() - start


def share_apart(ratios: list[float]) -> float:
    """Of the looks; 0 without any."""
    return sum(ratio > APART for ratio in ratios) / max(1, len(ratios))


class Watch:
    """Look every few seconds while something else runs: `with Watch() as watch`, then `watch.ratios`."""

    def __init__(self, every: float = 5.0) -> None:
        self.ratios: list[float] = []
        self._every, self._stop = every, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(self._every):
            self.ratios.append(cost_of_sharing())


if __name__ == "__main__":
    main()
