"""Lists of files beside recordings say the parts of the split; what is called so and holds something else does not."""

import wave
from pathlib import Path

import numpy as np
import pytest

from hw3models.data import fetch
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read, series

X = series(12, 40)


def commands(folder: Path, form: str = "{}/{:04x}_nohash_0") -> list[str]:
    """Twelve short sounds in two classes, as Speech Commands has them."""
    names = [form.format(("yes", "no")[row % 2], row) for row in range(12)]
    for row, name in enumerate(names):
        sound(folder / f"{name}.wav", X[row, :, 0])
    return [f"{name}.wav" for name in names]


def sound(path: Path, values: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(100)
        file.writeframes((values * 1000).astype("<i2").tobytes())


def test_lists_say_which_files_are_for_test_and_validation(tmp_path: Path) -> None:
    names = commands(tmp_path)
    before = fetch(DataSpec(source=str(tmp_path)), cache=tmp_path).digest
    (tmp_path / "testing_list.txt").write_text("\n".join([*names[:4], "yes/gone.wav"]) + "\n")
    (tmp_path / "validation_list.txt").write_text("\n".join(names[4:6]) + "\n")
    sound(tmp_path / "_background_noise_" / "tap.wav", np.zeros(4000, np.float32))
    raw = read(tmp_path)
    assert raw.test is not None
    assert raw.validation is not None
    test, validation = (
        {round(float(one[0]) * 2**15) for one in raw.features[own, :, 0]} for own in (raw.test, raw.validation)
    )
    first = [int(np.int16(one[0, 0] * 1000)) for one in X]
    assert (test, validation) == (set(first[:4]), set(first[4:6]))
    assert (sorted(set(classes(raw))), raw.features.shape) == (["no", "yes"], (12, 40, 1))
    assert (
        "testing_list.txt has the 4 files for test (1 of its files are not here); validation_list.txt has the 2 files "
        "for validation; _background_noise_ left out, which is no class by its name"
    ) in raw.notes[0]
    # The split is part of what the data are.
    with_lists = fetch(DataSpec(source=str(tmp_path)), cache=tmp_path).digest
    (tmp_path / "validation_list.txt").write_text(f"{names[6]}\n")
    assert len({before, with_lists, fetch(DataSpec(source=str(tmp_path)), cache=tmp_path).digest}) == 3


@pytest.mark.parametrize("name", ["test.txt", "val_files.csv", "test-list.lst"])
def test_lists_of_text_recordings_are_no_recordings(name: str, tmp_path: Path) -> None:
    texts(tmp_path)
    (tmp_path / name).write_text("path\n./a/0.csv\nb\\1.csv\n")
    raw = read(tmp_path)
    part = raw.validation if name.startswith("val") else raw.test
    assert part is not None
    assert (raw.features.shape, np.flatnonzero(part).tolist()) == ((12, 40, 1), [0, 6])


def test_a_recording_that_is_called_like_a_list_stays_one(tmp_path: Path) -> None:
    texts(tmp_path, form="a_{}.csv")
    (tmp_path / "a_1.csv").rename(tmp_path / "test.csv")
    (tmp_path / "test.csv").write_text("x\n" + "4\n" * 40)
    raw = read(tmp_path, manifest=str(labels(tmp_path.parent / "labels.csv", tmp_path)))
    assert (raw.features.shape, raw.test) == ((12, 40, 1), None)


def texts(folder: Path, form: str = "{label}/{}.csv") -> None:
    for row in range(12):
        path = folder / form.format(row, label="ab"[row % 2])
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, X[row], fmt="%.4f", header="x", comments="")


def labels(path: Path, folder: Path) -> Path:
    rows = [f"{file.name},{'ab'[row % 2]}" for row, file in enumerate(sorted(folder.iterdir()))]
    path.write_text("\n".join(["file,label", *rows]))
    return path


def test_lists_that_contradict_or_leave_out_are_refused(tmp_path: Path) -> None:
    names = commands(tmp_path)
    (tmp_path / "test.txt").write_text("\n".join(names[:4]))
    (tmp_path / "val.txt").write_text("\n".join(names[3:5]))
    with pytest.raises(DataError, match=rf"{names[3]} stands in test.txt and in val.txt; one is needed"):
        read(tmp_path)
    (tmp_path / "val.txt").unlink()
    (tmp_path / "train_list.txt").write_text("\n".join(names[4:11]))
    with pytest.raises(DataError, match=rf"1 of 12 files stand in none of .*, such as {names[11]}: write them into"):
        read(tmp_path)
    (tmp_path / "train_list.txt").unlink()
    sound(tmp_path / "yes" / "same.wav", X[0, :, 0])
    sound(tmp_path / "no" / "same.wav", X[0, :, 0])
    (tmp_path / "test.txt").write_text("same.wav\n")
    with pytest.raises(DataError, match=r"'same.wav' in test.txt may be no/same.wav and yes/same.wav. Write the path"):
        read(tmp_path)
