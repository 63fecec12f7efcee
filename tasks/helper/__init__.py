"""A second process of a command, of low priority, for what can be done while networks are trained.

It draws figures, sends to MLflow and solves the homework: what nobody waits for, and what in the command's own threads
would take Python's lock, and a core, from trainings. Whatever the helper does the command can do itself: before it is
there, and when it has ended (docs/decisions/0015).

`calling.py`: the command's end. `__main__.py`: the process, and when it does what. `desk.py`: what it does.
`wire.py`: what goes between them.
"""

from tasks.helper.calling import Helper, coming, current, helping, later, resting, with_room
from tasks.helper.wire import Draw, HelperGoneError, OtherStoreError, RefusedError, Send, Solve, Write

__all__ = [
    "Draw",
    "Helper",
    "HelperGoneError",
    "OtherStoreError",
    "RefusedError",
    "Send",
    "Solve",
    "Write",
    "coming",
    "current",
    "helping",
    "later",
    "resting",
    "with_room",
]
