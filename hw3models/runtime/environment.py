"""What a run ran on: hardware, versions, code."""

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hw3models.runtime.code_version import code_version
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.specs import Environment

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "aeon", "prefect", "mlflow")


@lru_cache(maxsize=1)
def describe_environment() -> Environment:
    """The environment of this process; asked once."""
    return Environment(
        hardware=f"{describe_device(pick_device())}, {os.cpu_count()} cores",
        python=platform.python_version(),
        platform=platform.platform(),
        versions={name: _version(name) for name in PACKAGES},
        code=f"hw3 {_version('hw3')}, source {code_version()}{_commit()}",
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The git commit of the checkout this file lies in, and whether it was changed since."""
    here = Path(__file__).resolve().parent
    try:
        text = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],  # noqa: S607  # git from PATH, fixed arguments
            cwd=here, capture_output=True, text=True, timeout=5, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return f", git {text}"
