"""`hw3 predict`: a registered model, or a model folder, asked about a file."""

import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.local.servers import check_servers
from hw3models.runtime.files import check_output
from hw3models.serving.batch import score_file
from hw3models.serving.predictor import Predictor, load_predictor
from hw3models.specs import FormOptions
from tasks.tracking import registry


def load(model: str) -> Predictor:
    """A model folder on this machine, or a model of the registry.

    Raises:
        SpecError: there is no such model.
        DataError: the folder does not hold a whole model.
    """
    if _is_folder(model):
        return load_predictor(Path(model))
    check_servers()
    with tempfile.TemporaryDirectory() as folder:
        return load_predictor(registry.fetch_model(model, Path(folder)))


def _is_folder(model: str) -> bool:
    return (Path(model) / "model.json").is_file()


def predict(
    model: str,
    data: Path,
    output: Path,
    *,
    sample_column: str,
    time_column: str,
    label_column: str = "label",
    form: FormOptions = FormOptions(),  # noqa: B008  # frozen
) -> str:
    """Write the predictions, with a count of what is done on stderr; a line about it."""
    check_output(output, [data, *(Path(model).iterdir() if _is_folder(model) else ())])
    predictor = load(model)
    begun = time.perf_counter()
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} examples"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("predict", total=None)
        number = score_file(
            predictor,
            data,
            output,
            sample_column=sample_column,
            time_column=time_column,
            label_column=label_column,
            form=form,
            on_progress=lambda done: progress.update(task, completed=done),
        )
    manifest = predictor.manifest
    return (
        f"{output}: {number:,} examples by {manifest.family} seed {manifest.best_seed}, "
        f"trained on {manifest.data_name}, in {time.perf_counter() - begun:.1f} s"
    )
