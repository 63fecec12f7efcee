"""`.ts` files and the sets that aeon ships, against aeon's own reader."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from aeon.datasets import load_from_ts_file

from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.known.aeon_sets import shipped_by_aeon
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import find_source, read_examples
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

UEA = Path(__file__).resolve().parents[5] / "shared" / "data" / "uea"
needs_uea = pytest.mark.skipif(not UEA.is_dir(), reason="needs the UEA files of <repo>/../shared/data/uea")
HEADER = "@problemName toy\n@timeStamps false\n@univariate false\n@equalLength true\n@classLabel true a B\n@data\n"
GOOD = "1,2,3:4,5,6:a\n1,2,4:4,5,7:B\n"


def write(path: Path, body: str, header: str = HEADER) -> str:
    path.write_text(header + body)
    return str(path)


def read(source: str) -> Raw:
    spec, nowhere = DataSpec(source=source), Path("nowhere")
    return read_raw(spec, fetch(spec, cache=nowhere), cache=nowhere)


@needs_uea
@pytest.mark.parametrize(("name", "train", "test"), [("RacketSports", 151, 152), ("FingerMovements", 316, 100)])
def test_archive_sets_keep_their_default_split_and_values(name: str, train: int, test: int, tmp_path: Path) -> None:
    for split in ("TRAIN", "TEST"):  # either file stands for the pair
        spec = DataSpec(source=str(UEA / name / f"{name}_{split}.ts"))
        report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
        assert (report.num_train + report.num_validation, report.num_test) == (train, test)
    data = load_prepared(report)
    for split, rows in (("TRAIN", np.arange(train)), ("TEST", data.test)):
        expected, labels = load_from_ts_file(str(UEA / name / f"{name}_{split}.ts"))
        np.testing.assert_array_equal(data.features[rows], expected.transpose(0, 2, 1).astype(np.float32))
        assert [data.class_names[k].lower() for k in data.labels[rows]] == labels.tolist()
    assert data.name == name


@needs_uea
def test_class_names_keep_their_case(tmp_path: Path) -> None:
    spec = DataSpec(source=str(UEA / "RacketSports" / "RacketSports_TRAIN.ts"))
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert report.class_names == ("Badminton_Clear", "Badminton_Smash", "Squash_BackhandBoast", "Squash_ForehandBoast")


def test_shipped_sets_are_the_classification_sets_inside_the_package() -> None:
    shipped = shipped_by_aeon()
    assert {"BasicMotions", "JapaneseVowels", "GunPoint", "ItalyPowerDemand", "ArrowHead"} <= set(shipped)
    assert not {"Covid3Month", "CardanoSentiment"} & set(shipped), "their targets are measurements"


@pytest.mark.parametrize("name", sorted(shipped_by_aeon()))
def test_every_shipped_set_can_be_prepared_and_equals_what_aeon_reads(name: str, tmp_path: Path) -> None:
    spec = DataSpec(source=f"aeon:{name}", validation_fraction=0)
    data = load_prepared(prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path))
    train_file, test_file = shipped_by_aeon()[name]
    for file, rows in ((train_file, data.train), (test_file, data.test)):
        expected, labels = load_from_ts_file(str(file))
        assert len(rows) == len(expected)
        for row, one in list(zip(rows, expected, strict=True))[::7]:
            length = len(one.T) if data.lengths is None else data.lengths[row]
            np.testing.assert_array_equal(data.features[row, :length], one.T.astype(np.float32))
        assert [data.class_names[k].lower() for k in data.labels[rows]] == labels.tolist()


def test_unequal_lengths_are_padded_at_the_end_and_scaled_by_valid_steps_only(tmp_path: Path) -> None:
    spec = DataSpec(source="aeon:JapaneseVowels")
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    data = load_prepared(report)
    assert report.unequal_lengths
    assert report.shape == (29, 12)
    assert "7 to 29 steps" in report.notes[0]
    assert data.lengths is not None
    rows = [one[:n] for one, n in zip(data.features[data.train], data.lengths[data.train], strict=True)]
    valid = np.concatenate(rows).astype(np.float64)
    np.testing.assert_allclose(data.mean, valid.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(data.std, valid.std(axis=0), rtol=1e-5)
    padding = np.arange(29) >= data.lengths[:, None]
    assert (data.features[padding] == 0).all()
    assert (data.features[np.arange(len(data.features)), data.lengths - 1] != 0).any(axis=1).all()


def test_an_unknown_shipped_name_lists_the_known_ones_and_suggests_one(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"no data set 'basicmotion'\. Did you mean 'BasicMotions'\?.*JapaneseVowels, .*OSULeaf"
    ):
        fetch(DataSpec(source="aeon:basicmotion"), cache=tmp_path)


def test_all_faults_of_a_file_come_together_with_their_lines(tmp_path: Path) -> None:
    body = "1,2,3:4,5,6:a\n1,2:4,5,6:a\n1,x,3:4,5,6:a\n1,2,3:a\n1,2,3:4,5,6:c\n1,?,3:4,NaN,6:a\n1,2,3:4,5,6\n7\n"
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / "toy.ts", body))
    for fault in (
        "line 8: the dimensions differ in length (2, 3)",
        "line 9, dimension 1, step 2: 'x' is not a number",
        "line 10 has 1 dimensions, but the first series has 2",
        "line 11: class 'c' is not one of those in @classLabel (a, B)",
        "2 values are missing or infinite, the first at line 12, dimension 1, step 2 (?)",
        "line 14 has no `:`",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("@data\n", "no `@classLabel true`"),
        ("@classLabel true a B\n", "line 2 stands before @data"),
        (HEADER.replace("true a B", "true"), r"line 5: @classLabel needs `true` and the names .* got 'true'"),
        (HEADER.replace("@classLabel true a B", "@classLabel false"), "line 5: the series have no classes"),
        (HEADER.replace("@classLabel true a B", "@targetLabel true"), "line 5: the target is a measurement"),
        (HEADER.replace("@timeStamps false", "@timeStamps true"), r"line 7, dimension 1: series of \(time,value\)"),
        (HEADER.replace("@equalLength true", "@equalLength perhaps"), "@equallength needs `true` or `false`, got 'pe"),
        (HEADER.replace("@univariate false", "@univariate true"), "line 7 has 2 dimensions, .* @univariate true"),
    ],
)
def test_a_malformed_header_is_named(header: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / "toy.ts", GOOD, header))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no @data line"), (HEADER.encode(), "no series after @data"), (b"\xff\xfe\x00", "cannot be read as text")],
)
def test_an_empty_or_binary_file_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "toy.ts").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(str(tmp_path / "toy.ts"))


def test_a_file_of_another_kind_does_not_flood_the_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"and \d+ more faults like it\)\.$") as caught:
        read(write(tmp_path / "toy.ts", "nonsense\n" * 5000))
    assert len(str(caught.value)) < 2000


def test_lengths_that_contradict_the_header_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"@equalLength true, but series have 2 to 3 steps"):
        read(write(tmp_path / "toy.ts", GOOD + "1,2:3,4:a\n"))


def test_a_label_in_another_case_than_declared_is_the_declared_class(tmp_path: Path) -> None:
    source = write(tmp_path / "toy.ts", GOOD + GOOD.lower() + "0,2,3:4,5,6:A\n")
    assert read(source).class_names == ("B", "a")


def test_comments_of_the_archives_are_skipped(tmp_path: Path) -> None:
    read(write(tmp_path / "toy.ts", GOOD, "# made by hand\n% 2020\n\n" + HEADER))


def test_half_a_pair_is_refused_and_a_single_file_is_split(tmp_path: Path) -> None:
    body = "".join(f"{i},2,3:4,5,{i}:{'aB'[i % 2]}\n" for i in range(40))
    with pytest.raises(DataError, match=r"toy_TEST\.ts is not beside it"):
        read(write(tmp_path / "toy_TRAIN.ts", body))
    spec = DataSpec(source=write(tmp_path / "single.ts", body))
    report = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert (report.num_train, report.num_validation, report.num_test) == (27, 3, 10)


def test_a_pair_must_agree_in_dimensions_and_classes(tmp_path: Path) -> None:
    source = write(tmp_path / "toy_TRAIN.ts", GOOD)
    write(tmp_path / "toy_TEST.ts", "1,2,3:a\n")
    with pytest.raises(DataError, match="train has 2 dimensions, but test has 1"):
        read(source)
    write(tmp_path / "toy_TRAIN.ts", "1,2,3:4,5,6:a\n" * 4)
    write(tmp_path / "toy_TEST.ts", GOOD)
    spec = DataSpec(source=source)
    with pytest.raises(DataError, match=r"class 'B' is in the test split \(1 examples\) but not in train"):
        prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv does not exist"):
        fetch(DataSpec(source=str(tmp_path / "nowhere.csv")), cache=tmp_path)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(DataError, match=r"folder\.npz is a folder"):
        fetch(DataSpec(source=str(tmp_path / "folder.npz")), cache=tmp_path)


STAMPED = HEADER.replace("@timeStamps false", "@timeStamps true")


def test_time_stamps_are_read_and_their_step_is_said(tmp_path: Path) -> None:
    rows = []
    for row in range(4):
        dimensions = [",".join(f"(2013-03-01 0{hour}-00-00,{row}.{hour}{d})" for hour in range(3)) for d in range(2)]
        rows.append(":".join([*dimensions, "aB"[row % 2]]))
    raw = read(write(tmp_path / "toy.ts", "\n".join(rows), STAMPED))
    assert raw.features[2].tolist() == np.array([[2.00, 2.01], [2.10, 2.11], [2.20, 2.21]], np.float32).tolist()
    assert raw.notes == ("The time step is 1 h.",)


def test_dimensions_with_other_stamps_have_gaps_where_one_has_no_value(tmp_path: Path) -> None:
    body = "(0,1),(1,2),(2,3):(0,4),(2,5):a\n" * 2 + "(0,1),(1,2),(2,3):(0,4),(1,4),(2,5):B\n" * 2
    with pytest.raises(DataError, match=r"2 values are missing .* the first at line 7, dimension 2 \(no value"):
        read(write(tmp_path / "toy.ts", body, STAMPED))
    spec = DataSpec(source=str(tmp_path / "toy.ts"), missing="interpolate")
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert np.argwhere(np.isnan(raw.features)).tolist() == [[0, 1, 1], [1, 1, 1]]


def test_ends_that_are_missing_are_ends_of_shorter_series(tmp_path: Path) -> None:
    header = HEADER.replace("@equalLength true\n", "")
    raw = read(write(tmp_path / "toy.ts", GOOD + "1,2,NaN:4,5,?:a\n1,?,?:4,NaN,NaN:B\n", header))
    assert raw.lengths is not None
    assert raw.lengths.tolist() == [3, 3, 2, 1]
    assert any("2 of 4 series end with missing values" in note for note in raw.notes)


def test_names_of_classes_with_spaces_are_one_fault_with_what_to_write(tmp_path: Path) -> None:
    header = HEADER.replace("a B", "walk up run")
    body = "1,2,3:4,5,6:walk up\n" * 8 + "1,2,3:4,5,6:run\n"
    with pytest.raises(DataError, match=r"8 series are of a class .* 'walk up',.*write walk_up in both") as caught:
        read(write(tmp_path / "toy.ts", body, header))
    assert str(caught.value).count("walk up") == 1


def test_a_model_reads_series_without_classes_and_packed_ones(tmp_path: Path) -> None:
    path = tmp_path / "toy.ts.gz"
    text = HEADER.replace("@classLabel true a B", "@classLabel false") + "1,2,3:4,5,6\n7,8,9:1,2,3\n"
    path.write_bytes(gzip.compress(text.encode()))
    assert not find_source(str(path)).is_labelled(DataSpec(source=str(path)))
    [block] = read_examples(path, Wanted("sequences", (3, 2)))
    assert block.examples[1].tolist() == [[7, 1], [8, 2], [9, 3]]


def test_a_header_that_counts_otherwise_is_told(tmp_path: Path) -> None:
    """Real files of the archives have such headers; but so has a file that was cut off."""
    header = "@dimensions 3\n@seriesLength 12\n" + HEADER
    raw = read(write(tmp_path / "lies.ts", GOOD, header))
    assert raw.notes == (
        "The header says @dimensions 3, but the series have 2 dimensions.",
        "The header says @seriesLength 12, but the series have 3 steps.",
    )
    assert not read(write(tmp_path / "true.ts", GOOD, "@dimensions 2\n@seriesLength 3\n" + HEADER)).notes


def test_a_number_is_what_other_readers_take_for_one(tmp_path: Path) -> None:
    """Python's float reads 1_0 as 10; in no other form of series it is a number."""
    source = write(tmp_path / "a.ts", GOOD.replace("1,2,3", "1_0,2,3"))
    with pytest.raises(DataError, match="line 7, dimension 1, step 1: '1_0' is not a number"):
        read(source)
