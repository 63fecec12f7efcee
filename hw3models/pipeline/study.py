"""What a study compares, and by what: families, recipe and metric, chosen where they are not given."""

from collections.abc import Sequence
from typing import NamedTuple

from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import ensemble_of, family_of
from hw3models.evaluation.metrics import default_metric
from hw3models.families import (
    Network,
    enter,
    find_family,
    fitting_families,
    is_reference,
    origin_of,
    predicting_numbers,
    recipe_of,
)
from hw3models.objectives import CLASSIFICATION, OBJECTIVES, RECONSTRUCTION, REGRESSION, Objective
from hw3models.printable import few
from hw3models.specs import Kind, StudyKind, StudySpec, Task


class Choice(NamedTuple):
    """What a study compares, and by what."""

    kind: Kind
    families: tuple[str, ...]
    metric: str
    objective: Objective


def check_study(study: StudyKind, spec: StudySpec, task: Task = "classification") -> Choice:
    """What is not given is chosen; what is given is checked, before anything is read or trained.

    Raises:
        SpecError: families, recipe or metric do not fit, or there is nothing to tune.
    """
    if study == "autoencoder" and task != CLASSIFICATION.name:
        raise SpecError(f"`task` is {task}, and autoencoders give back images, whatever their labels. Leave it out.")
    objective = RECONSTRUCTION if study == "autoencoder" else OBJECTIVES[task]
    kind: Kind = "sequences" if study == "sequences" else "images"
    families = default_families(kind, objective) if spec.families is None else enter_all(kind, spec.families)
    check_families(kind, objective, families)
    check_ensembles(kind, spec, families)
    check_recipe(kind, trained_for(families), spec.recipe)
    metric = spec.metric or default_metric(objective.metrics)
    check_metric(objective, metric)
    if spec.tune is not None and not any(
        isinstance(find_family(kind, name), Network) for name in trained_for(families)
    ):
        raise SpecError(f"`tune` ({spec.tune}) searches for recipes of networks, and {few(families)} has none.")
    return Choice(kind, families, metric, objective)


def enter_all(kind: Kind, families: Sequence[str]) -> tuple[str, ...]:
    """Names of the families; those that are named by where they are have short ones from now on.

    Raises:
        SpecError: the code of some is not here, or makes nothing that can be trained; all faults together.
    """
    names: list[str] = []
    faults: list[str] = []
    plain = [family for family in families if not is_reference(family)]
    met: dict[str, str] = {}
    """What is named by where it is, however the path is spelt, and its short name."""
    for family in families:
        try:
            ensemble = ensemble_of(family)
            reference, members = (family, "") if ensemble is None else (ensemble.family, f"*{ensemble.members}")
            if not is_reference(reference):
                names.append(family)
                continue
            where = origin_of(reference).reference
            if where not in met:
                met[where] = enter(kind, reference, (*names, *plain)).name
            if met[where] + members in names:
                faults.append(f"`families` names {family} more than once.")
                continue
            names.append(met[where] + members)
        except SpecError as error:
            faults.append(str(error))
    if faults:
        raise SpecError(" ".join(faults))
    return tuple(names)


def trained_for(entries: Sequence[str]) -> tuple[str, ...]:
    """The families that must be trained for these entries of a comparison: an ensemble is of seeds of its family."""
    return tuple(dict.fromkeys(map(family_of, entries)))


def check_ensembles(kind: Kind, spec: StudySpec, entries: Sequence[str]) -> None:
    """Can ensembles be made of what is going to be trained?

    Raises:
        SpecError: of baselines or autoencoders, of too few seeds, or of replicates that were not trained alike.
    """
    for entry, ensemble in ((entry, ensemble_of(entry)) for entry in entries):
        if ensemble is None:
            continue
        family = find_family(kind, ensemble.family)
        if not isinstance(family, Network) or family.objective not in (CLASSIFICATION, REGRESSION):
            raise SpecError(
                f"`families`: {entry} is an ensemble of {ensemble.family}, which is no network that classifies or "
                "predicts a number. Leave the asterisk out."
            )
        if spec.estimand == "median":
            raise SpecError(
                f"`families`: {entry} is an ensemble, and `estimand: median` is of single networks. Leave one of the "
                "two out."
            )
        if spec.searches > 1:
            raise SpecError(
                f"`families`: {entry} would be of networks of different `searches` ({spec.searches}), whose luck its "
                "interval could not tell apart. Leave one of the two out."
            )
        if spec.seeds < ensemble.members:
            raise SpecError(
                f"`families`: {entry} needs {ensemble.members} seeds, and `seeds` is {spec.seeds}. Give `seeds` of at "
                f"least {ensemble.members}, or a smaller ensemble."
            )
        if spec.until_decided:
            raise SpecError(
                f"`until_decided` adds seeds to networks, and {entry} is an ensemble of a fixed number of them. Leave "
                "one of the two out."
            )
        if spec.resampling != "seed":
            raise SpecError(
                f"`families`: {entry} needs networks that were trained on the same examples and tested on the same. "
                f"Use `resampling: seed` instead of {spec.resampling}, or leave the ensemble out."
            )


def default_families(kind: Kind, objective: Objective) -> tuple[str, ...]:
    """Networks first, then the baselines that stand in every comparison.

    What the size of the data changes about them is decided when they are there (`hw3models.pipeline.defaults`).
    """
    return tuple(name for name, family in fitting_families(kind, objective).items() if family.in_default)


def check_families(kind: Kind, objective: Objective, families: Sequence[str]) -> None:
    """All faults of a choice of families at once, before anything is trained.

    Raises:
        SpecError: a name is not known for these data, or does another task, or stands twice.
    """
    faults = []
    for name in trained_for(families):
        try:
            family = find_family(kind, name)
        except SpecError as error:
            faults.append(str(error))
            continue
        if objective is REGRESSION:
            family = predicting_numbers(family)
        if family.objective is not objective:
            fitting = ", ".join(fitting_families(kind, objective))
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
        raise SpecError(f"`metric` {name!r} is not known for {objective.name}; known: {few(objective.metrics)}.")


def check_recipe(kind: Kind, families: Sequence[str], name: str) -> None:
    """Has every network a recipe of that name?

    Raises:
        SpecError: one has not.
    """
    for family in (find_family(kind, family) for family in families):
        if isinstance(family, Network):
            recipe_of(family, name)
