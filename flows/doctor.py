"""`hw3 doctor`: what is installed, which devices there are, which servers answer, where the stores are."""

import os
import shutil
from pathlib import Path
from typing import Any

from flows.local.servers import is_server, look
from flows.orchestration import orchestration
from hw3models.data.sources import all_sources
from hw3models.families import FAMILIES
from hw3models.printable import one_a_line
from hw3models.runtime.environment import describe_environment
from hw3models.runtime.redaction import without_password
from tasks.settings import Settings


def examine() -> dict[str, Any]:
    """Findings by topic. Starts nothing and changes nothing."""
    settings = Settings()
    environment = describe_environment()
    return {
        "versions": {"hw3": environment.code, "python": environment.python, **environment.versions},
        "devices": _devices(),
        "servers": {
            "prefect": _server("PREFECT_API_URL", settings.prefect_api_url, "embedded, started when needed"),
            "mlflow": _server(
                "MLFLOW_TRACKING_URI", settings.mlflow_tracking_uri, f"embedded, {settings.tracking_uri}"
            ),
        },
        "orchestration": orchestration(),
        "stores": {
            "home": _place(settings.home),
            "mlflow store": _place(settings.store),
            "trained models": _place(settings.work / "models"),
            "reports": _place(settings.home / "reports"),
            "data cache": _place(settings.cache),
        },
        "data": {
            **{kind: [form for one in all_sources() if kind in one.kinds for form in one.forms] for kind in FAMILIES},
            "mirrors": _mirrors(settings) or "torchvision's",
        },
        "families": {kind: list(families) for kind, families in FAMILIES.items()},
    }


def as_text(findings: dict[str, Any]) -> str:
    """One topic per paragraph, one finding per line."""
    lines = []
    for topic, values in findings.items():
        lines.append(topic)
        for name, value in values.items():
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            lines.append(f"  {name:<16} {text}")
        lines.append("")
    return one_a_line(lines).rstrip()


def _devices() -> dict[str, str]:
    import torch

    from hw3models.engine.precision import cpu_has_bf16
    from hw3models.runtime.devices import cpu_name, pick_device

    found = {"cpu": f"{cpu_name()}, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads"}
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory / 2**30
        found[f"cuda:{index}"] = f"{torch.cuda.get_device_name(index)}, {memory:.0f} GiB"
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    if not torch.cuda.device_count():
        found["cuda"] = "none"
    found["auto takes"] = str(pick_device())
    found["bfloat16 on the CPU"] = "fast" if cpu_has_bf16() else "slower than float32: no instructions for it"
    return found


def _server(variable: str, address: str | None, without: str) -> str:
    if address is None:
        return f"{variable} is not set: {without}"
    if not is_server(address):
        return f"{without_password(address)} (no server)"
    shown, fault = without_password(address), look(variable, address)
    return f"{shown} answers" if fault is None else f"{shown} (DOES NOT ANSWER AS IT SHOULD), {fault.text}"


def _mirrors(settings: Settings) -> dict[str, list[str]]:
    return {name: [without_password(address) for address in known] for name, known in settings.mirrors.items()}


def _place(path: Path) -> str:
    there = path if path.exists() else next(parent for parent in path.parents if parent.exists())
    free = shutil.disk_usage(there).free / 2**30
    return f"{path} ({'there' if path.exists() else 'not yet made'}, {free:.0f} GiB free)"
