"""The report page."""

from contextlib import suppress
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models.report import write_report
from hw3models.specs import Answer, RunReport
from tasks import background


@task(task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def report(run: RunReport, page: Path) -> Path:
    """Write the page; its path."""
    if (process := background.current()) is not None:
        # Where that does not work it is done here, which tells why.
        with suppress(Exception):
            process.do(background.write, run, page).result(background.PATIENCE)
            return page
    write_report(run, page)
    return page


def draw_ahead(answer: Answer) -> None:
    """Have the page's figures drawn meanwhile, where there is somebody to do it; what is compared need not be known."""
    if (process := background.current()) is not None:
        process.do(background.draw, answer)
