"""The report page, and the answers to the homework's questions."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from hw3models import homework
from hw3models.report import write_report
from hw3models.specs import HomeworkPart, RunReport
from tasks.progress import say


@task(task_run_name="homework", cache_policy=NO_CACHE, persist_result=False)
def solve_homework() -> tuple[HomeworkPart, ...]:
    """Parts 1A to 1C and 3, computed."""
    return homework.solve(on_progress=say)


@task(task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def report(run: RunReport, page: Path) -> Path:
    """Write the page; its path."""
    write_report(run, page)
    return page
