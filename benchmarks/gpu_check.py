"""`make gpu-check`: does the GPU pool work here, and does it give the CPU's answer?

Starts `hw3 up` on free ports with everything in a temporary folder, sends a study through the GPU pool, trains the
same on the CPU, and prints device, timings and agreement. Exit code 1 when no GPU was used or the answers differ.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HW3 = str(Path(sys.executable).with_name("hw3"))
STUDY = ("sequences", "regime:order", "--families", "mlp,cnn,lstm,gru", "--num-train", "1000", "--seeds", "5")


def main() -> int:
    """Run the check; 0 when a GPU trained and agrees with the CPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--without-gpu", action="store_true", help="try the check itself where there is no GPU")
    options = parser.parse_args()
    study = (*STUDY, "--epochs", str(options.epochs), "--json")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "HW3_HOME": f"{folder}/home",
            "HW3_CACHE": f"{folder}/cache",
            "PREFECT_HOME": f"{folder}/prefect",
        }
        with servers(environment, Path(folder) / "up.log", ("--gpus", "1") if options.without_gpu else ()) as addresses:
            on_pool = answer((*study, "--placement", "gpu"), environment | addresses)
            on_cpu = answer((*study, "--placement", "here", "--device", "cpu"), environment | addresses)
    return report(on_pool, on_cpu, needs_gpu=not options.without_gpu)


@contextmanager
def servers(environment: dict[str, str], log: Path, more: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """`hw3 up`, until the block ends; the variables that lead to it."""
    prefect, mlflow = free_port(), free_port()
    command = [HW3, "up", "--prefect-port", str(prefect), "--mlflow-port", str(mlflow), *more]
    api, tracking = f"http://127.0.0.1:{prefect}/api", f"http://127.0.0.1:{mlflow}"
    with log.open("wb") as output:
        up = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        end = time.monotonic() + 180
        while not gpu_worker_is_online(api):
            if up.poll() is not None or time.monotonic() > end:
                sys.exit(f"`hw3 up` did not bring up a GPU worker:\n{log.read_text()}")
            time.sleep(1)
        yield {"PREFECT_API_URL": api, "MLFLOW_TRACKING_URI": tracking}
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(90)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def gpu_worker_is_online(api: str) -> bool:
    """Does the GPU pool have a worker?"""
    address = f"{api}/work_pools/hw3-gpu/workers/filter"
    request = urllib.request.Request(address, b"{}", {"Content-Type": "application/json"})  # noqa: S310  # loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            return any(worker["status"] == "ONLINE" for worker in json.load(reply))
    except OSError:
        return False


def answer(command: tuple[str, ...], environment: dict[str, str]) -> dict[str, Any]:
    """The JSON of a study."""
    done = subprocess.run([HW3, *command], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"`hw3 {' '.join(command)}` failed with exit code {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def report(on_pool: dict[str, Any], on_cpu: dict[str, Any], *, needs_gpu: bool) -> int:
    """Print the table; the exit code."""
    import torch

    print(f"gpu-check, {datetime.now(UTC):%Y-%m-%d}, torch {torch.__version__}")
    print(f"{'family':8} {'pool':8} {'trained on':40} {'s':>7} {'CPU s':>7} {'queued s':>8} {'accuracy':>9} {'CPU':>7}")
    faults = []
    for family, pool in on_pool["families"].items():
        cpu, placement = on_cpu["families"][family], on_pool["placement"][family]
        ours, theirs = pool["accuracy"], cpu["accuracy"]
        print(
            f"{family:8} {placement['where']:8} {pool['device'][:40]:40} {pool['train_seconds']:7.1f}"
            f" {cpu['train_seconds']:7.1f} {placement['queued_seconds']:8.1f} {ours['mean']:9.3f} {theirs['mean']:7.3f}"
        )
        if needs_gpu and not pool["device"].startswith("cuda"):
            faults.append(f"{family} was trained on {pool['device']}, not on a GPU")
        # Rounding grows over the epochs, so weights differ; the scores must be the same up to luck.
        if not (ours["low"] <= theirs["mean"] <= ours["high"] or theirs["low"] <= ours["mean"] <= theirs["high"]):
            faults.append(f"{family}: accuracies {ours['mean']:.3f} and {theirs['mean']:.3f} differ beyond noise")
    for family, why in on_pool["failures"].items():
        faults.append(f"{family} could not be trained on the pool: {why}")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
