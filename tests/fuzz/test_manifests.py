"""Tables about pictures and recordings, and models' manifests, that say anything: read, or refused by name."""

import csv
import io
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hw3models.data import fetch
from hw3models.data.preparation import read_raw
from hw3models.errors import DataError, SpecError
from hw3models.serving.predictor import load_predictor
from hw3models.specs import DataSpec
from tests.fuzz.bounds import bounded, few, read_file
from tests.fuzz.test_state import VALUES
from tests.hw3models.data.pictures.made import tree
from tests.hw3models.serving.test_batch import examples, make_predictor
from tests.tiny import unsealed

NUMBERS = itertools.count()
SECRET = 77
"""Every value of files that lie elsewhere."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        Image.fromarray(np.full((8, 10, 3), SECRET, np.uint8)).save(place / "secret.png")
        (place / "secret.csv").write_text(f"x,y\n{SECRET},{SECRET}\n" * 1 + f"{SECRET},{SECRET}\n" * 3)
        tree(place / "pictures", num=5)
        (place / "pictures" / "folder.png").mkdir()
        (place / "pictures" / "link.png").symlink_to(place / "secret.png")
        recordings = place / "recordings"
        for n in range(10):
            (recordings / "abc"[n % 3]).mkdir(parents=True, exist_ok=True)
            rows = "".join(f"{(n * 7 + t) % 11},{t % 3}\n" for t in range(4))
            (recordings / "abc"[n % 3] / f"{n}.csv").write_text(f"x,y\n{rows}")
        (recordings / "link.csv").symlink_to(place / "secret.csv")
        yield place


def rows_of(files: list[str], elsewhere: str) -> st.SearchStrategy[list[list[str]]]:
    """Rows of a table: some name what is there, some something else, twice, or with other labels."""
    odd = st.sampled_from(
        [
            "missing.png",
            f"../{elsewhere}",
            f"/{elsewhere}",
            f"./{files[0]}",
            files[0].upper(),
            files[0].replace("/", "\\"),
            f"{files[0].split('/')[0]}/../{files[0]}",
            "",
            " ",
            ".",
            "..",
            "folder.png",
            f"link.{elsewhere[-3:]}",
            "x" * 300,
            "C:\\a.png",
            "\x1b[2J",
            "a\x00b",
            "http://127.0.0.1/a.png",
            f"file:///{elsewhere}",
            f" {files[0]}",
            "\u00e9.png",
        ]
    )
    names = st.one_of(st.sampled_from(files), st.sampled_from(files), odd)
    label = st.sampled_from(["ant", "bee", "Ant", "ant ", "", "1", "1.0", "NaN", "\x1b[2J", "a\nb"])
    part = st.sampled_from(["train", "test", "Train", "", "other", "validation"])
    return st.lists(st.tuples(names, label, part, st.sampled_from(["p1", "p2", ""])).map(list), max_size=16)


HEADS = st.sampled_from(
    [
        ["path", "label", "split", "patient"],
        ["file", "class", "", ""],
        ["image", "label", "label", "split"],
        ["id", "y", "a", "b"],
        ["filename", "label", "split", "group"],
    ]
)
PICTURES = [f"{name}/{n}.png" for name in ("ant", "bee") for n in range(5)]
RECORDINGS = [f"{'abc'[n % 3]}/{n}.csv" for n in range(10)]


def as_text(head: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


def holds_secret(source: Path, cache: Path, **options: Any) -> bool:
    """Is anything in the data that lies elsewhere?"""
    spec = DataSpec(source=str(source), **options)
    features = np.asarray(read_raw(spec, fetch(spec, cache=cache), cache=cache).features)
    return bool((features == SECRET).reshape(len(features), -1).all(axis=1).any())


@few
@given(head=HEADS, extra=rows_of(PICTURES, "secret.png"), is_whole=st.booleans())
def test_tables_about_pictures(folder: Path, head: list[str], extra: list[list[str]], is_whole: bool) -> None:
    usual = [[name, name.split("/")[0], "test" if "4" in name else "train", "p1"] for name in PICTURES]
    path = folder / "pictures" / f"n{next(NUMBERS)}.csv"
    path.write_text(as_text(head, [*(usual if is_whole else ()), *extra]).replace("/secret", f"{folder}/secret"))
    try:
        if read_file(path, folder / "cache"):
            assert not holds_secret(path, folder / "cache")
    finally:
        path.unlink()


@few
@given(head=HEADS, extra=rows_of(RECORDINGS, "secret.csv"), is_whole=st.booleans())
def test_tables_about_recordings(folder: Path, head: list[str], extra: list[list[str]], is_whole: bool) -> None:
    usual = [[name, name.split("/")[0], "test" if "9" in name else "train", "p1"] for name in RECORDINGS]
    path = folder / "recordings" / "manifest.csv"
    path.write_text(as_text(head, [*(usual if is_whole else ()), *extra]).replace("/secret", f"{folder}/secret"))
    spec = DataSpec(source=str(path.parent), manifest=str(path))
    try:
        with bounded():
            read_raw(spec, fetch(spec, cache=folder / "cache"), cache=folder / "cache")
            assert not holds_secret(path.parent, folder / "cache", manifest=str(path))
    except (DataError, SpecError) as error:
        text = str(error)
        assert "manifest.csv" in text or "recordings" in text
        assert "\x1b" not in text
    finally:
        path.unlink()


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    make_predictor(folder / "model")
    return folder / "model"


FIELDS = st.one_of(
    VALUES,
    st.sampled_from(
        [
            [],
            [[]],
            [1e308] * 3,
            [0.0] * 3,
            [-1.0] * 3,
            ["a", "a"],
            ["a"],
            [12],
            [12, 3, 3],
            [0, 3],
            [10**9, 3],
            -1,
            2.5,
            "cnn",
            "nobody",
            "images",
            10**9,
            "package:thing",
            "../x.py",
            {"x": 1},
        ]
    ),
)


@few
@given(data=st.data())
def test_manifests_of_models(folder: Path, model: Path, data: st.DataObject) -> None:
    fields = unsealed(model / "model.json")
    for name in data.draw(st.lists(st.sampled_from([*fields, "unknown"]), min_size=1, max_size=3)):
        fields[name] = data.draw(FIELDS)
    place = folder / f"m{next(NUMBERS)}"
    shutil.copytree(model, place)
    (place / "model.json").write_text(json.dumps(fields))
    try:
        with bounded(), suppress(DataError, SpecError):
            predictor = load_predictor(place)
            shape = predictor.manifest.shape
            found = predictor.predict(np.resize(examples(4), (4, *shape)).clip(0, 255))
            for values in found.values():
                assert np.isfinite(values).all()
            if "probabilities" in found:
                np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, atol=1e-4)
                assert found["probabilities"].shape == (4, len(set(predictor.manifest.class_names)))
    finally:
        shutil.rmtree(place)
