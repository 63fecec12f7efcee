"""The search for recipes: what it may see, what it tries, when it stops a trial, and that it survives kill -9."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from pydantic import ValidationError

from hw3models.data.dataset import Dataset, describe, save
from hw3models.data.scaling import learn_scaling
from hw3models.errors import SpecError, TrainingError
from hw3models.families import FAMILIES, Network
from hw3models.runtime.sums import without_sum
from hw3models.specs import DataReport, DataSpec, Goal, Recipe, TrainJob, TrainSpec, TrialPlan, TrialReport
from hw3models.tuning.choice import best_of, budget_sentence, choose
from hw3models.tuning.pruning import START, bars_for, falls_short, rung_epochs
from hw3models.tuning.search import Search
from hw3models.tuning.space import Choice, Range, params_of, recipe_at, space_of
from hw3models.tuning.splits import judging_splits, num_folds, without_test
from hw3models.tuning.trial import SEEDS, judge, run_trial
from tests.tiny import quick_recipe, tiny_dataset


def network(name: str, kind: Any = "sequences") -> Network:
    found = FAMILIES[kind][name]
    assert isinstance(found, Network)
    return found


def saved(dataset: Dataset, folder: Path) -> DataReport:
    folder.mkdir(parents=True, exist_ok=True)
    save(dataset, folder / "data.npz")
    return describe(dataset, folder / "data.npz")


def base(family: str = "mlp", **changes: Any) -> TrainSpec:
    recipe = quick_recipe(**{"epochs": 2, "dropout": 0.2} | changes)
    return TrainSpec(data=DataSpec(), family=family, recipe=recipe, device="cpu", strategy="stacked")


def searched(
    folder: Path, dataset: Dataset, num: int, *, goal: Goal = "accuracy", training: TrainSpec | None = None
) -> list[TrialReport]:
    """A whole search, one trial after another."""
    data = saved(dataset, folder)
    search = Search(folder / "searches", training or base(), data, goal)
    run(search, num)
    return list(search.reports(num))


def run(search: Search, num: int) -> None:
    while (claim := search.claim(num)) is not None:
        search.finish(claim, run_trial(claim.training, claim.trial.plan, search.data))


def outcome(report: TrialReport) -> tuple[Any, ...]:
    return report.number, report.recipe, report.state, report.value, report.loss, report.course


def fake(number: int, value: float | None, *, loss: float = 0.5, rungs: tuple[float, ...] = ()) -> TrialReport:
    state = "pruned" if value is None else "finished"
    return TrialReport(number=number, family="mlp", recipe=Recipe(), state=state, value=value, loss=loss, rungs=rungs)


# -------------------------------------------------------------------------------------- what it sees


@pytest.mark.parametrize("num", [240, 960])
def test_test_examples_and_their_labels_change_nothing_in_a_search(tmp_path: Path, num: int) -> None:
    """With folds (60 validation examples), and on the validation split itself (240)."""
    whole = tiny_dataset(num=num)
    features, labels = whole.features.copy(), whole.labels.copy()
    features[whole.test] = 1e9
    labels[whole.test] = 0
    spoilt = replace(whole, features=features, labels=labels)
    assert spoilt.digest != whole.digest
    ours, theirs = (searched(tmp_path / name, one, 5) for name, one in (("a", whole), ("b", spoilt)))
    assert [outcome(report) for report in ours] == [outcome(report) for report in theirs]
    # The same would not be true of validation labels.
    labels = whole.labels.copy()
    labels[whole.validation] = (labels[whole.validation] + 1) % 3
    others = searched(tmp_path / "c", replace(whole, labels=labels), 2)
    assert [report.value for report in others] != [report.value for report in ours[:2]]


def test_the_test_split_is_gone_before_anything_is_trained() -> None:
    whole = tiny_dataset(unequal=True)
    known = without_test(whole)
    assert len(known.test) == 0
    assert len(known.features) == len(whole.train) + len(whole.validation)
    for part in ("train", "validation"):
        np.testing.assert_array_equal(known.features[getattr(known, part)], whole.features[getattr(whole, part)])
        np.testing.assert_array_equal(known.labels[getattr(known, part)], whole.labels[getattr(whole, part)])
    assert known.lengths is not None
    assert whole.lengths is not None
    np.testing.assert_array_equal(known.lengths[known.validation], whole.lengths[whole.validation])


def test_few_validation_examples_are_replaced_by_stratified_folds_of_the_training_part() -> None:
    whole = tiny_dataset(num=228, num_classes=3)
    assert (num_folds(199), num_folds(200)) == (3, 1)
    folds = judging_splits(whole, 3)
    judged = np.concatenate([fold.validation for fold in folds])
    assert sorted(judged) == list(range(len(whole.train) + len(whole.validation))), "each example once"
    for fold in folds:
        assert not set(fold.train) & set(fold.validation)
        counts = np.bincount(fold.labels[fold.validation], minlength=3)
        assert max(counts) - min(counts) <= 1
        mean, std = learn_scaling(fold.features, fold.lengths, fold.train)
        np.testing.assert_array_equal(fold.mean, mean)
        np.testing.assert_array_equal(fold.std, std)


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_another_search_is_judged_on_other_validation_examples_of_the_same_training_part(
    folds: int, grouped: bool
) -> None:
    whole = tiny_dataset(num=228, num_classes=3)
    if grouped:
        whole = replace(whole, groups=np.arange(len(whole.labels)) // 6)
    known = without_test(whole)
    every = [judging_splits(whole, folds, search) for search in (0, 1, 2, 1)]
    judged = [[set(one.validation.tolist()) for one in splits] for splits in every]
    assert judged[0] != judged[1] != judged[2] != judged[0]
    assert judged[1] == judged[3], "the same every time"
    for splits in every:
        for one in splits:
            assert not set(one.train) & set(one.validation)
            assert sorted([*one.train, *one.validation]) == list(range(len(known.labels)))
            if one.groups is not None and folds > 1:
                assert not set(one.groups[one.train]) & set(one.groups[one.validation])
        if folds == 1 and not grouped:
            assert len(splits[0].validation) == len(known.validation)


def test_another_search_for_the_same_has_recipes_and_seeds_of_its_own(tmp_path: Path) -> None:
    data = saved(tiny_dataset(), tmp_path)
    first, other = (Search(tmp_path, base(), data, "accuracy", number=number) for number in (0, 1))
    assert first.folder == Search(tmp_path, base(), data, "accuracy").folder, "the first goes on with an earlier one"
    assert first.folder != other.folder
    for search in (first, other):
        run(search, 4)
    recipes = [[report.recipe for report in search.reports(4)] for search in (first, other)]
    assert recipes[0][0] == recipes[1][0], "both begin with the recipe as it is"
    assert not {one.learning_rate for one in recipes[0][1:]} & {one.learning_rate for one in recipes[1][1:]}
    values = [next(search.reports(1)).loss for search in (first, other)]
    assert values[0] != values[1], "trained with other seeds, on other folds"
    found = [choose(search, 4) for search in (first, other)]
    assert (found[0].seeds, found[1].seeds) == (SEEDS, tuple(seed + 2 for seed in SEEDS))
    told = budget_sentence({"mlp": found[0].model_copy(update={"again": (found[1],), "seconds": 5.0})}, [])
    assert told.startswith("Budget of the search: 2 searches of 4 trials (MLP ")
    assert "In each search the network's recipe is the best of 4 that were tried" in told


# --------------------------------------------------------------------------------------- what it tries


def test_the_first_trial_is_the_recipe_itself_and_all_have_its_epochs(tmp_path: Path) -> None:
    # Odd values, outside of what is searched.
    training = base(dropout=0.9, weight_decay=0.0, patience=2, select="best")
    reports = searched(tmp_path, tiny_dataset(), 4, training=training)
    assert reports[0].recipe == training.recipe
    assert training.recipe is not None
    for report in reports:
        assert (report.recipe.epochs, report.recipe.min_examples) == (2, 0)
    assert len({report.recipe.learning_rate for report in reports}) == 4


def test_the_same_search_gives_the_same_trials_and_a_longer_one_goes_on_from_it(tmp_path: Path) -> None:
    first = searched(tmp_path / "a", tiny_dataset(), 9)
    again = searched(tmp_path / "b", tiny_dataset(), 9)
    assert [outcome(report) for report in first] == [outcome(report) for report in again]
    data = saved(tiny_dataset(), tmp_path / "c")
    search = Search(tmp_path / "c", base(), data, "accuracy")
    run(search, 7)
    assert search.done_here == 7
    longer = Search(tmp_path / "c", base(), data, "accuracy")
    run(longer, 9)
    assert longer.done_here == 2
    assert [outcome(report) for report in longer.reports(9)] == [outcome(report) for report in first]
    assert choose(longer, 9).reused == 7


def test_another_recipe_epochs_data_goal_or_a_fresh_start_is_another_search(tmp_path: Path) -> None:
    data = saved(tiny_dataset(), tmp_path)
    other = saved(tiny_dataset(seed=1), tmp_path / "other")
    searches = [
        Search(tmp_path, base(), data, "accuracy"),
        Search(tmp_path, base(epochs=3), data, "accuracy"),
        Search(tmp_path, base(learning_rate=1e-2), data, "accuracy"),
        Search(tmp_path, base("gru"), data, "accuracy"),
        Search(tmp_path, base(), other, "accuracy"),
        Search(tmp_path, base(), data, "loss"),
        Search(tmp_path, base(), data, "accuracy", alone="a run"),
    ]
    assert len({search.folder for search in searches}) == len(searches)
    # How many seeds the study will train, and on which device, does not change what is best on validation.
    same = base().model_copy(update={"seeds": (7, 8), "memory_mb": 7})
    assert Search(tmp_path, same, data, "accuracy").folder == searches[0].folder


@pytest.mark.parametrize(
    ("kind", "name", "reads", "leaves"),
    [
        ("sequences", "mlp", {"dropout", "jitter", "mixup", "schedule"}, {"hidden", "shift_pixels"}),
        ("sequences", "gru", {"dropout", "shift_steps", "scale"}, {"hidden"}),
        ("images", "mlp", {"shift_pixels", "label_smoothing"}, {"hidden", "dropout", "jitter"}),
        ("images", "autoencoder", {"hidden", "learning_rate"}, {"dropout", "label_smoothing", "mixup"}),
    ],
)
def test_only_what_a_family_reads_is_searched(
    tmp_path: Path, kind: Any, name: str, reads: set[str], leaves: set[str]
) -> None:
    family = network(name, kind)
    space = space_of(family, family.recipe, saved(tiny_dataset(kind), tmp_path))
    assert reads <= set(space)
    assert not leaves & set(space)
    assert not {"epochs", "min_examples", "select", "patience", "tried"} & set(space)
    rate = space["learning_rate"]
    assert isinstance(rate, Range)
    assert (rate.low, rate.high, rate.log) == (family.recipe.learning_rate / 10, family.recipe.learning_rate * 10, True)
    for end in ("low", "high"):
        params = {key: getattr(f, end) if isinstance(f, Range) else f.options[-1] for key, f in space.items()}
        assert recipe_at(params, family.recipe).epochs == family.recipe.epochs, "every corner is a recipe"


def test_batch_sizes_that_make_no_difference_on_small_data_are_not_searched(tmp_path: Path) -> None:
    family = network("cnn")
    data = saved(tiny_dataset(), tmp_path)
    assert "batch_size" not in space_of(family, family.recipe, data), "120 examples are trained 16 at a time"
    more = space_of(family, family.recipe, data.model_copy(update={"num_train": 600}))["batch_size"]
    assert more == Choice((16, 32, 64))


def test_a_recipe_and_its_point_in_the_space_agree(tmp_path: Path) -> None:
    family = network("autoencoder", "images")
    space = space_of(family, family.recipe, saved(tiny_dataset("images"), tmp_path))
    wide = recipe_at(
        params_of(family.recipe, space) | {"hidden": "256-128", "learning_rate": 0.00123456}, family.recipe
    )
    assert (wide.hidden, wide.learning_rate) == ((256, 128), 0.00123)
    assert params_of(wide, space)["hidden"] == "256-128"


# ------------------------------------------------------------------------------------ how it is judged


def test_the_value_is_the_mean_over_folds_and_seeds_of_networks_trained_alone() -> None:
    from hw3models.engine.fit import fit

    whole, training = tiny_dataset(), base(epochs=3)
    assert training.recipe is not None
    training = training.model_copy(update={"seeds": SEEDS})
    report = judge(training, training.recipe, TrialPlan(number=0, folds=3), whole, network("mlp"))
    accuracies, losses = [], []
    for fold in judging_splits(whole, 3):
        for seed in SEEDS:
            alone = fit(fold, network("mlp"), training.model_copy(update={"seeds": (seed,)}))
            assert alone.epochs[-1].validation_accuracy is not None
            assert alone.epochs[-1].validation_loss is not None
            accuracies += alone.epochs[-1].validation_accuracy
            losses += alone.epochs[-1].validation_loss
    assert report.state == "finished"
    assert report.value == pytest.approx(np.mean(accuracies), abs=1e-6)
    assert report.loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert len(report.course) == 9
    assert report.course[-1] == pytest.approx(report.value)


@pytest.mark.parametrize("strategy", ["stacked", "separate"])
def test_a_trial_behind_the_median_is_pruned_at_that_look_whatever_the_threads_do(strategy: Any) -> None:
    training = base(epochs=8, learning_rate=1e-6, schedule="constant").model_copy(
        update={"seeds": SEEDS, "strategy": strategy}
    )
    assert training.recipe is not None
    free = judge(training, training.recipe, TrialPlan(number=9, folds=2), tiny_dataset(), network("mlp"))
    bars = (None,) * 5 + (0.99,) * 10 + (None,)
    report = judge(training, training.recipe, TrialPlan(number=9, folds=2, bars=bars), tiny_dataset(), network("mlp"))
    assert report.state == "pruned"
    assert report.value is None
    assert report.course == pytest.approx(free.course[:6], abs=1e-6), "it ended at the sixth of eight looks"


def test_a_recipe_that_loses_a_replicate_fails_and_says_why(tmp_path: Path) -> None:
    training = base(optimizer="sgd", learning_rate=1e30, schedule="constant")
    data = saved(tiny_dataset(), tmp_path)
    search = Search(tmp_path, training, data, "accuracy")
    claim = search.claim(2)
    assert claim is not None
    report = run_trial(claim.training, claim.trial.plan, data)
    assert report.state == "failed"
    assert "no replicate of mlp could be trained" in report.reason
    search.finish(claim, report)
    run(search, 2)
    with pytest.raises(TrainingError, match="none of 2 trials of mlp could be finished: no replicate of mlp"):
        choose(search, 2)


def test_baselines_have_nothing_to_search_for(tmp_path: Path) -> None:
    data = saved(tiny_dataset(), tmp_path)
    with pytest.raises(SpecError, match="logistic is a baseline"):
        Search(tmp_path, base().model_copy(update={"family": "logistic", "recipe": None}), data, "accuracy")
    with pytest.raises(ValidationError, match="`trial` is a part of a study's search"):
        TrainJob(trial=TrialPlan(number=0))


# --------------------------------------------------------------------------------------------- pruning


def test_epochs_are_looked_at_eight_times_and_at_the_end() -> None:
    assert rung_epochs(16) == (2, 4, 6, 8, 10, 12, 14, 16)
    assert rung_epochs(3) == (1, 2, 3)
    assert rung_epochs(201)[-1] == 201
    assert len(rung_epochs(201)) == 8


@pytest.mark.parametrize("goal", ["accuracy", "loss"])
@pytest.mark.parametrize("seed", range(5))
def test_pruning_is_that_of_optunas_median_pruner(goal: Goal, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.uniform(size=(START + seed, 16))
    study = optuna.create_study(
        direction="maximize" if goal == "accuracy" else "minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=START, n_warmup_steps=4),
    )
    for row in rows:
        values = dict(enumerate(map(float, row)))
        study.add_trial(optuna.trial.create_trial(value=float(row[-1]), intermediate_values=values))
    bars = bars_for([fake(n, float(row[-1]), rungs=tuple(row)) for n, row in enumerate(rows)], folds=2)
    trial, course = study.ask(), [float(x) for x in rng.uniform(size=15) * (0.7 if goal == "accuracy" else 1.3)]
    for step, value in enumerate(course):
        trial.report(value, step)
        assert falls_short(course[: step + 1], bars, goal) == trial.should_prune(), step


def test_nothing_is_pruned_before_there_is_something_to_compare_with() -> None:
    assert bars_for([fake(n, 0.5, rungs=(0.1,) * 8) for n in range(START - 1)], folds=1) == ()
    bars = bars_for([fake(n, 0.5, rungs=(0.1,) * 8) for n in range(START)], folds=1)
    assert bars == (None,) * 4 + (0.1,) * 3 + (None,)


# ----------------------------------------------------------------------------------------------- choice


def test_the_best_is_the_most_accurate_then_the_one_with_less_loss_then_the_first() -> None:
    reports = [fake(0, 0.8), fake(1, 0.9, loss=0.4), fake(2, 0.9, loss=0.3), fake(3, 0.9, loss=0.3), fake(4, None)]
    assert best_of(reports, "accuracy") == reports[2]
    assert best_of([fake(0, 0.8), fake(1, 0.2)], "loss") == fake(1, 0.2)
    assert best_of([fake(0, None)], "accuracy") is None


def test_what_was_found_says_its_budget_and_what_it_changed(tmp_path: Path) -> None:
    data = saved(tiny_dataset(), tmp_path)
    search = Search(tmp_path, base(), data, "accuracy")
    run(search, 5)
    report = choose(search, 5)
    assert (report.trials, report.finished + report.pruned + report.failed) == (5, 5)
    assert report.recipe.tried == 5
    assert (report.folds, report.num_judged) == (3, 180)
    assert report.default_value is not None
    assert report.value >= report.default_value
    for name, (before, after) in report.changed.items():
        assert str(getattr(search.start, name)) == before
        assert str(getattr(report.recipe, name)) == after
    quick, slow = (report.model_copy(update={"seconds": seconds}) for seconds in (3.2, 1204.0))
    assert budget_sentence({"mlp": quick, "gru": slow}, ["logistic"]) == (
        "Budget of the search: 5 trials each (MLP 3 s, GRU 1,204 s). "
        "Each network's recipe is the best of 5 that were tried, judged on 3 folds of the training part alone; "
        "baselines were not tuned."
    )
    split = quick.model_copy(update={"folds": 1})
    assert budget_sentence({"mlp": split}, []) == (
        "Budget of the search: 5 trials (MLP 3 s). "
        "The network's recipe is the best of 5 that were tried, judged on the validation split alone."
    )


# --------------------------------------------------------------------------- several processes, and kill -9


def test_two_at_once_never_try_the_same_trial_nor_more_than_the_budget(tmp_path: Path) -> None:
    data = saved(tiny_dataset(), tmp_path)
    tried: list[int] = []

    def work() -> None:
        search = Search(tmp_path, base(), data, "accuracy")
        while not search.is_done(7):
            claim = search.claim(7)
            if claim is None:
                time.sleep(0.01)
                continue
            tried.append(claim.trial.plan.number)
            search.finish(claim, run_trial(claim.training, claim.trial.plan, data))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tried) == list(range(7))
    points = {tuple(sorted(t.params.items())) for t in trials(tmp_path)}
    assert len(points) == 7, "what is under way is known to the sampler"


def trials(root: Path) -> list[Any]:
    from hw3models.specs import Trial

    return [
        Trial.model_validate_json(without_sum(path.read_text()) or "") for path in sorted(root.rglob("*.trial.json"))
    ]


def test_trials_and_reports_that_were_edited_are_done_again(tmp_path: Path) -> None:
    whole = searched(tmp_path, tiny_dataset(), 2)
    search = Search(tmp_path / "searches", base(), saved(tiny_dataset(), tmp_path), "accuracy")
    for edit in (lambda text: text.replace("finished", "pruned"), lambda text: text[:50], lambda _: ""):
        path = search.folder / "0001.report.json"
        path.write_text(edit(path.read_text()))
        assert (search.report_of(1), search.is_done(2)) == (None, False)
        run(search, 2)
        assert [outcome(report) for report in search.reports(2)] == [outcome(report) for report in whole]


def test_a_trial_that_was_given_back_is_the_next_one_as_it_was(tmp_path: Path) -> None:
    search = Search(tmp_path, base(), saved(tiny_dataset(), tmp_path), "accuracy")
    first, second = search.claim(3), search.claim(3)
    assert first is not None
    assert second is not None
    assert (first.trial.plan.number, second.trial.plan.number) == (0, 1)
    search.give_back(second)
    again = search.claim(3)
    assert again is not None
    assert again.trial == second.trial


KILLED = """
import sys, time
from pathlib import Path
from tests.hw3models.tuning.test_tuning import base, saved
from hw3models.data.dataset import describe, load
from hw3models.tuning.search import Search
from hw3models.tuning.trial import run_trial
folder = Path(sys.argv[1])
data = describe(load(folder / "data.npz"), folder / "data.npz")
search = Search(folder / "searches", base(), data, "accuracy")
while (claim := search.claim(6)) is not None:
    print(claim.trial.plan.number, flush=True)
    report = run_trial(claim.training, claim.trial.plan, data)
    if claim.trial.plan.number == 3:
        time.sleep(600)
    search.finish(claim, report)
"""


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_with_what_was_done_and_gives_the_same(tmp_path: Path) -> None:
    saved(tiny_dataset(), tmp_path)
    whole = searched(tmp_path / "whole", tiny_dataset(), 6)
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root, env=environment
    )
    assert process.stdout is not None
    begun = [int(process.stdout.readline()) for _ in range(4)]
    assert begun == [0, 1, 2, 3]
    search = Search(tmp_path / "searches", base(), saved(tiny_dataset(), tmp_path), "accuracy")
    other = search.claim(4)
    assert other is None, "the fourth is being tried"
    before = {path.name: path.stat().st_mtime_ns for path in search.folder.glob("*.report.json")}
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    claim = search.claim(6)
    assert claim is not None
    assert claim.trial.plan.number == 3, "the one that was cut off, and none of those that were done"
    search.give_back(claim)
    run(search, 6)
    after = {path.name: path.stat().st_mtime_ns for path in search.folder.glob("*.report.json")}
    assert len(before) == 3
    assert before.items() <= after.items()
    assert [outcome(report) for report in search.reports(6)] == [outcome(report) for report in whole]


def test_class_weights_are_searched_where_the_training_part_is_uneven(tmp_path: Path) -> None:
    family, dataset = network("mlp"), tiny_dataset()
    assert "class_weights" not in space_of(family, family.recipe, saved(dataset, tmp_path / "even"))
    rare = [row for row in dataset.train if dataset.labels[row] == 2]
    kept = np.sort(np.setdiff1d(dataset.train, rare[: len(rare) // 2]))
    uneven = replace(dataset, train=kept)
    space = space_of(family, family.recipe, saved(uneven, tmp_path / "uneven"))
    assert recipe_at({"class_weights": "balanced"}, family.recipe).class_weights == "balanced"
    assert "class_weights" in space
