"""The entry point, and how it ends."""

import atexit
import os
import select
import sys
import warnings

from cyclopts import CycloptsError

# Each module registers its commands; `--help` lists them by name.
from flows.cli import data as data
from flows.cli import evidence as evidence
from flows.cli import families as families
from flows.cli import models as models
from flows.cli import servers as servers
from flows.cli import studies as studies
from flows.cli.app import app as app
from flows.cli.app import help_pages, tell_sources, version
from flows.cli.help import BEGIN, DATA_OF_COMMANDS, GROUPS
from flows.cli.interrupts import (
    INTERRUPTED,
    TOLD,
    catch_dropped_interrupts,
    end_at_once,
    end_interrupted,
    interrupt_after_imports,
)
from flows.cli.messages import explain, plain_warning, usage
from flows.terminal import prepare_streams, remark, show
from hw3models.errors import LinesError
from hw3models.printable import one_a_line
from hw3models.runtime.before_torch import prepare_threads

RENAMED_OPTIONS = {"--vary": "--resampling", "--code-size": "--latent-dim"}
"""Options of the version before, and what they are called now."""


def command() -> None:
    """`main`, in a process that is its own."""
    end = _End()
    atexit.register(end)
    catch_dropped_interrupts()
    interrupt_after_imports()
    try:
        main()
    except SystemExit as stopped:
        # As Python does it: a text is an error message.
        end.code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
        raise
    except KeyboardInterrupt:
        # Before `main` has begun, or a second one while it tells of the first.
        end_interrupted()
    finally:
        # What is left is to wait for threads that save.
        end_at_once()
    end.code = 0


class _End:
    """The very last thing at exit, as it is registered first.

    Threads have ended, and whoever had something to save has saved it. Python would look once more through all objects
    that torch, MLflow and Prefect have made, which takes seconds (docs/decisions/0014).
    """

    code = 1
    """Exit code of the process, when something is raised that nobody has foreseen."""

    def __call__(self) -> None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            return  # nobody reads any more: Python has its own way to tell that
        os._exit(self.code)


def main() -> None:
    """The command in this process, which may go on afterwards.

    Raises:
        SystemExit: the command has failed; its code is the one of the process.
    """
    prepare_threads()
    prepare_streams()
    warnings.formatwarning = plain_warning
    # requests and MLflow silence these themselves, but lose the filter when another thread leaves `catch_warnings`
    # meanwhile.
    warnings.filterwarnings("ignore", message="SOCKS support in urllib3 requires")
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    if sys.argv[1:] in (["--version"], ["-V"]):
        show(f"hw3 {version()}")
        return
    if not sys.argv[1:]:
        show(BEGIN)
        return
    sys.argv[1:] = [_current(argument) for argument in sys.argv[1:]]
    help_pages.everything = "--help-all" in sys.argv
    help_pages.data = DATA_OF_COMMANDS.get(sys.argv[1], GROUPS["Data"])
    sys.argv[1:] = ["--help" if argument == "--help-all" else argument for argument in sys.argv[1:]]
    if {"--help", "-h"} & set(sys.argv[2:]):
        tell_sources()
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False, help_on_error=False)
    except KeyboardInterrupt:
        # Only what has runs has imported this, perhaps not to its end.
        told = getattr(sys.modules.get("flows.studies.reported"), "told_of_runs", str)
        _stop(f"{TOLD}{told()}", INTERRUPTED)
    except CycloptsError as error:
        _stop(one_a_line([usage(error)]), 2)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            sys.exit(1)
        message, code = explain(error)
        # A line of its own in what a message quotes might say that all is well.
        _stop(message if isinstance(error, LinesError) else one_a_line([message]), code)


def _current(argument: str) -> str:
    """The option under its name of now; one of an earlier version is told, and still taken for this one."""
    name, equals, value = argument.partition("=")
    new = RENAMED_OPTIONS.get(name)
    if new is None:
        return argument
    remark(f"hw3: `{name}` is now called `{new}`; the old name goes with the next version.")
    return f"{new}{equals}{value}"


def _nobody_reads() -> bool:
    """Has who reads our output gone, as `head` does? What is left to be written then goes nowhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _stop(message: str, code: int) -> None:
    remark(f"hw3: {message}")
    sys.exit(code)
