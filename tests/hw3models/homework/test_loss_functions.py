"""Homework 1A to 1C against closed forms, numpy, scipy, and a plain PyTorch loop."""

import math
import random
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn
from torch.nn import functional as F

from hw3models.data.known.digits import read_digits
from hw3models.errors import DataError, SpecError
from hw3models.families.family import Architecture
from hw3models.families.mlp import build_image_mlp
from hw3models.homework import loss_functions as losses
from hw3models.nn.rng import ReplicateRng, derived_seed


def few_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = read_digits()
    return raw.features[:400], raw.labels[:400]


def softmax_jacobian(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diag(p) - np.outer(p, p)


# ---------------------------------------------------------------------------------------------- 1A


def test_cross_entropy_of_the_sheet_is_minus_ln_of_the_true_digits_probability() -> None:
    sheet = losses.cross_entropy_of_sheet()
    assert sheet.nats == pytest.approx(0.916290731874155, abs=1e-12)
    assert sheet.torch_nll == pytest.approx(sheet.nats, abs=1e-12)
    assert sheet.torch_cross_entropy == pytest.approx(sheet.nats, abs=1e-12)
    assert sheet.bits == pytest.approx(sheet.nats / np.log(2))


def test_the_sheets_0397_is_the_base_10_logarithm_cut_off() -> None:
    sheet = losses.cross_entropy_of_sheet()
    assert sheet.sheet == math.floor(1000 * np.log10(1 / 0.4)) / 1000 == 0.397
    assert sheet.sheet_logarithm == "base 10"
    assert round(sheet.log10, 3) == 0.398


# ---------------------------------------------------------------------------------- 1B, gradients


def test_gradients_of_the_sheet_are_those_worked_out_by_hand() -> None:
    g = losses.loss_gradients(losses.spread_probabilities(0.9, 3), 3)
    assert g.cross_entropy_by_probability[3] == pytest.approx(-1 / 0.9)
    assert g.mse_by_probability[3] == pytest.approx(2 * (0.9 - 1) / 10)
    assert g.cross_entropy_by_logit[3] == pytest.approx(-0.1)
    assert g.mse_by_logit[3] == pytest.approx(-2 * 0.9 * 0.1**2 / 9)
    for k in (0, 1, 2, 4, 5, 6, 7, 8, 9):
        assert g.cross_entropy_by_probability[k] == 0
        assert g.mse_by_probability[k] == pytest.approx(2 * (0.1 / 9) / 10)
        assert g.cross_entropy_by_logit[k] == pytest.approx(0.1 / 9)


@pytest.mark.parametrize("seed", range(5))
def test_gradients_by_logit_are_the_softmax_jacobian_times_those_by_probability(seed: int) -> None:
    p = np.random.default_rng(seed).dirichlet(np.ones(7))
    g = losses.loss_gradients(tuple(p), 4)
    y = np.eye(7)[4]
    assert g.mse_by_logit == pytest.approx(softmax_jacobian(p) @ (2 * (p - y) / 7), abs=1e-14)
    assert g.cross_entropy_by_logit == pytest.approx(softmax_jacobian(p) @ (-y / p), abs=1e-14)


@pytest.mark.parametrize(
    "probabilities",
    [losses.SHEET_PROBABILITIES, losses.spread_probabilities(0.99, 3), losses.spread_probabilities(0.01, 3, rival=8)],
)
def test_autograd_and_closed_form_agree_even_where_a_probability_is_zero(probabilities: tuple[float, ...]) -> None:
    g = losses.loss_gradients(probabilities, 3)
    assert g.disagreement < 1e-12
    assert np.isfinite([*g.mse_by_logit, *g.cross_entropy_by_logit, *g.cross_entropy_by_probability]).all()


def test_a_confident_wrong_answer_is_pushed_by_cross_entropy_and_hardly_by_mse() -> None:
    wrong = losses.loss_gradients(losses.spread_probabilities(0.01, 3, rival=8), 3)
    right = losses.loss_gradients(losses.spread_probabilities(0.99, 3), 3)
    assert wrong.cross_entropy_by_logit[3] == pytest.approx(-0.99)
    assert abs(wrong.mse_by_logit[3]) < 0.005
    assert right.cross_entropy_by_logit[3] == pytest.approx(-0.01)
    assert right.mse_by_logit[3] == pytest.approx(-2 * 0.99 * 0.01**2 / 9)


def test_curves_follow_their_closed_forms_and_mse_vanishes_at_both_ends() -> None:
    curves = losses.gradient_curves(num_points=299)
    p = np.array(curves.p_true)
    assert (p[0], p[-1], len(p)) == (1 / 300, 299 / 300, 299)
    assert curves.cross_entropy_by_probability == pytest.approx(-1 / p)
    assert curves.mse_by_probability == pytest.approx(2 * (p - 1) / 10)
    assert curves.cross_entropy_by_logit == pytest.approx(p - 1)
    assert curves.mse_by_logit == pytest.approx(-2 * p * (1 - p) ** 2 / 9)
    assert p[np.argmin(curves.mse_by_logit)] == pytest.approx(1 / 3)  # d/dp of p (1 - p)^2 is zero there


def test_spread_probabilities_sum_to_one_and_give_the_rival_nearly_all_the_rest() -> None:
    even, rival = losses.spread_probabilities(0.4, 2), losses.spread_probabilities(0.01, 3, rival=8)
    assert sum(even) == pytest.approx(1)
    assert sum(rival) == pytest.approx(1)
    assert even == pytest.approx([0.6 / 9] * 2 + [0.4] + [0.6 / 9] * 7)
    assert rival[8] == pytest.approx(0.99**2)


def test_impossible_probabilities_name_all_their_faults_together() -> None:
    with pytest.raises(SpecError, match=r"inside \(0, 1\), got 1\.5.*class 12 is not one of 0\.\.9.*class 11"):
        losses.spread_probabilities(1.5, 12, rival=11)
    with pytest.raises(SpecError, match=r"sum 1\.1.*one of 0\.\.2, got 5"):
        losses.loss_gradients((0.5, 0.5, 0.1), 5)
    with pytest.raises(SpecError, match=r"true class 2 has probability 0"):
        losses.loss_gradients(losses.SHEET_PROBABILITIES, 2)
    with pytest.raises(SpecError, match=r"`num_points` \(0\)"):
        losses.gradient_curves(num_points=0)


# -------------------------------------------------------------------------------- 1B, 1C, trainings


def plain_loop(seed: int, loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], epochs: int) -> list[float]:
    """Mean training loss per epoch of the homework's network, written as a student would."""
    features, labels = few_digits()
    dataset = losses._dataset(features, labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "initialisation"))
        model = build_image_mlp(Architecture(shape=(28, 28), num_classes=10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    rng, curve = ReplicateRng([seed], torch.device("cpu")), []
    for _ in range(epochs):
        total = 0.0
        for rows in rng.permutations(len(dataset.train))[0].split(64):
            index = dataset.train[rows.numpy()]
            x = (torch.from_numpy(features[index]) / 255 - float(dataset.mean[0])) / float(dataset.std[0])
            optimizer.zero_grad()
            loss = loss_of(model(x), torch.from_numpy(labels[index]))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        curve.append(total / len(dataset.train))
    return curve


def mse_of_softmax(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss: torch.Tensor = nn.MSELoss()(z.softmax(1), F.one_hot(y, 10).float())
    return loss


def test_both_losses_train_the_same_weights_on_the_same_batches_as_a_plain_loop() -> None:
    both = losses.train_with_both_losses(*few_digits(), seeds=(3, 5), epochs=3)
    assert both.cross_entropy.train_loss[1] == pytest.approx(plain_loop(5, F.cross_entropy, 3), rel=1e-3)
    assert both.mse.train_loss[1] == pytest.approx(plain_loop(5, mse_of_softmax, 3), rel=1e-3)


def test_a_softmax_layer_is_trained_as_a_plain_loop_would_with_softmax_twice() -> None:
    twice = losses.softmax_twice(*few_digits(), seeds=(3, 5), epochs=3)
    expected = plain_loop(5, lambda z, y: F.cross_entropy(z.softmax(1), y), 3)
    assert twice.softmax_layer.train_loss[1] == pytest.approx(expected, rel=1e-3)
    assert twice.logits.train_loss[1] == pytest.approx(plain_loop(5, F.cross_entropy, 3), rel=1e-3)


def test_a_head_start_for_a_wrong_digit_shows_in_the_first_losses_and_holds_mse_back() -> None:
    usual = losses.train_with_both_losses(seeds=(0, 1, 2), epochs=2)
    wrong = losses.train_with_both_losses(seeds=(0, 1, 2), epochs=2, head_start=8.0)
    assert np.mean(wrong.cross_entropy.train_loss, 0)[0] > np.mean(usual.cross_entropy.train_loss, 0)[0]
    assert usual.first_epoch_difference.mean > 0.02
    assert wrong.first_epoch_difference.mean > 0.05
    assert np.mean(usual.cross_entropy.test_accuracy) > 0.85


def test_probabilities_of_the_softmax_layer_are_scored_as_probabilities() -> None:
    twice = losses.softmax_twice(seeds=(0, 1), epochs=3)
    # Three epochs in, both know most digits. Were the probabilities taken for logits, the layer's score could
    # not go below the floor.
    assert max(twice.softmax_layer.test_cross_entropy) < twice.floor
    assert np.min(twice.softmax_layer.train_loss) > twice.floor
    assert np.mean(twice.logits.test_accuracy) > np.mean(twice.softmax_layer.test_accuracy)


def test_the_floor_of_double_softmax_is_reached_by_certainty_and_never_undercut() -> None:
    floor = losses.double_softmax_floor(10)
    assert floor == pytest.approx(-np.log(np.e / (np.e + 9)))
    certain = F.one_hot(torch.tensor([4]), 10).double()
    assert F.cross_entropy(certain, torch.tensor([4])).item() == pytest.approx(floor)
    random_p = torch.from_numpy(np.random.default_rng(0).dirichlet(np.full(10, 0.05), size=500))
    assert F.cross_entropy(random_p, torch.full((500,), 4), reduction="none").min().item() >= floor
    with pytest.raises(SpecError, match=r"`num_classes` must be at least 2, got 1"):
        losses.double_softmax_floor(1)


def test_log_softmax_with_nll_is_cross_entropy_and_a_second_softmax_shrinks_the_gradient_tenfold() -> None:
    twice = losses.softmax_twice(*few_digits(), seeds=(0, 1), epochs=1)
    assert twice.largest_difference < 1e-12
    assert twice.gradient_once == pytest.approx(0.1 - 1)
    # At p = 1/K the softmax's Jacobian is (I - 1/K)/K, and the gradient p - y sums to zero.
    assert twice.gradient_twice == pytest.approx((0.1 - 1) / 10)


def test_paired_difference_is_scipys_paired_t_interval() -> None:
    a, b = [0.9, 0.95, 0.91, 0.97], [0.88, 0.9, 0.93, 0.9]
    ours = losses.paired_difference(a, b)
    theirs = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.mean == pytest.approx(np.mean(a) - np.mean(b))


def test_trainings_repeat_exactly_and_leave_every_global_random_state_alone() -> None:
    # In a process of its own: threads of other tests' servers draw from Python's generator at any time.
    code = f"from {__name__} import check_trainings; check_trainings()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def check_trainings() -> None:
    features, labels = few_digits()
    first = losses.train_with_both_losses(features, labels, seeds=(0, 1), epochs=1)
    torch.rand(5)  # another state of the caller's generator, which must neither matter nor change
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()
    assert losses.train_with_both_losses(features, labels, seeds=(0, 1), epochs=1) == first
    assert losses.softmax_twice(features, labels, seeds=(0, 1), epochs=1).logits.test_accuracy
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy_state, strict=True))
    assert random.getstate() == python_state


def test_bad_images_and_labels_name_all_their_faults_together() -> None:
    features, labels = few_digits()
    with pytest.raises(
        DataError, match=r"uint8 \(N, 28, 28\), got float64 \(400, 28, 28\).*integers \(400,\).*\(399,\)"
    ):
        losses.train_with_both_losses(features / 255, labels[:-1])
    with pytest.raises(DataError, match=r"0\.\.9, got 1 to 10"):
        losses.softmax_twice(features, labels + 1)
    with pytest.raises(DataError, match=r"too few of 9 \(0\)"):
        losses.train_with_both_losses(features[labels < 9], labels[labels < 9])
    with pytest.raises(DataError, match=r"give both"):
        losses.train_with_both_losses(features)


def test_no_epochs_and_too_few_seeds_are_refused_together() -> None:
    with pytest.raises(SpecError, match=r"`epochs` must be at least 1, got 0.*at least two different.*\[4\]"):
        losses.train_with_both_losses(seeds=(4,), epochs=0)
