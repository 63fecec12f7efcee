"""Digest of the source: part of every cache key."""

import hashlib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def code_version() -> str:
    """sha256 over this package's source and tables: part of every cache key, so that changed code is run again."""
    root = Path(__file__).resolve().parents[1]
    sha = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".json"}):
        sha.update(path.relative_to(root).as_posix().encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()[:16]
