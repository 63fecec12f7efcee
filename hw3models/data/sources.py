"""The registry of sources. A new one is one file, and one line in `_OURS`; or a package with an entry point.

Packages that are installed beside this one bring sources under the entry-point group `hw3.sources`. They are loaded
when a name matches nothing of ours, or when sources are listed, and never come before ours.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from hw3models.data import addresses
from hw3models.data.checks import suggestion
from hw3models.data.known import (
    aeon_sets,
    archive_sets,
    auto,
    digits,
    image_regimes,
    image_sets,
    mnist,
    number_regimes,
    synthetic,
)
from hw3models.data.readers import (
    arff_files,
    channel_files,
    cifar_files,
    folders,
    idx_files,
    image_archives,
    image_arrays,
    image_folders,
    image_set_folders,
    image_tables,
    json_files,
    mat_images,
    named_arrays,
    npy_files,
    npz_files,
    pixel_tables,
    sensor_folders,
    series_archives,
    set_folders,
    text_tables,
    ts_files,
)
from hw3models.data.readers.forms import paired
from hw3models.data.readers.pixel_columns import are_columns
from hw3models.data.source import COLUMNS, GROUP_COLUMN, Block, Fetching, Source, Wanted, path_of
from hw3models.errors import DataError, SpecError
from hw3models.printable import few
from hw3models.specs import DataSpec, FormOptions, Kind, SourceReport
from hw3models.specs.data import describe_source_by

GROUP = "hw3.sources"
_ALL = "`hw3 sources` lists all"
_COMMON = (".csv", ".parquet", ".npz", "FOLDER/")
"""Forms that most people have, which are listed first."""
_OF_PICTURES = ("image_size", "image_fit", "skip_unreadable", "group_from")
_OURS: tuple[Source, ...] = (
    mnist.MNIST,
    mnist.FASHION,
    *image_sets.ALL,
    digits.DIGITS,
    auto.AUTO,
    image_regimes.IMAGES,
    number_regimes.NUMBERS,  # before those of classes, which take every other name
    synthetic.SYNTHETIC,
    aeon_sets.AEON,
    archive_sets.ARCHIVE,
    addresses.ADDRESS,
    addresses.UPLOAD,
    ts_files.TS,
    # What holds images is known by its content, and asked before the series of the same form.
    image_arrays.NPZ,
    image_arrays.HDF5,
    image_archives.ARCHIVE,
    series_archives.ARCHIVE,
    image_tables.TABLE,
    pixel_tables.TABLE,
    mat_images.MAT,
    idx_files.IDX,
    cifar_files.CIFAR,
    image_set_folders.SET,
    image_folders.FOLDER,
    arff_files.ARFF,
    named_arrays.MAT,
    named_arrays.H5,
    named_arrays.by_names(paired(npz_files.NPZ)),
    channel_files.CHANNELS,  # before the forms whose files it is made of
    replace(npy_files.NPY, takes=("axes", "pixel_bits")),
    text_tables.TEXT,
    text_tables.PARQUET,
    json_files.JSON,
    set_folders.SET,
    sensor_folders.SENSORS,  # before folders of recordings of one file each
    folders.FOLDER,
    folders.RECORDING,
)


class Plugins(NamedTuple):
    """What other packages bring."""

    sources: tuple[Source, ...]
    broken: tuple[str, ...]
    """A sentence for each that cannot be used."""


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """Loaded once."""
    sources, broken = [], []
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
        try:
            source = point.load()
            if not isinstance(source, Source):
                raise TypeError(f"it is a {type(source).__name__}, not a Source")
        except Exception as error:
            broken.append(_broken(point, package, error))
            continue
        sources.append(replace(source, package=package))
    return Plugins(tuple(sources), tuple(broken))


def _broken(point: EntryPoint, package: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {error}".rstrip(".")
    return f"The source {point.name!r} of {package} ({point.value}) cannot be loaded: {reason}."


def all_sources() -> tuple[Source, ...]:
    """Ours, then those of other packages."""
    return *_OURS, *plugins().sources


def match(source: str, layout: str = "auto") -> Source | None:
    """The source that `source` of a spec means, read in this form; None where nothing does."""
    if not source.strip():  # as a path it would be the folder that somebody is in
        return None
    ours = next((one for one in _OURS if _is_meant(one, source, layout)), None)
    return ours or next((one for one in plugins().sources if one.matches(source)), None)


def _is_meant(one: Source, source: str, layout: str) -> bool:
    if not one.layout or layout == "auto":
        return one.matches(source)
    return layout == one.layout and one.may_be(source, True)


def as_kind(kind: Kind, spec: DataSpec) -> DataSpec:
    """The spec where data of this kind are asked for: a table may be read as pictures or as series, a row each."""
    if spec.layout != "auto" or (one := match(spec.source)) is None or not one.is_path:
        return spec
    if kind == "images" and "images" not in one.kinds:
        asked = next((other for other in _OURS if other.layout and other.may_be(spec.source, False)), None)
        return spec if asked is None else spec.model_copy(update={"layout": asked.layout})
    if kind == "sequences" and "images" in one.kinds and one.layout and are_columns(path_of(spec.source)):
        return spec.model_copy(update={"layout": "wide"})
    return spec


def with_layout(spec: DataSpec, layout: str) -> DataSpec:
    """The spec with this layout, where a source that it stands for may be meant."""
    known = any(one.layout == layout and one.may_be(spec.source, True) for one in _OURS)
    return spec.model_copy(update={"layout": layout}) if known and spec.layout == "auto" else spec


def find_source(source: str, layout: str = "auto") -> Source:
    """The same.

    Raises:
        SpecError: nothing matches; the message says what there is, suggests the nearest, and names broken plug-ins.
    """
    one = match(source, layout)
    if one is None and source.strip() and path_of(source).exists():
        what = "a folder" if path_of(source).is_dir() else "a file of a kind that is not known"
        raise SpecError(
            f"`source`: {source!r} is {what}.{_how_to_convert(path_of(source))} What can be read as a path: "
            f"{few(path_forms())}; {_ALL}.{_told_broken()}"
        )
    if one is None:
        _refuse_missing(source)
        names = [form for one in all_sources() if not one.is_path for form in one.forms]
        raise SpecError(
            f"`source`: {source!r} is not known.{suggestion(source, names)} It must be one of {few(names)}, or the "
            f"path of one of these: {few(path_forms())}; {_ALL}.{_told_broken()}"
        )
    return one


_PICKLED = "Pickles are not loaded, as they may run anything: where you trust it, write it anew, "
_CONVERT = {
    (".xlsx", ".xls", ".ods", ".numbers"): "Save the sheet as CSV.",
    (".orc",): "Write it as Parquet: pandas.read_orc(...).to_parquet('data.parquet').",
    (".feather", ".arrow"): "Write it as Parquet: pandas.read_feather(...).to_parquet('data.parquet').",
    (
        ".pkl",
        ".pickle",
        ".p",
        ".joblib",
    ): f"{_PICKLED}as .to_parquet('data.parquet') or numpy.savez('data.npz', X=X, y=y).",
    (".pt", ".pth", ".ckpt"): f"{_PICKLED}as numpy.savez('data.npz', X=X.numpy(), y=y.numpy()).",
    (".rds", ".rdata", ".rda"): "Write it from R with write.csv(..., row.names = FALSE).",
    (".sav", ".dta", ".sas7bdat"): "Write it as CSV: pandas reads it (read_spss, read_stata, read_sas).",
    (".7z", ".rar"): "Unpack it, or pack it as .zip.",
    (".mp3", ".flac", ".ogg", ".edf", ".bdf", ".gdf", ".mp4", ".avi"): "Write its samples as numbers: CSV or .npy.",
    (".tfrecord", ".tfrecords", ".tfrec", ".lmdb", ".mdb", ".db", ".sqlite"): (
        "Write its examples as files, .npz or Parquet."
    ),
    (".bin",): "Write its numbers with their shape: numpy.savez('data.npz', images=X, labels=y).",
    (".yaml", ".yml"): "It may describe a set for finding objects, while here each picture has one class.",
}


def _how_to_convert(path: Path) -> str:
    """What to do with a file that is not read, by its suffix, or with a folder; empty where nothing is known."""
    suffix = path.suffix.lower()
    if path.is_dir():
        inside = Counter(one.suffix.lower() for one in islice(path.rglob("*"), 1000) if one.is_file())
        kinds = ", ".join(f"{num} {kind or 'without a suffix'}" for kind, num in inside.most_common(3))
        return (
            f" It holds {kinds}. A folder may hold pictures, or files of one kind with a series each (text, .npy, "
            ".npz, .mat, .h5, .wav, .parquet); write other series so, or all of them as one .npz with X and y."
        )
    return next((f" {text}" for suffixes, text in _CONVERT.items() if suffix in suffixes), "")


def _refuse_missing(source: str) -> None:
    """What is written like a path is no name of a data set."""
    if "/" in source or source.startswith(("~", ".")):
        raise SpecError(f"`source`: {source!r} is not there: neither a file nor a folder. Look at its name.")


def path_forms(*, unlabelled: bool = False) -> list[str]:
    """Forms of what is given as a path; with `unlabelled` of what a model can be asked about."""
    paths = [one for one in all_sources() if one.is_path and (one.unlabelled is not None or not unlabelled)]
    return list(dict.fromkeys(form for one in paths for form in one.forms))


def _told_broken() -> str:
    return "".join(f" {sentence}" for sentence in plugins().broken)


def described(kind: Kind | None = None) -> str:
    """How each source is written and what it is, in a sentence for `--help` and forms; of one kind of data, or all."""
    named, paths = list[str](), list[str]()
    for one in all_sources():
        if kind is None or kind in one.kinds:
            forms = ", ".join(f"`{form}`" for form in one.forms)
            (paths if one.is_path else named).append(f"{forms} ({one.text})")
    return f"{', '.join(named)}, or a path: {', '.join(paths)}."


describe_source_by(described)


def fetch(
    spec: DataSpec,
    *,
    cache: Path,
    mirrors: Mapping[str, Sequence[str]] | None = None,
    timeout: float = 20.0,
    on_progress: Callable[[str], None] | None = None,
    uploads: Callable[[str, Path], None] | None = None,
) -> SourceReport:
    """Bring the raw data of `spec` to this machine.

    Args:
        spec: its `source` says what to get.
        cache: folder for downloads; made where it does not exist.
        mirrors: name of a source -> base addresses that replace its own.
        timeout: seconds for the first byte of a mirror, and for which it may then be silent or slow.
        on_progress: gets a line now and then during a download.
        uploads: unpacks what `hw3 upload` has left under a digest into a folder.

    Raises:
        SpecError: the source or a mirror is not known.
        DataError: a file is not there.
        DownloadError: no mirror gave a whole, correct file.
    """
    mirrors = mirrors or {}
    mirrored = [one.name for one in _OURS if one.mirrors]
    if set(mirrors) - set(mirrored):
        mirrored += [one.name for one in plugins().sources if one.mirrors]
    if unknown := sorted(set(mirrors) - set(mirrored)):
        raise SpecError(f"`mirrors` are for {few(map(repr, mirrored))}, got {unknown}.")
    source = find_source(spec.source, spec.layout)
    if not source.is_own:  # of what is not here yet the options are checked when it is
        check_options(source, spec)
    report = source.fetch(spec, Fetching(cache, mirrors, timeout, on_progress or (lambda _: None), uploads))
    return report.model_copy(update={"reader": source.package}) if source.package else report


def check_options(source: Source, spec: DataSpec) -> None:
    """Does the source heed all that the spec says?

    Raises:
        SpecError: it does not.
    """
    if not source.holds_pictures:
        others = [name for name in _OF_PICTURES if name not in source.takes]
        asked = [name for name in others if getattr(spec, name) != DataSpec.model_fields[name].default]
        if asked:
            names = ", ".join(f"`{name}`" for name in asked)
            raise SpecError(f"{names}: these are for pictures in files, and {spec.source} holds none. Leave them out.")
    _check_forms(source, spec)
    _check_columns(source, spec)
    _check_groups(source, spec)


def _check_forms(source: Source, spec: DataSpec) -> None:
    """Options that say how a file is read, and that this source does not heed. (Each may be read alone: `pair`.)"""
    given = [name for name, field in FormOptions.model_fields.items() if getattr(spec, name) != field.default]
    if asked := [name for name in given if name not in {*source.takes, "pair"}]:
        heeding = dict.fromkeys(form for one in all_sources() if asked[0] in one.takes for form in one.forms)
        heeding = dict.fromkeys([*(form for form in _COMMON if form in heeding), *heeding])
        raise SpecError(
            f"`{asked[0]}` is {getattr(spec, asked[0])!r}, but {spec.source} is read in one way only: the option is "
            f"for {few(heeding)}. Leave it out."
        )
    if spec.stride is not None and spec.window is None:
        raise SpecError(f"`stride` is {spec.stride}, but there are no windows. Give `--window` as well.")


def _check_columns(source: Source, spec: DataSpec) -> None:
    """Columns that were named, of what has none."""
    if asked := [name for name in COLUMNS if getattr(spec, name) and name not in source.takes]:
        tables = few(dict.fromkeys(form for one in all_sources() if asked[0] in one.takes for form in one.forms))
        raise SpecError(
            f"`{asked[0]}` is {','.join(getattr(spec, asked[0]))!r}, but the channels of {spec.source} have no names "
            f"in it: only {tables} have columns. Leave it out."
        )


def _check_groups(source: Source, spec: DataSpec) -> None:
    if spec.group_column is None or source.groups == GROUP_COLUMN:
        return
    tables = few(dict.fromkeys(form for one in all_sources() if one.groups == GROUP_COLUMN for form in one.forms))
    how = f"Its groups are named by {source.groups}" if source.groups else "It names no groups"
    raise SpecError(
        f"`group_column` is {spec.group_column!r}, but {spec.source} is no table: only {tables} have columns. {how}; "
        "leave `--group-column` out."
    )


def check_kind(expected: Kind, data: DataSpec, fetched: SourceReport | None = None) -> None:
    """Images for image families, sequences for the others: said before anything is read.

    Of the user's own data elsewhere it is known once they are `fetched`.

    Raises:
        SpecError: the source holds the other kind, or is not known.
    """
    source = match(data.source, data.layout)
    if source is not None and source.is_own:
        if fetched is not None and fetched.kind != expected:
            raise SpecError(
                f"`source` {data.source!r} holds {fetched.kind}, not {expected}: `hw3 {fetched.kind}` compares "
                "families on them."
            )
        return
    if source is None and path_of(data.source).exists():
        find_source(data.source)  # says what it is
    if source is None:
        _refuse_missing(data.source)
    else:
        kind = source.kinds[0] if source.kind_of is None else source.kind_of(data.source)
        if kind == expected:
            return
        if expected in source.kinds or _as_images(data.source, expected):
            told = f" `hw3 {kind}` compares families on them.{_as_images(data.source, expected)}"
            raise SpecError(f"`source` {data.source!r} holds {kind}, not {expected}.{told}")
        raise SpecError(
            f"`source` {data.source!r} does not hold {expected}. It holds {kind}: `hw3 {kind}` compares families on "
            "them."
        )
    known = [form for one in all_sources() if expected in one.kinds for form in one.forms]
    raise SpecError(
        f"`source` {data.source!r} does not hold {expected}.{suggestion(data.source, known)} Known for {expected}: "
        f"{few(dict.fromkeys(known))}; {_ALL}.{_told_broken()}"
    )


def check_there(path: Path) -> None:
    """Before anything takes time.

    Raises:
        DataError: nothing is at `path`.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")


def read_examples(
    path: Path,
    wanted: Wanted,
    *,
    sample_column: str = "sample",
    time_column: str = "time",
    label_column: str = "label",
    group_column: str | None = None,
    skip_unreadable: bool = False,
    form: FormOptions = FormOptions(),  # noqa: B008  # frozen
) -> Iterator[Block]:
    """All examples of the file in their order, without labels.

    Raises:
        DataError: no such file, not whole, or examples of another shape or type: the message says which.
    """
    spec = DataSpec(
        source=str(path),
        sample_column=sample_column,
        time_column=time_column,
        label_column=label_column,
        group_column=group_column,
        skip_unreadable=skip_unreadable,
        **{name: getattr(form, name) for name in FormOptions.model_fields},
    )
    spec = as_kind(wanted.kind, spec)
    source = match(spec.source, spec.layout)
    if source is None or source.unlabelled is None:
        raise DataError(
            f"{path}: cannot be read; known are {few(path_forms(unlabelled=True))}; {_ALL}.{_told_broken()}"
        )
    check_there(path)
    check_options(source, spec)
    yield from source.unlabelled(spec, wanted)


def _as_images(source: str, expected: Kind) -> str:
    """The name that makes images of an array; empty where nothing is known to help."""
    path = path_of(source)
    if expected != "images" or path.suffix.lower() not in (".npz", ".npy", ".h5", ".hdf5", ".hdf"):
        return ""
    return (
        f" If its arrays are pictures, call them `images`: np.savez('{path.stem}-images.npz', images=X, labels=y); "
        "pixels may be 0 to 255 or fractions."
    )
