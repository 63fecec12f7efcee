"""Which GPUs may be used, without importing torch here: it would keep a context and half a gigabyte."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """What to write into `CUDA_VISIBLE_DEVICES` for a worker each."""
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is not None and not _entries(wanted):
        return []
    listing = _ask_nvidia_smi()
    if listing is not None:
        return select(listing, wanted)
    # torch counts what CUDA_VISIBLE_DEVICES leaves over.
    count = _ask_torch()
    return _entries(wanted)[:count] if wanted is not None else [str(index) for index in range(count)]


def select(listing: str, wanted: str | None) -> list[str]:
    """Choose GPUs from the output of `nvidia-smi -L` by the value of `CUDA_VISIBLE_DEVICES`.

    By UUID where nothing is wanted: nvidia-smi counts by bus, CUDA with the fastest first. What is wanted is handed
    on in its own words, up to the first entry that is no device: so does CUDA.
    """
    gpus: list[list[str]] = []
    for line in listing.splitlines():
        uuid = re.search(r"UUID: ((?:GPU|MIG)-[^)\s]+)", line)
        if uuid and uuid[1].startswith("GPU-"):
            gpus.append([uuid[1]])
        elif uuid and gpus:
            gpus[-1].append(uuid[1])
    if wanted is None:
        # A GPU that is cut into MIG parts is only usable by its parts.
        return [name for names in gpus for name in (names[1:] or names)]
    known = [name for names in gpus for name in names]
    chosen: list[str] = []
    for entry in _entries(wanted):
        there = int(entry) < len(gpus) if entry.isdecimal() else any(name.startswith(entry) for name in known)
        if not there:
            break
        if entry not in chosen:
            chosen.append(entry)
    return chosen


def assign(visible: list[str], workers: int | None) -> list[str]:
    """`CUDA_VISIBLE_DEVICES` of each GPU worker; empty for those that no GPU is left for."""
    if workers is None:
        return visible
    return [*visible[:workers], *[""] * (workers - len(visible))]


def _entries(wanted: str) -> list[str]:
    entries = []
    for entry in wanted.split(","):
        word = entry.strip()
        if not re.fullmatch(r"\d+|(GPU|MIG)-[\w/-]+", word):
            break
        entries.append(word)
    return entries


def _ask_nvidia_smi() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _ask_torch() -> int:
    code = "import torch; print(torch.cuda.device_count())"
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)  # noqa: S603
        return int(done.stdout.strip() or 0)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0
