"""Out of memory, really: the process may have so many bytes more and no others."""

import json
import os
import subprocess
import sys

import pytest

from hw3models.engine.out_of_memory import MemoryPlan

LIMITED = """
import json, resource, sys
import torch
torch.set_num_threads(2)
from hw3models.families import find_family
from hw3models.specs import Recipe, TrainSpec
from hw3models.engine.fit import fit
from tests.tiny import tiny_dataset
mebibytes, strategy, seeds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
data = tiny_dataset('images')
family = find_family(data.kind, "autoencoder")
heard = []
def run(hidden, seeds):
    spec = TrainSpec(family="autoencoder", seeds=tuple(range(seeds)), strategy=strategy,
        recipe=Recipe(hidden=(hidden, hidden), epochs=2, batch_size=16, dropout=0.0))
    return fit(data, family, spec, on_epoch=lambda report: heard.append((report.epoch, report.seeds)))
free = run(8, seeds)  # libraries and their threads take what they need
heard.clear()
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (mebibytes << 20),) * 2)
try:
    result = run(1_500, seeds)
    print(json.dumps({"notes": result.notes, "seeds": result.seeds, "heard": heard}))
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""


def limited(mebibytes: int, strategy: str, seeds: int) -> dict[str, object]:
    command = [sys.executable, "-c", LIMITED, str(mebibytes), strategy, str(seeds)]
    # What is freed is given back at once. glibc would keep it in pieces, in as many arenas as threads happen to meet:
    # whether a later try fits was then a matter of luck.
    giving = os.environ | {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=giving)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.slow
def test_with_too_little_memory_fewer_replicates_train_at_once_and_say_so() -> None:
    answer = limited(1_175, "stacked", 8)
    assert answer.get("seeds") == list(range(8)), answer
    assert isinstance(answer["notes"], list)
    assert answer["notes"], "it fitted at once: the limit is too high for this test"
    assert "out of memory with 8 replicates as one program" in answer["notes"][0]
    assert "can't allocate memory" in answer["notes"][0]
    assert isinstance(answer["heard"], list)
    heard = [(epoch, seed) for epoch, seeds in answer["heard"] for seed in seeds]
    assert sorted(heard) == [(epoch, seed) for epoch in (1, 2) for seed in range(8)]


@pytest.mark.slow
def test_what_does_not_fit_alone_says_what_to_try() -> None:
    answer = limited(60, "stacked", 2)
    assert "one replicate of autoencoder alone does not fit into memory" in str(answer["error"])
    assert "smaller batch_size" in str(answer["error"])


@pytest.mark.parametrize(
    ("plan", "smaller"),
    [
        (MemoryPlan(((0, 1, 2, 3, 4),), 1), MemoryPlan(((0, 1), (2, 3, 4)), 1)),
        (MemoryPlan(((0, 1), (2,)), 2), MemoryPlan(((0,), (1,), (2,)), 2)),
        (MemoryPlan(((0,), (1,)), 2), MemoryPlan(((0,), (1,)), 1)),
        (MemoryPlan(((0,), (1,)), 1), None),
    ],
)
def test_plans_get_smaller_until_one_replicate_is_left(plan: MemoryPlan, smaller: MemoryPlan | None) -> None:
    assert plan.smaller() == smaller
