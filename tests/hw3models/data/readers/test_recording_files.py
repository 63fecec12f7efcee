"""Folders of arrays, sound, Parquet, PhysioNet's and LabVIEW's text: one series or recording a file."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat, wavfile

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from hw3models.specs import FormOptions
from tests.hw3models.data.readers.forms import classes, read, series

N, T = 12, 30
X = series(N, T, 3).cumsum(axis=1)
Y = ["sit" if row % 2 else "walk" for row in range(N)]
HEAD = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nReader_Version\t2\nSeparator\tTab\nDecimal_Separator\t{mark}\n"
    "Multi_Headings\tNo\nX_Columns\tOne\nTime_Pref\tRelative\nOperator\tü\nDate\t2015/01/01\nTime\t12:00:00,5\n"
    "***End_of_Header***\t\n\t\nChannels\t3\t\t\t\nSamples\t30\t30\t30\t\nX_Dimension\tTime\tTime\tTime\t\n"
    "X0\t0.0E+0\t0.0E+0\t0.0E+0\t\nDelta_X\t0{mark}01\t0{mark}01\t0{mark}01\t\n***End_of_Header***\t\t\t\t\n"
)


def lvm(path: Path, one: Any, mark: str = ".", times: bool = True) -> None:
    rows = [
        "\t".join([f"{0.01 * t:.4f}" if times else "", *(f"{x:.9g}" for x in row), ""]) for t, row in enumerate(one)
    ]
    text = "\n".join(["X_Value\tacc\tgyr\tmag\tComment", *rows])
    path.write_text(HEAD.format(mark=mark) + text.replace(".", mark), encoding="cp1252")


def h5(path: Path, one: Any) -> None:
    with h5py.File(path, "w") as file:
        file["recording/signal"] = one


def table(path: Path, one: Any) -> None:
    frame = pd.DataFrame(one.astype(np.float64), columns=["a", "b", "c"])
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, sep="|", index=False)


def as_json(path: Path, one: Any) -> None:
    channels = {name: one[:, at].astype(np.float64).tolist() for at, name in enumerate("abc"[: one.shape[1]])}
    path.write_text(json.dumps({"device": "d1", "time": list(range(len(one))), **channels}))


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    ".npy": np.save,
    ".npz": lambda path, one: np.savez_compressed(path, one),
    ".mat": lambda path, one: savemat(path, {"sig": one, "fs": 100.0}),
    ".h5": h5,
    ".parquet": table,
    ".psv": table,
    ".lvm": lvm,
    ".json": as_json,
    ".wav": lambda path, one: wavfile.write(path, 100, one),
}


def folder_of(folder: Path, suffix: str, values: Any = X, form: str = "{label}/{row:02d}") -> Path:
    for row, one in enumerate(values):
        path = folder / (form.format(label=Y[row], row=row) + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[suffix](path, one)
    return folder


ORDER = sorted(range(N), key=lambda row: (Y[row], row))
"""Files stand in the order of their paths."""


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_folder_for_each_class_is_read(suffix: str, tmp_path: Path) -> None:
    raw = read(folder_of(tmp_path / "d", suffix))
    np.testing.assert_array_equal(raw.features, X[ORDER])
    assert classes(raw) == [Y[row] for row in ORDER]
    assert any("one recording each; the class of a file is the name of its folder" in note for note in raw.notes)
    [block] = read_examples(tmp_path / "d", Wanted("sequences", (T, 3), channels=raw.channels))
    np.testing.assert_array_equal(block.examples, raw.features)
    assert block.ids[0] == f"sit/01{suffix}"


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_class_may_be_in_the_name_or_in_a_table(suffix: str, tmp_path: Path) -> None:
    flat = folder_of(tmp_path / "flat", suffix, form="{label}_p{row}")
    raw = read(flat, file_pattern="{label}_{group}.*")
    assert classes(raw) == [Y[row] for row in sorted(range(N), key=lambda row: f"{Y[row]}_p{row}{suffix}")]
    assert set(raw.group_names) == {f"p{row}" for row in range(N)}
    named = folder_of(tmp_path / "named", suffix, form="r{row:02d}")
    about = pd.DataFrame({"file": [f"r{row:02d}" for row in range(N)], "class": Y, "subject": np.arange(N) // 3})
    about[::-1].to_csv(named / "about.csv", index=False)
    raw = read(named, group_column="subject")
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == Y
    assert raw.groups is not None
    assert [raw.group_names[code] for code in raw.groups] == [str(row // 3) for row in range(N)]


@pytest.mark.parametrize("suffix", WRITERS)
def test_recordings_are_cut_into_windows(suffix: str, tmp_path: Path) -> None:
    raw = read(folder_of(tmp_path / "d", suffix), window=10, stride=5)
    expected = [X[row, start : start + 10] for row in ORDER for start in range(0, T - 9, 5)]
    np.testing.assert_array_equal(raw.features, expected)
    assert raw.group_kind == "recordings"


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".h5", ".wav"])
def test_series_of_one_channel_and_of_unequal_lengths_are_read(suffix: str, tmp_path: Path) -> None:
    values = [one[: T - row, 0] for row, one in enumerate(X)]
    raw = read(folder_of(tmp_path / "d", suffix, values, "{label}/{row:02d}"))
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [T - row for row in ORDER]
    for found, row in zip(raw.features, ORDER, strict=True):
        np.testing.assert_array_equal(found[: T - row, 0], values[row])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".h5"])
def test_lengths_tell_which_axis_is_time(suffix: str, tmp_path: Path) -> None:
    values = [one[: T - row].T for row, one in enumerate(X)]
    raw = read(folder_of(tmp_path / "d", suffix, values))
    assert raw.found_out == {"axes": "NCT"}
    for found, row in zip(raw.features, ORDER, strict=True):
        np.testing.assert_array_equal(found[: T - row], X[row, : T - row])
    same = folder_of(tmp_path / "same", suffix, X.transpose(0, 2, 1))
    with pytest.raises(DataError, match=r"looks like 3 channels of 30 steps\. Say which: `--axes NCT`"):
        read(same)
    np.testing.assert_array_equal(read(same, axes="NCT").features, X[ORDER])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_is_fractions_of_full_scale(dtype: str, channels: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wanted = {}
    for row in range(N):
        path = tmp_path / "d" / Y[row] / f"{row:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if dtype == "float32":
            samples = rng.uniform(-1, 1, (T, channels)).astype(np.float32)
        else:
            samples = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (T, channels)).astype(dtype)
        wavfile.write(path, 8000, samples[:, 0] if channels == 1 else samples)
        zero, full = {"uint8": (128, 128), "int16": (0, 2**15), "int32": (0, 2**31), "float32": (0, 1)}[dtype]
        wanted[row] = (samples.astype(np.float64) - zero) / full
    raw = read(tmp_path / "d")
    np.testing.assert_allclose(raw.features, [wanted[row] for row in ORDER], rtol=1e-6)
    assert abs(raw.features).max() <= 1
    assert "The time step is 125 us." in raw.notes


def sines(folder: Path) -> Path:
    """A second of 50 Hz or 80 Hz each, at 8,000 or 4,000 samples a second."""
    for row in range(N):
        rate = 8000 if row % 4 < 2 else 4000
        wave = np.sin(2 * np.pi * (50 if row % 2 else 80) * np.arange(rate) / rate)
        path = folder / Y[row] / f"{row:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(path, rate, wave.astype(np.float32))
    return folder


def test_several_rates_in_one_folder_are_said_and_brought_to_one(tmp_path: Path) -> None:
    raw = read(sines(tmp_path / "d"))
    assert raw.features.shape == (N, 8000, 1)
    [note] = [note for note in raw.notes if "steps a second" in note]
    assert "4,000 in 6 files such as sit/03.wav; 8,000 in 6 files such as sit/01.wav" in note
    assert "`--resample 250us` brings all to one grid." in note
    raw = read(tmp_path / "d", resample="250us")
    assert raw.lengths is None
    assert raw.features.shape == (N, 4000, 1)
    at = np.arange(4000) / 4000
    for found, label in zip(raw.features[:, :, 0], classes(raw), strict=True):
        wave = np.sin(2 * np.pi * (50 if label == "sit" else 80) * at)
        np.testing.assert_allclose(found, wave, atol=0.01)


def test_a_file_may_hold_its_label_and_group(tmp_path: Path) -> None:
    for row in range(N):
        path = tmp_path / "d" / f"{row:02d}.npz"
        path.parent.mkdir(exist_ok=True)
        np.savez(path, data=X[row], label=Y[row], subject=f"p{row // 2}")
    raw = read(tmp_path / "d")
    assert classes(raw) == Y
    assert raw.groups is not None
    assert [raw.group_names[code] for code in raw.groups] == [f"p{row // 2}" for row in range(N)]
    assert any("an array of each file is its label" in note for note in raw.notes)


def test_a_label_a_row_in_each_file_is_that_of_its_window(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for row in range(N):
        rows = np.where(np.arange(T) < 10, "sit", "walk")
        savemat(tmp_path / "d" / f"{row:02d}.mat", {"data": X[row], "y": rows.astype(object)})
    raw = read(tmp_path / "d", window=10)
    assert classes(raw) == ["sit", "walk", "walk"] * N


def test_a_table_without_a_header_names_files_as_physionet_does(tmp_path: Path) -> None:
    """REFERENCE.csv begins with a record; `val` has a row for each lead."""
    (tmp_path / "d").mkdir()
    for row in range(N):
        savemat(tmp_path / "d" / f"A{row:05d}.mat", {"val": (1000 * X[row, : T - row, :1].T).astype(np.int16)})
        (tmp_path / "d" / f"A{row:05d}.hea").write_text("A0 1 300 30\n")
    pd.DataFrame([[f"A{row:05d}", Y[row]] for row in range(N)]).to_csv(
        tmp_path / "d" / "REFERENCE.csv", index=False, header=False
    )
    raw = read(tmp_path / "d")
    assert classes(raw) == Y
    np.testing.assert_array_equal(raw.features[0, :, 0], (1000 * X[0, :, 0]).astype(np.int16))


@pytest.mark.parametrize(("mark", "times"), [(",", True), (".", False)])
def test_labviews_marks_and_steps_are_heeded(mark: str, times: bool, tmp_path: Path) -> None:
    for row, one in enumerate(X):
        path = tmp_path / "d" / Y[row] / f"{row:02d}.lvm"
        path.parent.mkdir(parents=True, exist_ok=True)
        lvm(path, one, mark, times)
    raw = read(tmp_path / "d")
    np.testing.assert_array_equal(raw.features, X[ORDER])
    assert raw.channels == ("acc", "gyr", "mag")
    assert "The time step is 0.01 in the time column's unit." in raw.notes


def test_an_archive_of_sound_is_the_folder(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "d", ".wav")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for path in folder.rglob("*.wav"):
            archive.write(path, path.relative_to(tmp_path))
    raw = read(tmp_path / "d.zip")
    np.testing.assert_array_equal(raw.features, X[ORDER])
    assert classes(raw) == [Y[row] for row in ORDER]


def test_tables_beside_that_say_nothing_are_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "d", ".wav")
    (folder / "notes.csv").write_text("who,when\nme,now\nyou,then\n")
    raw = read(folder)
    assert any("; notes.csv not used (`--manifest NAME` takes one" in note for note in raw.notes)


def _short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-48])


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _pickled(path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (path.with_suffix(".ran"),))

    with path.open("wb") as file:
        np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("suffix", "spoil", "message"),
    [
        (".wav", _short, r"sit/01\.wav: no whole sound in plain numbers \(Reached EOF.*ffmpeg -i"),
        (".wav", _cut, r"sit/01\.wav: no whole sound in plain numbers \(.*ffmpeg -i"),
        (".wav", lambda path: path.write_bytes(b"ID3\x04mp3"), r"sit/01\.wav: no whole sound in plain numbers"),
        (".wav", lambda path: wavfile.write(path, 100, X[0, :, 0]), r"sit/01\.wav has one channel, but sit/03\.wav is"),
        (".npy", _pickled, r"sit/01\.npy: the array holds Python objects, which are not unpickled"),
        (".npy", lambda path: np.save(path, X), r"sit/01\.npy: the array is float32 \(12, 30, 3\); one recording in"),
        (".npz", lambda path: np.savez(path, a=X[0], b=X[1]), r"it has the arrays a float32 .* `--arrays X=NAME`"),
        (".npz", lambda path: path.write_bytes(b"PK"), r"sit/01\.npz: not a whole `\.npz` file"),
        (".mat", lambda path: savemat(path, {"sig": "text"}), r"sit/01\.mat: .*one array is the series of a file"),
        (".mat", lambda path: path.write_bytes(b"none"), r"sit/01\.mat: not a whole `\.mat` file"),
        (".lvm", lambda path: path.write_text("a\tb\n1\t2\n"), r"LabVIEW's text with no line '\*\*\*End_of_Header"),
        (
            ".json",
            lambda path: path.write_text('[{"a": [1]}, {"a": [2]}]'),
            r"01\.json: it holds 2 series\. Such a",
        ),
        (".json", lambda path: path.write_text('{"a": [1, 2], "b": [1]}'), r"its lists differ in length \(a 2, b 1\)"),
        (".parquet", lambda path: path.write_bytes(b"PAR1"), r"sit/01\.parquet: cannot be read as a table"),
        (
            ".psv",
            lambda path: path.write_text("a|b\n1|2\n"),
            r"sit/01\.psv has columns a, b, but|but sit/01\.psv has a, b",
        ),
    ],
)
def test_a_file_that_is_none_is_named_in_a_sentence(
    suffix: str, spoil: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "d", suffix)
    spoil(folder / "sit" / f"01{suffix}")
    with pytest.raises(DataError, match=message) as caught:
        read(folder)
    assert len(str(caught.value)) < 700
    assert not list(tmp_path.rglob("*.ran"))


@pytest.mark.parametrize("suffix", [".npz", ".mat", ".h5"])
@pytest.mark.parametrize("names", [("x", "y", "z"), ("x", "y2", "z"), ("u", "v", "w")])
def test_arrays_of_one_length_are_channels_by_their_names(names: tuple[str, ...], suffix: str, tmp_path: Path) -> None:
    """Also x, y and z, which are no series with its labels."""
    (tmp_path / "d").mkdir()
    for row in range(N):
        arrays = {names[2]: X[row, :, 2], names[0]: X[row, :, 0], names[1]: X[row, :, 1]}
        path = tmp_path / "d" / f"{Y[row]}_{row:02d}{suffix}"
        if suffix == ".npz":
            np.savez(path, fs=100, **arrays)
        elif suffix == ".mat":
            savemat(path, {"fs": 100.0, **arrays})
        else:
            with h5py.File(path, "w") as file:
                for name, one in arrays.items():
                    file[name] = one
    raw = read(tmp_path / "d", file_pattern="{label}_*")
    assert raw.channels == names
    np.testing.assert_array_equal(raw.features, X[ORDER])
    assert read(tmp_path / "d", file_pattern="{label}_*", arrays=f"X={names[2]}").features.shape == (N, T, 1)
    if suffix == ".npz":
        np.savez(path, a=X[0, :, 0], b=X[0, :, 1])
        with pytest.raises(DataError, match=r"has a, b, but .* has (x|u), .*\. Give all files the same arrays"):
            read(tmp_path / "d", file_pattern="{label}_*")


def test_channels_that_are_arrays_are_chosen_by_name(tmp_path: Path) -> None:
    for label, row in (("a", 0), ("b", 1)):
        (tmp_path / label).mkdir()
        np.savez(tmp_path / label / "1.npz", **{f"c{at}": np.arange(9.0) + 10 * at + row for at in range(3)})
    raw = read(tmp_path, feature_columns=("c2", "c0"))
    assert raw.channels == ("c2", "c0")
    np.testing.assert_array_equal(raw.features[1, 0], [21, 1])
    assert read(tmp_path, ignore_columns=("c1",)).channels == ("c0", "c2")
    with pytest.raises(DataError, match=r"there is no array 'c9' that is a channel; there are c0, c1, c2"):
        read(tmp_path, feature_columns=("c9",))


def test_x_with_a_whole_number_a_row_has_labels_beside(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for row in range(N):
        np.savez(tmp_path / "d" / f"{row:02d}.npz", x=X[row, :, 0], y=np.arange(T) // 15)
    assert classes(read(tmp_path / "d", window=15)) == ["0", "1"] * N


def test_json_beside_recordings_says_something_about_them(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "d", ".npy")
    for path in list(folder.rglob("*.npy")):
        path.with_suffix(".json").write_text('{"rate": 100}')
    np.testing.assert_array_equal(read(folder).features, X[ORDER])
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "t" / "a.json").write_text('{"rate": 100}')
    with pytest.raises(DataError, match=r"nothing says the class of 1 of 1 files, such as a\.csv"):
        read(tmp_path / "t")


def test_steps_of_channels_in_json_are_channels(tmp_path: Path) -> None:
    for row in range(N):
        path = tmp_path / "d" / f"{row:02d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"label": Y[row], "values": X[row].astype(np.float64).tolist()}))
    raw = read(tmp_path / "d")
    assert raw.channels == ("values_0", "values_1", "values_2")
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == Y


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "d", ".wav")
    np.save(folder / "sit" / "x.npy", X[0])
    assert any("; x.npy not used" in note for note in read(folder).notes)


def test_one_array_of_several_is_named_by_an_option(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for row in range(N):
        np.savez(tmp_path / "d" / f"{Y[row]}_{row:02d}.npz", acc=X[row], gyr=-X[row])
    raw = read(tmp_path / "d", arrays="X=gyr", file_pattern="{label}_*")
    np.testing.assert_array_equal(raw.features, -X[ORDER])


def test_recordings_larger_than_memory_are_refused_before_they_are_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw3models.data.readers.recording_files.MAX_BYTES", 8 * 3 * T * 5)
    with pytest.raises(DataError, match=r"up to walk/.*the recordings need .* GiB; the limit is|sit/11\.npy the recor"):
        read(folder_of(tmp_path / "d", ".npy"))


def test_nothing_is_said_about_pictures(tmp_path: Path) -> None:
    assert find_source(str(folder_of(tmp_path / "d", ".wav"))).name == "folder"
    assert "lvm" in find_source(str(tmp_path / "d")).text


@pytest.mark.parametrize("suffix", [".wav", ".lvm"])
def test_a_model_is_asked_about_a_single_recording(suffix: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "d", suffix)
    path = folder / "sit" / f"01{suffix}"
    channels = ("acc", "gyr", "mag") if suffix == ".lvm" else ()
    [block] = read_examples(path, Wanted("sequences", (T, 3), channels=channels))
    np.testing.assert_array_equal(block.examples, X[1:2])
    assert block.ids.tolist() == [path.name]
    [block] = read_examples(path, Wanted("sequences", (10, 3), channels=channels), form=FormOptions(window=10))
    np.testing.assert_array_equal(block.examples, X[1].reshape(3, 10, 3))
    with pytest.raises(DataError, match=r"it is one recording, and nothing says its class\. Put .* such as walk/01\."):
        read(path)


@pytest.mark.parametrize("is_even", [True, False])
def test_an_array_of_times_beside_channels_is_none_unless_it_is_asked_for(is_even: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / label).mkdir()
        for row in range(3):
            steps = np.full(T, 0.02) + (0 if is_even else rng.uniform(0, 0.02, T))
            times = 1000 * row + np.cumsum(steps)
            np.savez(tmp_path / label / f"{row}.npz", ax=rng.normal(size=T), ay=rng.normal(size=T), Time=times)
    raw = read(tmp_path)
    assert raw.channels == ("ax", "ay")
    told = " ".join((*raw.notes, *raw.understood))
    assert ("The time step is 0.02" in told) == is_even
    assert ("brings them to a grid" in told) != is_even
    assert read(tmp_path, feature_columns=("Time", "ax")).channels == ("Time", "ax")
