"""Prediction tables whose truth is known, of another make than the estimator.

Network s of family f has on example i the margin (by which the logit of the true class exceeds that of its rival)

    z = m_f + d_i + c_fi + r_f(s) + a_fs + e_fsi + logistic noise

with the difficulty d of an example (standard deviation 3, shared by all), what makes it hard for one family alone
(c, 1.5), the luck of the search that the seed's recipe comes of (r, of several seeds each), the luck of a seed (a) and
the rest (e, 1). It is right where z > 0, so the true accuracy is the mean of
expit(m_f + normal), and m_f is found for a wanted accuracy by Gauss-Hermite quadrature. Probabilities are the softmax
of `sharpness` times the logits. Examples of a group share the part `icc` of the variance of d and of c. A seed that
collapses guesses.

True values of other metrics are those of a population: a fine grid of z with the weights of its density, all classes
and rivals, per seed of a quadrature over the luck of seeds.

S = seeds, n = test examples, K = classes, P = points of a population
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, log_softmax, logit, ndtri

from hw3models.evaluation.facts import FamilyFacts
from hw3models.evaluation.prediction_table import PredictionTable
from hw3models.specs import Estimand

Array = NDArray[np.float64]
DIFFICULTY, OWN, NOISE = 3.0, 1.5, 1.0
"""Standard deviations on the scale of logits."""
_OTHERS = -2.0
"""Logit of classes that are neither the true one nor its rival."""
_BINS = 15
_GRID: Array = np.arange(2000, dtype=np.float64) / 20 - 49.975
_NODES, _WEIGHTS = (np.asarray(one, np.float64) for one in np.polynomial.hermite_e.hermegauss(61))
_SEED_NODES, _SEED_WEIGHTS = (np.asarray(one, np.float64) for one in np.polynomial.hermite_e.hermegauss(15))


@dataclass(frozen=True)
class Family:
    """One family of a world."""

    accuracy: float
    """True mean over seeds that do not collapse."""
    seed: float = 0.3
    """Standard deviation of the luck of seeds."""
    search: float = 0.0
    """Standard deviation of the luck of searches for a recipe."""
    deterministic: bool = False
    collapse: float = 0.0
    """Probability that a seed only guesses."""
    trained: int | None = None
    """Seeds of this family, where it has others than the world says."""
    sharpness: float = 1.0
    """What its logits are multiplied by: how sure of itself it is."""

    @property
    def own_seed(self) -> float:
        """Deviation by seeds and searches together; none where training has no randomness."""
        return 0.0 if self.deterministic else float(np.hypot(self.seed, self.search))


@dataclass(frozen=True)
class World:
    """What is compared, and on what."""

    families: tuple[Family, ...]
    seeds: int = 5
    examples: int = 1000
    group_size: int = 1
    giant: float = 0.0
    """Share of the examples that are of one group; the others are of groups of `group_size`."""
    icc: float = 0.0
    """Correlation of two examples of a group, in d and in c."""
    classes: tuple[float, ...] = (0.5, 0.5)
    """Their shares."""
    searches: int = 1
    """Searches for a recipe, over which the seeds are spread; 1: all seeds have the recipe of one."""

    @property
    def names(self) -> str:
        """A letter for each family."""
        return "abcdefg"[: len(self.families)]

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """(n,) whose example each is."""
        if self.group_size == 1:
            return None
        behind = np.arange(self.examples) - round(self.giant * self.examples)
        groups: NDArray[np.int64] = np.where(behind < 0, 0, bool(self.giant) + behind // self.group_size)
        return groups

    def seeds_of(self, family: Family) -> int:
        """How many are trained."""
        return 1 if family.deterministic else family.trained or self.seeds

    @property
    def facts(self) -> dict[str, FamilyFacts]:
        """What a comparison is told."""
        return {
            name: FamilyFacts(label=name, deterministic=family.deterministic)
            for name, family in zip(self.names, self.families, strict=True)
        }


def draw(rng: np.random.Generator, world: World) -> dict[str, PredictionTable]:
    """One table for each family, on the same new test examples."""
    num, num_classes = world.examples, len(world.classes)
    labels = rng.choice(num_classes, num, p=world.classes)
    rivals = (labels + 1 + rng.integers(0, num_classes - 1, num)) % num_classes
    difficulty = DIFFICULTY * _of_examples(rng, world)
    tables = {}
    for name, family in zip(world.names, world.families, strict=True):
        num_seeds = world.seeds_of(family)
        margins = _margins(rng, world, family, difficulty, num_seeds)
        log_chances = _log_probabilities(margins, labels, rivals, num_classes, family.sharpness)
        tables[name] = PredictionTable(
            family=name,
            data_digest="simulated",
            seeds=tuple(range(num_seeds)),
            search=_searches(world) if world.searches > 1 and family.search and not family.deterministic else None,
            test_index=np.arange(num),
            labels=labels,
            groups=world.groups,
            probabilities=np.exp(log_chances, dtype=np.float32),
            # What an example costs where nothing else is known, as of predictions that come as a `value` each.
            error=-log_chances[:, np.arange(num), labels].astype(np.float64),
        )
    return tables


def _of_examples(rng: np.random.Generator, world: World) -> NDArray[np.float32]:
    """Standard normal effects (n,), alike within groups."""
    own = rng.standard_normal(world.examples, dtype=np.float32)
    if world.group_size == 1:
        return own
    groups = world.groups
    assert groups is not None
    shared = rng.standard_normal(int(groups[-1]) + 1, dtype=np.float32)[groups]
    return np.asarray(np.sqrt(world.icc) * shared + np.sqrt(1 - world.icc) * own, np.float32)


def _searches(world: World) -> NDArray[np.int64]:
    return np.arange(world.seeds) * world.searches // world.seeds


def _margins(
    rng: np.random.Generator, world: World, family: Family, difficulty: NDArray[np.float32], num_seeds: int
) -> NDArray[np.float32]:
    shape = num_seeds, world.examples
    latent = NOISE * rng.standard_normal(shape, dtype=np.float32)
    latent += np.float32(offset(family)) + difficulty + OWN * _of_examples(rng, world)
    if not family.deterministic:
        latent += np.float32(family.seed) * rng.standard_normal((num_seeds, 1), dtype=np.float32)
    if family.search:
        luck = rng.standard_normal((world.searches, 1), dtype=np.float32)
        latent += np.float32(family.search) * luck[_searches(world)]
    if family.collapse:
        latent[rng.random(num_seeds) < family.collapse] = logit(1 / len(world.classes))
    uniform = np.clip(rng.random(shape, dtype=np.float32), 1e-7, 1 - 1e-7)
    return np.asarray(latent + np.log(uniform / (1 - uniform)), np.float32)


def _log_probabilities(
    margins: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    rivals: NDArray[np.int64],
    num_classes: int,
    sharpness: float,
) -> NDArray[np.floating[Any]]:
    """Margins (..., n) to (..., n, K), as precise."""
    logits = np.full((*margins.shape, num_classes), _OTHERS, margins.dtype)
    every = np.arange(len(labels))
    logits[..., every, rivals] = 0
    logits[..., every, labels] = margins
    result: NDArray[np.floating[Any]] = log_softmax(margins.dtype.type(sharpness) * logits, axis=-1)
    return result


# ------------------------------------------------------------------------------------------- truth


def offset(family: Family) -> float:
    """The m_f that gives a family its accuracy."""
    return _offset(family.accuracy, _spread(family.own_seed))


@lru_cache(maxsize=4096)
def _offset(accuracy: float, spread: float) -> float:
    def excess(centre: float) -> float:
        return float(expit(centre + spread * _NODES) @ _WEIGHTS / _WEIGHTS.sum()) - accuracy

    return float(brentq(excess, -60, 60, xtol=1e-12))


def _spread(seed: float) -> float:
    return float(np.sqrt(DIFFICULTY**2 + OWN**2 + NOISE**2 + seed**2))


@lru_cache(maxsize=4096)
def truth(family: Family, metric: str, classes: tuple[float, ...] = (0.5, 0.5), estimand: Estimand = "mean") -> float:
    """The expected value of a seed on endless test examples, or the median of seeds (of which under half collapse)."""
    if estimand == "median":
        place = ndtri(1 - 0.5 / (1 - family.collapse)) * family.own_seed
        return _of_one_seed(offset(family) + place, _spread(0.0), family.sharpness, classes, metric)
    if metric in ("accuracy", "balanced_accuracy") or (metric == "macro_f1" and len(set(classes)) == 1):
        # All classes are alike: no population is needed. Of classes that are as frequent, each one's precision is its
        # recall, so F1 is the accuracy as well.
        return (1 - family.collapse) * family.accuracy + family.collapse / len(classes)
    centres = offset(family) + family.own_seed * _SEED_NODES
    if family.own_seed == 0:
        centres = centres[:1]
    values = [_of_one_seed(centre, _spread(0.0), family.sharpness, classes, metric) for centre in centres]
    value = float(np.average(values, weights=_SEED_WEIGHTS[: len(values)]))
    if not family.collapse:
        return value
    guess = _of_one_seed(float(logit(1 / len(classes))), 0.0, family.sharpness, classes, metric)
    return (1 - family.collapse) * value + family.collapse * guess


def as_good_as(
    other: Family, family: Family, metric: str, classes: tuple[float, ...] = (0.5, 0.5), estimand: Estimand = "mean"
) -> Family:
    """The `family` with another accuracy, such that by `metric` both are equal."""
    return with_value(family, metric, truth(other, metric, classes, estimand), classes, estimand)


def with_value(
    family: Family, metric: str, value: float, classes: tuple[float, ...] = (0.5, 0.5), estimand: Estimand = "mean"
) -> Family:
    """The `family` with another accuracy, such that this is its true value by `metric`."""

    def excess(accuracy: float) -> float:
        return truth(replace(family, accuracy=accuracy), metric, classes, estimand) - value

    return replace(family, accuracy=float(brentq(excess, 0.4, 0.9995, xtol=1e-9)))


class _Population(NamedTuple):
    """Margins of one seed (P,), with labels, and how much each counts."""

    probabilities: Array
    labels: NDArray[np.int64]
    weights: Array


def _population(centre: float, spread: float, sharpness: float, classes: tuple[float, ...]) -> _Population:
    away = _GRID[:, None] - centre - spread * _NODES
    density = (expit(away) * expit(-away)) @ _WEIGHTS
    density /= density.sum()
    blocks = []
    num_classes = len(classes)
    for label in range(num_classes):
        for rival in (one for one in range(num_classes) if one != label):
            labels, rivals = (np.full(len(_GRID), one) for one in (label, rival))
            weights = density * classes[label] / (num_classes - 1)
            chances = np.exp(_log_probabilities(_GRID, labels, rivals, num_classes, sharpness))
            blocks.append((chances, labels, weights))
    return _Population(*(np.concatenate(one) for one in zip(*blocks, strict=True)))


def _of_one_seed(centre: float, spread: float, sharpness: float, classes: tuple[float, ...], metric: str) -> float:
    from sklearn.metrics import f1_score, roc_auc_score

    chances, labels, weights = _population(centre, spread, sharpness, classes)
    chosen = chances.argmax(axis=1)
    right = chances[np.arange(len(labels)), labels]
    match metric:
        case "accuracy" | "balanced_accuracy":
            # All classes are alike.
            return float((chosen == labels) @ weights)
        case "macro_f1":
            return float(f1_score(labels, chosen, average="macro", sample_weight=weights))
        case "cross_entropy" | "error":
            return float(-np.log(np.maximum(right, 1e-12)) @ weights)
        case "brier":
            return float((np.square(chances).sum(axis=1) - 2 * right + 1) @ weights)
        case "auroc":
            scores = chances[:, 1] if len(classes) == 2 else chances
            return float(roc_auc_score(labels, scores, sample_weight=weights, multi_class="ovr"))
        case "calibration_error":
            sure = chances.max(axis=1)
            gaps = np.histogram(sure, _BINS, (0, 1), weights=weights * (sure - (chosen == labels)))[0]
            return float(np.abs(gaps).sum())
    raise ValueError(metric)
