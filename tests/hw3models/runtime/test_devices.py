"""Threads that compute beside a training."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from hw3models.runtime.devices import in_a_thread_of_its_own


def printed(script: str) -> list[int]:
    """By a process of its own: what threads have is for good."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


COUNT = """
import os, threading, torch
from hw3models.runtime.devices import compute_alone

def num_threads():
    return len(os.listdir("/proc/self/task"))

a = torch.randn(4, 600, 600)
torch.set_num_threads(2)
torch.bmm(a, a)
before, found = num_threads(), []

def work(alone):
    if alone:
        compute_alone()
    torch.bmm(a, a)
    (a + 1).sum()
    found.append(num_threads() - before - 1)

for alone in (True, False):
    thread = threading.Thread(target=work, args=(alone,))
    thread.start()
    thread.join()
print(*found, torch.get_num_threads())
"""


def test_a_thread_that_computes_alone_starts_no_openmp_threads_and_leaves_the_others_theirs() -> None:
    beside, without, main = printed(COUNT)
    assert beside == 0
    assert without > 0  # otherwise this test says nothing
    assert main == 2


AGAIN = """
import threading, torch
torch.set_num_threads(2)
from hw3models.runtime.devices import compute_alone, in_a_thread_of_its_own, one_thread

def begins_with():
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]

def twice():
    compute_alone()
    compute_alone()
    torch.get_num_threads() == 1 or print("not alone")

thread = threading.Thread(target=twice)
thread.start()
thread.join()
print(begins_with(), in_a_thread_of_its_own(torch.get_num_threads))
with one_thread():
    print(in_a_thread_of_its_own(torch.get_num_threads))
threading.Thread(target=torch.set_num_threads, args=(1,)).start()
print(in_a_thread_of_its_own(torch.get_num_threads), torch.get_num_threads())
"""


def test_whoever_asks_twice_to_compute_alone_takes_no_threads_from_those_that_begin_later() -> None:
    later, baseline, alone, after_another, main = printed(AGAIN)
    assert (later, baseline) == (2, 2)
    assert alone == 1
    assert (after_another, main) == (2, 2)


ASKED_MEANWHILE = """
import threading, time, torch
torch.set_num_threads(2)
from hw3models.runtime import devices

really, begun, asked, found = torch.set_num_threads, threading.Event(), threading.Event(), []

def slowly(number):
    really(number)
    if number == 1:
        begun.set()
        asked.wait()
        time.sleep(0.2)  # where a second question is not made to wait, it is answered wrongly by now

def ask(whom):
    if whom is devices.num_threads:
        asked.set()
    found.append(whom())

torch.set_num_threads = slowly
threading.Thread(target=devices.compute_alone).start()
begun.wait()
for whom in (torch.get_num_threads, devices.num_threads):
    thread = threading.Thread(target=ask, args=(whom,))
    thread.start()
    thread.join()
print(*found, torch.get_num_threads())
"""


def test_a_thread_that_asks_while_another_begins_to_compute_alone_keeps_its_threads() -> None:
    by_torch, found, main = printed(ASKED_MEANWHILE)
    assert by_torch == 1  # otherwise this test says nothing
    assert found == 2
    assert main == 2


NESTED = """
import ctypes, pathlib, torch
from hw3models.families import FAMILIES
from tests.tiny import tiny_dataset

(path,) = (pathlib.Path(torch.__file__).parent / "lib").glob("libgomp*")
openmp = ctypes.CDLL(str(path))
print(openmp.omp_get_nested())
FAMILIES["sequences"]["rocket"].fit(tiny_dataset(), 0, 2)
print(openmp.omp_get_nested())
"""


@pytest.mark.skipif(
    not list((Path(torch.__file__).parent / "lib").glob("libgomp*")), reason="torch has no OpenMP of GNU's here"
)
def test_rocket_does_not_leave_nested_parallelism_switched_on_for_torch() -> None:
    assert printed(NESTED) == [0, 0]


def test_what_work_in_a_thread_of_its_own_gives_or_raises_comes_back() -> None:
    assert in_a_thread_of_its_own(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        in_a_thread_of_its_own(lambda: 1 / 0)
