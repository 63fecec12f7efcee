"""Maps and what is said of them, against models whose answers rest on what is known."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from hw3models.engine.model_store import build_from_manifest
from hw3models.errors import SpecError
from hw3models.explaining import Explanation, Questions, explain
from hw3models.explaining.maps import blank, integrated_gradients, occlusion
from hw3models.explaining.measures import SHARES, agreement, deletion
from hw3models.explaining.said import ClassSaid, NumberSaid, margin
from hw3models.explaining.windows import Window, block_means, blocks_of, overlaps, top_windows, window_of
from hw3models.families import FAMILIES, Network
from hw3models.serving.predictor import NetworkMember, Predictor
from hw3models.specs import Kind, TargetReport
from hw3models.specs.model import ModelManifest

STEPS, CHANNELS = 12, 3
MEAN, STD = (1.0, -2.0, 0.5), (2.0, 0.5, 1.0)


class Linear(nn.Module):
    """Logits 0 and w times the input, over valid steps."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights))

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        score = (x * self.weights).flatten(1).sum(1)
        return torch.stack([torch.zeros_like(score), score], 1)


def manifest(kind: Kind = "sequences", *, family: str = "mlp", seeds: int = 1, unequal: bool = False) -> ModelManifest:
    shape = (STEPS, CHANNELS) if kind == "sequences" else (28, 28)
    mean, std = (MEAN, STD) if kind == "sequences" else ((0.3,), (0.4,))
    return ModelManifest(
        family=family,
        kind=kind,
        shape=shape,
        class_names=("a", "b"),
        mean=mean,
        std=std,
        unequal_lengths=unequal,
        latent_dim=2,
        dropout=0,
        seeds=tuple(range(seeds)),
        best_seed=0,
        use="single" if seeds == 1 else "ensemble",
        data_digest="0" * 16,
        data_name="tests",
    )


def linear(*weights: NDArray[np.float32], unequal: bool = False, temperature: float = 1.0) -> Predictor:
    said = manifest(seeds=len(weights), unequal=unequal)
    return Predictor(said, [NetworkMember(said, Linear(one).eval(), temperature) for one in weights])


def series(num: int = 40, seed: int = 0) -> NDArray[np.float32]:
    draws = np.random.default_rng(seed).normal(size=(num, STEPS, CHANNELS))
    return (draws * STD + MEAN).astype(np.float32)


def ask(examples: NDArray[np.float32], labels: NDArray[np.int64] | None = None) -> Questions:
    return Questions(name="tests", examples=examples, rows=np.arange(len(examples)), labels=labels)


def in_one_block(strength: float = 4.0) -> NDArray[np.float32]:
    """Weights of a model that looks at steps 4 and 5 of channel 1 only."""
    weights = np.zeros((STEPS, CHANNELS), np.float32)
    weights[4:6, 1] = strength
    return weights


def test_integrated_gradients_of_a_linear_model_are_weight_times_scaled_input() -> None:
    weights = np.random.default_rng(1).normal(size=(STEPS, CHANNELS)).astype(np.float32)
    predictor, examples = linear(weights, temperature=2.0), series(6)
    targets = np.array([0, 1, 0, 1, 1, 0])
    [found] = integrated_gradients(predictor, predictor.checked(examples), ClassSaid(targets))
    closed = np.where(targets == 1, 1, -1)[:, None, None] * weights * (examples - MEAN) / STD / 2.0
    np.testing.assert_allclose(found, closed, atol=1e-4)


def test_occlusion_of_a_linear_model_in_single_cells_is_the_same() -> None:
    weights = 0.3 * np.random.default_rng(1).normal(size=(STEPS, CHANNELS)).astype(np.float32)
    predictor, examples = linear(weights), series(4)
    [found] = occlusion(predictor, predictor.checked(examples), ClassSaid(np.ones(4, np.int64)), Window(1, 1))
    np.testing.assert_allclose(found, weights * (examples - MEAN) / STD, atol=1e-3)


def test_a_window_loses_what_its_cells_say_together() -> None:
    predictor, examples = linear(in_one_block(0.5)), series(5)
    [found] = occlusion(predictor, predictor.checked(examples), ClassSaid(np.ones(5, np.int64)), Window(4, 1))
    each = in_one_block(0.5) * (examples - MEAN) / STD
    # Windows begin at steps 0, 2, 4, 6 and 8: steps 4 and 5 are in those from 2 and from 4, which both hide all of it.
    np.testing.assert_allclose(found[:, 4:6, 1], np.repeat(each.sum(axis=(1, 2))[:, None], 2, axis=1), atol=1e-3)
    assert np.abs(found[:, :, [0, 2]]).max() < 1e-3


def test_what_comes_after_the_end_of_a_series_is_no_part_of_its_map() -> None:
    weights = np.full((STEPS, CHANNELS), 0.3, np.float32)
    predictor, examples = linear(weights, unequal=True), series(4)
    examples[1, 7:] = np.nan
    asked = predictor.checked(examples)
    for [found] in (
        integrated_gradients(predictor, asked, ClassSaid(np.ones(4, np.int64))),
        occlusion(predictor, asked, ClassSaid(np.ones(4, np.int64)), Window(1, 1)),
    ):
        assert np.isnan(found[1, 7:]).all()
        assert np.isfinite(found[[0, 2, 3]]).all()
        np.testing.assert_allclose(found[1, :7], 0.3 * ((examples - MEAN) / STD)[1, :7], atol=1e-3)


NETWORKS = [
    (kind, name)
    for kind, families in FAMILIES.items()
    for name, family in families.items()
    if isinstance(family, Network) and "accuracy" in family.objective.metrics
]


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_gradients_of_every_family_add_up_to_what_the_example_changes(kind: Kind, name: str) -> None:
    said = manifest(kind, family=name)
    torch.manual_seed(0)
    member = NetworkMember(said, build_from_manifest(said).eval(), 1.0)
    rng = np.random.default_rng(0)
    examples = series(2) if kind == "sequences" else rng.integers(0, 256, (2, 28, 28)).astype(np.float32)
    predictor, targets = Predictor(said, [member]), np.array([0, 1])
    [found] = integrated_gradients(predictor, predictor.checked(examples), ClassSaid(targets))
    hidden = np.broadcast_to(blank(predictor), examples.shape).astype(np.float32)
    with torch.no_grad():
        ends = [margin(member.model(*member.arguments(one, None)), torch.tensor(targets)) for one in (examples, hidden)]
    change = (ends[0] - ends[1]).numpy()
    np.testing.assert_allclose(found.sum(axis=(1, 2)), change, atol=0.02 + 0.1 * np.abs(change).max())
    assert np.abs(found).max() > 1e-6


def test_the_top_window_is_that_with_the_largest_sum_and_ends_before_the_series_does() -> None:
    maps = np.random.default_rng(0).normal(size=(20, STEPS, CHANNELS))
    maps[7, 9:] = np.nan
    tops = top_windows(maps, Window(4, 1))
    for one, (row, column) in zip(maps, tops, strict=True):
        sums = {(t, c): one[t : t + 4, c].sum() for t in range(STEPS - 3) for c in range(CHANNELS)}
        sums = {place: total for place, total in sums.items() if np.isfinite(total)}
        assert max(sums, key=lambda place: sums[place]) == (row, column)
    where = np.zeros(maps.shape, bool)
    where[:, tops[0, 0] + 3, tops[0, 1]] = True
    assert overlaps(tops[:1], Window(4, 1), where[:1]).tolist() == [True]
    assert overlaps(tops[:1], Window(3, 1), where[:1]).tolist() == [False]


def test_blocks_are_windows_side_by_side() -> None:
    blocks = blocks_of((5, 3), Window(2, 1))
    assert blocks.tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5], [6, 7, 8]]
    values = np.arange(15.0).reshape(1, 5, 3)
    values[0, 4] = np.nan
    means = block_means(values, blocks)[0]
    assert means[:6].tolist() == [1.5, 2.5, 3.5, 7.5, 8.5, 9.5]
    assert np.isnan(means[6:]).all()
    assert window_of("sequences", (50, 8)) == Window(5, 1)
    assert window_of("sequences", (50, 8), np.array([20, 20, 50])) == Window(2, 1)
    assert window_of("images", (28, 28, 3)) == Window(4, 4)


def test_agreement_is_the_mean_correlation_of_pairs_of_seeds() -> None:
    maps = np.random.default_rng(0).normal(size=(4, 5, 9))
    maps[:, 2, 6:] = np.nan
    found = agreement(maps)
    assert found is not None
    for i in range(5):
        own = maps[:, i][:, np.isfinite(maps[0, i])]
        pairs = [np.corrcoef(own[a], own[b])[0, 1] for a, b in combinations(range(4), 2)]
        assert found[i] == pytest.approx(np.mean(pairs))
    assert agreement(maps[:1]) is None
    flat = np.ones((2, 3, 9))
    assert agreement(flat).tolist() == [0, 0, 0]  # type: ignore[union-attr]


def test_deleting_the_part_that_a_model_looks_at_lowers_its_answer_and_nothing_else_does() -> None:
    predictor, examples = linear(in_one_block()), series(30)
    asked = predictor.checked(examples)
    targets = predictor.predict(examples)["probabilities"].argmax(axis=1)
    blocks = blocks_of((STEPS, CHANNELS), Window(2, 1))
    ranks = np.zeros((1, 30, int(blocks.max()) + 1))
    ranks[..., blocks[4, 1]] = 1
    found = deletion(predictor.members, asked, ClassSaid(targets), ranks, blocks, blank(predictor), None)
    whole = predictor.predict(examples)["probabilities"].max(axis=1).mean()
    assert found.whole == pytest.approx(whole, abs=1e-6)
    assert found.ranked == pytest.approx([0.5] * len(SHARES), abs=1e-6), "the block is always the first to go"
    # At random the block is among k of 18 with probability k / 18.
    expected = [whole - (whole - 0.5) * max(1, round(share * 18)) / 18 for share in SHARES]
    assert found.random == pytest.approx(expected, abs=0.06)
    assert found.gap.low > 0.2
    blind = deletion(predictor.members, asked, ClassSaid(targets), -ranks, blocks, blank(predictor), None)
    assert blind.gap.high < 0


def explained(*weights: NDArray[np.float32], labels: NDArray[np.int64] | None, num: int = 60) -> Explanation:
    return explain(linear(*weights), ask(series(num), labels), num=40)


def truth(examples: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.asarray((((examples - MEAN) / STD)[:, 4:6, 1].sum(axis=1) > 0), np.int64)


def test_what_is_found_is_told_with_its_channels() -> None:
    found = explained(in_one_block(), in_one_block(3.0), labels=truth(series(60)))
    assert found.has_found
    assert found.verdict.count("they are stable") == 2
    assert "100% in channel 1" in found.verdict
    assert (np.abs(found.tops()[:, 0] - 4) <= 1).mean() > 0.9
    assert (found.tops("gradients")[:, 1] == 1).mean() > 0.9


def test_a_model_that_is_no_better_than_guessing_has_found_nothing() -> None:
    labels = np.random.default_rng(3).permutation(np.arange(60) % 2)
    found = explained(in_one_block(), in_one_block(3.0), labels=labels)
    assert not found.has_found
    assert found.verdict.startswith("Nothing is found: MLP names ")
    assert "learnt by heart" in found.verdict
    assert "in channel 1" not in found.verdict


def test_maps_that_seeds_do_not_agree_on_are_called_unstable() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(STEPS, CHANNELS)).astype(np.float32) for _ in range(3)]
    found = explained(*weights, labels=None)
    assert all(one.is_stable is False for one in found.maps)
    assert "less than 0.5: they are not stable" in found.verdict
    assert "Read nothing from maps that are not stable" in found.verdict


def test_one_seed_does_not_say_whether_maps_are_stable() -> None:
    found = explained(in_one_block(), labels=truth(series(60)))
    assert found.maps[0].is_stable is None
    assert "With one seed it is not known whether its maps are stable." in found.verdict


def test_numbers_are_about_the_examples_that_were_drawn_and_wrong_ones_are_added() -> None:
    labels = truth(series(60))
    labels[:5] = 1 - labels[:5]
    found = explained(in_one_block(), labels=labels)
    wrong = found.said.codes != found.questions.labels
    assert found.num_drawn == 40
    assert int(wrong.sum()) == 4 or not wrong[40:].any()
    assert len(found.questions.rows) == 40 + int(wrong[40:].sum())
    assert found.right is not None
    assert found.right.mean == pytest.approx(55 / 60)


def test_what_cannot_be_explained_is_refused() -> None:
    predictor = linear(in_one_block())
    with pytest.raises(SpecError, match="`method` 'shap' is not known; there are occlusion, gradients"):
        explain(predictor, ask(series()), methods=["shap"])  # type: ignore[list-item]
    blind = Predictor(manifest(family="majority"), [lambda examples, lengths: {}])
    with pytest.raises(SpecError, match="majority answers without looking at the example"):
        explain(blind, ask(series()))
    forest = replace(predictor.members[0])
    rocket = Predictor(manifest(family="rocket"), [lambda examples, lengths: forest(examples, lengths)])
    with pytest.raises(SpecError, match=r"rocket is not a network, and has no gradients\. Use occlusion"):
        explain(rocket, ask(series()), methods=["gradients"])
    assert [one.method for one in explain(rocket, ask(series())).maps] == ["occlusion"]
    with pytest.raises(SpecError, match=r"1 are too few to be told apart\. Give 2 at least"):
        explain(predictor, ask(series()), num=1)


TARGET = TargetReport(mean=50.0, std=4.0, low=30.0, high=70.0)


class Number(nn.Module):
    """The standardised number: w times the input."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.weights).flatten(1).sum(1, keepdim=True)


def regressor(*weights: NDArray[np.float32]) -> Predictor:
    said = manifest(seeds=len(weights)).model_copy(update={"target": TARGET})
    return Predictor(said, [NetworkMember(said, Number(one).eval(), 1.0) for one in weights])


def numbers(examples: NDArray[np.float32], truth: NDArray[np.float64]) -> Questions:
    return replace(ask(examples), targets=truth)


def test_maps_of_a_number_say_by_how_many_standard_deviations_a_cell_raises_or_lowers_it() -> None:
    weights = np.random.default_rng(1).normal(size=(STEPS, CHANNELS)).astype(np.float32)
    predictor, examples = regressor(weights), series(6)
    asked, said = predictor.checked(examples), NumberSaid(predictor.predict(examples)["prediction"], TARGET)
    closed = weights * (examples - MEAN) / STD
    for [found] in (
        integrated_gradients(predictor, asked, said),
        occlusion(predictor, asked, said, Window(1, 1)),
    ):
        np.testing.assert_allclose(found, closed, atol=1e-3)
    np.testing.assert_allclose(closed.sum(axis=(1, 2)), (said.numbers - TARGET.mean) / TARGET.std, atol=1e-4)


def test_a_number_moves_with_what_it_rests_on_whether_that_raises_or_lowers_it() -> None:
    weights, examples = in_one_block(1.0), series(40)
    predictor = regressor(weights, 1.1 * weights)
    truth = predictor.predict(examples)["prediction"] + np.random.default_rng(3).normal(size=40)
    found = explain(predictor, numbers(examples, truth))
    assert found.has_found
    assert found.right is None
    assert found.said.is_number
    assert "the numbers of MLP rest on is shown by occlusion and integrated gradients" in found.verdict
    assert "the number moves by" in found.verdict
    assert "100% in channel 1" in found.verdict
    lowered = found.of("gradients").mean[:, 4:6, 1].sum(axis=1) < 0
    assert 5 < lowered.sum() < 35  # otherwise the next line says nothing
    where = np.zeros((40, STEPS, CHANNELS), np.bool_)
    where[:, 4:6, 1] = True
    assert overlaps(found.tops("gradients"), found.window, where).all()
    # Once both steps are gone, the number is the mean's: it has moved by all that it was from it.
    gone = found.of("gradients").deletion
    away = np.abs(1.05 * (weights * (examples - MEAN) / STD).sum(axis=(1, 2))).mean()
    assert gone.whole == 0
    assert -gone.ranked[-1] == pytest.approx(away, rel=1e-3)
    assert gone.random[0] > gone.ranked[0]


def test_numbers_that_are_no_nearer_than_the_mean_have_nothing_to_explain() -> None:
    examples = series(60)
    truth = TARGET.mean + TARGET.std * np.random.default_rng(5).normal(size=60)
    found = explain(regressor(in_one_block(1.0)), numbers(examples, truth), methods=["gradients"])
    assert not found.has_found
    assert found.verdict.startswith("Nothing is found: the numbers of MLP are not shown to be nearer to the truth than")
