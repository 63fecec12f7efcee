"""The homework's parts 1A to 1C and 3, answered by computation, and a figure for each where one helps.

Parts 2 and 5 are answered by the studies of autoencoders and sequences, part 4 by the notebook.
"""

from collections.abc import Callable, Sequence

import numpy as np

from hw3models.errors import SpecError
from hw3models.homework import loss_functions as losses
from hw3models.homework import refresher
from hw3models.homework.loss_functions import LossGradients, SeedDifference
from hw3models.runtime.devices import one_thread
from hw3models.specs import HomeworkPart

Table = tuple[tuple[str, ...], ...]
Series = dict[str, tuple[float, ...]]


def solve() -> tuple[HomeworkPart, ...]:
    """Parts 1A to 1C and 3, computed now: a few seconds on one core, the same answers on each call."""
    return tuple(map(solve_part, part_names()))


def part_names() -> tuple[str, ...]:
    """Names of the parts that `solve` answers, in their order."""
    return tuple(_PARTS)


def announcement(name: str) -> str:
    """What is said before it is solved, such as `homework 1C: softmax applied twice`."""
    return f"homework {name}: {_PARTS[name][0]}"


def solve_part(name: str) -> HomeworkPart:
    """One part, on one core: sums of another number of threads have other last bits.

    Raises:
        SpecError: there is no such part.
    """
    if name not in _PARTS:
        raise SpecError(f"there is no part `{name}` to solve, only {', '.join(_PARTS)}.")
    with one_thread():
        return _PARTS[name][1](name)


# ------------------------------------------------------------------------------------------ part 1


def _part_1a(name: str) -> HomeworkPart:
    sheet = losses.cross_entropy_of_sheet()
    p = sheet.probabilities[sheet.digit]
    return HomeworkPart(
        part=name,
        question="What is the cross-entropy of the softmax output "
        f"[{', '.join(f'{q:g}' for q in sheet.probabilities)}] when the digit is a {sheet.digit}?",
        answer=f"{sheet.nats:.4f} nats. The label is one-hot, so only the probability of the true digit counts: "
        f"H = -ln p_{sheet.digit} = -ln {p:g} = {sheet.nats:.4f}. PyTorch agrees: `F.cross_entropy` gives "
        f"{sheet.torch_cross_entropy:.4f} and `F.nll_loss` of the log probabilities {sheet.torch_nll:.4f}. "
        f"The sheet says {sheet.sheet:g}: that is the {sheet.sheet_logarithm} logarithm, -log10 {p:g} = "
        f"{sheet.log10:.5f}, cut off after three digits (rounded it is {sheet.log10:.3f}). It measures the same "
        "thing in another unit, but it is not what `CrossEntropyLoss` computes: PyTorch's logarithm is the natural "
        f"one, so {sheet.nats:.4f} is right. The probability 0 of the digit 2 does no harm, because its label is 0.",
        table=(
            ("logarithm", "unit", f"-log {p:g}", "who uses it"),
            ("natural", "nats", f"{sheet.nats:.4f}", "PyTorch: right here"),
            ("base 2", "bits", f"{sheet.bits:.4f}", "information theory"),
            ("base 10", "bans", f"{sheet.log10:.4f}", f"the sheet ({sheet.sheet:g})"),
        ),
    )


_RIVAL = 8


def _part_1b(name: str) -> HomeworkPart:
    digit = losses.SHEET_DIGIT
    cases = {
        "the sheet": losses.loss_gradients(losses.spread_probabilities(0.9, digit), digit),
        "confident and right": losses.loss_gradients(losses.spread_probabilities(0.99, digit), digit),
        "confident and wrong": losses.loss_gradients(losses.spread_probabilities(0.01, digit, rival=_RIVAL), digit),
    }
    sheet, wrong = cases["the sheet"], cases["confident and wrong"]
    mse_p, ce_p = sheet.mse_by_probability, sheet.cross_entropy_by_probability
    mse_z, ce_z = wrong.mse_by_logit[digit], wrong.cross_entropy_by_logit[digit]
    disagreement = max(case.disagreement for case in cases.values())
    curves = losses.gradient_curves(num_points=199)
    return HomeworkPart(
        part=name,
        question="Why cross-entropy and not MSE? With y_3 = 1 and p_3 = 0.9, compare dMSE/dp_k with dCE/dp_k.",
        answer=f"At p_3 = 0.9: dCE/dp_3 = -1/p_3 = {ce_p[digit]:.3f} and dMSE/dp_3 = 2 (p_3 - 1)/10 = "
        f"{mse_p[digit]:.3f}, {ce_p[digit] / mse_p[digit]:.0f} times smaller. For every other digit dCE/dp_k = 0 and "
        f"dMSE/dp_k = 2 p_k/10 ({mse_p[_RIVAL]:.4f} when the remaining 0.1 is spread evenly). "
        "MSE here is the mean over the ten outputs, as in `nn.MSELoss`; the sum is 10 times as large and changes no "
        "conclusion. What moves the weights is the gradient by the logit z, after the softmax: dCE/dz_k = p_k - y_k, "
        f"so {sheet.cross_entropy_by_logit[digit]:.2f} for the sheet's answer, against {sheet.mse_by_logit[digit]:.3f} "
        "for MSE. The difference that matters is a confident wrong answer, p_3 = 0.01 with nearly all the rest on "
        f"another digit: cross-entropy pushes with {ce_z:.2f} (its limit is 1 in size), MSE with {mse_z:.4f}, "
        f"{ce_z / mse_z:.0f} times less ({ce_z / mse_z / 10:.0f} times less with the sum). MSE's gradient carries the "
        "factor p of the softmax's slope, which is tiny exactly where the network is sure and wrong; in "
        "cross-entropy the 1/p of the logarithm cancels it. "
        f"Autograd and the closed forms agree to {_tiny(disagreement)}.",
        table=_gradient_table(cases, digit),
        series={
            "p": curves.p_true,
            "cross-entropy by probability": curves.cross_entropy_by_probability,
            "MSE by probability": curves.mse_by_probability,
            "cross-entropy by logit": curves.cross_entropy_by_logit,
            "MSE by logit": curves.mse_by_logit,
        },
    )


def _gradient_table(cases: dict[str, LossGradients], digit: int) -> Table:
    rows = [("answer", f"p_{digit}", "derivative by", "of MSE", "of cross-entropy")]
    for case, g in cases.items():
        for symbol, mse, cross_entropy in (
            ("p", g.mse_by_probability, g.cross_entropy_by_probability),
            ("z", g.mse_by_logit, g.cross_entropy_by_logit),
        ):
            for k in (digit, _RIVAL):
                numbers = (f"{mse[k]:.4g}", f"{cross_entropy[k]:.4g}")
                rows.append((case, f"{g.probabilities[digit]:g}", f"{symbol}_{k}", *numbers))
    return tuple(rows)


def _part_1b_measured(name: str) -> HomeworkPart:
    usual = losses.train_with_both_losses()
    wrong = losses.train_with_both_losses(head_start=losses.HEAD_START)
    starts = {"usual start": usual, "confident wrong start": wrong}
    stuck = [sum(accuracy < 0.9 for accuracy in run.test_accuracy) for run in (wrong.cross_entropy, wrong.mse)]
    rows = [("start", "loss", "validation accuracy, epoch 1", f"test accuracy, epoch {usual.epochs}", "test CE (nats)")]
    for start, both in starts.items():
        for run in (both.cross_entropy, both.mse):
            first = [curve[0] for curve in run.validation_accuracy]
            nats = _mean_and_sd(run.test_cross_entropy, 1, 3)
            rows.append((start, run.name, _percent_and_sd(first), _percent_and_sd(run.test_accuracy), nats))
    return HomeworkPart(
        part=name,
        question="Does it show in training? The same network, initial weights, batches and optimiser; only the loss "
        "differs.",
        answer=f"784-64-10 on scikit-learn's digits at 28 x 28 ({usual.num_train:,} training images, "
        f"{len(usual.seeds)} seeds, {usual.optimizer}; intervals are 95%, paired over the seeds). From the usual "
        f"start: after the first epoch {_versus('cross-entropy', 'MSE', usual.first_epoch_difference)}; after "
        f"{usual.epochs} epochs {_versus('cross-entropy', 'MSE', usual.accuracy_difference)}. From a start that is "
        "sure of a wrong answer (the bias of digit 0 raised by "
        f"{wrong.head_start:g}): after the first epoch "
        f"{_versus('cross-entropy', 'MSE', wrong.first_epoch_difference)}; at the end "
        f"{_versus('cross-entropy', 'MSE', wrong.accuracy_difference)}, and {stuck[1]} of {len(wrong.seeds)} seeds "
        f"end below 90% with MSE, {stuck[0]} with cross-entropy. So MSE is not hopeless: an untrained network is "
        "unsure, and Adam evens out the size of the gradients. It is slow to unlearn mistakes that it is sure of, as "
        "its vanishing gradient says. " + _SPREAD,
        table=tuple(rows),
        series={
            "epoch": tuple(range(1, usual.epochs + 1)),
            **_curves("usual start, cross-entropy", usual.cross_entropy.validation_accuracy),
            **_curves("usual start, MSE", usual.mse.validation_accuracy),
            **_curves("confident wrong start, cross-entropy", wrong.cross_entropy.validation_accuracy),
            **_curves("confident wrong start, MSE", wrong.mse.validation_accuracy),
        },
    )


def _part_1c(name: str) -> HomeworkPart:
    twice = losses.softmax_twice()
    runs = {"logits": twice.logits, "Softmax layer": twice.softmax_layer}
    rows = [("outputs", "training loss, last epoch (nats)", "test accuracy", "test CE of the probabilities (nats)")]
    for outputs, run in runs.items():
        last = [curve[-1] for curve in run.train_loss]
        nats = _mean_and_sd(run.test_cross_entropy, 1, 3)
        rows.append((outputs, _mean_and_sd(last, 1, 3), _percent_and_sd(run.test_accuracy), nats))
    return HomeworkPart(
        part=name,
        question="Why is there no Softmax layer before `CrossEntropyLoss`?",
        answer="Because the loss already contains it: `F.cross_entropy(z)` is `F.nll_loss(F.log_softmax(z))` (largest "
        f"difference over 1,000 random examples: {_tiny(twice.largest_difference)}), computed in one go, so that no "
        "probability underflows to log 0. With a Softmax layer in front, softmax is applied twice. Its inputs then "
        "lie in 0..1, so even a perfect, certain answer costs -ln(e/(e + 9)) = "
        f"{twice.floor:.3f} nats instead of 0, and the gradient of an untrained network shrinks from "
        f"{twice.gradient_once:.2f} to {twice.gradient_twice:.2f}. Trained both ways ({len(twice.seeds)} seeds, "
        f"{twice.epochs} epochs, {twice.optimizer}): "
        f"{_versus('the network with logits', 'the one with the layer', twice.accuracy_difference)} in test accuracy "
        f"(95%, paired over the seeds). "
        f"{sum(accuracy < 0.9 for accuracy in twice.softmax_layer.test_accuracy)} of the {len(twice.seeds)} seeds end "
        f"below 90% with the layer, {sum(accuracy < 0.9 for accuracy in twice.logits.test_accuracy)} without. Nothing "
        "warns of it: it trains, only worse. So models here put out logits, and a prediction takes the softmax once, "
        "at the end, to offer probabilities. " + _SPREAD,
        table=tuple(rows),
        series={
            "epoch": tuple(range(1, twice.epochs + 1)),
            "floor": (twice.floor,),
            **_curves("logits, training loss", twice.logits.train_loss),
            **_curves("Softmax layer, training loss", twice.softmax_layer.train_loss),
            **_curves("logits, accuracy", twice.logits.validation_accuracy),
            **_curves("Softmax layer, accuracy", twice.softmax_layer.validation_accuracy),
        },
    )


# ------------------------------------------------------------------------------------------ part 3


def _part_where(name: str) -> HomeworkPart:
    places = refresher.where_things_live()
    named = {place.name: place.address for place in places}
    return HomeworkPart(
        part=name,
        question="Where do MNIST, Adam and DataLoader live?",
        answer=f"MNIST in `{named['MNIST']}`, Adam in `{named['Adam']}`, DataLoader in `{named['DataLoader']}`. Each "
        "address in the table was imported just now.",
        table=(
            ("name", "address", "version"),
            *((place.name, place.address, f"{place.package} {place.version}") for place in places),
        ),
    )


def _part_backward(name: str) -> HomeworkPart:
    result = refresher.missing_backward()
    steps = len(result.loss_without) - 1
    grads = "`.grad` of every parameter is still None" if result.gradients_are_none else "some gradients are set"
    return HomeworkPart(
        part=name,
        question="What happens if `loss.backward()` is missing?",
        answer=f"Nothing, and that is the trouble. After {steps} steps {grads}, `optimizer.step()` has moved no weight "
        f"(largest change {result.largest_change:g}), and the loss stands at {result.loss_without[-1]:.3f} where it "
        f"began at {result.loss_without[0]:.3f}; no error is raised. With `backward()` the same {steps} steps on the "
        f"same batch bring it down to {result.loss_with[-1]:.3f}.",
        table=(
            ("", "first loss (nats)", "last loss (nats)", "largest change of a weight"),
            _backward_row("with backward()", result.loss_with, result.largest_change_with),
            _backward_row("without", result.loss_without, result.largest_change),
        ),
        series={
            "step": tuple(range(steps + 1)),
            "with backward()": result.loss_with,
            "without backward()": result.loss_without,
        },
    )


def _backward_row(name: str, curve: Sequence[float], change: float) -> tuple[str, ...]:
    return (name, f"{curve[0]:.3f}", f"{curve[-1]:.3f}", f"{change:.3g}")


def _part_zero_grad(name: str) -> HomeworkPart:
    result = refresher.missing_zero_grad()
    ratios = ", ".join(f"{ratio:.2f}" for ratio in result.norm_ratios)
    return HomeworkPart(
        part=name,
        question="What happens if `optimizer.zero_grad()` is missing?",
        answer="`backward()` adds to `.grad` instead of replacing it. On one fixed batch, with the weights held still, "
        f"the norm of `.grad` after {len(result.norm_ratios)} calls is {ratios} times the first. In training, step k "
        "therefore follows the sum of all k gradients so far, most of them from old weights: plain SGD becomes SGD "
        "with momentum 1, which never brakes. With learning rate "
        f"{result.learning_rate:g} it takes long steps at once and then overshoots: the training loss of the last of "
        f"{len(result.loss_with)} epochs is {result.loss_without[-1]:.2f} instead of {result.loss_with[-1]:.2f}, and "
        f"the test accuracy {result.accuracy_without:.1%} instead of {result.accuracy_with:.1%}. (Leaving it out on "
        "purpose for a few steps is a way to use bigger batches than fit into memory.)",
        table=(
            ("", "first epoch's loss (nats)", "last epoch's loss (nats)", "test accuracy"),
            _zero_grad_row("with zero_grad()", result.loss_with, result.accuracy_with),
            _zero_grad_row("without", result.loss_without, result.accuracy_without),
        ),
        series={
            "epoch": tuple(range(1, len(result.loss_with) + 1)),
            "with zero_grad()": result.loss_with,
            "without zero_grad()": result.loss_without,
            "calls": tuple(range(1, len(result.norm_ratios) + 1)),
            "norm ratio": result.norm_ratios,
        },
    )


def _zero_grad_row(name: str, curve: Sequence[float], accuracy: float) -> tuple[str, ...]:
    return (name, f"{curve[0]:.2f}", f"{curve[-1]:.2f}", f"{accuracy:.1%}")


def _part_dropout(name: str) -> HomeworkPart:
    result = refresher.dropout_modes()
    values = " or ".join(f"{value:g}" for value in result.values_in_train)
    return HomeworkPart(
        part=name,
        question="What does Dropout do in `train()` and in `eval()`?",
        answer=f"In train mode `nn.Dropout({result.p:g})` turns an input of 1 into {values}: it zeroes "
        f"{result.share_of_zeros:.1%} of the units, new ones on every pass, and scales the rest by 1/(1 - p), so the "
        f"mean stays ({result.mean_in_train:.3f}) and the variance over repeated passes is "
        f"{result.variance_in_train:.3f} (in theory p/(1 - p) = {result.p / (1 - result.p):g}). In eval mode it does "
        f"nothing: the output {'is' if result.eval_is_identity else 'is not'} the input, and the variance over "
        f"{result.passes} passes is {result.variance_in_eval:g}.",
        table=(
            ("mode", "outputs for an input of 1", "variance over repeated passes"),
            ("train()", values, f"{result.variance_in_train:.3f}"),
            ("eval()", "1", f"{result.variance_in_eval:g}"),
        ),
    )


def _part_batchnorm(name: str) -> HomeworkPart:
    result = refresher.batchnorm_modes()
    train, held = result.running_mean_in_train, result.running_mean_in_eval
    moved = max(held) - min(held)
    return HomeworkPart(
        part=name,
        question="What does BatchNorm do in `train()` and in `eval()`?",
        answer="In train mode it standardises with the mean and variance of the batch at hand, and moves its running "
        f"mean and variance a tenth of the way towards them: on data with mean {result.true_mean:g} the running mean "
        f"goes from {train[0]:g} to {train[-1]:.2f} in {len(train) - 1} batches. The answer for an example therefore "
        "depends on its neighbours: one and the same example, seen in different batches, gets outputs "
        f"{result.output_spread_in_train:.2f} apart. In eval mode it uses the running statistics and moves nothing "
        f"(change of the running mean: {moved:g}), so the example always gets the same output (largest difference "
        f"{result.output_spread_in_eval:g}). A batch of one is an error in train mode "
        f'("{result.single_example_error}") and fine in eval mode.',
        table=(
            ("mode", "statistics used", "change of the running mean", "spread of one example's output"),
            ("train()", "the batch's", f"{train[-1] - train[0]:.2f}", f"{result.output_spread_in_train:.2f}"),
            ("eval()", "the running ones", f"{moved:g}", f"{result.output_spread_in_eval:g}"),
        ),
        series={"train()": train, "eval()": held, "true mean": (result.true_mean,)},
    )


def _part_eval(name: str) -> HomeworkPart:
    result = refresher.forgotten_eval()
    in_eval, mixed, alike = result.accuracy_in_eval, result.accuracy_shuffled, result.accuracy_sorted
    return HomeworkPart(
        part=name,
        question="What happens if `model.eval()` is forgotten before inference?",
        answer="The answers become random and depend on their neighbours, and nothing complains. A trained network "
        f"with BatchNorm and Dropout was asked {result.repeats} times about the same {result.num_test} test images. "
        f"With `eval()` the accuracy is {in_eval[0]:.1%} every time, and the predicted digit changes for "
        f"{result.changed_in_eval:.1%} of the images. Without it, in mixed batches of 64, the accuracy is "
        f"{np.mean(mixed):.1%} on average ({min(mixed):.1%} to {max(mixed):.1%}), and the predicted digit changes for "
        f"{result.changed_in_train:.1%} of the images. Sort the same images by class and it falls to "
        f"{np.mean(alike):.1%}: BatchNorm then standardises with the statistics of the two or three digits that are in "
        "the batch, not of all ten. Such a pass even changes the model: afterwards, in eval mode, "
        f"{result.changed_after:.1%} of the predicted digits are others, and a probability differs by up to "
        f"{result.probability_change_after:.2f}. Only a single image is refused in train mode "
        f'("{result.single_image_error}"). This project evaluates and predicts in eval mode only.',
        table=(
            ("mode and batches", "mean accuracy", "lowest", "highest"),
            _spread_row("eval()", in_eval),
            _spread_row("train(), mixed batches", mixed),
            _spread_row("train(), sorted by class", alike),
        ),
        series={"eval()": in_eval, "train(), mixed batches": mixed, "train(), sorted by class": alike},
    )


def _spread_row(name: str, accuracies: Sequence[float]) -> tuple[str, ...]:
    return (name, f"{np.mean(accuracies):.1%}", f"{min(accuracies):.1%}", f"{max(accuracies):.1%}")


# ------------------------------------------------------------------------------------------ words


_SPREAD = "(±: standard deviation over the seeds; the figure's bands reach from the lowest to the highest seed.)"


def _versus(a: str, b: str, d: SeedDifference) -> str:
    """'a is ahead of b by 5.7 points [4.2, 7.3]', or that the two cannot be separated."""
    if d.low <= 0 <= d.high:
        return f"{a} and {b} cannot be separated ({100 * d.mean:+.1f} points [{100 * d.low:.1f}, {100 * d.high:.1f}])"
    (first, second), sign = ((a, b), 1) if d.mean > 0 else ((b, a), -1)
    low, high = sorted((sign * d.low, sign * d.high))
    return f"{first} is ahead of {second} by {abs(100 * d.mean):.1f} points [{100 * low:.1f}, {100 * high:.1f}]"


def _tiny(value: float) -> str:
    return f"{value:.0e}" if value else "0"


def _percent_and_sd(values: Sequence[float]) -> str:
    return f"{_mean_and_sd(values, 100, 1)}%"


def _mean_and_sd(values: Sequence[float], factor: float, digits: int) -> str:
    """Mean +- standard deviation over the seeds."""
    return f"{factor * np.mean(values):.{digits}f} ± {factor * np.std(values, ddof=1):.{digits}f}"


# ------------------------------------------------------------------------------------------ figures

_BAND_NAMES = ("mean", "lowest", "highest")


def _curves(name: str, per_seed: Sequence[Sequence[float]]) -> Series:
    """Mean, lowest and highest over the seeds at each epoch, as series of a part."""
    values = np.asarray(per_seed)
    bands = (values.mean(0), values.min(0), values.max(0))
    return {f"{name}, {band}": tuple(curve.tolist()) for band, curve in zip(_BAND_NAMES, bands, strict=True)}


_PARTS: dict[str, tuple[str, Callable[[str], HomeworkPart]]] = {
    "1A": ("cross-entropy of the sheet", _part_1a),
    "1B": ("gradients of MSE and cross-entropy", _part_1b),
    "1B-measured": ("the network trained with both losses", _part_1b_measured),
    "1C": ("softmax applied twice", _part_1c),
    "3a": ("where things live", _part_where),
    "3b": ("a missing backward()", _part_backward),
    "3c": ("a missing zero_grad()", _part_zero_grad),
    "3d": ("Dropout in train() and eval()", _part_dropout),
    "3e": ("BatchNorm in train() and eval()", _part_batchnorm),
    "3f": ("a forgotten eval()", _part_eval),
}
