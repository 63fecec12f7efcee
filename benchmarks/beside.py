"""`python -m benchmarks.beside [ROUNDS]`: a study alone, beside another one, and beside busy programs, for docs/up.md.

Each round does all three, in turn, each with commands of their own in homes of their own, as people in two terminals
would. The figure is the time of the slower one over the time alone. Nothing else may run on the machine.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from benchmarks.pages import rewrite
from hw3models.runtime.cores import allowed
from hw3models.runtime.devices import cpu_name
from tests.servers import clean_environment

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "up.md"
ROUNDS = 3
SIZE = ("--num-train", "400", "--num-test", "400", "--epochs", "20", "--seeds", "4")
STUDY = ("sequences", "regime:locked", "--families", "mlp,cnn,gru,rocket", *SIZE)
MODES = {"alone": (1, 0), "two studies side by side": (2, 0), "beside a busy program for each core": (1, allowed())}
"""Mode -> studies at once, and programs beside them that compute without end."""


def main(arguments: list[str]) -> None:
    """Measure, and rewrite the table."""
    rounds = int(arguments[0]) if arguments else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(folder) / str(number) for number in range(2)]
        for home in homes:  # databases and compiled kernels are made once
            together([home], busy=0)
        seconds = [
            {mode: together(homes[:num], busy=busy) for mode, (num, busy) in MODES.items()} for _ in range(rounds)
        ]
    text = table(seconds)
    rewrite(PAGE, "beside", text)
    sys.stdout.write(f"{text}\n")


def together(homes: list[Path], *, busy: int) -> float:
    """Seconds until the last of the studies has ended, one in each home."""
    with ExitStack() as around:
        for _ in range(busy):
            around.callback(end, subprocess.Popen([sys.executable, "-c", "while True: pass"]))
        start = time.perf_counter()
        command = [sys.executable, "-m", "flows.cli", *STUDY, "--fresh", "--json"]
        studies = [
            subprocess.Popen(
                command, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=home
            )
            for home in homes
        ]
        faults = [study.communicate()[1] for study in studies]
        taken = time.perf_counter() - start
    for study, fault in zip(studies, faults, strict=True):
        if study.returncode:
            raise RuntimeError(fault.decode(errors="replace")[-2000:])
    return taken


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it."""
    process.kill()
    process.wait()


def environment(home: Path) -> dict[str, str]:
    """A home of its own."""
    home.mkdir(exist_ok=True)
    own = {"HW3_HOME": str(home), "HW3_CACHE": str(home / "cache"), "PYTHONPATH": str(ROOT)}
    return {k: v for k, v in clean_environment(**own).items() if k != "OMP_NUM_THREADS"}


def table(rounds: list[dict[str, float]]) -> str:
    """A row for each mode: median seconds, and the median ratio with its range."""
    lines = [f"`hw3 {' '.join(STUDY)}`, {len(rounds)} rounds, {allowed()} cores of {cpu_name()}, {date.today()}:", ""]
    lines += ["| | s | times as long as alone |", "|---|---|---|"]
    for mode in MODES:
        ratios = [one[mode] / one["alone"] for one in rounds]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        told = "1" if mode == "alone" else f"{middle:.2f} [{low:.2f}, {high:.2f}]"
        lines.append(f"| {mode} | {statistics.median(one[mode] for one in rounds):.0f} | {told} |")
    load = os.getloadavg()[2] if hasattr(os, "getloadavg") else float("nan")
    return "\n".join([*lines, "", f"Load of the last 15 minutes at the end: {load:.1f}."])


if __name__ == "__main__":
    main(sys.argv[1:])
