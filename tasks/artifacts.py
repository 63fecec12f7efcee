"""One Prefect artifact on the flow run's page: verdict, table, and where the rest is."""

from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from hw3models.evaluation.scores import main_metric
from hw3models.evaluation.verdicts import verdict_of
from hw3models.evaluation.wording import listed, value_with_interval
from hw3models.families import display_name
from hw3models.report import ranked
from hw3models.specs import Answer, EvaluationReport, RunReport
from tasks import tracking
from tasks.names import slug


@task(task_run_name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(run: RunReport) -> None:
    """All answers of the run on one page. Its key is that of the question, so that Prefect shows how it changed."""
    if not run.answers:
        return
    one = run.answers[0] if len(run.answers) == 1 else None
    key = slug(f"verdict-{one.kind}-{one.data.name}" if one else f"verdict-{run.title}")
    text = "\n\n".join([*(markdown(answer) for answer in run.answers), *_links(run)])
    about = one.data.name if one else ", ".join(answer.data.name for answer in run.answers)
    create_markdown_artifact(text, key=key, description=f"Verdict on {about}")


def _links(run: RunReport) -> list[str]:
    """Where the report is and where families are compared: pages of servers where there are some, else paths."""
    links = []
    if run.report is not None:
        there = tracking.artifact_link(run.tracking.run_id, Path(run.report).name) if run.tracking else None
        links.append(f"[Report]({there})" if there else f"Report: `{run.report}`")
    if run.tracking is not None and run.tracking.link:
        links.append(f"[Compare the families in MLflow]({run.tracking.link})")
    return links


def markdown(answer: Answer) -> str:
    """The verdict as people read it, with what must be known about it."""
    data = answer.data
    lines = [f"## {data.name}", ""]
    lines.append(verdict_of(answer))
    if answer.comparison and answer.comparison.advice:
        lines += ["", answer.comparison.advice]
    lines += _table(answer)
    for number, look in enumerate(answer.comparison.looks if answer.comparison else (), 1):
        others = [display_name(family) for family in look.undecided]
        undecided = f"undecided against {listed(others)}" if others else "decided"
        lines += ["", f"Look {number}, {look.seeds} seeds: {display_name(look.leader)}, {undecided}."]
    lines += ["", f"{data.num_train:,} training, {data.num_validation:,} validation, {data.num_test:,} test examples; "]
    lines[-1] += f"digest `{data.digest}`."
    lines += [f"- **{note}**" for note in (*data.notes, *answer.notes)]
    lines += [f"- **{family} could not be trained**: {reason}" for family, reason in answer.failures.items()]
    return "\n".join(lines)


def rows(answer: Answer) -> list[dict[str, object]]:
    """A row per family, best first: the score with its interval, and what it cost."""
    metric, answer = main_metric(answer), ranked(answer)
    return [
        {
            "family": family,
            metric: _score(evaluation, metric),
            "seeds": len(evaluation.seeds),
            "parameters": f"{answer.training[family].parameters:,}",
            "train seconds": f"{answer.training[family].train_seconds:.1f}",
            "device": answer.training[family].device,
        }
        for family, evaluation in answer.evaluation.items()
    ]


def _table(answer: Answer) -> list[str]:
    """The rows in markdown."""
    found = rows(answer)
    if not found:
        return []
    lines = [list(found[0]), ["---"] * len(found[0]), *([str(value) for value in row.values()] for row in found)]
    return ["", *(f"| {' | '.join(line)} |" for line in lines)]


def _score(evaluation: EvaluationReport, metric: str) -> str:
    """A metric that needs two classes is missing where the test split has one."""
    score = evaluation.metrics.get(metric)
    return "n/a" if score is None else value_with_interval(metric, score.mean, score.low, score.high)
