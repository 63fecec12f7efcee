"""Predictions in runs (`hw3 compare --runs`): what a real store holds, of our own studies and of others."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.compare import Compared, from_files, from_runs, judge
from flows.sequences import sequences
from hw3models.errors import DataError, SpecError
from hw3models.evaluation import compare_predictions
from hw3models.evaluation.prediction_table import load_table
from hw3models.specs import DataSpec, SequencesSpec
from tasks import tracking
from tasks.tracking.store import connect
from tests.predictions import as_frame, named

pytestmark = pytest.mark.usefixtures("home")


def judged(given: Any, **options: Any) -> Compared:
    asked = {"metric": None, "margin": None, "level": 0.05, "deterministic": (), "baselines": ()} | options
    return judge(given, **asked)


def logged(frame: pd.DataFrame, file: str, name: str, folder: Path, **params: str) -> str:
    """A run as somebody else logs it."""
    client, experiment = connect()
    run_id = str(client.create_run(experiment, run_name=name).info.run_id)
    for key, value in params.items():
        client.log_param(run_id, key, value)
    path = folder / file
    if path.suffix == ".json":
        path.write_text(json.dumps({"columns": list(frame.columns), "data": frame.to_numpy().tolist()}))
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    client.log_artifact(run_id, str(path))
    return run_id


@pytest.mark.slow
@pytest.mark.usefixtures("prefect")
def test_a_study_and_its_tables_in_files_give_the_comparison_of_the_study(tmp_path: Path) -> None:
    data = DataSpec(source="regime:locked", num_train=120, num_test=100)
    families = ("mlp", "majority", "logistic")
    run = sequences(SequencesSpec.model_validate({"data": data, "families": families, "seeds": 3, "epochs": 3}))
    tracking.outbox().flush(60)
    [answer] = run.answers
    ours = answer.comparison
    assert ours is not None
    assert run.tracking is not None
    again = judged(from_runs([run.tracking.run_id]))
    assert again.comparison == ours
    assert again.scores["mlp"] == answer.evaluation["mlp"].metrics
    one_by_one = judged(from_runs([answer.run_ids[name] for name in answer.evaluation]))
    assert one_by_one.comparison == ours

    tables = {name: load_table(Path(one.table_path)) for name, one in answer.evaluation.items()}
    times = {name: one.train_seconds / len(one.seeds) for name, one in answer.training.items()}
    frame = as_frame(tables, answer.data.class_names)
    frame["seconds"] = frame["family"].map(times)
    frame.to_csv(tmp_path / "exported.csv", index=False)
    fixed = [name for name in families if name != "mlp"]
    there = judged(from_files([tmp_path / "exported.csv"]), deterministic=fixed, baselines=fixed).comparison
    same = {"difference", "low", "high", "level", "p_value", "verdict", "power", "seeds", "a", "b"}
    assert [pair.model_dump(include=same) for pair in there.pairs] == [
        pair.model_dump(include=same) for pair in ours.pairs
    ]
    assert (there.take, there.reason, there.groups, there.could_be_best) == (
        ours.take,
        ours.reason,
        ours.groups,
        ours.could_be_best,
    )

    stranger = logged(named({"x": 0.9}, num=20), "predictions.csv", "x", tmp_path)
    with pytest.raises(SpecError, match="mlp, majority, logistic were trained here, x elsewhere"):
        from_runs([run.tracking.run_id, stranger])


def test_runs_of_others_are_families_with_their_seeds(tmp_path: Path) -> None:
    frame = named({"a": 0.9, "b": 0.6}, num_seeds=2)
    runs = []
    for number, ((family, seed), rows) in enumerate(frame.groupby(["family", "seed"])):
        wide = rows[["example", "label", "prediction"]]
        file = ("predictions.csv", "predictions.parquet", "predictions.csv", "eval_results_table.json")[number]
        if file.endswith("json"):
            wide = wide.drop(columns="example").assign(x1=0.5).set_axis(["target", "outputs", "x1"], axis=1)
        runs.append(logged(wide, file, str(family), tmp_path, seed=str(seed)))
    assert judged(from_runs(runs)).comparison == compare_predictions(frame)
    whole = logged(frame, "predictions.parquet", "all", tmp_path)
    assert judged(from_runs([whole])).comparison == compare_predictions(frame)


def test_what_a_run_does_not_hold_is_said(tmp_path: Path) -> None:
    client, experiment = connect()
    rows = named({"a": 0.9}, num_seeds=1)[["example", "label", "prediction"]]
    with pytest.raises(SpecError, match=f"there is no MLflow run {'0' * 32}"):
        from_runs(["0" * 32])
    empty = client.create_run(experiment, run_name="empty").info.run_id
    with pytest.raises(SpecError, match=r"\(empty\) has no predictions. Log them as an artifact predictions.csv or"):
        from_runs([empty])
    twice = [logged(rows, "predictions.csv", "same", tmp_path) for _ in range(2)]
    with pytest.raises(SpecError, match="several runs of same do not say their seed"):
        from_runs(twice)
    unlabelled = logged(rows.drop(columns="label"), "predictions.csv", "bare", tmp_path)
    with pytest.raises(DataError, match=r"\(bare\): its predictions have no column label \(there are: example, pred"):
        from_runs([unlabelled])
    parts = (("batch", "a batch of seeds"), ("seed", "a seed of a family"), ("trial", "a trial of a search"))
    for role, what in parts:
        client.set_tag(empty, "hw3.role", role)
        with pytest.raises(SpecError, match=f"is {what}. Name the run of its family or of its study"):
            from_runs([empty])
    client.set_tag(empty, "hw3.role", "family")
    with pytest.raises(DataError, match="does not hold a trained family, or not all of it yet: `hw3 reconcile`"):
        from_runs([empty])
    client.set_tag(empty, "hw3.role", "parent")
    with pytest.raises(SpecError, match="it is not a study, has not ended, or its artifacts were removed"):
        from_runs([empty])
