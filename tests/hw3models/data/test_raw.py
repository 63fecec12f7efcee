"""One order of the classes: the digest of data does not depend on the process that reads them."""

import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

from hw3models.data.raw import class_codes

LABELS = ["10", "nan", "2", "1", "NaN", "-nan", "inf", "1.0", "01"]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (("10", "9", "2"), ("2", "9", "10")),
        (("1.0", "1", "01", "inf", "-inf", "2e0"), ("-inf", "01", "1", "1.0", "2e0", "inf")),
        (("10", "nan", "2", "1"), ("1", "10", "2", "nan")),
        (("NaN", "nan", "-nan", "0"), ("-nan", "0", "NaN", "nan")),
        (("b", "a", "10", "9"), ("10", "9", "a", "b")),
    ],
)
def test_classes_have_one_order_whatever_order_they_come_in(labels: tuple[str, ...], order: tuple[str, ...]) -> None:
    for some in list(permutations(labels))[:200]:
        names, codes = class_codes(some)
        assert names == order
        assert [names[code] for code in codes] == list(some)


READ = """
import sys
from pathlib import Path
from hw3models.data import fetch, prepare
from hw3models.data.readers import table_limits
from hw3models.specs import DataSpec
folder, cache = map(Path, sys.argv[1:])
for path in sorted(folder.iterdir()):
    if path.stem in ("toy", "pictures"):
        for table_limits.LARGE_BYTES in (0, 2**30):
            spec = DataSpec(source=str(path))
            data = prepare(spec, fetch(spec, cache=cache), cache=cache / f"{table_limits.LARGE_BYTES}")
            print(path.name, data.class_names, data.digest)
"""


@pytest.mark.slow
def test_every_reader_gives_the_same_digest_whatever_the_hashes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    num, steps = 5 * len(LABELS), 4
    labels = np.array([LABELS[i % len(LABELS)] for i in range(num)])
    values = np.random.default_rng(0).normal(size=(num, steps, 1)).astype(np.float32)
    table = pd.DataFrame({"sample": np.repeat(np.arange(num), steps), "time": np.tile(np.arange(steps), num)})
    table = table.assign(x=values.ravel(), label=np.repeat(labels, steps), group=np.repeat(labels[::-1], steps))
    table.drop(columns="group").to_csv(folder / "toy.csv", index=False)
    table.drop(columns="group").to_parquet(folder / "toy.parquet", index=False)
    np.savez(folder / "toy.npz", X=values, y=labels, groups=np.arange(num).astype(str))
    np.save(folder / "toy.npy", values)
    np.save(folder / "toy_labels.npy", labels)
    rows = [f"{','.join(map(repr, one[:, 0].tolist()))}:{label}" for one, label in zip(values, labels, strict=True)]
    (folder / "toy.ts").write_text("\n".join([f"@classLabel true {' '.join(LABELS)}", "@data", *rows]) + "\n")
    newer_forms(folder, values, labels)
    said = set()
    for seed in ("0", "1", "2", "3"):
        command = [sys.executable, "-c", READ, str(folder), str(tmp_path / f"cache{seed}")]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        said.add(done.stdout)
    assert len(said) == 1, said
    assert len(said.pop().splitlines()) == 2 * (5 + 6)


def newer_forms(folder: Path, values: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
    """The same labels as MATLAB's arrays, HDF5, `.arff`, a wide table, and twice as pictures."""
    savemat(folder / "toy.mat", {"X": values, "y": labels.astype(object)})
    with h5py.File(folder / "toy.h5", "w") as file:
        file["X"] = values
        file.create_dataset("y", data=labels.tolist(), dtype=h5py.string_dtype())
    steps = values.shape[1]
    rows = [",".join([*map(repr, one[:, 0].tolist()), label]) for one, label in zip(values, labels, strict=True)]
    names = "".join(f"@attribute t{step} numeric\n" for step in range(steps))
    header = f"@relation toy\n{names}@attribute class {{{','.join(LABELS)}}}\n@data\n"
    (folder / "toy.arff").write_text(header + "\n".join(rows))
    wide = "\t".join([*(f"t{step}" for step in range(steps)), "label"])
    (folder / "toy.tsv").write_text("\n".join([wide, *(row.replace(",", "\t") for row in rows)]))
    pictures, packed = folder / "pictures", []
    for number, label in enumerate(labels):
        # Names of folders must differ in more than how they are written.
        path = pictures / {"NaN": "a", "-nan": "b", "01": "c", "1.0": "d"}.get(label, label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(path)
        packed.append({"image": {"bytes": path.read_bytes(), "path": path.name}, "label": path.parent.name})
    pd.DataFrame(packed).to_parquet(folder / "pictures.parquet", index=False)
