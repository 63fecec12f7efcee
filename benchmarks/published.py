"""Write docs/results.md: published figures next to ours, from runs made now (part of `make results`).

    python -m benchmarks.published [--only Fashion]

`--only` measures the cases whose titles hold a word, and leaves the page's other sections as they are. Data that this
machine has not are named at the end: MNIST is downloaded (or served on loopback from
`HW3_SHARED/mnist`), the UEA sets are read from `HW3_SHARED/uea`.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.fashion import published_files
from benchmarks.results import HW3, score

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("HW3_SHARED", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "results.md"

HEAD = """# Results

Every published figure next to ours. `make results` writes this page; the recipes were chosen on synthetic regimes and
by cross-validation on training parts ([0009](decisions/0009-default-recipes.md)), never on these test splits. Intervals
are 95% and count the luck of seeds and of test examples.
"""


@dataclass(frozen=True)
class Case:
    """One command and what others have published on the same data."""

    title: str
    command: tuple[str, ...]
    published: tuple[tuple[str, str], ...] = ()
    """What, and its figure."""
    metric: str = "accuracy"


ERRORS_OF_LECUN = (
    ("linear classifier (LeCun et al. 1998)", "88.0%"),
    ("2 layers, 300 hidden units, MSE (LeCun et al. 1998)", "95.3%"),
    ("3 layers, 500+300, cross-entropy, weight decay (LeCun's table; Hinton, unpublished, 2005)", "98.47%"),
)
CODES = (
    ("PCA, 30 numbers (Hinton and Salakhutdinov 2006)", "13.87 per image"),
    ("logistic PCA, 30 numbers (same)", "8.01 per image"),
    ("deep autoencoder 784-1000-500-250-30 (same)", "3.00 per image"),
)


def images() -> Iterator[Case]:
    """MNIST with the homework's own network, Fashion-MNIST, CNNs, and autoencoders."""
    for recipe in ("homework", "default", "long"):
        yield Case(
            f"MNIST, 784-64-10, recipe `{recipe}`",
            ("images", "mnist", "--families", "mlp,majority,logistic", "--seeds", "8", "--recipe", recipe),
            ERRORS_OF_LECUN if recipe == "long" else (),
        )
    yield Case(
        "MNIST, a small CNN, 10 epochs",
        ("images", "mnist", "--families", "mlp,cnn,hog,forest", "--seeds", "3", "--epochs", "10"),
        (("simple CNN", "99.06%"), ("PreActResNet-18", "99.56%")),
    )
    yield Case(
        "Fashion-MNIST, 784-64-10",
        ("images", "fashion-mnist", "--families", "mlp,majority,logistic", "--seeds", "5"),
        (("MLP", "88.3%"),),
    )
    yield Case(
        "Fashion-MNIST, a small CNN",
        ("images", "fashion-mnist", "--families", "cnn,hog,forest,logistic", "--seeds", "3"),
        (("two convolutions", "92.5%"), ("the same with BatchNorm", "93.4%"), ("ResNet-18", "94.9%")),
    )
    for size, recipe in ((2, "homework"), (2, "default"), (30, "default"), (30, "long"), (30, "deep")):
        seeds = "2" if recipe == "deep" else "5"
        yield Case(
            f"MNIST, a code of {size} numbers, recipe `{recipe}`",
            ("autoencoder", "mnist", "--latent-dim", str(size), "--seeds", seeds, "--recipe", recipe),
            CODES if recipe == "deep" else (),
            metric="mse",
        )


def series() -> Iterator[Case]:
    """Sets of the UEA archive, on their default split."""
    for name in ("RacketSports", "BasicMotions", "JapaneseVowels", "FingerMovements"):
        file = SHARED / "uea" / name / f"{name}_TRAIN.ts"
        source = str(file) if file.exists() else f"aeon:{name}"
        yield Case(name, ("sequences", source, "--seeds", "5"), tuple(published(name)))


def published(name: str) -> Iterator[tuple[str, str]]:
    """Accuracies on the default split, of networks and ROCKET (multivariate bake-off 2021), and over 30 resamples."""
    path = SHARED / "uea" / "published_accuracy.csv"
    if name == "JapaneseVowels":
        yield "FCN (Wang et al. 2017, Karim et al. 2019)", "99.3%"
        yield "MLP (same)", "97.6%"
    if not path.exists():
        return
    with path.open() as file:
        for row in csv.DictReader(file):
            if row["dataset"] == name and row["classifier"] in ("ResNet", "InceptionT", "ROCKET", "HC2"):
                own, mean = (100 * float(row[key]) for key in ("accuracy_default_split", "accuracy_mean_30_resamples"))
                yield row["classifier"], f"{own:.1f}% (30 resamples: {mean:.1f}%)"


def main() -> None:
    """Run the cases, and write the page after each: an interrupted run leaves what was done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="a word of the titles")
    only, cases, missing = parser.parse_args().only, [*series(), *images()], []
    sections = sections_of(PAGE.read_text(encoding="utf-8"))
    with mirrors() as environment:
        for case in (one for one in cases if only in one.title):
            done = subprocess.run(
                [HW3, *case.command, "--json"],
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | environment,
                check=False,
            )
            if done.returncode:
                missing.append(case.title)
                continue
            sections[case.title] = section(case, json.loads(done.stdout))
            PAGE.write_text("\n".join([HEAD, *(sections[one.title] for one in cases if one.title in sections)]))
            sys.stderr.write(f"{case.title}: done\n")
    if missing:
        sys.stderr.write(f"Could not be run here: {', '.join(missing)}.\n")
    sys.stdout.write(f"{PAGE.name} rewritten\n")


def sections_of(page: str) -> dict[str, str]:
    """Title of each section that the page has -> its text, from the heading on."""
    return {text.partition("\n")[0]: f"## {text.rstrip()}\n" for text in page.split("\n## ")[1:]}


def section(case: Case, run: dict[str, Any]) -> str:
    """A table: our families, then the published figures; verdict and conditions below."""
    page = json.loads(Path(run["report"]).with_suffix(".json").read_text())
    environment = page["environment"]
    lines = [f"## {case.title}", "", "| | score [95%] | seeds | training, s |", "|---|---|---|---|"]
    for name, family in run["families"].items():
        text = score(family)
        if case.metric == "mse":
            mean, low, high = (family["squared_error"][key] for key in ("mean", "low", "high"))
            text += f"; {mean:.2f} per image [{low:.2f}, {high:.2f}]"
        lines.append(f"| {name} | {text} | {len(family['seeds'])} | {family['train_seconds']:.1f} |")
    lines += [f"| *{what}* | *{figure}* | | |" for what, figure in case.published]
    shown = " ".join(Path(word).name if "/" in word else word for word in case.command)
    lines += [
        "",
        f"> {run['verdict']}",
        "",
        f"`hw3 {shown}`, {run['dataset']['test']:,} test examples, {environment['hardware']}, torch "
        f"{environment['versions']['torch']}, {page['started'][:10]}.",
        "",
    ]
    return "\n".join(lines)


@contextmanager
def mirrors() -> Iterator[dict[str, str]]:
    """Serve MNIST and Fashion-MNIST on loopback where they are here and no mirror is named."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as served:
        found = {"HW3_MNIST_MIRRORS": SHARED / "mnist"} if (SHARED / "mnist").is_dir() else {}
        if published_files(Path(folder)):
            found["HW3_FASHION_MIRRORS"] = Path(folder)
        yield {name: served.enter_context(_served(path)) for name, path in found.items() if name not in os.environ}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of the folder's files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


if __name__ == "__main__":
    main()
