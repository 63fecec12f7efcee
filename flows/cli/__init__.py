"""The command line. Options come from the specs; what is heavy is imported when a command runs.

Exit codes: 0 done; 2 bad input, told in one message; 1 anything else; 130 Ctrl-C. 3: `hw3 drift` has found drift,
or `hw3 promote` has not made the winner the champion.
"""

# Nothing is imported here that takes time: a Ctrl-C could not be told of in our words.
from flows.cli.interrupts import end_at_once


def command() -> None:
    """Entry point of the command `hw3`."""
    end_at_once()
    from flows.cli.main import command

    command()


__all__ = ["command"]
