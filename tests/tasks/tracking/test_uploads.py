"""Files left with MLflow: found by their digest, once, with all that belongs to them."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from flows.cli.main import app
from flows.upload import upload
from hw3models.data import fetch, prepare
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataOptions, DataSpec
from tasks.settings import Settings
from tasks.tracking.store import connect
from tasks.tracking.sweeping import open_runs
from tasks.tracking.uploads import bring, experiment_of_uploads, leave
from tests.hw3models.data.pictures.made import put
from tests.hw3models.data.test_addresses import table


def split(folder: Path) -> Path:
    """A training file with its test file beside it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part in ("TRAIN", "TEST"):
        rows = [f"{i % 2 + 1}\t" + "\t".join(f"{x:.3f}" for x in rng.normal(size=6)) for i in range(40)]
        (folder / f"Gait_{part}.tsv").write_text("\n".join(rows) + "\n")
    return folder / "Gait_TRAIN.tsv"


@pytest.fixture
def server(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's store counts as a server; tests/orchestration has a real one."""
    monkeypatch.setattr("flows.upload.is_server", lambda _: True)


def test_an_uploaded_split_is_the_same_data_on_a_machine_that_never_had_it(server: None, tmp_path: Path) -> None:
    path = split(tmp_path / "mine")
    source, is_new = upload(str(path), DataOptions())
    assert is_new
    assert source.startswith("upload:Gait_TRAIN.tsv@")
    assert upload(str(path), DataOptions()) == (source, False), "it is there already"
    local = DataSpec(source=str(path))
    here = prepare(local, fetch(local, cache=Settings().cache), cache=Settings().cache)
    elsewhere = tmp_path / "elsewhere"
    spec = DataSpec(source=source)
    told: list[str] = []
    report = fetch(spec, cache=elsewhere, uploads=bring, on_progress=told.append)
    assert told == ["downloading Gait_TRAIN.tsv, which was uploaded"]
    assert prepare(spec, report, cache=elsewhere).digest == here.digest
    assert fetch(spec, cache=elsewhere) == report, "from the cache, without asking"
    client, experiment = connect()
    assert not client.search_runs([experiment]), "the table of studies stays one of studies"


def test_a_folder_of_pictures_is_uploaded_whole(
    server: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    for i in range(40):
        (tmp_path / "dots" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "dots" / "ab"[i % 2] / f"{i}.png")
    source, _ = upload(str(tmp_path / "dots"), DataOptions())
    app(["upload", str(tmp_path / "dots")], result_action="return_value")
    assert f"already with MLflow; next: hw3 images {source}" in " ".join(capsys.readouterr().err.split())
    spec = DataSpec(source=source)
    report = fetch(spec, cache=tmp_path / "elsewhere", uploads=bring)
    assert report.kind == "images"
    assert prepare(spec, report, cache=tmp_path / "elsewhere").class_names == ("a", "b")


@pytest.mark.parametrize("whole", [False, True])
def test_the_pictures_of_a_table_go_with_it(whole: bool, server: None, tmp_path: Path) -> None:
    root = tmp_path / "set"
    for i in range(40):
        put(root / "images" / f"{i}.png", i)
    put(root / "images" / "unnamed.png")
    rows = [f"{i},{'ab'[i % 2]}" for i in range(40)]
    (root / "labels.csv").write_text("\n".join(["id,label", *rows]))
    source, _ = upload(str(root if whole else root / "labels.csv"), DataOptions())
    spec = DataSpec(source=source)
    report = fetch(spec, cache=tmp_path / "elsewhere", uploads=bring)
    local = DataSpec(source=str(root / "labels.csv"))
    here = prepare(local, fetch(local, cache=Settings().cache), cache=Settings().cache)
    assert prepare(spec, report, cache=tmp_path / "elsewhere").digest == here.digest
    assert not list((tmp_path / "elsewhere").rglob("unnamed.png"))


def test_an_upload_that_is_interrupted_or_killed_is_none_and_is_ended(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.csv").write_bytes(table(30))
    given = ("a" * 16, "data.csv", [tmp_path / "data.csv"], tmp_path)
    client, _ = connect()

    def press(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(client), "log_artifact", press)
        with pytest.raises(KeyboardInterrupt):
            leave(*given)
    killed = multiprocessing.get_context("fork").Process(target=_killed, args=(given,))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    [experiment] = experiment_of_uploads(client)
    assert sorted(run.info.status for run in client.search_runs([experiment])) == ["KILLED", "RUNNING"]
    [left] = open_runs()
    assert left.name == "upload data.csv"
    assert left.writer is not None
    assert left.writer.is_dead(), "so that `hw3 reconcile` ends it"
    with pytest.raises(DataError, match="The MLflow server has no upload"):
        bring("a" * 16, tmp_path / "brought")
    assert leave(*given), "nothing was there"


def _killed(given: tuple[str, str, list[Path], Path]) -> None:
    client, _ = connect()
    type(client).log_artifact = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    leave(*given)


def test_what_is_changed_in_mlflow_or_lost_there_is_refused(server: None, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_bytes(table(30))
    leave("f" * 16, "data.csv", [tmp_path / "other.csv"], tmp_path)
    with pytest.raises(DataError, match="what MLflow has is damaged"):
        fetch(DataSpec(source=f"upload:data.csv@{'f' * 16}"), cache=tmp_path / "cache", uploads=bring)
    with pytest.raises(
        DataError, match=r"The MLflow server has no upload 0{16}: it is of another server, or was deleted"
    ):
        fetch(DataSpec(source=f"upload:data.csv@{'0' * 16}"), cache=tmp_path / "cache", uploads=bring)


def test_what_cannot_be_uploaded_is_said(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SpecError, match="MLFLOW_TRACKING_URI names none"):
        upload("digits", DataOptions())
    monkeypatch.setattr("flows.upload.is_server", lambda _: True)
    with pytest.raises(SpecError, match="'digits' is no path of this machine"):
        upload("digits", DataOptions())
    (tmp_path / "a@b.csv").write_bytes(table())
    with pytest.raises(SpecError, match="has an @ in its name"):
        upload(str(tmp_path / "a@b.csv"), DataOptions())
