"""Where sequences come from: files of the user, and the sets that aeon ships inside its package."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from hw3models.data.checks import suggestion
from hw3models.data.raw import Raw
from hw3models.data.readers.npy_files import npy_files, read_npy
from hw3models.data.readers.npz_files import read_npz
from hw3models.data.readers.ts_files import is_classification, read_ts, ts_files
from hw3models.errors import DataError, SpecError
from hw3models.specs import DataSpec

SUFFIXES = (".ts", ".npz", ".npy", ".csv", ".parquet")


def sequence_files(source: str) -> tuple[Path, ...]:
    """Absolute paths of the raw files of `source`: `aeon:NAME` or a path.

    Raises:
        SpecError: an `aeon:` name that the package does not ship.
        DataError: a file is not there.
    """
    if source.startswith("aeon:"):
        return _shipped_files(source.removeprefix("aeon:"))
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is no file" if path.exists() else "does not exist"
        raise DataError(f"{path} {what}. Give the path of a {', '.join(SUFFIXES)} file.")
    if path.suffix.lower() == ".npy":
        return npy_files(path)
    return ts_files(path) if path.suffix.lower() == ".ts" else (path,)


def read_sequences(files: tuple[Path, ...], spec: DataSpec) -> Raw:
    """Read the raw files that `sequence_files` found.

    Raises:
        DataError: all faults of the files together.
    """
    path = files[0]
    suffix, fill = path.suffix.lower(), spec.missing != "refuse"
    if suffix == ".ts":
        return read_ts(files, path.stem if len(files) == 1 else path.stem.rsplit("_", 1)[0], fill=fill)
    if suffix == ".npz":
        return read_npz(path, path.stem, fill=fill)
    if suffix == ".npy":
        return read_npy(files, path.stem)
    # pandas costs a second to import; the other formats do without it.
    from hw3models.data.readers.tables import read_table

    return read_table(path, path.stem, spec)


def shipped_by_aeon() -> dict[str, tuple[Path, Path]]:
    """Name -> (train file, test file) of the classification sets inside the installed package aeon.

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
        if test.is_file() and is_classification(train):
            found[train.name.removesuffix("_TRAIN.ts")] = (train, test)
    return found


def _shipped_files(name: str) -> tuple[Path, Path]:
    shipped = shipped_by_aeon()
    if name not in shipped:
        raise SpecError(
            f"`source`: aeon {version('aeon')} ships no data set {name!r}.{suggestion(name, list(shipped))} It ships "
            f"{', '.join(shipped) or 'none'}. Others: download the `.ts` files and give their path."
        )
    return shipped[name]
