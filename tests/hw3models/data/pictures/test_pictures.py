"""Pictures as people have them: every mode and form, against Pillow's own pixels or numbers made by hand."""

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from hw3models.data import fetch, prepare
from hw3models.data.dataset import load
from hw3models.data.pictures import decoding, reading
from hw3models.data.pictures.sizes import parsed, usual_size
from hw3models.data.preparation import read_raw
from hw3models.data.progress import telling
from hw3models.data.source import Wanted
from hw3models.data.sources import check_kind, find_source, read_examples
from hw3models.drift.reading import read_new
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec
from hw3models.specs.model import ModelManifest
from tests.hw3models.data.pictures.made import picture, put, read, tree

H, W = 8, 10


def encoded(image: Image.Image, form: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def decoded(content: bytes, *, colour: bool) -> np.ndarray:
    return decoding.pixels(content, (H, W), "fit", colour=colour)


def test_grey_and_colour_pictures_keep_their_pixels() -> None:
    image = picture(1)
    np.testing.assert_array_equal(decoded(encoded(image), colour=True), np.asarray(image))
    grey = image.convert("L")
    np.testing.assert_array_equal(decoded(encoded(grey), colour=False), np.asarray(grey))
    np.testing.assert_array_equal(decoded(encoded(grey), colour=True)[..., 1], np.asarray(grey))


def test_transparent_parts_are_laid_on_white() -> None:
    image = np.zeros((H, W, 4), np.uint8)
    image[:4] = (10, 20, 30, 255)
    image[4:] = (10, 20, 30, 51)  # a fifth of it, and four fifths of white
    found = decoded(encoded(Image.fromarray(image)), colour=True)
    assert (found[:4] == (10, 20, 30)).all()
    np.testing.assert_allclose(found[5, 5], 0.2 * np.array([10, 20, 30]) + 0.8 * 255, atol=1)


def test_sixteen_bits_become_their_upper_eight() -> None:
    deep = np.linspace(0, 65_535, H * W).reshape(H, W).astype(np.uint16)
    content = encoded(Image.fromarray(deep))
    assert decoding.is_deep(decoding.header(content))
    np.testing.assert_array_equal(decoded(content, colour=False), deep // 257)


def test_palettes_cmyk_and_single_bits_become_what_they_show() -> None:
    image = picture(2).quantize(16)
    np.testing.assert_array_equal(decoded(encoded(image), colour=True), np.asarray(image.convert("RGB")))
    cmyk = encoded(Image.new("CMYK", (W, H), (0, 255, 255, 0)), "TIFF")
    assert decoded(cmyk, colour=True)[0, 0].tolist() == [255, 0, 0]
    bits = Image.fromarray(np.eye(H, W) > 0)
    np.testing.assert_array_equal(decoded(encoded(bits), colour=False), 255 * np.eye(H, W))


def test_a_palette_of_greys_is_grey() -> None:
    image = picture(3).convert("L").convert("P")
    image.putpalette([value for value in range(256) for _ in range(3)])
    assert decoding.is_grey(decoding.header(encoded(image)))
    assert not decoding.is_grey(decoding.header(encoded(picture(3).quantize(8))))


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_taken_on_its_side_is_turned_upright(turn: int) -> None:
    """The eight orientations of EXIF 2.3, table 'Orientation', undone by numpy."""
    upright = np.asarray(picture(4))
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    found = decoding.header(content)
    assert (found.height, found.width, found.turned) == (H, W, turn > 1)
    np.testing.assert_array_equal(decoded(content, colour=True), upright)


def test_of_an_animation_the_first_frame_is_taken_and_said(tmp_path: Path) -> None:
    root = tree(tmp_path / "set", suffix=".gif")
    first, second = Image.new("RGB", (W, H), "red"), Image.new("RGB", (W, H), "blue")
    first.save(root / "ant" / "0.gif", save_all=True, append_images=[second])
    raw = read(root, tmp_path / "cache")
    assert raw.pictures is not None
    row = raw.pictures.names.index("ant/0.gif")
    assert raw.features[row, 0, 0].tolist() == [255, 0, 0]
    assert any("1 with several frames or pages: the first is taken" in note for note in raw.understood)


def test_fit_stretches_crop_cuts_the_middle_and_pad_fills_up_with_black() -> None:
    image = np.zeros((4, 12, 3), np.uint8)
    image[:, 4:8] = 200  # a white middle, black sides
    content = encoded(Image.fromarray(image))
    stretched, cut, padded = (decoding.pixels(content, (4, 4), fit, colour=False) for fit in ("fit", "crop", "pad"))
    assert (cut == 200).all()
    assert stretched[:, 1:3].min() > 50
    assert stretched[:, 0].max() < 100
    assert (padded[[0, 3]] == 0).all()
    assert padded[1:3].max() > 50


def test_a_photograph_that_is_shrunk_is_the_mean_of_its_pixels() -> None:
    big = np.kron(np.arange(16).reshape(4, 4) * 16, np.ones((100, 100))).astype(np.uint8)
    found = decoding.pixels(encoded(Image.fromarray(big), "JPEG", quality=95), (4, 4), "fit", colour=False)
    np.testing.assert_allclose(found, np.arange(16).reshape(4, 4) * 16, atol=12)
    assert abs(float(found.mean()) - float(big.mean())) < 2


def test_the_usual_size_is_the_own_one_or_at_most_64() -> None:
    assert usual_size([(28, 28)] * 3) == (28, 28)
    assert usual_size([(100, 200)] * 3) == (32, 64)
    assert usual_size([(100, 200), (40, 30), (50, 45)]) == (45, 45)
    assert usual_size([(500, 375), (375, 500)]) == (64, 64)
    assert (parsed("48x64"), parsed("32"), parsed(None)) == ((48, 64), (32, 32), None)
    with pytest.raises(SpecError, match="`image_size` is '0'"):
        parsed("0")


def test_pictures_whose_pixels_all_are_grey_are_kept_grey(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for k, name in enumerate("ab"):
        for i in range(3):
            path = root / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(10 * k + i, mode="L").convert("RGB").save(path)
    raw = read(root, tmp_path / "cache")
    assert raw.features.shape == (6, H, W)
    np.testing.assert_array_equal(raw.features[0], np.asarray(picture(0, mode="L")))
    put(root / "b" / "3.png", 77)
    assert read(root, tmp_path / "cache").features.shape == (7, H, W, 3)


def parts(raw: Any) -> list[str]:
    validation = np.zeros(len(raw.labels), bool) if raw.validation is None else raw.validation
    test = np.zeros(len(raw.labels), bool) if raw.test is None else raw.test
    return np.where(test, "test", np.where(validation, "val", "train")).tolist()


@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "valid", "Testing")])
@pytest.mark.parametrize("order", ["parts first", "classes first", "one folder down"])
def test_parts_and_classes_are_known_by_the_names_of_folders(
    words: tuple[str, str, str], order: str, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    for part, num in zip(words, (4, 3, 2), strict=True):
        for k, name in enumerate(("ant", "bee")):
            for i in range(num):
                way = {"parts first": f"{part}/{name}", "classes first": f"{name}/{part}"}
                folder = root / way.get(order, f"photos/{part}/{name}/more")
                put(folder / f"{i}.png", seed=100 * num + 10 * k + i)
    raw = read(root, tmp_path / "cache")
    assert raw.class_names == ("ant", "bee")
    assert sorted(parts(raw)) == ["test"] * 4 + ["train"] * 8 + ["val"] * 6
    report = prepare(spec := DataSpec(source=str(root)), fetch(spec, cache=tmp_path), cache=tmp_path)
    assert (report.num_train, report.num_validation, report.num_test) == (8, 6, 4)


def test_a_validation_part_without_a_test_part_is_the_test_split(tmp_path: Path) -> None:
    tree(tmp_path / "set" / "train")
    tree(tmp_path / "set" / "val", num=2)
    raw = read(tmp_path / "set", tmp_path / "cache")
    assert (parts(raw).count("test"), raw.validation) == (4, None)
    assert "There is no test part: the validation part is the test split." in raw.understood


def test_groups_come_from_folders_or_from_names(tmp_path: Path) -> None:
    root = tmp_path / "set"
    for name in ("ant", "bee"):
        for person in range(4):
            for i in range(2):
                put(root / name / f"p{person}" / f"{name}-s{i}.png", seed=hash((name, person, i)) % 1000)
    raw = read(root, tmp_path / "cache", group_from="folder")
    assert raw.group_names == ("p0", "p1", "p2", "p3")
    assert raw.pictures is not None
    assert raw.groups is not None
    assert all(f"/{raw.group_names[g]}/" in name for g, name in zip(raw.groups, raw.pictures.names, strict=True))
    assert read(root, tmp_path / "cache", group_from=r"-(s\d)").group_names == ("s0", "s1")


def test_a_table_names_pictures_classes_parts_and_groups(tmp_path: Path) -> None:
    tree(tmp_path / "img", num=6)
    rows = [
        (f"img/{k}/{i}.png", k.upper(), "test" if i > 3 else "train", f"p{i}") for k in ("ant", "bee") for i in range(6)
    ]
    frame = pd.DataFrame(rows, columns=["File_Name", "class", "Split", "patient"])
    frame.to_csv(tmp_path / "m.csv", index=False, sep=";")
    raw = read(tmp_path / "m.csv", tmp_path / "cache", group_column="patient")
    assert raw.class_names == ("ANT", "BEE")
    assert raw.group_names == tuple(f"p{i}" for i in range(6))
    assert parts(raw) == [row[2] for row in rows]
    np.testing.assert_array_equal(raw.features[7], np.asarray(Image.open(tmp_path / rows[7][0])))
    frame.to_parquet(tmp_path / "m.parquet")
    again = read(tmp_path / "m.parquet", tmp_path / "cache", group_column="patient")
    np.testing.assert_array_equal(again.features, raw.features)


def hub(path: Path, seeds: range) -> None:
    """As Hugging Face's data sets write it."""
    rows = [{"image": {"bytes": encoded(picture(i)), "path": None}, "label": i % 2} for i in seeds]
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    parquet.write_table(table, path, row_group_size=3)


def test_encoded_pictures_in_parquet_have_the_names_of_their_classes_and_parts(tmp_path: Path) -> None:
    hub(tmp_path / "set" / "data" / "train-00000-of-00002.parquet", range(8))
    hub(tmp_path / "set" / "data" / "train-00001-of-00002.parquet", range(8, 12))
    hub(tmp_path / "set" / "data" / "test-00000-of-00001.parquet", range(12, 16))
    raw = read(tmp_path / "set", tmp_path / "cache")
    assert raw.class_names == ("cat", "dog")
    assert parts(raw) == ["test"] * 4 + ["train"] * 12
    np.testing.assert_array_equal(raw.features[4], np.asarray(picture(0)))


@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_an_archive_holds_what_a_folder_does(form: str, tmp_path: Path) -> None:
    root = tree(tmp_path / "set" / "photos")
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), form, tmp_path / "set"))
    raw, loose = read(packed, tmp_path / "cache"), read(root, tmp_path / "cache")
    assert raw.name == "packed"
    np.testing.assert_array_equal(raw.features, loose.features)
    assert raw.class_names == loose.class_names


def test_an_archive_may_hold_a_table_beside_its_pictures_or_arrays(tmp_path: Path) -> None:
    root = tree(tmp_path / "set")
    names = [f"{k}/{i}.png" for k in ("ant", "bee") for i in range(4)]
    pd.DataFrame({"path": names, "label": [f"{i % 2} legs" for i in range(8)]}).to_csv(root / "m.csv", index=False)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", root))
    assert read(packed, tmp_path / "cache").class_names == ("0 legs", "1 legs")
    np.savez(tmp_path / "set.npz", X=np.zeros((6, 9, 9), np.uint8), y=np.arange(6) % 2)
    with zipfile.ZipFile(tmp_path / "arrays.zip", "w") as archive:
        archive.write(tmp_path / "set.npz", "set.npz")
    assert read(tmp_path / "arrays.zip", tmp_path / "cache").features.shape == (6, 9, 9)


def images(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (num, 12, 12, 3), dtype=np.uint8)


def test_medmnists_names_have_a_validation_part(tmp_path: Path) -> None:
    named: dict[str, Any] = {}
    for part, num in (("train", 6), ("val", 4), ("test", 2)):
        named |= {f"{part}_images": images(num, num), f"{part}_labels": (np.arange(num) % 2)[:, None]}
    np.savez(tmp_path / "m.npz", **named)
    raw = read(tmp_path / "m.npz", tmp_path)
    assert parts(raw) == ["train"] * 6 + ["val"] * 4 + ["test"] * 2
    np.testing.assert_array_equal(raw.features[6:10], images(4, 4))
    assert raw.labels.tolist() == [0, 1] * 6


@pytest.mark.parametrize("last", [1, 3, 4])
def test_one_channel_is_grey_and_a_fourth_is_left_out(last: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 9, 9, last), dtype=np.uint8)
    np.savez(tmp_path / "m.npz", X=values, y=np.arange(6) % 2)
    found = read(tmp_path / "m.npz", tmp_path).features
    np.testing.assert_array_equal(found, values[..., 0] if last == 1 else values[..., :3])


def test_series_of_whole_numbers_stay_series(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", X=np.zeros((6, 20, 3), np.uint8), y=np.arange(6) % 2)
    assert find_source(str(tmp_path / "s.npz")).kinds == ("sequences",)


def test_usps_in_hdf5_is_what_its_readme_says(shared: Path, tmp_path: Path) -> None:
    raw = read(shared / "images" / "usps" / "usps.h5", tmp_path)
    assert (raw.features.shape, raw.test.sum() if raw.test is not None else 0) == ((9298, 16, 16), 2007)
    train, test = (raw.features[~raw.test if part else raw.test].reshape(-1, 256) / 255 for part in (True, False))  # type: ignore[operator]
    some = slice(0, 300)
    distances = (test[some] ** 2).sum(1)[:, None] - 2 * test[some] @ train.T + (train**2).sum(1)
    assert raw.test is not None
    wrong = raw.labels[~raw.test][distances.argmin(1)] != raw.labels[raw.test][some]
    assert wrong.mean() < 0.09  # 1-NN: 5.6% of all


def test_hymenoptera_is_two_classes_of_photographs_of_many_sizes(shared: Path, tmp_path: Path) -> None:
    raw = read(shared / "images" / "hymenoptera", tmp_path)
    assert (raw.features.shape, raw.class_names) == ((151, 64, 64, 3), ("ants", "bees"))
    assert parts(raw).count("test") == 50
    assert raw.understood[0].startswith("151 pictures of 66 sizes (236 to 768 pixels a side, 32 of 375 x 500)")


def test_pictures_are_decoded_once_and_again_when_one_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path / "set")
    first = read(root, tmp_path / "cache")
    real, asked = decoding.pixels, []
    monkeypatch.setattr(decoding, "pixels", lambda content, *a, **k: asked.append(content) or real(content, *a, **k))
    np.testing.assert_array_equal(read(root, tmp_path / "cache").features, first.features)
    assert not asked
    put(root / "ant" / "0.png", 99)
    changed = read(root, tmp_path / "cache")
    assert len(asked) == 8
    np.testing.assert_array_equal(changed.features[0], np.asarray(picture(99)))
    read(root, tmp_path / "cache", image_size="6")
    assert len(asked) == 16


def test_a_copy_elsewhere_has_the_same_digest_and_another_name_of_a_class_has_not(tmp_path: Path) -> None:
    root = tree(tmp_path / "set")
    copy = Path(shutil.copytree(root, tmp_path / "elsewhere" / "set"))

    def digest(path: Path) -> str:
        spec = DataSpec(source=str(path))
        return prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path).digest

    assert digest(root) == digest(copy)
    (copy / "ant").rename(copy / "aunt")
    assert digest(root) != digest(copy)


def test_more_than_fits_into_memory_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path / "set", num=10)
    whole = read(root, tmp_path / "cache").features
    monkeypatch.setattr(reading, "IN_MEMORY", 100)
    raw = read(root, tmp_path / "cache")
    assert isinstance(raw.features, np.memmap)
    spec = DataSpec(source=str(root))
    report = prepare(spec, fetch(spec, cache=tmp_path / "cache"), cache=tmp_path / "cache")
    kept = load(Path(report.path), digest=report.digest)
    assert isinstance(kept.features, np.memmap)
    np.testing.assert_array_equal(kept.features, whole)


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_TELL_EVERY", 0.0)
    lines: list[str] = []
    with telling(lines.append):
        read(tree(tmp_path / "set"), tmp_path / "cache")
    assert lines[0].startswith("looking at pictures: 1 of 8 (")
    assert lines[-1].startswith("decoding pictures: 8 of 8 (")


def test_a_model_is_asked_about_a_folder_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hw3models.data.readers import image_folders

    monkeypatch.setattr(image_folders, "AT_ONCE", 3)
    root = tmp_path / "new"
    for i in range(7):
        put(root / f"{i}.png", i)
    blocks = list(read_examples(root, Wanted("images", (H, W, 3))))
    assert [len(block.ids) for block in blocks] == [3, 3, 1]
    assert [*blocks[0].ids, *blocks[2].ids] == ["0.png", "1.png", "2.png", "6.png"]
    np.testing.assert_array_equal(blocks[2].examples[0], np.asarray(picture(6)))
    [grey] = list(read_examples(root / "..", Wanted("images", (4, 4), image_fit="crop")))[:1]
    assert grey.examples.shape[1:] == (4, 4)


def test_a_model_is_asked_without_the_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    root = tmp_path / "new"
    for i in range(4):
        put(root / f"{i}.png", i)
    (root / "1.png").write_bytes((root / "1.png").read_bytes()[:60])
    wanted = Wanted("images", (H, W, 3))
    with pytest.raises(DataError, match=r"'1\.png' is damaged .* or go on without them \(`--skip-unreadable`\)"):
        list(read_examples(root, wanted))
    told: list[str] = []
    with telling(told.append):
        [block] = read_examples(root, wanted, skip_unreadable=True)
    assert block.ids.tolist() == ["0.png", "2.png", "3.png"]
    np.testing.assert_array_equal(block.examples[1], np.asarray(picture(2)))
    [line] = told
    assert line.startswith("left out: '1.png' is damaged")


def test_options_for_pictures_are_refused_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`image_size`: these are for pictures in files, and digits holds none"):
        fetch(DataSpec(source="digits", image_size="8"), cache=tmp_path)


def test_what_was_understood_is_said_in_one_sentence(tmp_path: Path) -> None:
    spec = DataSpec(source=str(tree(tmp_path / "set")))
    raw = read_raw(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    assert raw.notes == ()
    assert raw.understood == ("8 pictures of 8 x 10, height x width, kept, in colour; 2 classes; no groups named.",)


@pytest.mark.parametrize("shape", [(4, 6, 3), (4, 6)])
def test_new_pictures_for_a_drift_are_brought_to_the_models_size_and_colours(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    channels = len(shape) * 2 - 3
    manifest = ModelManifest(
        family="mlp", kind="images", shape=shape, class_names=("bee", "ant"), mean=(0.5,) * channels,
        std=(0.2,) * channels, unequal_lengths=False, latent_dim=1, dropout=0, seeds=(0,), best_seed=0,
        data_digest="d", data_name="n",
    )  # fmt: skip
    new = read_new(DataSpec(source=str(tree(tmp_path / "set"))), manifest, cache=tmp_path)
    assert new.classes is not None
    assert new.classes.tolist() == [1] * 4 + [0] * 4
    mode = "RGB" if len(shape) == 3 else "L"
    wanted = np.asarray(picture(0).resize((6, 4), Image.Resampling.BILINEAR).convert(mode))
    np.testing.assert_allclose(new.examples[0], wanted, atol=1.5)
    loose = tmp_path / "loose"
    put(loose / "x.png", 0)
    unlabelled = read_new(DataSpec(source=str(loose)), manifest, cache=tmp_path)
    assert unlabelled.classes is None
    np.testing.assert_allclose(unlabelled.examples[0], wanted, atol=1.5)


def shades(num: int = 12) -> np.ndarray:
    """Colour pictures (num, 10, 11, 3)."""
    return np.random.default_rng(0).integers(0, 256, (num, 10, 11, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (lambda x: x.transpose(0, 3, 1, 2), "channels before rows"),
        (lambda x: (x / 255).astype(np.float32), "0 to 1 as 0 to 255"),
        (lambda x: (x / 255).transpose(0, 3, 1, 2), "channels before rows and 0 to 1 as 0 to 255"),
        (lambda x: x.astype(np.uint16) * 257, "16 bits as 8"),
        (lambda x: x.astype(np.float64), ""),
        (lambda x: x.astype(np.int64), ""),
    ],
)
def test_arrays_of_pictures_in_any_numbers_and_order_are_the_same_pictures(
    change: Any, how: str, tmp_path: Path
) -> None:
    labels = np.arange(12) % 2
    np.savez(tmp_path / "x.npz", X=change(shades()), y=labels)
    np.save(tmp_path / "x.npy", np.ascontiguousarray(change(shades())))
    np.save(tmp_path / "x_labels.npy", labels)
    for name in ("x.npz", "x.npy"):
        raw = read(tmp_path / name, tmp_path)
        assert raw.kind == "images"
        assert np.array_equal(raw.features, shades())
        assert [how in one for one in raw.understood] == ([True] if how else [])
    manifest = Wanted("images", (10, 11, 3))
    for name in ("x.npz", "x.npy"):
        asked = np.concatenate([block.examples for block in read_examples(tmp_path / name, manifest)])
        assert np.array_equal(asked, shades()), "prediction reads as training does"


def test_what_is_called_images_is_taken_for_images_whatever_its_numbers_are(tmp_path: Path) -> None:
    grey = shades()[..., 0]
    for pixels in (grey / 255, grey.astype(np.int64), (grey[:, :, :10] / 255).reshape(12, 100)):
        np.savez(tmp_path / "x.npz", images=pixels, labels=np.arange(12) % 2)
        raw = read(tmp_path / "x.npz", tmp_path)
        assert raw.kind == "images"
        assert np.array_equal(raw.features, grey[:, :, : raw.features.shape[2]])
    np.savez(tmp_path / "x.npz", X=grey / 255, y=np.arange(12) % 2)
    told = r"holds sequences, not images.*call them `images`: np.savez\('x-images.npz', images=X, labels=y\)"
    with pytest.raises(SpecError, match=told):
        check_kind("images", DataSpec(source=str(tmp_path / "x.npz")))


def test_normalised_pixels_are_refused_with_what_they_hold_and_nothing_that_follows_from_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=shades() / 127.5 - 1, labels=np.arange(12) % 2)
    with pytest.raises(DataError, match=r"holds -1 to 1; pixels are 0 to 255.*undo what normalised them") as told:
        read(tmp_path / "x.npz", tmp_path)
    assert "0 images" not in str(told.value)
    np.savez(tmp_path / "x.npz", images=shades(), labels=np.eye(2)[np.arange(12) % 2])
    with pytest.raises(DataError, match=r"12 images, but labels is \(12, 2\).*y.argmax\(axis=1\)"):
        read(tmp_path / "x.npz", tmp_path)


def test_two_arrays_of_one_name_are_refused_for_pictures_as_for_series(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=shades(), labels=np.arange(12) % 2)
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("images", archive.read("images.npy"))
    check_kind("images", DataSpec(source=str(tmp_path / "x.npz")))
    with pytest.raises(DataError, match=r"'images\.npy' and 'images' are both the array 'images'; keep one"):
        read(tmp_path / "x.npz", tmp_path)
