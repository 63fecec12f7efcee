"""Calls to a server that may be restarting: tried again for a while, not for ever."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import httpx
import requests

PATIENCE = 180.0
"""Seconds: a server that is being restarted or upgraded is back by then."""

_limit: ContextVar[float] = ContextVar("limit", default=PATIENCE)

_T = TypeVar("_T")

_NO_ANSWER = re.compile(r"API request to (?!.* failed with error code 4\d\d)", re.DOTALL)
"""How MLflow's client begins when there was no answer, or none that it understands; codes from 400 are answers."""


def patiently(call: Callable[[], _T], *, pause: float = 1.0) -> _T:
    """The call's value, waiting out an outage of Prefect's or MLflow's server.

    Raises:
        Exception: what the call raised last, when the outage lasts too long, or at once when it is none.
    """
    start = time.monotonic()
    while True:
        try:
            return call()
        except Exception as error:
            if not is_outage(error) or time.monotonic() - start + pause > _limit.get():
                raise
        time.sleep(pause)
        pause = min(2 * pause, 10)


@contextmanager
def hurry(seconds: float = 0.0) -> Iterator[None]:
    """Wait out an outage, within the block, for so long only: somebody waits, such as a user who pressed Ctrl-C."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


def is_outage(error: Exception) -> bool:
    """Does the error mean that a server is away (and not that it refused)?"""
    # Not imported for this: where Prefect has raised something, it is there.
    prefect = sys.modules.get("prefect.exceptions")
    if prefect is not None and isinstance(error, prefect.PrefectHTTPStatusError):
        return bool(error.response.status_code >= 500)
    away = (httpx.TransportError, requests.exceptions.ConnectionError, requests.exceptions.Timeout)
    if isinstance(error, away):
        return True
    if isinstance(error, requests.exceptions.HTTPError):
        return error.response is not None and error.response.status_code >= 500
    # MLflow's client wraps what its HTTP library says; the class is MLflow's, which only `tasks.tracking` imports.
    code = getattr(error, "error_code", None)
    if code is None:
        return False
    return code == "TEMPORARILY_UNAVAILABLE" or bool(_NO_ANSWER.match(str(error)))
