"""MNIST through the real fetch: served on loopback, checked, read by torchvision."""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fashion import PACKAGE, published_files
from hw3models.data import fetch, load_prepared, prepare
from hw3models.errors import DataError, DigestError, DownloadError, SpecError
from hw3models.specs import DataSpec
from tests.hw3models.data.known.mirror import Mirror, serve

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the MNIST files of <repo>/../shared/data/mnist")
MNIST = DataSpec(source="mnist")
AUTO = DataSpec(source="auto")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serve({path.name: path.read_bytes() for path in FOLDER.glob("*.gz")} if FOLDER.is_dir() else {}) as served:
        yield served


def _fetch_in_child(cache: str, address: str) -> None:
    fetch(MNIST, cache=Path(cache), mirrors={"mnist": [address]})


@needs_mnist
def test_mnist_is_fetched_read_and_split_as_published(mirror: Mirror, tmp_path: Path) -> None:
    lines: list[str] = []
    source = fetch(MNIST, cache=tmp_path, mirrors={"mnist": [mirror.address]}, on_progress=lines.append)
    assert (source.source, source.kind, len(source.files)) == ("mnist", "images", 4)
    assert "downloading train-images-idx3-ubyte.gz" in lines
    report = prepare(MNIST.model_copy(update={"max_train": 2000}), source, cache=tmp_path)
    data = load_prepared(report)
    assert (report.num_train, report.num_validation, report.num_test) == (1800, 200, 10_000)
    assert (data.features.dtype, data.features.shape) == (np.uint8, (12_000, 28, 28))
    # Published: the first test digits are 7, 2, 1, 0, 4; 1,135 of the 10,000 are ones.
    assert data.labels[data.test[:5]].tolist() == [7, 2, 1, 0, 4]
    assert int((data.labels[data.test] == 1).sum()) == 1135
    pixels = data.features[data.train] / 255
    assert data.mean == pytest.approx([pixels.mean()], rel=1e-6)
    assert data.std == pytest.approx([pixels.std()], rel=1e-6)


@needs_mnist
def test_files_that_are_there_are_checked_and_only_a_corrupt_one_is_fetched_again(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirrors = {"mnist": [mirror.address]}
    first = fetch(MNIST, cache=tmp_path, mirrors=mirrors)
    mirror.requests.clear()
    assert fetch(MNIST, cache=tmp_path, mirrors={"mnist": []}) == first, "whole in the cache: no mirror is needed"
    damaged = Path(first.files[3])
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with pytest.raises(DigestError, match="They changed in between"):
        prepare(MNIST, first, cache=tmp_path)
    assert fetch(MNIST, cache=tmp_path, mirrors=mirrors) == first
    assert mirror.requests == [(damaged.name, None)]
    damaged.unlink()
    with pytest.raises(DataError, match=r"cannot be read .* Fetch the raw data again"):
        prepare(MNIST, first, cache=tmp_path)


@pytest.mark.slow
@needs_mnist
def test_two_processes_at_once_download_each_file_once(mirror: Mirror, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_fetch_in_child, args=(str(tmp_path), mirror.address)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(600)
    assert [child.exitcode for child in children] == [0, 0]
    assert sorted(name for name, _ in mirror.requests) == sorted(mirror.files)


@needs_mnist
def test_auto_takes_mnist_where_it_can_be_had(mirror: Mirror, tmp_path: Path) -> None:
    source = fetch(AUTO, cache=tmp_path, mirrors={"mnist": [mirror.address]})
    assert (source.source, source.notes) == ("mnist", ())


def test_auto_says_loudly_that_the_digits_stand_in(mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults["*"] = 403
    source = fetch(AUTO, cache=tmp_path, mirrors={"mnist": [mirror.address]})
    assert source.source == "digits"
    report = prepare(AUTO, source, cache=tmp_path)
    assert report.notes[0].startswith("scikit-learn's 1,797 digits stand in for MNIST")
    assert "it could not be had (mnist: train-images-idx3-ubyte.gz" in report.notes[0]
    assert "HTTP 403" in report.notes[0]


def test_auto_does_not_wait_long_for_mirrors_that_never_answer(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hw3models.data.known.auto.AUTO_TIMEOUT", 0.5)
    monkeypatch.setattr("hw3models.data.known.auto.AUTO_WASTE", 0.99)
    mirror.faults["*"] = "silent"
    start = time.monotonic()
    source = fetch(AUTO, cache=tmp_path, mirrors={"mnist": [mirror.address + str(i) for i in range(9)]})
    assert source.source == "digits"
    assert time.monotonic() - start < 10, "ten times over, for a busy machine; a mirror would be silent for 30 s"
    # The second wait ends after twice 0.5 s, when no more may be lost; on a busy machine the first may take all of it.
    assert 1 <= len(mirror.requests) <= 2


@pytest.mark.parametrize(
    ("name", "variable"), [("mnist", "HW3_MNIST_MIRRORS"), ("fashion-mnist", "HW3_FASHION_MIRRORS")]
)
def test_when_no_mirror_works_the_message_says_what_to_do(name: str, variable: str, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with pytest.raises(DownloadError, match=rf"{nobody}: .*refused.*Set {variable} .*into {tmp_path}/raw/{name}"):
            fetch(DataSpec(source=name), cache=tmp_path, mirrors={name: [nobody]})


def test_bad_mirrors_are_refused_before_anything_is_tried(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="http or https addresses, got 'file:///data'"):
        fetch(MNIST, cache=tmp_path, mirrors={"mnist": ["file:///data"]})
    with pytest.raises(SpecError, match=r"got \['minst'\]"):
        fetch(MNIST, cache=tmp_path, mirrors={"minst": []})
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.raises(DataError, match=r"cache/raw/mnist: the raw data cannot be stored there"):
        fetch(MNIST, cache=tmp_path / "cache", mirrors={"mnist": []})


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs the Debian package dataset-fashion-mnist")
def test_fashion_mnist_is_fetched_by_its_published_sums_and_read(tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in published_files(tmp_path)}
    spec, cache = DataSpec(source="fashion-mnist", max_train=1000), tmp_path / "cache"
    with serve(files) as mirror:
        source = fetch(spec, cache=cache, mirrors={"fashion-mnist": [mirror.address]})
    data = load_prepared(prepare(spec, source, cache=cache))
    assert data.class_names[:3] == ("T-shirt/top", "Trouser", "Pullover")
    assert np.bincount(data.labels[data.test]).tolist() == [1000] * 10
    assert data.features.shape[1:] == (28, 28)
    # Trousers are tall and dark at their sides; the mean of the first column of pixels is nothing.
    trousers = data.features[data.labels == 1].mean(0)
    assert trousers[:, 12:16].mean() > 60
    assert trousers[:, 0].mean() < 1
