"""One training on a work pool's worker: what the deployments `train/gpu` and `train/cpu` run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from flows.prefect_tags import prefect_tags
from flows.studies.closing import HOOKS, close, saying_cancelled
from flows.studies.flush import flush
from flows.studies.one_family import prepare, train_family
from flows.studies.reach import check_reach
from hw3models.errors import PlacementError
from hw3models.families import find_family
from hw3models.specs import DataReport, TrainJob
from tasks import tracking
from tasks.liveness import present
from tasks.names import training_name
from tasks.progress import logged, say
from tasks.settings import Settings
from tasks.tuning import try_recipe


def flow_name() -> str:
    """Name of the flow run, such as `train-lstm-x5-regime-order`."""
    spec = flow_run.parameters["spec"]
    return training_name(spec.training, spec.trial)


@flow(name="train", flow_run_name=flow_name, validate_parameters=True, **HOOKS)
def train(spec: TrainJob) -> None:
    """Prepare the data here, train one family, evaluate, and leave everything in its MLflow run.

    Or judge one recipe of a search, on validation examples.
    """
    with present(flow_run.id), saying_cancelled(), logged(get_run_logger().info):
        if spec.run_id is None or spec.fencing_token is None:
            _train_alone(spec)
        else:
            _train_for_a_study(spec, spec.run_id, spec.fencing_token)


def _train_for_a_study(spec: TrainJob, run_id: str, fencing_token: str) -> None:
    child = str(flow_run.id)
    if not tracking.claim(run_id, child, fencing_token):
        reason = "it was called back before it began"
        tracking.refuse(run_id, child, reason)
        raise PlacementError(f"{spec.training.family}: {reason}; the study that sent it out has done it itself.")
    with _alive(run_id, child), close(run_id, wait_for_parent=True):
        try:
            data = _prepare(spec)
        except Exception as error:
            # Nothing was trained: whoever sent this out may do it.
            tracking.refuse(run_id, child, str(error))
            raise
        if spec.trial is None:
            with tracking.watched(run_id):
                train_family(
                    spec.training,
                    data,
                    run_id,
                    metric=spec.metric,
                    fresh=spec.fresh,
                    before_recording=lambda: _still_wanted(run_id, fencing_token),
                )
        else:
            report = try_recipe(spec.training, spec.trial, data, run_id)
            _still_wanted(run_id, fencing_token)
            tracking.log_trial(run_id, spec.training, spec.trial, report)
        if left := flush():
            raise PlacementError(f"MLflow does not answer: the results cannot be handed over, {left} entries are kept.")


def _train_alone(spec: TrainJob) -> None:
    """Started by a person: no study waits for it, so it opens its own runs."""
    data = _prepare(spec)
    parent = tracking.open_parent(f"train {spec.training.family} on {data.name}", spec, prefect_tags())
    with close(parent):
        run_id = tracking.open_child(parent, spec.training, data, prefect_tags())
        _, evaluation, _ = train_family(spec.training, data, run_id, metric=spec.metric, fresh=spec.fresh)
        tracking.log_seeds(run_id, evaluation, data)
        tracking.end_run(parent, "FINISHED")
        flush()


def _prepare(spec: TrainJob) -> DataReport:
    check_reach(spec.training.data.source)
    data = prepare(spec.training)
    find_family(data.kind, spec.training.family, spec.training.origin)
    say(f"{data.name}: {data.num_train:,} training examples, digest {data.digest}")
    return data


def _still_wanted(run_id: str, fencing_token: str) -> None:
    if not tracking.is_owner(run_id, fencing_token):
        raise PlacementError("This run was given up while it trained: its results are not recorded.")


@contextmanager
def _alive(run_id: str, child: str) -> Iterator[None]:
    """Signs of life until the block ends."""
    ended, pause = threading.Event(), Settings().heartbeat

    def heartbeat() -> None:
        while True:
            # An outage of the server is not the end of the training: the next beat may arrive.
            try:
                tracking.heartbeat(run_id, child)
            except Exception as error:
                say(f"no sign of life could be sent: {error}")
            if ended.wait(pause):
                return

    thread = threading.Thread(target=copy_context().run, args=(heartbeat,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)
