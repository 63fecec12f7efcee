"""Prefect's temporary server as a process: whose parent is gone makes no tables."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from tasks.processes import module_command, module_environment


@pytest.mark.slow
def test_a_server_whose_parent_goes_while_it_waits_for_another_ones_tables_makes_none(tmp_path: Path) -> None:
    environment = os.environ | module_environment() | {"PREFECT_HOME": str(tmp_path)}
    with socket.socket() as bound, FileLock(tmp_path / "hw3-server-start.lock"):
        bound.bind(("127.0.0.1", 0))
        command = module_command("flows.local.temporary_server", str(bound.fileno()))
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, pass_fds=(bound.fileno(),)) as server:
            assert server.stdin is not None
            server.stdin.close()
            # The lock is held here: it can do nothing but wait, and ends all the same.
            assert server.wait(timeout=120) == 1
    assert not (tmp_path / "prefect.db").exists()


def test_a_server_whose_parent_goes_before_its_turn_has_come_lets_it_pass(tmp_path: Path) -> None:
    environment = os.environ | module_environment() | {"PREFECT_HOME": str(tmp_path)}
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        command = module_command("flows.local.temporary_server", str(bound.fileno()))
        # Gone from the beginning.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, env=environment, pass_fds=(bound.fileno(),), timeout=120, check=False
        )
    assert done.returncode != 0
    assert not (tmp_path / "prefect.db").exists()
