"""A part of a page that a benchmark writes: all between two comments that name it."""

from pathlib import Path


def rewrite(page: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- NAME: begin ... -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: the page has no such part.
    """
    whole = page.read_text()
    head, begin, rest = whole.partition(f"<!-- {name}: begin")
    note, closed, rest = rest.partition(" -->")
    _, end, tail = rest.partition(f"<!-- {name}: end -->")
    if not (begin and closed and end):
        raise ValueError(f"{page}: no part `<!-- {name}: begin -->` to `<!-- {name}: end -->`.")
    page.write_text(f"{head}{begin}{note}{closed}\n{text.strip()}\n{end}{tail}")
