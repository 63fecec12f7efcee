"""The command line. Options come from the specs; what is heavy is imported when a command runs.

Exit codes: 0 done; 2 bad input, told in one message; 1 anything else; 130 Ctrl-C. 3: `hw3 drift` has found drift,
or `hw3 promote` has not made the winner the champion.
"""

# Each module registers its commands; `--help` lists them by name.
from flows.cli import data as data
from flows.cli import evidence as evidence
from flows.cli import families as families
from flows.cli import models as models
from flows.cli import servers as servers
from flows.cli import studies as studies
from flows.cli.main import command, main

__all__ = ["command", "main"]
