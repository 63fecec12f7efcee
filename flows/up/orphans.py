"""What a `hw3 up` left behind that was itself killed: known by its token, and ended in the order of a normal stop."""

import signal

from flows.up import processes
from flows.up.processes import Identity
from flows.up.say import tell
from flows.up.state import UpState


def end_orphans(state: UpState) -> int:
    """The number of processes that were still there."""
    recorded = [one.process for one in state.services if one.process is not None and one.process.is_alive]
    everything = {one.pid: one for one in [*recorded, *processes.marked(state.token)]}
    if not everything:
        return 0
    servers = [one.process.pid for one in state.services if one.process is not None and one.health is not None]
    workers = [one.process.pid for one in state.services if one.process is not None and one.health is None]
    tell("orphans", f"{len(everything)} processes of a `hw3 up` that was killed; they are ended")
    # Runs first: one that gets SIGTERM itself still tells the server that it crashed.
    runs = [one for one in everything.values() if one.pid not in {*servers, *workers}]
    processes.end(_workers_runs(runs, servers, state), signal.SIGTERM, patience=5)
    processes.end((one for one in everything.values() if one.pid in workers), signal.SIGINT, patience=5)
    processes.end((one for one in everything.values() if one.pid in servers), signal.SIGTERM, patience=10)
    processes.kill([*everything.values(), *processes.marked(state.token)])
    return len(everything)


def _workers_runs(candidates: list[Identity], servers: list[int], state: UpState) -> list[Identity]:
    """Runs of workers among the candidates, without the servers' own children, such as MLflow's."""
    names = [one.name for one in state.services if one.process is not None and one.process.pid in servers]
    theirs = {one.pid for name in names for one in processes.marked(state.token, name=name)}
    return [one for one in candidates if one.pid not in theirs]
