"""What all commands share."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from cyclopts import App, Parameter

from flows.cli.help import GroupedHelp

Flat = Parameter(name="*")
"""Fields of a spec become options of their own name."""

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Listed = Literal["all", "images", "sequences", "unlabelled"]
_FORMS: list[tuple[Callable[..., Any], _Listed]] = []

Explain = Annotated[bool, Parameter(negative=())]
Json = Annotated[bool, Parameter(negative=())]
Verbose = Annotated[bool, Parameter(negative=())]

help_pages = GroupedHelp()

app = App(
    name="hw3",
    help="Which family of network should I use for these images or time series, and is the difference real?",
    help_format="markdown",
    help_formatter=help_pages,
    version=lambda: f"hw3 {version()}",
    suppress_keyboard_interrupt=False,
)


def version() -> str:
    """Version of the installed package."""
    from importlib.metadata import version

    return version("hw3")


def with_sources(which: _Listed) -> Callable[[_Command], _Command]:
    """Have `{sources}` in a command's docstring replaced by the sources that there are, once its help is asked for."""

    def remember(command: _Command) -> _Command:
        _FORMS.append((command, which))
        return command

    return remember


def tell_sources() -> None:
    """Fill in what sources there are. They bring numpy, which takes longer than all the rest of a help text."""
    from hw3models.data.sources import described, path_forms

    for command, which in _FORMS:
        if which == "unlabelled":
            text = ", ".join(f"`{form}`" for form in path_forms(unlabelled=True))
        else:
            text = described(None if which == "all" else which)
        command.__doc__ = (command.__doc__ or "").replace("{sources}", text)
