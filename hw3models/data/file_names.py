"""What names of files say: `--file-pattern '{label}_{group}_*.csv'`."""

import re
from typing import NamedTuple

from hw3models.errors import SpecError

FIELDS = frozenset({"label", "group", "split"})


class FilePattern(NamedTuple):
    """A pattern, compiled."""

    text: str
    expression: re.Pattern[str]
    fields: frozenset[str]
    """Names out of `FIELDS` that stand in it."""

    def find(self, way: str) -> dict[str, str] | None:
        """The fields of a path with `/`, of which the name alone counts unless the pattern has `/`; None: no match."""
        found = self.expression.fullmatch(way if "/" in self.text else way.rpartition("/")[2])
        return None if found is None else found.groupdict()


def file_pattern(text: str) -> FilePattern:
    """Compile a pattern: `{label}`, `{group}` and `{split}` are any text without `/`, `*` is any text.

    Raises:
        SpecError: it has none of them, or another one, or one twice.
    """
    pieces = re.split(r"(\{\w+\}|\*)", text)
    named = [piece[1:-1] for piece in pieces if piece.startswith("{")]
    if not named or set(named) - FIELDS or len(set(named)) < len(named):
        raise SpecError(f"`file_pattern` is {text!r}; {{label}}, {{group}} and {{split}} may stand in it, each once.")
    expression = "".join(
        f"(?P<{piece[1:-1]}>[^/]+?)" if piece.startswith("{") else ".*" if piece == "*" else re.escape(piece)
        for piece in pieces
    )
    return FilePattern(text, re.compile(expression, re.DOTALL), frozenset(named))
