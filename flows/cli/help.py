"""How help is laid out: options in groups, twenty at most, and the rest behind `--help-all`; and where to begin."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hw3models.specs import DataOptions, Spec, StudySpec

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

MOST_OPTIONS = 20
"""Options on a page of help; a command with more shows those of `GROUPS` only."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Data": ("--task", "--label-column", "--sample-column", "--time-column", "--group-column", "--missing"),
    "Families": ("--families", "--latent-dim", "--epochs", "--tune"),
    "What to compare": ("--seeds", "--until-decided", "--budget", "--resampling", "--metric"),
    "Where to train": ("--device", "--placement"),
    "What is shown": ("--explain", "--json", "--fresh"),
}
"""Title -> the options that everybody needs, in this order."""
DATA_OF_PICTURES = (
    "--image-size",
    "--group-from",
    "--group-column",
    "--label-column",
    "--skip-unreadable",
)
"""What stands under "Data" where these are pictures."""
DATA_OF_COMMANDS = {"images": ("--task", *DATA_OF_PICTURES), "autoencoder": DATA_OF_PICTURES}
"""Command -> what stands there instead."""


def _options(*specs: type[Spec]) -> tuple[str, ...]:
    """The options that fields of specs become."""
    return tuple(dict.fromkeys(f"--{name.replace('_', '-')}" for spec in specs for name in spec.model_fields))


MORE: dict[str, tuple[str, ...]] = {
    "Data": _options(DataOptions),
    "Families": ("--recipe", "--searches"),
    "What to compare": ("--margin", "--first-seed", "--max-seeds", "--estimand"),
    "Where to train": ("--strategy", "--precision", "--memory-mb", "--queue-deadline"),
    "What is shown": ("--verbose",),
}
"""Title -> options that stand there with `--help-all` only."""
OWN_RECIPE = "One recipe for all networks"

COMMANDS: dict[str, tuple[str, ...]] = {
    "Which family?": ("check", "sequences", "images", "autoencoder", "compare", "run"),
    "Use the winner": ("promote", "predict", "export", "drift", "history", "rollback"),
    "Look further": ("explain", "report", "learning-curve", "families", "sources", "calibrate"),
    "Servers": ("up", "upload", "doctor", "reconcile"),
}
"""Title -> commands, those that one begins with first."""

BEGIN = """\
Which family of network should I use for these images or time series, and is
the difference real?

Begin here:
  hw3 check data.csv        look at the data before anything is trained
  hw3 sequences data.csv    time series: which family to take, and why
  hw3 images digits         images: the same
  hw3 sequences regime:locked --seeds 3 --epochs 5     without data of your own

Then:
  hw3 promote               the winner of the newest study before the gate
  hw3 predict new.csv --model NAME@champion -o predictions.csv

hw3 --help lists all commands, hw3 COMMAND --help the options of one.
hw3 sources lists where data may come from, hw3 doctor what is installed."""
"""What `hw3` alone says."""


class GroupedHelp:
    """Lays out cyclopts' panels; `everything` as `--help-all` asks for."""

    def __init__(self) -> None:
        self.everything = False
        self.data: tuple[str, ...] = GROUPS["Data"]

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        """Say how the command is called."""
        from cyclopts.help import DefaultFormatter

        DefaultFormatter().render_usage(console, options, usage)

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Draw a panel, in groups where it is of commands or of options."""
        from cyclopts.help import DefaultFormatter

        draw = DefaultFormatter()
        for title, entries in self._groups(panel):
            draw(console, options, panel.copy(title=title, entries=entries))
        if hidden := self._hidden(panel):
            console.print(f"{hidden} more options: --help-all", highlight=False)

    def _groups(self, panel: "HelpPanel") -> Iterator[tuple[Any, list["HelpEntry"]]]:
        if panel.format == "command":
            yield from _titled(panel.entries, COMMANDS, "Help")
            return
        positional = [entry for entry in panel.entries if entry.positional_label]
        given = [entry for entry in panel.entries if not entry.positional_label]
        if positional:
            yield panel.title, positional
        elif self._is_short(given):
            kept = [entry for entry in given if not self._is_more(entry)]
            yield from _titled([_shortened(entry) for entry in kept], self._short_groups(), "Options")
        else:
            own = tuple(_name(entry) for entry in given if _name(entry).startswith("--own-recipe."))
            yield from _titled(given, _everything() | {OWN_RECIPE: own}, "Options")

    def _is_short(self, entries: Sequence["HelpEntry"]) -> bool:
        return len(entries) > MOST_OPTIONS and not self.everything

    def _hidden(self, panel: "HelpPanel") -> int:
        given = [entry for entry in panel.entries if not entry.positional_label and panel.format != "command"]
        return sum(map(self._is_more, given)) if self._is_short(given) else 0

    def _short_groups(self) -> dict[str, tuple[str, ...]]:
        return GROUPS | {"Data": self.data}

    def _is_more(self, entry: "HelpEntry") -> bool:
        """Is it one of the many that specs have, and few need? What is a command's own is not."""
        name = _name(entry)
        is_short = any(name in names for names in self._short_groups().values())
        return not entry.required and not is_short and (name in _OF_SPECS or name.startswith("--own-recipe."))


_OF_SPECS = {*_options(DataOptions, StudySpec), "--verbose"}


def _everything() -> dict[str, tuple[str, ...]]:
    return {title: tuple(dict.fromkeys((*names, *MORE.get(title, ())))) for title, names in GROUPS.items()}


def _titled(
    entries: Sequence["HelpEntry"], groups: dict[str, tuple[str, ...]], rest: str
) -> Iterator[tuple[str, list["HelpEntry"]]]:
    """The groups that have entries, each in its order, then what is in none of them."""
    by_name = {_name(entry): entry for entry in entries}
    known = {name for names in groups.values() for name in names}
    for title, names in groups.items():
        if found := [by_name[name] for name in names if name in by_name]:
            yield title, found
    if left := [entry for name, entry in by_name.items() if name not in known]:
        yield rest, left


def _name(entry: "HelpEntry") -> str:
    return next(iter((*entry.positive_names, *entry.all_options)), "")


def _shortened(entry: "HelpEntry") -> "HelpEntry":
    """Its first sentence, and neither a name for switching it off nor that it is off."""
    from cyclopts.help import InlineText
    from rich.markdown import Markdown

    entry = entry.copy(negative_names=(), default=None if entry.default == "False" else entry.default)
    text = getattr(entry.description, "primary_renderable", None)
    if not isinstance(text, Markdown):
        return entry
    first = re.split(r"(?<=[.?!;])\s|: `", text.markup, maxsplit=1)[0].rstrip(";:.")
    return entry.copy(description=InlineText.from_format(f"{first}.", format="markdown"))
