"""Families from outside: a network or an estimator that somebody else wrote, named by where it is.

`nets.py:MyNet` is a file, `package.module:name` an installed package; packages may also offer families by name, in the
entry-point group `hw3.families`. What it was is kept with everything that is made of it (`Origin`).
"""

import hashlib
import importlib
import importlib.util
import sys
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, distribution, entry_points, packages_distributions
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from hw3models.errors import SpecError
from hw3models.families.adapted import network_of
from hw3models.families.estimators import baseline_of, is_estimator
from hw3models.families.family import Baseline, Family, Network
from hw3models.printable import few
from hw3models.specs import Kind
from hw3models.specs.origin import Origin

GROUP = "hw3.families"
"""Entry points of this group are families, or what `--families` takes."""


_met: dict[str, str] = {}
"""Digest of each importable module's file, as it was when it was first asked for."""


def is_reference(name: str) -> bool:
    """Whether it says where a family is, rather than what it is called."""
    return ":" in name


def offered() -> dict[str, EntryPoint]:
    """Families that installed packages offer, by name; nothing of them is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def origin_of(reference: str) -> Origin:
    """The code that `reference` names, as it is now; a file's path becomes absolute.

    Raises:
        SpecError: there is no such file or package.
    """
    place, _, name = reference.rpartition(":")
    if place == GROUP:
        point = offered().get(name)
        if point is None:
            raise SpecError(f"`families`: no installed package offers {name!r} in the group {GROUP}.")
        return Origin(reference=reference, distribution=_distribution(point.module))
    if place.endswith(".py") or "/" in place:
        path = Path(place).expanduser().resolve()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SpecError(
                f"`families`: {reference!r} names the file {path}, which cannot be read ({error.strerror})."
            ) from error
        return Origin(reference=f"{path}:{name}", digest=hashlib.sha256(content).hexdigest()[:16])
    _check_words(reference, place, name)
    found = _distribution(place)
    if found is not None:
        return Origin(reference=reference, distribution=found)
    module = _imported(place, reference)
    if module.__file__ is None:
        raise SpecError(f"`families`: {reference!r} is in a package without a file.")
    digest = hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()[:16]
    if _met.setdefault(place, digest) != digest:
        raise SpecError(f"`families`: {module.__file__} changed after it was imported. Start Python again.")
    return Origin(reference=reference, digest=digest)


def load_family(origin: Origin, name: str, kind: Kind) -> Family:
    """The family that the code of `origin` makes, under `name`, for data of `kind`.

    Raises:
        SpecError: the code is not here, is other code than `origin` says, or makes nothing that can be trained.
    """
    now = origin_of(origin.reference)
    if now.identity != origin.identity:
        raise SpecError(
            f"`families`: {name} is {origin}, but here {origin.reference} is {now.identity}. It is other code: put "
            "that version here, or compare this one in a study of its own."
        )
    found = _found(origin.reference)
    if isinstance(found, (Network, Baseline)):
        family: Family = replace(found, name=name, origin=origin)
        return family
    is_network = isinstance(found, type) and issubclass(found, nn.Module)
    if is_estimator(found) and not is_network:
        return baseline_of(found, name, kind, origin)
    if callable(found):
        return network_of(found, name, kind, origin)
    raise SpecError(
        f"`families`: {origin.reference} is {type(found).__name__}. A family is a class or function that makes a "
        "torch module, or an estimator with `fit` and `predict`."
    )


def short_name(reference: str) -> str:
    """`MyNet` of `nets.py:MyNet`."""
    return reference.rpartition(":")[2].rpartition(".")[2]


def long_name(reference: str) -> str:
    """`nets.MyNet` of `nets.py:MyNet`, where the short name is taken."""
    place, _, name = reference.rpartition(":")
    stem = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
    return f"{stem}.{name.rpartition('.')[2]}"


def modules_of(origin: Origin) -> tuple[str, ...]:
    """The module that the family is in, which is imported; of an installed package none: its classes are its own."""
    place, _, _ = origin.reference.rpartition(":")
    if origin.digest is None:
        return ()
    return (_from_file(Path(place), origin.reference).__name__ if place.endswith(".py") else place,)


def _found(reference: str) -> Any:
    place, _, name = reference.rpartition(":")
    if place == GROUP:
        try:
            return offered()[name].load()
        except Exception as error:
            raise SpecError(f"`families`: {reference} cannot be loaded ({_said(error)}).") from error
    module = _from_file(Path(place), reference) if place.endswith(".py") else _imported(place, reference)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            there = [one for one in vars(module) if not one.startswith("_") and callable(getattr(module, one))]
            raise SpecError(f"`families`: {place} has no {name!r}; it has {few(there) or 'nothing to call'}.")
        found = getattr(found, part)
    return found


def _from_file(path: Path, reference: str) -> ModuleType:
    """The module of a file, which may import its neighbours; once for each content."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    name = f"hw3_outside_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpecError(f"`families`: {path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, (Exception, SystemExit)):
            raise
        raise SpecError(f"`families`: {reference} cannot be loaded ({_said(error)}).") from error
    return module


def _imported(place: str, reference: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except Exception as error:
        raise SpecError(
            f"`families`: {reference!r} cannot be imported ({_said(error)}). Name an installed module, "
            "as in `package.module:name`, or a file, as in `./nets.py:MyNet`."
        ) from error


def _check_words(reference: str, place: str, name: str) -> None:
    words = (*place.split("."), *name.split("."))
    if not all(word.isidentifier() for word in words):
        raise SpecError(f"`families`: {reference!r} is neither `./file.py:Name` nor `package.module:name`.")


@cache
def _distribution(module: str) -> str | None:
    """Name and version of the installed package that the module belongs to; None where it belongs to none.

    None also for a package that is installed to be edited: its version stays while its files change.
    """
    for name in packages_distributions().get(module.partition(".")[0], []):
        found = distribution(name)
        if '"editable": true' not in (found.read_text("direct_url.json") or ""):
            return f"{name} {found.version}"
    return None


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
