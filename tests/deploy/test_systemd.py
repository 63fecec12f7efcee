"""deploy/systemd: units that systemd accepts, and that keep the rules of docs/scaling.md."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("hw3*.service"))
WORKERS = [unit for unit in UNITS if "worker" in unit.name]
SERVERS = [unit for unit in UNITS if unit not in WORKERS]


def options(unit: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser["Service"]


def verify(folder: Path, *, change: tuple[str, str] = ("", "")) -> str:
    """What systemd says of the units: their programs are those of this environment, an instance stands for each."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd (Debian)")
    for unit in [*UNITS, ROOT / "deploy" / "systemd" / "hw3.target"]:
        text = unit.read_text().replace("/opt/hw3/.venv/bin", str(Path(sys.executable).parent)).replace(*change)
        (folder / unit.name.replace("@.", "@0.")).write_text(text)
    names = sorted(str(path) for path in folder.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "hw3" in line]
    assert done.returncode == 0 or ours, done.stderr
    return "\n".join(ours)


def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    assert verify(tmp_path) == ""


def test_systemd_would_complain(tmp_path: Path) -> None:
    assert "NoNewPrivilege" in verify(tmp_path, change=("NoNewPrivileges", "NoNewPrivilege"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_is_confined(unit: Path) -> None:
    service = options(unit)
    for name in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictSUIDSGID", "ProtectKernelModules"):
        assert service[name] == "yes", name
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] == "hw3"
    assert service["Restart"] == "on-failure"


@pytest.mark.parametrize("unit", SERVERS, ids=lambda unit: unit.name)
def test_servers_listen_on_the_loopback_address(unit: Path) -> None:
    assert "--host 127.0.0.1" in options(unit)["ExecStart"]
    assert options(unit)["EnvironmentFile"] == "/etc/hw3/servers.env"


@pytest.mark.parametrize("unit", WORKERS, ids=lambda unit: unit.name)
def test_workers_are_stopped_so_that_their_runs_can_report(unit: Path) -> None:
    service = options(unit)
    assert service["KillSignal"] == "SIGINT"
    assert service["KillMode"] == "mixed", "the signal is for deploy/worker.py alone"
    assert int(service["TimeoutStopSec"]) > 60
    assert (ROOT / "deploy" / service["ExecStart"].split()[1].removeprefix("/opt/hw3/deploy/")).is_file()
    assert service["EnvironmentFile"] == "/etc/hw3/workers.env", "no database passwords for runs"
    for wanted in ("PREFECT_WORKER_QUERY_SECONDS=2", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30", "OMP_WAIT_POLICY=PASSIVE"):
        assert wanted in unit.read_text()


def test_a_gpu_worker_has_one_run_and_one_gpu() -> None:
    (unit,) = (unit for unit in WORKERS if "@" in unit.name)
    text = unit.read_text()
    assert "--pool hw3-gpu --type process --limit 1 " in text
    assert "CUDA_VISIBLE_DEVICES=%i" in text
    # Each of these would hide /dev/nvidia*.
    assert not re.search(r"^(PrivateDevices|ProtectClock|DevicePolicy)=", text, flags=re.MULTILINE)


def test_the_examples_hold_no_secret_and_give_what_the_units_read() -> None:
    for name in ("servers.env.example", "workers.env.example"):
        text = (ROOT / "deploy" / "systemd" / name).read_text()
        passwords = re.findall(r"//\w+:([^@\s]+)@", text)
        assert set(passwords) <= {"CHANGE-ME"}
