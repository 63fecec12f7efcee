"""`hw3 explain` of a study, of a registered model and of a folder; the page, MLflow, and from Python."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from flows.cli.main import app
from flows.explain import as_json, as_text, explain_model
from flows.promote import promote
from flows.sequences import sequences
from hw3models import study
from hw3models.errors import DataError, SpecError
from hw3models.explaining.windows import overlaps
from hw3models.serving.predictor import save_use
from hw3models.specs import DataSpec, PromoteSpec, SequencesSpec
from tasks import tracking
from tests.hw3models.api.test_studies import waves

NOTHING = {"family": None, "of": None, "on": None, "methods": None, "examples": 20, "output": None}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect", "store")
def test_a_study_a_champion_and_a_folder_are_explained(tmp_path: Path, home: Path) -> None:
    series, labels = waves()
    np.savez(tmp_path / "waves.npz", X=series, y=labels)
    asked = SequencesSpec(data=DataSpec(source=str(tmp_path / "waves.npz")), families=("mlp", "logistic"), seeds=2)
    run = sequences(asked.model_copy(update={"epochs": 8}))
    tracking.outbox().flush(60)
    assert run.tracking is not None
    done = explain_model(run.tracking.run_id, **NOTHING | {"family": "mlp"})
    assert done.found.verdict.startswith(
        "What the answers of MLP rest on is shown by occlusion and integrated gradients"
    )
    assert "MLP and logistic regression differ on " in done.differences[0]
    page = done.page.read_text()
    assert done.page.parent == home / "reports"
    assert "Deletion test" in page
    assert page.count("<svg") >= 8
    family_run = run.answers[0].run_ids["mlp"]
    kept = [one.path for one in MlflowClient().list_artifacts(family_run, "explanation/figures")]
    assert {"explanation/figures/deletion.svg", "explanation/figures/gradients-mean.svg"} <= set(kept)
    said = json.loads(as_json(done))
    assert said["found"]
    assert said["maps"]["occlusion"]["stable"] is done.found.of("occlusion").is_stable
    assert as_text(done).endswith(f"page: {done.page}")

    promote(PromoteSpec(run=run.tracking.run_id, family="logistic", override="a test"))
    champion = explain_model("hw3-sequences-waves@champion", **NOTHING | {"output": tmp_path / "page.html"})
    assert (champion.found.family, champion.page, champion.differences) == ("logistic", tmp_path / "page.html", ())
    with pytest.raises(SpecError, match="name its run instead of a registered model"):
        explain_model("hw3-sequences-waves@champion", **NOTHING | {"family": "mlp"})

    save_use(Path(run.answers[0].training["mlp"].directory), tmp_path / "model")
    app(["explain", str(tmp_path / "model"), "--on", str(tmp_path / "waves.npz"), "--method", "gradients", "--json"],
        result_action="return_value")  # fmt: skip
    on = DataSpec(source=str(tmp_path / "waves.npz"))
    alone = explain_model(str(tmp_path / "model"), **NOTHING | {"on": on, "methods": ["gradients"]})
    assert "With one seed it is not known whether its maps are stable" in alone.found.verdict
    with pytest.raises(SpecError, match="holds no examples: give labelled ones"):
        explain_model(str(tmp_path / "model"), **NOTHING)
    np.savez(tmp_path / "other.npz", X=series, y=np.where(labels == "low", "low", "middle"))
    with pytest.raises(DataError, match="the model knows no class 'middle'; there are high, low"):
        explain_model(str(tmp_path / "model"), **NOTHING | {"on": DataSpec(source=str(tmp_path / "other.npz"))})


def test_from_python_the_place_is_found() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    series = rng.normal(size=(200, 20, 3)).astype(np.float32)
    places = rng.integers(0, 2, 200) * 10
    series[np.arange(200)[:, None], places[:, None] + np.arange(4), 1] += 2.5 * (2 * labels - 1)[:, None]
    result = study(series, labels, families=["mlp", "minirocket"], seeds=2, epochs=20)
    found = result.explain("mlp", examples=40)
    where = np.zeros(series.shape, bool)
    where[np.arange(200)[:, None], places[:, None] + np.arange(4), 1] = True
    assert overlaps(found.tops(), found.window, where[found.questions.rows]).mean() > 0.9
    assert found.of("gradients").rests_there
    other = result.explain("minirocket", examples=10)
    assert [one.method for one in other.maps] == ["occlusion"]
    with pytest.raises(SpecError, match="`family` 'cnn' was not trained"):
        result.explain("cnn")
