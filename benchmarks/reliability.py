"""`make reliability`: docs/reliability.md, a table fault -> promise -> test -> times survived out of times tried.

Each row's tests cause the real fault; they are run here, and the page holds what came of it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from hw3models.runtime.devices import cpu_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reliability.md"
FIGURES = PAGE.with_suffix(".json")


class Row(NamedTuple):
    """A fault and what is promised."""

    fault: str
    promise: str
    tests: tuple[str, ...]
    """pytest's names, below `tests/`."""
    tries: int = 1
    """Faults that one test causes."""


JOURNAL = "tasks/tracking/test_journal.py::test_"
BACKGROUND = "tasks/test_background.py::test_"
FAULTS = "orchestration/test_faults.py::test_"
ROWS = (
    Row("`kill -9` of a training, 20 random moments", "the same bits as without, from the last checkpoint",
        ("hw3models/engine/test_checkpoints.py::test_trainings_killed_at_twenty_moments_end_with_the_same_bits",), 20),
    Row("`kill -9` of a study", "the same command goes on in the same MLflow run; nothing twice",
        ("flows/studies/test_resume.py::test_a_killed_study_goes_on_in_its_own_run",)),
    Row("a damaged checkpoint", "recognised; the one before it is taken",
        ("hw3models/engine/test_checkpoints.py::test_a_damaged_checkpoint_gives_way_to_the_one_before",)),
    Row("MLflow's server errs, is slow, hangs", "a training does not wait; every point arrives, once",
        (JOURNAL + "a_training_goes_on_while_the_server_does_not_answer_and_all_its_points_arrive",)),
    Row("MLflow's server is killed under a study", "the report is written; `hw3 reconcile` sends the rest",
        ("faults/test_outage.py",)),
    Row("`kill -9` while the journal is sent, or waits", "`hw3 reconcile` or the next process sends it, once",
        (JOURNAL + "what_a_killed_process_has_written_is_sent_by_the_sweep",
         JOURNAL + "a_later_process_sends_first_what_a_dead_one_has_left",
         JOURNAL + "a_point_that_was_sent_but_not_acknowledged_is_not_there_twice")),
    Row("the second process of `hw3 run`, or the command, is killed", "the command does it all; none stays behind",
        (BACKGROUND + "what_a_killed_process_was_asked_for_the_command_does_itself",
         BACKGROUND + "one_that_does_not_answer_is_not_waited_for_for_ever",
         BACKGROUND + "that_of_a_killed_command_ends")),
    Row("MLflow's server restarted under a study with a pool", "no family is lost",
        (FAULTS + "an_mlflow_server_restarted_under_a_running_study_costs_no_family",)),
    Row("Prefect's server restarted under a study", "nothing is lost",
        (FAULTS + "a_prefect_server_restarted_under_a_running_study_loses_nothing",)),
    Row("a training on a pool killed", "its family is missing, by name; the rest stands",
        (FAULTS + "a_killed_training_is_missing_and_the_rest_of_the_comparison_stands",)),
    Row("a worker killed, with or without its training", "a clear state on both sides, no zombie",
        (FAULTS + "a_worker_that_dies_with_its_training_leaves_no_zombie",)),
    Row("a study killed on a worker, or cancelled", "no MLflow run stays open, no training goes on",
        (FAULTS + "a_study_that_is_killed_on_a_worker_leaves_no_run_open_and_no_training_behind",
         FAULTS + "a_study_cancelled_in_the_ui_stops_with_its_children_and_its_mlflow_runs")),
    Row("a pool paused, deleted, unserved", "the training comes back, or the study says why not",
        (FAULTS + "a_pool_that_nobody_serves_fails_who_insists_on_it",
         FAULTS + "a_pool_deleted_while_a_training_waits_in_it_gives_it_back",
         FAULTS + "a_paused_pool_is_not_available_and_says_so")),
    Row("a worker wakes as its training is called back", "trained exactly once", ("orchestration/test_races.py",)),
    Row("a crash before `hw3 reconcile`", "both sides are put in order, once; the run can be gone on with",
        ("flows/test_reconcile.py",)),
    Row("8 commands at once on a fresh store (SQLite, PostgreSQL)", "all end well, every metric is there",
        ("faults/test_many.py",), 8),
    Row("the disk runs full", "told in a sentence; nothing finished is damaged; the same command goes on",
        ("faults/test_disk_full.py",)),
    Row("an event that fits only half on the disk", "it is told; the next ones are not spoilt",
        (JOURNAL + "an_event_that_fits_only_half_on_the_disk_does_not_spoil_the_next",)),
    Row("Prefect's temporary server is killed under a study", "told; finished families are kept",
        ("faults/test_prefect_away.py",)),
    Row("a command without servers is killed; Prefect's database is damaged", "no server stays behind; told at once",
        ("flows/local/test_embedded.py",)),
    Row("out of memory", "fewer replicates at once, and a note", ("hw3models/engine/test_out_of_memory.py",)),
    Row("a mirror that hangs, lies, or never ends", "the next one is taken, in bounded time",
        ("hw3models/data/known/test_download.py",)),
    Row("one table, written in several ways", "training, check, predict and drift read the same, or refuse alike",
        ("fuzz/test_four_readers.py", "fuzz/test_one_reader.py")),
    Row("members, structures and manifests of any names", "read alike by all who read, or refused by name",
        ("fuzz/test_members.py", "fuzz/test_structures.py", "fuzz/test_manifests.py")),
    Row("arrays, archives and manifests that are not what they say", "refused before they are used",
        ("hw3models/data/readers/test_npz_files.py", "hw3models/data/readers/test_named_arrays.py",
         "hw3models/serving/test_predictor.py")),
    Row("an output that is an input, a device, or written by two at once", "refused, or one of the two, whole",
        ("flows/test_outputs.py",)),
    Row("the clock steps by hours; another boot; another container", "who lives and who is dead is known all the same",
        ("tasks/test_processes.py",)),
    Row("other hashes of text, every reader", "the same classes, splits and digest",
        ("hw3models/data/test_raw.py",)),
    Row("`promote` and `rollback` killed at every call, or at once", "history and aliases agree, each decision once",
        ("flows/test_registry_kills.py",)),
    Row("names that command a terminal, or turn text around", "shown as text, in every command and page",
        ("flows/test_terminal.py", "hw3models/test_printable.py")),
    Row("a store, a server, a setting or a home that cannot be used", "one sentence before anything starts",
        ("flows/cli/test_settings_faults.py", "flows/cli/test_foreign.py")),
    Row("Ctrl-C anywhere, `kill -9` of a command that writes", "one line and 130; the output of before, or none",
        ("flows/cli/test_interrupts.py", "flows/cli/test_killed.py")),
    Row("what is kept was edited", "made again, or told; never used",
        ("hw3models/data/test_edited_caches.py", "tasks/test_caching.py")),
    Row("a server or worker of `hw3 up` is killed, stopped, or does not end", "told; started again, or ended",
        ("flows/up/test_supervisor.py",)),
    Row("50 studies in one process", "memory does not grow", ("faults/test_growth.py",), 50),
)  # fmt: skip


class Outcome(NamedTuple):
    """Of a row."""

    passed: int
    tried: int
    seconds: float
    day: str
    failures: tuple[str, ...] = ()
    """The tests, with what they said; not kept with the figures."""


def main() -> int:
    """1 when something was not survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose fault contains this; the others keep their figures")
    only = parser.parse_args().only
    known = stored()
    for row in ROWS:
        if only in row.fault:
            outcome = known[row.fault] = run(row)
            told = f"{row.fault}: {outcome.passed} of {outcome.tried} ({outcome.seconds:.0f} s)"
            sys.stdout.write("\n".join((told, *outcome.failures, "")))
            sys.stdout.flush()
            store(known)
    if missing := [row.fault for row in ROWS if row.fault not in known]:
        sys.stdout.write(f"the page wants these, too: {'; '.join(missing)}\n")
        return 1
    outcomes = [known[row.fault] for row in ROWS]
    PAGE.write_text(page(outcomes))
    sys.stdout.write(f"{PAGE}\n")
    return int(any(one.passed < one.tried or not one.tried for one in outcomes))


def stored() -> dict[str, Outcome]:
    """What was measured before, by fault."""
    if not FIGURES.exists():
        return {}
    return {fault: Outcome(**one) for fault, one in json.loads(FIGURES.read_text()).items()}


def store(known: Mapping[str, Outcome]) -> None:
    """For the next page."""
    kept = {fault: {k: v for k, v in one._asdict().items() if k != "failures"} for fault, one in known.items()}
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n")


def run(row: Row) -> Outcome:
    """The row's tests, of all markers."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        names = [f"tests/{name}" for name in row.tests]
        command = [sys.executable, "-m", "pytest", "-q", "-m", "not load", f"--junitxml={report}", *names]
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314  # our own file
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    tried = len(cases) - len(skipped)
    passed, said = row.tries * (tried - len(failed)), tuple(_said(case) for case in failed)
    return Outcome(passed, row.tries * tried, time.monotonic() - began, str(date.today()), said)


def _said(case: ET.Element) -> str:
    texts = [one.text or "" for tag in ("failure", "error") for one in case.findall(tag)]
    return f"    {case.get('classname')}::{case.get('name')}\n" + "\n".join(texts)


def page(outcomes: list[Outcome]) -> str:
    """The table."""
    lines = [
        "# Reliability",
        "",
        "`make reliability` causes each fault for real and writes this page. A fault may be tried in several ways.",
        "What to expect in words: [faults.md](faults.md).",
        "",
        "| fault | promise | tests | survived | measured |",
        "|---|---|---|---|---|",
    ]
    for row, outcome in zip(ROWS, outcomes, strict=True):
        files = ", ".join(f"`{name}`" for name in dict.fromkeys(test.partition("::")[0] for test in row.tests))
        lines.append(f"| {row.fault} | {row.promise} | {files} | {outcome.passed} of {outcome.tried} | {outcome.day} |")
    lines += [
        "",
        "Damaged and generated files: `make fuzz`, 2,500 inputs for each of its tests (80 in every test run).",
        "",
        f"{cpu_name()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{sum(one.seconds for one in outcomes) / 60:.0f} minutes.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
