"""Records about pictures in one JSON file, in the ways in which people put them together.

| `[{"file": "a.png", "label": "cat"}, ...]` | a list of records |
| `{"a.png": "cat", ...}`, `{"a.png": {"label": "cat"}, ...}` | by the names of the pictures |
| `{"file": ["a.png", ...], "label": ["cat", ...]}` | a list for each column |
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from hw3models.runtime.file_digests import FileState, state_of

_MOST_BYTES = 64 * 2**20
_LOOKED_AT = 65_536
Rows = tuple[dict[str, str], ...]


def json_rows(path: Path) -> Rows:
    """The records as texts; none where it holds others, or names no picture in its beginning."""
    from hw3models.data.pictures.decoding import SUFFIXES

    try:
        with path.open("rb") as file:
            begin = file.read(_LOOKED_AT).lower()
        if not any(suffix.encode() + b'"' in begin for suffix in SUFFIXES):
            return ()
        return _rows(path, state_of(path))
    except OSError:
        return ()


@lru_cache(maxsize=4)
def _rows(path: Path, state: FileState) -> Rows:
    if state.size > _MOST_BYTES:
        return ()
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return ()
    rows = _records(found)
    if not rows or not all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        return ()
    return tuple({str(name): "" if value is None else str(value) for name, value in row.items()} for row in rows)


def _records(found: Any) -> list[Any]:
    if not isinstance(found, dict):
        return found if isinstance(found, list) else []
    values = list(found.values())
    if all(isinstance(one, dict) for one in values):
        return [{"file": name, **one} for name, one in found.items()]
    if all(isinstance(one, list) for one in values):
        columns = [one for one in values if len(one) == len(values[0])]
        return [dict(zip(found, row, strict=True)) for row in zip(*columns, strict=True)] if columns == values else []
    if all(isinstance(one, (str, int, float)) for one in values):
        return [{"file": name, "label": value} for name, value in found.items()]
    return []
