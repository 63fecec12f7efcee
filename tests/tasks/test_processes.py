import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tasks import processes
from tasks.processes import ProcessId, holding_interrupts, is_running, started_at
from tasks.tracking.resuming import process_tags, writer_of


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


def test_a_process_is_known_by_its_start_as_well() -> None:
    me = ProcessId.own()
    another = later(me, 1)
    assert is_running(me.pid, me.started)
    assert not is_running(me.pid, another), "another process that had the same id"
    assert not me.is_dead()
    assert me._replace(started=another).is_dead()
    assert not ProcessId("elsewhere", me.pid, another).is_dead(), "nobody can know from here"


def later(process: ProcessId, ticks: int) -> str:
    """The start of a process that was started so much later."""
    own, _, rest = process.started.partition(".")
    return f"{int(own) + ticks}.{rest}"


@pytest.mark.parametrize("hours", [-48, -1, -10 / 3600, 10 / 3600, 1, 48])
def test_a_step_of_the_clock_changes_nothing(hours: float, monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        before = started_at(child.pid)
        # psutil adds ticks since boot to a time of boot, which the kernel computes from the clock of now.
        create_time = psutil.Process.create_time
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + 3600 * hours)
        assert started_at(child.pid) == before
        assert is_running(child.pid, before)
        assert not ProcessId(socket.gethostname(), child.pid, before).is_dead()
    finally:
        child.kill()
        child.wait()
    assert not is_running(child.pid, before)


def test_the_start_is_what_the_kernel_says() -> None:
    ticks, boot, namespace = started_at(os.getpid()).split(".")
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
    assert since_boot == pytest.approx(time.time() - psutil.Process().create_time(), abs=2)
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    assert namespace in str(Path("/proc/self/ns/pid").readlink())


def test_after_another_boot_and_only_then_an_id_of_another_container_is_dead() -> None:
    me = ProcessId.own()
    ticks, boot, namespace = me.started.split(".")
    rebooted = me._replace(started=f"{ticks}.{boot[::-1]}.{namespace}")
    assert rebooted.is_dead(), "the same id and ticks, before the machine was started again"
    container = ProcessId(me.host, 999_999_999, f"{ticks}.{boot}.{int(namespace) + 1}")
    assert not container.is_local()
    assert not container.is_dead()
    assert is_running(container.pid, container.started), "for all we know"
    assert container._replace(started=f"{ticks}.{boot[::-1]}.{int(namespace) + 1}").is_dead()


def test_what_the_system_does_not_tell_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    me = ProcessId.own()
    ticks = me.started.partition(".")[0]
    assert is_running(me.pid, f"{ticks}.0.0")
    assert not is_running(me.pid, f"{int(ticks) + 1}.0.0")
    monkeypatch.setattr(processes, "_ticks", lambda pid: None)
    assert is_running(me.pid, me.started)
    wall = started_at(me.pid)
    assert float(wall) == pytest.approx(psutil.Process().create_time(), abs=0.1)
    assert is_running(me.pid, wall)


def test_records_of_earlier_versions_are_understood() -> None:
    me = ProcessId.own()
    then = f"{psutil.Process().create_time():.1f}"
    tags = {"hw3.host": me.host, "hw3.pid": str(me.pid), "hw3.process_started": then}
    writer = writer_of(tags)
    assert writer is not None
    assert not writer.is_dead()
    old = writer_of(tags | {"hw3.process_started": f"{float(then) - 60:.1f}"})
    assert old is not None
    assert old.is_dead()
    assert writer_of(process_tags()) == me
    assert writer_of(tags | {"hw3.process_started": "soon"}) is None


def test_a_name_with_brackets_hides_no_start() -> None:
    code = "open('/proc/self/comm', 'w').write('a) R 1 (b'); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as child:
        assert child.stdout
        child.stdout.readline()
        assert is_running(child.pid, started_at(child.pid))
        assert started_at(child.pid).split(".")[1:] == started_at(os.getpid()).split(".")[1:]
        child.kill()


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
