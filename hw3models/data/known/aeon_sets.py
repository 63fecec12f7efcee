"""The labelled sets that aeon ships inside its package."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from hw3models.data.checks import suggestion
from hw3models.data.readers.ts_files import read_pair, task_of
from hw3models.data.source import WINDOWS, Source, found
from hw3models.errors import SpecError
from hw3models.printable import few
from hw3models.specs import Task

_PREFIX = "aeon:"


def shipped_by_aeon(task: Task = "classification") -> dict[str, tuple[Path, Path]]:
    """Name -> (train file, test file) of the sets for `task` inside the installed package aeon.

    Only its folder is looked at: the package is not imported, and its loaders, which would download a set
    that they do not find, are never called.
    """
    spec = find_spec("aeon")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    found = {}
    for train in sorted(folder.glob("*/*_TRAIN.ts")):
        test = train.with_name(train.name.replace("_TRAIN.ts", "_TEST.ts"))
        if test.is_file() and task_of(train) == task:
            found[train.name.removesuffix("_TRAIN.ts")] = (train, test)
    return found


def shipped_files(name: str, task: Task = "classification") -> tuple[Path, Path]:
    """Train and test file of one of them.

    Raises:
        SpecError: the package does not ship it, or not for that task.
    """
    shipped = shipped_by_aeon(task)
    other: Task = "regression" if task == "classification" else "classification"
    if name not in shipped and name in shipped_by_aeon(other):
        raise SpecError(f"`source`: the labels of aeon:{name} are for {other}. Use `--task {other}`.")
    if name not in shipped:
        raise SpecError(
            f"`source`: aeon {version('aeon')} ships no data set {name!r}.{suggestion(name, list(shipped))} It ships "
            f"{few(shipped, 12) or 'none'}. Others: download the `.ts` files and give their path."
        )
    return shipped[name]


AEON = Source(
    name="aeon",
    forms=("aeon:NAME",),
    text="a set that the package aeon ships, such as aeon:BasicMotions",
    kinds=("sequences",),
    matches=lambda source: source.startswith(_PREFIX),
    fetch=lambda spec, _: found(spec.source, "sequences", shipped_files(spec.source.removeprefix(_PREFIX), spec.task)),
    read=read_pair,
    takes=WINDOWS,
    licence="as stated for the data set by the UEA and UCR archive; not checked",
)
