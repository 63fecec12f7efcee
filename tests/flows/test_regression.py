"""Numbers through everything after training: a table, a study, a champion, predictions, drift, MLflow."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import root_mean_squared_error

from flows.check import as_text as check_text
from flows.check import check
from flows.drift import as_text as drift_text
from flows.drift import drift
from flows.explain import explain_model
from flows.export import export_model
from flows.predict import predict
from flows.promote import promote
from flows.sequences import sequences
from flows.studies.estimates import guess
from hw3models.data.dataset import describe, save
from hw3models.errors import DataError
from hw3models.serving.predictor import save_use
from hw3models.specs import DataSpec, DriftSpec, PromoteSpec, SequencesSpec, TrainSpec
from tasks import tracking
from tasks.tracking.store import connect
from tests.hw3models.api.test_regression import bursts
from tests.tiny import quick_recipe, tiny_numbers


def write(path: Path, num: int, seed: int, *, shift: float = 0.0) -> np.ndarray:
    """A table in long form of `num` series; their heights."""
    series, heights = bursts(num, seed)
    series += shift
    frame = pd.DataFrame({"x": series.round(4).ravel()})
    frame.insert(0, "time", np.tile(np.arange(30), num))
    frame.insert(0, "sample", np.repeat(np.arange(num), 30))
    frame["label"] = np.repeat(heights.round(4), 30)
    frame.to_csv(path, index=False)
    return heights.round(4)


@pytest.mark.usefixtures("prefect", "store")
def test_a_table_of_numbers_becomes_a_champion_that_predicts_them(tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", 160, 0)
    data = DataSpec(source=str(tmp_path / "mine.csv"), task="regression")
    seen, page = check(data, tmp_path / "check.html")
    assert "mine: 160 sequences of 30 x 1, labels are numbers" in check_text(seen, page)
    assert "Numbers to predict" in page.read_text()

    run = sequences(SequencesSpec(data=data, families=("mlp", "ridge", "mean"), seeds=3, epochs=8))
    tracking.outbox().flush(60)
    answer = run.answers[0]
    assert answer.metric == "rmse"
    assert answer.comparison is not None
    assert answer.comparison.groups[-1] == ("mean",)
    client, _ = connect()
    logged = client.get_run(answer.run_ids["mlp"]).data.metrics
    assert logged["rmse"] == pytest.approx(answer.evaluation["mlp"].metrics["rmse"].mean)
    assert {"mae", "r2"} <= set(logged)
    assert "accuracy" not in logged

    report = promote(PromoteSpec(run=run.tracking.run_id if run.tracking else None, family="ridge"))
    [promotion] = report.promotions
    assert promotion.decision.outcome == "champion"
    assert promotion.decision.metric == "rmse"
    tracking.outbox().flush(60)

    truth = write(tmp_path / "new.csv", 60, 1)
    predict("hw3-sequences-mine@champion", tmp_path / "new.csv", tmp_path / "out.csv")
    said = pd.read_csv(tmp_path / "out.csv")
    assert list(said.columns) == ["id", "prediction"]
    error = root_mean_squared_error(truth, said.sort_values("id")["prediction"])
    assert error < answer.evaluation["mean"].metrics["rmse"].mean

    found = drift(DriftSpec(reference="hw3-sequences-mine@champion", new=DataSpec(source=str(tmp_path / "new.csv"))))
    assert found.rmse_now is not None
    assert found.rmse_now.mean == pytest.approx(error, rel=1e-5)
    assert found.accuracy_now is None
    assert {"the numbers (labels)", "absolute error of the model"} <= {test.what for test in found.tests}
    assert "The model's RMSE on its own test split" in drift_text(found)

    said_why = explain_model(
        run.tracking.run_id if run.tracking else None,
        family="mlp", of=None, on=None, methods=None, examples=20, output=tmp_path / "why.html",
    )  # fmt: skip
    assert "numbers of MLP" in said_why.found.verdict
    assert " nearer to the number than " in said_why.differences[0]
    page = (tmp_path / "why.html").read_text()
    assert "Vermillion raises the number, blue lowers it" in page
    assert "Furthest off" in page

    save_use(Path(answer.training["mlp"].directory), tmp_path / "model", members=3)
    on = explain_model(
        str(tmp_path / "model"),
        family=None, of=None, on=DataSpec(source=str(tmp_path / "new.csv"), task="regression"), methods=["occlusion"],
        examples=20, output=tmp_path / "on.html",
    )  # fmt: skip
    assert on.found.questions.targets is not None
    assert on.found.questions.targets == pytest.approx(truth[on.found.questions.rows])
    assert "at most" in export_model(str(tmp_path / "model"), tmp_path / "model.pt2")


def test_what_a_long_training_will_take_is_timed_with_numbers(tmp_path: Path) -> None:
    save(tiny_numbers(), tmp_path / "data.npz")
    data = describe(tiny_numbers(), tmp_path / "data.npz")
    recipe = quick_recipe(epochs=10_000)
    seconds = guess(TrainSpec(family="mlp", seeds=(0, 1, 2), recipe=recipe, device="cpu"), data)
    assert seconds > 1


@pytest.mark.usefixtures("prefect", "store")
def test_without_the_option_a_table_of_numbers_is_refused_with_it(tmp_path: Path) -> None:
    write(tmp_path / "mine.csv", 40, 0)
    with pytest.raises(DataError, match="To predict the number, use `--task regression`"):
        sequences(SequencesSpec(data=DataSpec(source=str(tmp_path / "mine.csv")), families=("mlp", "majority")))
