"""How OpenMP's threads wait for each other: what an environment must say before torch is loaded in it."""

import os
from collections.abc import MutableMapping

_PASSIVELY = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "30000"}


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads sleep after a short spin; what the user has set stays.

    Threads that spin for long stall when anything else runs (docs/decisions/0004).
    """
    for name, value in _PASSIVELY.items():
        environment.setdefault(name, value)
