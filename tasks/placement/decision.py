"""Where a training goes, before it goes there."""

from collections.abc import Callable
from dataclasses import dataclass

from hw3models.families import Baseline, find_family
from hw3models.specs import Kind, PlacementWish
from tasks.placement.pools import PoolState


@dataclass(frozen=True)
class Decision:
    """A pool's deployment, or here; and why."""

    wish: PlacementWish
    deployment: str | None
    """`gpu` or `cpu`: which `train` deployment. None: this process."""
    where: str
    """`here`, or the pool's name."""
    reason: str
    possible: bool = True
    """False when the wish cannot be met; the reason says why."""
    workers: int = 1
    """Workers of the pool, as far as is known: more than so many trainings at once wait for each other."""

    @property
    def may_come_back(self) -> bool:
        """May the training be done here when nobody takes it there?"""
        return self.wish == "auto"


def decide(
    wish: PlacementWish,
    *,
    device: str,
    server: str | None,
    obstacle: str | None,
    examine: Callable[[str], PoolState],
) -> Decision:
    """Decide for the networks of a study.

    Args:
        wish: what the spec says.
        device: the spec's device; `cpu` and `mps` are never a reason to go to a GPU pool.
        server: address of the Prefect server; None where Prefect is embedded, which has no pools.
        obstacle: why a worker could not do its part (such as an MLflow store that only this machine sees).
        examine: the state of the pool for `gpu` or `cpu`.
    """
    if wish == "here":
        return Decision(wish, None, "here", "`placement` is here")
    without = "there is no Prefect server (PREFECT_API_URL is not set), so there are no pools" if not server else None
    if why := without or obstacle:
        return Decision(wish, None, "here", why, possible=wish == "auto")
    if wish == "auto" and device in ("cpu", "mps"):
        return Decision(wish, None, "here", f"`device` is {device}")
    kind = "gpu" if wish == "auto" else wish
    state = examine(kind)
    if wish == "auto" and not state.available:
        return Decision(wish, None, "here", state.reason)
    # Who insists on a pool waits in its queue, whatever the pool looks like now: until the deadline.
    return Decision(wish, kind, state.name, state.reason, workers=max(1, len(state.workers)))


def for_family(decision: Decision, kind: Kind, family: str) -> Decision:
    """Baselines are fitted by scikit-learn on a CPU: no reason to send them to a GPU."""
    if decision.deployment != "gpu" or not isinstance(find_family(kind, family), Baseline):
        return decision
    return Decision(decision.wish, None, "here", "baselines do not use a GPU")
