"""What is logged goes into a file first and to MLflow from there, in order, by a thread of its own.

A server that is stopped, hangs, answers with errors or slowly costs a training nothing, and a killed process loses
nothing: what was not sent is sent by the next one, or by `hw3 reconcile` (docs/decisions/0012).

`events.py`: what can be sent, and how it stands in a file. `files.py`: the files of a run, and how far each was sent.
`shipping.py`: events become calls of MLflow. `sending.py`: this process's files, and the thread.
"""

from tasks.tracking.journal.events import (
    End,
    Facts,
    Figures,
    Files,
    Input,
    Logged,
    Name,
    Open,
    Points,
    SeedRun,
    Seeds,
    Text,
    View,
)
from tasks.tracking.journal.seed_runs import STUDY
from tasks.tracking.journal.sending import outbox

__all__ = [
    "STUDY",
    "End",
    "Facts",
    "Figures",
    "Files",
    "Input",
    "Logged",
    "Name",
    "Open",
    "Points",
    "SeedRun",
    "Seeds",
    "Text",
    "View",
    "outbox",
]
