"""Text from files, as a terminal may show it: names of classes and of files may hold anything."""

import json
import re
import unicodedata
from collections.abc import Iterable

_HARMLESS = " \n\t"
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, changes of direction, halves of surrogate pairs; joiners of letters stay."""


def printable(text: str) -> str:
    r"""The text with what a terminal obeys or hides (ESC, RTL override, half a surrogate pair) as `\u001b`, as in JSON.

    Ends of lines stay: whoever lays a text out in lines does so with `one_a_line`.
    """
    return text if text.isprintable() else "".join(c if _is_harmless(c) else _escaped(c) for c in text)


def few(names: Iterable[object], most: int = 8) -> str:
    """`a, b, c and 12 more`: a message that lists everything hides what to do."""
    found = [str(name) for name in names]
    return ", ".join(found[:most]) + (f" and {len(found) - most:,} more" if len(found) > most else "")


def one_a_line(lines: Iterable[str]) -> str:
    r"""The lines as a text. What would begin another line within one of them is shown as `\n`."""
    return "\n".join("".join(_escaped(c) if c in "\n\t" else c for c in printable(line)) for line in lines)


def visible(page: str) -> str:
    r"""The same HTML, with characters that a browser hides, or turns text around with, as `\u202e`."""
    return _HIDDEN.sub(lambda match: _escaped(match[0]), page)


def ascii_json(text: str) -> str:
    """The same JSON, in characters that every encoding has."""
    return text if text.isascii() else "".join(c if c.isascii() else _escaped(c) for c in text)


def _is_harmless(character: str) -> bool:
    # Spaces of other widths are not "printable", and do no harm.
    return character.isprintable() or character in _HARMLESS or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]
