"""Which device there is, and what to call it."""

import platform
import re
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

import torch

from hw3models.errors import SpecError
from hw3models.runtime.cores import Cores, allowed


def pick_device(wanted: str = "auto") -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU.

    Raises:
        SpecError: the wanted device is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, available in there.items() if available))
    if not there.get(wanted, False):
        found = ", ".join(name for name, available in there.items() if available)
        raise SpecError(f"`device` {wanted!r} is not available here; found: {found}. Use `device: auto`.")
    return torch.device(wanted)


def describe_device(device: torch.device) -> str:
    """Name of the device, such as `cpu (Intel Xeon, 2 threads)` or `cuda (NVIDIA H100)`."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return f"mps ({platform.machine()})"
    return f"cpu ({cpu_name()})"


def cpu_name() -> str:
    """The processor's own name where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def restart_peak_memory() -> None:
    """Have `peak_memory_mb` count from now on, so that a family is not told the peak of those before it.

    Where the system has no way to (other than Linux, or in a sandbox), it goes on counting from the beginning.
    """
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        _CLEAR.write_text("5")  # "Reset peak RSS": proc_pid_clear_refs(5)


def peak_memory_mb(device: torch.device) -> float:
    """Peak in MiB since `restart_peak_memory`: of the GPU's allocator, or resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    with suppress(OSError):
        if found := re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE):
            return int(found[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


_changing_threads = threading.Lock()


def num_threads() -> int:
    """How many threads torch has for one operation of the calling thread: all, unless somebody said otherwise.

    torch makes that up for a thread when this first asks, or computes. While another thread is in `compute_alone` it
    would be one, for good: five networks then trained one after another, and a `hw3 run` took 54 s longer.
    """
    with _changing_threads:
        return torch.get_num_threads()


def set_threads(threads: int) -> None:
    """Let torch's operations in the calling thread work on so many cores."""
    with _changing_threads:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextmanager
def threads_that_follow(cores: Cores, taken: set[int]) -> Iterator[Callable[[], None]]:
    """What the block calls now and then lets torch, in this thread, take as many cores as are free.

    The numbers that it took are added to `taken`.
    """
    before = torch.get_num_threads()

    def follow() -> None:
        threads = cores.now()
        taken.add(threads)
        set_threads(threads)

    try:
        yield follow
    finally:
        set_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """torch's operations in the calling thread work on one core while the block lasts."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# Asked now for the thread that imports this, which is that of a command: later it may compute before it asks. torch
# knows nothing of a container's limit.
set_threads(min(num_threads(), allowed()))


def compute_alone() -> None:
    """Let torch work on one core in the calling thread; other threads keep theirs.

    A second thread that owns a team of OpenMP threads makes more of them than there are cores, and from then on libgomp
    spins a hundredth as long in all of them: a stacked GRU trained three times slower (docs/decisions/0004).
    """
    _set_here_alone(1)


def _set_here_alone(threads: int) -> None:
    """Set the number of the calling thread. torch would have later threads begin with it, too: they do not."""
    with _changing_threads:
        if torch.get_num_threads() == threads:
            return
        # What later threads begin with can be asked for, and put right, in a thread that begins.
        begun_with: list[int] = []
        _in_another(lambda: begun_with.append(torch.get_num_threads()))
        torch.set_num_threads(threads)
        _in_another(lambda: torch.set_num_threads(begun_with[0]))


def _in_another(thread_does: Callable[[], None]) -> None:
    other = threading.Thread(target=thread_does)
    other.start()
    other.join()


_R = TypeVar("_R")


def in_a_thread_of_its_own(work: Callable[[], _R]) -> _R:
    """Do `work` in a thread that ends with it; its result, or what it raises.

    For numba's parallel code: it allows nested parallelism, for good, in the OpenMP runtime that torch uses too, and
    there only in the thread that calls it. After that a tanh took 13 times as long, and a stacked GRU trained two and a
    half times slower (docs/decisions/0004). torch has as many threads there as in the calling thread.
    """
    threads = num_threads()
    done: list[_R] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            _set_here_alone(threads)
            done.append(work())
        except BaseException as error:
            failed.append(error)

    # A daemon: after Ctrl-C nobody waits for it.
    thread = threading.Thread(target=copy_context().run, args=(run,), name="own-openmp", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
