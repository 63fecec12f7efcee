"""`hw3 sources`: where data may come from."""

from hw3models.data.sources import all_sources, plugins
from hw3models.printable import one_a_line


def as_text() -> str:
    """A line for each source, then those of other packages that cannot be loaded."""
    lines = []
    for one in all_sources():
        notes = [", ".join(one.kinds), f"brought by {one.package}" if one.package else "", one.licence]
        lines += [*(f"{form}" for form in one.forms), f"    {one.text} ({'; '.join(filter(None, notes))})"]
    return one_a_line([*lines, *plugins().broken])
