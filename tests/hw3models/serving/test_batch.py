"""Predictions for files: every format gives the same, of any size, and what does not fit is named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from hw3models.data import fetch, prepare
from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.engine.model_store import load_model
from hw3models.errors import DataError, SpecError
from hw3models.families.family import Architecture
from hw3models.families.mlp import build_sequence_mlp
from hw3models.pipeline.steps import train_step
from hw3models.serving.batch import score_file
from hw3models.serving.predictor import Predictor, load_predictor, save_predictor
from hw3models.specs import DataSpec, Recipe, TrainSpec
from hw3models.specs.model import ModelManifest

STEPS, CHANNELS = 12, 3


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    return make_predictor(tmp_path / "model")


def make_predictor(folder: Path, *, unequal: bool = False, channels: tuple[str, ...] = ()) -> Predictor:
    torch.manual_seed(0)
    model = build_sequence_mlp(Architecture(shape=(STEPS, CHANNELS), num_classes=2))
    manifest = ModelManifest(
        family="mlp",
        kind="sequences",
        shape=(STEPS, CHANNELS),
        class_names=("calm", "wild"),
        channels=channels,
        mean=(0.5, 0.0, -1.0),
        std=(1.0, 2.0, 0.5),
        unequal_lengths=unequal,
        latent_dim=2,
        dropout=0.0,
        seeds=(0,),
        best_seed=0,
        data_digest="d",
        data_name="toy",
    )
    folder.mkdir()
    save_predictor(folder, manifest, {name: value.unsqueeze(0) for name, value in model.state_dict().items()}, 0)
    return load_predictor(folder)


def examples(number: int = 40) -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(size=(number, STEPS, CHANNELS)).astype(np.float32)


def long_form(values: NDArray[np.float32]) -> pd.DataFrame:
    table = pd.DataFrame(values.reshape(-1, CHANNELS), columns=["x", "y", "z"])
    table.insert(0, "time", np.tile(np.arange(STEPS), len(values)))
    table.insert(0, "sample", np.repeat([f"s{row}" for row in range(len(values))], STEPS))
    return table


def write_all(folder: Path, values: NDArray[np.float32]) -> dict[str, Path]:
    paths = {suffix: folder / f"new.{suffix}" for suffix in ("npz", "npy", "csv", "parquet", "ts")}
    np.savez_compressed(paths["npz"], X=values)
    np.save(paths["npy"], values)
    table = long_form(values)
    # Steps in any order within a series, and a label that is not read.
    shuffled = table.assign(label="wild").sample(frac=1, random_state=1).sort_values("sample", kind="stable")
    order = {f"s{row}": row for row in range(len(values))}
    shuffled = shuffled.sort_values("sample", key=lambda column: column.map(order), kind="stable")
    shuffled.to_csv(paths["csv"], index=False)
    table.to_parquet(paths["parquet"], index=False)
    head = f"@problemName new\n@timestamps false\n@univariate false\n@dimensions {CHANNELS}\n"
    head += f"@equalLength true\n@seriesLength {STEPS}\n@classLabel true calm wild\n@data\n"
    rows = [":".join(",".join(map(repr, map(float, channel))) for channel in one.T) + ":calm" for one in values]
    paths["ts"].write_text(head + "\n".join(rows) + "\n")
    return paths


def test_every_format_gives_the_predictions_of_the_plain_network(tmp_path: Path, predictor: Predictor) -> None:
    values = examples()
    manifest = predictor.manifest
    with torch.inference_mode():
        scaled = (torch.from_numpy(values) - torch.tensor(manifest.mean)) / torch.tensor(manifest.std)
        truth = predictor.model(scaled).softmax(-1).numpy()
    for suffix, path in write_all(tmp_path, values).items():
        output = tmp_path / f"{suffix}.parquet"
        assert score_file(predictor, path, output) == len(values)
        table = pd.read_parquet(output)
        assert list(table.columns) == ["id", "class", "probability", "p_calm", "p_wild"], suffix
        np.testing.assert_allclose(table[["p_calm", "p_wild"]].to_numpy(), truth, atol=1e-6, err_msg=suffix)
        assert list(table["class"]) == [manifest.class_names[k] for k in truth.argmax(1)]
    assert list(pd.read_parquet(tmp_path / "csv.parquet")["id"]) == [f"s{row}" for row in range(len(values))]


def test_csv_output_holds_the_same(tmp_path: Path, predictor: Predictor) -> None:
    path = write_all(tmp_path, examples(2500))["npy"]
    score_file(predictor, path, tmp_path / "a.csv")
    score_file(predictor, path, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "a.parquet"), check_dtype=False
    )


def test_series_across_chunks_of_a_table_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = examples(30)
    path = write_all(tmp_path, values)["parquet"]
    wanted = Wanted("sequences", (STEPS, CHANNELS))
    for rows in (1, 5, 12, 13, 1000):
        monkeypatch.setattr("hw3models.data.readers.long_tables.ROWS", rows)
        blocks = list(read_examples(path, wanted))
        np.testing.assert_array_equal(np.concatenate([block.examples for block in blocks]), values)


def test_shorter_series_are_padded_where_the_model_was_trained_so(tmp_path: Path) -> None:
    predictor = make_predictor(tmp_path / "m", unequal=True)
    values = examples(3)
    table = long_form(values)
    short = table.drop(table.index[(table["sample"] == "s1") & (table["time"] >= 7)])
    short.to_csv(tmp_path / "short.csv", index=False)
    score_file(predictor, tmp_path / "short.csv", tmp_path / "o.parquet")
    cut = values.copy()
    cut[1, 7:] = np.nan
    truth = predictor.predict(cut)["probabilities"]
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "o.parquet")[["p_calm", "p_wild"]], truth, atol=1e-6)


def test_columns_are_taken_by_the_names_that_the_model_was_trained_with(tmp_path: Path) -> None:
    predictor = make_predictor(tmp_path / "m", channels=("x", "y", "z"))
    table = long_form(examples())
    table.to_csv(tmp_path / "as-trained.csv", index=False)
    table[["z", "time", "x", "sample", "y"]].assign(room=7, note="b").to_csv(tmp_path / "other.csv", index=False)
    for name in ("as-trained", "other"):
        score_file(predictor, tmp_path / f"{name}.csv", tmp_path / f"{name}.parquet")
    pd.testing.assert_frame_equal(*(pd.read_parquet(tmp_path / f"{n}.parquet") for n in ("as-trained", "other")))
    table.rename(columns={"y": "Y"}).to_csv(tmp_path / "renamed.csv", index=False)
    with pytest.raises(DataError, match=r"column 'y' is missing; the table has sample, time, x, Y, z"):
        score_file(predictor, tmp_path / "renamed.csv", tmp_path / "o.parquet")


def test_a_model_trained_on_a_table_knows_the_names_of_its_columns(tmp_path: Path) -> None:
    table = long_form(examples()).assign(label=np.repeat(np.arange(40) % 2, STEPS))
    table.to_csv(tmp_path / "named.csv", index=False)
    spec = DataSpec(source=str(tmp_path / "named.csv"))
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    trained = train_step(TrainSpec(data=spec, seeds=(0,), recipe=Recipe(epochs=1)), data, tmp_path / "trained")
    manifest, _ = load_model(Path(trained.directory))
    assert manifest.channels == ("x", "y", "z")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="z"), r"the table has 2 features \(x, y\), but the model takes 3"),
        (
            lambda t: t.rename(columns={"sample": "sampel"}),
            r"column 'sample' \(`sample_column`\) is missing; .*sampel.*did you mean",
        ),
        (lambda t: t.assign(y="a"), r"feature 'y' is not a number at line 2, .*: 'a'"),
        (lambda t: t.iloc[:-2], r"series 's39' has 10 steps, but the model takes 12"),
        (lambda t: t.sort_values("time", kind="stable"), r"rows of series .* do not stand together. Sort the table by"),
        (lambda t: t.assign(x=t["x"].where(t.index != 40)), r"from example 's0': examples must be finite, got nan at"),
        (lambda t: t.iloc[:0], "no rows|holds no examples"),
    ],
)
def test_what_does_not_fit_the_model_is_one_clear_error(
    tmp_path: Path, predictor: Predictor, spoil: object, message: str
) -> None:
    assert callable(spoil)
    spoil(long_form(examples())).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(DataError, match=f"(?i){message}"):
        score_file(predictor, tmp_path / "bad.csv", tmp_path / "o.parquet")
    assert not list(tmp_path.glob("*o.parquet*"))


def test_wrong_arrays_and_files_are_named(tmp_path: Path, predictor: Predictor) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((4, STEPS, 5), np.float32))
    np.savez(tmp_path / "named.npz", emg=np.zeros((4, STEPS, CHANNELS)))
    np.savez(tmp_path / "objects.npz", X=np.array([[1, "a"], [2, None]], dtype=object))
    np.save(tmp_path / "text.npy", np.full((4, STEPS, CHANNELS), "a"))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "named.npz").read_bytes()[:100])
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    for name, message in {
        "wide.npy": "examples are 12 x 5, but the model takes 12 x 3",
        "named.npz": r"the array 'X' is missing; the file has \['emg'\]",
        "objects.npz": "X holds Python objects, which are not unpickled",
        "text.npy": "the array is <U1",
        "cut.npz": "not a whole `.npz` file",
        "none.csv": "there is no such file",
        "a.xlsx": "cannot be read; known are",
    }.items():
        with pytest.raises(DataError, match=message):
            score_file(predictor, tmp_path / name, tmp_path / "o.parquet")
    with pytest.raises(SpecError, match=r"write to a \.parquet or \.csv file"):
        score_file(predictor, tmp_path / "wide.npy", tmp_path / "o.txt")


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from hw3models.serving.predictor import load_predictor
from hw3models.serving.batch import score_file

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024

predictor, (small, large) = load_predictor(Path(sys.argv[1])), map(Path, sys.argv[2:4])
score_file(predictor, small, small.with_suffix(".parquet"))
before = peak()
print(score_file(predictor, large, large.with_suffix(".parquet")), peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    make_predictor(tmp_path / "model")
    sizes = {"small": 30_000, "large": 700_000}
    for name, number in sizes.items():
        values = np.zeros((number, STEPS, CHANNELS), np.float32)
        if suffix == ".npy":
            np.save(tmp_path / f"{name}.npy", values)
        else:
            np.savez_compressed(tmp_path / f"{name}.npz", X=values)
    del values
    paths = [str(tmp_path / f"{name}{suffix}") for name in sizes]
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "model"), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    number, grown = map(int, done.stdout.split())
    assert number == 700_000
    # The large file has 96 MiB.
    assert grown < 40
