"""Prefect artifacts: the verdict, the table of families, and links, on the flow run's page."""

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from hw3models.evaluation.scores import main_metric
from hw3models.evaluation.verdicts import verdict_of
from hw3models.evaluation.wording import listed, value_with_interval
from hw3models.families import display_name
from hw3models.specs import Answer, EvaluationReport
from tasks import tracking
from tasks.names import slug


@task(task_run_name="publish-{answer.data.name}", cache_policy=NO_CACHE, persist_result=False)
def publish(answer: Answer) -> None:
    """Markdown verdict, table of families, link to MLflow where that is a server."""
    key = slug(f"{answer.kind}-{answer.data.name}")
    create_markdown_artifact(markdown(answer), key=f"verdict-{key}", description=f"Verdict on {answer.data.name}")
    create_table_artifact(rows(answer), key=f"families-{key}", description=f"Families on {answer.data.name}")
    for family, run_id in answer.run_ids.items():
        if link := tracking.run_link(run_id):
            create_link_artifact(link, key=f"mlflow-{key}-{slug(family)}", link_text=f"{family} in MLflow")


def markdown(answer: Answer) -> str:
    """The verdict as people read it, with what must be known about it."""
    data = answer.data
    lines = [f"## {data.name}", ""]
    lines.append(verdict_of(answer))
    if answer.comparison and answer.comparison.advice:
        lines += ["", answer.comparison.advice]
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
    """A row per family: the score with its interval, and what it cost."""
    metric = main_metric(answer)
    return [
        {
            "family": family,
            metric: _score(evaluation, metric),
            "seeds": len(evaluation.seeds),
            "parameters": answer.training[family].parameters,
            "train seconds": round(answer.training[family].train_seconds, 2),
            "device": answer.training[family].device,
        }
        for family, evaluation in answer.evaluation.items()
    ]


def _score(evaluation: EvaluationReport, metric: str) -> str:
    """A metric that needs two classes is missing where the test split has one."""
    score = evaluation.metrics.get(metric)
    return "n/a" if score is None else value_with_interval(metric, score.mean, score.low, score.high)
