"""Which look for drift at a model this is: counted over the MLflow runs of the looks before it, here and elsewhere."""

from mlflow.entities import RunTag, ViewType

from hw3models.errors import DataError
from tasks.patience import PATIENCE
from tasks.tracking.journal import outbox
from tasks.tracking.store import connect

_MODEL, _CONTENT, _LOOK = "hw3.drift.model", "hw3.drift.content", "hw3.drift.look"
_MOST = 50_000
"""Runs that MLflow gives at once."""


def count_look(run_id: str, model: str, content: str) -> int:
    """The number (from 1) of the look `run_id` at the family's run `model`; that of before for a content seen before.

    It is counted before anything is tested, so that a look that is killed is not forgotten; what was deleted counts.
    The content is written down first and all are counted then: of two machines at once at least one sees both, and the
    k-th content that was written down has at least the number k. So the levels spent are no more than they should be.

    Raises:
        DataError: MLflow does not know the run yet.
    """
    box = outbox()
    if box.known_as(run_id) is None:
        box.flush(PATIENCE)
    known = box.known_as(run_id)
    if known is None:
        raise DataError("MLflow does not answer, so looks at this model cannot be counted. Look again when it does.")
    client, experiment_id = connect()
    client.log_batch(known, tags=[RunTag(_MODEL, model), RunTag(_CONTENT, content)])
    runs = client.search_runs([experiment_id], f"tags.`{_MODEL}` = '{model}'", ViewType.ALL, max_results=_MOST)
    all_tags = [run.data.tags for run in runs]
    before = [int(tags[_LOOK]) for tags in all_tags if _LOOK in tags and tags.get(_CONTENT) == content]
    look = min(before, default=len({tags[_CONTENT] for tags in all_tags if _CONTENT in tags}))
    client.set_tag(known, _LOOK, str(look))
    return look
