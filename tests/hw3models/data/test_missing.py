"""Missing values are refused with their place, or filled as pandas would, in training and in prediction."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.dataset import Dataset
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError
from hw3models.families import Network, find_family
from hw3models.pipeline.steps import train_step
from hw3models.serving.predictor import load_predictor, save_predictor
from hw3models.specs import DataSpec, Recipe, TrainSpec

NUM, STEPS, CHANNELS = 24, 10, 2


def gappy() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(NUM, STEPS, CHANNELS)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[3, :, 1] = np.nan  # nothing of a channel
    values[5, :4, 0] = np.nan  # a gap at the start
    values[6, 7:, 0] = np.nan  # and at the end
    return values, np.arange(NUM) % 2


def filled_by_pandas(values: NDArray[np.float32], train: NDArray[np.int64]) -> NDArray[np.float64]:
    means = np.nanmean(values[train], axis=(0, 1))
    tables = [
        pd.DataFrame(one).astype(float).interpolate(limit_direction="both").fillna(pd.Series(means)) for one in values
    ]
    return np.stack([table.to_numpy() for table in tables])


def write(folder: Path, suffix: str) -> Path:
    values, labels = gappy()
    path = folder / f"gaps.{suffix}"
    if suffix == "npz":
        np.savez(path, X=values, y=labels)
    elif suffix == "npy":
        np.save(path, values)
        np.save(folder / "gaps_labels.npy", labels)
    elif suffix == "ts":
        head = f"@problemName gaps\n@univariate false\n@dimensions {CHANNELS}\n@classLabel true 0 1\n@data\n"
        rows = [
            ":".join(",".join("?" if np.isnan(v) else repr(float(v)) for v in channel) for channel in one.T)
            for one in values
        ]
        lines = [f"{row}:{label}" for row, label in zip(rows, labels, strict=True)]
        path.write_text(head + "\n".join(lines))
    else:
        table = pd.DataFrame(values.reshape(-1, CHANNELS), columns=["x", "y"])
        table.insert(0, "time", np.tile(np.arange(STEPS), NUM))
        table.insert(0, "sample", np.repeat(np.arange(NUM), STEPS))
        table["label"] = np.repeat(labels, STEPS)
        table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path, index=False)
    return path


def prepared(path: Path, cache: Path, missing: str) -> Dataset:
    spec = DataSpec.model_validate({"source": str(path), "missing": missing})
    return load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))


@pytest.mark.parametrize("suffix", ["npz", "npy", "csv", "parquet", "ts"])
def test_gaps_are_refused_with_the_remedy_and_filled_where_asked(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path, suffix)
    with pytest.raises(DataError, match=r"missing.*`--missing interpolate` fills gaps"):
        prepared(path, tmp_path / "cache", "refuse")
    dataset = prepared(path, tmp_path / "cache", "interpolate")
    truth = filled_by_pandas(gappy()[0], dataset.train)
    np.testing.assert_allclose(np.asarray(dataset.features), truth, atol=1e-6)
    np.testing.assert_allclose(dataset.mean, truth[dataset.train].mean((0, 1)), atol=1e-6)


def test_infinite_values_are_refused_all_the_same(tmp_path: Path) -> None:
    values, labels = gappy()
    values[2, 3, 1] = np.inf
    np.savez(tmp_path / "inf.npz", X=values, y=labels)
    with pytest.raises(
        DataError, match=r"1 of 480 values are .*infinite, the first is inf at series 2, step 3, channel 1"
    ):
        prepared(tmp_path / "inf.npz", tmp_path / "cache", "interpolate")


def test_filling_changes_nothing_where_nothing_is_missing(tmp_path: Path) -> None:
    values, labels = gappy()
    np.savez(tmp_path / "whole.npz", X=np.nan_to_num(values), y=labels)
    digests = {prepared(tmp_path / "whole.npz", tmp_path / "cache", way).digest for way in ("refuse", "interpolate")}
    assert len(digests) == 1


def test_the_model_fills_what_it_is_asked_about_as_in_its_training(tmp_path: Path) -> None:
    path = write(tmp_path, "npz")
    spec = DataSpec(source=str(path), missing="interpolate")
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    mlp = find_family("sequences", "mlp")
    assert isinstance(mlp, Network)
    job = TrainSpec(data=spec, family="mlp", seeds=(0,), recipe=Recipe(epochs=2))
    train_step(job, data, tmp_path / "model")
    manifest, states = load_model(tmp_path / "model")
    save_predictor(tmp_path / "one", manifest, states, 0)
    predictor = load_predictor(tmp_path / "one")
    values, _ = gappy()
    rows = [row for row in range(NUM) if row != 3]  # where a whole channel is missing the means differ a little
    dataset = load_prepared(data)
    np.testing.assert_allclose(
        predictor.predict(values)["probabilities"][rows],
        predictor.predict(np.asarray(dataset.features))["probabilities"][rows],
        atol=1e-6,
    )
