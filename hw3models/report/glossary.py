"""Words of the verdict, explained where they stand: the page shows what the one means that is pointed at or tapped."""

import re

from markupsafe import Markup, escape

from hw3models.evaluation.glossary import GLOSSARY


def _bounded(words: str) -> str:
    """Whole words only; brackets have no edges."""
    return words if words.startswith(r"\[") else rf"\b(?:{words})\b"


_ANCHORS = sorted(GLOSSARY, key=lambda anchor: -len(GLOSSARY[anchor].found_by))
"""The longest first: `look 2` before `look`."""
_WORDS = re.compile("|".join(f"({_bounded(GLOSSARY[anchor].found_by)})" for anchor in _ANCHORS), re.IGNORECASE)
_TERM = Markup('<a class="term" tabindex="0" aria-describedby="term-{}" data-means="{}">{}</a>')


def with_terms(text: str) -> Markup:
    """Escaped, with the first of each word of the glossary carrying its meaning."""
    parts, place, seen = list[Markup](), 0, set[str]()
    for match in _WORDS.finditer(text):
        anchor = _ANCHORS[(match.lastindex or 1) - 1]
        if anchor in seen:
            continue
        seen.add(anchor)
        parts += [escape(text[place : match.start()]), _TERM.format(anchor, GLOSSARY[anchor].means, match.group())]
        place = match.end()
    return Markup("").join([*parts, escape(text[place:])])
