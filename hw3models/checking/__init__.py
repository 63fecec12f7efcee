"""`hw3 check`: a look at data before anything is trained; the test split is only compared with training."""

import numpy as np

from hw3models.checking import contents, duplicates, groups, leaks, pictures, splits
from hw3models.checking.findings import ORDER, DataCheck, Finding
from hw3models.checking.sample import Sample, draw
from hw3models.data.arrays import WHERE
from hw3models.data.preparation import load_prepared
from hw3models.data.raw import Raw, padding_note
from hw3models.data.sources import match
from hw3models.data.splits import split
from hw3models.errors import DataError
from hw3models.specs import DataReport, DataSpec

__all__ = ["DataCheck", "Finding", "check_data", "warnings_about"]


def warnings_about(data: DataReport, spec: DataSpec) -> list[str]:
    """What `hw3 check` warns of, a sentence each, of data that were prepared: for who goes on without having checked.

    Data that are known by name, or made, are not looked at: nothing of them is new.
    """
    source = match(spec.source, spec.layout)
    if spec.source != WHERE and (source is None or not (source.is_path or source.is_own)):
        return []
    prepared = load_prepared(data)
    raw = Raw(
        name=prepared.name,
        kind=prepared.kind,
        features=prepared.features,
        labels=prepared.labels,
        class_names=prepared.class_names,
        targets=prepared.targets,
        lengths=prepared.lengths,
        test=np.isin(np.arange(len(prepared.labels)), prepared.test),
        channels=prepared.channels,
        groups=prepared.groups,
        group_names=prepared.group_names,
    )
    found, _ = check_data(raw, spec)
    return [
        f"{one.what.rstrip('.')}{'' if one.what.endswith('?') else '.'}"
        for one in found.findings
        if one.severity != "note"
    ]


def check_data(raw: Raw, spec: DataSpec) -> tuple[DataCheck, Sample]:
    """What was understood and found, and the sample that was looked at closely.

    `raw` may hold missing values (NaN). Splits are those that training would have.
    """
    with np.errstate(all="ignore"):  # what is infinite is found below, and said
        return _checked(raw, spec)


def _checked(raw: Raw, spec: DataSpec) -> tuple[DataCheck, Sample]:
    num, names = len(raw.labels), raw.class_names
    is_train, faults = _is_train(raw, spec)
    train, test = (np.bincount(raw.labels[rows], minlength=len(names)) for rows in (is_train, ~is_train))
    sample = draw(raw, is_train)
    findings = [*faults, *groups.named(raw, is_train, spec.group_column or raw.group_kind), *groups.likely(raw, sample)]
    findings += [*(contents.labels(names) if raw.targets is None else ()), *duplicates.duplicates(raw, is_train)]
    if not faults and raw.targets is None:  # without a split nothing true can be said of its sides
        findings += contents.classes(names, train, test)
    elif not faults and raw.targets is not None:
        findings += contents.numbers(raw.targets, is_train)
    if raw.kind == "sequences":
        findings += contents.gaps(sample, filled=spec.missing == "interpolate")
        findings += [*contents.pictures(raw, sample), *contents.channels(sample), *leaks.leaks(sample, len(names))]
        findings += [*splits.overlap(raw, own_split=raw.test is not None), *splits.shift(sample)]
    findings += pictures.pictures(raw, is_train)
    findings += leaks.order(sample, len(names))
    findings += splits.times(spec)
    lengths = None
    if raw.lengths is not None:
        lengths = (int(raw.lengths.min()), int(np.median(raw.lengths)), int(raw.lengths.max()))
    found = DataCheck(
        name=raw.name,
        source=spec.source,
        kind=raw.kind,
        shape=raw.features.shape[1:],
        num_examples=num,
        task="classification" if raw.targets is None else "regression",
        class_names=names,
        train_counts=tuple(map(int, train)),
        test_counts=tuple(map(int, test)),
        own_split=raw.test is not None,
        num_groups=None if raw.groups is None else len(np.unique(raw.groups)),
        lengths=lengths,
        channels=raw.channels,
        num_missing=int((np.isnan(sample.values) & sample.valid).sum()),
        looked_at=len(sample.rows),
        notes=(
            *raw.understood,
            *(note for note in raw.notes if raw.lengths is None or note != padding_note(raw.lengths)),
        ),
        findings=tuple(sorted(findings, key=lambda one: ORDER.index(one.severity))),
    )
    return found, sample


def _is_train(raw: Raw, spec: DataSpec) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], list[Finding]]:
    """(N,) as training would split; what cannot be split is an error, and all of it then counts as training."""
    from hw3models.data.checks import check

    everything = np.ones(len(raw.labels), bool)
    try:
        check(raw, raw.name, fill=True)
        parts = split(
            raw.labels,
            raw.test,
            spec.model_copy(update={"max_train": None, "max_train_groups": None}),
            raw.groups,
            raw.validation,
        )
    except (DataError, ValueError) as error:
        return everything, [
            Finding(severity="error", what=str(error).rstrip("."), do="mend it: a study would refuse these data")
        ]
    everything[parts.test] = False
    return everything, []
