"""`hw3 history` and `hw3 rollback`: the registry's past, and back to it."""

from flows.local.folders import check_folders
from flows.local.servers import check_servers
from hw3models.errors import SpecError
from hw3models.printable import few
from hw3models.specs import RegistryEvent
from tasks.tracking import registry


def history(model: str | None) -> list[RegistryEvent]:
    """Every decision about one model, or about all, oldest first.

    Raises:
        SpecError: no such model.
    """
    check_servers(writes=False)
    names = registry.models()
    if model is not None and model not in names:
        raise SpecError(f"there is no registered model {model!r}; there are: {few(names) or 'none'}.")
    events = [event for name in ([model] if model else names) for event in registry.history(name)]
    return sorted(events, key=lambda event: event.at)


def rollback(model: str, to: int | None, reason: str) -> RegistryEvent:
    """Give `champion` back to the version that had it before, or to another one.

    Raises:
        SpecError: there is no champion, none before it, or no such version.
    """
    check_folders()
    check_servers()
    history(model)
    with registry.alone(model):
        left = registry.finish(model)
        if left is not None and left.event == "rollback" and to in (None, left.version):
            # The same command again, of which the first was killed.
            return left
        return _roll_back(model, to, reason)


def _roll_back(model: str, to: int | None, reason: str) -> RegistryEvent:
    events = registry.history(model)
    now = registry.version_with(model, registry.CHAMPION)
    if now is None:
        raise SpecError(f"{model} has no champion that could be rolled back.")
    if to is None:
        to = _before(events, now)
    if to is None:
        raise SpecError(f"version {now} of {model} is the first champion: name another with `--to VERSION`.")
    if to == now:
        raise SpecError(f"version {to} is the champion of {model} already.")
    registry.run_of(model, to)
    event = RegistryEvent(
        at=registry.now(model),
        model=model,
        version=to,
        event="rollback",
        reason=f"Rolled back from version {now}: {reason}",
        champion=to,
    )
    # The decision first: `finish` moves the alias for who is killed between the two.
    registry.write_down(event)
    registry.move(model, registry.CHAMPION, to)
    return event


def _before(events: list[RegistryEvent], now: int) -> int | None:
    """The champion that the present one took over from."""
    reign = [event.champion for event in events if event.event in ("champion", "rollback")]
    steps = [champion for at, champion in enumerate(reign) if at == 0 or champion != reign[at - 1]]
    if now not in steps:
        return None
    at = len(steps) - 1 - steps[::-1].index(now)
    return steps[at - 1] if at else None
