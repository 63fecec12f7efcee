"""Download and preprocess: raw data on this machine, then prepared arrays with a digest."""

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from hw3models import data
from hw3models.data.progress import telling
from hw3models.errors import DownloadError
from hw3models.specs import DataReport, DataSpec, SourceReport
from tasks.caching import cache_key
from tasks.progress import say
from tasks.settings import Settings
from tasks.tracking.uploads import bring


def _worth_a_retry(_task: object, _run: object, state: State[SourceReport]) -> bool:
    """A mirror may come back. Nothing else about a file gets better by reading it again."""
    return isinstance(state.result(raise_on_failure=False), DownloadError)


@task(
    task_run_name="download-{spec.source}",
    # The library keeps downloaded files and checks their sums itself.
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[1, 5],
    retry_condition_fn=_worth_a_retry,
    persist_result=False,
)
def download(spec: DataSpec) -> SourceReport:
    """Raw data on this machine."""
    settings = Settings()
    return data.fetch(
        spec,
        cache=settings.cache,
        mirrors=settings.mirrors,
        timeout=settings.download_timeout,
        on_progress=say,
        uploads=bring,
    )


@task(task_run_name="preprocess-{spec.source}", cache_key_fn=cache_key, persist_result=True, result_serializer="json")
def preprocess(spec: DataSpec, source: SourceReport) -> DataReport:
    """Prepared arrays with splits, scaling and digest."""
    with telling(say):
        return data.prepare(spec, source, cache=Settings().cache)
