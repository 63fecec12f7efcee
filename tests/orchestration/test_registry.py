"""Promotion, history, prediction and drift against a real MLflow server, from a machine that trained nothing."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import SyncPrefectClient

from flows.drift import drift
from flows.predict import predict
from flows.promote import promote
from flows.registry import history, rollback
from flows.sequences import sequences
from hw3models.data.known.synthetic import make_regime
from hw3models.errors import SpecError
from hw3models.specs import DataSpec, DriftSpec, PromoteSpec
from tasks import tracking
from tests.orchestration.studies import study
from tests.stack import Stack

pytestmark = pytest.mark.servers

DATA = DataSpec(source="regime:locked", num_train=300, num_test=300)


def test_a_champion_is_made_asked_and_replaced_through_the_server(
    stack: Stack, here: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotions = []
    for first_seed in (0, 10):
        spec = study(data=DATA, seeds=3, epochs=25, first_seed=first_seed, placement="here")
        run = sequences(spec)
        assert tracking.outbox().flush(60) == 0
        assert run.tracking is not None
        # Another machine: nothing of the study is on its disk.
        monkeypatch.setenv("HW3_HOME", str(tmp_path / f"elsewhere-{first_seed}"))
        promotions += promote(PromoteSpec(run=run.tracking.run_id)).promotions
    first, second = promotions
    assert (first.decision.outcome, first.champion_now) == ("champion", 1), first.decision.reason
    assert (second.decision.outcome, second.champion_now) == ("challenger", 1), "the same again is no better"

    client = MlflowClient(stack.environment["MLFLOW_TRACKING_URI"])
    version = client.get_model_version_by_alias("hw3-sequences-locked", "champion")
    assert version.version == "1"
    assert "# " in version.description, "the model manifest"
    assert client.get_model_version_by_alias("hw3-sequences-locked", "challenger").version == "2"
    assert [line.version for line in history("hw3-sequences-locked")] == [1, 2]

    new = make_regime(DATA.model_copy(update={"num_train": 2, "num_test": 200}))
    np.save(tmp_path / "new.npy", new.features[2:])
    said = predict(
        "hw3-sequences-locked@champion", tmp_path / "new.npy", tmp_path / "out.parquet",
        sample_column="sample", time_column="time",
    )  # fmt: skip
    assert "200 examples by mlp" in said
    report = drift(DriftSpec(reference="hw3-sequences-locked@champion", new=DataSpec(source=str(tmp_path / "new.npy"))))
    assert report.num_new == 200

    with pytest.raises(SpecError, match="version 1 of hw3-sequences-locked is the first champion"):
        rollback("hw3-sequences-locked", None, "a test")
    assert rollback("hw3-sequences-locked", 2, "a test").champion == 2
    assert client.get_model_version_by_alias("hw3-sequences-locked", "champion").version == "2"
