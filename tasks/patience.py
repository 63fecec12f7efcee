"""Calls to a server that may be restarting: tried again for a while, not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from prefect.exceptions import PrefectHTTPStatusError

from tasks import tracking

PATIENCE = 180.0
"""Seconds: a server that is being restarted or upgraded is back by then."""

_T = TypeVar("_T")


def patiently(call: Callable[[], _T], *, seconds: float = PATIENCE, pause: float = 1.0) -> _T:
    """The call's value, waiting out an outage of Prefect's or MLflow's server of up to `seconds`.

    Raises:
        Exception: what the call raised last, when the outage lasts longer, or at once when it is none.
    """
    start = time.monotonic()
    while True:
        try:
            return call()
        except Exception as error:
            if not is_outage(error) or time.monotonic() - start > seconds:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 10)


def is_outage(error: Exception) -> bool:
    """Does the error mean that a server is away (and not that it refused)?"""
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) or tracking.is_outage(error)
