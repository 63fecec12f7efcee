"""Data larger than memory: the same replicates by every strategy, every example once, and no more memory than said."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.blocks import is_on_disk, take
from hw3models.data.dataset import Dataset
from hw3models.data.preparation import read_raw
from hw3models.data.scaling import learn_scaling
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.engine.batches import DeviceData
from hw3models.engine.chunked import ChunkedData, load_data
from hw3models.engine.fit import FitResult, fit
from hw3models.errors import DataError, DigestError, SpecError
from hw3models.families import Network, find_family
from hw3models.nn.rng import ReplicateRng
from hw3models.specs import DataSpec, TrainSpec
from tests.tiny import quick_recipe

CPU = torch.device("cpu")


def write(folder: Path, num: int = 400, steps: int = 12, channels: int = 2) -> Path:
    """Series whose class is their mean, in the order of the classes: the worst order for a shuffle."""
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(2, size=num))
    features = (
        rng.normal(size=(num, steps, channels)).astype(np.float32) * np.linspace(1, 5, channels) + labels[:, None, None]
    )
    np.save(folder / "big.npy", features.astype(np.float32))
    np.save(folder / "big_labels.npy", np.array(["low", "high"])[labels])
    return folder / "big.npy"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    spec = DataSpec(source=str(write(tmp_path)))
    return load_prepared(prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path))


def test_a_prepared_file_stays_where_it_is_and_is_read_as_written(dataset: Dataset, tmp_path: Path) -> None:
    written = np.load(tmp_path / "big.npy")
    assert is_on_disk(dataset.features)
    np.testing.assert_array_equal(dataset.features, written)
    assert [dataset.class_names[k] for k in dataset.labels] == np.load(tmp_path / "big_labels.npy").tolist()
    index = np.array([399, 3, 3, 0, 250])
    np.testing.assert_array_equal(take(dataset.features, index), written[index])
    mean, std = learn_scaling(written, None, dataset.train)
    np.testing.assert_allclose(dataset.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(dataset.std, std, rtol=1e-5)
    assert replace(dataset, features=written).digest == dataset.digest


def test_a_file_that_changed_after_it_was_prepared_is_refused(tmp_path: Path) -> None:
    spec = DataSpec(source=str(write(tmp_path)))
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    changed = np.load(tmp_path / "big.npy")
    changed[7, 3, 1] += 1
    np.save(tmp_path / "big.npy", changed)
    with pytest.raises(DigestError, match="The data changed"):
        load_prepared(report)


@pytest.mark.parametrize("memory_rows", [16, 50, 100, 1000])
def test_an_epoch_sees_every_example_once_in_full_batches(dataset: Dataset, memory_rows: int) -> None:
    data = ChunkedData(dataset, CPU, torch.float32, pixels=False, memory_bytes=memory_rows * 12 * 2 * 4)
    rng = ReplicateRng((0, 1), CPU)
    train = torch.as_tensor(dataset.train)
    seen, sizes = [], []
    for index in data.order(train, 16, rng, 1):
        batch = data.batch(index)
        sizes.append(batch.labels.shape[1])
        seen.append(batch.inputs)
    assert sizes == [16] * (len(train) // 16) + ([len(train) % 16] if len(train) % 16 else [])
    expected = (dataset.features[dataset.train] - dataset.mean) / dataset.std
    for mine in torch.cat(seen, dim=1).numpy():
        np.testing.assert_allclose(np.sort(mine[:, 0, 0]), np.sort(expected[:, 0, 0]), rtol=1e-5, atol=1e-6)


def test_chunks_are_mixed_anew_in_every_epoch_and_alike_for_all_replicates(dataset: Dataset) -> None:
    data = ChunkedData(dataset, CPU, torch.float32, pixels=False, memory_bytes=100 * 96)
    first, again, other = (np.concatenate(list(data.chunks(dataset.train, 16, epoch))) for epoch in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    # Sorted by class on disk; a chunk of neighbours would hold one class alone.
    [chunk, *_] = data.chunks(dataset.train, 16, 1)
    assert 0.3 < dataset.labels[chunk].mean() < 0.7


def test_a_chunk_of_bfloat16_holds_twice_as_many_in_the_same_memory(dataset: Dataset) -> None:
    load = partial(load_data, dataset, CPU, memory_bytes=100 * 96)
    whole, half = load(), load(kept=torch.bfloat16)
    assert isinstance(whole, ChunkedData)
    assert isinstance(half, ChunkedData)
    sizes = [len(next(data.chunks(dataset.train, 4, 1))) for data in (whole, half)]
    assert sizes == [100, 200]
    # All of it fits where float32 did not.
    everything = len(dataset.features) * 96
    assert isinstance(load_data(dataset, CPU, memory_bytes=everything // 2), ChunkedData)
    resident = load_data(dataset, CPU, memory_bytes=everything // 2, kept=torch.bfloat16)
    assert isinstance(resident, DeviceData)
    [mine] = half.in_order(dataset.validation, 1)
    [theirs] = resident.in_order(dataset.validation, 1)
    assert torch.equal(mine.inputs, theirs.inputs)


def trained(dataset: Dataset, seeds: tuple[int, ...], strategy: str, memory_mb: int) -> FitResult:
    family = find_family("sequences", "gru")
    assert isinstance(family, Network)
    recipe = quick_recipe(dropout=0.2, jitter=0.1, epochs=3)
    spec = TrainSpec.model_validate(
        {"seeds": seeds, "recipe": recipe, "strategy": strategy, "device": "cpu", "memory_mb": memory_mb}
    )
    return fit(dataset, family, spec, dtype=torch.float64)


def test_replicates_read_in_chunks_are_those_that_train_alone(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw3models.engine.fit.load_data", small_chunks)
    together = trained(dataset, (3, 8), "stacked", 1)
    for strategy in ("stacked", "separate"):
        alone = trained(dataset, (8,), strategy, 1)
        for name, tensor in alone.states.items():
            torch.testing.assert_close(together.states[name][1], tensor[0], rtol=1e-9, atol=1e-10)


def small_chunks(dataset: Dataset, *, device: torch.device, dtype: torch.dtype, **_: object) -> ChunkedData:
    return ChunkedData(dataset, device, dtype, pixels=False, memory_bytes=100 * 96)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"X": np.zeros((4, 3, 2), complex)},
            r"is complex128 \(4, 3, 2\); numbers \(series, steps, channels\)",
        ),
        ({"X": np.zeros(4, np.float32)}, r"float32 \(4,\); numbers \(series, steps, channels\)"),
        ({"X": np.zeros((4, 0, 2), np.float32)}, r"the array is empty: \(4, 0, 2\)"),
        ({"y": np.zeros(3, int)}, r"big_labels\.npy has shape \(3,\); one label per example, \(400,\)"),
        ({"y": np.full(400, 0.5)}, r"label 0\.5 is not a whole number"),
        ({"test": np.zeros(400)}, r"big_test\.npy is float64 \(400,\); bool \(400,\) is needed"),
        (
            {"X": np.full((400, 3, 2), np.nan, np.float32)},
            r"2,400 of 2,400 values are missing .* series 0, step 0, channel 0",
        ),
    ],
)
def test_bad_files_are_refused_with_what_is_needed(tmp_path: Path, change: dict[str, np.ndarray], message: str) -> None:
    path = write(tmp_path)
    for name, file in (("X", "big"), ("y", "big_labels"), ("test", "big_test")):
        if name in change:
            np.save(tmp_path / f"{file}.npy", change[name])
    spec = DataSpec(source=str(path))
    with pytest.raises(DataError, match=message):
        prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, ">f4"])
def test_other_numbers_and_orders_of_memory_are_the_same_series(tmp_path: Path, dtype: Any) -> None:
    series = np.random.default_rng(0).integers(0, 100, (8, 5, 2))
    np.save(tmp_path / "x.npy", np.asfortranarray(series.astype(dtype)))
    np.save(tmp_path / "x_labels.npy", np.arange(8) % 2)
    spec = DataSpec(source=str(tmp_path / "x.npy"))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert raw.features.dtype == np.float32
    assert np.array_equal(raw.features, series)
    [block] = read_examples(tmp_path / "x.npy", Wanted("sequences", (5, 2)))
    assert np.array_equal(block.examples, series)


def test_what_must_be_changed_and_is_too_large_for_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw3models.data.readers.npy_files.MAX_BYTES", 100)
    np.save(tmp_path / "x.npy", np.zeros((8, 5, 2)))
    np.save(tmp_path / "x_labels.npy", np.arange(8) % 2)
    spec = DataSpec(source=str(tmp_path / "x.npy"))
    with pytest.raises(DataError, match=r"float64 \(8, 5, 2\), too large to be changed in memory; write float32"):
        read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)


def test_pickles_missing_labels_and_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "big_labels.npy").rename(tmp_path / "elsewhere.npy")
    with pytest.raises(DataError, match=r"the labels are missing\. Write them to big_labels\.npy"):
        fetch(DataSpec(source=str(path)), cache=tmp_path)
    (tmp_path / "elsewhere.npy").rename(tmp_path / "big_labels.npy")
    np.save(path, np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(DataError, match="the array holds Python objects, which are not unpickled"):
        fetch(DataSpec(source=str(path)), cache=tmp_path)
    from hw3models.data.sources import check_kind

    with pytest.raises(SpecError, match="holds sequences, not images"):
        check_kind("images", DataSpec(source=str(write(tmp_path))))


PROBE = """
import json, resource, sys
import numpy as np, torch
from hw3models.data import fetch, load_prepared, prepare
from hw3models.families import find_family
from hw3models.specs import DataSpec, Recipe, TrainSpec
from hw3models.engine.fit import fit
from pathlib import Path

torch.set_num_threads(1)
network = find_family("sequences", "mlp")
recipe = Recipe(epochs=1, batch_size=256)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
peaks = []
for source in sys.argv[2:]:
    spec = DataSpec(source=source)
    dataset = load_prepared(prepare(spec, fetch(spec, cache=Path(sys.argv[1])), cache=Path(sys.argv[1])))
    fit(dataset, network, TrainSpec(seeds=(0, 1), recipe=recipe, device="cpu", memory_mb=32))
    peaks.append(peak())
print(json.dumps(peaks))
"""


@pytest.mark.slow
def test_memory_is_a_chunk_however_large_the_file(tmp_path: Path) -> None:
    """All of it counted: preparing, checking, scaling, training. The small file first shows what libraries take."""
    for name, num in (("small", 2_000), ("large", 100_000)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, num=num, steps=50, channels=8)
    sources = [str(tmp_path / name / "big.npy") for name in ("small", "large")]
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path), *sources], capture_output=True, text=True, check=True
    )
    small, large = json.loads(done.stdout)
    assert large - small < 1.5 * 32 + 20, f"{large - small:.0f} MiB more for a file of 153 MiB read in chunks of 32"
