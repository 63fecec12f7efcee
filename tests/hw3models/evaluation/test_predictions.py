"""Predictions that were made anywhere: what is understood of them, and what is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hw3models.errors import DataError, SpecError
from hw3models.evaluation import compare_predictions
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.predictions import seconds_of, tables_of
from hw3models.evaluation.scores import score
from tests.predictions import as_frame, named
from tests.tables import classifier, facts, skilled


def test_own_tables_written_in_long_form_give_the_same_comparison() -> None:
    rng = np.random.default_rng(0)
    shares = (("mlp", 0.8), ("cnn", 0.9), ("majority", 0.5))
    tables = {name: classifier(skilled(rng, share, num=150), family=name) for name, share in shares}
    ours = compare(tables, train_seconds=dict.fromkeys(tables, 5.0), facts=facts(tables, ["majority"]))
    frame = as_frame(tables, ("no", "yes")).assign(seconds=1.0)
    theirs = compare_predictions(frame, baselines=["majority"], deterministic=["majority"])
    digits = {"difference", "low", "high", "p_value", "level", "verdict", "power", "seeds"}
    assert [one.model_dump(include=digits) for one in theirs.pairs] == [
        one.model_dump(include=digits) for one in ours.pairs
    ]
    assert (theirs.take, theirs.reason, theirs.groups, theirs.corrected) == (
        ours.take,
        ours.reason,
        ours.groups,
        ours.corrected,
    )


def test_the_order_of_the_rows_does_not_matter() -> None:
    frame = named({"a": 0.9, "b": 0.6})
    shuffled = pd.concat([rows.sample(frac=1, random_state=1) for _, rows in frame.groupby("family")])
    assert compare_predictions(shuffled) == compare_predictions(frame)


def test_an_index_that_repeats_itself_does_no_harm() -> None:
    frame = named({"a": 0.9, "b": 0.6})
    repeated = pd.concat([frame[frame["family"] == name].reset_index(drop=True) for name in "ab"])
    assert compare_predictions(repeated) == compare_predictions(frame)
    assert compare_predictions(frame.set_index(["family", "example"])) == compare_predictions(frame)


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_names_may_be_of_any_kind_of_column(kind: Any) -> None:
    frame = named({"a": 0.9, "b": 0.6})
    assert compare_predictions(frame.astype(dict.fromkeys(("family", "label", "prediction"), kind))) == (
        compare_predictions(frame)
    )


@pytest.mark.parametrize("right", [1, 1.0, np.float32(1), True, np.int8(1)])
def test_a_class_is_the_same_as_a_whole_number_with_and_without_a_point(right: Any) -> None:
    label = [type(right)(k % 2) for k in range(6)]
    frame = pd.DataFrame({"family": "a", "example": range(6), "label": label, "prediction": label})
    if not isinstance(right, bool):
        frame["label"] = [k % 2 for k in range(6)]
    [table] = tables_of(frame).values()
    assert score(table, "accuracy").mean == 1


def test_names_stay_apart_to_the_letter() -> None:
    names = ["7", "07", "7.0", "NA", "1e3", "1000"]
    frame = pd.DataFrame({"family": "a", "example": names, "label": names, "prediction": names})
    [table] = tables_of(frame).values()
    assert table.num_test == len(set(table.labels)) == 6


def test_probabilities_may_stand_in_columns_named_by_numbers_or_with_a_prefix() -> None:
    labels = np.arange(30) % 3
    given = np.random.default_rng(0).dirichlet((1, 1, 1), 30)
    base = pd.DataFrame({"family": "a", "example": range(30), "label": labels})
    numbered = tables_of(base.join(pd.DataFrame(given, columns=[0, 1, 2])))["a"]
    assert numbered.probabilities is not None
    np.testing.assert_array_equal(numbered.probabilities[0], given.astype(np.float32))
    for prefix in ("p_", "prob_", "probability_"):
        # What is no class is left alone then.
        frame = base.assign(epoch=7).join(pd.DataFrame(given, columns=[f"{prefix}{k}" for k in range(3)]))
        again = tables_of(frame)["a"].probabilities
        assert again is not None
        np.testing.assert_array_equal(again, numbered.probabilities)


def test_columns_of_zeros_and_ones_are_named_classes() -> None:
    frame = pd.DataFrame({"family": "a", "example": range(4), "label": list("xyxy"), "x": [1, 0, 0, 1]})
    table = tables_of(frame.assign(y=1 - frame["x"]))["a"]
    assert table.hard
    assert score(table, "accuracy").mean == 0.5


def test_a_prediction_breaks_ties_and_must_agree_otherwise() -> None:
    frame = pd.DataFrame(
        {"family": "a", "example": range(4), "label": list("xyxy"), "prediction": list("xyyy"), "p_x": [0.5] * 4}
    )
    frame["p_y"] = 1 - frame["p_x"]
    assert score(tables_of(frame)["a"], "accuracy").mean == 0.75
    frame.loc[0, ["p_x", "p_y"]] = [0.1, 0.9]
    with pytest.raises(DataError, match=r"`prediction` of seed 0 for example '0' is 'x', the most probable class 'y'"):
        tables_of(frame)


def test_one_family_may_name_classes_where_another_has_probabilities() -> None:
    base = {"example": range(4), "label": list("xyxy")}
    sure = pd.DataFrame({"family": "sure", **base, "p_x": [0.9, 0.2, 0.8, 0.4], "p_y": [0.1, 0.8, 0.2, 0.6]})
    frame = pd.concat([sure, pd.DataFrame({"family": "named", **base, "prediction": list("xyxx")})])
    tables = tables_of(frame)
    assert (tables["sure"].hard, tables["named"].hard) == (False, True)
    assert compare_predictions(frame, deterministic=["sure", "named"]).metric == "accuracy"


def test_seeds_may_have_any_names_and_resamples_are_matched_by_theirs() -> None:
    frame = named({"a": 0.9, "b": 0.6}, num_seeds=3)
    assert tables_of(frame.assign(seed=frame["seed"].map({0: 10, 1: 2, 2: 7})))["a"].seeds == (2, 7, 10)
    assert tables_of(frame.assign(seed=frame["seed"].map({0: "x", 1: "2", 2: "7"})))["a"].seeds == (0, 1, 2)
    assert tables_of(frame.assign(seed=frame["seed"].map({0: "7", 1: "07", 2: "1"})))["a"].seeds == (0, 1, 2)
    resampled = frame.rename(columns={"seed": "resample"})
    resampled["resample"] = resampled["resample"].map({0: "x", 1: "y", 2: "z"})
    later = resampled[~((resampled["family"] == "b") & (resampled["resample"] == "x"))]
    tables = tables_of(later, num_train=100)
    assert (tables["a"].seeds, tables["b"].seeds) == ((0, 1, 2), (1, 2))


def test_a_value_per_example_needs_no_label() -> None:
    frame = pd.DataFrame({"family": ["a"] * 5 + ["b"] * 5, "example": [*range(5)] * 2, "value": range(10)})
    found = compare_predictions(frame, deterministic=["a", "b"])
    assert (found.metric, found.take) == ("error", "a")
    assert found.pairs[0].difference == -5


def test_seconds_are_those_of_a_seed() -> None:
    frame = named({"a": 0.9, "b": 0.6}, num_seeds=2)
    assert seconds_of(frame) == {}
    timed = frame.assign(seconds=frame["seed"] + 1.5)
    assert seconds_of(timed) == {"a": 4, "b": 4}
    timed.loc[(timed["family"] == "b") & (timed["seed"] == 1), "seconds"] = np.nan
    assert seconds_of(timed) == {"a": 4}, "half a time is none"
    with pytest.raises(DataError, match="predictions of a: `seconds` is the training time of a seed, the same in all"):
        seconds_of(frame.assign(seconds=np.arange(len(frame))))


@pytest.mark.timeout(120)
def test_a_hundred_thousand_classes_are_refused_in_seconds() -> None:
    """Not after a look through all of them for each."""
    each = np.arange(100_000)
    frame = pd.DataFrame({"family": "a", "seed": 0, "example": each, "label": each, "prediction": each})
    with pytest.raises(DataError, match=r"100,000 classes are too many for 100,000 rows\. Give `value`"):
        tables_of(frame)


def test_many_classes_are_compared_and_too_many_are_refused() -> None:
    names = [f"answer {k}" for k in range(3000)]
    frame = pd.DataFrame({"family": "a", "example": range(3000), "label": names, "prediction": [*names[:2999], "no"]})
    assert score(tables_of(frame)["a"], "accuracy").mean == 2999 / 3000
    more = pd.concat([frame.assign(seed=seed) for seed in range(60)])
    with pytest.raises(DataError, match=r"3,001 classes are too many for 180,000 rows. Give `value` instead"):
        tables_of(more)


FRAME = named({"a": 0.9, "b": 0.6}, num=10)
PROBABLE = FRAME.drop(columns="prediction").assign(p_no=0.25, p_yes=0.75)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (FRAME.iloc[:0], "there are no rows"),
        (FRAME.drop(columns=["example", "label"]), r"no column example, label \(there are: family, seed, prediction\)"),
        (FRAME.drop(columns="prediction"), "neither `prediction`, nor `value`, nor a column of probabilities"),
        (FRAME.assign(label=None), "blanks in label"),
        (FRAME.assign(group=" "), "blanks in group"),
        (FRAME.assign(value="0.1"), "value must be numbers"),
        (FRAME.assign(value=1j), "value must be numbers"),
        (FRAME.assign(value=-1.0), r"finite and not negative, got -1 of seed 0 for example '0' \(30 such rows\)"),
        (FRAME.assign(value=np.inf), "finite and not negative, got inf of seed 0"),
        (FRAME.assign(prediction=[["no"]] * len(FRAME)), "`prediction` must hold names or numbers, not lists"),
        (FRAME.set_axis(["family", "seed", "label", "label", "label"], axis=1), "more than one column label"),
        (pd.concat([FRAME, FRAME]), r"seed 0 says two things about example '0' \(30 such rows\)"),
        (FRAME.iloc[1:], r"seed 0 has 9 of 10 examples; there is none for 0"),
        (FRAME[FRAME["example"] == 3], "there is one example, '3'; it takes two at least"),
        (FRAME.assign(label=["no", "yes"] * 15 + ["yes", "no"] * 15), "example '0' has more than one label"),
        (FRAME.assign(group=range(len(FRAME))), "example '0' has more than one group"),
        (FRAME.assign(prediction="0"), r"none is a label \(0; labels: no, yes\). Write both alike"),
        (FRAME.assign(prediction=FRAME["prediction"].where(FRAME.index > 0)), "predictions of a: blanks in prediction"),
        (FRAME.assign(resample=0), r"need the number of training examples of each \(`num_train`\), got none"),
        (PROBABLE.assign(p_no=0.5), r"with a sum of 1, got a sum of 1.25 \(30 such rows; columns: p_no, p_yes\)"),
        (PROBABLE.assign(p_no=-0.5, p_yes=1.5), "must be 0 to 1 with a sum of 1"),
        (PROBABLE.assign(p_no=None), "the probabilities in p_no must be numbers"),
        (PROBABLE.drop(columns="p_no"), r"no column of probabilities for no \(columns: p_yes\)"),
        (PROBABLE.assign(prob_no=0.0), "more than one column of probabilities for no"),
        (PROBABLE.rename(columns={"p_no": "no", "p_yes": "yes"}).assign(epoch=3), "got a sum of 4"),
        (PROBABLE.assign(prediction="perhaps"), "`prediction` of seed 0 for example '0' is 'perhaps'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare_predictions(frame)


def test_a_resample_has_one_seed_and_as_many_examples_as_the_others() -> None:
    frame = named({"a": 0.9}, num_seeds=2, num=10)
    with pytest.raises(DataError, match=r"resample 0 has 2 seeds. Give each resample one seed"):
        tables_of(frame.assign(resample=0, example=range(20)), num_train=5)
    with pytest.raises(DataError, match=r"resample 0 has 9 examples, resample 1 has 10. Every resample must have as"):
        tables_of(frame.rename(columns={"seed": "resample"}).iloc[1:], num_train=5)


def test_what_is_asked_must_be_possible() -> None:
    with pytest.raises(DataError, match="no predictions of c; there are some of a, b"):
        compare_predictions(FRAME, baselines=["c"])
    assert compare_predictions(FRAME, deterministic="a").pairs, "a text is one name"
    with pytest.raises(SpecError, match="`level` must lie between 0 and 1, got 5"):
        compare_predictions(FRAME, level=5)
    with pytest.raises(SpecError, match="`metric` auroc cannot be computed for a, b"):
        compare_predictions(FRAME, metric="auroc")


def test_seeds_of_one_search_for_a_recipe_count_as_one() -> None:
    rng = np.random.default_rng(3)
    luck = rng.normal(size=4).repeat(3)
    rows = [
        {"family": name, "seed": seed, "example": i, "value": 10 + own + 0.1 * rng.normal(), "search": search}
        for name, sign, search_of in (("a", 1, lambda s: s // 3), ("b", -1, lambda s: s // 3), ("c", 0, lambda s: None))
        for seed, own in enumerate(sign * luck)
        for search in [search_of(seed)]
        for i in range(30)
    ]
    frame = pd.DataFrame(rows)
    report = compare_predictions(frame, margin=0.01)
    alone = compare_predictions(frame.drop(columns="search"), margin=0.01)
    widths = [[pair.high - pair.low for pair in one.pairs] for one in (report, alone)]
    assert widths[0][0] > 1.5 * widths[1][0], "a and b: four searches each instead of twelve seeds"
    assert report.pairs[0].seeds == (12, 12)
    assert "12 seeds of 4 searches" in report.pairs[0].sentence
    assert "The luck of the search for recipes is counted" in report.verdict
    assert "search" not in alone.verdict
    with pytest.raises(DataError, match=r"seed 0 is of more than one search. Seeds of different searches need names"):
        compare_predictions(frame.assign(search=np.arange(len(frame)) % 2))


@pytest.mark.parametrize(
    ("in_first", "told"),
    [(0.5, "31 groups of test examples are of so unequal sizes that they say as little as 3.9 of"), (0.0, None)],
)
def test_groups_of_very_unequal_sizes_are_told_by_the_verdict(in_first: float, told: str | None) -> None:
    frame = named({"a": 0.9, "b": 0.6}, num=600)
    example = frame["example"].astype(int)
    groups = np.where(example < in_first * 600, 0, 1 + example % 30)
    report = compare_predictions(frame.assign(group=groups))
    assert report.equal_groups == pytest.approx(600**2 / (300**2 + 30 * 10**2) if in_first else 30)
    assert told in report.verdict if told else "unequal" not in report.verdict
