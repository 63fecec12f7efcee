"""`hw3 up`: the whole platform on this machine, in one process that watches over the others.

| file | subject |
|---|---|
| `options.py`, `ports.py`, `databases.py`, `gpus.py` | what it is told and finds, checked before anything starts |
| `services.py` | the programs: commands and environments |
| `session.py`, `steps.py` | what comes after what |
| `pools.py`, `runs.py`, `schedules.py` | what it does on the Prefect server |
| `supervisor.py`, `launch.py`, `deaths.py`, `logs.py` | start, watch, restart, end |
| `processes.py`, `state.py`, `orphans.py` | which processes are ours, also after a crash |
| `report.py`, `say.py` | what it prints |
"""

from flows.up.options import UpOptions
from flows.up.session import run_up

__all__ = ["UpOptions", "run_up"]
