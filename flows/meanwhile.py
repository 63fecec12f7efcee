"""What a study needs later, had while the temporary server starts: with a fresh home it makes its database for seconds.

Only what can be cut off anywhere. MLflow's embedded store cannot: a command that is killed while it makes the tables
leaves a store that cannot be used, and here commands are killed most.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module

from hw3models.specs import Hw3Spec, SequencesSpec, Spec


def import_for(spec: Spec, is_waiting: Callable[[], bool]) -> None:
    """One module after another, for as long as `is_waiting` says so; what fails here fails, and is told, later."""
    for name in _modules(spec):
        if not is_waiting():
            return
        with suppress(Exception):
            import_module(name)


def _modules(spec: Spec) -> Iterator[str]:
    yield "sklearn.linear_model"
    if isinstance(spec, (Hw3Spec, SequencesSpec)):
        yield "aeon.transformations.collection.convolution_based"
    if isinstance(spec, Hw3Spec):
        yield "torchvision"
