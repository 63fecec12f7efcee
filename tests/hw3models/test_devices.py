"""Threads that compute beside a training."""

import subprocess
import sys

COUNT = """
import os, threading, torch
from hw3models.devices import compute_alone

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
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    beside, without, main = map(int, done.stdout.split())
    assert beside == 0
    assert without > 0  # otherwise this test says nothing
    assert main == 2
