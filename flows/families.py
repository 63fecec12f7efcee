"""Families: which there are for which data, and whether one of the user's own will train."""

import json
import sys
from contextlib import redirect_stdout

from hw3models.engine.examination import FamilyCheck, check_shape, examine, num_parameters
from hw3models.errors import SpecError
from hw3models.families import FAMILIES, Family, Network, enter, find_family, is_reference, offered, predicting_numbers
from hw3models.printable import one_a_line
from hw3models.specs import Kind

SHAPES: dict[Kind, tuple[int, ...]] = {"images": (28, 28), "sequences": (50, 8)}
"""What numbers of parameters are counted for."""
COLUMNS = ("family", "data", "task", "recipe", "parameters", "source", "for")
CLASSES: dict[Kind, int] = {"images": 10, "sequences": 2}


def list_families() -> str:
    """A table of all families: for which data, how they are trained, how large they are, where they come from."""
    rows = [COLUMNS, *_rows()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    shapes = ", ".join(f"{kind} {'x'.join(map(str, shape))}" for kind, shape in SHAPES.items())
    return "\n".join(
        (
            *lines,
            "",
            f"Parameters are of one replicate, for {shapes}.",
            "An ensemble of five seeds, beside the single network: `--families 'inception,inception*5'`.",
            "Your own: `--families cnn,./nets.py:MyNet,package.module:name`;",
            "`hw3 families --check ./nets.py:MyNet --shape 50,8` says whether it will train.",
        )
    )


def families_as_json() -> str:
    """The rows of the same table, as a list of objects."""
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in _rows()], indent=1)


def _rows() -> list[tuple[str, ...]]:
    rows = [_row(kind, one, "this package") for kind, families in FAMILIES.items() for one in families.values()]
    for name, point in offered().items():
        rows.append((name, "", "", "", "", f"{point.dist.name if point.dist else '?'} ({point.value})", ""))
    return rows


def _row(kind: Kind, family: Family, source: str) -> tuple[str, ...]:
    if not isinstance(family, Network):
        return family.name, kind, family.objective.name, "baseline, no recipe", "", source, family.purpose
    recipe, number = family.recipe, num_parameters(family, SHAPES[kind], CLASSES[kind])
    told = f"{recipe.epochs} epochs, {recipe.optimizer} {recipe.learning_rate:g}, batches of {recipe.batch_size}"
    tasks = dict.fromkeys((family.objective.name, predicting_numbers(family).objective.name))
    return family.name, kind, ", ".join(tasks), told, f"{number:,}", source, family.purpose


def check_family(
    reference: str,
    kind: Kind | None,
    shape: tuple[int, ...] | None,
    *,
    num_classes: int | None,
    num_seeds: int,
    device: str,
) -> FamilyCheck:
    """Look at one family, by name or by where it is.

    Raises:
        SpecError: it cannot be trained; the message says why.
    """
    if kind is None:
        only_images = reference not in FAMILIES["sequences"] and reference in FAMILIES["images"]
        kind = "images" if only_images else "sequences"
    shape = shape or SHAPES[kind]
    check_shape(kind, shape)
    # What a foreign module prints must not stand in the middle of the JSON.
    with redirect_stdout(sys.stderr):
        family = enter(kind, reference) if is_reference(reference) else find_family(kind, reference)
        return examine(family, kind, shape, num_classes or CLASSES[kind], num_seeds=num_seeds, device=device)


def as_text(found: FamilyCheck, shape: str, num_seeds: int) -> str:
    """What was found, in lines for people."""
    lines = [f"{found.family}: {found.source}"]
    if found.recipe is None or found.parameters is None or found.step_milliseconds is None:
        return one_a_line((*lines, "  an estimator: it is fitted once a seed, and asked about the test examples"))
    recipe = found.recipe
    lines += [
        f"  trains on {found.kind} of {shape}: {found.parameters:,} parameters",
        f"  replicates run {_HOW.get(str(found.strategy), 'as one program')} ({found.strategy})"
        + (f" (not {found.reason})" if found.reason else ""),
    ]
    if found.own_noise:
        lines.append("  draws random numbers while it trains; each replicate's come from its own generator")
    lines += [
        f"  a step of {recipe.batch_size} takes {found.step_milliseconds:.3g} ms a replicate ({num_seeds} seeds)",
        f"  recipe: {recipe.epochs} epochs, {recipe.optimizer}, learning rate {recipe.learning_rate:g}",
        *(f"  warning: {warning}" for warning in found.warnings),
    ]
    return one_a_line(lines)


_HOW = {"split": "as one program on each core", "separate": "one by one"}


def parsed_shape(text: str | None) -> tuple[int, ...] | None:
    """`50,8` or `50x8` as numbers.

    Raises:
        SpecError: it is something else.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError as error:
        raise SpecError(f"`shape` {text!r} is not numbers with commas, such as 50,8.") from error
