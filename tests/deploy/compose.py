"""deploy/compose.yaml as docker-compose reads it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def filled_in() -> str:
    """deploy/example.env with a password, a different one, in every empty place."""
    lines = (DEPLOY / "example.env").read_text().splitlines()
    return "\n".join(f"{line}{line.lower().replace('_', '')[:-1]}" if line.endswith("=") else line for line in lines)


def run_config(folder: Path, environment: str, *, file: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`docker-compose config`: the file, checked against its schema, with variables put in. Needs no engine."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("needs docker-compose (Debian)")
    (folder / "variables.env").write_text(environment)
    arguments = [program, "--env-file", str(folder / "variables.env"), "-f", str(file or DEPLOY / "compose.yaml")]
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run([*arguments, "config"], capture_output=True, text=True, env=clean, check=False)


def services(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> what docker-compose would start."""
    done = run_config(folder, filled_in())
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]  # type: ignore[no-any-return]
