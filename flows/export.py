"""`hw3 export`: a model as one file."""

from pathlib import Path

from flows.predict import files_of, load
from hw3models.runtime.files import check_output
from hw3models.serving.export import Exported, export


def export_model(model: str, output: Path) -> str:
    """Write the file; what it is, and how quick, as text.

    Raises:
        SpecError: the file is one of the model, cannot be written, or the model cannot be exported.
    """
    check_output(output, files_of(model))
    return told(export(load(model), output))


def told(made: Exported) -> str:
    """The table of `hw3 export`."""
    lines = [
        f"{made.path}: {made.num_bytes / 1024:,.0f} KiB, at most {made.difference:.1g} from our own prediction",
        f"{'examples at once':<18}{'this file, ms':>15}{'hw3 predict, ms':>17}",
    ]
    lines += [f"{text:<18}{own:>15.2f}{ours:>17.2f}" for text, (own, ours) in made.milliseconds.items()]
    return "\n".join(lines)
