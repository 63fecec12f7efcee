"""New data at an address or uploaded, for predict, drift, check and explain as for training. All on loopback."""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.check import check
from flows.drift import drift
from flows.explain import explain_model
from flows.predict import predict
from flows.sequences import sequences
from hw3models.data.addresses import uploads_digest
from hw3models.errors import DataError, DownloadError, SpecError
from hw3models.serving.predictor import save_use
from hw3models.specs import DataSpec, DriftSpec, SequencesSpec
from tasks import bringing, tracking
from tasks.settings import Settings
from tests.hw3models.data.known.mirror import Mirror, serve

pytestmark = pytest.mark.usefixtures("home")
RNG = np.random.default_rng(0)


def written(num: int) -> pd.DataFrame:
    labels = np.arange(num) % 2
    values = RNG.normal(size=(num, 8)) + 2 * labels[:, None]
    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(num), 8),
            "t": np.tile(np.arange(8), num),
            "x": values.reshape(-1).round(3),
            "activity": np.repeat(np.array(["sit", "walk"])[labels], 8),
        }
    )


NEW = written(40).to_csv(index=False).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Mirror]:
    with serve({"new.csv": NEW, "odd.csv": NEW.replace(b"x,", b"z,")}) as mirror:
        yield mirror


@pytest.mark.usefixtures("prefect", "store")
def test_data_elsewhere_are_as_the_same_file_here(server: Mirror, tmp_path: Path) -> None:
    written(80).to_csv(tmp_path / "old.csv", index=False)
    (tmp_path / "new.csv").write_bytes(NEW)
    spec = SequencesSpec(data=DataSpec(source=str(tmp_path / "old.csv")), families=("mlp",), seeds=2, epochs=2)
    run = sequences(spec)
    tracking.outbox().flush(60)
    save_use(Path(run.answers[0].training["mlp"].directory), tmp_path / "model")
    there, here = f"{server.address}new.csv#sha256={sha256(NEW).hexdigest()}", str(tmp_path / "new.csv")
    for source, name in ((here, "here"), (there, "there")):
        assert "40 examples" in predict(str(tmp_path / "model"), source, tmp_path / f"{name}.csv")
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()
    looks = [
        drift(DriftSpec(reference=run.answers[0].run_ids["mlp"], new=DataSpec(source=one))) for one in (here, there)
    ]
    assert looks[0].tests == looks[1].tests
    assert looks[0].accuracy_now == looks[1].accuracy_now is not None
    explained = [
        explain_model(str(tmp_path / "model"), family=None, of=None, on=DataSpec(source=one),
                      methods=["occlusion"], examples=10, output=tmp_path / "page.html").found.sentences
        for one in (here, there)
    ]  # fmt: skip
    assert explained[0] == explained[1]
    pages = [check(DataSpec(source=one), tmp_path / "check.html")[0] for one in (here, there)]
    assert pages[0].model_dump(exclude={"source"}) == pages[1].model_dump(exclude={"source"})


@pytest.mark.parametrize("ask", ["predict", "check"])
def test_what_training_refuses_of_an_address_is_refused(server: Mirror, ask: str, tmp_path: Path) -> None:
    def asked(source: str) -> None:
        if ask == "predict":
            predict("model", source, tmp_path / "out.csv")
        else:
            check(DataSpec(source=source), tmp_path / "page.html")

    with pytest.raises(SpecError, match=rf"What is there now is .*#sha256={sha256(NEW).hexdigest()}"):
        asked(f"{server.address}new.csv")
    with pytest.raises((DataError, DownloadError), match="wrong content"):
        asked(f"{server.address}odd.csv#sha256={'0' * 64}")
    with pytest.raises(SpecError, match="with a password in it"):
        asked(f"http://me:secret@127.0.0.1/new.csv#sha256={'0' * 64}")
    with pytest.raises(SpecError, match="is no upload; `hw3 upload FILE` prints how"):
        asked("upload:new.csv")


def test_an_upload_is_brought_and_faults_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new.csv").write_bytes(NEW)
    digest = uploads_digest([tmp_path / "new.csv"], tmp_path)

    def bring(_: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "new.csv", folder)

    monkeypatch.setattr(bringing, "bring_upload", bring)
    said: list[str] = []
    source = f"upload:new.csv@{digest}"
    with bringing.on_this_machine(DataSpec(source=source), said.append) as spec:
        path = Path(spec.source)
        assert path.read_bytes() == NEW
        assert Settings().cache.absolute() in path.parents
    assert said == ["downloading new.csv, which was uploaded"]
    with (
        pytest.raises(DataError, match=f"^{source}: it is wrong"),
        bringing.on_this_machine(DataSpec(source=source), said.append),
    ):
        raise DataError(f"{path}: it is wrong")
