"""From a study to a champion: a real registry, real networks, every way a decision can go."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.images import images
from flows.local.summary import next_commands
from flows.nightly import nightly
from flows.predict import load, load_of_run
from flows.promote import promote
from flows.registry import history, rollback
from flows.sequences import sequences
from hw3models.errors import SpecError
from hw3models.evaluation.wording import value_with_interval
from hw3models.families import Network, find_family
from hw3models.serving.predictor import load_predictor
from hw3models.specs import (
    DataSpec,
    GateOptions,
    ImagesSpec,
    NightlySpec,
    PromoteSpec,
    Promotion,
    Recipe,
    RunReport,
    SequencesSpec,
)
from tasks import tracking
from tasks.tracking import registry
from tasks.tracking.predictions import fetch_predictions
from tasks.tracking.store import connect

pytestmark = pytest.mark.usefixtures("prefect", "store")

DATA = DataSpec(source="regime:locked", num_train=300, num_test=300)
MODEL = "hw3-sequences-locked"


def study(data: DataSpec = DATA, **changes: Any) -> RunReport:
    spec = {"data": data, "families": ("mlp", "majority"), "seeds": 3, "epochs": 25} | changes
    run = sequences(SequencesSpec.model_validate(spec))
    tracking.outbox().flush(60)
    return run


def promoted(run: RunReport, **changes: Any) -> Promotion:
    assert run.tracking is not None
    [one] = promote(PromoteSpec(run=run.tracking.run_id, **changes)).promotions
    return one


def version(number: int) -> Any:
    client, _ = connect()
    return client.get_model_version(MODEL, str(number))


@pytest.mark.slow
def test_the_champion_changes_only_for_what_is_better_beyond_noise_and_all_is_written_down(tmp_path: Path) -> None:
    first = promoted(study(seeds=8), licence="CC0 <b>")
    assert (first.model, first.version, first.decision.outcome) == (MODEL, 1, "champion"), first.decision.reason
    assert (first.champion_before, first.champion_now) == (None, 1)

    # As many recipes tried as for the default, and one that suits these data better.
    mlp = find_family("sequences", "mlp")
    assert isinstance(mlp, Network)
    plain = Recipe(learning_rate=3e-4, tried=mlp.recipe.tried)
    better = promoted(study(own_recipe=plain, epochs=10, first_seed=10, seeds=8))
    assert better.decision.outcome == "champion", better.decision.reason
    assert "beyond noise by the margin of 0.5 points" in better.decision.reason
    assert (better.champion_before, better.champion_now) == (1, 2)

    # The same once more with other seeds: noise.
    same = promoted(study(own_recipe=plain, epochs=10, first_seed=20, seeds=8))
    assert same.decision.outcome == "challenger", same.decision.reason
    assert same.champion_now == 2
    # By the same code it cannot be better, and spends nothing of the level.
    assert same.decision.reason.startswith("The champion's own recipe with other seeds")
    assert same.decision.level is None

    few = promoted(study(first_seed=30, seeds=2))
    assert few.decision.outcome == "refused"
    assert "the challenger has 2 seeds" in few.decision.reason
    other = promoted(study(DATA.model_copy(update={"seed": 5})))
    assert other.decision.outcome == "refused"
    assert re.search(rf"other data: .*{other.data_digest}, the champion on {first.data_digest}", other.decision.reason)

    aliases = {number: set(version(number).aliases) for number in range(1, 6)}
    assert aliases == {1: set(), 2: {"champion"}, 3: {"challenger"}, 4: set(), 5: set()}
    events = history(MODEL)
    assert [(event.version, event.event, event.champion) for event in events] == [
        (1, "champion", 1),
        (2, "champion", 2),
        (3, "challenger", 2),
        (4, "refused", 2),
        (5, "refused", 2),
    ]
    assert [event.grounds for event in events] == ["first", "better", None, None, None]
    assert [event.level for event in events] == [0.025, 0.025, None, None, None]
    for event in events:
        assert version(event.version).tags["hw3.gate"] == event.event
        assert event.reason in version(event.version).description
        assert "## Scores" in version(event.version).description
    assert r"licence: CC0 \<b\>" in version(1).description

    # What a version holds is a model that works.
    client, _ = connect()
    folder = Path(client.download_artifacts(better.run_id, "card.md", str(tmp_path))).read_text()
    assert "## Limits" in folder
    import mlflow

    local = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}@champion", dst_path=str(tmp_path / "model")))
    [found] = local.rglob("model.safetensors")
    assert load_predictor(found.parent).manifest.family == "mlp"

    back = rollback(MODEL, None, "a test")
    assert (back.version, registry.version_with(MODEL, "champion")) == (1, 1)
    assert history(MODEL)[-1].reason == "Rolled back from version 2: a test"
    with pytest.raises(SpecError, match=r"version 1 is the champion .* already"):
        rollback(MODEL, 1, "")
    with pytest.raises(SpecError, match=r"has no version 99; versions: 1, 2, 3, 4, 5\."):
        rollback(MODEL, 99, "")
    with pytest.raises(SpecError, match="no registered model 'hw3-x'; there are: hw3-sequences-locked"):
        history("hw3-x")
    # Forward again, by the gate, against the one that is champion now; no second version of the same run.
    again = promoted_run(better.run_id)
    assert (again.version, again.decision.outcome, again.champion_before) == (2, "champion", 1)


def promoted_run(run: str) -> Promotion:
    [one] = promote(PromoteSpec(run=run)).promotions
    return one


@pytest.mark.slow
def test_a_person_may_overrule_the_gate_and_that_is_on_record() -> None:
    promoted(study(epochs=5))
    run = study(DATA.model_copy(update={"seed": 5}), epochs=5)
    assert promoted(run).decision.outcome == "refused"
    chosen = promoted(run, override="these are the data that count now")
    assert (chosen.decision.outcome, chosen.decision.grounds, chosen.champion_now) == ("champion", "override", 2)
    event = history(MODEL)[-1]
    assert (event.event, event.grounds, event.champion) == ("champion", "override", 2)
    assert event.reason.startswith(
        "By a person's decision: these are the data that count now. What the gate said: Refused: other data"
    )
    assert registry.version_with(MODEL, "champion") == 2


def test_a_decision_is_an_artifact_and_a_run_may_be_named_by_its_report() -> None:
    run = study(epochs=2)
    assert run.report is not None
    decided = promoted_run(str(Path(run.report).with_suffix(".json")))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[f"promotion-{MODEL}"])), limit=50
        )
    assert any(decided.run_id in str(one.data) and decided.decision.reason in str(one.data) for one in found)


def test_what_cannot_be_promoted_is_said() -> None:
    with pytest.raises(SpecError, match="no finished study in MLflow yet"):
        promote(PromoteSpec())
    run = study(families=("majority",))
    assert run.tracking is not None
    with pytest.raises(SpecError, match="has kept no model that looks at examples: there is nothing to promote"):
        promote(PromoteSpec(run=run.tracking.run_id))
    with pytest.raises(SpecError, match=r"`family` 'cnn' is not a model of this study; models: majority\."):
        promote(PromoteSpec(run=run.tracking.run_id, family="cnn"))
    with pytest.raises(SpecError, match="has no data set 'x'; it has: locked"):
        promote(PromoteSpec(run=run.tracking.run_id, data="x"))
    with pytest.raises(SpecError, match=r"there is no MLflow run 0{32}"):
        promote(PromoteSpec(run="0" * 32))
    with pytest.raises(SpecError, match="neither an MLflow run id"):
        promote(PromoteSpec(run="nonsense"))


def test_a_baseline_and_an_ensemble_are_champions_and_each_run_has_both_models(tmp_path: Path) -> None:
    run = study(families=("mlp", "logistic", "majority"), epochs=5)
    first = promoted(run, family="logistic")
    assert (first.family, first.decision.outcome, first.decision.grounds) == ("logistic", "champion", "first"), first
    assert "it beats majority class beyond noise" in first.decision.reason
    assert [pair.b for pair in first.decision.pairs] == ["majority"], "a baseline need not beat another that looks"
    again = promoted(run, family="logistic")
    assert (again.version, again.decision.reason) == (1, "It is the champion already.")
    # Three kinds of the same study: the single network, all its seeds, the baseline.
    single, ensemble = promoted(run, family="mlp"), promoted(run, family="mlp*3")
    assert (single.version, single.family, ensemble.version, ensemble.family) == (2, "mlp", 3, "mlp*3")
    assert single.decision.outcome == ensemble.decision.outcome == "challenger"
    assert "best of 2 models" in single.decision.reason
    assert "best of 3 models" in ensemble.decision.reason
    held = load_predictor(registry.fetch_model(f"{MODEL}/3", tmp_path / "held"))
    assert (held.manifest.use, held.manifest.seeds) == ("ensemble", (0, 1, 2))
    assert "the ensemble of all 3" in version(3).description
    assert registry.fetch_version(MODEL, 3, tmp_path / "run").members == 3
    with pytest.raises(SpecError, match=r"`family` 'mlp\*5' is not a model of this study; models: mlp, logistic"):
        promoted(run, family="mlp*5")


def test_an_ensemble_that_is_named_without_its_family_is_used_as_any_winner_is(tmp_path: Path) -> None:
    run = study(families=("mlp*3", "majority"), epochs=5)
    [answer] = run.answers
    assert (list(answer.training), list(answer.run_ids)) == (["mlp*3", "majority"], ["mlp", "majority"])
    assert run.tracking is not None
    assert next_commands(run, answer) == [f"hw3 promote {run.tracking.run_id}"]
    one = promoted(run)
    assert (one.family, one.decision.outcome) == ("mlp*3", "champion"), one
    accuracy = answer.evaluation["mlp*3"].metrics["accuracy"]
    assert f"| accuracy | {value_with_interval('accuracy', accuracy.mean, accuracy.low, accuracy.high)} |" in (
        version(1).description
    ), "the card has the scores of what is served"
    examples = np.random.default_rng(0).normal(size=(9, 50, 8)).astype(np.float32)
    of_run, served = load_of_run(run.tracking.run_id), load(f"{MODEL}@champion")
    assert of_run.manifest.seeds == served.manifest.seeds == (0, 1, 2)
    np.testing.assert_array_equal(of_run.predict(examples)["probabilities"], served.predict(examples)["probabilities"])
    assert set(fetch_predictions([run.tracking.run_id]).tables) == {"mlp", "majority"}
    with pytest.raises(SpecError, match=r"`family` 'mlp' is not a model of this study; models: mlp\*3, majority\."):
        promoted(run, family="mlp")


def test_a_study_without_baselines_makes_no_first_champion() -> None:
    decided = promoted(study(families=("mlp",), epochs=2))
    assert decided.decision.outcome == "refused"
    assert "no baselines" in decided.decision.reason
    assert registry.version_with(MODEL, "champion") is None


@pytest.mark.slow
def test_a_night_runs_compares_and_gates_with_seeds_of_its_own() -> None:
    spec = SequencesSpec(data=DATA, families=("mlp", "majority"), seeds=3, epochs=25)
    pictures = ImagesSpec(families=("mlp", "majority"), seeds=3, epochs=5)
    night = NightlySpec(sequences=spec, images=pictures, gate=GateOptions(margin=0.02))
    report = nightly(night)
    tracking.outbox().flush(60)
    assert {one.model for one in report.promotions} == {MODEL, "hw3-images"}
    assert all(one.decision.outcome == "champion" for one in report.promotions), report
    # The same night again is the same runs: nothing new before the gate.
    again = nightly(night)
    assert [one.version for one in again.promotions] == [1, 1]
    assert all(one.decision.reason == "It is the champion already." for one in again.promotions)
    assert images(pictures).answers[0].training["mlp"].seeds == (0, 1, 2)


def test_a_night_with_nothing_to_do_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to do"):
        NightlySpec()
