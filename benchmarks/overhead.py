"""`make bench-overhead`: what Prefect, MLflow and the report cost on top of the same calls alone.

`hw3 run` with its defaults, in a fresh folder, against a process that makes the same calls to `hw3models` one after
another: fetch, prepare, train, evaluate, compare, the homework's questions. Both count their imports; the report page
and its figures count as cost. Who comes first alternates. How often the cores shared no cache is told for both
(`benchmarks/cores.py`): a virtual machine's host moves them, and stacks then train at another speed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.cores import Watch, share_apart
from hw3models.families import Baseline, facts_of, find_family, recipe_of
from hw3models.specs import DataSpec, Hw3Spec, Kind, TrainSpec

HW3 = str(Path(sys.executable).with_name("hw3"))


def main() -> int:
    """1 when the orchestration costs more than 15% or more than 10 s."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="of every training, to see what is left without them")
    parser.add_argument(
        "--later-run", action="store_true", help="not the first one: the databases of Prefect and MLflow are there"
    )
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        sys.stdout.write(json.dumps(alone(options.alone, options.epochs)))
        return 0
    epochs = [] if options.epochs is None else ["--epochs", str(options.epochs)]
    pairs, more = [], defaultdict[str, list[float]](list)
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            homes = {name: f"{folder}/{name}" for name in ("HW3_HOME", "HW3_CACHE", "PREFECT_HOME")}
            environment = os.environ | homes
            if options.later_run:
                timed([HW3, "images", "--json", "--families", "mlp", "--epochs", "1"], environment)
            commands = {
                "alone": [sys.executable, "-m", "benchmarks.overhead", "--alone", f"{folder}/alone", *epochs],
                "run": [HW3, "run", "--json", *epochs],
            }
            # The machine may be warmer, or have more memory at hand, for whoever comes second.
            order = sorted(commands, reverse=number % 2 == 1)
            done = {name: timed(commands[name], environment) for name in order}
            (whole, answer, run_apart), (calls, in_calls, alone_apart) = done["run"], done["alone"]
        pairs.append((whole, calls))
        in_run = {
            f"{study['dataset']['name']} {family}": one["train_seconds"]
            for study in answer["answers"]
            for family, one in study["families"].items()
        }
        for name, seconds in in_run.items():
            more[name].append(seconds - in_calls[name])
        sys.stdout.write(
            f"hw3 run {whole:.1f} s ({sum(in_run.values()):.1f} s in training, cores apart {run_apart:.0%}), "
            f"the same calls alone {calls:.1f} s ({sum(in_calls.values()):.1f} s, {alone_apart:.0%})\n"
        )
        sys.stdout.flush()
    told = (f"{name} {statistics.median(seconds):+.1f}" for name, seconds in more.items())
    sys.stdout.write(f"in training, medians: {', '.join(told)} s\n")
    extra = statistics.median(whole - calls for whole, calls in pairs)
    ratio = statistics.median(whole / calls for whole, calls in pairs)
    sys.stdout.write(f"orchestration: {extra:.1f} s more, {100 * (ratio - 1):.1f}%\n")
    return int(extra > 10 or ratio > 1.15)


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, Any, float]:
    """Wall seconds of a process that must end well, the JSON that it prints, and how often the cores were apart."""
    start = time.perf_counter()
    with Watch() as watch:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - start
    return seconds, json.loads(done.stdout), share_apart(watch.ratios)


def alone(folder: Path, epochs: int | None) -> dict[str, float]:
    """The calls of `hw3 run` without Prefect and MLflow; seconds of each training."""
    from hw3models.homework.parts import solve

    spec = Hw3Spec()
    training = study(DataSpec(source=spec.images), "images", ("mlp", "majority", "logistic"), spec, folder, epochs)
    training |= study(DataSpec(source=spec.images), "images", ("autoencoder", "pca"), spec, folder, epochs)
    families = ("mlp", "cnn", "lstm", "gru", "majority", "logistic", "rocket")
    for regime in spec.regimes:
        data = DataSpec(source=f"regime:{regime}", num_train=spec.num_train, num_test=spec.num_test)
        training |= study(data, "sequences", families, spec, folder, epochs)
    solve()
    return training


def study(
    data: DataSpec, kind: Kind, families: tuple[str, ...], spec: Hw3Spec, folder: Path, epochs: int | None
) -> dict[str, float]:
    """One data set, its families one after another, compared; seconds of each training."""
    from hw3models.data import fetch, prepare
    from hw3models.evaluation.comparison import compare
    from hw3models.evaluation.prediction_table import load_table
    from hw3models.pipeline.steps import evaluate_step, train_step

    prepared = prepare(data, fetch(data, cache=folder), cache=folder)
    tables, seconds = {}, dict[str, float]()
    for name in families:
        family = find_family(kind, name)
        recipe = None if isinstance(family, Baseline) else recipe_of(family, "default")
        if recipe is not None and epochs is not None:
            recipe = recipe.model_copy(update={"epochs": epochs, "min_examples": 0})
        seeds = tuple(range(spec.seeds))
        job = TrainSpec(data=data, family=name, seeds=seeds, recipe=recipe, latent_dim=spec.latent_dim)
        trained = train_step(job, prepared, folder / f"{prepared.name}-{name}")
        tables[name] = load_table(Path(evaluate_step(trained, prepared).table_path))
        seconds[name] = trained.train_seconds
    compare(tables, train_seconds=seconds, facts=facts_of(tables, kind))
    return {f"{prepared.name} {name}": one for name, one in seconds.items()}


if __name__ == "__main__":
    sys.exit(main())
