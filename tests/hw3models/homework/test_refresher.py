"""Homework 3: each measured behaviour against what theory says it must be."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hw3models.errors import SpecError
from hw3models.homework import refresher


def test_every_address_is_the_thing_that_a_plain_import_gives() -> None:
    from torch.optim import Adam
    from torch.utils.data import DataLoader
    from torchvision.datasets import MNIST

    places = {place.name: place for place in refresher.where_things_live()}
    assert [refresher.resolve(places[name].address) for name in ("MNIST", "Adam", "DataLoader")] == [
        MNIST,
        Adam,
        DataLoader,
    ]
    assert places["Adam"].version == torch.__version__


def test_an_address_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SpecError, match=r"`torch\.optim` has no `Adm`.*Did you mean `torch\.optim\.Adam`"):
        refresher.resolve("torch.optim.Adm")
    with pytest.raises(SpecError, match=r"no module `torch\.optimizers`"):
        refresher.resolve("torch.optimizers.Adam")
    with pytest.raises(SpecError, match=r"no module ``"):
        refresher.resolve("Adam")


def test_without_backward_there_are_no_gradients_and_nothing_is_learnt() -> None:
    result = refresher.missing_backward(steps=5)
    assert result.gradients_are_none
    assert result.largest_change == 0
    assert len(set(result.loss_without)) == 1
    assert len(result.loss_with) == 6
    assert result.loss_with[0] == result.loss_without[0]
    assert list(result.loss_with) == sorted(result.loss_with, reverse=True)
    # Adam's first steps move each weight by about the learning rate (Kingma and Ba 2015, section 2.1).
    assert 0.001 < result.largest_change_with < 5 * 0.0015


def test_without_zero_grad_the_kth_gradient_is_k_times_the_first() -> None:
    result = refresher.missing_zero_grad(repeats=6, epochs=1)
    assert result.norm_ratios == pytest.approx([1, 2, 3, 4, 5, 6], rel=1e-4)


def test_training_without_zero_grad_is_sgd_with_momentum_one() -> None:
    result = refresher.missing_zero_grad(repeats=1, epochs=1, learning_rate=0.02)
    digits, model = refresher._digits(), refresher._classifier()
    optimizer, total = torch.optim.SGD(model.parameters(), lr=0.02, momentum=1.0), 0.0
    for batches in refresher._epochs(len(digits.train_y), 1):
        for index in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(digits.train_x[index]), digits.train_y[index])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
    assert result.loss_without[0] == pytest.approx(total / len(digits.train_y), rel=1e-3)
    assert result.loss_with[0] != pytest.approx(result.loss_without[0], rel=1e-2)


def test_training_without_zero_grad_ends_worse() -> None:
    result = refresher.missing_zero_grad(repeats=1, epochs=6)
    assert result.loss_with[-1] < 0.3 < result.loss_without[-1]
    assert result.accuracy_with > 0.9 > result.accuracy_without


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_dropout_has_variance_p_over_one_minus_p_in_train_and_none_in_eval(p: float) -> None:
    result = refresher.dropout_modes(p=p)
    draws = 256 * 400
    assert result.values_in_train == pytest.approx((0, 1 / (1 - p)))
    assert result.share_of_zeros == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / draws))
    assert result.mean_in_train == pytest.approx(1, abs=4 * np.sqrt(p / (1 - p) / draws))
    assert result.variance_in_train == pytest.approx(p / (1 - p), rel=0.02)
    assert result.variance_in_eval == 0
    assert result.eval_is_identity


def test_batchnorm_moves_in_train_by_the_exponential_average_and_stays_in_eval() -> None:
    result = refresher.batchnorm_modes(batches=60, size=32)
    # Batch means are 5 plus noise, so after n batches the running mean is about 5 (1 - 0.9^n).
    expected = 5 * (1 - 0.9 ** np.arange(61))
    assert np.abs(np.array(result.running_mean_in_train) - expected).max() < 0.5
    assert set(result.running_mean_in_eval) == {result.running_mean_in_train[-1]}
    assert result.output_spread_in_train > 0.5
    assert result.output_spread_in_eval == 0
    assert "more than 1 value per channel" in result.single_example_error


def test_a_forgotten_eval_gives_random_answers_that_depend_on_the_batch_and_changes_the_model() -> None:
    result = refresher.forgotten_eval(repeats=6)
    assert len(set(result.accuracy_in_eval)) == 1
    assert result.accuracy_in_eval[0] > 0.9
    assert result.changed_in_eval == 0
    assert len(set(result.accuracy_shuffled)) > 1
    assert max(result.accuracy_shuffled) < result.accuracy_in_eval[0]
    assert result.changed_in_train > 0.1
    assert max(result.accuracy_sorted) < min(result.accuracy_shuffled) - 0.2
    assert 0 < result.changed_after < 0.2
    assert result.probability_change_after > 0.01
    assert "more than 1 value per channel" in result.single_image_error


def test_batches_never_leave_a_single_example_alone() -> None:
    assert [len(batch) for batch in refresher._batches(torch.arange(129))] == [64, 65]
    assert [len(batch) for batch in refresher._batches(torch.arange(130))] == [64, 64, 2]
    assert [len(batch) for batch in refresher._batches(torch.arange(1))] == [1]


@pytest.mark.slow
def test_demonstrations_repeat_exactly_and_leave_every_global_random_state_alone() -> None:
    # In a process of its own: threads of other tests' servers draw from Python's generator at any time.
    code = f"from {__name__} import check_demonstrations; check_demonstrations()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def check_demonstrations() -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    results = []
    for _ in range(2):
        # Taken anew for the second run: libraries imported during the first (rich) draw from Python's generator.
        python_state = random.getstate()
        torch.rand(5)  # another state of the caller's generator must not matter
        before = torch.get_rng_state()
        results.append(
            [
                refresher.missing_backward(steps=2),
                refresher.missing_zero_grad(repeats=2, epochs=1),
                refresher.dropout_modes(passes=10),
                refresher.batchnorm_modes(batches=3),
                refresher.forgotten_eval(repeats=2, epochs=1),
            ]
        )
        assert torch.equal(torch.get_rng_state(), before)
    assert results[0] == results[1]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy_state, strict=True))
    assert random.getstate() == python_state
    torch.set_rng_state(torch_state)


def test_impossible_counts_are_refused_with_name_and_value() -> None:
    with pytest.raises(SpecError, match=r"`steps` must be at least 1, got 0"):
        refresher.missing_backward(steps=0)
    with pytest.raises(SpecError, match=r"`repeats` must be at least 2, got 1"):
        refresher.forgotten_eval(repeats=1)
    with pytest.raises(SpecError, match=r"`size` must be at least 2, got 1"):
        refresher.batchnorm_modes(size=1)
    with pytest.raises(SpecError, match=r"`p` must be at least 0 and below 1, got 1"):
        refresher.dropout_modes(p=1)
