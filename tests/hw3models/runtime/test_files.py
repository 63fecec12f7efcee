"""What a killed process leaves half-written beside a file is cleared by the next one that writes there."""

import multiprocessing
import os
import signal
from pathlib import Path

from hw3models.runtime.files import atomic_path, write_atomically


def _killed(target: Path) -> None:
    """Write, as an export does, a file of the suffix that torch asks for, and be killed."""
    with atomic_path(target) as part:
        part.with_name(f"{part.name}.pt2").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def _written(target: Path) -> None:
    write_atomically(target, b"whole")


def run(function: object, target: Path) -> int | None:
    process = multiprocessing.get_context("fork").Process(target=function, args=(target,))  # type: ignore[arg-type]
    process.start()
    process.join(60)
    return process.exitcode


def test_a_part_with_a_suffix_of_its_own_is_cleared_once_nobody_writes_it(tmp_path: Path) -> None:
    assert run(_killed, tmp_path / "o.pt2") == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with atomic_path(tmp_path / "other.pt2") as part:
        beside = part.with_name(f"{part.name}.pt2")
        beside.write_text("still written")
        assert run(_written, tmp_path / "next") == 0
        assert beside.read_text() == "still written"
        assert sorted(tmp_path.iterdir()) == sorted([part, beside, tmp_path / "next"])
        beside.replace(part)
    assert (tmp_path / "other.pt2").read_text() == "still written"
