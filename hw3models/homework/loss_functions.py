"""Homework 1A to 1C: cross-entropy, why not MSE, and why no Softmax layer before `CrossEntropyLoss`.

Everything is computed here, twice where it can be: by autograd and in closed form, and as a training.

MSE is the mean over the K outputs, (1/K) sum_k (p_k - y_k)^2, as in `nn.MSELoss` and in this project's engine.
The sum over the outputs has gradients K times as large; no conclusion here depends on that factor.

    S = seeds, E = epochs, n = examples, K = classes, p = probabilities, z = logits, y = one-hot label
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from hw3models.data.dataset import Dataset
from hw3models.data.known.digits import read_digits
from hw3models.data.scaling import learn_scaling
from hw3models.data.splits import split
from hw3models.engine.batches import DeviceData
from hw3models.engine.group import Group
from hw3models.errors import DataError, SpecError
from hw3models.families.family import Architecture
from hw3models.families.mlp import build_image_mlp
from hw3models.nn.rng import ReplicateRng, derived_seed, global_generator
from hw3models.objectives import CLASSIFICATION
from hw3models.specs import DataSpec, Recipe, Report

SHEET_PROBABILITIES = (0.1, 0.1, 0.0, 0.4, 0.05, 0.05, 0.05, 0.05, 0.1, 0.1)
"""The softmax output of homework 1A."""
SHEET_DIGIT = 3
SHEET_ANSWER = 0.397
"""What the student's sheet says."""
SEEDS = tuple(range(8))
EPOCHS = 10
HEAD_START = 8.0
"""Added to the bias of digit 0 for a confident wrong start: it then has a probability of about 0.997."""


# --------------------------------------------------------------------------------------------------- 1A


class SheetCrossEntropy(Report):
    """-log p of the true digit, by every logarithm that the sheet could have meant."""

    probabilities: tuple[float, ...]
    digit: int
    nats: float
    """Natural logarithm: what PyTorch computes."""
    bits: float
    log10: float
    torch_nll: float
    """`F.nll_loss` of the log probabilities, float64."""
    torch_cross_entropy: float
    """`F.cross_entropy` of the log probabilities, which are logits of these probabilities."""
    sheet: float
    sheet_logarithm: str
    """The logarithm that comes nearest to the sheet's value."""


def cross_entropy_of_sheet() -> SheetCrossEntropy:
    """Homework 1A: the cross-entropy of the sheet's softmax output for the digit 3.

    With a one-hot label only the true class counts: H(y, p) = -sum_k y_k log p_k = -log p_3. The zero for
    digit 2 therefore does no harm.
    """
    p = SHEET_PROBABILITIES[SHEET_DIGIT]
    values = {"natural": -math.log(p), "base 2": -math.log2(p), "base 10": -math.log10(p)}
    log_p = torch.tensor([SHEET_PROBABILITIES], dtype=torch.float64).log()
    target = torch.tensor([SHEET_DIGIT])
    return SheetCrossEntropy(
        probabilities=SHEET_PROBABILITIES,
        digit=SHEET_DIGIT,
        nats=values["natural"],
        bits=values["base 2"],
        log10=values["base 10"],
        torch_nll=F.nll_loss(log_p, target).item(),
        torch_cross_entropy=F.cross_entropy(log_p, target).item(),
        sheet=SHEET_ANSWER,
        sheet_logarithm=min(values, key=lambda name: abs(values[name] - SHEET_ANSWER)),
    )


# ------------------------------------------------------------------------------------------ 1B, gradients


class LossGradients(Report):
    """Gradients of MSE and cross-entropy (nats) at one softmax output; every tuple has K numbers."""

    true_class: int
    probabilities: tuple[float, ...]
    mse_by_probability: tuple[float, ...]
    cross_entropy_by_probability: tuple[float, ...]
    mse_by_logit: tuple[float, ...]
    cross_entropy_by_logit: tuple[float, ...]
    disagreement: float
    """Largest difference between autograd and the closed form, relative where a gradient is larger than 1."""


def spread_probabilities(
    p_true: float, true_class: int, *, num_classes: int = 10, rival: int | None = None
) -> tuple[float, ...]:
    """K probabilities with `p_true` on the true class.

    The rest is spread evenly over the other classes; with a `rival`, 99% of the rest is on that class.

    Raises:
        SpecError: `p_true` is not inside (0, 1), or a class is not one of the K; all faults together.
    """
    faults = []
    if not 0 < p_true < 1:
        faults.append(f"`p_true` must lie inside (0, 1), got {p_true}.")
    if num_classes < 2 + (rival is not None):
        faults.append(f"`num_classes` must be at least {2 + (rival is not None)}, got {num_classes}.")
    faults += [
        f"class {k} is not one of 0..{num_classes - 1}." for k in (true_class, rival) if not _is_class(k, num_classes)
    ]
    if rival == true_class:
        faults.append(f"`rival` ({rival}) must be another class than `true_class`.")
    if faults:
        raise SpecError(" ".join(faults))
    rest = 1 - p_true
    if rival is None:
        p = np.full(num_classes, rest / (num_classes - 1))
    else:
        p = np.full(num_classes, 0.01 * rest / (num_classes - 2))
        p[rival] = 0.99 * rest
    p[true_class] = p_true
    return tuple(p.tolist())


def _is_class(k: int | None, num_classes: int) -> bool:
    return k is None or 0 <= k < num_classes


def loss_gradients(probabilities: Sequence[float], true_class: int) -> LossGradients:
    """Homework 1B: dMSE and dCE by each probability and by each logit, by autograd, checked in closed form.

    By probability, all p_k count as free variables, as the sheet asks: dMSE/dp_k = 2 (p_k - y_k) / K and
    dCE/dp_k = -y_k / p_k. By logit, through the softmax (Bishop 2006, eq. 4.106 and 4.109): dCE/dz_k = p_k - y_k
    and dMSE/dz_k = (2/K) p_k [(p_k - y_k) - sum_j p_j (p_j - y_j)].

    Raises:
        SpecError: not probabilities, or the true class has probability 0 (its cross-entropy is infinite).
    """
    _check_probabilities(probabilities, true_class)
    by_probability = _gradients_by_autograd(_losses_of_probabilities, probabilities, true_class)
    log_p = torch.tensor(probabilities, dtype=torch.float64).log()
    by_logit = _gradients_by_autograd(_losses_of_logits, log_p.tolist(), true_class)
    measured = np.array([*by_probability, *by_logit])
    expected = _gradients_in_closed_form(np.asarray(probabilities, float), true_class)
    return LossGradients(
        true_class=true_class,
        probabilities=tuple(probabilities),
        mse_by_probability=by_probability[0],
        cross_entropy_by_probability=by_probability[1],
        mse_by_logit=by_logit[0],
        cross_entropy_by_logit=by_logit[1],
        disagreement=float((np.abs(measured - expected) / np.maximum(1, np.abs(expected))).max()),
    )


def _check_probabilities(probabilities: Sequence[float], true_class: int) -> None:
    p = np.asarray(probabilities, dtype=float)
    faults = []
    if p.ndim != 1 or len(p) < 2:
        faults.append(f"`probabilities` must be a list of at least 2 numbers, got shape {p.shape}.")
    elif not np.isfinite(p).all() or p.min() < 0 or abs(p.sum() - 1) > 1e-6:
        faults.append(f"`probabilities` must be at least 0 and sum to 1, got {p.tolist()} with sum {p.sum():g}.")
    if p.ndim == 1 and not 0 <= true_class < len(p):
        faults.append(f"`true_class` must be one of 0..{len(p) - 1}, got {true_class}.")
    elif p.ndim == 1 and p[true_class] == 0:
        faults.append(f"the true class {true_class} has probability 0: its cross-entropy is infinite.")
    if faults:
        raise SpecError(" ".join(faults))


_TwoLosses = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def _losses_of_probabilities(p: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    # Only the true class's logarithm: for p_k = 0 elsewhere, autograd would make NaN of 0 * (1 / 0).
    return F.mse_loss(p, y), -p[y.argmax()].log()


def _losses_of_logits(z: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return F.mse_loss(z.softmax(0), y), F.cross_entropy(z.unsqueeze(0), y.argmax().unsqueeze(0))


def _gradients_by_autograd(
    losses: _TwoLosses, values: Sequence[float], true_class: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    y = F.one_hot(torch.tensor(true_class), len(values)).to(torch.float64)
    mse, cross_entropy = losses(x, y)
    (of_mse,) = torch.autograd.grad(mse, x)
    (of_cross_entropy,) = torch.autograd.grad(cross_entropy, x)
    return tuple(of_mse.tolist()), tuple(of_cross_entropy.tolist())


def _gradients_in_closed_form(p: NDArray[np.float64], true_class: int) -> NDArray[np.float64]:
    """(4, K): MSE and cross-entropy by probability, then by logit."""
    num_classes = len(p)
    error = p - np.eye(num_classes)[true_class]
    by_probability = np.zeros(num_classes)
    by_probability[true_class] = -1 / p[true_class]
    return np.array([2 * error / num_classes, by_probability, 2 / num_classes * p * (error - (p * error).sum()), error])


class GradientCurves(Report):
    """Gradients at the true class over its probability; the rest is spread evenly over the other classes."""

    num_classes: int
    p_true: tuple[float, ...]
    mse_by_probability: tuple[float, ...]
    cross_entropy_by_probability: tuple[float, ...]
    mse_by_logit: tuple[float, ...]
    cross_entropy_by_logit: tuple[float, ...]


def gradient_curves(*, num_points: int = 99, num_classes: int = 10) -> GradientCurves:
    """Homework 1B over p in (0, 1): p = 1/(n+1), ..., n/(n+1).

    With the rest spread evenly, dMSE/dz = -2 p (1 - p)^2 / (K - 1): it vanishes for a right answer and for a
    wrong one, where dCE/dz = p - 1 is largest.

    Raises:
        SpecError: fewer than one point, or fewer than two classes.
    """
    if num_points < 1 or num_classes < 2:
        raise SpecError(f"`num_points` ({num_points}) must be at least 1 and `num_classes` ({num_classes}) at least 2.")
    grid = [i / (num_points + 1) for i in range(1, num_points + 1)]
    points = [loss_gradients(spread_probabilities(p, 0, num_classes=num_classes), 0) for p in grid]
    return GradientCurves(
        num_classes=num_classes,
        p_true=tuple(grid),
        mse_by_probability=tuple(point.mse_by_probability[0] for point in points),
        cross_entropy_by_probability=tuple(point.cross_entropy_by_probability[0] for point in points),
        mse_by_logit=tuple(point.mse_by_logit[0] for point in points),
        cross_entropy_by_logit=tuple(point.cross_entropy_by_logit[0] for point in points),
    )


# ------------------------------------------------------------------------------------------ trainings


class LossTraining(Report):
    """The network 784-64-10 trained in one way with S seeds. Cross-entropies are of the probabilities, in nats."""

    name: str
    train_loss: tuple[tuple[float, ...], ...]
    """(S, E), in the unit of the loss it was trained with, mean over the epoch."""
    validation_accuracy: tuple[tuple[float, ...], ...]
    """(S, E)"""
    validation_cross_entropy: tuple[tuple[float, ...], ...]
    """(S, E)"""
    test_accuracy: tuple[float, ...]
    """(S,), after the last epoch."""
    test_cross_entropy: tuple[float, ...]
    """(S,)"""


class SeedDifference(Report):
    """Difference of two trainings that share their seeds, with a 95% interval (paired t over the seeds).

    The interval is about the luck of the seed on this split. It says nothing about other test examples.
    """

    mean: float
    low: float
    high: float


class TrainedWithBothLosses(Report):
    """The same network, initialisations, batches and optimiser; only the loss differs."""

    seeds: tuple[int, ...]
    epochs: int
    optimizer: str
    head_start: float
    """Added to the bias of class 0 before training."""
    num_train: int
    num_validation: int
    num_test: int
    cross_entropy: LossTraining
    mse: LossTraining
    accuracy_difference: SeedDifference
    """Test accuracy, cross-entropy minus MSE."""
    first_epoch_difference: SeedDifference
    """The same for validation accuracy after the first epoch."""


def train_with_both_losses(
    features: NDArray[Any] | None = None,
    labels: NDArray[Any] | None = None,
    *,
    seeds: Sequence[int] = SEEDS,
    epochs: int = EPOCHS,
    head_start: float = 0.0,
) -> TrainedWithBothLosses:
    """Homework 1B, measured: 784-64-10 trained with cross-entropy and with MSE of the softmax probabilities.

    Adam at its usual 0.001, batches of 64: Adam's steps do not change when a loss is multiplied by a constant
    (Kingma and Ba 2015, section 2.1), so the factor 1/K of the MSE cannot decide the outcome.

    Args:
        features: uint8 (N, 28, 28); none: scikit-learn's digits, brought to 28 x 28.
        labels: int (N,) in 0..9.
        seeds: one replicate each, the same for both losses; at least two for an interval.
        epochs: passes over the training split.
        head_start: added to the bias of digit 0, so that the network starts out sure of a wrong answer.

    Raises:
        DataError: the images or labels are not what they must be; all faults together.
        SpecError: no epochs, or fewer than two different seeds.
    """
    _check_training(seeds, epochs)
    dataset = _dataset(features, labels)
    cross_entropy = _train("cross-entropy", dataset, seeds, Recipe(**_RECIPE, epochs=epochs), head_start=head_start)
    mse = _train("MSE", dataset, seeds, Recipe(**_RECIPE, epochs=epochs, loss="mse"), head_start=head_start)
    first = [[curve[0] for curve in run.validation_accuracy] for run in (cross_entropy, mse)]
    return TrainedWithBothLosses(
        seeds=tuple(seeds),
        epochs=epochs,
        optimizer=_OPTIMIZER,
        head_start=head_start,
        num_train=len(dataset.train),
        num_validation=len(dataset.validation),
        num_test=len(dataset.test),
        cross_entropy=cross_entropy,
        mse=mse,
        accuracy_difference=paired_difference(cross_entropy.test_accuracy, mse.test_accuracy),
        first_epoch_difference=paired_difference(*first),
    )


def paired_difference(a: Sequence[float], b: Sequence[float]) -> SeedDifference:
    """Mean of a - b over S >= 2 shared seeds with its 95% interval (paired t, S - 1 degrees of freedom)."""
    from scipy import stats  # not above: see `intervals.py`

    d = np.subtract(a, b)
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))
    return SeedDifference(mean=float(d.mean()), low=float(d.mean() - half), high=float(d.mean() + half))


_RECIPE: dict[str, Any] = {"optimizer": "adam", "learning_rate": 1e-3, "schedule": "constant", "batch_size": 64}
_OPTIMIZER = "Adam, learning rate 0.001, batches of 64"


def _check_training(seeds: Sequence[int], epochs: int) -> None:
    faults = []
    if epochs < 1:
        faults.append(f"`epochs` must be at least 1, got {epochs}.")
    if len(set(seeds)) != len(seeds) or len(seeds) < 2 or min(seeds) < 0:
        faults.append(f"`seeds` must be at least two different numbers from 0 up, got {list(seeds)}.")
    if faults:
        raise SpecError(" ".join(faults))


@lru_cache(maxsize=1)
def digits_dataset() -> Dataset:
    """scikit-learn's digits as 28 x 28 images, split and scaled as everywhere in this project."""
    raw = read_digits()
    return _dataset(raw.features, raw.labels)


def _dataset(features: NDArray[Any] | None, labels: NDArray[Any] | None) -> Dataset:
    if features is None and labels is None:
        return digits_dataset()
    if features is None or labels is None:
        raise DataError("`features` and `labels` belong together: give both, or neither for scikit-learn's digits.")
    images, codes = np.asarray(features), np.asarray(labels)
    _check_images(images, codes)
    splits = split(codes.astype(np.int64), None, DataSpec(source="digits"))
    mean, std = learn_scaling(images, None, splits.train)
    return Dataset(
        name="digits",
        kind="images",
        source="digits",
        features=images,
        labels=codes.astype(np.int64),
        class_names=tuple("0123456789"),
        train=splits.train,
        validation=splits.validation,
        test=splits.test,
        mean=mean,
        std=std,
    )


def _check_images(images: NDArray[Any], labels: NDArray[Any]) -> None:
    faults = []
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        faults.append(f"`features` must be uint8 (N, 28, 28), got {images.dtype} {images.shape}.")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        faults.append(f"`labels` must be integers ({len(images)},), one per image, got {labels.dtype} {labels.shape}.")
    elif len(labels) and not 0 <= labels.min() <= labels.max() <= 9:
        faults.append(f"`labels` must lie in 0..9, got {labels.min()} to {labels.max()}.")
    elif few := [f"{k} ({n})" for k, n in enumerate(np.bincount(labels, minlength=10).tolist()) if n < 4]:
        faults.append(f"every digit needs at least 4 images for the three splits; too few of {', '.join(few)}.")
    if faults:
        raise DataError(" ".join(faults))


def _train(
    name: str,
    dataset: Dataset,
    seeds: Sequence[int],
    recipe: Recipe,
    *,
    head_start: float = 0.0,
    softmax_layer: bool = False,
) -> LossTraining:
    """One replicate per seed. Equal seeds give equal initialisations and equal batches, whatever the loss."""
    models = [_build(seed, head_start, softmax_layer=softmax_layer) for seed in seeds]
    cpu = torch.device("cpu")  # seconds of work, and the same numbers on every machine
    group = Group(seeds, models, recipe, CLASSIFICATION, ReplicateRng(seeds, cpu))
    data, train = DeviceData(dataset, cpu), torch.as_tensor(dataset.train)
    num_steps = recipe.epochs * -(-len(train) // recipe.batch_size)
    losses, accuracies, cross_entropies = [], [], []
    for epoch in range(1, recipe.epochs + 1):
        train_loss, _ = group.train_epoch(data, train, recipe.batch_size, num_steps, epoch)
        accuracy, cross_entropy = _score(group, data, dataset.validation, softmax_layer=softmax_layer)
        losses.append(train_loss)
        accuracies.append(accuracy)
        cross_entropies.append(cross_entropy)
    test_accuracy, test_cross_entropy = _score(group, data, dataset.test, softmax_layer=softmax_layer)
    return LossTraining(
        name=name,
        train_loss=tuple(zip(*losses, strict=True)),
        validation_accuracy=tuple(zip(*accuracies, strict=True)),
        validation_cross_entropy=tuple(zip(*cross_entropies, strict=True)),
        test_accuracy=test_accuracy,
        test_cross_entropy=test_cross_entropy,
    )


def _build(seed: int, head_start: float, *, softmax_layer: bool) -> nn.Module:
    """784-64-10, with or without a Softmax layer; torch's global generator is left as it was."""
    with global_generator(derived_seed(seed, "initialisation")):
        model = build_image_mlp(Architecture(shape=(28, 28), num_classes=10))
    with torch.no_grad():
        model.get_parameter("3.bias")[0] += head_start
    return nn.Sequential(model, nn.Softmax(dim=-1)) if softmax_layer else model


def _score(
    group: Group, data: DeviceData, index: NDArray[np.int64], *, softmax_layer: bool
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Accuracy and cross-entropy (nats) of the probabilities, each (S,), in eval mode."""
    group.program.eval()
    with torch.inference_mode():
        batches = list(data.in_order(index, len(group.seeds)))
        outputs = torch.cat([group.replicates(*batch.arguments) for batch in batches], dim=1)
        labels = torch.cat([batch.labels for batch in batches], dim=1)
        log_p = outputs.clamp_min(1e-12).log() if softmax_layer else outputs.log_softmax(-1)
        cross_entropy = -log_p.gather(-1, labels.unsqueeze(-1)).squeeze(-1).mean(1)
        accuracy = (outputs.argmax(-1) == labels).double().mean(1)
    return tuple(accuracy.tolist()), tuple(cross_entropy.tolist())


# --------------------------------------------------------------------------------------------------- 1C


class SoftmaxTwice(Report):
    """What a Softmax layer before `CrossEntropyLoss` does. K = 10."""

    largest_difference: float
    """Between `F.cross_entropy(z)` and `F.nll_loss(F.log_softmax(z))` over 1,000 random logits, float64."""
    floor: float
    """Nats. The loss cannot go below it when probabilities are given as logits; without the layer it can reach 0."""
    gradient_once: float
    """dL/dz of the true class for an untrained network, p = 1/K for all."""
    gradient_twice: float
    """The same with the Softmax layer."""
    seeds: tuple[int, ...]
    epochs: int
    optimizer: str
    num_test: int
    logits: LossTraining
    """Without the layer: the network's outputs are logits."""
    softmax_layer: LossTraining
    accuracy_difference: SeedDifference
    """Test accuracy, logits minus softmax layer."""


def double_softmax_floor(num_classes: int) -> float:
    """Smallest cross-entropy (nats) when `CrossEntropyLoss` is given probabilities instead of logits.

    At best p is one-hot, and softmax(p) gives the true class e / (e + K - 1): -log of that is the floor.
    """
    if num_classes < 2:
        raise SpecError(f"`num_classes` must be at least 2, got {num_classes}.")
    return math.log(1 + (num_classes - 1) / math.e)


def softmax_twice(
    features: NDArray[Any] | None = None,
    labels: NDArray[Any] | None = None,
    *,
    seeds: Sequence[int] = SEEDS,
    epochs: int = EPOCHS,
) -> SoftmaxTwice:
    """Homework 1C: the same network, initialisations and batches, with and without a Softmax layer.

    Arguments and errors as in `train_with_both_losses`.
    """
    _check_training(seeds, epochs)
    dataset = _dataset(features, labels)
    recipe = Recipe(**_RECIPE, epochs=epochs)
    logits = _train("logits", dataset, seeds, recipe)
    layer = _train("Softmax layer", dataset, seeds, recipe, softmax_layer=True)
    once, twice = _gradients_of_untrained(10)
    return SoftmaxTwice(
        largest_difference=_difference_of_log_softmax_and_nll(),
        floor=double_softmax_floor(10),
        gradient_once=once,
        gradient_twice=twice,
        seeds=tuple(seeds),
        epochs=epochs,
        optimizer=_OPTIMIZER,
        num_test=len(dataset.test),
        logits=logits,
        softmax_layer=layer,
        accuracy_difference=paired_difference(logits.test_accuracy, layer.test_accuracy),
    )


def _difference_of_log_softmax_and_nll() -> float:
    generator = torch.Generator().manual_seed(0)
    logits_nK = 10 * torch.randn(1000, 10, dtype=torch.float64, generator=generator)
    labels_n = torch.randint(0, 10, (1000,), generator=generator)
    by_hand = F.nll_loss(F.log_softmax(logits_nK, dim=1), labels_n, reduction="none")
    return (F.cross_entropy(logits_nK, labels_n, reduction="none") - by_hand).abs().max().item()


def _gradients_of_untrained(num_classes: int) -> tuple[float, float]:
    """dL/dz of the true class at equal logits: with one softmax, and with two."""
    z = torch.zeros(1, num_classes, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0])
    (once,) = torch.autograd.grad(F.cross_entropy(z, target), z)
    (twice,) = torch.autograd.grad(F.cross_entropy(z.softmax(1), target), z)
    return once[0, 0].item(), twice[0, 0].item()
