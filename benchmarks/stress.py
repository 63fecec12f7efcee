"""`make test-stress`: the suite on bad days, one after another; its rows in CONTRIBUTING.md.

No test may depend on which of two processes is quicker, on the order of the tests, on who runs them, or on how long
this project waits for something.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from benchmarks.pages import rewrite

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
HEAD = ("| condition | tests | passed | failed | skipped | minutes | day |", "|---|---|---|---|---|---|---|")
PATIENT = ("--timeout", "3000")
"""A test that hangs is ended; ten times as long as on a good day."""
NOBODY = 65534


class Run(NamedTuple):
    """How pytest is started."""

    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    before: tuple[str, ...] = ()
    """What stands before the command."""
    root: Path = ROOT
    processes: int = 2
    times: int = 1
    alone: bool = True
    """With the tests that compare times: they mean nothing where something runs beside them."""


class Outcome(NamedTuple):
    """What came of a run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    minutes: float = 0.0
    failures: tuple[str, ...] = ()
    broken: int = 0
    """Runs of pytest that did not end by themselves: they say nothing about the rest of their tests."""

    def and_then(self, other: "Outcome") -> "Outcome":
        """Both together."""
        return Outcome(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@contextmanager
def one_core(_: int) -> Iterator[Run]:
    """One core for everything; one process of pytest."""
    yield Run(before=("taskset", "-c", str(min(os.sched_getaffinity(0)))), processes=1, alone=False)


@contextmanager
def busy(_: int) -> Iterator[Run]:
    """Beside a busy loop on each core."""
    loops = [
        subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"])
        for core in os.sched_getaffinity(0)
    ]
    try:
        yield Run(alone=False)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@contextmanager
def shuffled(seed: int) -> Iterator[Run]:
    """In random order: the files, and the tests within each."""
    yield Run(options=("--shuffle", str(seed)))


@contextmanager
def twice(_: int) -> Iterator[Run]:
    """Twice in a row, in the same home."""
    yield Run(times=2)


@contextmanager
def ordinary_user(_: int) -> Iterator[Run]:
    """By a user who may write to a copy of the checkout, to its home and to nothing else."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        root, home = base / "checkout", base / "home"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(root)], check=True)
        for changed in _changed():
            _bring(changed, root)
        home.mkdir()
        if (ROOT.parent / "shared").exists():
            (base / "shared").symlink_to(ROOT.parent / "shared")
        environment = {"HOME": str(home), "PYTHONPATH": str(root), "TMPDIR": str(home)}
        before: tuple[str, ...] = ()
        if os.geteuid() == 0:
            before = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
            interpreter = Path(sys.executable).resolve()
            if subprocess.run([*before, "test", "-x", str(interpreter)], check=False).returncode:
                raise SystemExit(
                    f"ordinary-user: {interpreter} is closed to other users, so that nobody else can run the tests. "
                    "Make the environment with a Python that is open to all, such as `make PYTHON=/usr/bin/python3`."
                )
            base.chmod(0o755)
            for path in (root, home, *root.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        yield Run(environment=environment, before=before, root=root)


def _changed() -> list[str]:
    """What differs from the commit: a clone has it not."""
    listed = []
    for options in (("diff", "--name-only", "-z", "HEAD"), ("ls-files", "-z", "-o", "--exclude-standard")):
        done = subprocess.run(["git", *options], cwd=ROOT, capture_output=True, text=True, check=True)
        listed += done.stdout.split("\0")
    return sorted({name for name in listed if name})


def _bring(name: str, root: Path) -> None:
    if (ROOT / name).exists():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    else:
        (root / name).unlink(missing_ok=True)


@contextmanager
def short_waits(_: int) -> Iterator[Run]:
    """With the waits of `tasks` and `flows` cut to a tenth: none of them is what makes a test pass."""
    yield Run(environment={"PYTHONPATH": os.pathsep.join((str(ROOT / "benchmarks" / "short_waits"), str(ROOT)))})


@contextmanager
def hashes(_: int) -> Iterator[Run]:
    """Twice, with other hashes of text in every process: no order may come from them."""
    yield Run(environment={"PYTHONHASHSEED": "random"}, times=2)


@contextmanager
def c_locale(_: int) -> Iterator[Run]:
    """Without a language: what is written and read is UTF-8 because we say so."""
    yield Run(environment={"LC_ALL": "C", "LANG": "C"})


@contextmanager
def odd_home(_: int) -> Iterator[Run]:
    """In a home and a folder for temporary files whose names have spaces and letters beyond ASCII."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "mein Haus für Läufe"
        (home / "tmp").mkdir(parents=True)
        home.chmod(0o755)
        yield Run(environment={"HOME": str(home), "TMPDIR": str(home / "tmp")})


CONDITIONS: Mapping[str, Callable[[int], AbstractContextManager[Run]]] = {
    "one-core": one_core,
    "busy": busy,
    "shuffled": shuffled,
    "twice": twice,
    "ordinary-user": ordinary_user,
    "short-waits": short_waits,
    "hashes": hashes,
    "c-locale": c_locale,
    "odd-home": odd_home,
}


def main() -> int:
    """1 when a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(CONDITIONS), help="conditions, separated by commas")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000, help="of the random order")
    parser.add_argument("--processes", type=int, help="of pytest; as `make test` has it where not given")
    parser.add_argument("--keep", action="store_true", help=f"write the rows to {PAGE.name} though tests failed")
    parser.add_argument("tests", nargs="*", help="files or folders; the whole suite where none is given")
    given = parser.parse_args()
    failed = 0
    for name in given.only.split(","):
        with ExitStack() as stack:
            run = stack.enter_context(CONDITIONS[name](given.seed))
            outcome = tried(run if given.processes is None else run._replace(processes=given.processes), given.tests)
        failed += outcome.failed + (outcome.passed == 0)
        said = f"{name} (seed {given.seed})" if name == "shuffled" else name
        told = row(said, given.tests, outcome)
        sys.stdout.write("\n".join((told, *(f"    {one}" for one in outcome.failures), "")))
        sys.stdout.flush()
        if outcome.passed and not outcome.broken and (given.keep or not outcome.failed):
            rewrite(PAGE, "stress", "\n".join((*HEAD, *merged(rows(PAGE.read_text()), told))))
    return int(failed > 0)


def tried(run: Run, tests: Sequence[str]) -> Outcome:
    """Run the suite, or these tests, as `make test` does."""
    parallel = ("-n", str(run.processes), "--dist", "worksteal") if run.processes > 1 else ()
    outcome = Outcome()
    for _ in range(run.times):
        outcome = outcome.and_then(_once(run, (*parallel, *tests)))
        if run.alone:
            outcome = outcome.and_then(_once(run, ("-m", "alone", *tests)))
    return outcome


def _once(run: Run, arguments: tuple[str, ...]) -> Outcome:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)  # another user writes the report
        report = folder / "report.xml"
        command = [*run.before, sys.executable, "-m", "pytest", *PATIENT, *run.options, f"--junitxml={report}"]
        environment = {"PYTHONPATH": str(ROOT), **os.environ, **run.environment}
        done = subprocess.run([*command, *arguments], cwd=run.root, env=environment, check=False)
        cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314  # our own file
    failures = [f"{case.get('classname')}::{case.get('name')}" for case in cases if _has(case, "failure", "error")]
    # 5: none was chosen; anything else than 0 and 1 is no result.
    broken = done.returncode not in (0, 1, 5)
    if broken:
        failures.append(f"pytest ended with {done.returncode}")
    skipped = sum(_has(case, "skipped") for case in cases)
    passed = sum(not _has(case, "failure", "error", "skipped") for case in cases)
    return Outcome(passed, len(failures), skipped, (time.monotonic() - began) / 60, tuple(failures), int(broken))


def _has(case: ET.Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def row(condition: str, tests: Sequence[str], outcome: Outcome) -> str:
    """A line of the table."""
    numbers = f"{outcome.passed} | {outcome.failed} | {outcome.skipped} | {outcome.minutes:.0f}"
    return f"| {condition} | {' '.join(tests) or 'all'} | {numbers} | {date.today()} |"


def rows(page: str) -> list[str]:
    """The lines that the page has now."""
    text = page.partition("<!-- stress: begin")[2].partition("<!-- stress: end -->")[0]
    return [line for line in text.splitlines() if line.startswith("|") and line not in HEAD]


def merged(known: Sequence[str], new: str) -> list[str]:
    """The new line in place of the one for the same condition and tests; a whole suite replaces all of its parts."""

    def key(line: str) -> tuple[str, str]:
        condition, tests = (cell.strip() for cell in line.split("|")[1:3])
        return re.sub(r" \(.*\)", "", condition), tests

    condition, tests = key(new)
    kept = [line for line in known if key(line) != key(new) and not (tests == "all" and key(line)[0] == condition)]
    order = list(CONDITIONS)
    return sorted([*kept, new], key=lambda line: (order.index(key(line)[0]), key(line)[1]))


if __name__ == "__main__":
    sys.exit(main())
