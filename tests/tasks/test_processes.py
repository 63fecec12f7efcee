import os
import signal
import subprocess
import sys
import threading

import pytest

from tasks.processes import ProcessId, holding_interrupts, is_running, started_at


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def held(times: int, reached: list[str]) -> None:
    """Ctrl-C so many times in a block, and what is reached of it."""
    with holding_interrupts():
        for _ in range(times):
            press_ctrl_c()
        reached.append("end")


def test_an_interrupt_is_held_to_the_end_of_the_block() -> None:
    before, reached = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(KeyboardInterrupt):
        held(1, reached)
    assert reached == ["end"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_is_raised_at_once() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        held(2, reached)
    assert reached == []


def test_without_an_interrupt_nothing_happens_and_errors_pass() -> None:
    with holding_interrupts():
        pass
    with pytest.raises(ValueError, match="own"), holding_interrupts():
        raise ValueError("own")


def test_other_threads_cannot_be_interrupted_and_hold_nothing() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with holding_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_process_is_known_by_its_start_time_as_well() -> None:
    me = ProcessId.own()
    assert is_running(me.pid, me.started)
    assert not is_running(me.pid, me.started - 60), "another process that had the same id"
    assert not me.is_dead()
    assert me._replace(started=me.started - 60).is_dead()
    assert not ProcessId("elsewhere", me.pid, me.started - 60).is_dead(), "nobody can know from here"


def test_a_killed_process_that_nobody_has_collected_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = started_at(child.pid)
    assert is_running(child.pid, started)
    child.kill()
    # Waits for the end and leaves it in the table.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(child.pid, started)
    child.wait()
    assert not is_running(child.pid, started)
