"""Which columns are channels in every form; options that a form cannot heed are refused by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import read
from tests.tiny import manifest_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5, 2)).round(3)
Y = ["up", "down"] * 20


def wide(path: Path, *, header: bool = True, **extra: list[object]) -> Path:
    columns = {f"x_{t}": X[:, t, 0] for t in range(5)} | {f"z_{t}": X[:, t, 1] for t in range(5)}
    pd.DataFrame({**extra, **columns, "label": Y}).to_csv(path, index=False, header=header)
    return path


def test_what_stands_beside_the_steps_of_a_wide_table_is_no_step(tmp_path: Path) -> None:
    path = wide(tmp_path / "w.csv", **{"Unnamed: 0": list(range(40)), "fold": [i % 3 for i in range(40)]})
    raw = read(path)
    np.testing.assert_allclose(raw.features, X, rtol=1e-6)
    assert raw.channels == ("x", "z")
    [note] = [note for note in raw.notes if note.startswith("Not taken")]
    assert "'Unnamed: 0' is an index by its name" in note
    assert "'fold' stands beside the steps" in note
    assert not [note for note in read(path, ignore_columns="Unnamed: 0,fold").notes if "Not taken" in note]


def test_channels_of_a_wide_table_are_chosen_by_their_names(tmp_path: Path) -> None:
    path = wide(tmp_path / "w.csv")
    for options in ({"feature_columns": "z"}, {"ignore_columns": "x"}):
        raw = read(path, **options)
        assert raw.channels == ("z",)
        np.testing.assert_allclose(raw.features, X[:, :, 1:], rtol=1e-6)
    with pytest.raises(DataError, match=r"column 'force' \(`ignore_columns`\) is missing; the table has x_0, x_1"):
        read(path, ignore_columns="force")
    [block] = read_examples(path, Wanted("sequences", (5, 1), channels=("z",)))
    np.testing.assert_allclose(block.examples, X[:, :, 1:], rtol=1e-6)


def test_a_first_column_without_a_name_that_counts_is_no_step(tmp_path: Path) -> None:
    path = wide(tmp_path / "w.csv", header=False, number=list(range(100, 140)))
    raw = read(path)
    assert raw.features.shape == (40, 10, 1)
    assert any("'0' numbers the rows" in note for note in raw.notes)


def arff(path: Path) -> Path:
    head = ["@relation r", "@attribute no numeric", "@attribute who string", "@attribute place {in,out}"]
    head += ["@attribute a numeric", "@attribute b numeric", "@attribute label {up,down}", "@data"]
    rows = [f"{i},anna,in,{x:.3f},{y:.3f},{'up' if i % 80 < 40 else 'down'}" for i, (x, y) in enumerate(rows_of(640))]
    path.write_text("\n".join([*head, *rows]) + "\n")
    return path


def rows_of(num: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(1).normal(size=(num, 2))


def test_attributes_that_number_the_rows_or_hold_text_are_no_channels(tmp_path: Path) -> None:
    path = arff(tmp_path / "rec.arff")
    raw = read(path, window=8)
    assert raw.channels == ("a", "b")
    [note] = [note for note in raw.notes if note.startswith("Not taken")]
    assert "'no' numbers the rows" in note
    assert "'who' holds text" in note
    assert "'place' has classes" in note
    assert read(path, window=8, feature_columns="b").channels == ("b",)
    assert read(path, window=8, ignore_columns="a,no,who,place").channels == ("b",)
    with pytest.raises(DataError, match=r"column 'c' \(`feature_columns`\) is missing"):
        read(path, window=8, feature_columns="c")


def recordings(path: Path, subject: str) -> Path:
    for name in ("s1", "s2", "s3", "s4"):
        values = rows_of(40)
        table = pd.DataFrame(
            {"x": values[:, 0], "z": values[:, 1], "who": subject, "label": "up" if name < "s3" else "down"}
        )
        path.mkdir(exist_ok=True)
        table.to_csv(path / f"{name}.csv", index=False)
    return path


def test_windows_and_folders_are_read_by_the_model_s_channels_whatever_else_is_there(tmp_path: Path) -> None:
    folder = recordings(tmp_path / "many", "anna")
    assert read(folder, window=4).channels == ("x", "z")  # `who` is the same everywhere
    assert read(folder, window=4, ignore_columns="x,who").channels == ("z",)
    wanted = Wanted("sequences", (4, 2), channels=("x", "z"))
    alone = recordings(tmp_path / "one", "P1") / "s1.csv"
    blocks = list(read_examples(alone, wanted, form=DataSpec(source="", window=4, layout="long")))
    np.testing.assert_allclose(blocks[0].examples.reshape(40, 2), rows_of(40), rtol=1e-5)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.ts", "a.mat"])
def test_columns_of_what_has_none_are_refused_by_the_option_s_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SpecError, match=r"`ignore_columns` is 'fold', but the channels of .* have no names"):
        read(tmp_path / name, ignore_columns="fold")


def test_new_data_of_another_spelling_are_of_the_model_s_classes_where_labels_are_merged(tmp_path: Path) -> None:
    path, model = tmp_path / "new.csv", manifest_of((4, 2), ("c0", "c1"), ("x", "z"))
    rows = [(f"s{i}", t, i + t, i - t, ("C0", "c1 ")[i % 2]) for i in range(4) for t in range(4)]
    pd.DataFrame(rows, columns=["sample", "time", "x", "z", "label"]).to_csv(path, index=False)
    with pytest.raises(DataError, match="class 'C0', 'c1 ' is not one of the model's"):
        read_new(DataSpec(source=str(path)), model, cache=tmp_path)
    found = read_new(DataSpec(source=str(path), merge_labels=True), model, cache=tmp_path)
    assert found.classes is not None
    assert found.classes.tolist() == [0, 1, 0, 1]


def long(path: Path, times: list[float], more: str = "", header: str = "sample,time,x,label") -> Path:
    lines = [header]
    for i in range(6):
        lines += [f"s{i},{at},{np.sin(i + at):.3f},{'ab'[i % 2]}" for at in times]
        lines += [more] * (bool(more) and i == 2)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_jumps_in_time_are_a_warning_and_holes_are_said(tmp_path: Path) -> None:
    glued = read(long(tmp_path / "glued.csv", [0, 1, 2, 3, 1000, 1001, 1002]))
    [note] = glued.notes
    assert note.startswith("Time jumps within 6 of 6 series, 6 times, by up to 997 (997 usual steps)")
    assert "`--sample-column NAME,OTHER`" in note
    assert glued.understood == ()
    holes = read(long(tmp_path / "holes.csv", [0, 1, 2, 7, 8, 9]))
    assert any(
        "there are 6 holes (of 3 steps and more) in 6 series" in one for one in (*holes.notes, *holes.understood)
    )
    assert read(long(tmp_path / "even.csv", [0, 1, 2, 3])).notes == ()


def test_a_comment_between_rows_is_called_one(tmp_path: Path) -> None:
    path = long(tmp_path / "c.csv", [0, 1, 2], "# battery changed")
    with pytest.raises(DataError, match=r"line 11 is a comment \(Leave out lines of comments: grep -v '\^#'"):
        read(path)
    path = wide(tmp_path / "w.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:4], "# battery changed", *lines[4:]]))
    with pytest.raises(DataError, match="line 5 is a comment"):
        read(path)


def test_labels_in_a_column_for_each_class_are_made_one(tmp_path: Path) -> None:
    path = tmp_path / "hot.csv"
    rows = [(f"s{i}", t, np.sin(i + t), int(i % 2 == 0), int(i % 2)) for i in range(6) for t in range(3)]
    pd.DataFrame(rows, columns=["sample", "time", "x", "is_a", "is_b"]).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"table\['label'\] = table\[\['is_a', 'is_b'\]\].idxmax\(axis=1\)"):
        read(path)
    np.savez(tmp_path / "hot.npz", X=X, y=np.eye(2)[np.arange(40) % 2])
    with pytest.raises(DataError, match=r"a column for each class: y = y.argmax\(axis=1\)"):
        read(tmp_path / "hot.npz")


def test_the_same_fault_in_many_lines_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.ts"
    head = "@univariate false\n@classLabel true a b\n@data\n"
    path.write_text(head + "".join(f"1,2,3:4,{i}:a\n" for i in range(9)))
    with pytest.raises(DataError) as refused:
        read(path)
    assert str(refused.value).endswith("line 4: the dimensions differ in length (3, 2) (and 8 more faults like it).")
