"""What names of files say: `--file-pattern '{label}_{group}_*.csv'`."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hw3models.errors import SpecError

FIELDS = frozenset({"label", "group", "split"})
_PERSON = re.compile(
    r"(s|p|id|sub|subj|subject|pat|patient|person|participant|user|volunteer|proband|rider|driver|speaker|animal|mouse)"
    r"[-_ .]*[0-9]+",
    re.IGNORECASE,
)


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


def are_people_first(levels: Sequence[tuple[str, ...]]) -> bool:
    """Are the outer names (`S01`) those of people, and the names within (`walk`) the same for several of them?"""
    if not levels or any(len(names) < 2 or not _PERSON.fullmatch(names[0].strip()) for names in levels):
        return False
    pairs = {names[:2] for names in levels}
    within = {inner for _, inner in pairs}
    return 1 < len(within) < len(pairs) and not any(_PERSON.fullmatch(name.strip()) for name in within)


def which_is_the_class(levels: Sequence[tuple[str, ...]], around: str) -> str:
    """The question which of two folders is the class, with both answers to be pasted; `around` stands before them."""
    outer, inner = (", ".join(sorted({names[place] for names in levels})[:2]) for place in (0, 1))
    return (
        f"the outer folders are called like people ({outer}) and those within like classes ({inner}). Say which are "
        f"the classes: `--file-pattern '{around}{{group}}/{{label}}/*'`, or `'{around}{{label}}/{{group}}/*'` to tell "
        "people apart"
    )
