"""A file for each channel with a file of labels, as UCI HAR; X beside y; by numpy's own reading."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.data.readers import channel_files
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError
from hw3models.specs import DataSpec, FormOptions
from tests.hw3models.data.readers.forms import classes, read, series

N, T, TRAIN = 24, 16, 16
X = series(N, T, 3).cumsum(axis=1)
CODES = np.arange(N) % 3 + 1
NAMES = {1: "WALKING", 2: "SITTING", 3: "LYING DOWN"}
SUBJECTS = np.arange(N) // 4 + 1
PARTS = {"train": slice(0, TRAIN), "test": slice(TRAIN, N)}
CHANNELS = ("body_acc_x", "body_acc_y", "total_acc_x")


def har(folder: Path) -> Path:
    """The layout of the archive, with its 561 features (here 56) and its texts about them."""
    for part, rows in PARTS.items():
        inside = folder / part / "Inertial Signals"
        inside.mkdir(parents=True)
        for channel, name in enumerate(CHANNELS):
            np.savetxt(inside / f"{name}_{part}.txt", X[rows, :, channel], fmt=" %15.7e")
        np.savetxt(folder / part / f"X_{part}.txt", np.random.default_rng(0).normal(size=(N, 56))[rows], fmt=" %15.7e")
        np.savetxt(folder / part / f"y_{part}.txt", CODES[rows], fmt="%d")
        np.savetxt(folder / part / f"subject_{part}.txt", SUBJECTS[rows], fmt="%d")
    (folder / "activity_labels.txt").write_text("".join(f"{code} {name}\n" for code, name in NAMES.items()))
    (folder / "features.txt").write_text("".join(f"{n} tBodyAcc-mean()-{n}\n" for n in range(1, 57)))
    (folder / "README.txt").write_text("Human Activity Recognition\n====\nVersion 1.0\n")
    (folder / "features_info.txt").write_text("Feature Selection\n====\nThe features come from\n")
    return folder


def groups(raw: Any) -> list[str]:
    return [raw.group_names[code] for code in raw.groups]


def test_ucis_layout_is_read_with_its_split_subjects_and_names(tmp_path: Path) -> None:
    raw = read(har(tmp_path / "UCI HAR Dataset"))
    expected = [
        np.stack([np.loadtxt(tmp_path.rglob(f"{c}_{part}.txt").__next__()) for c in CHANNELS], -1) for part in PARTS
    ]
    np.testing.assert_array_equal(raw.features, np.concatenate(expected).astype(np.float32))
    np.testing.assert_allclose(raw.features, X, atol=1e-6)
    assert raw.channels == CHANNELS
    assert classes(raw) == [NAMES[code] for code in CODES]
    assert groups(raw) == [str(subject) for subject in SUBJECTS]
    assert raw.test is not None
    assert raw.test.tolist() == [row >= TRAIN for row in range(N)]
    [said] = [note for note in raw.notes if note.startswith("Read as 3 files")]
    for what in ("labels in y_train.txt", "groups in subject_train.txt", "X_train.txt has rows of another length"):
        assert what in said
    assert "the names of labels in activity_labels.txt" in said


def test_the_features_of_the_archive_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    raw = read(har(tmp_path / "h"), feature_columns=("x",))
    assert raw.features.shape == (N, 56, 1)
    np.testing.assert_allclose(
        raw.features[:TRAIN, :, 0], np.loadtxt(tmp_path / "h" / "train" / "X_train.txt"), rtol=1e-6
    )


def test_an_archive_of_it_and_a_part_of_it_are_read(tmp_path: Path) -> None:
    folder = har(tmp_path / "UCI HAR Dataset")
    with zipfile.ZipFile(tmp_path / "har.zip", "w") as archive:
        for path in folder.rglob("*.txt"):
            archive.write(path, path.relative_to(tmp_path))
        archive.writestr("__MACOSX/UCI HAR Dataset/._README.txt", "x")
    raw = read(tmp_path / "har.zip")
    np.testing.assert_array_equal(raw.features, read(folder).features)
    assert groups(raw) == [str(subject) for subject in SUBJECTS]
    part = read(folder / "test")
    np.testing.assert_array_equal(part.features, raw.features[TRAIN:])
    assert part.test is None
    wanted = Wanted("sequences", (T, 3), channels=("total_acc_x", "body_acc_x", "body_acc_y"))
    [block] = read_examples(folder / "test", wanted)
    np.testing.assert_array_equal(block.examples, raw.features[TRAIN:][:, :, [2, 0, 1]])
    assert block.groups == tuple(str(subject) for subject in SUBJECTS[TRAIN:])


def test_new_data_need_no_labels_where_the_layout_is_known(tmp_path: Path) -> None:
    for channel, name in enumerate(CHANNELS):
        (tmp_path / "new").mkdir(exist_ok=True)
        np.savetxt(tmp_path / "new" / f"{name}.txt", X[:, :, channel], fmt="%.7e")
    wanted = Wanted("sequences", (T, 3), channels=CHANNELS)
    [block] = read_examples(tmp_path / "new", wanted, form=FormOptions(layout="channels"))
    np.testing.assert_allclose(block.examples, X, atol=1e-6)
    with pytest.raises(
        DataError, match=r"there is no file of labels, such as y\.txt or labels\.csv\. Write one beside"
    ):
        read(tmp_path / "new", layout="channels")


def save(path: Path, values: Any, *, header: bool = True, index: bool = False) -> None:
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".parquet":
        table = pd.DataFrame(values if values.ndim < 3 else values[:, :, 0].astype(np.float64))
        table.set_axis([f"c{name}" for name in table.columns], axis=1).to_parquet(path, index=index or None)
    else:
        frame = pd.DataFrame(values if values.ndim < 3 else values[:, :, 0])
        frame.to_csv(path, header=header, index=index)


def write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


LABELS = np.array([NAMES[code].lower() for code in CODES])


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet"])
@pytest.mark.parametrize("how", [{}, {"header": False}, {"index": True}])
@pytest.mark.parametrize("given", ["folder", "file"])
def test_x_and_y_are_read_with_headers_or_without(suffix: str, how: Any, given: str, tmp_path: Path) -> None:
    save(tmp_path / f"X{suffix}", X[:, :, :1], **how)
    save(tmp_path / f"y{suffix}", LABELS, **how)
    save(tmp_path / f"groups{suffix}", SUBJECTS, **how)
    source = tmp_path if given == "folder" else tmp_path / f"X{suffix}"
    raw = read(source)
    np.testing.assert_array_equal(raw.features, X[:, :, :1])
    assert classes(raw) == LABELS.tolist()
    assert groups(raw) == [str(subject) for subject in SUBJECTS]
    [block] = read_examples(source, Wanted("sequences", (T, 1)))
    np.testing.assert_array_equal(block.examples, X[:, :, :1])


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet"])
@pytest.mark.parametrize(
    "names", [("X_{}", "y_{}", "subject_{}"), ("{}_x", "{}_labels", "{}_groups"), ("{}X", "{}y", "{}_user")]
)
@pytest.mark.parametrize("given", ["folder", "file"])
def test_x_and_y_of_parts_are_a_split(suffix: str, names: tuple[str, ...], given: str, tmp_path: Path) -> None:
    for part, rows in PARTS.items():
        for name, values in zip(names, (X[rows, :, :1], LABELS[rows], SUBJECTS[rows]), strict=True):
            save(tmp_path / f"{name.format(part)}{suffix}", values)
    source = tmp_path if given == "folder" else tmp_path / f"{names[0].format('train')}{suffix}"
    raw = read(source)
    np.testing.assert_array_equal(raw.features, X[:, :, :1])
    assert classes(raw) == LABELS.tolist()
    assert groups(raw) == [str(subject) for subject in SUBJECTS]
    assert raw.test is not None
    assert raw.test.sum() == N - TRAIN
    if given == "file":
        assert len(read(source, pair=False).labels) == TRAIN


def test_arrays_of_three_axes_are_series_and_their_order_is_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "X_train.npy", X)
    np.save(tmp_path / "y_train.npy", LABELS)
    np.testing.assert_array_equal(read(tmp_path).features, X)
    np.save(tmp_path / "X_train.npy", np.repeat(X, 2, axis=1).transpose(0, 2, 1))
    with pytest.raises(DataError, match=r"looks like 3 channels of 32 steps\. Say which: `--axes NCT`"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, axes="NCT").features, np.repeat(X, 2, axis=1))


def test_labels_with_names_of_rows_are_matched_by_them(tmp_path: Path) -> None:
    ids = [f"r{row}" for row in range(N)]
    frame = pd.DataFrame(X[:, :, 0], columns=[f"t{step}" for step in range(T)])
    frame.insert(0, "id", ids)
    frame.to_csv(tmp_path / "X.csv", index=False)
    about = pd.DataFrame({"id": ids, "label": LABELS, "subject": SUBJECTS}).sample(frac=1, random_state=0)
    about.to_csv(tmp_path / "y.csv", index=False)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.features, X[:, :, :1])
    assert classes(raw) == LABELS.tolist()
    assert groups(raw) == [str(subject) for subject in SUBJECTS]
    frame.drop(columns="id").to_csv(tmp_path / "X.csv", index=False)
    with pytest.raises(DataError, match=r"y\.csv names its rows \('r\d+', \.\.\.\), but the series have no names"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_and_steps_are_matched_by_their_names_in_all_files(suffix: str, tmp_path: Path) -> None:
    steps = [f"t{step}" for step in range(T)]
    for part, rows in PARTS.items():
        names = [f"r{row}" for row in range(N)][rows]
        for channel, name in enumerate("ab"):
            frame = pd.DataFrame(X[rows, :, channel], columns=steps, index=pd.Index(names, name="id"))
            mixed = frame.sample(frac=1, random_state=channel)[
                steps if name == "a" and part == "train" else steps[::-1]
            ]
            write(mixed.reset_index(), tmp_path / f"{name}_{part}{suffix}")
        order = np.random.default_rng(1).permutation(len(names))
        ids = np.array(names)[order]
        write(pd.DataFrame({"id": ids, "label": LABELS[rows][order]}), tmp_path / f"y_{part}{suffix}")
        write(
            pd.DataFrame({"id": ids[::-1], "town": SUBJECTS[rows][order][::-1]}), tmp_path / f"subject_{part}{suffix}"
        )
    raw = read(tmp_path)
    order = [int(np.flatnonzero((X[:, :, 0] == one[:, 0]).all(axis=1))[0]) for one in raw.features]
    np.testing.assert_array_equal(raw.features, X[order][:, :, :2])
    assert sorted(order) == list(range(N)) != order
    assert classes(raw) == [LABELS[row] for row in order]
    assert groups(raw) == [str(SUBJECTS[row]) for row in order]


def test_numbers_of_rows_in_another_order_are_names(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(N)
    frame = pd.DataFrame(X[order, :, 0], columns=[f"t{step}" for step in range(T)])
    frame.insert(0, "id", order)
    frame.to_csv(tmp_path / "X.csv", index=False)
    pd.DataFrame({"id": range(N), "label": LABELS}).to_csv(tmp_path / "y.csv", index=False)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.features[:, :, 0], X[order, :, 0])
    assert classes(raw) == LABELS[order].tolist()


def test_of_several_files_of_groups_one_is_named(tmp_path: Path) -> None:
    save(tmp_path / "X.csv", X[:, :, :1])
    for name, values in (("y", LABELS), ("subject", SUBJECTS), ("user", SUBJECTS // 2)):
        save(tmp_path / f"{name}.csv", values)
    with pytest.raises(DataError, match=r"several files of groups \(subject, user\)\. Name one: `--group-column"):
        read(tmp_path)
    assert groups(read(tmp_path, group_column="user")) == [str(subject // 2) for subject in SUBJECTS]


def test_two_files_of_labels_are_refused_where_channels_are_asked_for(tmp_path: Path) -> None:
    for name, values in (("a", X[:, :, :1]), ("y", LABELS), ("labels", LABELS[::-1])):
        save(tmp_path / f"{name}.csv", values)
    with pytest.raises(DataError, match=r"two of its files are of one name, or both labels\. Put one elsewhere"):
        read(tmp_path, layout="channels")


def test_channels_larger_than_memory_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for channel, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", X[:, :, channel])
    np.save(tmp_path / "y.npy", LABELS)
    monkeypatch.setattr(channel_files, "MAX_BYTES", 8 * N * T)
    with pytest.raises(DataError, match=r"2 files \(a, b\) need .* GiB.* Name fewer channels: `--feature-columns a,b`"):
        read(tmp_path)
    assert read(tmp_path, feature_columns=("b",)).features.shape == (N, T, 1)


def test_a_file_for_each_channel_in_one_folder(tmp_path: Path) -> None:
    for channel, name in enumerate("cab"):
        pd.DataFrame(X[:, :, channel]).to_csv(tmp_path / f"{name}.csv", index=False, header=False)
    pd.Series(LABELS, name="label").to_csv(tmp_path / "labels.csv", index=False)
    raw = read(tmp_path)
    assert raw.channels == ("a", "b", "c")
    np.testing.assert_array_equal(raw.features, X[:, :, [1, 2, 0]])
    assert classes(raw) == LABELS.tolist()


def test_arrays_beside_x_are_no_channels(tmp_path: Path) -> None:
    for part, rows in PARTS.items():
        (tmp_path / part).mkdir()
        np.save(tmp_path / part / "X.npy", X[rows])
        np.save(tmp_path / part / "y.npy", CODES[rows])
        np.save(tmp_path / part / "times.npy", np.arange(N)[rows])
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.features, X)
    assert classes(raw) == [str(code) for code in CODES]
    assert raw.test is not None
    assert any("times.npy has rows of another length and is left out" in note for note in raw.notes)


def test_recordings_with_a_table_about_them_stay_recordings(tmp_path: Path) -> None:
    """As many rows in each file as there are files."""
    for row in range(T):
        pd.DataFrame(X[row], columns=list("abc")).to_csv(tmp_path / f"r{row:02d}.csv", index=False)
    about = pd.DataFrame({"file": [f"r{row:02d}" for row in range(T)], "label": LABELS[:T]})
    about.to_csv(tmp_path / "labels.csv", index=False)
    assert find_source(str(tmp_path)).name == "folder"
    np.testing.assert_array_equal(read(tmp_path).features, X[:T])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: save(d / "y.csv", LABELS[:-2]), r"y\.csv: it has 22 labels, but there are 24 series\. Give one for"),
        (lambda d: (d / "X.csv").write_text("1,2,3\n1,2\n" * 12), r"X\.csv: line 2 has 2 fields where"),
        (lambda d: (d / "X.csv").write_text("1,2,3\n1,x,3\n" * 12), r"X\.csv: column '1' is no number in line 2 .*'x'"),
        (lambda d: save(d / "y.csv", np.stack([LABELS, LABELS], 1)), r"its columns are '0', '1'; which is the label\?"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(change: Any, message: str, tmp_path: Path) -> None:
    save(tmp_path / "X.csv", X[:, :, :1])
    save(tmp_path / "y.csv", LABELS)
    change(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_pictures_in_arrays_are_said_to_be_some(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.zeros((N, 8, 8), np.uint8))
    np.save(tmp_path / "y.npy", LABELS)
    with pytest.raises(DataError, match=r"X\.npy: uint8 \(24, 8, 8\) are pictures.*np\.savez\('data\.npz', images=X"):
        read(tmp_path)


def test_files_of_channels_that_differ_are_refused(tmp_path: Path) -> None:
    for name, steps in (("a", T), ("b", T), ("c", T - 1)):
        np.save(tmp_path / f"{name}.npy", X[:, :steps, 0])
    np.save(tmp_path / "labels.npy", LABELS)
    assert read(tmp_path).channels == ("a", "b")
    with pytest.raises(DataError, match=r"differ in their rows or steps: a\.npy \(24, 16\), c\.npy \(24, 15\)"):
        read(tmp_path, feature_columns=("a", "c"))
    with pytest.raises(DataError, match=r"there is no file of channel 'd'; there are a, b, c"):
        read(tmp_path, feature_columns=("a", "d"))
    np.save(tmp_path / "d.npy", X[:, : T - 1, 0])
    with pytest.raises(DataError, match=r"rows of files differ in length: .*`--feature-columns a,b`"):
        read(tmp_path)


def test_a_folder_of_very_many_files_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    har(tmp_path / "h")
    monkeypatch.setattr(channel_files, "_MOST_FILES", 5)
    assert find_source(str(tmp_path / "h")).name == "folder"


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".parquet"])
def test_a_part_whose_labels_others_keep_is_left_for_prediction(suffix: str, tmp_path: Path) -> None:
    save(tmp_path / f"X_train{suffix}", X[:TRAIN, :, :1])
    save(tmp_path / f"y_train{suffix}", LABELS[:TRAIN])
    save(tmp_path / f"X_test{suffix}", X[TRAIN:, :, :1])
    for source in (tmp_path, tmp_path / f"X_train{suffix}"):
        raw = read(source)
        assert (len(raw.labels), raw.test) == (TRAIN, None)
        assert f"X_test{suffix} has no labels and is not taken as a part: `hw3 predict` takes it." in raw.notes
    [block] = read_examples(tmp_path / f"X_test{suffix}", Wanted("sequences", (T, 1)))
    np.testing.assert_array_equal(block.examples, X[TRAIN:, :, :1])
    spec = DataSpec(source=str(tmp_path / f"X_test{suffix}"))
    assert not find_source(spec.source).is_labelled(spec)


def test_columns_of_each_channel_come_in_one_order_in_all_parts(tmp_path: Path) -> None:
    for part, rows in PARTS.items():
        for channel, name in enumerate("ab"):
            order = [3, 1, 0, 2, *range(4, X.shape[1])] if (part, name) == ("test", "b") else list(range(X.shape[1]))
            own = pd.DataFrame(X[rows, :, channel], columns=[f"{name}_{step}" for step in range(X.shape[1])])
            (tmp_path / part).mkdir(exist_ok=True)
            own.iloc[:, order].to_csv(tmp_path / part / f"{name}_{part}.csv", index=False)
        pd.DataFrame({"label": CODES[rows]}).to_csv(tmp_path / part / f"y_{part}.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path).features, X[:, :, :2].astype(np.float32))
    # Words have no order of their own, and a word that the first part has not is refused.
    for part, rows in PARTS.items():
        words = [f"word {chr(97 + step // 26)}{chr(97 + step % 26)}" for step in range(X.shape[1])]
        own = pd.DataFrame(X[rows, :, 1], columns=words)
        own.iloc[:, :: -1 if part == "test" else 1].to_csv(tmp_path / part / f"b_{part}.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path).features, X[:, :, :2].astype(np.float32))
    text = (tmp_path / "test" / "b_test.csv").read_text()
    (tmp_path / "test" / "b_test.csv").write_text(text.replace("word ab", "other", 1))
    with pytest.raises(DataError, match=r"b_test.csv has the column 'other', which the same channel of the first part"):
        read(tmp_path)
