"""The registry. A new family is one file, and one line in `_ALL`."""

import difflib

from hw3models.errors import SpecError
from hw3models.families import autoencoder, baselines, cnn, gru, lstm, mlp
from hw3models.families.family import Baseline, Family, Network, recipe_of
from hw3models.specs import Kind

__all__ = ["FAMILIES", "Baseline", "Family", "Network", "display_name", "find_family", "is_deterministic", "recipe_of"]

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


def _registered(name: str) -> Family | None:
    return next((families[name] for families in FAMILIES.values() if name in families), None)


def display_name(name: str) -> str:
    """As people write it: `cnn` is CNN. Names that are not registered stay as they are."""
    family = _registered(name)
    return family.label if family else name


def is_deterministic(name: str) -> bool:
    """One seed says everything about this family."""
    family = _registered(name)
    return isinstance(family, Baseline) and family.deterministic
