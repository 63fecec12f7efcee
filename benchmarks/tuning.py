"""Does a search help? The default recipes against tuned ones on a test split, for docs/tuning.md.

    python -m benchmarks.tuning [SOURCE] [--trials 20] [--seeds 5]

The same study twice, without and with `--tune`, then each family against itself on the same test examples. The search
sees the training part only.
"""

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.pages import rewrite
from benchmarks.published import SHARED
from benchmarks.results import HW3
from hw3models.evaluation.comparison import compare
from hw3models.evaluation.prediction_table import PredictionTable, load_table
from hw3models.evaluation.wording import goal_value
from hw3models.runtime.devices import cpu_name
from hw3models.specs import Answer, RunReport

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tuning.md"
FAMILIES = "mlp,cnn,lstm,gru"


def main() -> None:
    """Run both studies, and rewrite the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="?", default=str(SHARED / "uea" / "RacketSports" / "RacketSports_TRAIN.ts"))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    study = ["sequences", given.source, "--families", FAMILIES, "--seeds", str(given.seeds)]
    default, tuned = answer(study), answer([*study, "--tune", str(given.trials)])
    text = table(default, tuned)
    text += (
        f"\n\n{default.data.name}, {len(default.data.class_names)} classes, {default.data.num_test} test examples, "
        f"{given.seeds} seeds, {given.trials} trials for each family: `python -m benchmarks.tuning` on {cpu_name()}, "
        f"2 cores, {date.today().isoformat()}."
    )
    rewrite(PAGE, "figures", text)
    sys.stdout.write(f"{text}\n")


def answer(arguments: list[str]) -> Answer:
    """Of a study of one data set."""
    done = subprocess.run([HW3, *arguments, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    page = Path(json.loads(done.stdout)["report"]).with_suffix(".json")
    return RunReport.model_validate_json(page.read_bytes()).answers[0]


def table(default: Answer, tuned: Answer) -> str:
    """A row per family."""
    lines = [
        "| family | default, test | tuned, test | tuned - default, points | validation: default, best | changed | s |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES.split(","):
        answers = {"tuned": tuned, "default": default}
        found = compare(
            {name: _table(one, family) for name, one in answers.items()},
            metric="accuracy",
            train_seconds={name: one.training[family].train_seconds for name, one in answers.items()},
        )
        [pair] = found.pairs
        sign = 1 if pair.a == "tuned" else -1
        low, high = sorted((sign * pair.low, sign * pair.high))
        search = tuned.tuning[family]
        cells = [f"{100 * one.evaluation[family].metrics['accuracy'].mean:.1f}%" for one in (default, tuned)]
        cells.append(f"{100 * sign * pair.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]")
        cells.append(f"{goal_value(search.goal, search.default_value)}, {goal_value(search.goal, search.value)}")
        cells.append(", ".join(f"{name} {new}" for name, (_, new) in search.changed.items()) or "nothing")
        lines.append(f"| {family} | {' | '.join(cells)} | {search.seconds:.0f} |")
    return "\n".join(lines)


def _table(answer: Answer, family: str) -> PredictionTable:
    evaluation = answer.evaluation[family]
    return load_table(Path(evaluation.table_path), digest=evaluation.table_digest)


if __name__ == "__main__":
    main()
