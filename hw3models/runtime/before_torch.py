"""What an environment must say before torch is loaded in it: how threads wait, and how products are rounded."""

import os
from collections.abc import MutableMapping

_SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "30000", "MKL_CBWR": "AUTO,STRICT"}


def prepare_threads(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads sleep after a short spin, and products of matrices be the same to the bit on any number of threads.

    What the user has set stays. Threads that spin for long stall when anything else runs (docs/decisions/0004). Their
    number follows the load of the machine, and bits of a trained network may not (docs/decisions/0042): MKL divides
    long sums among threads, except where it is asked for strict reproducibility.
    """
    for name, value in _SETTINGS.items():
        environment.setdefault(name, value)
