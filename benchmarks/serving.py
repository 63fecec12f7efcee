"""`python -m benchmarks.serving`: latency of a served champion at 1, 8 and 64 clients, for docs/serving.md.

A study on a synthetic regime is run and promoted in a temporary folder, and served by `mlflow models serve`; each
client is a thread with a connection of its own that asks about one series after another.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.gpu_check import free_port
from benchmarks.pages import rewrite
from hw3models.runtime.devices import cpu_name

PAGE = Path(__file__).resolve().parents[1] / "docs" / "serving.md"
BIN = Path(sys.executable).parent
STUDY = [
    "sequences",
    "regime:locked",
    "--num-train",
    "400",
    "--num-test",
    "400",
    "--seeds",
    "3",
    "--families",
    "gru,majority",
]
SECONDS = 10.0


def main() -> int:
    """0 when every answer was a prediction."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "HW3_HOME": folder,
            "HW3_CACHE": f"{folder}/cache",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        for arguments in (STUDY, ["promote"]):
            subprocess.run([str(BIN / "hw3"), *arguments], env=environment, check=True, capture_output=True)
        environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow/store/mlflow.db"
        with served("models:/hw3-sequences-locked@champion", environment) as port:
            rows = [load(port, clients) for clients in (1, 8, 64)]
    text = table(rows)
    rewrite(PAGE, "latency", text)
    sys.stdout.write(f"{text}\n")
    return 0


@contextmanager
def served(model: str, environment: dict[str, str]) -> Iterator[int]:
    """The port of a server that answers."""
    port = free_port()
    command = [str(BIN / "mlflow"), "models", "serve", "-m", model, "--env-manager", "local", "-p", str(port)]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            # Only against hanging: it is up in seconds, and in minutes on a machine that does ten other things.
            deadline = time.monotonic() + 900
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"the server did not come up: {log.read()[-2000:].decode()}")
                time.sleep(0.2)
            yield port
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def load(port: int, clients: int) -> tuple[int, list[float]]:
    """Clients, and the seconds of every request that they made in `SECONDS`."""
    body = json.dumps({"inputs": np.random.default_rng(0).normal(size=(1, 50, 8)).round(4).tolist()})

    def ask(_: int) -> list[float]:
        connection, taken = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            start = time.perf_counter()
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {content[:500]!r}")
            taken.append(time.perf_counter() - start)
        connection.close()
        return taken

    with ThreadPoolExecutor(clients) as pool:
        return clients, [seconds for each in pool.map(ask, range(clients)) for seconds in each]


def table(rows: list[tuple[int, list[float]]]) -> str:
    """Markdown, with the conditions."""
    lines = [
        "| clients | requests per second | median, ms | 95th percentile, ms | slowest, ms |",
        "|---|---|---|---|---|",
    ]
    for clients, seconds in rows:
        middle, high = statistics.median(seconds), float(np.quantile(seconds, 0.95))
        figures = " | ".join(f"{1000 * value:.1f}" for value in (middle, high, max(seconds)))
        lines.append(f"| {clients} | {len(seconds) / SECONDS:.0f} | {figures} |")
    lines += [
        "",
        f"One GRU, one series of 50 x 8 a request, no failed request in {SECONDS:.0f} s each; server and clients share "
        f"{os.cpu_count()} cores ({cpu_name()}), {date.today()}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
