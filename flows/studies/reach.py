"""Data of a team's run: what a worker of another machine is asked for must be there."""

import socket
from glob import escape
from pathlib import Path

from hw3models.data.sources import match
from hw3models.errors import DataError


def check_reach(source: str) -> None:
    """Is it a name, or a path of this machine?

    Raises:
        DataError: it looks like a path, and there is nothing: it is perhaps one of the machine that asked.
    """
    known = match(source)
    looks_like_a_path = known.is_path if known else ("/" in source or "." in source)
    path = Path(source)
    # Some forms are named by the begin of their files' names.
    if not looks_like_a_path or path.exists() or any(path.parent.glob(f"{escape(path.name)}*")):
        return
    raise DataError(
        f"{source} is not on {socket.gethostname()}, whose worker was to read it: a path that only one machine has is "
        "of no use to the others. Name data that every worker reaches: `hw3 upload FILE` on the machine that has it "
        "says how, an address (https:// or s3://) does, and so does a path in a folder that all of them share. Or run "
        "`hw3` with `--placement here` on that machine."
    )
