"""Fifty studies in one process, as a worker that is never restarted would run them: memory does not grow."""

import gc

import psutil
import pytest

from flows.sequences import sequences
from hw3models.specs import DataSpec, SequencesSpec

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]
NUM, WARM = 50, 15


@pytest.mark.usefixtures("prefect", "home")
def test_memory_does_not_grow_over_fifty_studies() -> None:
    process, used = psutil.Process(), []
    for number in range(NUM):
        data = DataSpec(source="regime:locked", num_train=80, num_test=60, seed=number)
        sequences(SequencesSpec(data=data, families=("mlp", "gru", "majority"), seeds=2, epochs=2))
        gc.collect()
        used.append(process.memory_info().rss / 2**20)
    # Caches of libraries fill during the first studies.
    growth = (used[-1] - used[WARM]) / (NUM - 1 - WARM)
    assert growth < 1.0, f"{growth:.2f} MiB a study: {[round(one) for one in used]}"
