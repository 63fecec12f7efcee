"""Which families are compared where nobody names them, and which of them fit into a budget of time.

Nothing is left out without a word, and whoever is compared has as many seeds as the others.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hw3models.data import load_prepared
from hw3models.engine.examination import estimated_seconds
from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import family_of, named_ensemble
from hw3models.evaluation.wording import listed
from hw3models.families import FAMILIES, Network, display_name, find_family, fitting_families, recipe_of
from hw3models.objectives import Objective
from hw3models.specs import DataReport, StudySpec, TrainSpec

ROCKET_STEPS = 50_000
"""Time steps of all series together up to which ROCKET stands in the default: five seeds of it take half a minute then,
on two cores. For more MiniROCKET takes its place, which is 20 times as fast and as accurate on archives; on the motif
and order regimes it is far behind (docs/decisions/0031)."""
ROCKETS = {"rocket": "minirocket", "rocket-regressor": "minirocket-regressor"}
"""ROCKETs, and what takes their place."""
ROCKET_SECONDS = 1.3e-4
"""What ROCKET takes for one of these steps, on two cores; the estimate that a budget is held against."""
FEW_IMAGES = 10_000
"""Training images up to which a residual network stands in the default: five seeds take minutes then, on two cores."""
TAKEN_FIRST = ("cnn", "lite", "inception", "gru", "resnet", "mlp", "lstm", "fcn", "tcn", "transformer")
"""The order in which a budget takes networks for series: those that answer best for what they cost first."""
NOT_COMPARED = "Not compared, for what they cost:"
"""How the note begins that says what the default leaves out, which is no warning."""
MARGIN = 1.2
"""Scoring validation examples, building and predicting come on top of the steps."""


class Chosen(NamedTuple):
    """The entries of a comparison, and what is said about those that are not in it."""

    entries: tuple[str, ...]
    notes: tuple[str, ...] = ()


def fitting_entries(entries: Sequence[str], data: DataReport, spec: StudySpec, objective: Objective) -> Chosen:
    """What is compared in a study of these data; `entries` are the user's own, or the default before data are known.

    Raises:
        SpecError: no network fits into the budget.
    """
    chosen = Chosen(tuple(entries))
    if spec.families is None:
        chosen = _by_size(entries, data, spec)
    if spec.budget_seconds is None:
        return chosen
    candidates = chosen.entries if spec.families is not None else _with_all_networks(chosen.entries, data, objective)
    within = within_budget(candidates, data, spec, spec.budget_seconds)
    return Chosen(within.entries, (*chosen.notes, *within.notes))


def _by_size(entries: Sequence[str], data: DataReport, spec: StudySpec) -> Chosen:
    """The default for so many series of that length, and the ensembles that stand in it."""
    names, notes = list(entries), []
    steps = (data.num_train + data.num_validation + data.num_test) * data.shape[0]
    rocket = next((name for name in names if name in ROCKETS), None)
    if rocket is not None and data.kind == "sequences" and steps > ROCKET_STEPS:
        names[names.index(rocket)] = ROCKETS[rocket]
        notes.append(
            f"MiniROCKET stands for ROCKET, whose 10,000 kernels would take about "
            f"{_told(spec.seeds * steps * ROCKET_SECONDS)} on {steps:,} time steps; name {rocket} to have it."
        )
    if "resnet" in names and data.kind == "images" and data.num_train > FEW_IMAGES:
        names.remove("resnet")
    for name in list(names):
        family = find_family(data.kind, name, task=data.task)
        members = family.default_ensemble if isinstance(family, Network) else 0
        if members and spec.seeds >= members and spec.resampling == "seed" and not spec.until_decided:
            names.insert(names.index(name) + 1, f"{name}*{members}")
    others = _others(data, names)
    if others and spec.budget_seconds is None:
        notes.append(f"{NOT_COMPARED} {listed([display_name(one) for one in others])}. Name them, or give a `budget`.")
    return Chosen(tuple(names), tuple(notes))


def _others(data: DataReport, names: Sequence[str]) -> list[str]:
    """Networks that do what the first one does and are not among the names."""
    known = {name: find_family(data.kind, name, task=data.task) for name in FAMILIES[data.kind]}
    networks = {name: family for name, family in known.items() if isinstance(family, Network)}
    doing = {networks[name].objective.name for name in names if name in networks}
    return [name for name, family in networks.items() if name not in names and family.objective.name in doing]


def _with_all_networks(entries: Sequence[str], data: DataReport, objective: Objective) -> list[str]:
    """All networks for these data, those first that answer best for what they cost, each with its ensemble; then the
    default's baselines."""
    networks = [name for name, family in fitting_families(data.kind, objective).items() if isinstance(family, Network)]
    ranks = {name: rank for rank, name in enumerate(TAKEN_FIRST)}
    networks.sort(key=lambda name: ranks.get(name, len(ranks)))
    rest = [name for name in entries if name not in networks and named_ensemble(name) is None]
    ensembles = {one.family: name for name in entries if (one := named_ensemble(name)) is not None}
    return [*(name for family in networks for name in (family, ensembles.get(family)) if name is not None), *rest]


def within_budget(entries: Sequence[str], data: DataReport, spec: StudySpec, seconds: float) -> Chosen:
    """Entries whose whole training, of all seeds by the whole recipe, fits into `seconds`, one after another.

    A step of each network is timed on this machine.

    Raises:
        SpecError: no network fits.
    """
    left, taken, out = seconds, dict[str, float](), dict[str, float]()
    for family in _baselines_first(entries, data):
        cost = _seconds(family, data, spec)
        if cost <= left:
            taken[family], left = cost, left - cost
        else:
            out[family] = cost
    if out and not any(isinstance(find_family(data.kind, name, task=data.task), Network) for name in taken):
        cheapest = min(out, key=lambda name: out[name])
        raise SpecError(
            f"`budget` {spec.budget} is too short for any network: {display_name(cheapest)} with {spec.seeds} seeds "
            f"takes about {_told(out[cheapest])} here. Give more time, or fewer `seeds`."
        )
    kept = tuple(name for name in entries if family_of(name) in taken)
    notes = [f"Training was estimated at {_told(sum(taken.values()))} of the budget of {spec.budget}."]
    if out:
        told = [f"{display_name(name)} (about {_told(cost)})" for name, cost in out.items()]
        notes.append(f"Left out, for they would not have fitted: {listed(told)}.")
    return Chosen(kept, tuple(notes))


def _baselines_first(entries: Iterable[str], data: DataReport) -> list[str]:
    families = list(dict.fromkeys(map(family_of, entries)))
    return sorted(families, key=lambda name: isinstance(find_family(data.kind, name, task=data.task), Network))


def _seconds(name: str, data: DataReport, spec: StudySpec) -> float:
    """Time of all seeds. Of baselines only ROCKET takes long; estimators from outside are known when they are fit."""
    family = find_family(data.kind, name, task=data.task)
    if not isinstance(family, Network):
        steps = (data.num_train + data.num_validation + data.num_test) * data.shape[0]
        return spec.seeds * steps * ROCKET_SECONDS if name in ROCKETS else 0.0
    recipe = spec.own_recipe or recipe_of(family, spec.recipe)
    if spec.epochs is not None:
        recipe = recipe.model_copy(update={"epochs": spec.epochs, "min_examples": 0})
    seeds = tuple(range(spec.first_seed, spec.first_seed + spec.seeds))
    training = TrainSpec(
        family=name, origin=family.origin, seeds=seeds, recipe=recipe, device=spec.device, strategy=spec.strategy
    )
    return MARGIN * estimated_seconds(family, load_prepared(data), training)


def _told(seconds: float) -> str:
    """`8 s`, `3 min`, `1.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
