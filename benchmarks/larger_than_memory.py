"""`make bench-memory`: train on 4 GiB of series in chunks, and compare the peak memory with that of a small file.

The file is `.npy`, or with `--parquet` a table in long form, which has as many numbers and in each row a name, a step
and a label beside them.

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
import pyarrow
import pyarrow.parquet as parquet
from numpy.lib.format import open_memmap

PROGRAM = """
import json, sys, time
from pathlib import Path
from hw3models.data import fetch, load_prepared, prepare
from hw3models.families import find_family
from hw3models.specs import DataSpec, Recipe, TrainSpec
from hw3models.engine.fit import fit

path, megabytes, precision = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
begin = time.perf_counter()
spec = DataSpec(source=str(path))
dataset = load_prepared(prepare(spec, fetch(spec, cache=path.parent), cache=path.parent))
start = time.perf_counter()
recipe = Recipe(epochs=1, batch_size=256)
training = TrainSpec(seeds=(0, 1), recipe=recipe, device="cpu", memory_mb=megabytes, precision=precision)
fit(dataset, find_family("sequences", "mlp"), training)
# Not ru_maxrss: that begins with what the parent held when it started this process, such as the file just written.
(peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(json.dumps([int(peak) / 1024, time.perf_counter() - start, start - begin]))
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
    parser.add_argument("--parquet", action="store_true", help="a table instead of `.npy`")
    parser.add_argument("--precision", default="float32", choices=["float32", "bf16"])
    options = parser.parse_args()
    write = write_parquet if options.parquet else write_npy
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        small, *_ = measured(write(Path(folder) / "small", 2_000), options)
        num = int(options.gib * 2**30 / (4 * STEPS * CHANNELS))
        large, seconds, preparing = measured(write(Path(folder) / "large", num), options)
    chunks = (large - small) / options.chunk_mb
    sys.stdout.write(
        f"{'Parquet' if options.parquet else '.npy'}, {options.gib:g} GiB ({num:,} series of {STEPS} x {CHANNELS}), "
        f"chunks of {options.chunk_mb} MiB, {options.precision}: peak {large:,.0f} MiB, "
        f"{small:,.0f} MiB with a small file; {chunks:.2f} chunks more. "
        f"Fetched and prepared in {preparing:.0f} s; one epoch of 2 MLPs: {seconds:.0f} s.\n"
    )
    return int(chunks > 1.5)


def write_npy(folder: Path, num: int) -> Path:
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


def write_parquet(folder: Path, num: int) -> Path:
    """The same as rows, a group for each block."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    path, writer = folder / "noise.parquet", None
    for start in range(0, num, 10_000):
        size = min(10_000, num - start)
        rows = rng.standard_normal((size * STEPS, CHANNELS), dtype=np.float32)
        columns = {f"x{channel}": rows[:, channel] for channel in range(CHANNELS)}
        columns["sample"] = np.repeat(np.arange(start, start + size), STEPS)
        columns["time"] = np.tile(np.arange(STEPS), size)
        columns["label"] = np.repeat(rng.integers(2, size=size), STEPS)
        table = pyarrow.table(columns)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


def measured(path: Path, options: argparse.Namespace) -> tuple[float, float, float]:
    """Peak resident memory in MiB of a process of its own, and the seconds of one epoch and of what came before it."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(options.chunk_mb), options.precision]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    peak, seconds, preparing = json.loads(done.stdout)
    return peak, seconds, preparing


if __name__ == "__main__":
    sys.exit(main())
