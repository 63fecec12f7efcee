"""What a model remembers of how its training data were read, so that new data need not be described again.

That is what was said, and what was found out (`Raw.found_out`): names of columns and arrays, the order of axes, the
form of a table, windows. What is said of new data comes first; what cannot be meant of them, such as a column that
they do not have, is left to be found out again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hw3models.data.source import GROUP_COLUMN, Source, path_of
from hw3models.data.sources import as_kind, match, with_layout
from hw3models.specs import DataSpec
from hw3models.specs.model import ModelManifest

COLUMNS = ("sample_column", "time_column", "label_column", "group_column")
FORMS = ("layout", "window", "stride", "mixed_windows", "resample", "arrays", "axes", "file_pattern", "pixel_bits")
FIELDS = (*COLUMNS, *FORMS, "group_from")


def options_of(spec: DataSpec, found_out: Mapping[str, str | int]) -> dict[str, Any]:
    """Options by which data were read: those that differ from what they are by default, and those found out."""
    given = {name: getattr(spec, name) for name in FIELDS}
    said = {name: value for name, value in given.items() if value != DataSpec.model_fields[name].default}
    return {**found_out, **said}


def as_trained(spec: DataSpec, manifest: ModelManifest) -> DataSpec:
    """New data as the model's training data were read, where nothing else is said of them and they can be read so."""
    earlier = {name: getattr(manifest, name) for name in ("sample_column", "time_column")}
    options = {name: value for name, value in earlier.items() if value is not None} | manifest.read_as
    unsaid = {
        name: value
        for name, value in options.items()
        if name in FIELDS and getattr(spec, name) == DataSpec.model_fields[name].default
    }
    spec = as_kind(manifest.kind, spec)
    if unsaid.get("layout") == "channels" and path_of(spec.source).exists():
        spec = with_layout(spec, unsaid.pop("layout"))
    source = match(spec.source, spec.layout)
    if source is None or not path_of(spec.source).exists():
        return spec
    known = source.names(path_of(spec.source)) if path_of(spec.source).is_file() else None
    return spec.model_copy(update=_heeded(unsaid, source, known, spec))


def _heeded(options: Mapping[str, Any], source: Source, known: Sequence[str] | None, spec: DataSpec) -> dict[str, Any]:
    """Options that the source heeds, and that name what these data have."""
    heeded = {name: value for name, value in options.items() if name in FORMS and name in source.takes}
    for name in COLUMNS:
        if name not in options or (name == "group_column" and source.groups != GROUP_COLUMN):
            continue
        if known is None or set(str(options[name]).split(",")) <= set(known) or options[name] in known:
            heeded[name] = options[name]
    if source.holds_pictures and "group_from" in options:
        heeded["group_from"] = options["group_from"]
    if "arrays" in heeded and (arrays := _arrays(heeded.pop("arrays"), known or ())):
        heeded["arrays"] = arrays
    if "layout" in heeded and not _has_form(heeded["layout"], {**dict(spec), **heeded}, known or ()):
        del heeded["layout"]
    if "window" in heeded and spec.stride is not None:
        heeded.pop("stride", None)
    return heeded


def _has_form(layout: str, options: Mapping[str, Any], known: Sequence[str]) -> bool:
    """May a table with these columns have the form? One in long form, and no other, has a column of times.

    Where each column is a series, times may stand before them.
    """
    if layout == "columns":
        return options["sample_column"] not in known
    return bool(known) and (set(options["time_column"].split(",")) <= set(known)) == (layout == "long")


def _arrays(text: str, known: Sequence[str]) -> str:
    """`X=a,y=b` without the arrays that are not there; empty where there are no series."""
    pairs = [pair.partition("=") for pair in text.split(",")]
    there = [f"{role.strip()}={name.strip()}" for role, _, name in pairs if name.strip() in known]
    return ",".join(there) if any(one.startswith("X=") for one in there) else ""
