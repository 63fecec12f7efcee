"""Run a flow from the command line: server, progress, Ctrl-C, and what is printed at the end."""

import json as jsonlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

from flows.local.embedded import embedded_server, prepare_environment, without_heartbeats
from flows.local.folders import check_folders
from flows.local.servers import check_servers
from flows.terminal import elapsed, remark, show, show_json
from hw3models.printable import one_a_line
from hw3models.specs import (
    AutoencoderSpec,
    Hw3Spec,
    ImagesSpec,
    Kind,
    RunReport,
    SequencesSpec,
    Spec,
    StudyKind,
    StudySpec,
)
from tasks import progress
from tasks.background import background
from tasks.processes import holding_interrupts, importing
from tasks.settings import Settings

_KINDS: dict[type[StudySpec], StudyKind] = {
    ImagesSpec: "images",
    AutoencoderSpec: "autoencoder",
    SequencesSpec: "sequences",
}


def execute(name: str, spec: Spec, *, json: bool, verbose: bool, explain: bool = False) -> None:
    """Run the study `name` in this process and print its summary on stdout; with `explain`, its statistics as well."""
    run = run_here(lambda: _study(name, spec, tell=remark), spec, verbose=verbose)
    from flows.local.summary import as_json, as_text

    if json:
        show_json(jsonlib.dumps(as_json(run), indent=1, allow_nan=False))
    else:
        show(as_text(run, explain=explain, seconds=elapsed()))


def run_study(spec: ImagesSpec | AutoencoderSpec | SequencesSpec) -> RunReport:
    """The study that the spec is of, from Python (a notebook, a script), without a word: its answers and its report.

    Call it before Prefect is imported: with no server set it starts a temporary one, quietly.
    """
    return run_here(lambda: _study(_KINDS[type(spec)], spec), spec, verbose=False, show=False)


def _study(name: str, spec: Spec, tell: Callable[[str], None] = lambda _: None) -> Callable[[Any], RunReport]:
    _check_early(spec, tell)
    from flows.autoencoder import autoencoder
    from flows.hw3 import hw3
    from flows.images import images
    from flows.sequences import sequences

    flows: dict[str, Callable[[Any], RunReport]] = {
        "hw3": hw3,
        "images": images,
        "autoencoder": autoencoder,
        "sequences": sequences,
    }
    return flows[name]


_R = TypeVar("_R")


def run_here(load: Callable[[], Callable[[Any], _R]], spec: Spec, *, verbose: bool, show: bool = True) -> _R:
    """Run the flow that `load` imports in this process, with progress if `show`, and with Ctrl-C told to Prefect.

    It is imported here: Prefect reads its settings when it is, and its temporary server starts meanwhile.
    """
    check_servers()
    check_folders()
    prepare_environment(verbose=verbose)
    with ExitStack() as around:
        with importing(), embedded_server(), holding_interrupts():
            flow = load()
            from flows.local.display import display
        around.enter_context(without_heartbeats())
        if isinstance(spec, Hw3Spec):
            # Everything takes a while: a process that draws and solves meanwhile pays.
            around.enter_context(background())
        if show:
            # Any: a union of two context managers enters as `object`.
            shown: Any = around.enter_context(display())
            around.enter_context(progress.listening(shown))
        try:
            return flow(spec)
        except KeyboardInterrupt:
            _cancel_flow_runs()
            raise


def _check_early(spec: Spec, tell: Callable[[str], None]) -> None:
    """What is wrong is told at once, not after a server has started; a wrong source before torch is imported."""
    from hw3models.data import as_kind, check_kind, fetch
    from hw3models.data.addresses import lacks_digest
    from hw3models.data.sources import find_source

    there = ""
    if isinstance(spec, (ImagesSpec, AutoencoderSpec, SequencesSpec)):
        kind: Kind = "sequences" if isinstance(spec, SequencesSpec) else "images"
        data = as_kind(kind, spec.data)
        check_kind(kind, data)
        if not find_source(data.source, data.layout).is_remote or lacks_digest(data.source):
            fetch(data, cache=Settings().cache, timeout=Settings().download_timeout)
            there = f"{data.source}: found; "
    # The imports that follow take some seconds: whoever waits knows what for.
    tell(one_a_line([f"[{elapsed():6.1f} s] {there}loading torch, Prefect and MLflow"]))
    has_choices = isinstance(spec, StudySpec) and (spec.families, spec.metric, spec.recipe) != (None, None, "default")
    if has_choices and isinstance(spec, (ImagesSpec, AutoencoderSpec, SequencesSpec)):
        from hw3models.pipeline.study import check_study

        check_study(_KINDS[type(spec)], spec, spec.data.task)


def _cancel_flow_runs() -> None:
    """Prefect calls an interrupted run Crashed; it was cancelled, so that is what its state shall say."""
    from prefect import get_client
    from prefect.states import Cancelled

    from flows.studies.reported import started_flow_runs

    with suppress(Exception), get_client(sync_client=True) as client:
        for run_id in started_flow_runs():
            state = client.read_flow_run(run_id).state
            if state is None or not (state.is_completed() or state.is_failed()):
                client.set_flow_run_state(run_id, Cancelled(message="Interrupted with Ctrl-C."), force=True)
