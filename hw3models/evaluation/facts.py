"""What a comparison has to know about a family beside its predictions. Whoever compares looks it up.

This room knows no families: predictions that were made elsewhere are compared like our own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class FamilyFacts:
    """One family, as verdicts speak of it."""

    label: str
    """The name as people write it."""
    deterministic: bool = False
    """Training has no randomness: one seed says everything."""
    is_baseline: bool = False
    """A network must beat it to be worth its cost."""
    ignores_examples: bool = False
    """It answers without looking at the example, such as by the most frequent class."""


Facts = Mapping[str, FamilyFacts]
"""Family -> what is known about it."""
NO_FACTS: Facts = MappingProxyType({})


def fact(facts: Facts, name: str) -> FamilyFacts:
    """What is known about `name`; a stranger goes by that name, is not deterministic and no baseline."""
    return facts.get(name) or FamilyFacts(label=name)


def labels(facts: Facts, names: Iterable[str]) -> list[str]:
    """The names as people write them."""
    return [fact(facts, name).label for name in names]
