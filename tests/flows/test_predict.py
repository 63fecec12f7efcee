"""`hw3 predict` of a study without a champion, with columns that the model remembers; `hw3 promote` says what next."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.cli import models
from flows.drift import with_columns_of
from flows.predict import predict
from flows.sequences import sequences
from hw3models.engine.model_store import load_model, rebuild
from hw3models.errors import DataError, SpecError
from hw3models.serving.predictor import Predictor
from hw3models.specs import DataSpec, GateDecision, Promotion, PromotionReport, SequencesSpec
from tasks import tracking
from tests.hw3models.serving.test_batch import examples, long_form, make_predictor
from tests.tiny import unsealed

DATA = DataSpec(source="regime:locked", num_train=120, num_test=60)


@pytest.mark.usefixtures("prefect", "store")
def test_a_study_is_asked_without_a_champion_about_any_of_its_networks(tmp_path: Path) -> None:
    run = sequences(SequencesSpec(data=DATA, families=("mlp", "gru", "majority"), seeds=3, epochs=2))
    tracking.outbox().flush(60)
    assert run.tracking is not None
    series = np.random.default_rng(0).normal(size=(5, 50, 8)).astype(np.float32)
    table = pd.DataFrame(series.reshape(250, 8), columns=[f"c{i}" for i in range(8)])
    table.insert(0, "time", np.tile(np.arange(50), 5))
    table.insert(0, "sample", np.repeat(np.arange(5), 50))
    table.to_csv(tmp_path / "new.csv", index=False)
    told = predict(None, tmp_path / "new.csv", tmp_path / "out.csv", run=run.tracking.run_id, family="gru")
    assert "5 examples by gru" in told
    manifest, states = load_model(Path(run.answers[0].training["gru"].directory))
    own = Predictor.of_network(manifest, rebuild(manifest, states, manifest.best_seed)).predict(series)["probabilities"]
    written = pd.read_csv(tmp_path / "out.csv")
    assert written.iloc[:, -2:].to_numpy() == pytest.approx(own, abs=1e-5)
    with pytest.raises(SpecError, match="`family` 'majorty' is not a model of this study"):
        predict(None, tmp_path / "new.csv", tmp_path / "o.csv", run=run.tracking.run_id, family="majorty")


@pytest.mark.parametrize("given", [{}, {"model": "m@champion", "run": "r"}, {"model": "m@champion", "family": "gru"}])
def test_a_model_is_named_in_one_way(given: dict[str, str], tmp_path: Path) -> None:
    model = given.pop("model", None)
    with pytest.raises(SpecError, match="--run"):
        predict(model, tmp_path / "new.csv", tmp_path / "out.csv", **given)


def test_columns_are_called_as_in_training_if_nothing_else_is_said(tmp_path: Path) -> None:
    make_predictor(tmp_path / "model")
    manifest = unsealed(tmp_path / "model" / "model.json")
    remembered = manifest | {"sample_column": "run", "time_column": "t"}
    (tmp_path / "model" / "model.json").write_text(json.dumps(remembered))
    long_form(examples(7)).rename(columns={"sample": "run", "time": "t"}).to_csv(tmp_path / "new.csv", index=False)
    assert "7 examples" in predict(str(tmp_path / "model"), tmp_path / "new.csv", tmp_path / "out.csv")
    long_form(examples(7)).to_csv(tmp_path / "other.csv", index=False)
    columns = {"sample_column": "sample", "time_column": "time"}
    assert "7 examples" in predict(str(tmp_path / "model"), tmp_path / "other.csv", tmp_path / "out.csv", **columns)


def test_a_model_whose_classes_were_exchanged_is_asked_nothing(tmp_path: Path) -> None:
    make_predictor(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(path.read_text().replace("calm", "x").replace("wild", "calm").replace('"x"', '"wild"'))
    long_form(examples(7)).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=r"model\.json: it was changed after it was written"):
        predict(str(tmp_path / "model"), tmp_path / "new.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_drift_takes_the_columns_of_the_training_data_where_nothing_else_is_said() -> None:
    training = DataSpec(source="a.csv", sample_column="run", time_column="t", label_column="y", group_column="who")
    found = with_columns_of(DataSpec(source="b.csv", time_column="clock"), training)
    assert (found.sample_column, found.time_column, found.label_column, found.group_column) == (
        "run", "clock", "y", "who",
    )  # fmt: skip
    assert found.source == "b.csv"


@pytest.mark.parametrize(
    ("outcome", "now", "code", "ending"),
    [
        ("champion", 2, None, "next: hw3 predict NEW_DATA --model hw3-images@champion -o predictions.csv"),
        ("challenger", 1, 3, "next: hw3 predict NEW_DATA --model hw3-images@champion -o predictions.csv"),
        ("refused", None, 3, "--override 'WHY', if it is to serve all the same"),
    ],
)
def test_promote_prints_the_next_command_and_its_exit_code_says_what_came_of_it(
    outcome: Any, now: int | None, code: int | None, ending: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    decision = GateDecision(outcome=outcome, reason="Because.", metric="accuracy")
    one = Promotion(
        model="hw3-images", version=2, family="mlp", run_id="a" * 32, data="digits", data_digest="d",
        decision=decision, champion_before=None if now is None else 1, champion_now=now,
    )  # fmt: skip
    monkeypatch.setattr("flows.local.run.run_here", lambda *_, **__: PromotionReport(promotions=(one,)))
    if code is None:
        models.promote()
    else:
        with pytest.raises(SystemExit) as ended:
            models.promote()
        assert ended.value.code == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"hw3-images version 2 (mlp on digits): {outcome}. Because."
    assert lines[1].endswith(ending)
    assert "Exit code 0" in (models.promote.__doc__ or "")
