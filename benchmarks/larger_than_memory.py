"""`make bench-memory`: train on a 4 GiB file in chunks, and compare the peak memory with that of a small file.

Everything is counted: fetching, checking, scaling, the digest, training. Two processes, one for each file, so that
each has a peak of its own. Exit code 1 when the large one takes more than 1.5 chunks more.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

PROGRAM = """
import json, sys, time
from pathlib import Path
from hw3models.data import fetch, load_prepared, prepare
from hw3models.families import find_family
from hw3models.specs import DataSpec, Recipe, TrainSpec
from hw3models.training import fit

path, megabytes = Path(sys.argv[1]), int(sys.argv[2])
spec = DataSpec(source=str(path))
dataset = load_prepared(prepare(spec, fetch(spec, cache=path.parent), cache=path.parent))
start = time.perf_counter()
recipe = Recipe(epochs=1, batch_size=256)
fit(dataset, find_family("sequences", "mlp"), TrainSpec(seeds=(0, 1), recipe=recipe, device="cpu", memory_mb=megabytes))
# Not ru_maxrss: that begins with what the parent held when it started this process, such as the file just written.
(peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(json.dumps([int(peak) / 1024, time.perf_counter() - start]))
"""
STEPS, CHANNELS = 50, 8


def main() -> int:
    """1 when too much memory was taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=4.0, help="size of the large file")
    parser.add_argument("--chunk-mb", type=int, default=512)
    parser.add_argument(
        "--folder", type=Path, help="where the file is written; the system's temporary folder if not given"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        small, _ = measured(write(Path(folder) / "small", 2_000), options.chunk_mb)
        num = int(options.gib * 2**30 / (4 * STEPS * CHANNELS))
        large, seconds = measured(write(Path(folder) / "large", num), options.chunk_mb)
    chunks = (large - small) / options.chunk_mb
    sys.stdout.write(
        f"{options.gib:g} GiB ({num:,} series of {STEPS} x {CHANNELS}), chunks of {options.chunk_mb} MiB: peak "
        f"{large:,.0f} MiB, {small:,.0f} MiB with a small file; {chunks:.2f} chunks more. "
        f"One epoch of 2 MLPs: {seconds:.0f} s.\n"
    )
    return int(chunks > 1.5)


def write(folder: Path, num: int) -> Path:
    """White noise with two classes, written in blocks."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    array = open_memmap(str(folder / "noise.npy"), "w+", np.float32, (num, STEPS, CHANNELS))
    for start in range(0, num, 10_000):
        stop = min(start + 10_000, num)
        array[start:stop] = rng.standard_normal((stop - start, STEPS, CHANNELS), dtype=np.float32)
    array.flush()
    np.save(folder / "noise_labels.npy", rng.integers(2, size=num))
    return folder / "noise.npy"


def measured(path: Path, chunk_mb: int) -> tuple[float, float]:
    """Peak resident memory in MiB of a process of its own, and the seconds of one epoch."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(chunk_mb)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    peak, seconds = json.loads(done.stdout)
    return peak, seconds


if __name__ == "__main__":
    sys.exit(main())
