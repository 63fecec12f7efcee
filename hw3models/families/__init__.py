"""The registry. A new family is one file, and one line in `_ALL`."""

import difflib
from collections.abc import Iterable

from hw3models.errors import SpecError
from hw3models.evaluation.facts import FamilyFacts
from hw3models.families import autoencoder, baselines, cnn, gru, lstm, mlp
from hw3models.families.family import Baseline, Family, Network, recipe_of
from hw3models.specs import Kind

__all__ = ["FAMILIES", "Baseline", "Family", "Network", "display_name", "facts_of", "find_family", "recipe_of"]

_ALL: tuple[Family, ...] = (
    mlp.IMAGES,
    autoencoder.IMAGES,
    mlp.SEQUENCES,
    cnn.SEQUENCES,
    lstm.SEQUENCES,
    gru.SEQUENCES,
    baselines.MAJORITY,
    baselines.LOGISTIC,
    baselines.ROCKET,
    baselines.MINIROCKET,
    baselines.PCA_CODE,
)


def _by_kind(kind: Kind) -> dict[str, Family]:
    return {f.name: f for f in _ALL if kind in (f.kinds if isinstance(f, Baseline) else (f.kind,))}


FAMILIES: dict[Kind, dict[str, Family]] = {"images": _by_kind("images"), "sequences": _by_kind("sequences")}
"""Kind of data -> name -> family."""


def find_family(kind: Kind, name: str) -> Family:
    """The family `name` for data of `kind`.

    Raises:
        SpecError: there is none; the message lists those there are and suggests the nearest.
    """
    known = FAMILIES[kind]
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SpecError(f"`family` {name!r} is not known for {kind}; known: {', '.join(known)}.{hint}")


def facts_of(names: Iterable[str], kind: Kind | None = None) -> dict[str, FamilyFacts]:
    """What a comparison must know about each of `names`; a name that nobody registered is a stranger.

    The same name means the same family on images and on sequences, as far as these facts go: `kind` may be left out.
    """
    kinds = FAMILIES.values() if kind is None else (FAMILIES[kind],)
    known = {name: family for families in kinds for name, family in families.items()}
    return {name: _facts(known[name]) if name in known else FamilyFacts(label=name) for name in names}


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
