"""The table of forms in docs/own-data.md: each command reads a file of its form."""

import json
import re
import shlex
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from flows.cli.data import check
from flows.cli.main import app
from hw3models.checking import check_data
from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.specs import DataSpec

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-data.md").read_text()
COMMANDS = re.findall(r"^\| .* \| `hw3 (check .*)` \|$", PAGE, re.MULTILINE)
X = np.random.default_rng(0).normal(size=(40, 12, 2)).round(3)
Y = ["walk", "sit"] * 20


def long(**names: str) -> pd.DataFrame:
    table = pd.DataFrame(X.reshape(-1, 2), columns=["x", "y"])
    table[names.get("sample", "sample")] = np.repeat([f"s{row}" for row in range(40)], 12)
    table[names.get("time", "time")] = np.tile(np.arange(12) * 0.02, 40)
    return table.assign(label=np.repeat(Y, 12))


def arff(rows: range) -> str:
    lines = ["@relation a", *(f"@attribute t{t} numeric" for t in range(12)), "@attribute class {walk,sit}", "@data"]
    return "\n".join([*lines, *(",".join([*map(str, X[row, :, 0]), Y[row]]) for row in rows)])


def ts(rows: range) -> str:
    lines = ["@timeStamps false", "@univariate true", "@classLabel true walk sit", "@data"]
    return "\n".join([*lines, *(",".join(map(str, X[row, :, 0])) + f":{Y[row]}" for row in rows)])


def write_all(folder: Path, command: str) -> None:
    """What the command names."""
    long(sample="trial", time="t").to_csv(folder / "mine.csv", index=False)
    if "--window" in command:  # ten recordings, long enough for a window
        many = long().assign(user=np.repeat([f"u{row}" for row in range(10)], 48)).drop(columns="sample")
        many = many.loc[many.index.repeat(8)].assign(time=np.tile(np.arange(384) * 0.02, 10))
        many.assign(label=np.where(many["user"].isin(["u0", "u3", "u4", "u7", "u8"]), "walk", "sit")).to_csv(
            folder / "long.csv", index=False
        )
    else:
        long().to_csv(folder / "long.csv", index=False)
    wide = pd.DataFrame(X[:, :, 0]).set_axis([f"t{t}" for t in range(12)], axis=1)
    wide.insert(0, "label", Y)
    wide.to_csv(folder / "Gun_TRAIN.tsv", sep="\t", index=False, header=False)
    tidy = long().melt(id_vars=["sample", "time", "label"], var_name="dimension").rename(columns={"sample": "case"})
    tidy.to_csv(folder / "tidy.csv", index=False)
    for part, rows in (("TRAIN", range(20)), ("TEST", range(20, 40))):
        (folder / f"RacketSports_{part}.ts").write_text(ts(rows))
        (folder / f"RacketSports_{part}.arff").write_text(arff(rows))
    with zipfile.ZipFile(folder / "RacketSports.zip", "w") as archive:
        for part in ("TRAIN", "TEST"):
            archive.write(folder / f"RacketSports_{part}.ts", f"RacketSports_{part}.ts")
    pd.DataFrame({"x": list(X[:, :, 0]), "y": list(X[:, :, 1]), "activity": Y}).to_parquet(folder / "mine.parquet")
    subjects = np.arange(40) % 10
    savemat(folder / "rec.mat", {"signals": X.transpose(0, 2, 1), "labels": np.arange(40) % 2, "subject": subjects})
    np.savez(folder / "mine.npz", X=X, y=np.arange(40) % 2)
    write_with_labels_apart(folder)
    write_of_devices(folder)
    for row in range(40):
        path = folder / "recordings" / ("" if "--" in command else Y[row]) / f"{Y[row]}_{row % 10}_{row}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(X[row], columns=["x", "y"]).to_csv(path, index=False)
    about: dict[str, Any] = {"file": [f"{Y[row]}_{row % 10}_{row}.csv" for row in range(40)], "label": Y}
    pd.DataFrame({**about, "subject": subjects}).to_csv(folder / "about.csv", index=False)


def write_with_labels_apart(folder: Path) -> None:
    """A table and that of its labels, a file for each channel, a group or a record for each series."""
    long().drop(columns="label").to_csv(folder / "data.csv", index=False)
    names = [f"s{row}" for row in range(40)]
    pd.DataFrame({"sample": names, "label": Y})[::-1].to_csv(folder / "labels.csv", index=False)
    for part, rows in (("train", slice(0, 20)), ("test", slice(20, 40))):
        inside = folder / "UCI HAR Dataset" / part / "Inertial Signals"
        inside.mkdir(parents=True)
        for channel in range(2):
            np.savetxt(inside / f"acc_{'xy'[channel]}_{part}.txt", X[rows, :, channel])
        (inside.parent / f"y_{part}.txt").write_text("\n".join(Y[rows]))
    with h5py.File(folder / "rec.h5", "w") as file:
        for row, name in enumerate(names):
            file[f"{name}/signal"] = X[row]
            file[name].attrs["label"] = Y[row]
    records = [{"id": names[row], "label": Y[row], "values": X[row].tolist()} for row in range(40)]
    (folder / "rec.jsonl").write_text("\n".join(map(json.dumps, records)))


def write_of_devices(folder: Path) -> None:
    """A column for each series, a struct array, sensors in files of their own, lists of files, stretches of time."""
    rows = [["nm", *(f"s{row}" for row in range(40))], ["label", *Y], *([400 + t, *X[:, t, 0]] for t in range(12))]
    (folder / "spectra.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    struct = np.empty(40, dtype=[("x", object), ("y", object), ("label", object)])
    for row in range(40):
        struct[row] = (X[row, :, 0], X[row, :, 1], Y[row])
        recording = folder / "phones" / Y[row] / f"{row:02d}"
        recording.mkdir(parents=True)
        for place, sensor in enumerate(("Accelerometer", "Gyroscope")):
            own = pd.DataFrame({"seconds_elapsed": np.arange(12) * 0.02 + 0.005 * place, "x": X[row, :, place]})
            own.to_csv(recording / f"{sensor}.csv", index=False)
        spoken = folder / "speech" / Y[row] / f"{row:02d}.npy"
        spoken.parent.mkdir(parents=True, exist_ok=True)
        np.save(spoken, X[row])
    savemat(folder / "structs.mat", {"rec": struct})
    (folder / "speech" / "testing_list.txt").write_text("\n".join(f"{Y[row]}/{row:02d}.npy" for row in range(8)))
    (folder / "annotated").mkdir()
    stretches = ["file,start,end,label"]
    for row in range(10):
        own = pd.DataFrame(np.random.default_rng(row).normal(size=(384, 2)), columns=["x", "y"])
        own.insert(0, "time", np.arange(384) * 0.02)
        own.to_csv(folder / "annotated" / f"r{row}.csv", index=False)
        stretches += [f"r{row}.csv,0,{128 * 0.02},walk", f"r{row}.csv,{128 * 0.02},{384 * 0.02},sit"]
    (folder / "annotated" / "labels.csv").write_text("\n".join(stretches))


def test_the_table_has_every_form() -> None:
    assert len(COMMANDS) == 24


@pytest.mark.parametrize("command", [one for one in COMMANDS if "uea:" not in one])
def test_each_command_of_the_table_reads_its_form(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path, command)
    function, bound, _ = app.parse_args(shlex.split(command), exit_on_error=False, print_error=False)
    assert function is check
    spec = DataSpec(source=bound.arguments["source"], **dict(bound.arguments.get("data", {})))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    found, _ = check_data(raw, spec)
    assert (found.num_errors, len(found.class_names)) == (0, 2)
    if spec.window is None and spec.resample is None:
        assert found.num_examples == 40
        first = (
            1 if "recordings/" in command or "speech/" in command else 0
        )  # files stand in the order of their names: sit_1_1.csv is the first
        np.testing.assert_allclose(raw.features[0, :, 0], X[first, :, 0], rtol=1e-5)
