"""Training goes where it belongs: to a work pool that is there, otherwise here; never to both."""

from tasks.placement.decision import Decision, for_family
from tasks.placement.dispatcher import Dispatcher, Outcome, RemoteTraining, cancel_earlier
from tasks.placement.now import decide_now, server_address
from tasks.placement.pools import examine

__all__ = [
    "Decision",
    "Dispatcher",
    "Outcome",
    "RemoteTraining",
    "cancel_earlier",
    "decide_now",
    "examine",
    "for_family",
    "server_address",
]
