"""Tables with a column for each series: found out where rows say it, by `--layout columns` else, never guessed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hw3models.data.source import Wanted
from hw3models.data.sources import find_source
from hw3models.errors import DataError
from hw3models.specs import DataSpec
from tests.hw3models.data.readers.forms import classes, read

N, T = 12, 25
X = np.random.default_rng(0).normal(size=(N, T)).astype(np.float32).round(3)
LABELS = [("walk", "sit down")[row % 2] for row in range(N)]
IDS = [f"s{row}" for row in range(N)]
Cells = Sequence[object]


def write(path: Path, *rows: Cells, begin: str = "{}", names: Cells = ()) -> Path:
    steps = [[begin.format(step), *X[:, step]] if begin else X[:, step] for step in range(T)]
    path.write_text("\n".join(",".join(map(str, row)) for row in ([*names], *rows, *steps) if len(row)) + "\n")
    return path


ROWS: dict[str, tuple[tuple[Cells, ...], str]] = {
    "a row of labels below names": ((["time", *IDS], ["label", *LABELS]), "{}"),
    "a row of labels above": ((["class", *LABELS], ["s", *IDS]), "{}"),
    "numbers as labels": ((["", *IDS], ["label", *(row % 2 for row in range(N))]), "{}"),
    "a row of texts": ((IDS, LABELS), ""),
    "names that come again": ((LABELS,), ""),
    "names that come again beside times": ((["time", *LABELS],), "0.{:02d}"),
    "as pandas writes them": (
        (["t", *(f"{one}.{row // 2}" if row > 1 else one for row, one in enumerate(LABELS))],),
        "{}",
    ),
    "as pandas writes two levels": ((["label", *LABELS], ["time", *[""] * N]), "{}"),
    "steps with names": ((["", *IDS], ["label", *LABELS]), "t{}"),
}


@pytest.mark.parametrize("form", ROWS)
def test_columns_are_series(form: str, tmp_path: Path) -> None:
    rows, begin = ROWS[form]
    path = write(tmp_path / "a.csv", *rows, begin=begin.replace("{:02d}", "{}"))
    raw = read(path)
    np.testing.assert_array_equal(raw.features[:, :, 0], X)
    assert classes(raw) == ([str(row % 2) for row in range(N)] if form.startswith("numbers") else LABELS)
    assert raw.found_out["layout"] == "columns"
    assert "one column a series (`--layout columns`)" in raw.notes[0]
    spec = DataSpec(source=str(path), layout="columns")
    source = find_source(str(path))
    assert source.is_labelled(spec)
    assert source.unlabelled is not None
    [block] = source.unlabelled(spec, Wanted("sequences", (T, 1)))
    np.testing.assert_array_equal(block.examples[:, :, 0], X)


def test_a_table_of_labels_names_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "spectra.csv", ["nm", *IDS], begin="{}5")
    assert not find_source(str(path)).is_labelled(DataSpec(source=str(path), layout="columns"))
    with pytest.raises(
        DataError, match=r"nothing says the labels of its 12 columns. Write them into a row that begins"
    ):
        read(path, layout="columns")
    rows = [f"{id},{label}" for id, label in zip(IDS[::-1], LABELS[::-1], strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label", *rows]))
    for manifest in (None, "labels.csv"):
        raw = read(path, layout="columns", manifest=manifest)
        assert classes(raw) == LABELS
        np.testing.assert_array_equal(raw.features[:, :, 0], X)
    assert "Labels in 'label' of labels.csv, by 'id' (`--manifest` names another table)." in raw.understood


def test_labels_below_all_rows_and_in_names_with_numbers_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["", *IDS], begin="t{}")
    path.write_text(path.read_text() + ",".join(["label", *LABELS]) + "\n")
    with pytest.raises(DataError, match=r"if each column is a series, say `--layout columns`"):
        read(path)
    assert classes(read(path, layout="columns")) == LABELS
    path = write(tmp_path / "b.csv", ["time", *(f"{one}_{row}" for row, one in enumerate(LABELS))])
    with pytest.raises(DataError, match=r"if each column is one, `--layout columns`"):
        read(path)
    assert classes(read(path, layout="columns")) == LABELS


@pytest.mark.parametrize(
    "rows",
    [
        (["acc_x", "acc_y", "acc_z"] * 1 + ["gyr_x", "gyr_y", "gyr_z", "mag_x", "mag_y", "mag_z", "a", "b", "c"],
         ["m/s2"] * 3 + ["rad/s"] * 3 + ["uT"] * 6),
        (["acc"] * 6 + ["gyr"] * 6,),
        (["acc"] * 6 + ["gyr"] * 6, ["x", "y", "z"] * 4),
        (["emg1", "emg2", "emg3", "emg4", "emg5", "emg6", *(f"acc{row}" for row in range(6))],),
    ],
)  # fmt: skip
def test_channels_of_one_recording_are_not_taken_for_series(rows: tuple[Cells, ...], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(write(tmp_path / "a.csv", *rows, begin=""))


def test_two_lines_of_names_are_told_with_the_header_to_write(tmp_path: Path) -> None:
    rows = "\n".join(f"s{row},{step},{step},{step + 1},{LABELS[row]}" for row in range(N) for step in range(9))
    (tmp_path / "a.csv").write_text(f"sample,time,acc,acc,label\n,s,x,y,\n{rows}\n")
    with pytest.raises(
        DataError, match=r"line 2 has more names; write one header of both: sample,time,acc.x,acc.y,label"
    ):
        read(tmp_path / "a.csv")


def test_rows_that_are_not_alike_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["time", *IDS], ["label", *LABELS])
    path.write_text(path.read_text() + "25,1.0\n")
    with pytest.raises(DataError, match=r"row 28 has 2 cells, but the first has 13: every row needs a cell"):
        read(path, layout="columns")
