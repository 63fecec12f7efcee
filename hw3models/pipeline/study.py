"""What a study compares, and by what: families, recipe and metric, chosen where they are not given."""

from collections.abc import Sequence
from typing import NamedTuple

from hw3models.errors import SpecError
from hw3models.evaluation.metrics import default_metric
from hw3models.families import FAMILIES, Network, enter, find_family, is_reference, origin_of, recipe_of
from hw3models.objectives import CLASSIFICATION, RECONSTRUCTION, Objective
from hw3models.specs import DataReport, Kind, StudyKind, StudySpec

FEW_IMAGES = 10_000
"""Training images up to which a residual network stands in a comparison that nobody has chosen."""
_ON_REQUEST = ("minirocket", "vit", "conv-autoencoder")
"""They cost much, or are like another."""
_FOR_FEW = ("resnet",)


class Choice(NamedTuple):
    """What a study compares, and by what."""

    kind: Kind
    families: tuple[str, ...]
    metric: str


def check_study(study: StudyKind, spec: StudySpec) -> Choice:
    """What is not given is chosen; what is given is checked, before anything is read or trained.

    Raises:
        SpecError: families, recipe or metric do not fit, or there is nothing to tune.
    """
    objective = RECONSTRUCTION if study == "autoencoder" else CLASSIFICATION
    kind: Kind = "sequences" if study == "sequences" else "images"
    families = default_families(kind, objective) if spec.families is None else enter_all(kind, spec.families)
    check_families(kind, objective, families)
    check_recipe(kind, families, spec.recipe)
    metric = spec.metric or default_metric(objective.metrics)
    check_metric(objective, metric)
    if spec.tune is not None and not any(isinstance(find_family(kind, name), Network) for name in families):
        raise SpecError(f"`tune` ({spec.tune}) searches for recipes of networks, and {', '.join(families)} has none.")
    return Choice(kind, families, metric)


def enter_all(kind: Kind, families: Sequence[str]) -> tuple[str, ...]:
    """Names of the families; those that are named by where they are have short ones from now on.

    Raises:
        SpecError: the code of some is not here, or makes nothing that can be trained; all faults together.
    """
    names: list[str] = []
    faults: list[str] = []
    plain = [family for family in families if not is_reference(family)]
    met: set[str] = set()
    for family in families:
        try:
            if not is_reference(family):
                names.append(family)
                continue
            # However the path is spelt.
            where = origin_of(family).reference
            if where in met:
                faults.append(f"`families` names {family} more than once.")
                continue
            met.add(where)
            names.append(enter(kind, family, (*names, *plain)).name)
        except SpecError as error:
            faults.append(str(error))
    if faults:
        raise SpecError(" ".join(faults))
    return tuple(names)


def default_families(kind: Kind, objective: Objective) -> tuple[str, ...]:
    """Networks first, then the baselines that stand in every comparison (ROCKET, and not its like MiniROCKET)."""
    known = [name for name, family in FAMILIES[kind].items() if family.objective is objective]
    return tuple(name for name in known if name not in _ON_REQUEST)


def suited(families: tuple[str, ...], spec: StudySpec, data: DataReport) -> tuple[str, ...]:
    """What is compared on these data; families that were chosen for the user only where they end in minutes."""
    if spec.families is not None or data.kind != "images" or data.num_train <= FEW_IMAGES:
        return families
    return tuple(name for name in families if name not in _FOR_FEW)


def check_families(kind: Kind, objective: Objective, families: Sequence[str]) -> None:
    """All faults of a choice of families at once, before anything is trained.

    Raises:
        SpecError: a name is not known for these data, does another task, or stands twice.
    """
    faults = []
    for name in dict.fromkeys(families):
        try:
            family = find_family(kind, name)
        except SpecError as error:
            faults.append(str(error))
            continue
        if family.objective is not objective:
            fitting = ", ".join(default_families(kind, objective))
            does = f"{name} is for {family.objective.name}, this study is {objective.name}"
            faults.append(f"`families`: {does}; fitting: {fitting}.")
    if twice := [name for name in dict.fromkeys(families) if list(families).count(name) > 1]:
        faults.append(f"`families` names {', '.join(twice)} more than once.")
    if not families:
        faults.append("`families` is empty.")
    if faults:
        raise SpecError(" ".join(faults))


def check_metric(objective: Objective, name: str) -> None:
    """Can families of that task be compared by it?

    Raises:
        SpecError: they cannot.
    """
    if name not in objective.metrics:
        raise SpecError(f"`metric` {name!r} is not known for {objective.name}; known: {', '.join(objective.metrics)}.")


def check_recipe(kind: Kind, families: Sequence[str], name: str) -> None:
    """Has every network a recipe of that name?

    Raises:
        SpecError: one has not.
    """
    for family in (find_family(kind, family) for family in families):
        if isinstance(family, Network):
            recipe_of(family, name)
