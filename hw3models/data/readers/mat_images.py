"""Pictures in `.mat` files, one for each part: `train_32x32.mat` and `test_32x32.mat` of SVHN, `X_train.mat`."""

import re
from dataclasses import replace
from pathlib import Path

from hw3models.data.raw import Raw, class_codes
from hw3models.data.readers import image_arrays
from hw3models.data.readers.forms import pair_note, parts_of
from hw3models.data.readers.gathered import PART_WORDS
from hw3models.data.readers.image_sides import Sides, raw_of_sides
from hw3models.data.source import found, path_of
from hw3models.specs import DataSpec, SourceReport

_FIRST = re.compile(r"(?P<part>train|test)(?P<rest>[_\-. ].*\.mat)", re.I)
_SVHN = re.compile(r"(train|test|extra)_32x32\.mat", re.I)


def _files(spec: DataSpec) -> dict[str, Path]:
    """The files by their parts; the one that was named alone where none is beside it."""
    path = path_of(spec.source)
    parts = parts_of(path, pair=spec.pair)
    match = _FIRST.fullmatch(path.name) if spec.pair and not parts else None
    if match is not None:
        beside = {part: path.with_name(f"{part}{match['rest']}") for part in ("train", "test")}
        parts = beside if all(one.is_file() for one in beside.values()) else {}
    return parts or {"train": path}


def _read(spec: DataSpec, _: SourceReport, cache: Path) -> Raw:
    files = _files(spec)
    raws = [_one(spec.model_copy(update={"source": str(path)}), path, cache) for path in files.values()]
    if len(raws) == 1 or any(raw.test is not None or raw.groups is not None for raw in raws):
        return raws[0]
    sides: Sides = {
        PART_WORDS[part]: (raw.features, [raw.class_names[code] for code in raw.labels])
        for part, raw in zip(files, raws, strict=True)
    }
    told = [one for raw in raws for one in raw.understood]
    whole = raw_of_sides(raws[0].name, str(path_of(spec.source)), sides, [*dict.fromkeys(told), f"{pair_note(files)}."])
    return replace(whole, found_out=raws[0].found_out)


def _one(spec: DataSpec, path: Path, cache: Path) -> Raw:
    raw = image_arrays.MAT.read(spec, found(str(path), "images", (path,)), cache)
    if _SVHN.fullmatch(path.name) is None or set(raw.class_names) - set("123456789") != {"10"}:
        return raw
    names, codes = class_codes(["0" if raw.class_names[code] == "10" else raw.class_names[code] for code in raw.labels])
    told = "Labels 10 are the digit 0, as the Street View House Numbers have it."
    return replace(raw, labels=codes, class_names=names, understood=(*raw.understood, told))


MAT = replace(
    image_arrays.MAT,
    fetch=lambda spec, _: found(spec.source, "images", tuple(_files(spec).values())),
    read=_read,
)
