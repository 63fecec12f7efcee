"""Events become calls of MLflow, such that a second time changes nothing."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from hw3models.errors import DataError
from hw3models.report import family_figures
from tasks.tracking.inputs import log_data
from tasks.tracking.journal.events import (
    End,
    Event,
    Facts,
    Figures,
    Files,
    Input,
    Logged,
    Name,
    Open,
    Points,
    Seeds,
    Text,
    View,
    decode,
)
from tasks.tracking.journal.files import JournalFile, started_as
from tasks.tracking.journal.seed_runs import log_seed_runs
from tasks.tracking.journal.views import keep_view
from tasks.tracking.model import link_model, log_model
from tasks.tracking.resuming import SWEPT, forget_end
from tasks.tracking.store import PENDING

CALL = 1000
"""Metrics per call, MLflow's own limit. It takes 100 parameters and tags."""

_SHOWN = {
    "confusion": "confusion_matrix_of_test_examples",
    "code_map": "code_map_of_test_examples",
    "walk": "decoder_on_a_grid_of_codes",
}
"""Figures whose own name does not say what they show."""

Lines = Sequence[tuple[int, bytes, Event]]
_T = TypeVar("_T")


def batches(file: JournalFile, on_refused: Callable[[bytes, str], None]) -> Iterator[tuple[int, list[Event]]]:
    """What was not sent: events that make one call, with the offset behind them; none for a line that is unreadable."""
    waiting: list[Event] = []
    end, size = 0, 0
    for offset, line in file.unsent():
        event = _read(file, line, on_refused)
        joins = isinstance(event, Points) and size + len(event.points) <= CALL
        if waiting and not joins:
            yield end, waiting
            waiting, size = [], 0
        if event is None:
            yield offset, []
            continue
        waiting.append(event)
        end = offset
        size += len(event.points) if isinstance(event, Points) else CALL
    if waiting:
        yield end, waiting


def _read(file: JournalFile, line: bytes, on_refused: Callable[[bytes, str], None]) -> Event | None:
    try:
        return decode(line)
    except DataError as error:
        on_refused(line, f"{file.path}: {error}.")
        return None


def start_run(client: MlflowClient, experiment_id: str, event: Open) -> tuple[str, bool]:
    """Find the run by its key, or start it; its id, and whether it is new."""
    found = client.search_runs([experiment_id], f"tags.`hw3.key` = '{_quoted(event.key)}'", max_results=1)
    if found:
        run_id = str(found[0].info.run_id)
        client.update_run(run_id, status="RUNNING")
        forget_end(client, found[0])
    else:
        tags = {"hw3.key": event.key, **event.tags}
        run_id = str(client.create_run(experiment_id, event.at, tags, event.name).info.run_id)
    log_facts(client, run_id, event.params, event.tags if found else {})
    if event.data is not None:
        log_data(client, run_id, event.data)
    if event.spec is not None:
        client.log_text(run_id, event.spec, "spec.json")
    return run_id, not found


def log_facts(client: MlflowClient, run_id: str, params: dict[str, str], tags: dict[str, str]) -> None:
    """Parameters and tags, in as few calls as MLflow takes."""
    some_params = _chunks([Param(name, value[:6000]) for name, value in params.items()], 100)
    some_tags = _chunks([RunTag(name, value[:5000]) for name, value in tags.items()], 100)
    for these, those in zip_longest(some_params, some_tags, fillvalue=()):
        client.log_batch(run_id, params=these, tags=those)


class Shipping:
    """Sends events of one store's runs."""

    def __init__(self, store: Path, client: MlflowClient, experiment_id: str) -> None:
        self.store, self.client, self.experiment_id = store, client, experiment_id
        self._there: dict[tuple[str, str], frozenset[int]] = {}
        """Steps that a metric of a run had before this process logged to it."""

    def send(self, run_id: str, events: Sequence[Event]) -> None:
        """Several `Points`, or one event of another kind, to a run that has been started."""
        first = events[0]
        if isinstance(first, Points):
            self._points(run_id, [event for event in events if isinstance(event, Points)])
        elif isinstance(first, Facts):
            log_facts(self.client, run_id, first.params, self.resolved(first.tags))
        elif isinstance(first, Text):
            self.client.log_text(run_id, first.text, first.path)
            if first.is_table:
                self._list_table(run_id, first.path)
        elif isinstance(first, Figures):
            for name, svg in family_figures(first.training, first.evaluation, first.data).items():
                self.client.log_text(run_id, svg, f"figures/{_SHOWN.get(name, name)}.svg")
        elif isinstance(first, Files):
            self._files(run_id, first)
        elif isinstance(first, Logged):
            model_id = log_model(self.client, self.experiment_id, run_id, first.training, first.data)
            link_model(self.client, run_id, model_id)
        elif isinstance(first, Input):
            log_data(self.client, run_id, first.data)
        elif isinstance(first, Seeds):
            log_seed_runs(self.client, self.experiment_id, run_id, first)
        elif isinstance(first, View):
            keep_view(self.client, self.experiment_id, run_id, first)
        elif isinstance(first, Name):
            self.client.update_run(run_id, name=first.name)
        elif isinstance(first, End):
            self._end(run_id, first)

    def _end(self, run_id: str, event: End) -> None:
        run = self.client.get_run(run_id)
        if event.status == "FINISHED" and SWEPT in run.data.tags:
            # It was taken for dead, and was not.
            forget_end(self.client, run)
        self.client.set_terminated(run_id, event.status, event.at)

    def _points(self, run_id: str, events: Sequence[Points]) -> None:
        points = [
            Metric(name, value, timestamp, step)
            for event in events
            for name, value, timestamp, step in event.points
            if event.new_run or step not in self._steps(run_id, name)
        ]
        for some in _chunks(points, CALL):
            self.client.log_batch(run_id, metrics=some)

    def _steps(self, run_id: str, name: str) -> frozenset[int]:
        if (run_id, name) not in self._there:
            history = self.client.get_metric_history(run_id, name)
            self._there[run_id, name] = frozenset(point.step for point in history)
        return self._there[run_id, name]

    def _files(self, run_id: str, event: Files) -> None:
        source = Path(event.source)
        if source.is_dir():
            self.client.log_artifacts(run_id, str(source), event.folder)
        else:
            self.client.log_artifact(run_id, str(source), event.folder)

    def _list_table(self, run_id: str, path: str) -> None:
        """MLflow shows as tables what this tag lists."""
        listed = json.loads(self.client.get_run(run_id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in listed:
            self.client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([*listed, entry]))

    def resolved(self, tags: dict[str, str]) -> dict[str, str]:
        """Tags that name runs by their pending ids, with the ids that these got."""
        return {
            name: (started_as(self.store, value) or value) if value.startswith(PENDING) else value
            for name, value in tags.items()
        }


def _chunks(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _quoted(text: str) -> str:
    return text.replace("'", "")
