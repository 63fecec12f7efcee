"""Threads follow what is free: limits of the process, other programs, other trainings; and change no bit."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from hw3models.engine.fit import fit
from hw3models.engine.optimizers import clip_gradients
from hw3models.families import find_family
from hw3models.runtime import cores
from hw3models.runtime.cores import Cores, Usage, fair_threads, read_usage
from hw3models.specs import Recipe, TrainSpec
from tests.tiny import tiny_dataset


def after(*, mine: float, others: float = 0.0, rivals: dict[int, float] | None = None) -> Usage:
    """The reading one second later."""
    rivals = rivals or {}
    return Usage(1.0, mine + others + sum(rivals.values()), mine, rivals)


@pytest.mark.parametrize(
    ("most", "now", "threads"),
    [
        (2, after(mine=2.0), 2),
        (2, after(mine=1.0, others=0.3), 2),
        (2, after(mine=1.0, others=1.0), 1),
        (2, after(mine=0.1, others=1.9), 1),
        # A second training begins, then both have settled, then the other one waits.
        (2, after(mine=0.0, rivals={7: 2.0}), 1),
        (2, after(mine=1.0, rivals={7: 1.0}), 1),
        (2, after(mine=2.0, rivals={7: 0.0}), 2),
        (8, after(mine=0.0, rivals={7: 8.0}), 4),
        (8, after(mine=1.0, rivals={7: 7.0}), 4),
        (8, after(mine=4.0, rivals={7: 1.0}), 7),
        (8, after(mine=0.0, rivals={7: 4.0, 8: 4.0}), 3),
        # Four cores are left by others, for the two trainings.
        (8, after(mine=2.0, others=4.0, rivals={7: 2.0}), 2),
        (8, after(mine=8.0), 8),
    ],
)
def test_a_training_takes_what_is_left_and_never_less_than_its_share(most: int, now: Usage, threads: int) -> None:
    before = Usage(0.0, 0.0, 0.0, dict.fromkeys(now.rivals, 0.0))
    assert fair_threads(most, before, now) == threads


def test_a_program_beside_it_is_seen_and_gone_again(tmp_path: Path) -> None:
    """Held against what the kernel says of the program itself."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        before = read_usage(tmp_path)
        began = time.monotonic()
        time.sleep(1.0)
        now = read_usage(tmp_path)
        seconds = time.monotonic() - began
    finally:
        busy.kill()
        busy.wait()
    # It is our child, so none of "others": `mine` holds it, as much as it got.
    assert 0.1 < (now.mine - before.mine) / seconds < 1.5
    assert now.busy - before.busy >= now.mine - before.mine - 0.1
    assert now.rivals == {}


def test_another_process_that_trains_is_counted_until_it_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from hw3models.runtime.cores import present\n"
        f"with present(Path({str(tmp_path)!r})):\n    print('there', flush=True); sys.stdin.readline()\n"
    )
    start = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {code!r}]).returncode)"
    with subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ, text=True
    ) as one:
        assert one.stdout is not None
        assert one.stdin is not None
        assert one.stdout.readline() == "there\n"
        [name] = [path.name for path in tmp_path.iterdir()]
        assert read_usage(tmp_path).rivals == {}, "a descendant is no rival"
        found = list(cores.training_processes(tmp_path))
        assert [str(pid) for pid in found] == [name.partition("-")[0]]
        one.stdin.write("\n")
        one.stdin.close()
        assert one.wait(20) == 0
    assert not list(tmp_path.iterdir())
    (tmp_path / f"{one.pid}-12").touch()
    assert read_usage(tmp_path).rivals == {}, "one that was killed is none"
    assert not list(tmp_path.iterdir())


def test_no_more_work_at_once_than_there_are_cores_to_take() -> None:
    class One(Cores):
        def now(self) -> int:
            return 1

    shared = One(2, None)
    at_work, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal at_work, most
        for _ in range(10):
            with shared.turn():
                with lock:
                    at_work += 1
                    most = max(most, at_work)
                time.sleep(0.001)
                with lock:
                    at_work -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


class FixedCores(Cores):
    """So many cores are free."""

    def __init__(self, free: int) -> None:
        super().__init__(2, None)
        self.free = free

    def now(self) -> int:
        return self.free


def trained(family: str, strategy: str) -> str:
    """sha256 of all parameters."""
    data = tiny_dataset("sequences", num=200)
    spec = TrainSpec(
        family=family,
        seeds=(0, 1, 2),
        recipe=Recipe(epochs=2, batch_size=32),
        strategy=strategy,  # type: ignore[arg-type]
        device="cpu",
    )
    states = fit(data, find_family("sequences", family), spec).states  # type: ignore[arg-type]
    sha = hashlib.sha256()
    for name in sorted(states):
        sha.update(states[name].contiguous().numpy().tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("strategy", ["stacked", "separate"])
@pytest.mark.parametrize("family", ["mlp", "cnn", "gru"])
def test_the_number_of_threads_changes_no_bit(family: str, strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = trained(family, strategy)
    before = torch.get_num_threads()
    asked: list[int] = []

    class Changing(Cores):
        """Another number at each epoch."""

        def __init__(self, *_: object) -> None:
            super().__init__(2, None)

        def now(self) -> int:
            asked.append(1 + len(asked) % 2)
            return asked[-1]

    monkeypatch.setattr(cores, "Cores", Changing)
    assert trained(family, strategy) == alone
    assert set(asked) == {1, 2} or strategy == "separate"
    assert torch.get_num_threads() == before, "put back"


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_long_sums_of_products_are_the_same_on_one_thread_and_on_two(kind: torch.dtype) -> None:
    before = torch.get_num_threads()
    generator = torch.Generator().manual_seed(0)
    found = []
    for rows in (256, 1280, 3200):
        left = torch.randn(64, rows, dtype=kind, generator=generator)
        right = torch.randn(rows, 96, dtype=kind, generator=generator)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(left @ right)
    torch.set_num_threads(before)
    assert [torch.equal(*found[i : i + 2]) for i in (0, 2, 4)] == [True] * 3


def test_the_norm_of_a_large_gradient_is_the_same_on_one_thread_and_on_two() -> None:
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        large = torch.nn.Parameter(torch.zeros(64, 784))
        large.grad = torch.randn(64, 784, generator=torch.Generator().manual_seed(1))
        clip_gradients([large], 1.0, 1, stacked=False)
        found.append(large.grad)
        assert large.grad.norm().item() == pytest.approx(1, rel=1e-5)
    torch.set_num_threads(before)
    assert torch.equal(*found)


def test_a_program_that_had_fewer_threads_than_there_are_says_so_where_bits_depend_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tiny_dataset("sequences", num=60)
    monkeypatch.setattr("hw3models.engine.fit.num_threads", lambda: 2)
    told = {}
    for family, free in (("cnn", 1), ("cnn", 2), ("transformer", 1), ("mlp", 1), ("gru", 1)):
        monkeypatch.setattr(cores, "Cores", lambda *_, free=free: FixedCores(free))
        spec = TrainSpec(family=family, seeds=(0,), recipe=Recipe(epochs=1, batch_size=32), device="cpu")
        told[family, free] = fit(data, find_family("sequences", family), spec).notes  # type: ignore[arg-type]
    assert told["cnn", 2] == told["mlp", 1] == told["gru", 1] == ()
    assert (
        told["cnn", 1]
        == told["transformer", 1]
        == ("trained on 1 of 2 cores, as others left them free; the last bits of its gradients depend on that",)
    )
