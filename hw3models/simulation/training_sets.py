"""What a verdict says about families that are equal over fresh training sets, and which design says so.

A study draws a training part and test examples, and compares two families on them. Families that see different halves
of the channels of a regime whose channels are exchangeable, or one method that is given two training parts drawn from
the same digits, are equal in expectation over training sets, and not for the training part at hand. So "A beats B" is
right about that part and a false alarm about the problem.

Designs: `fixed` (seeds alone), `bootstrap`, and subsamples without replacement. With replicates on resamples of one
training part, the mean over S of them still is of that part. Where a resample moves the score by as much as a fresh
training part would, times r, the variance of the mean about all training parts is

    (1/S + 1/r) times the variance over resamples

(of its main effect, as far as 1/r goes: a resample's own errors on single examples are no luck of the whole),
r = 1 for the bootstrap (Efron 1979) and (1 - p)/p for subsamples of a share p without replacement, as in the delete-d
jackknife (Shao and Wu 1989). This is the form of the corrected resampled t-test (Nadeau and Bengio 2003), whose 1/S is
too little for the same reason. Differences are taken seed by seed: seed s of both families has the same resample.

S = seeds, n = test examples, N = training examples
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from hw3models.data.dataset import Dataset
from hw3models.data.known.synthetic import make_regime
from hw3models.data.scaling import learn_scaling
from hw3models.data.training_sets import Indices, training_set
from hw3models.engine.batches import DeviceData
from hw3models.engine.fit import architecture_for, fit
from hw3models.engine.layouts import built
from hw3models.families import Network, find_family
from hw3models.families.baselines import standardised
from hw3models.nn.stacking import unstack
from hw3models.specs import DataSpec, Recipe, Report, TrainSpec
from hw3models.stats.intervals import difference, measure_mean

LEVEL = 0.05
SEEDS = (5, 10)
HIDDEN, RIDGE = 64, 10.0
RECIPE = Recipe(epochs=8, batch_size=32, learning_rate=3e-3)
"""Short: what matters is that training is real and that training sets differ, not that it is good."""

Values = NDArray[np.float64]
Truth = Literal["alike", "first is better"]


@dataclass(frozen=True)
class Design:
    """What the replicates of a study are trained on."""

    name: str
    share: float | None = None
    """Share of the training part in a subsample without replacement; None: all of it, or a bootstrap."""

    @property
    def moves(self) -> float:
        """Variance of a score over resamples, in units of that over fresh training parts: r of this file's head."""
        return 1.0 if self.share is None else (1 - self.share) / self.share

    def redraw(self, dataset: Dataset, seed: int) -> Indices:
        """The training set of a seed."""
        if self.name == "fixed":
            return dataset.train
        if self.share is None:
            return training_set(dataset, seed)
        labels = dataset.labels[dataset.train]
        shuffled = np.lexsort((np.random.default_rng([seed, 5]).random(len(labels)), labels))
        _, first, counts = np.unique(labels[shuffled], return_index=True, return_counts=True)
        place = np.arange(len(labels)) - np.repeat(first, counts)
        kept = place < np.repeat(np.round(self.share * counts), counts)
        return np.sort(dataset.train[shuffled[kept]])


FIXED, BOOTSTRAP = Design("fixed"), Design("bootstrap")
DESIGNS = (FIXED, BOOTSTRAP, Design("subsample 50%", 0.5), Design("subsample 80%", 0.8), Design("subsample 90%", 0.9))


@dataclass(frozen=True)
class Case:
    """Two families, of which is known which of them is better over fresh training sets."""

    name: str
    source: str
    learner: str
    """`ridge`, `random features`, or a family of this package: what both families do with what they see."""
    num_train: tuple[int, int]
    """What belongs to the first and to the second."""
    channels: tuple[int, int] = (0, 0)
    """Regimes: channels that each of them sees, the first ones and the last ones."""
    truth: Truth = "alike"


FIRST: Truth = "first is better"
CASES = (
    Case("digits, ridge regression", "digits", "ridge", (100, 100)),
    Case("digits, ridge regression", "digits", "ridge", (100, 80), truth=FIRST),
    Case("digits, random features", "digits", "random features", (100, 100)),
    Case("digits, random features", "digits", "random features", (100, 80), truth=FIRST),
    Case("locked, random features", "locked", "random features", (100, 100), (4, 4)),
)
"""Quick to train, so that a table takes minutes of one core."""
NETWORKS = (
    Case("digits, MLP", "digits", "mlp", (100, 100)),
    Case("digits, MLP", "digits", "mlp", (100, 80), truth=FIRST),
    Case("trend, MLP", "trend", "mlp", (150, 150), (4, 4)),
    Case("trend, MLP", "trend", "mlp", (150, 150), (4, 3), truth=FIRST),
    Case("dynamics, CNN", "dynamics", "cnn", (150, 150), (4, 4)),
    Case("dynamics, CNN", "dynamics", "cnn", (150, 150), (4, 3), truth=FIRST),
)
"""Trained by the engine: fifty times as long."""
NUM_TEST = 300


class Finding(Report):
    """What came of many studies of one case, with one design and one way of judging it."""

    case: str
    truth: Truth
    design: str
    test: Literal["as seeds", "corrected", "with fixed"]
    seeds: int
    studies: int
    found: float
    """Share of the studies in which one family beats the other at 5%."""
    low: float
    high: float
    """95%, Wilson (1927)."""
    other_way: float
    """Share in which the worse one beats the better; of equal ones, the lesser of both shares."""
    calibration: float
    """Root of the mean variance that was estimated, over the standard deviation of the differences; 1 is right."""
    accuracy: float
    """Mean of the first family."""


def answers(case: Case, number: int) -> NDArray[np.bool_]:
    """(designs, 2, S, n): which test examples are named rightly in study `number`."""
    num = max(SEEDS)
    # Other seeds for the second family: what is luck alone has nothing to do with the first's.
    both = zip(draw(case, number), (range(num), range(num, 2 * num)), strict=True)
    return np.stack([right(case.learner, *one) for one in both], axis=1)


def findings(case: Case, of_studies: NDArray[np.bool_]) -> Iterator[Finding]:
    """What came of the studies (number, designs, 2, S, n) of a case."""
    for seeds in SEEDS:
        kept = {design.name: of_studies[:, row, :, :seeds].astype(np.float64) for row, design in enumerate(DESIGNS)}
        for design in DESIGNS:
            yield from _findings(case, design, kept)


# ----------------------------------------------------------------------------------------------- data


def draw(case: Case, number: int) -> tuple[Dataset, Dataset]:
    """What each family sees in study `number`: the same test examples, and its training part."""
    if case.source == "digits":
        return _digits(case, number)
    spec = DataSpec(source=f"regime:{case.source}", seed=number, num_train=case.num_train[0], num_test=NUM_TEST)
    raw = make_regime(spec)
    features = np.asarray(raw.features)
    first, last = features[..., : case.channels[0]], features[..., features.shape[2] - case.channels[1] :]
    train = np.arange(case.num_train[0])
    return _dataset(first, raw.labels, train), _dataset(last, raw.labels, train)


@cache
def _all_digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    # One step of 64 channels: a sequence, so that scaling and families are those of sequences.
    return found.data[:, None].astype(np.float32), found.target.astype(np.int64)


def _digits(case: Case, number: int) -> tuple[Dataset, Dataset]:
    """Test examples and disjoint training parts of the same real digits."""
    features, labels = _all_digits()
    order = np.random.default_rng([20_261_127, number]).permutation(len(labels))
    test, first, second, _ = np.split(order, np.cumsum([NUM_TEST, *case.num_train]))
    views = []
    for train in (first, second):
        rows = np.concatenate([train, test])
        views.append(_dataset(features[rows], labels[rows], np.arange(len(train))))
    return views[0], views[1]


def _dataset(features: NDArray[np.float32], labels: NDArray[np.int64], train: Indices) -> Dataset:
    mean, std = learn_scaling(features, None, train)
    return Dataset(
        name="simulated",
        kind="sequences",
        source="simulated",
        features=np.ascontiguousarray(features),
        labels=labels,
        class_names=tuple(str(k) for k in range(int(labels.max()) + 1)),
        train=train,
        validation=train[:0],
        test=np.arange(len(train), len(labels)),
        mean=mean,
        std=std,
    )


# ------------------------------------------------------------------------------------------- training


def right(learner: str, dataset: Dataset, seeds: range) -> NDArray[np.bool_]:
    """(designs, S, n): which test examples each replicate names rightly.

    Replicate s has the s-th resample of each design, whatever its seed: both families have the same.
    """
    if learner in ("ridge", "random features"):
        inputs = standardised(dataset, np.arange(len(dataset.labels))).reshape(len(dataset.labels), -1)
        seen = inputs[None] if learner == "ridge" else np.stack([_random_features(inputs, seed) for seed in seeds])
        named = [_ridge(seen, dataset, _times_drawn(dataset, design, len(seeds))) for design in DESIGNS]
    else:
        named = [_of_network(learner, dataset, design, seeds) for design in DESIGNS]
    found: NDArray[np.bool_] = np.array(named) == dataset.labels[dataset.test]
    return found


def _times_drawn(dataset: Dataset, design: Design, seeds: int) -> NDArray[np.float32]:
    """(S, N): how often each training example is in the training set of each replicate."""
    assert np.array_equal(dataset.train, np.arange(len(dataset.train))), "training examples come first"
    drawn = [np.bincount(design.redraw(dataset, seed), minlength=len(dataset.train)) for seed in range(seeds)]
    return np.array(drawn, np.float32)


def _random_features(inputs: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """A hidden layer that is never trained: the luck of an initialisation, without its cost."""
    rng = np.random.default_rng([seed, 6])
    weights = rng.standard_normal((inputs.shape[1], HIDDEN), np.float32) / math.sqrt(inputs.shape[1])
    return np.tanh(inputs @ weights + rng.standard_normal(HIDDEN, np.float32))


def _ridge(seen: NDArray[np.float32], dataset: Dataset, times: NDArray[np.float32]) -> NDArray[np.int64]:
    """The classes (S, n) that ridge regression on the one-hot labels names; `seen` is (S or 1, N + n, features)."""
    targets = np.eye(len(dataset.class_names), dtype=np.float32)[dataset.labels[dataset.train]]
    share = (times / times.sum(1, keepdims=True))[:, None]
    known = seen[:, dataset.train]
    mean, level = share @ known, share @ targets
    centred = known - mean
    weighed = (centred * times[..., None]).swapaxes(1, 2)
    gram = weighed @ centred + np.float32(RIDGE) * np.eye(centred.shape[2], dtype=np.float32)
    found = np.linalg.solve(gram, weighed @ (targets - level))
    named: NDArray[np.int64] = ((seen[:, dataset.test] - mean) @ found + level).argmax(2)
    return named


def _of_network(name: str, dataset: Dataset, design: Design, seeds: range) -> NDArray[np.int64]:
    family = find_family("sequences", name)
    assert isinstance(family, Network)
    spec = TrainSpec(
        family=family.name,
        seeds=tuple(seeds),
        recipe=RECIPE,
        resampling="seed" if design is FIXED else "training",
        strategy="stacked",
        device="cpu",
    )
    result = fit(dataset, family, spec, redraw=lambda own, seed: design.redraw(own, seed % len(seeds)))
    data = DeviceData(dataset, result.device, rows=dataset.test)
    [batch] = data.in_order(np.arange(len(dataset.test)), 1)
    named = []
    for row in range(len(seeds)):
        model = built(family, architecture_for(family, dataset, spec), 0)
        model.load_state_dict(unstack(result.states, row))
        with torch.inference_mode():
            named.append(model.eval()(batch.inputs[0]).argmax(-1).numpy())
    return np.stack(named)


# -------------------------------------------------------------------------------------------- judging


@dataclass(frozen=True)
class Judged:
    """A difference with the variance of its error."""

    value: float
    variance: float
    p_value: float


def as_seeds(a: Values, b: Values) -> Judged:
    """Values (S, n) of each family, as replicates are compared that differ in their seeds."""
    if (a == a[0]).all() and (b == b[0]).all():
        a, b = a[:1], b[:1]
    found = difference(measure_mean(a, is_share=True), measure_mean(b, is_share=True))
    return Judged(found.value, found.variance, found.p_value())


def corrected(a: Values, b: Values, moves: float) -> Judged:
    """Resamples count 1/S times, as seeds do, and their main effect 1/r times beside that; examples count once."""
    differences = (a - b).mean(1)
    num = len(differences)
    over_sets = float(differences.var(ddof=1)) / num + max(0.0, _main_effect(a, b)) / moves
    return _judged(float(differences.mean()), [(over_sets, num - 1), _over_examples(a, b)])


def with_fixed(fixed: tuple[Values, Values], drawn: tuple[Values, Values], moves: float) -> Judged:
    """The difference of replicates on the whole training part, and what resamples have beyond seeds as main effect."""
    plain = as_seeds(*fixed)
    num = len(fixed[0])
    added = max(0.0, _main_effect(*drawn) - _main_effect(*fixed)) / moves
    return _judged(plain.value, [(added, num - 1), (plain.variance, 2 * (num - 1))])


def _main_effect(a: Values, b: Values) -> float:
    """Variance over replicates of the paired difference, less what comes of each replicate's own errors on examples.

    That part is in the variance over examples of a family on one training part already.
    """
    return float((a - b).mean(1).var(ddof=1)) - len(a) * _rest(a - b)


def _judged(value: float, terms: Sequence[tuple[float, float]]) -> Judged:
    """Student's t with the degrees of freedom of `hw3models.stats.intervals`."""
    variance = sum(term for term, _ in terms)
    if variance == 0:
        return Judged(value, 0.0, float(value == 0))
    df = max(1.0, variance**2 / sum(term**2 / (own + 1) for term, own in terms) - 1)
    return Judged(value, variance, float(2 * student.sf(abs(value) / math.sqrt(variance), df)))


def _over_examples(a: Values, b: Values) -> tuple[float, float]:
    """Variance over test examples of the mean difference, less what the rest adds to it, and its degrees of freedom."""
    num = a.shape[1]
    return max(0.0, float((a - b).mean(0).var(ddof=1)) / num - _rest(a - b)), num - 1


def _rest(each: Values) -> float:
    """Variance of the mean over replicates and examples that comes of neither alone (V_rest of `stats.intervals`)."""
    seeds, num = each.shape
    of_mean = float(each.mean(0).var(ddof=1)) / num
    of_each = float(each.var(axis=1, ddof=1).mean()) / num
    return float(max(0.0, of_each - of_mean) / (seeds - 1))


def _findings(case: Case, design: Design, kept: dict[str, Values]) -> Iterator[Finding]:
    own, fixed = kept[design.name], kept[FIXED.name]
    yield _finding(case, design, "as seeds", [as_seeds(a, b) for a, b in own], own)
    if design is not FIXED:
        yield _finding(case, design, "corrected", [corrected(a, b, design.moves) for a, b in own], own)
        pairs = zip(fixed, own, strict=True)
        both = [with_fixed((f[0], f[1]), (d[0], d[1]), design.moves) for f, d in pairs]
        yield _finding(case, design, "with fixed", both, fixed)


def _finding(
    case: Case,
    design: Design,
    test: Literal["as seeds", "corrected", "with fixed"],
    judged: Sequence[Judged],
    values: Values,
) -> Finding:
    from hw3models.simulation.rates import rate

    better = [one.p_value <= LEVEL and one.value > 0 for one in judged]
    worse = [one.p_value <= LEVEL and one.value < 0 for one in judged]
    found = rate(sum(better) + sum(worse), len(judged))
    estimated = math.sqrt(float(np.mean([one.variance for one in judged])))
    return Finding(
        case=case.name,
        truth=case.truth,
        design=design.name,
        test=test,
        seeds=values.shape[2],
        studies=len(judged),
        found=found.share,
        low=found.low,
        high=found.high,
        other_way=(sum(worse) if case.truth == FIRST else min(sum(better), sum(worse))) / len(judged),
        calibration=estimated / float(np.std([one.value for one in judged], ddof=1)),
        accuracy=float(values[:, 0].mean()),
    )
