"""What a model remembers of how its training data were read."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.remembered import as_trained
from hw3models.drift.reading import read_new
from hw3models.engine.model_store import stored_manifest
from hw3models.pipeline.steps import train_step
from hw3models.serving.batch import score_file
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import DataSpec, Recipe, TrainSpec
from hw3models.specs.model import ModelManifest

RNG = np.random.default_rng(0)


def long_table(num: int, steps: int = 12) -> pd.DataFrame:
    """Series of two channels with usual names of columns that are not the default ones."""
    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(num), steps),
            "t": np.tile(np.arange(steps), num),
            "x": RNG.normal(size=num * steps).round(3),
            "y": RNG.normal(size=num * steps).round(3),
            "activity": np.repeat(np.array(["sit", "walk"])[np.arange(num) % 2], steps),
        }
    )


def trained(tmp_path: Path, source: Path, family: str = "mlp", **options: Any) -> Path:
    """A model folder, with what was read to make it."""
    spec = DataSpec(source=str(source), **options)
    data = prepare(spec, fetch(spec, cache=tmp_path / "cache"), cache=tmp_path / "cache")
    network = {"recipe": Recipe(epochs=1, hidden=(4,))} if family == "mlp" else {}
    train_step(TrainSpec(data=spec, family=family, seeds=(0,), device="cpu", **network), data, tmp_path / "trained")
    save_use(tmp_path / "trained", tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("family", ["mlp", "logistic"])
def test_guessed_columns_are_used_where_new_data_have_two_candidates(tmp_path: Path, suffix: str, family: str) -> None:
    def write(table: pd.DataFrame, name: str) -> Path:
        path = tmp_path / f"{name}.{suffix}"
        table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path, index=False)
        return path

    folder = trained(tmp_path, write(long_table(60), "old"), family)
    new = long_table(9)
    other = new.assign(recording=new["trial"] // 2, seconds=new["t"] * 0.5, condition="odd")
    path = write(other, "new")
    predictor = load_predictor(folder)
    assert predictor.manifest.read_as == {
        "sample_column": "trial", "time_column": "t", "label_column": "activity", "layout": "long",
    }  # fmt: skip
    assert score_file(predictor, path, tmp_path / "out.csv") == 9
    found = read_new(DataSpec(source=str(path)), predictor.manifest, cache=tmp_path / "cache")
    np.testing.assert_array_equal(found.examples, new[["x", "y"]].to_numpy(np.float32).reshape(9, 12, 2))
    assert found.classes is not None
    assert found.classes.tolist() == [0, 1] * 4 + [0]
    # Names that only the new table has are found out as before, and what is said comes first.
    renamed = write(new.rename(columns={"trial": "recording", "t": "timestamp"}), "renamed")
    assert score_file(predictor, renamed, tmp_path / "out.csv") == 9
    assert score_file(predictor, path, tmp_path / "out.csv", sample_column="recording,trial") == 9


def test_a_row_for_each_series_is_remembered_with_its_column_of_labels(tmp_path: Path) -> None:
    steps = pd.DataFrame(RNG.normal(size=(60, 20)).round(3), columns=[f"v{step}" for step in range(20)])
    wide = pd.concat([pd.DataFrame({"outcome": ["good", "bad"] * 30}), steps], axis=1)
    wide.to_csv(tmp_path / "old.csv", index=False)
    manifest = stored_manifest(trained(tmp_path, tmp_path / "old.csv"))
    assert manifest.read_as == {"layout": "wide", "label_column": "outcome"}
    wide.head(6).assign(category="new").to_csv(tmp_path / "new.csv", index=False)
    found = read_new(DataSpec(source=str(tmp_path / "new.csv"), ignore_columns=("category",)), manifest, cache=tmp_path)
    assert found.classes is not None
    assert [manifest.class_names[one] for one in found.classes] == ["good", "bad"] * 3
    # A table in long form is read as one, whatever the training data were.
    long_table(3).rename(columns={"trial": "sample", "t": "time"}).to_csv(tmp_path / "long.csv", index=False)
    assert as_trained(DataSpec(source=str(tmp_path / "long.csv")), manifest).layout == "auto"


def test_names_of_arrays_and_their_axes_are_remembered(tmp_path: Path) -> None:
    values = RNG.normal(size=(60, 2, 12))
    savemat(tmp_path / "old.mat", {"signals": values, "labels": np.arange(60) % 2})
    folder = trained(tmp_path, tmp_path / "old.mat")
    assert stored_manifest(folder).read_as == {"arrays": "X=signals,y=labels", "axes": "NCT"}
    # Two that may be the series: the one that the training data had is taken; without labels only it is asked for.
    savemat(tmp_path / "new.mat", {"signals": values[:5], "data": np.zeros((5, 2, 12))})
    predictor = load_predictor(folder)
    found = read_new(DataSpec(source=str(tmp_path / "new.mat")), predictor.manifest, cache=tmp_path)
    np.testing.assert_allclose(found.examples, values[:5].transpose(0, 2, 1), rtol=1e-6)
    savemat(tmp_path / "other.mat", {"data": values[:5]})
    assert score_file(predictor, tmp_path / "other.mat", tmp_path / "out.csv") == 5


def test_windows_and_the_grid_of_training_are_those_of_new_recordings(tmp_path: Path) -> None:
    def recording(num: int) -> pd.DataFrame:
        return pd.concat([long_table(1, 48).assign(trial=number, activity=["sit", "walk"][number % 2])
                          for number in range(num)])  # fmt: skip

    recording(40).to_csv(tmp_path / "old.csv", index=False)
    folder = trained(tmp_path, tmp_path / "old.csv", window=12, stride=6)
    assert stored_manifest(folder).read_as["stride"] == 6
    recording(2).drop(columns="activity").to_csv(tmp_path / "new.csv", index=False)
    assert score_file(load_predictor(folder), tmp_path / "new.csv", tmp_path / "out.csv") == 2 * 7


def test_what_was_found_out_changes_no_digest(tmp_path: Path) -> None:
    long_table(60).to_csv(tmp_path / "a.csv", index=False)
    named = {"sample_column": "trial", "time_column": "t", "label_column": "activity"}
    specs = [DataSpec(source=str(tmp_path / "a.csv"), **options) for options in ({}, {**named, "layout": "long"})]
    reports = [prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path) for spec in specs]
    assert reports[0].digest == reports[1].digest
    assert load_prepared(reports[1]).found_out == {}


def test_a_model_of_an_earlier_version_has_its_two_columns(tmp_path: Path) -> None:
    folder = trained(tmp_path, _written(tmp_path / "old.csv"))
    known = stored_manifest(folder).model_dump() | {"read_as": {}, "sample_column": "trial", "time_column": "t"}
    asked = as_trained(DataSpec(source=str(tmp_path / "old.csv")), ModelManifest.model_validate(known))
    assert (asked.sample_column, asked.time_column, asked.label_column) == ("trial", "t", "label")


def _written(path: Path) -> Path:
    long_table(60).to_csv(path, index=False)
    return path


def test_new_files_of_channels_need_no_labels(tmp_path: Path) -> None:
    values = RNG.normal(size=(60, 12, 3)).astype(np.float32)

    def write(folder: Path, some: Any, labels: Any = None) -> Path:
        folder.mkdir()
        for channel in range(3):
            np.savetxt(folder / f"acc_{'xyz'[channel]}.txt", some[:, :, channel].astype(np.float64), fmt="%.17g")
        if labels is not None:
            (folder / "y.txt").write_text("\n".join(labels))
        return folder

    old = write(tmp_path / "old", values, ["sit", "walk"] * 30)
    predictor = load_predictor(trained(tmp_path, old, "logistic"))
    assert predictor.manifest.read_as == {"layout": "channels"}
    assert predictor.manifest.channels == ("acc_x", "acc_y", "acc_z")
    new = write(tmp_path / "new", values[:5])
    assert score_file(predictor, new, tmp_path / "out.csv") == 5
    assert score_file(predictor, old, tmp_path / "labelled.csv") == 60
    mine, theirs = (pd.read_csv(tmp_path / name) for name in ("out.csv", "labelled.csv"))
    pd.testing.assert_frame_equal(mine, theirs.head(5))
    assert as_trained(DataSpec(source=str(tmp_path / "a.npz")), predictor.manifest).layout == "auto"


def two_columns_of_time(path: Path, values: Any, labels: list[str]) -> dict[str, Any]:
    times = pd.Series(pd.date_range("2024-02-28 23:59:58.5", periods=values.shape[1], freq="500ms").as_unit("ns"))
    num, steps = len(values), values.shape[1]
    table = pd.DataFrame({"id": np.repeat(np.arange(num), steps), "x": values[:, :, 0].ravel()})
    table["Date"], table["Time"] = (
        np.tile(times.dt.strftime("%d.%m.%Y"), num),
        np.tile(times.dt.strftime("%H:%M:%S.%f"), num),
    )
    table.assign(label=np.repeat(labels, steps)).to_csv(path.with_suffix(".csv"), index=False)
    return {}


def series_in_columns(path: Path, values: Any, labels: list[str]) -> dict[str, Any]:
    rows = [["time", *(f"s{row}" for row in range(len(values)))], ["label", *labels]]
    rows += [[step, *values[:, step, 0]] for step in range(values.shape[1])]
    path.with_suffix(".csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    return {}


def struct_array(path: Path, values: Any, labels: list[str]) -> dict[str, Any]:
    found = np.empty(len(values), dtype=[("signal", object), ("kind", object)])
    for row, label in enumerate(labels):
        found[row] = (values[row], label)
    savemat(path.with_suffix(".mat"), {"rec": found})
    return {"arrays": "X=rec.signal,y=rec.kind"}


def sensors(path: Path, values: Any, labels: list[str]) -> dict[str, Any]:
    for row, label in enumerate(labels):
        folder = path / label / f"{row:03d}"
        folder.mkdir(parents=True)
        for place, name in enumerate(("Accelerometer", "Gyroscope")):
            own = pd.DataFrame({"time_s": (np.arange(values.shape[1]) + 0.1 * place) * 0.02, "x": values[row, :, 0]})
            own.to_csv(folder / f"{name}.csv", index=False)
    return {"resample": "20ms"}


@pytest.mark.parametrize("form", [two_columns_of_time, series_in_columns, struct_array, sensors])
def test_new_data_of_the_same_form_need_no_options(form: Any, tmp_path: Path) -> None:
    values = RNG.normal(size=(60, 12, 1)).round(3)
    labels = ["sit", "walk"] * 30
    options = form(tmp_path / "old", values, labels)
    old = next(path for path in tmp_path.iterdir() if path.name.startswith("old"))
    predictor = load_predictor(trained(tmp_path, old, **options))
    spec = DataSpec(source=str(old), **options)
    cache = tmp_path / "cache"
    data = load_prepared(prepare(spec, fetch(spec, cache=cache), cache=cache))
    assert score_file(predictor, old, tmp_path / "out.csv") == 60
    found = read_new(DataSpec(source=str(old)), predictor.manifest, cache=cache)
    np.testing.assert_array_equal(found.examples, data.features)
    assert found.classes is not None
    assert found.classes.tolist() == data.labels.tolist()
