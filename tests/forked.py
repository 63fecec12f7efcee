"""Processes that are forked from one that has imported what takes seconds; each is its own, to be killed or to end."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])


def hw3(environment: Mapping[str, str], *arguments: str, folder: Path, timeout: float = 200) -> CompletedProcess[str]:
    """The command, with its output in files of the folder meanwhile."""
    files = (folder / "stdout", folder / "stderr")
    process = FORKS.Process(target=_command, args=(dict(environment), arguments, files))
    process.start()
    process.join(timeout)
    code = process.exitcode
    process.kill()
    assert code is not None, f"hw3 {' '.join(arguments)}: not within {timeout:.0f} s"
    return CompletedProcess(arguments, code, *(file.read_text() for file in files))


def _command(environment: dict[str, str], arguments: tuple[str, ...], files: tuple[Path, Path]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["hw3", *arguments]
    from flows.cli import command

    command()
