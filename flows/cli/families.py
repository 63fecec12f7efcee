"""Families: which there are, and whether one of the user's own will train."""

from typing import Literal

from flows.cli.app import Json, app
from flows.terminal import show, show_json
from hw3models.specs import Kind


@app.command
def families(
    *,
    check: str | None = None,
    data: Kind | None = None,
    shape: str | None = None,
    classes: int | None = None,
    seeds: int = 5,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    json: Json = False,
) -> None:
    """List the families of networks and baselines, or say of one of your own whether it will train.

    Parameters
    ----------
    check
        A family: a name, `./nets.py:MyNet`, or `package.module:name`. It is built, its replicates are proved to
        compute what they compute alone, and a training step is timed.
    data
        For `--check`: `sequences` (or nothing) or `images`.
    shape
        Of one example, for `--check`: steps,channels such as `50,8`, or height,width for the image families.
    classes
        For `--check`: how many there are.
    seeds
        For `--check`: replicates that train together.
    device
        For `--check`: where to train.
    json
        Print what was found as one JSON object, or the list as one of objects.
    """
    from flows.families import as_text, check_family, families_as_json, list_families, parsed_shape

    if check is None and json:
        show_json(families_as_json())
        return
    if check is None:
        show(list_families())
        return
    found = check_family(check, data, parsed_shape(shape), num_classes=classes, num_seeds=seeds, device=device)
    if json:
        show_json(found.model_dump_json(indent=1))
    else:
        show(as_text(found, shape or "the usual shape", seeds))
