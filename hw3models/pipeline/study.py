"""What a study compares, and by what: families, recipe and metric, chosen where they are not given."""

from collections.abc import Sequence
from typing import NamedTuple

from hw3models.errors import SpecError
from hw3models.evaluation.metrics import METRICS, default_metric
from hw3models.families import FAMILIES, Network, find_family, recipe_of
from hw3models.families.family import Task
from hw3models.specs import Kind, StudyKind, StudySpec


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
    task: Task = "reconstruction" if study == "autoencoder" else "classification"
    kind: Kind = "sequences" if study == "sequences" else "images"
    families = default_families(kind, task) if spec.families is None else spec.families
    check_families(kind, task, families)
    check_recipe(kind, families, spec.recipe)
    metric = spec.metric or default_metric(metrics_for(task))
    check_metric(task, metric)
    if spec.tune is not None and not any(isinstance(find_family(kind, name), Network) for name in families):
        raise SpecError(f"`tune` ({spec.tune}) searches for recipes of networks, and {', '.join(families)} has none.")
    return Choice(kind, families, metric)


def default_families(kind: Kind, task: Task) -> tuple[str, ...]:
    """Networks first, then the baselines that stand in every comparison (ROCKET, and not its like MiniROCKET)."""
    known = [name for name, family in FAMILIES[kind].items() if family.task == task]
    return tuple(name for name in known if name != "minirocket")


def check_families(kind: Kind, task: Task, families: Sequence[str]) -> None:
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
        if family.task != task:
            fitting = ", ".join(default_families(kind, task))
            faults.append(f"`families`: {name} is for {family.task}, this study is {task}; fitting: {fitting}.")
    if twice := [name for name in dict.fromkeys(families) if list(families).count(name) > 1]:
        faults.append(f"`families` names {', '.join(twice)} more than once.")
    if not families:
        faults.append("`families` is empty.")
    if faults:
        raise SpecError(" ".join(faults))


def metrics_for(task: Task) -> list[str]:
    """The metrics that families of that task can be compared by, in the order of tables."""
    classifies = task == "classification"
    return [name for name, metric in METRICS.items() if (metric.needs == "probabilities") == classifies]


def check_metric(task: Task, name: str) -> None:
    """Can families of that task be compared by it?

    Raises:
        SpecError: they cannot.
    """
    fitting = metrics_for(task)
    if name not in fitting:
        raise SpecError(f"`metric` {name!r} is not known for {task}; known: {', '.join(fitting)}.")


def check_recipe(kind: Kind, families: Sequence[str], name: str) -> None:
    """Has every network a recipe of that name?

    Raises:
        SpecError: one has not.
    """
    for family in (find_family(kind, family) for family in families):
        if isinstance(family, Network):
            recipe_of(family, name)
