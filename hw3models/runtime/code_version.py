"""Digests of our source: part of every cache key, so that changed code is run again, and no other is.

A step's digest covers the rooms that it uses. Comments, docstrings and assertions do not count, nor does the place of a
line: what counts is what Python compiles.
"""

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType

PACKAGE = Path(__file__).resolve().parents[1]
_TABLES = {".json", ".j2", ".css"}
_DATA = ("data", "errors", "printable", "runtime", "specs", "stats.effective")
_NETWORKS = (*_DATA, "engine", "families", "nn", "objectives")
_ASKED = (
    "evaluation.ensembles",
    "evaluation.facts",
    "evaluation.metrics",
    "evaluation.prediction_table",
    "stats.intervals",
    "stats.limits",
)
_SCORED = (*_ASKED, "evaluation.scores", "evaluation.wording")
_RUN = (
    *_NETWORKS,
    "checking",
    "evaluation",
    "explaining",
    "homework",
    "pipeline",
    "plots",
    "report",
    "serving.encoded",
    "serving.predictor",
    "stats",
    "tuning",
)
STEPS: dict[str, tuple[str, ...]] = {
    "preprocess": _DATA,
    "train": (*_NETWORKS, *_SCORED, "pipeline.steps"),
    "evaluate": (*_NETWORKS, *_SCORED, "pipeline.steps"),
    "trial": (*_NETWORKS, *_ASKED, "tuning"),
    "simulate": ("errors", "evaluation", "printable", "runtime", "simulation", "specs", "stats"),
    "run": _RUN,
}
"""Step -> what its outcome depends on: rooms, or modules of a room of which the rest is not used.

A test holds it against the imports, function by function: a room that a step begins to use must be added here.
"""


@lru_cache(maxsize=16)
def code_version(step: str | None = None) -> str:
    """Digest of what a step in `STEPS` uses; None: every byte of the package, comments too, for people to compare."""
    return version_of(step, PACKAGE)


def version_of(step: str | None, package: Path) -> str:
    """The same, of a copy of the package."""
    sha = hashlib.sha256()
    for path in files_of(step, package):
        sha.update(f"|{path.relative_to(package).as_posix()}|".encode())
        content = path.read_bytes()
        sha.update(content if step is None or path.suffix != ".py" else _compiled(content))
    return sha.hexdigest()[:16]


def files_of(step: str | None, package: Path) -> list[Path]:
    """The files that are covered."""
    places = [package] if step is None else [package.joinpath(*part.split(".")) for part in STEPS[step]]
    found = {file for place in places for file in (place.rglob("*") if place.is_dir() else _module(place))}
    return sorted(path for path in found if path.suffix == ".py" or path.suffix in _TABLES)


def _module(place: Path) -> tuple[Path, Path]:
    """Importing it runs its room's `__init__` as well."""
    return place.with_suffix(".py"), place.parent / "__init__.py"


@cache
def _compiled(source: bytes) -> bytes:
    # Level 2 leaves out docstrings and assertions.
    code = compile(source, "", "exec", optimize=2, dont_inherit=True)
    return hashlib.sha256("\n".join(_parts(code)).encode()).digest()


def _parts(code: CodeType) -> Iterator[str]:
    """All that a code object is, but for where it stands."""
    yield f"{code.co_name} {code.co_flags} {code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount}"
    yield code.co_code.hex()
    yield f"{code.co_names} {code.co_varnames} {code.co_freevars} {code.co_cellvars} {code.co_exceptiontable.hex()}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)
        else:
            # The order of a set of texts is another in every process.
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)
