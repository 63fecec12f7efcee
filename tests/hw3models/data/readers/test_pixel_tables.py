"""Tables with a row for each picture, whose cells are pixels."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from hw3models.data import as_kind, fetch, prepare
from hw3models.data.preparation import read_raw
from hw3models.data.raw import Raw
from hw3models.data.source import Wanted
from hw3models.data.sources import check_kind, find_source, read_examples
from hw3models.drift.reading import read_new
from hw3models.engine.model_store import stored_manifest
from hw3models.errors import DataError, SpecError
from hw3models.pipeline.steps import train_step
from hw3models.serving.batch import score_file, wanted_by
from hw3models.serving.predictor import load_predictor, save_use
from hw3models.specs import DataSpec, Kind, Recipe, TrainSpec

RNG = np.random.default_rng(0)


def pictures(num: int, *shape: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return RNG.integers(0, 256, (num, *shape)).astype(np.uint8), np.arange(num) % 3


def as_table(images: NDArray[Any], names: str = "pixel{}") -> pd.DataFrame:
    flat = images.reshape(len(images), -1)
    return pd.DataFrame(flat, columns=[names.format(number) for number in range(flat.shape[1])])


def read(path: Path, kind: Kind = "images", **options: Any) -> Raw:
    spec = as_kind(kind, DataSpec(source=str(path), **options))
    check_kind(kind, spec)
    return read_raw(spec, fetch(spec, cache=path.parent), cache=path.parent)


def test_columns_called_like_pixels_are_pictures_in_any_order_and_form(tmp_path: Path) -> None:
    images, labels = pictures(40, 28, 28)
    kaggle = as_table(images)
    kaggle.insert(0, "label", labels)
    grid = as_table(images).set_axis([f"{row}x{at}" for row in range(1, 29) for at in range(1, 29)], axis=1)
    shuffled = as_table(images, "px_{}").assign(digit=labels).sample(frac=1, axis=1, random_state=1)
    kaggle.to_csv(tmp_path / "a.csv", index=False)
    grid.assign(label=labels).to_csv(tmp_path / "b.tsv.gz", sep="\t", index=True)  # pandas' numbers of rows
    shuffled.to_parquet(tmp_path / "c.parquet")
    for name in ("a.csv", "b.tsv.gz", "c.parquet"):
        raw = read(tmp_path / name)
        assert find_source(str(tmp_path / name)).kinds == ("images",)
        np.testing.assert_array_equal(raw.features, images)
        assert raw.labels.tolist() == labels.tolist()
        [told] = raw.understood
        assert told.startswith("40 pictures of 28 x 28, a row each (`--layout pixels`): 784 columns of pixels"), told
        assert ("put in order by their names" in told) == (name == "c.parquet")
    assert raw.found_out == {"layout": "pixels", "label_column": "digit"}


@pytest.mark.parametrize("folder", ["", "archive/"])
def test_an_archive_of_such_tables_is_read_as_they_are(tmp_path: Path, folder: str) -> None:
    images, labels = pictures(40, 8, 8)
    table = as_table(images)
    train, test = table[:30].assign(label=labels[:30]), table[30:].assign(label=labels[30:])
    with zipfile.ZipFile(tmp_path / "mnist.zip", "w") as packed:
        packed.writestr(f"{folder}mnist_test.csv", test.to_csv(index=False))
        packed.writestr(f"{folder}mnist_train.csv", train.to_csv(index=False))
    raw = read(tmp_path / "mnist.zip")
    np.testing.assert_array_equal(raw.features, images)
    assert raw.test is not None
    assert raw.test.tolist() == [False] * 30 + [True] * 10
    long = pd.DataFrame({"sample": np.repeat(range(9), 3), "time": [0, 1, 2] * 9, "x": 1.5, "label": "a"})
    with zipfile.ZipFile(tmp_path / "series.zip", "w") as packed:
        packed.writestr("series.csv", long.to_csv(index=False))
    assert find_source(str(tmp_path / "series.zip")).kinds == ("sequences",)


def test_names_of_rows_and_columns_tell_a_shape_that_is_no_square(tmp_path: Path) -> None:
    images, labels = pictures(12, 6, 9)
    table = as_table(images).set_axis([f"{row}x{at}" for row in range(6) for at in range(9)], axis=1)
    table.assign(label=labels).to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "a.csv").features, images)


@pytest.mark.parametrize("order", ["NTC", "NCT"])
def test_three_squares_are_colours_whose_order_the_pixels_tell(tmp_path: Path, order: str) -> None:
    smooth = np.cumsum(RNG.integers(0, 3, (30, 12, 12, 3)), axis=2) + np.array([10, 90, 200])
    stored = smooth if order == "NTC" else smooth.transpose(0, 3, 1, 2)
    as_table(stored, "pixel{:04}").assign(label=np.arange(30) % 3).to_csv(tmp_path / "skin.csv", index=False)
    raw = read(tmp_path / "skin.csv")
    np.testing.assert_array_equal(raw.features, smooth)
    assert f"`--axes {order}`" in raw.understood[0]
    assert raw.found_out["axes"] == order
    other = "NCT" if order == "NTC" else "NTC"
    assert not np.array_equal(read(tmp_path / "skin.csv", axes=other).features, smooth)


@pytest.mark.parametrize("place", ["first", "last"])
def test_without_a_header_a_square_and_a_label_are_pictures_where_images_are_asked_for(
    tmp_path: Path, place: str
) -> None:
    images, labels = pictures(30, 8, 8)
    flat = images.reshape(30, 64)
    columns = [labels[:, None], flat] if place == "first" else [flat, labels[:, None]]
    path = tmp_path / "bare.csv"
    np.savetxt(path, np.concatenate(columns, axis=1), fmt="%d", delimiter=",")
    raw = read(path, label_column=place)
    np.testing.assert_array_equal(raw.features, images)
    assert raw.labels.tolist() == labels.tolist()
    assert f"no header, the label is the {place} cell" in raw.understood[0]
    # Nobody asked for pictures: it is a table of series, as it always was.
    assert find_source(str(path)).kinds == ("sequences",)
    assert read(path, "sequences", label_column=place).features.shape == (30, 64, 1)
    # Where the shape is no square it is asked for.
    np.savetxt(path, np.concatenate([labels[:, None], flat[:, :48]], axis=1)[:, :41], fmt="%d", delimiter=",")
    with pytest.raises(DataError, match=r"40 numbers .* square of no side.*--image-size HEIGHTxWIDTH.*hw3 sequences"):
        read(path)
    raw = read(path, image_size="5x8")
    np.testing.assert_array_equal(raw.features, flat[:, :40].reshape(30, 5, 8))
    with pytest.raises(DataError, match=r"40 pixels, but `image_size` 6x8 says another shape"):
        read(path, image_size="6x8")


def test_all_pixels_in_one_column_and_the_part_in_another(tmp_path: Path) -> None:
    images, labels = pictures(30, 8, 8)
    texts = [" ".join(map(str, one.ravel())) for one in images]
    usage = ["Training"] * 20 + ["PublicTest"] * 4 + ["PrivateTest"] * 6
    pd.DataFrame({"emotion": labels, "pixels": texts, "Usage": usage}).to_csv(tmp_path / "fer.csv", index=False)
    pd.DataFrame({"image": [one.ravel().tolist() for one in images], "label": labels, "split": usage}).to_parquet(
        tmp_path / "lists.parquet"
    )
    nested = [one.tolist() for one in images]
    pd.DataFrame({"image": nested, "label": labels, "subset": usage}).to_parquet(tmp_path / "nested.parquet")
    for name in ("fer.csv", "lists.parquet", "nested.parquet"):
        raw = read(tmp_path / name)
        np.testing.assert_array_equal(raw.features, images)
        assert raw.test is not None
        assert raw.validation is not None
        assert (np.flatnonzero(raw.validation)[[0, -1]].tolist(), np.flatnonzero(raw.test)[[0, -1]].tolist()) == (
            [20, 23], [24, 29],
        )  # fmt: skip
    with pytest.raises(SpecError, match=r"holds images, not sequences|does not hold sequences.*`hw3 images`"):
        read(tmp_path / "fer.csv", "sequences")
    faces = pd.DataFrame({"age": labels, "gender": labels % 2, "img_name": range(30), "pixels": texts})
    faces.to_csv(tmp_path / "faces.csv", index=False)
    with pytest.raises(DataError, match=r"which column is the label.*`--label-column age` or `--label-column gender`"):
        read(tmp_path / "faces.csv")
    assert read(tmp_path / "faces.csv", label_column="gender").class_names == ("0", "1")


def test_files_for_training_and_test_are_one_set_and_one_without_labels_is_left(tmp_path: Path) -> None:
    images, labels = pictures(30, 8, 8)
    table = as_table(images).assign(label=labels)
    table[:20].to_csv(tmp_path / "sign_train.csv", index=False)
    # Columns of the second file stand in another order.
    table[20:].iloc[:, ::-1].to_csv(tmp_path / "sign_test.csv", index=False)
    raw = read(tmp_path / "sign_train.csv")
    np.testing.assert_array_equal(raw.features, images)
    assert raw.test is not None
    assert raw.test.tolist() == [False] * 20 + [True] * 10
    table[20:].drop(columns="label").to_csv(tmp_path / "sign_test.csv", index=False)
    raw = read(tmp_path / "sign_train.csv")
    assert (len(raw.features), raw.test) == (20, None)
    assert raw.notes == ("sign_test.csv has no labels and is not taken as a part: `hw3 predict` takes it.",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixel3": "dark"}, r"column 'pixel3' is no number in row 5 below the header: 'dark'"),
        ({"pixel3": None}, r"1 pixels are missing, the first in row 5 below the header, column 'pixel3'"),
        ({"pixel3": -1}, r"holds -1 to 255; pixels are 0 to 255"),
        ({"label": None}, r"column 'label' is empty in row 5"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    images, labels = pictures(30, 8, 8)
    images[0, 0, 0] = 255
    table = as_table(images).assign(label=labels).astype(object)
    [(column, value)] = change.items()
    table.loc[4, column] = value
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("header", [True, False])
def test_a_model_reads_new_tables_as_its_own_with_labels_and_without(tmp_path: Path, header: bool) -> None:
    images, labels = pictures(60, 5, 8)
    flat = pd.concat([pd.DataFrame({"label": labels}), as_table(images)], axis=1)
    flat.to_csv(tmp_path / "old.csv", index=False, header=header)
    spec = as_kind("images", DataSpec(source=str(tmp_path / "old.csv"), image_size="5x8"))
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    plan = TrainSpec(data=spec, family="mlp", seeds=(0,), device="cpu", recipe=Recipe(epochs=1, hidden=(4,)))
    train_step(plan, data, tmp_path / "trained")
    save_use(tmp_path / "trained", tmp_path / "model")
    predictor = load_predictor(tmp_path / "model")
    assert predictor.manifest.read_as == {"layout": "pixels"} | ({} if header else {"label_column": "first"})
    flat[:9].to_csv(tmp_path / "with.csv", index=False, header=header)
    flat[:9].drop(columns="label").to_csv(tmp_path / "without.csv", index=False, header=header)
    for name in ("with", "without"):
        path = tmp_path / f"{name}.csv"
        assert score_file(predictor, path, tmp_path / f"{name}-said.csv") == 9
        new = read_new(DataSpec(source=str(path)), stored_manifest(tmp_path / "model"), cache=tmp_path)
        np.testing.assert_array_equal(new.examples, images[:9])
        assert (None if new.classes is None else new.classes.tolist()) == (
            labels[:9].tolist() if name == "with" else None
        )
    assert (tmp_path / "with-said.csv").read_text() == (tmp_path / "without-said.csv").read_text()
    assert wanted_by(predictor).shape == (5, 8)


@pytest.mark.parametrize("colours", [(), (3,)])
def test_lists_within_lists_are_rows_of_pixels(colours: tuple[int, ...], tmp_path: Path) -> None:
    """As `datasets` and pandas write arrays to Parquet; smooth ones, so that the order of colours can be told."""
    ramp = np.linspace(0, 90, 16)[None, :, None] + np.linspace(0, 60, 16)[:, None, None]
    made = np.stack([ramp + np.array([0, 30, 90]) + i for i in range(12)]).astype(np.uint8)
    made = made if colours else made[..., 0]
    table = pd.DataFrame({"image": [one.tolist() for one in made], "label": ["a", "b"] * 6})
    table.to_parquet(tmp_path / "t.parquet")
    spec = DataSpec(source=str(tmp_path / "t.parquet"))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert (raw.features == made).all()


@pytest.mark.parametrize("lines", [False, True])
def test_lists_in_records_of_json_are_pixels_where_pictures_are_asked_for(lines: bool, tmp_path: Path) -> None:
    made = np.random.default_rng(0).integers(0, 256, (12, 9, 9), dtype=np.uint8)
    records = [{"image": one.tolist(), "label": "ab"[i % 2]} for i, one in enumerate(made)]
    path = tmp_path / ("t.jsonl" if lines else "t.json")
    path.write_text("\n".join(map(json.dumps, records)) if lines else json.dumps(records))
    spec = DataSpec(source=str(path))
    assert fetch(spec, cache=tmp_path).kind == "sequences"
    asked = as_kind("images", spec)
    raw = read_raw(asked, fetch(asked, cache=tmp_path), cache=tmp_path)
    assert (raw.kind, raw.labels.tolist()) == ("images", [0, 1] * 6)
    assert (raw.features == made).all()
    [block] = read_examples(path, Wanted("images", (9, 9)))
    assert (block.examples == made).all()
