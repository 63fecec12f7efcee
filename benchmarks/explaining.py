"""Does an explanation find what is there, where the truth is known? For docs/explain.md, with its pictures.

    python -m benchmarks.explaining [--only motif/cnn]

`regime:motif` says where each series holds the motif; in `regime:noise` there is nothing to find. Families are trained
with their default recipes, maps are of test examples. What was measured is kept in build/explaining, case by case.
"""

import argparse
import json
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.pages import rewrite
from hw3models import StudyResult, study
from hw3models.data.known.synthetic import informative, make_regime
from hw3models.explaining import Explanation
from hw3models.explaining.explanation import Maps
from hw3models.explaining.measures import SHARES, Interval
from hw3models.explaining.windows import Window, overlaps, top_windows
from hw3models.explaining.wording import WORDS
from hw3models.report.explain_page import write_page
from hw3models.simulation.rates import rate
from hw3models.specs import DataSpec

ROOT = Path(__file__).resolve().parents[1]
PAGE, KEPT = ROOT / "docs" / "explain.md", ROOT / "build" / "explaining"
NUM_TRAIN = 2000


class Case(NamedTuple):
    """One row, or two: a family on a regime."""

    regime: str
    family: str
    seeds: int = 3
    num_test: int = 500
    examples: int = 300

    @property
    def name(self) -> str:
        """As `--only` has it."""
        return f"{self.regime}/{self.family}"


CASES = (
    Case("motif", "cnn"),
    Case("motif", "minirocket", examples=60),
    Case("noise", "cnn", examples=100),
    Case("noise", "mlp", examples=100),
    Case("noise", "logistic", seeds=1, examples=100),
)


def main() -> None:
    """Measure what is asked for, and rewrite the table of all that there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=[case.name for case in CASES])
    only = parser.parse_args().only
    KEPT.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if only in (None, case.name):
            rows = _measured(case)
            (KEPT / f"{case.regime}-{case.family}.json").write_text(json.dumps(rows, indent=1))
    lines = [*_table(), "", f"`python -m benchmarks.explaining`, {date.today().isoformat()}."]
    rewrite(PAGE, "figures", "\n".join(lines))


def _measured(case: Case) -> list[dict[str, Any]]:
    spec = DataSpec(source=f"regime:{case.regime}", num_train=NUM_TRAIN, num_test=case.num_test)
    raw = make_regime(spec)
    labels = np.array(raw.class_names)[raw.labels]
    result = study(
        raw.features, labels, test=raw.test, families=[case.family], seeds=case.seeds, name=case.regime, tell=print
    )
    begun = time.perf_counter()
    found = result.explain(case.family, examples=case.examples, tell=print)
    seconds = time.perf_counter() - begun
    write_page(found, KEPT / f"{case.regime}-{case.family}.html")
    print(found.verdict)
    where = informative(spec)[found.questions.rows[: found.num_drawn]]
    return [_row(case, result, found, one, where, seconds) for one in found.maps]


def _row(
    case: Case, result: StudyResult, found: Explanation, one: Maps, where: np.ndarray[Any, Any], seconds: float
) -> dict[str, Any]:
    tops = top_windows(one.mean, found.window)[: found.num_drawn]
    is_somewhere = bool(where.any())
    gone = one.deletion
    return {
        "case": case.name,
        "seeds": case.seeds,
        "examples": found.num_drawn,
        "accuracy": result.answer.evaluation[case.family].metrics["accuracy"].mean,
        "method": WORDS[one.method],
        "found": int(overlaps(tops, found.window, where).sum()) if is_somewhere else None,
        "by_chance": _by_chance(found.window, where) if is_somewhere else None,
        "agreement": None if one.agreement is None else list(one.agreement),
        "whole": gone.whole,
        "ranked": gone.ranked[1],
        "random": gone.random[1],
        "gap": list(gone.gap),
        "says": found.sentences[0].partition(":")[0] if not found.has_found else _said(one),
        "seconds": seconds,
    }


def _said(one: Maps) -> str:
    if not one.rests_there:
        return "not what answers rest on"
    return {True: "stable", False: "not stable", None: "one seed"}[one.is_stable]


def _by_chance(window: Window, where: np.ndarray[Any, Any]) -> float:
    """The share of all windows that hold a part of the motif."""
    rows = where.shape[1] - window.height + 1
    every = [(row, column) for row in range(rows) for column in range(where.shape[2])]
    hits = [overlaps(np.repeat([place], len(where), axis=0), window, where).mean() for place in every]
    return float(np.mean(hits))


def _table() -> list[str]:
    lines = [
        "| data/family | seeds, examples | accuracy, % | maps by | motif found, % of series | by chance, % "
        f"| seeds agree | whole, {100 * SHARES[1]:.0f}% ranked gone, as much at random | over all shares lower by "
        "| says |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        path = KEPT / f"{case.regime}-{case.family}.json"
        if path.is_file():
            lines += [_line(row) for row in json.loads(path.read_text())]
    return lines


def _line(row: dict[str, Any]) -> str:
    found = "–"
    if row["found"] is not None:
        share = rate(row["found"], row["examples"])
        found = f"{100 * share.share:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]"
    chance = "–" if row["by_chance"] is None else f"{100 * row['by_chance']:.0f}"
    cells = [
        row["case"],
        f"{row['seeds']}, {row['examples']}",
        f"{100 * row['accuracy']:.1f}",
        row["method"],
        found,
        chance,
        "–" if row["agreement"] is None else _interval(row["agreement"]),
        f"{row['whole']:.2f}, {row['ranked']:.2f}, {row['random']:.2f}",
        _interval(row["gap"]),
        row["says"],
    ]
    return f"| {' | '.join(cells)} |"


def _interval(values: Sequence[float]) -> str:
    one = Interval(*values)
    return f"{one.mean:.2f} [{one.low:.2f}, {one.high:.2f}]"


if __name__ == "__main__":
    main()
