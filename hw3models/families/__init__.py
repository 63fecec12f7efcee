"""The registry. A new family is one file, and one line in `_ALL`; others come from outside."""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from hw3models.errors import SpecError
from hw3models.evaluation.ensembles import named_ensemble
from hw3models.evaluation.facts import FamilyFacts
from hw3models.families import (
    aeon_baselines,
    autoencoder,
    baselines,
    cnn,
    conv_autoencoder,
    fcn,
    gru,
    image_baselines,
    image_cnn,
    image_resnet,
    inception,
    lite,
    lstm,
    mlp,
    regressors,
    resnet,
    tcn,
    transformer,
    vit,
)
from hw3models.families.family import Baseline, Family, Network, recipe_of
from hw3models.families.outside import GROUP, is_reference, load_family, long_name, offered, origin_of, short_name
from hw3models.families.pretrained import family_of_backbone, is_pretrained
from hw3models.objectives import CLASSIFICATION, REGRESSION, Objective
from hw3models.objectives.regression import own_recipe
from hw3models.printable import few
from hw3models.specs import Kind, Task
from hw3models.specs.model import ModelManifest
from hw3models.specs.origin import Origin

__all__ = [
    "FAMILIES",
    "Baseline",
    "Family",
    "Network",
    "display_name",
    "enter",
    "facts_of",
    "family_of",
    "find_family",
    "fitting_families",
    "identity_of",
    "is_reference",
    "offered",
    "origin_of",
    "predicting_numbers",
    "recipe_of",
]

_ALL: tuple[Family, ...] = (
    mlp.IMAGES,
    image_cnn.IMAGES,
    image_resnet.IMAGES,
    vit.IMAGES,
    autoencoder.IMAGES,
    conv_autoencoder.IMAGES,
    mlp.SEQUENCES,
    cnn.SEQUENCES,
    lstm.SEQUENCES,
    gru.SEQUENCES,
    inception.SEQUENCES,
    resnet.SEQUENCES,
    fcn.SEQUENCES,
    lite.SEQUENCES,
    tcn.SEQUENCES,
    transformer.SEQUENCES,
    baselines.MAJORITY,
    baselines.LOGISTIC,
    image_baselines.FOREST,
    image_baselines.HOG,
    baselines.ROCKET,
    baselines.MINIROCKET,
    aeon_baselines.MULTIROCKET_HYDRA,
    aeon_baselines.QUANT,
    aeon_baselines.SUMMARY,
    baselines.PCA_CODE,
    regressors.MEAN,
    regressors.RIDGE,
    regressors.ROCKET,
    regressors.MINIROCKET,
    regressors.FOREST,
)


def _by_kind(kind: Kind) -> dict[str, Family]:
    return {f.name: f for f in _ALL if kind in (f.kinds if isinstance(f, Baseline) else (f.kind,))}


FAMILIES: dict[Kind, dict[str, Family]] = {"images": _by_kind("images"), "sequences": _by_kind("sequences")}
"""Kind of data -> name -> family."""


_outside: dict[tuple[Kind, str], Family] = {}
"""What this process has met of families from outside, by the name that they have here."""


def find_family(kind: Kind, name: str, origin: Origin | None = None, task: Task = "classification") -> Family:
    """The family `name` for data of `kind`, whose code is that of `origin` where it is from outside.

    Where numbers are to be predicted (`task`), networks that classify do that, with one output.

    Raises:
        SpecError: there is none; the message lists those there are and suggests the nearest. Or the code of `origin`
            is not here, or is other code.
    """
    found = _find(kind, name, origin)
    return predicting_numbers(found) if task == "regression" else found


def family_of(manifest: ModelManifest) -> Family:
    """The family of a kept model, for what it was trained to do.

    Raises:
        SpecError: its code is not here, or is other code.
    """
    return find_family(manifest.kind, manifest.family, manifest.origin, manifest.task)


def predicting_numbers(family: Family) -> Family:
    """A network that classifies, as one that predicts a number; what is neither stays what it is."""
    if not isinstance(family, Network) or family.objective is not CLASSIFICATION:
        return family
    named = {name: own_recipe(recipe) for name, recipe in family.named.items()}
    return replace(family, objective=REGRESSION, recipe=own_recipe(family.recipe), named=named)


def fitting_families(kind: Kind, objective: Objective) -> dict[str, Family]:
    """The families of this package that do that task, by name."""
    task: Task = "regression" if objective is REGRESSION else "classification"
    found = {name: find_family(kind, name, task=task) for name in FAMILIES[kind]}
    return {name: family for name, family in found.items() if family.objective is objective}


def _find(kind: Kind, name: str, origin: Origin | None) -> Family:
    if origin is not None:
        known = _outside.get((kind, name))
        if known is None or known.origin != origin:
            _outside[kind, name] = known = load_family(origin, name, kind)
        return known
    here = FAMILIES[kind]
    if name in here:
        return here[name]
    if (kind, name) in _outside:
        return _outside[kind, name]
    if kind == "images" and is_pretrained(name):
        return family_of_backbone(name)
    if name in offered():
        return enter(kind, f"{GROUP}:{name}")
    names = [*offered(), *here, *(("frozen-resnet18", "tuned-resnet18") if kind == "images" else ())]
    # Of names that are as near as each other (cnm: cnn, fcn, tcn) those that begin alike: few mistype the first letter.
    near = sorted(difflib.get_close_matches(name, names), key=lambda one: one[:1] != name[:1])
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SpecError(
        f"`family` {name!r} is not known for {kind}; known: {few(names)}; `hw3 families` lists all.{hint} One of "
        "your own is named by where it is, as in `./nets.py:MyNet` or `package.module:name`."
    )


def enter(kind: Kind, reference: str, taken: Collection[str] = ()) -> Family:
    """The family that `reference` names, under a short name that is not `taken`; the same name every time.

    Raises:
        SpecError: the code is not here, or makes nothing that can be trained.
    """
    origin = origin_of(reference)
    name = short_name(reference)
    used = {one.lower() for one in (*FAMILIES[kind], *offered(), *taken)} - (
        {name.lower()} if GROUP in reference else set()
    )
    if name.lower() in used:
        name = long_name(reference)
    if name.lower() in used:
        name = f"{name}-{hashlib.sha256(origin.reference.encode()).hexdigest()[:4]}"
    return find_family(kind, name, origin)


def identity_of(name: str) -> str:
    """The digest or version of the code of a family from outside; empty for those of this package.

    Raises:
        SpecError: its code is not here.
    """
    if is_reference(name):
        return origin_of(name).identity
    ours = any(name in families for families in FAMILIES.values())
    return "" if ours or name not in offered() else origin_of(f"{GROUP}:{name}").identity


def facts_of(
    names: Iterable[str], kind: Kind | None = None, *, training_resampled: bool = False
) -> dict[str, FamilyFacts]:
    """What a comparison must know about each of `names`; a name that nobody registered is a stranger.

    Where each seed has a training set of its own, no family is deterministic.

    The same name means the same family on images and on sequences, as far as these facts go: `kind` may be left out.
    """
    known = {name: family for (own, name), family in _outside.items() if kind in (None, own)}
    kinds = FAMILIES.values() if kind is None else (FAMILIES[kind],)
    known |= {name: family for families in kinds for name, family in families.items()}
    facts = {name: _facts_by_name(name, known) for name in names}
    if not training_resampled:
        return facts
    return {name: replace(one, deterministic=False) for name, one in facts.items()}


def _facts_by_name(name: str, known: Mapping[str, Family]) -> FamilyFacts:
    ensemble = named_ensemble(name) if name not in known else None
    if ensemble is not None and ensemble.family in known:
        own = _facts(known[ensemble.family])
        return replace(own, label=f"{own.label} x{ensemble.members}")
    if is_pretrained(name):
        # One that is frozen is fitted as baselines are, and is none.
        return FamilyFacts(label=family_of_backbone(name).label)
    return _facts(known[name]) if name in known else FamilyFacts(label=name)


def _facts(family: Family) -> FamilyFacts:
    if isinstance(family, Network):
        return FamilyFacts(label=family.label)
    return FamilyFacts(
        label=family.label,
        deterministic=family.deterministic,
        is_baseline=True,
        ignores_examples=family.ignores_examples,
    )


def display_name(name: str) -> str:
    """The name as people write it: `cnn` is CNN. Names that are not registered stay as they are."""
    return facts_of([name])[name].label
