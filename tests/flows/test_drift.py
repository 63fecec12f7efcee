"""From a trained family to a look for drift: runs, artifacts, events, exit codes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

import flows.cli.data
from flows.drift import as_text, drift
from flows.promote import promote
from flows.sequences import sequences
from hw3models.data import load_prepared
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec, DriftReport, DriftSpec, PromoteSpec, RunReport, SequencesSpec
from tasks import tracking
from tasks.tracking.store import connect

pytestmark = pytest.mark.usefixtures("prefect", "store")
DATA = DataSpec(source="regime:dynamics", num_train=300, num_test=200)


def study() -> RunReport:
    spec = SequencesSpec(data=DATA, families=("mlp", "majority"), seeds=3, epochs=10)
    run = sequences(spec)
    tracking.outbox().flush(60)
    return run


def look(reference: str, **new: Any) -> DriftReport:
    return drift(DriftSpec(reference=reference, new=DataSpec(**new)))


def command(reference: str, new: Path) -> int:
    """Exit code of `hw3 drift`, with the servers that are there."""
    try:
        flows.cli.data.drift(reference=reference, new=str(new))
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_drift_is_found_where_it_is_and_logged_and_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = study()
    answer = run.answers[0]
    family = answer.run_ids["mlp"]

    same = look(family, source="regime:dynamics", num_train=300, num_test=200, seed=3)
    assert not same.drifted, as_text(same)
    assert (same.look, same.level) == (1, pytest.approx(0.05 * (1 - 2**-0.5)))
    assert same.accuracy_now is not None

    values = np.asarray(load_prepared(answer.data).features[:200])
    np.savez(tmp_path / "shifted.npz", X=values + np.array([0, 0, 1.5, 0, 0, 0, 0, 0], np.float32))
    shifted = look(family, source=str(tmp_path / "shifted.npz"))
    assert "mean of channel 2" in {test.what for test in shifted.tests if test.drifted}
    assert (shifted.accuracy_now, shifted.accuracy_before is None) == (None, False)
    assert "have no labels" in as_text(shifted)
    assert "Look 2 at this model: tested at 0.65%." in as_text(shifted)

    assert shifted.run_id is not None
    client, _ = connect()
    logged = client.get_run(shifted.run_id)
    assert (logged.info.status, logged.data.tags["hw3.drift"]) == ("FINISHED", "found")
    assert logged.data.metrics["drifted"] == 1.0
    kept = Path(client.download_artifacts(shifted.run_id, "drift.json", str(tmp_path))).read_text()
    assert DriftReport.model_validate_json(kept).verdict == shifted.verdict
    with get_client(sync_client=True) as prefect:
        found = prefect.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["drift-dynamics"])), limit=10
        )
    assert any(shifted.verdict in str(one.data) for one in found)

    # A registered model names the same, and the same data are the same look.
    [promoted] = promote(PromoteSpec(run=family)).promotions
    again = look(f"{promoted.model}/{promoted.version}", source=str(tmp_path / "shifted.npz"))
    assert (again.verdict, again.look, again.run_id == shifted.run_id) == (shifted.verdict, 2, False)
    np.savez(tmp_path / "other.npz", X=values[:100])
    assert look(family, source=str(tmp_path / "other.npz")).look == 3

    np.savez(tmp_path / "narrow.npz", X=values[:, :, :7])
    with pytest.raises(DataError, match="examples are 50 x 7, but the model takes 50 x 8"):
        look(family, source=str(tmp_path / "narrow.npz"))
    np.savez(tmp_path / "classes.npz", X=values, y=np.arange(200) % 3)
    with pytest.raises(DataError, match="class '2' is not one of the model's"):
        look(family, source=str(tmp_path / "classes.npz"))
    with pytest.raises(SpecError, match="give MODEL@champion or MODEL/VERSION"):
        look("nonsense", source=str(tmp_path / "shifted.npz"))

    # The command looks at new data before a server has started, and they need not be what could be trained on.
    monkeypatch.setattr("flows.local.run.run_here", lambda load, spec, **_: load()(spec))
    np.save(tmp_path / "moved.npy", values + np.float32(3))
    steps = pd.DataFrame({f"c{c}_{t}": values[:, t, c] + 3 for c in range(8) for t in range(50)})
    steps.to_csv(tmp_path / "moved.csv", index=False)
    assert [command(family, tmp_path / name) for name in ("moved.npy", "moved.csv")] == [3, 3]
    with pytest.raises(DataError, match=r"nowhere\.npy: there is no such file"):
        command(family, tmp_path / "nowhere.npy")
