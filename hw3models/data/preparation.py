"""Raw data become prepared arrays: read, check, split, scale, store."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from hw3models.data import dataset
from hw3models.data.blocks import take
from hw3models.data.checks import check
from hw3models.data.dataset import Dataset
from hw3models.data.grouped import group_notes
from hw3models.data.labels import merged
from hw3models.data.missing import has_gaps, interpolate, known_means
from hw3models.data.raw import Raw
from hw3models.data.scaling import learn_scaling
from hw3models.data.source import files_of
from hw3models.data.sources import find_source, match
from hw3models.data.splits import split
from hw3models.data.tails import without_tails
from hw3models.data.targets import look_like_measurements, with_targets
from hw3models.errors import DataError, DigestError, SpecError
from hw3models.specs import DataReport, DataSpec, SourceReport, TrainSpec

MAX_CLASSES = 10_000
"""A table of predictions has a probability for each, and a page a row."""


def prepare(spec: DataSpec, source: SourceReport, *, cache: Path) -> DataReport:
    """Read the raw data, check and split them, learn the scaling from train, and store all of it in `cache`.

    The same spec and raw data give the same arrays, splits and digest on every machine.

    Raises:
        SpecError: the spec asks for something that these data cannot give.
        DataError: the raw data are not what they must be; all faults together.
        DigestError: the raw data changed since they were fetched, or are not those that the spec names.
    """
    asked = match(spec.source, spec.layout)
    if source.source != spec.source and (asked is None or source.source not in asked.stands_for):
        raise SpecError(f"`source` is {spec.source!r}, but the raw data are of {source.source!r}. Fetch them first.")
    return prepare_raw(read_raw(spec, source, cache=cache), spec, source, cache=cache)


def prepare_raw(raw: Raw, spec: DataSpec, source: SourceReport, *, cache: Path) -> DataReport:
    """The same for examples that were read already.

    Raises:
        SpecError: the spec asks for something that these data cannot give.
        DataError: the raw data are not what they must be; all faults together.
        DigestError: they are not those that the spec names.
    """
    raw = labelled(raw, spec)
    check(raw, spec.source, fill=spec.missing != "refuse")
    prepared = _build(raw, spec, source)
    if spec.digest is not None and prepared.digest != spec.digest:
        raise DigestError(
            f"{source.source}: the prepared data have digest {prepared.digest}, but the spec asks for {spec.digest}. "
            "The raw data or the splits differ; take the data that were meant, or drop `digest` from the spec."
        )
    safe_name = re.sub(r"[^A-Za-z0-9._-]+", "-", raw.name)[:80]
    path = (cache / "prepared" / f"{safe_name}-{prepared.digest}.npz").absolute()
    try:
        dataset.save(prepared, path)
    except OSError as error:
        raise DataError(f"{path}: the prepared data cannot be stored ({error}). Choose another cache.") from error
    return dataset.describe(prepared, path)


def load_prepared(report: DataReport) -> Dataset:
    """The arrays that `report` stands for.

    Raises:
        DataError: the file is missing or damaged.
        DigestError: its content is not the one in the report.
    """
    return dataset.load(Path(report.path), digest=report.digest)


def read_raw(spec: DataSpec, source: SourceReport, *, cache: Path) -> Raw:
    """The raw data as they are, before anything is checked or split. A large table is written to `cache` as an array.

    Raises:
        DataError: they cannot be read; all faults together; or they are of more than `MAX_CLASSES`.
        DigestError: they changed since they were fetched.
    """
    files, reader = files_of(source), find_source(source.source, spec.layout)
    if files and (found := reader.digest(files)) != source.digest:
        raise DigestError(
            f"{source.source}: the raw files have digest {found}, but {source.digest} was fetched. "
            "They changed in between; fetch them again."
        )
    raw = reader.read(spec, source, cache)
    if len(raw.class_names) > MAX_CLASSES and spec.task == "classification":
        raise DataError(
            f"{source.source}: {len(raw.labels):,} examples are of {len(raw.class_names):,} classes, such as "
            f"{raw.class_names[0]!r} and {raw.class_names[1]!r}; the limit is {MAX_CLASSES:,}. Are the labels names of "
            "examples, or measurements (`--task regression` predicts these)?"
        )
    raw = without_tails(raw)
    return merged(raw) if spec.merge_labels and spec.task == "classification" else raw


def labelled(raw: Raw, spec: DataSpec) -> Raw:
    """The same examples with labels as the task wants them; what may be meant otherwise is said.

    Raises:
        DataError: labels are no numbers, and these are to be predicted.
    """
    if spec.task == "regression":
        return raw if raw.targets is not None else with_targets(raw, spec.source)
    if not (found := look_like_measurements(raw.class_names)):
        return raw
    told = f"Labels are {found}, which were taken as classes; `--task regression` predicts numbers."
    return replace(raw, understood=(*raw.understood, told))


def _build(raw: Raw, spec: DataSpec, source: SourceReport) -> Dataset:
    splits = split(raw.labels, raw.test, spec, raw.groups, raw.validation)
    # Examples that `max_train` left out are dropped, so indices are counted again among those that stay.
    kept = np.sort(np.concatenate([splits.train, splits.validation, splits.test]))
    train, validation, test = (np.searchsorted(kept, part) for part in (splits.train, splits.validation, splits.test))
    everything = len(kept) == len(raw.labels)
    features = raw.features if everything else take(raw.features, kept)
    lengths = raw.lengths if everything or raw.lengths is None else raw.lengths[kept]
    if spec.missing == "interpolate" and raw.kind == "sequences" and has_gaps(features):
        features = np.array(features)  # the raw data stay as they are, on disk as well
        interpolate(features, lengths, known_means(features, lengths, train))
    mean, std = learn_scaling(features, lengths, train)
    groups = raw.groups if everything or raw.groups is None else raw.groups[kept]
    parts = {"train": train, "validation": validation, "test": test}
    about_groups = () if groups is None else group_notes(groups, parts, spec.group_column or raw.group_kind)
    return Dataset(
        name=raw.name,
        kind=raw.kind,
        source=source.source,
        features=features,
        labels=raw.labels if everything else raw.labels[kept],
        class_names=raw.class_names,
        train=train.astype(np.int64),
        validation=validation.astype(np.int64),
        test=test.astype(np.int64),
        targets=raw.targets if everything or raw.targets is None else raw.targets[kept],
        lengths=lengths,
        mean=mean,
        std=std,
        notes=(*source.notes, *raw.notes, *about_groups),
        understood=raw.understood,
        found_out=raw.found_out,
        channels=raw.channels,
        groups=groups,
        group_names=raw.group_names,
    )


def check_digest(spec: TrainSpec, data: DataReport) -> None:
    """Are these the data that the spec was written for?

    Raises:
        DigestError: they are not.
    """
    if spec.data.digest is not None and spec.data.digest != data.digest:
        raise DigestError(
            f"`data.digest` is {spec.data.digest}, but the prepared data have {data.digest}. "
            "They are other data: prepare them from the same source, or drop `digest` from the spec."
        )
