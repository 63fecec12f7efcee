"""Which comparisons are simulated: every condition that a verdict was ever found to be wrong under, and plain ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product, zip_longest
from typing import Literal

from hw3models.simulation.worlds import Family, World, as_good_as, truth
from hw3models.specs import Estimand

Kind = Literal["verdicts", "margin", "take", "looks", "power"]
OTHER_METRICS = ("balanced_accuracy", "macro_f1", "cross_entropy", "auroc", "brier", "calibration_error")
SKEWED = (0.5, 0.3, 0.2)
RARE = (0.94, 0.03, 0.03)
"""Classes of which a test split of 200 holds six examples or so."""
FEW = 10
"""Examples of a class with which it is rare."""
LADDER = (0.90, 0.88, 0.86, 0.86, 0.80, 0.76)
"""True accuracies between which a family is chosen."""
CEILING = 0.98
"""Accuracies from here on are near the ceiling."""
QUICK = ("alike", "deterministic", "skewed classes, different", "at the margin", "choice", "groups", "4 alike")
"""How the names of those begin that are tried in a hurry."""


@dataclass(frozen=True)
class Cell:
    """One kind of comparison."""

    name: str
    world: World
    metric: str = "accuracy"
    kind: Kind = "verdicts"
    margin: float | None = None
    """None: so small that nothing is equivalent, and the interval of two families is the 95% one."""
    estimand: Estimand = "mean"
    share: float = 1.0
    """Share of the repeats: dear cells have fewer."""

    @property
    def title(self) -> str:
        """All that it is told apart by."""
        world = self.world
        median = "median " if self.estimand == "median" else ""
        text = f"{self.name}; {median}{self.metric}; S = {world.seeds}, n = {world.examples:,}"
        if world.searches > 1:
            text += f" ({world.searches} searches)"
        if world.group_size > 1:
            text += f" ({self.num_groups} groups), ICC {world.icc:g}"
        return text

    @property
    def num_groups(self) -> int:
        """Groups of test examples; 0 where each stands for itself."""
        groups = self.world.groups
        return 0 if groups is None else int(groups[-1]) + 1

    @property
    def fewest(self) -> int:
        """What counts as independent trainings of the family that has fewest."""
        world = self.world
        if world.searches > 1:
            return world.searches
        return min((world.seeds_of(one) for one in world.families if not one.deterministic), default=world.seeds)

    @property
    def exception(self) -> str:
        """Why the promises do not count here; nothing where they do."""
        world = self.world
        if self.estimand == "mean" and any(family.collapse for family in world.families):
            return "seeds collapse: five seeds cannot show a rate of 10 to 20%; the report counts collapses instead"
        if any(family.search for family in world.families) and world.searches == 1:
            return "one search, whose luck is in no interval: the report says so"
        if world.examples < 100:
            return "fewer than 100 test examples"
        if 0 < self.num_groups < 20:
            return "fewer than 20 groups, which the report says"
        if world.giant:
            return "one group has half of the examples, which the report says"
        return ""

    @property
    def is_conservative(self) -> bool:
        """Near the ceiling and in rare classes few examples tell anything, and false alarms are rarer than they may be;
        so with medians, whose limits step from seed to seed, with AUROC of few groups, and where only some families are
        equal, since the level is shared by all pairs."""
        world = self.world
        if self.estimand == "median" or min(world.classes) * world.examples < FEW:
            return True
        if self.metric == "auroc" and world.group_size > 1:
            return True
        if len(world.families) > 2 and len({round(one, 9) for one in self.truths}) > 1:
            return True
        return any(family.accuracy >= CEILING for family in self.world.families)

    @property
    def truths(self) -> list[float]:
        """The true value of each family."""
        return [truth(family, self.metric, self.world.classes, self.estimand) for family in self.world.families]


def cells() -> Iterator[Cell]:
    """All of them, one of each kind in turn: a run that ends early has seen every kind."""
    kinds = (
        _plain,
        _unlike,
        _groups,
        _metrics,
        _choice,
        _at_the_margin,
        _ceiling,
        _many,
        _power,
        _tails,
        _looks,
        _collapse,
        _searched,
        _median,
        _unequal,
        _rare,
        _values,
    )
    for turn in zip_longest(*(kind() for kind in kinds)):
        yield from (cell for cell in turn if cell is not None)


def quick_cells() -> list[Cell]:
    """A few of them, that take a minute in all."""
    quick = [one for one in cells() if one.world.seeds == 5 and one.world.examples in (50, 100, 400)]
    return [one for one in quick if one.name.startswith(QUICK)]


def _twice(accuracy: float = 0.85, seed: float = 0.3) -> tuple[Family, Family]:
    return Family(accuracy, seed), Family(accuracy, seed)


STEADY_AND_LIVELY = (Family(0.85, 0.1), Family(0.85, 1.5))
DIFFERENT = (Family(0.9, 0.3), Family(0.8, 1.0))


def _plain() -> Iterator[Cell]:
    for seeds, examples in product((3, 5, 10, 30), (30, 100, 1000, 10_000)):
        share = min(1.0, 300_000 / (seeds * examples) / 6)
        yield Cell("alike", World(_twice(), seeds, examples), share=share)
        yield Cell("different", World(DIFFERENT, seeds, examples), share=share)
    for seeds, examples in product((5, 10), (100, 1000)):
        yield Cell("alike, seeds hardly vary", World(_twice(seed=0.1), seeds, examples))
        yield Cell("alike, lively seeds", World(_twice(seed=1.5), seeds, examples))


def _unlike() -> Iterator[Cell]:
    for seeds, examples in product((3, 5, 10, 30), (100, 1000, 10_000)):
        if seeds * examples <= 100_000:
            share = 0.5 if seeds * examples > 20_000 else 1.0
            yield Cell("steady and lively", World(STEADY_AND_LIVELY, seeds, examples), share=share)
    for seeds, examples, seed in product((3, 5, 10), (100, 1000), (0.5, 1.5)):
        families = (Family(0.85, deterministic=True), Family(0.85, seed))
        yield Cell(f"deterministic and seeds of {seed:g}", World(families, seeds, examples))


def _unequal() -> Iterator[Cell]:
    """Families with unequal numbers of seeds."""
    steady, lively = STEADY_AND_LIVELY
    for few, many, examples in product((3, 5), (10, 30), (100, 1000)):
        few_lively = (replace(lively, trained=few), replace(steady, trained=many))
        yield Cell(f"{few} lively and {many} steady seeds", World(few_lively, few, examples))
        both = (replace(lively, trained=few), replace(lively, trained=many))
        yield Cell(f"{few} and {many} lively seeds", World(both, few, examples))
    every = (replace(lively, trained=3), replace(steady, trained=10), lively, Family(0.85, deterministic=True))
    yield Cell("4 with 3, 10, 5 seeds and none", World(every, 5, 400), share=0.5)
    kinds = (Family(0.85, deterministic=True),) * 3 + (Family(0.85, 1.2),) * 4
    for seeds in (3, 5):
        yield Cell("7, three deterministic, four lively", World(kinds, seeds, 400), share=0.5)


def _rare() -> Iterator[Cell]:
    """Metrics that mean over classes, where a test split holds a few examples of some."""
    for metric in OTHER_METRICS:
        world = World(_twice(), 5, 200, classes=RARE)
        yield Cell("rare classes, alike", world, metric)
        yield Cell("rare classes, different", replace(world, families=(Family(0.95, 0.3), Family(0.85, 1.0))), metric)
    for metric in ("accuracy", "balanced_accuracy", "macro_f1"):
        world = World((Family(0.6), Family(0.6)), 5, 600, classes=(0.005,) * 200)
        yield Cell("200 classes, alike", world, metric, share=0.3)


def _values() -> Iterator[Cell]:
    """An error per example, and no more: lopsided, with long tails."""
    mild = Family(0.8, sharpness=0.4)
    overconfident = as_good_as(mild, Family(0.9, sharpness=2.0), "cross_entropy")
    for seeds, examples in product((3, 5, 10), (100, 1000)):
        yield Cell("values, alike", World(_twice(), seeds, examples), "error")
        yield Cell("values, different", World(DIFFERENT, seeds, examples), "error")
        yield Cell("values, long and short tails", World((overconfident, mild), seeds, examples), "error")


def _ceiling() -> Iterator[Cell]:
    for accuracy, seeds, examples in product((0.98, 0.994), (3, 5, 10), (100, 1000, 10_000)):
        share = 0.4 if examples == 10_000 else 1.0
        if examples == 10_000 and seeds != 5:
            continue
        name = f"{100 * accuracy:g}% right"
        yield Cell(f"{name}, alike", World(_twice(accuracy), seeds, examples), share=share)
        unlike = (Family(accuracy, 0.1), Family(accuracy, 1.5))
        yield Cell(f"{name}, steady and lively", World(unlike, seeds, examples), share=share)
        fixed = (Family(accuracy, deterministic=True), Family(accuracy, 1.5))
        yield Cell(f"{name}, deterministic and lively", World(fixed, seeds, examples), share=share)


def _groups() -> Iterator[Cell]:
    for icc, num in product((0.0, 0.2, 0.35, 0.5), (10, 20, 50)):
        yield Cell("groups, alike", World(_twice(), 5, 20 * num, group_size=20, icc=icc))
    for icc, seeds in product((0.2, 0.5), (3, 5, 10)):
        yield Cell("groups, steady and lively", World(STEADY_AND_LIVELY, seeds, 400, group_size=20, icc=icc))
        yield Cell("groups, different", World(DIFFERENT, seeds, 400, group_size=20, icc=icc))
    for icc in (0.1, 0.35):
        yield Cell("a giant group, alike", World(_twice(), 5, 600, group_size=10, giant=0.5, icc=icc))
    for metric in OTHER_METRICS:
        world = World(_twice(), 5, 400, group_size=20, icc=0.35, classes=SKEWED)
        yield Cell("groups, alike", world, metric, share=0.6)
        yield Cell("groups, different", replace(world, families=DIFFERENT), metric, share=0.6)


def _collapse() -> Iterator[Cell]:
    for chance, seeds in product((0.1, 0.2), (5, 10)):
        families = (Family(0.85), Family(0.85, collapse=chance))
        yield Cell(f"both collapse {chance:.0%}", World((families[1],) * 2, seeds, 1000))


def _many() -> Iterator[Cell]:
    for num, examples in product((3, 5, 7), (100, 1000)):
        yield Cell(f"{num} alike", World(_twice()[:1] * num, 5, examples), share=0.4)
    for examples in (100, 1000):
        yield Cell("4 steady and lively", World(STEADY_AND_LIVELY * 2, 5, examples), share=0.5)
        mixed = tuple(Family(one) for one in (0.9, 0.9, 0.88, 0.85, 0.85, 0.8, 0.7))
        yield Cell("7, two pairs equal", World(mixed, 5, examples), share=0.4)
        kinds = (Family(0.85, deterministic=True), Family(0.85, 0.1), Family(0.85, 1.0), Family(0.85, 1.5))
        yield Cell("4, one deterministic", World(kinds, 5, examples), share=0.5)
    yield Cell("4 alike", World(_twice()[:1] * 4, 10, 1000), "macro_f1", share=0.5)
    yield Cell("4 alike", World(_twice()[:1] * 4, 5, 100), "cross_entropy", share=0.5)


def _metrics() -> Iterator[Cell]:
    steady, lively = STEADY_AND_LIVELY
    for metric, examples in product(OTHER_METRICS, (30, 100, 1000)):
        share = 0.6 if metric == "auroc" else 1.0
        for name, classes in (("two classes", (0.5, 0.5)), ("skewed classes", SKEWED)):
            world = World(_twice(), 5, examples, classes=classes)
            yield Cell(f"{name}, alike", world, metric, share=share)
            yield Cell(f"{name}, different", replace(world, families=DIFFERENT), metric, share=share)
        if metric != "calibration_error" and examples > 30:
            equal = (steady, as_good_as(steady, lively, metric))
            yield Cell("two classes, steady and lively", World(equal, 5, examples), metric, share=share)
    for metric, examples in product(OTHER_METRICS, (100, 1000)):
        ceiling = (Family(0.98), Family(0.98, 1.0))
        yield Cell("98% right, unlike", World(ceiling, 5, examples, classes=SKEWED), metric, share=0.5)
        yield Cell("different", World(DIFFERENT, 10, examples, classes=SKEWED), metric, share=0.5)
        yield Cell("different", World(DIFFERENT, 3, examples, classes=SKEWED), metric, share=0.5)


def _tails() -> Iterator[Cell]:
    mild = Family(0.8, sharpness=0.4)
    overconfident = as_good_as(mild, Family(0.9, sharpness=2.0), "cross_entropy")
    for seeds, examples in product((3, 5, 10), (30, 100, 1000)):
        yield Cell("overconfident and mild", World((overconfident, mild), seeds, examples), "cross_entropy")


def _at_the_margin() -> Iterator[Cell]:
    """The difference is the margin: "equivalent" is wrong."""
    for seeds, examples, seed in product((3, 5, 10), (100, 1000), (0.1, 0.5)):
        world = World((Family(0.86, 0.1), Family(0.86, seed)), seeds, examples)
        yield Cell(f"at the margin, seeds of {seed:g}", world, kind="margin")
    yield Cell("at the margin, alike", World(_twice(), 5, 10_000), kind="margin", share=0.4)
    for seeds, examples in product((5, 10), (100, 1000)):
        yield Cell("nine pairs at the margin", World(_twice()[:1] * 6, seeds, examples), kind="margin", share=0.4)
    fixed = (Family(0.86, deterministic=True), Family(0.86, 0.5))
    yield Cell("at the margin, deterministic", World(fixed, 5, 1000), kind="margin")
    for icc in (0.2, 0.5):
        world = World(_twice(), 5, 1000, group_size=20, icc=icc)
        yield Cell("at the margin, groups", world, kind="margin")
    for metric, examples in product(OTHER_METRICS, (100, 1000)):
        if metric != "calibration_error":
            world = World(_twice(0.88), 5, examples, classes=SKEWED)
            yield Cell("at the margin, skewed classes", world, metric, kind="margin", share=0.5)
    for metric, examples in product(("accuracy", "balanced_accuracy", "macro_f1"), (40, 100, 1000)):
        yield Cell("99.9 and 99.4% right", World((Family(0.999), Family(0.994)), 5, examples), metric, margin=0.005)


def _choice() -> Iterator[Cell]:
    for seeds, examples in product((3, 5, 10), (50, 100, 400)):
        world = World(tuple(Family(one) for one in LADDER), seeds, examples)
        yield Cell("choice among six", world, kind="take", margin=0.005, share=0.5)


def _searched() -> Iterator[Cell]:
    """Recipes that were searched for: seeds of one search share its luck."""
    alike, quiet, lively = Family(0.85, search=0.7), Family(0.85, search=0.1), Family(0.85, search=1.2)
    for seeds, searches in ((5, 5), (10, 5), (30, 10), (6, 3)):
        for examples in (100, 1000):
            yield Cell("searches, alike", World((alike, alike), seeds, examples, searches=searches))
            yield Cell("searches, quiet and lively", World((quiet, lively), seeds, examples, searches=searches))
    untuned = Family(0.85, 0.3)
    yield Cell("searches against no search", World((untuned, lively), 10, 1000, searches=5))
    for examples in (100, 1000):
        yield Cell("searches, alike", World((alike, alike), 10, examples, searches=5), "macro_f1")
    yield Cell("one search, alike", World((alike, alike), 10, 1000))
    yield Cell("5 alike after searches", World((alike,) * 5, 10, 1000, searches=5), share=0.5)


def _median() -> Iterator[Cell]:
    """The median over seeds, where some collapse and where none does."""
    steady, lively = STEADY_AND_LIVELY
    for seeds, examples, chance in product((5, 10, 30), (100, 1000), (0.0, 0.1, 0.2)):
        alike = Family(0.85, collapse=chance)
        yield Cell(f"both collapse {chance:.0%}", World((alike, alike), seeds, examples), estimand="median")
        equal = as_good_as(steady, replace(lively, collapse=chance), "accuracy", estimand="median")
        name = f"steady, and lively that collapse {chance:.0%}"
        yield Cell(name, World((steady, equal), seeds, examples), estimand="median")
    yield Cell("alike", World((lively, lively), 3, 1000), estimand="median")
    yield Cell("alike", World((lively, lively), 10, 1000), "macro_f1", estimand="median")
    yield Cell(
        "5 alike, collapse 10%", World((Family(0.85, collapse=0.1),) * 5, 10, 1000), estimand="median", share=0.5
    )


def _looks() -> Iterator[Cell]:
    for name, families in {
        "alike": _twice(),
        "lively seeds": _twice(seed=1.5),
        "steady and lively": STEADY_AND_LIVELY,
    }.items():
        yield Cell(f"looks, {name}", World(families, 50, 400), kind="looks", share=0.5)


def _power() -> Iterator[Cell]:
    for seeds, seed in product((5, 10), (0.1, 0.3, 1.0)):
        yield Cell(f"power, seeds of {seed:g}", World(_twice(seed=seed), seeds, 1000), kind="power")
