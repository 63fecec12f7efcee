"""`hw3 check`: what was understood of data, and what stands out, before anything is trained."""

import hashlib
from pathlib import Path

from flows.terminal import remark
from hw3models.checking import DataCheck, check_data
from hw3models.data import fetch
from hw3models.data.preparation import labelled, read_raw
from hw3models.data.progress import telling
from hw3models.data.source import path_of
from hw3models.data.sources import match
from hw3models.printable import one_a_line
from hw3models.report.check_page import write_page
from hw3models.runtime.files import check_output
from hw3models.specs import DataSpec
from tasks.bringing import bring_upload
from tasks.names import slug
from tasks.settings import Settings


def check(spec: DataSpec, output: Path | None) -> tuple[DataCheck, Path]:
    """Look at the data and write the page; what was found, and where the page is.

    Raises:
        SpecError, DataError: the data cannot be read at all, or the page would replace them.
    """
    settings = Settings()
    source = fetch(
        spec,
        cache=settings.cache,
        mirrors=settings.mirrors,
        timeout=settings.download_timeout,
        on_progress=remark,
        uploads=bring_upload,
    )
    if output is not None:
        check_output(output, [spec.source, *source.files])
    # Missing values are counted here, not refused.
    asked = spec.model_copy(update={"source": source.source, "missing": "interpolate"})
    with telling(remark):
        raw = labelled(read_raw(asked, source, cache=settings.cache), spec)
    found, sample = check_data(raw, spec)
    path = output or settings.home / "reports" / f"check-{slug(found.name)}{_apart(spec)}.html"
    write_page(found, sample, path)
    return found, path


def _apart(spec: DataSpec) -> str:
    """What tells pages of files with one name in several folders apart; nothing for data that are known by name."""
    one = match(spec.source, spec.layout)
    if one is None or not one.is_path:
        return ""
    return f"-{hashlib.sha256(str(path_of(spec.source)).encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"


def as_text(found: DataCheck, page: Path) -> str:
    """What a terminal shows: what was understood, then the findings."""
    shape = " x ".join(map(str, found.shape))
    labels = "labels are numbers" if found.task == "regression" else f"{len(found.class_names)} classes"
    lines = [f"{found.name}: {found.num_examples:,} {found.kind} of {shape}, {labels}"]
    if found.lengths:
        low, middle, high = found.lengths
        lines.append(f"  {low:,} to {high:,} steps (median {middle:,}): shorter series are padded and masked")
    if found.channels:
        more = f" and {len(found.channels) - 20} more" if len(found.channels) > 20 else ""
        lines.append(f"  channels: {', '.join(found.channels[:20])}{more}")
    lines += [f"  {note}" for note in found.notes]
    rows = zip(found.class_names, found.train_counts, found.test_counts, strict=True)
    shown = [f"  {name}: {train:,} training, {test:,} test" for name, train, test in rows]
    lines += shown[:12] + ([f"  and {len(shown) - 12} classes more"] if len(shown) > 12 else [])
    drawn = "drawn at random, stratified by class" if found.num_groups is None else "whole groups, drawn at random"
    drawn = drawn.replace("class", "ranges of the number") if found.task == "regression" else drawn
    lines.append(f"  test split: {'as the source says' if found.own_split else drawn}")
    if found.looked_at < found.num_examples:
        lines.append(f"  gaps, channels and leaks were looked for in {found.looked_at:,} examples drawn at random")
    lines += [
        line
        for one in found.findings
        for line in (f"{one.severity}: {one.what.rstrip('.?')}{'?' if one.what.endswith('?') else '.'}", f"  {one.do}.")
    ]
    if not found.findings:
        lines.append("nothing stands out")
    return one_a_line([*lines, f"page: {page}"])
