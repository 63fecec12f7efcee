"""What several sizes of one study say, in sentences."""

from pathlib import Path

import numpy as np
import pytest

from hw3models.errors import SpecError
from hw3models.evaluation.growth import growth
from hw3models.evaluation.prediction_table import PredictionTable, save_table
from hw3models.specs import Answer, DataReport, EvaluationReport, Score, TargetReport


def answer(size: int, accuracy: dict[str, float], groups: int | None = None, luck: float = 0.004) -> Answer:
    data = DataReport(
        name="mine",
        kind="sequences",
        source="mine.csv",
        path="x",
        digest="d",
        num_train=size - 20,
        num_validation=20,
        num_test=1000,
        shape=(10, 2),
        class_names=("a", "b"),
        class_counts=(1, 1),
        unequal_lengths=False,
        num_groups=groups,
        notes=(),
    )
    evaluation = {
        name: EvaluationReport(
            family=name,
            data_digest="d",
            seeds=(0, 1, 2),
            num_test=1000,
            metrics={
                "accuracy": Score(
                    mean=one, low=0, high=1, per_seed=(one - 0.004, one, one + 0.004) if one < 1 else (1, 1, 1)
                )
            },
            predict_seconds_per_1000=1,
            device="cpu",
            table_path="x",
            table_digest="d",
        )
        for name, one in accuracy.items()
    }
    return Answer(kind="sequences", data=data, training={}, evaluation=evaluation, comparison=None)


def curves(**ends: float) -> list[Answer]:
    """Errors that fall by a third with each doubling."""
    shares = (8, 4, 2, 1)
    return [
        answer(1000 // share, {name: 1 - (1 - end) * 1.5 ** (3 - place) for name, end in ends.items()})
        for place, share in enumerate(shares)
    ]


def test_what_was_not_trained_at_every_size_is_named_and_a_narrow_forecast_is_one_number() -> None:
    answers = curves(cnn=0.95, majority=0.5)
    few = answers[0].model_copy(update={"evaluation": {"cnn": answers[0].evaluation["cnn"]}})
    report = growth([few, *answers[1:]], 2)
    assert list(report.families) == ["cnn"]
    assert report.verdict.endswith("Of majority nothing is said: there is no accuracy of it at every size.")
    perfect = growth([answer(size, {"knn": 1.0}, luck=0) for size in (125, 250, 500, 1000)], 2)
    assert perfect.verdict == "knn: with twice the data expect about 100% (now 100%)."


def test_the_forecast_is_said_and_who_would_be_tied() -> None:
    report = growth(curves(cnn=0.95, gru=0.948), 2)
    assert report.sizes == (125, 250, 500, 1000)
    cnn = report.families["cnn"]
    assert cnn.low < 1 - 0.05 / 1.5 < cnn.high
    assert cnn.fits is True
    assert report.verdict.startswith("cnn: with twice the data expect ")
    assert "(now 95%)" in report.verdict
    assert "cnn and gru would still be tied." in report.verdict


def test_a_leader_is_named_and_three_times_is_said() -> None:
    report = growth(curves(cnn=0.97, mlp=0.7), 3)
    assert "with 3 times the data expect" in report.verdict
    assert "cnn would lead." in report.verdict


def test_few_sizes_are_told() -> None:
    with pytest.raises(SpecError, match="at least 3 sizes, these data are enough for 2"):
        growth(curves(cnn=0.9)[:2], 2)


def numbers(size: int, r2: float) -> Answer:
    """A study of numbers whose family explains that share of the variance."""
    one = answer(size, {"cnn": r2})
    score = Score(mean=r2, low=r2 - 0.02, high=r2 + 0.02, per_seed=(r2 - 0.01, r2, r2 + 0.01))
    evaluation = {"cnn": one.evaluation["cnn"].model_copy(update={"metrics": {"r2": score, "rmse": score}})}
    target = TargetReport(mean=0, std=1, low=-2, high=2)
    return one.model_copy(update={"evaluation": evaluation, "data": one.data.model_copy(update={"target": target})})


def test_numbers_are_forecast_by_r2() -> None:
    """What is not explained falls by a third with each doubling."""
    report = growth([numbers(125 * 2**k, 1 - 0.4 * 1.5**-k) for k in range(4)], 2)
    found = report.families["cnn"]
    assert report.metric == "r2"
    assert found.accuracy[-1] == pytest.approx(1 - 0.4 * 1.5**-3)
    assert found.low < 1 - 0.4 * 1.5**-4 < found.high
    assert found.expected == pytest.approx(1 - 0.4 * 1.5**-4, abs=0.015)
    assert report.verdict.startswith("cnn: with twice the data expect R2 0.9")
    assert "(now 0.88)." in report.verdict
    assert found.fits


def test_the_class_that_more_data_help_is_said_from_the_tables_of_the_last_two_sizes(tmp_path: Path) -> None:
    rng, labels = np.random.default_rng(0), np.arange(1000) % 2
    answers = curves(cnn=0.9)
    rests = []
    recalls_of = [(0.8, 0.3), (0.8, 0.4), (0.82, 0.5), (0.84, 0.7)]
    for place, (one, recalls) in enumerate(zip(answers, recalls_of, strict=True)):
        hits = rng.random((3, 1000)) < np.array(recalls)[labels]
        said = np.where(hits, labels, 1 - labels)
        # Rows count what was left out of training: they differ, though the examples are the same.
        table = PredictionTable(
            family="cnn", data_digest="d", seeds=(0, 1, 2), test_index=np.arange(1000) + place, labels=labels,
            probabilities=np.eye(2, dtype=np.float32)[said],
        )  # fmt: skip
        digest = save_table(table, tmp_path / f"{place}.npz")
        kept = one.evaluation["cnn"].model_copy(
            update={"table_path": str(tmp_path / f"{place}.npz"), "table_digest": digest}
        )
        answers[place] = one.model_copy(update={"evaluation": {"cnn": kept}})
        rests.append(hits)
    report = growth(answers, 2)
    gain = report.gains["cnn"]
    b = labels == 1
    assert gain.name == "b"
    assert gain.gain == pytest.approx(rests[3][:, b].mean() - rests[2][:, b].mean())
    told = "cnn: more data of class 'b' are likely to help most: from 500 to 1,000 examples its recall grew by"
    assert told in report.verdict
    gone = [one.model_copy(update={"evaluation": curves(cnn=0.9)[0].evaluation}) for one in answers]
    assert growth(gone, 2).gains == {}, "predictions that are not here say nothing"
