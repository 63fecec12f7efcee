"""`python -m benchmarks.outage`: what an outage of MLflow's server costs a training, for docs/faults.md.

Five rounds; in each the same training is logged to a real server that answers, errs, hangs, or is slow, in turn,
through a gate on loopback. The figure is the time of the training alone, over that with the server that answers.
"""

import os
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.measured import network_of, synthetic
from benchmarks.pages import rewrite
from hw3models.data.dataset import Dataset
from hw3models.engine.fit import EpochReport, fit
from hw3models.runtime.devices import cpu_name
from hw3models.specs import DataReport, Recipe, SequencesSpec, TrainSpec
from tests.gate import Gate, Mode, gate
from tests.servers import mlflow_server

PAGE = Path(__file__).resolve().parents[1] / "docs" / "faults.md"
ROUNDS = 5
MODES: dict[Mode, str] = {"error": "answers 500", "hang": "does not answer", "slow": "answers after 2 s"}
AWAY_FROM = 13
TRAINING = TrainSpec(family="gru", seeds=(0, 1, 2, 3), recipe=Recipe(epochs=40, batch_size=64, learning_rate=1e-3))


def main() -> None:
    """Measure, and rewrite the table."""
    dataset = synthetic("sequences", 2_000)
    with tempfile.TemporaryDirectory() as folder, mlflow_server(Path(folder) / "server") as server, gate(server) as way:
        os.environ |= {"MLFLOW_TRACKING_URI": way.address, "HW3_HOME": folder}
        way.delay = 2.0
        trained(dataset, way, "pass")
        rounds = [{mode: trained(dataset, way, mode) for mode in ("pass", *MODES)} for _ in range(ROUNDS)]
    text = table(rounds)
    rewrite(PAGE, "outage", text)
    sys.stdout.write(f"{text}\n")


def trained(dataset: Dataset, way: Gate, mode: Mode) -> float:
    """Seconds of the training alone. The server is away from an epoch on, and back when the training has ended."""
    from tasks import tracking
    from tasks.tracking.journal import outbox

    parent = tracking.open_parent("outage", SequencesSpec(), {})
    run_id = tracking.open_child(parent, TRAINING, _report(dataset), {})
    log = tracking.EpochLog(run_id, len(TRAINING.seeds))
    assert outbox().flush(60) == 0

    def on_epoch(report: EpochReport) -> None:
        if report.epoch == AWAY_FROM:
            way.mode = mode
        log(report)

    start = time.perf_counter()
    fit(dataset, network_of("sequences", "gru"), TRAINING, on_epoch=on_epoch)
    seconds = time.perf_counter() - start
    way.mode = "pass"
    log.close()
    tracking.end_run(run_id, "FINISHED")
    tracking.end_run(parent, "FINISHED")
    assert outbox().flush(120) == 0, "something was not sent"
    return seconds


def _report(dataset: Dataset) -> DataReport:
    return DataReport(
        name=dataset.name,
        kind="sequences",
        source="noise",
        path="",
        digest="0" * 16,
        num_train=len(dataset.train),
        num_validation=0,
        num_test=0,
        shape=(50, 8),
        class_names=dataset.class_names,
        class_counts=(0, 0),
    )


def table(rounds: list[dict[Mode, float]]) -> str:
    """A row per outage."""
    plain = statistics.median(one["pass"] for one in rounds)
    lines = ["| MLflow's server | time / with a server that answers, median (all rounds) |", "|---|---|"]
    for mode, name in MODES.items():
        ratios = sorted(one[mode] / one["pass"] for one in rounds)
        lines.append(f"| {name} | {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |")
    lines += [
        "",
        f"4 GRUs, 40 epochs of 2,000 series, {plain:.1f} s; the server is away from epoch {AWAY_FROM} on; "
        f"{len(rounds)} rounds. `python -m benchmarks.outage`, {cpu_name()}, {os.cpu_count()} cores, "
        f"{date.today().isoformat()}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
