"""Rewrite the result table in README.md from a run: `make results`.

Runs `hw3 run --json` (unchanged steps come from the cache) and puts the families' accuracies, with intervals,
between the markers in README.md, with the conditions under which they were measured.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.pages import rewrite

README = Path(__file__).resolve().parents[1] / "README.md"
HW3 = str(Path(sys.executable).with_name("hw3"))


def main() -> None:
    """Run, and rewrite the table."""
    done = subprocess.run([HW3, "run", "--json", *sys.argv[1:]], stdout=subprocess.PIPE, text=True, check=True)
    run = json.loads(done.stdout)
    page = json.loads(Path(run["report"]).with_suffix(".json").read_text())
    rewrite(README, "results", table(run, page))
    sys.stdout.write(f"{README.name} rewritten\n")


def table(run: dict[str, Any], page: dict[str, Any]) -> str:
    """Markdown: a row per data set and family, then the conditions."""
    head = "| data (test examples) | family | score, mean of seeds [95%] | seeds | training, s |"
    lines = [head, "|---|---|---|---|---|"]
    for answer in run["answers"]:
        dataset = answer["dataset"]
        for name, family in answer["families"].items():
            lines.append(
                f"| {dataset['name']} ({dataset['test']:,}) | {name} | {score(family)} | {len(family['seeds'])} "
                f"| {family['train_seconds']:.1f} |"
            )
    environment = page["environment"]
    versions = environment["versions"]
    lines += [
        "",
        f"Measured by `{page['command']}` on {environment['hardware']}, Python {environment['python']}, "
        f"torch {versions['torch']}, {page['started'][:10]}: {run['seconds']:.0f} s in all. Intervals count the luck "
        "of seeds and of test examples. Training is of all seeds together.",
        "",
    ]
    return "\n".join(lines)


def score(family: dict[str, Any]) -> str:
    """Accuracy in percent, or MSE per pixel."""
    if "accuracy" in family:
        mean, low, high = (100 * family["accuracy"][key] for key in ("mean", "low", "high"))
        return f"{mean:.1f}% [{low:.1f}, {high:.1f}]"
    mean, low, high = (family["mse"][key] for key in ("mean", "low", "high"))
    return f"{mean:.4f} MSE [{low:.4f}, {high:.4f}]"


if __name__ == "__main__":
    main()
