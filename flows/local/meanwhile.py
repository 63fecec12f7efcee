"""What a study needs later, had while the temporary server starts.

Only what can be cut off anywhere: here commands are killed most.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module

from hw3models.specs import Hw3Spec, SequencesSpec, Spec
from tasks.settings import Settings


def prepare_for(spec: Spec, is_waiting: Callable[[], bool]) -> None:
    """One thing after another, for as long as `is_waiting` says so; what fails here fails, and is told, later."""
    for step in _steps(spec):
        if not is_waiting():
            return
        with suppress(Exception):
            step()


def _steps(spec: Spec) -> Iterator[Callable[[], object]]:
    if Settings().mlflow_tracking_uri is None:
        # Its first use makes the tables.
        from tasks.tracking.store import connect_once

        yield connect_once
    yield partial(import_module, "sklearn.linear_model")
    if isinstance(spec, (Hw3Spec, SequencesSpec)):
        yield partial(import_module, "aeon.transformations.collection.convolution_based")
    if isinstance(spec, Hw3Spec):
        yield partial(import_module, "torchvision")
