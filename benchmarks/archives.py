"""Published accuracies on series of the UCR and UEA archives beside ours: docs/archives.md (`make archives`).

    python -m benchmarks.archives --sets Chinatown,ECG200 --limit 600

Each set is one command with the default recipes, on the archive's split, and its answer stays in `build/archives`: a
run that is cut off goes on with the sets that are missing, the smallest first, and one with further families with the
sets that lack them. Nothing here chooses anything.
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student

from benchmarks.published import ROOT, SHARED
from benchmarks.results import HW3

PAGE = ROOT / "docs" / "archives.md"
KEPT = ROOT / "build" / "archives"
FAMILIES = "cnn,lite,lite*5,resnet,resnet*5,inception,inception*5,rocket,multirocket-hydra,quant"
PUBLISHED = {
    "inception*5": "InceptionTime",
    "resnet": "ResNet",
    "fcn": "FCN",
    "lite*5": "LITETime",
    "rocket": "ROCKET",
    "multirocket-hydra": "MultiROCKET-Hydra",
}
"""Ours -> as the published tables call it; a single network has none of InceptionTime's."""
SHOWN = (*PUBLISHED.values(), "HC2")
"""Published classifiers that have a column, where there are figures of them."""
OF_AEON = ("OSULeaf", "ACSF1")
MULTIVARIATE = ("RacketSports", "FingerMovements", "UWaveGestureLibrary")

HEAD = """# Archives

Accuracy on test splits of the UCR and UEA archives, by the default recipes and five seeds, beside what is published for
the same splits. `make archives` runs the sets that are missing and writes this page. Recipes were chosen on training
parts ([0031](decisions/0031-families-for-series.md)). In brackets 95% intervals, which count the luck of seeds and of
test examples; of an ensemble of five seeds the jackknife over them stands for its luck.
"""


def sources() -> dict[str, str]:
    """Name of each set that is here or that aeon has, and what `hw3 sequences` is given."""
    found = {folder.name: folder / f"{folder.name}_TRAIN.tsv" for folder in sorted((SHARED / "ucr").glob("*"))}
    found |= {name: SHARED / "uea" / name / f"{name}_TRAIN.ts" for name in MULTIVARIATE}
    here = {name: str(path) for name, path in found.items() if path.exists()}
    return here | {name: f"aeon:{name}" for name in OF_AEON}


def size_of(source: str) -> int:
    """What a set is done in the order of."""
    path = Path(source)
    return path.stat().st_size if path.exists() else 1 << 40


def published() -> Mapping[str, Mapping[str, float]]:
    """Classifier -> set -> accuracy on the default split."""
    found: dict[str, dict[str, float]] = {}
    for path in sorted((SHARED / "ucr" / "published_results").glob("*_accuracy.csv")):
        with path.open() as file:
            rows = list(csv.reader(file))
        found[path.name.removesuffix("_accuracy.csv")] = {row[0]: float(row[1]) for row in rows[1:] if row[1]}
    uea = SHARED / "uea" / "published_accuracy.csv"
    if uea.exists():
        with uea.open() as file:
            for line in csv.DictReader(file):
                name = line["classifier"].replace("InceptionT", "InceptionTime")
                found.setdefault(name, {})[line["dataset"]] = float(line["accuracy_default_split"])
    return found


def lacks(path: Path, families: list[str]) -> bool:
    """Is a family missing in the answer that is kept?"""
    if not path.exists():
        return True
    answer = json.loads(path.read_text(encoding="utf-8"))
    stands_in = {"rocket": "minirocket"}  # where series are many and long
    return any({name, stands_in.get(name, name)}.isdisjoint(answer["families"]) for name in families)


def run(name: str, source: str, families: str, seeds: int) -> dict[str, Any] | None:
    """Our answer about one set; None where it could not be had."""
    command = [HW3, "sequences", source, "--families", families, "--seeds", str(seeds), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.stderr.write(f"{name}: could not be run\n")
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def page(answers: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, float]]) -> str:
    """The tables: a row for each set, then the differences of the means over the sets that both have."""
    if not answers:
        return HEAD + "\nNone of the sets has been run yet.\n"
    ours = list(dict.fromkeys(name for answer in answers.values() for name in answer["families"]))
    shown = {name: theirs[name] for name in SHOWN if any(one in theirs.get(name, {}) for one in answers)}
    lines = [HEAD, f"| set (test series) | {' | '.join(ours)} | {' | '.join(shown)} |"]
    lines.append("|---" * (1 + len(ours) + len(shown)) + "|")
    for name, answer in answers.items():
        own = [_shown(answer["families"].get(family)) for family in ours]
        others = [f"*{100 * table[name]:.1f}*" if name in table else "" for table in shown.values()]
        lines.append(f"| {name} ({answer['dataset']['test']:,}) | {' | '.join([*own, *others])} |")
    return "\n".join([*lines, "", *_differences(answers, theirs), ""])


def _shown(family: Mapping[str, Any] | None) -> str:
    if family is None:
        return ""
    mean, low, high = (100 * family["accuracy"][key] for key in ("mean", "low", "high"))
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


def _differences(answers: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    pairs = {}
    for ours, name in PUBLISHED.items():
        both = [one for one in answers if one in theirs.get(name, {}) and ours in answers[one]["families"]]
        if both:
            pairs[ours, name] = {one: _difference(answers[one]["families"][ours], theirs[name][one]) for one in both}
    yield "Differences in points. Of a set the interval is that of ours: how lucky a published run was, nobody says. Of"
    yield "the mean it is Student's over the sets."
    yield ""
    yield "| ours - published | sets | mean |" + "".join(f" {one} |" for one in answers)
    yield "|---" * (3 + len(answers)) + "|"
    for (ours, name), found in pairs.items():
        each = [_points(*found[one]) if one in found else "" for one in answers]
        mean = _points(*_mean([one[0] for one in found.values()]))
        yield f"| {ours} - {name} | {len(found)} | {mean} | {' | '.join(each)} |"


def _difference(family: Mapping[str, Any], published: float) -> tuple[float, float, float]:
    return tuple(family["accuracy"][key] - published for key in ("mean", "low", "high"))


def _mean(values: list[float]) -> tuple[float, float, float]:
    """The mean over sets with its 95% interval (Student's t); none of a single set."""
    mean = fmean(values)
    if len(values) < 2:
        return mean, math.nan, math.nan
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def _points(value: float, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * value:+.1f}{interval}"


def main() -> None:
    """Run what is missing, as long as there is time, and write the page after each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", help="names, with commas; all that are here if not given")
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds after which no further set begins")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    known, begin = sources(), time.monotonic()
    wanted = options.sets.split(",") if options.sets else list(known)
    for name in sorted(wanted, key=lambda one: size_of(known[one])):
        path = KEPT / f"{name}.json"
        if lacks(path, options.families.split(",")) and time.monotonic() - begin < options.limit:
            answer = run(name, known[name], options.families, options.seeds)
            if answer is not None:
                path.write_text(json.dumps(answer), encoding="utf-8")
                sys.stderr.write(f"{name}: done after {time.monotonic() - begin:.0f} s\n")
        answers = {one.stem: json.loads(one.read_text(encoding="utf-8")) for one in sorted(KEPT.glob("*.json"))}
        PAGE.write_text(page(answers, published()), encoding="utf-8")
    sys.stdout.write(f"{len(list(KEPT.glob('*.json')))} of {len(known)} sets are in {os.path.relpath(PAGE)}\n")


if __name__ == "__main__":
    main()
