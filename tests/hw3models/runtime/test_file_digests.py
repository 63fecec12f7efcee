"""Files are read once for their digest, and a change is seen all the same."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hw3models.data import dataset as dataset_module
from hw3models.data import fetch, load_prepared, prepare
from hw3models.data.known.synthetic import make_regime
from hw3models.data.preparation import read_raw
from hw3models.errors import DigestError
from hw3models.pipeline.steps import evaluate_step, train_step
from hw3models.runtime import file_digests
from hw3models.runtime.file_digests import file_digest, known, learn, state_of
from hw3models.specs import DataSpec, TrainSpec
from tests.tiny import quick_recipe


class Passes:
    """Counts what is read for a digest: whole files, and the content of data sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[str] = []
        self.contents = 0
        of_file, of_content = hashlib.file_digest, dataset_module.content_digest

        def file_digest(file, *arguments):  # type: ignore[no-untyped-def]
            self.files.append(Path(file.name).name)
            return of_file(file, *arguments)

        def content_digest(one: dataset_module.Dataset) -> str:
            self.contents += 1
            return of_content(one)

        monkeypatch.setattr(hashlib, "file_digest", file_digest)
        monkeypatch.setattr(dataset_module, "content_digest", content_digest)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Passes:
    """Files are trusted at once: how old they are must not decide what is counted."""
    monkeypatch.setattr(file_digests, "SETTLED", 0.0)
    monkeypatch.setattr(file_digests, "COARSE", 0.0)
    return Passes(monkeypatch)


def write_csv(path: Path, *, seed: int = 0) -> DataSpec:
    raw = make_regime(DataSpec(source="regime:locked", num_train=40, num_test=20, seed=seed))
    num, steps, channels = raw.features.shape
    table = pd.DataFrame(raw.features.reshape(num * steps, channels), columns=[f"c{i}" for i in range(channels)])
    table.insert(0, "sample", np.repeat(np.arange(num), steps))
    table.insert(1, "time", np.tile(np.arange(steps), num))
    table["label"] = np.repeat(raw.labels, steps)
    table.to_csv(path, index=False)
    return DataSpec(source=str(path))


def test_from_the_first_look_to_the_last_evaluation_a_file_is_digested_once(passes: Passes, tmp_path: Path) -> None:
    spec = write_csv(tmp_path / "data.csv")
    for _ in range(3):  # the early look of a command, the key of the answer, the step itself
        source = fetch(spec, cache=tmp_path)
    data = prepare(spec, source, cache=tmp_path)
    assert (passes.files, passes.contents) == (["data.csv"], 1)
    for family in ("mlp", "cnn", "majority"):
        recipe = None if family == "majority" else quick_recipe()
        training = TrainSpec(data=spec, family=family, seeds=(0, 1), recipe=recipe, device="cpu")
        evaluate_step(train_step(training, data, tmp_path / family), data)
    assert passes.files == ["data.csv"]
    assert passes.contents == 2, "once when it was made, once when it was first read"


def test_a_raw_file_that_changed_is_noticed_though_its_size_and_time_are_the_same(
    passes: Passes, tmp_path: Path
) -> None:
    spec = write_csv(tmp_path / "data.csv")
    source = fetch(spec, cache=tmp_path)
    before, content = (tmp_path / "data.csv").stat(), (tmp_path / "data.csv").read_bytes()
    wait_for_another_tick(tmp_path)
    (tmp_path / "data.csv").write_bytes(content[:-2] + (b"1" if content[-2:-1] == b"0" else b"0") + b"\n")
    os.utime(tmp_path / "data.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (tmp_path / "data.csv").stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    with pytest.raises(DigestError, match="They changed in between"):
        read_raw(spec, source, cache=tmp_path)


def test_prepared_data_that_changed_after_they_were_read_are_refused(passes: Passes, tmp_path: Path) -> None:
    spec, other = write_csv(tmp_path / "a.csv"), write_csv(tmp_path / "b.csv", seed=1)
    first, second = (prepare(one, fetch(one, cache=tmp_path), cache=tmp_path) for one in (spec, other))
    load_prepared(first)
    wait_for_another_tick(tmp_path)
    Path(first.path).write_bytes(Path(second.path).read_bytes())
    for _ in range(2):
        with pytest.raises(DigestError, match=rf"is {second.digest}, but {first.digest} was asked for"):
            load_prepared(first)


def test_features_in_a_file_of_their_own_that_changed_are_refused(passes: Passes, tmp_path: Path) -> None:
    raw = make_regime(DataSpec(source="regime:locked", num_train=40, num_test=20))
    np.save(tmp_path / "big.npy", raw.features)
    np.save(tmp_path / "big_labels.npy", raw.labels)
    spec = DataSpec(source=str(tmp_path / "big.npy"))
    data = prepare(spec, fetch(spec, cache=tmp_path), cache=tmp_path)
    for _ in range(3):
        load_prepared(data)
    assert passes.contents == 2
    wait_for_another_tick(tmp_path)
    changed = np.load(tmp_path / "big.npy", mmap_mode="r+")
    changed[3, 2, 1] += 1
    changed.flush()
    with pytest.raises(DigestError, match="The data changed"):
        load_prepared(data)


def test_a_file_that_was_written_a_moment_ago_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = Passes(monkeypatch)
    monkeypatch.setattr(file_digests, "SETTLED", 3600.0)
    path = tmp_path / "new"
    path.write_bytes(b"abc")
    assert {file_digest(path) for _ in range(3)} == {hashlib.sha256(b"abc").hexdigest()}
    assert len(passes.files) == 3
    monkeypatch.setattr(file_digests, "SETTLED", 0.0)
    os.utime(path, ns=(0, 5 * 10**9))  # whole seconds: a clock that may tick so slowly
    monkeypatch.setattr(file_digests, "COARSE", 3600.0)
    for _ in range(2):
        file_digest(path)
    assert len(passes.files) == 5
    monkeypatch.setattr(file_digests, "COARSE", 0.0)
    for _ in range(2):
        file_digest(path)
    assert len(passes.files) == 6


def test_what_was_read_before_a_file_changed_is_not_remembered_for_it_nor_of_one_that_has_gone(
    passes: Passes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    before = state_of(path)
    wait_for_another_tick(tmp_path)
    path.write_text("new")
    learn("thing", "of the old one", before)
    assert (known("thing", before), known("thing", state_of(path))) == (None, None)
    path.unlink()
    learn("thing", "of the old one", before)
    assert known("thing", before) is None


def test_algorithms_do_not_take_each_others_digest(passes: Passes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for _ in range(2):
        assert file_digest(path) == hashlib.sha256(b"abc").hexdigest()
        assert file_digest(path, "md5") == hashlib.md5(b"abc").hexdigest()
    assert passes.files == ["file", "file"]


def wait_for_another_tick(folder: Path) -> None:
    """Until the file system gives another time: what settled files have behind them."""
    probe = folder / "probe"
    probe.touch()
    first = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns == first:
        time.sleep(0.001)
        probe.touch()
