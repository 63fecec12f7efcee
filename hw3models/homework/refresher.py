"""Homework 3, the PyTorch refresher: each answer is a behaviour that is measured here, in seconds.

Every function gives the same numbers on each call. What PyTorch draws from its global generator (initial
weights, `nn.Dropout`) is drawn from a fork of it, so the caller's random state stays as it was.

    n = examples, D = inputs, K = classes
"""

import difflib
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from hw3models.data.dataset import Dataset
from hw3models.errors import SpecError
from hw3models.homework.loss_functions import digits_dataset
from hw3models.nn.rng import global_generator
from hw3models.specs import Report

ADDRESSES = {
    "MNIST": "torchvision.datasets.MNIST",
    "Adam": "torch.optim.Adam",
    "DataLoader": "torch.utils.data.DataLoader",
    "CrossEntropyLoss": "torch.nn.CrossEntropyLoss",
    "MSELoss": "torch.nn.MSELoss",
    "ToTensor": "torchvision.transforms.ToTensor",
}
"""Where the homework's parts live. `where_things_live` imports every one of them."""
BATCH = 64


# ---------------------------------------------------------------------------------------------- where


class Location(Report):
    """A name of the homework and the address it was really imported from."""

    name: str
    address: str
    package: str
    version: str


def where_things_live() -> tuple[Location, ...]:
    """Homework 3: where MNIST, Adam, DataLoader and the rest live, each address imported to make sure."""
    return tuple(_locate(name, address) for name, address in ADDRESSES.items())


def _locate(name: str, address: str) -> Location:
    resolve(address)
    package = address.split(".", 1)[0]
    version = str(importlib.import_module(package).__version__)
    return Location(name=name, address=address, package=package, version=version)


def resolve(address: str) -> Any:
    """The object at a dotted address such as `torch.optim.Adam`.

    Raises:
        SpecError: no such module, or nothing of that name in it; the nearest name is suggested.
    """
    module_name, _, name = address.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:
        raise SpecError(f"`{address}`: there is no module `{module_name}` ({error}). Check the address.") from error
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, dir(module), n=1)
        advice = f" Did you mean `{module_name}.{near[0]}`?" if near else " Check the address."
        raise SpecError(f"`{address}`: `{module_name}` has no `{name}`.{advice}")
    return getattr(module, name)


# ------------------------------------------------------------------------- missing backward, zero_grad


class MissingBackward(Report):
    """The same Adam loop on one fixed batch, with and without `loss.backward()`."""

    loss_with: tuple[float, ...]
    """Nats, before each step and after the last."""
    loss_without: tuple[float, ...]
    gradients_are_none: bool
    """Without `backward()`, `.grad` of every parameter is None after the last step."""
    largest_change: float
    """Largest change of a parameter without `backward()`."""
    largest_change_with: float


def missing_backward(*, steps: int = 20) -> MissingBackward:
    """Homework 3: without `backward()` there are no gradients, and `optimizer.step()` changes nothing, silently."""
    _check_count("steps", steps)
    with_it, without = (_adam_on_one_batch(steps, backward=backward) for backward in (True, False))
    return MissingBackward(
        loss_with=with_it.losses,
        loss_without=without.losses,
        gradients_are_none=without.gradients_are_none,
        largest_change=without.largest_change,
        largest_change_with=with_it.largest_change,
    )


@dataclass(frozen=True)
class _Loop:
    losses: tuple[float, ...]
    gradients_are_none: bool
    largest_change: float


def _adam_on_one_batch(steps: int, *, backward: bool) -> _Loop:
    digits = _digits()
    x, y = digits.train_x[:BATCH], digits.train_y[:BATCH]
    model = _classifier()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if backward:
            loss.backward()
        optimizer.step()
        losses.append(loss.item())
    losses.append(F.cross_entropy(model(x), y).item())
    changes = [(now - then).abs().max().item() for now, then in zip(model.parameters(), before, strict=True)]
    nones = all(parameter.grad is None for parameter in model.parameters())
    return _Loop(tuple(losses), nones, max(changes))


class MissingZeroGrad(Report):
    """Gradients that are never cleared add up."""

    norm_ratios: tuple[float, ...]
    """Norm of `.grad` after the k-th `backward()` on one fixed batch and fixed weights, over the first: 1, 2, ..."""
    learning_rate: float
    loss_with: tuple[float, ...]
    """Nats, mean training loss of each epoch, with `zero_grad()`, plain SGD."""
    loss_without: tuple[float, ...]
    accuracy_with: float
    """Accuracy on the test split, after the last epoch."""
    accuracy_without: float


def missing_zero_grad(*, repeats: int = 5, epochs: int = 10, learning_rate: float = 0.05) -> MissingZeroGrad:
    """Homework 3: `backward()` adds to `.grad`, so without `zero_grad()` step k moves by the sum of k gradients.

    That is SGD with momentum 1, which never forgets a gradient (Polyak 1964 needs a momentum below 1).
    """
    _check_count("repeats", repeats)
    _check_count("epochs", epochs)
    loss_with, accuracy_with = _train_with_sgd(epochs, learning_rate, zero_grad=True)
    loss_without, accuracy_without = _train_with_sgd(epochs, learning_rate, zero_grad=False)
    return MissingZeroGrad(
        norm_ratios=_norms_of_repeated_backward(repeats),
        learning_rate=learning_rate,
        loss_with=loss_with,
        loss_without=loss_without,
        accuracy_with=accuracy_with,
        accuracy_without=accuracy_without,
    )


def _norms_of_repeated_backward(repeats: int) -> tuple[float, ...]:
    digits, model = _digits(), _classifier()
    x, y = digits.train_x[:BATCH], digits.train_y[:BATCH]
    norms = []
    for _ in range(repeats):
        F.cross_entropy(model(x), y).backward()
        grads = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
        norms.append(torch.cat(grads).norm().item())
    return tuple(norm / norms[0] for norm in norms)


def _train_with_sgd(epochs: int, learning_rate: float, *, zero_grad: bool) -> tuple[tuple[float, ...], float]:
    digits, model = _digits(), _classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    curve = []
    for index_batches in _epochs(len(digits.train_y), epochs):
        total = 0.0
        for index in index_batches:
            if zero_grad:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(digits.train_x[index]), digits.train_y[index])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        curve.append(total / len(digits.train_y))
    (accuracy,) = _accuracies([model(digits.test_x).argmax(1)], digits.test_y)
    return tuple(curve), accuracy


# ---------------------------------------------------------------------------------- Dropout, BatchNorm


class DropoutModes(Report):
    """`nn.Dropout(p)` on a vector of ones, many passes."""

    p: float
    passes: int
    values_in_train: tuple[float, ...]
    """The different outputs that were seen."""
    share_of_zeros: float
    mean_in_train: float
    variance_in_train: float
    """Variance of one unit over the passes, mean over the units; in theory p / (1 - p)."""
    variance_in_eval: float
    eval_is_identity: bool


def dropout_modes(*, p: float = 0.5, units: int = 256, passes: int = 400) -> DropoutModes:
    """Homework 3: in train mode Dropout zeroes units at random and scales the rest by 1 / (1 - p); in eval mode
    it does nothing (Srivastava et al. 2014, in its inverted form).

    Raises:
        SpecError: `p` is not in [0, 1), or there are no units or fewer than two passes.
    """
    if not 0 <= p < 1:
        raise SpecError(f"`p` must be at least 0 and below 1, got {p}.")
    _check_count("units", units)
    _check_count("passes", passes, at_least=2)
    ones, layer = torch.ones(units, dtype=torch.float64), nn.Dropout(p)
    with global_generator(1):
        in_train = torch.stack([layer.train()(ones) for _ in range(passes)])
        in_eval = torch.stack([layer.eval()(ones) for _ in range(passes)])
    return DropoutModes(
        p=p,
        passes=passes,
        values_in_train=tuple(in_train.unique().tolist()),
        share_of_zeros=(in_train == 0).double().mean().item(),
        mean_in_train=in_train.mean().item(),
        variance_in_train=in_train.var(0).mean().item(),
        variance_in_eval=in_eval.var(0).mean().item(),
        eval_is_identity=bool((in_eval == ones).all()),
    )


class BatchNormModes(Report):
    """`nn.BatchNorm1d(1)`, momentum 0.1, on numbers with mean 5 and standard deviation 2."""

    true_mean: float
    true_std: float
    running_mean_in_train: tuple[float, ...]
    """The running mean before the first batch and after each one, in train mode."""
    running_mean_in_eval: tuple[float, ...]
    """The same batches again in eval mode."""
    output_spread_in_train: float
    """Largest minus smallest output for one and the same example, seen in different batches."""
    output_spread_in_eval: float
    single_example_error: str
    """What train mode says to a batch of one example."""


def batchnorm_modes(*, batches: int = 50, size: int = 32) -> BatchNormModes:
    """Homework 3: in train mode BatchNorm uses the batch's own mean and variance and moves its running statistics;
    in eval mode it uses the running statistics and moves nothing (Ioffe and Szegedy 2015).

    Raises:
        SpecError: fewer than two batches, or batches of fewer than two examples.
    """
    _check_count("batches", batches, at_least=2)
    _check_count("size", size, at_least=2)
    mean, std = 5.0, 2.0
    draws = torch.randn(batches, size, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    data = mean + std * draws
    data[:, 0] = mean + std  # the same example stands first in every batch
    layer = nn.BatchNorm1d(1, dtype=torch.float64)
    train_outputs, running_in_train = _feed(layer.train(), data)
    eval_outputs, running_in_eval = _feed(layer.eval(), data)
    return BatchNormModes(
        true_mean=mean,
        true_std=std,
        running_mean_in_train=running_in_train,
        running_mean_in_eval=running_in_eval,
        output_spread_in_train=max(train_outputs) - min(train_outputs),
        output_spread_in_eval=max(eval_outputs) - min(eval_outputs),
        single_example_error=_error_of_single_example(layer.train(), data[0, :1]),
    )


def _feed(layer: nn.BatchNorm1d, data: torch.Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Output of each batch's first example, and the running mean before and after every batch."""
    assert layer.running_mean is not None
    running, outputs = [layer.running_mean.item()], []
    with torch.no_grad():
        for batch in data:
            outputs.append(layer(batch)[0, 0].item())
            running.append(layer.running_mean.item())
    return tuple(outputs), tuple(running)


def _error_of_single_example(module: nn.Module, example: torch.Tensor) -> str:
    """What a module in train mode says to one example; empty if it does not mind."""
    try:
        module(example)
    except ValueError as error:
        return str(error)
    return ""


# ------------------------------------------------------------------------------------ forgetting eval


class ForgottenEval(Report):
    """A trained network (Linear, BatchNorm, ReLU, Dropout, Linear) asked about the test split, with and without
    `eval()`. Accuracies are shares of the test images."""

    num_test: int
    repeats: int
    accuracy_in_eval: tuple[float, ...]
    """One per repeat."""
    accuracy_shuffled: tuple[float, ...]
    """Train mode, one per repeat, batches of 64 in random order."""
    accuracy_sorted: tuple[float, ...]
    """Train mode, one per repeat, batches of 64 sorted by class: two or three digits in a batch."""
    changed_in_eval: float
    """Share of the test images whose predicted digit is not the same in all repeats, in eval mode."""
    changed_in_train: float
    """The same in train mode, shuffled batches."""
    changed_after: float
    """Share of predicted digits, in eval mode before and after, that one pass over the sorted test split in train
    mode changed: it moved BatchNorm's running statistics."""
    probability_change_after: float
    """The largest change of a predicted probability by that one pass."""
    single_image_error: str
    """What train mode says to a single image."""


def forgotten_eval(*, repeats: int = 20, epochs: int = 8) -> ForgottenEval:
    """Homework 3: inference in train mode gives random answers, which depend on what else is in the batch, and
    changes the model."""
    _check_count("repeats", repeats, at_least=2)
    _check_count("epochs", epochs)
    digits = _digits()
    model = _train_regularised(digits, epochs)
    in_order, by_class = torch.arange(len(digits.test_y)), digits.test_y.argsort(stable=True)
    with global_generator(3), torch.no_grad():
        # The order of these lines matters: every pass in train mode moves BatchNorm's running statistics.
        in_eval = [_predict(model.eval(), digits.test_x, in_order) for _ in range(repeats)]
        before = model(digits.test_x).softmax(1)
        in_sorted = [_predict(model.train(), digits.test_x, by_class)]
        after = model.eval()(digits.test_x).softmax(1)
        in_sorted += [_predict(model.train(), digits.test_x, by_class) for _ in range(repeats - 1)]
        shuffles = [torch.cat(batches) for batches in _epochs(len(in_order), repeats, seed=4)]
        in_shuffled = [_predict(model.train(), digits.test_x, rows) for rows in shuffles]
        error = _error_of_single_example(model.train(), digits.test_x[:1])
    return ForgottenEval(
        num_test=len(in_order),
        repeats=repeats,
        accuracy_in_eval=_accuracies(in_eval, digits.test_y),
        accuracy_shuffled=_accuracies(in_shuffled, digits.test_y),
        accuracy_sorted=_accuracies(in_sorted, digits.test_y),
        changed_in_eval=_share_changed(in_eval),
        changed_in_train=_share_changed(in_shuffled),
        changed_after=_share_changed([before.argmax(1), after.argmax(1)]),
        probability_change_after=(after - before).abs().max().item(),
        single_image_error=error,
    )


def _train_regularised(digits: "_Digits", epochs: int) -> nn.Module:
    num_inputs, num_classes = digits.train_x.shape[1], digits.num_classes
    with global_generator(0):
        model = nn.Sequential(
            nn.Linear(num_inputs, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, num_classes)
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        model.train()
        for batches in _epochs(len(digits.train_y), epochs):
            for index in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(digits.train_x[index]), digits.train_y[index]).backward()
                optimizer.step()
    return model


def _predict(model: nn.Module, x: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Predicted classes (n,), in the order of `x`, asked in batches of 64 rows of `order`."""
    predicted = torch.empty(len(x), dtype=torch.int64)
    for rows in _batches(order):
        predicted[rows] = model(x[rows]).argmax(1)
    return predicted


def _accuracies(predictions: Sequence[torch.Tensor], labels: torch.Tensor) -> tuple[float, ...]:
    return tuple((predicted == labels).double().mean().item() for predicted in predictions)


def _share_changed(predictions: Sequence[torch.Tensor]) -> float:
    repeats = torch.stack(list(predictions))
    return (repeats != repeats[0]).any(0).double().mean().item()


# ---------------------------------------------------------------------------------------- shared parts


@dataclass(frozen=True)
class _Digits:
    """scikit-learn's digits as standardised float32 (n, 784) and int64 (n,)."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor
    num_classes: int


def _digits() -> _Digits:
    dataset: Dataset = digits_dataset()

    def rows(index: Any) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = torch.from_numpy(dataset.features[index]).flatten(1) / 255
        x = (pixels - torch.from_numpy(dataset.mean)) / torch.from_numpy(dataset.std)
        return x, torch.from_numpy(dataset.labels[index])

    # A fixed shuffle: the first rows are then a mixed batch.
    order = np.random.default_rng(0).permutation(dataset.train)
    return _Digits(*rows(order), *rows(dataset.test), len(dataset.class_names))


def _classifier() -> nn.Module:
    """The homework's network on flat images, always the same initial weights."""
    with global_generator(0):
        return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def _epochs(n: int, epochs: int, *, seed: int = 0) -> Iterator[list[torch.Tensor]]:
    """Per epoch, the batches of a fresh shuffle of n examples."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        yield _batches(torch.randperm(n, generator=generator))


def _batches(order: torch.Tensor) -> list[torch.Tensor]:
    """`order` (n,) in batches of 64; a last single example joins the batch before it.

    BatchNorm in train mode refuses a batch of one: it has no variance.
    """
    batches = list(order.split(BATCH))
    if len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _check_count(name: str, value: int, *, at_least: int = 1) -> None:
    if value < at_least:
        raise SpecError(f"`{name}` must be at least {at_least}, got {value}.")
