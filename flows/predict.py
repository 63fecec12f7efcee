"""`hw3 predict`: a registered model, or a model folder, asked about a file."""

import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.local.servers import check_servers
from flows.terminal import remark
from hw3models.data.progress import telling
from hw3models.data.sources import check_there
from hw3models.errors import SpecError
from hw3models.runtime.files import check_output
from hw3models.serving.batch import score_file
from hw3models.serving.predictor import Predictor, load_predictor, save_use
from hw3models.specs import DataSpec, FormOptions
from tasks.bringing import on_this_machine
from tasks.promotion import fetch_challenger
from tasks.tracking import registry
from tasks.tracking.finding import find_answers


def load(model: str) -> Predictor:
    """A model folder on this machine, or a model of the registry.

    Raises:
        SpecError: there is no such model.
        DataError: the folder does not hold a whole model.
    """
    if _is_folder(model):
        return load_predictor(Path(model))
    check_servers(writes=False)
    with tempfile.TemporaryDirectory() as folder:
        return load_predictor(registry.fetch_model(model, Path(folder)))


def files_of(model: str) -> list[Path]:
    """What a command reads of a model or a run that is a folder or file here."""
    if _is_folder(model):
        return list(Path(model).iterdir())
    return [Path(model)] if Path(model).is_file() else []


def _is_folder(model: str) -> bool:
    return (Path(model) / "model.json").is_file()


def load_of_run(run: str, family: str | None = None, data: str | None = None) -> Predictor:
    """The best replicate of a family of a study, as the study left it: no champion is needed.

    Raises:
        SpecError: there is no such run, data set or network in it.
        DataError: its model is not in MLflow.
    """
    check_servers(writes=False)
    _, answers = find_answers(run)
    wanted = [answer for answer in answers if data in (None, answer.data.name)]
    if len(wanted) != 1:
        names = ", ".join(answer.data.name for answer in answers)
        raise SpecError(f"`run` {run} has the data sets {names}: name one of them with `--data`.")
    [answer] = wanted
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as use:
        found = fetch_challenger(answer, family, Path(folder))
        save_use(Path(found.training.directory), Path(use), found.members)
        return load_predictor(Path(use))


def check_named(model: str | None, run: str | None, family: str | None, data: str | None) -> None:
    """One model, of the registry or of a folder, or one of a study.

    Raises:
        SpecError: neither is named, or both.
    """
    if (model is None) == (run is None):
        raise SpecError(
            "name a model with `--model NAME@champion`, or a study with `--run RUN` and, if it is not to be the "
            "winner, `--family gru`: one of the two."
        )
    if run is None and (family is not None or data is not None):
        raise SpecError("`family` and `data` choose from a study: give its `--run` instead of `--model`.")


def predict(
    model: str | None,
    data: Path | str,
    output: Path,
    *,
    run: str | None = None,
    family: str | None = None,
    data_set: str | None = None,
    sample_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    skip_unreadable: bool = False,
    form: FormOptions = FormOptions(),  # noqa: B008  # frozen
) -> str:
    """Write the predictions, with a count of what is done on stderr; a line about it.

    The data are read as those that the model was trained on, where nothing else is said.
    """
    check_named(model, run, family, data_set)
    console = Console(stderr=True)
    with on_this_machine(DataSpec(source=str(data)), remark) as here:
        path = Path(here.source)
        check_there(path)
        check_output(output, [path, *files_of(model if model is not None else str(run))])
        predictor = load(model) if model is not None else load_of_run(str(run), family, data_set)
        begun = time.perf_counter()
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} examples"), TimeElapsedColumn())
        bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        with telling(lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)), bar as progress:
            task = progress.add_task("predict", total=None)
            number = score_file(
                predictor,
                path,
                output,
                sample_column=sample_column,
                time_column=time_column,
                label_column=label_column,
                skip_unreadable=skip_unreadable,
                form=form,
                on_progress=lambda done: progress.update(task, completed=done),
            )
    manifest = predictor.manifest
    who = f"seed {manifest.best_seed}" if manifest.use == "single" else f"of {len(manifest.seeds)} seeds together"
    return (
        f"{output}: {number:,} examples by {manifest.family} {who}, "
        f"trained on {manifest.data_name}, in {time.perf_counter() - begun:.1f} s"
    )
