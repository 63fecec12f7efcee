"""What all commands share."""

from typing import Annotated

from cyclopts import App, Parameter

Flat = Parameter(name="*")
"""Fields of a spec become options of their own name."""

Json = Annotated[bool, Parameter(negative=())]
Verbose = Annotated[bool, Parameter(negative=())]

app = App(
    name="hw3",
    help="Which family of network should I use for these images or time series, and is the difference real?",
    help_format="markdown",
    version=lambda: f"hw3 {version()}",
    suppress_keyboard_interrupt=False,
)


def version() -> str:
    """Version of the installed package."""
    from importlib.metadata import version

    return version("hw3")
