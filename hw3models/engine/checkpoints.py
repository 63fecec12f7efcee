"""Checkpoints of a training: safetensors with a JSON header, never pickles, each with its own digest in its name.

A file is written beside its place, flushed to disk and renamed, so it is whole or not there; and as its name holds the
sha256 of its content, one that was damaged later is recognised, and the one before it is taken.
"""

import hashlib
import json
import re
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from hw3models.runtime.code_version import code_version
from hw3models.runtime.devices import describe_device, pick_device
from hw3models.runtime.files import write_atomically
from hw3models.specs import DataReport, TrainSpec

KEPT = 2
"""Checkpoints of a group of replicates: the newest, and the one before it."""
_NAME = re.compile(r"epoch-(\d{6})-([0-9a-f]{32})\.safetensors")


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds."""

    epoch: int
    """The last one that was finished."""
    tensors: dict[str, torch.Tensor]
    info: dict[str, Any]


@dataclass
class Checkpoints:
    """The checkpoints of one group of replicates in a folder of its own."""

    folder: Path
    key: str
    """What is trained, on which data, by which code: a checkpoint with another key is never taken."""
    every: float = 30.0
    """Seconds between two."""
    _last: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        """Has the pause been long enough?"""
        return time.monotonic() - self._last >= self.every

    def save(self, saved: Saved) -> None:
        """Write, then delete what is older than the one before.

        Raises:
            OSError: it could not be written, such as on a full disk. Earlier checkpoints are still there.
        """
        header = {"key": self.key, "epoch": str(saved.epoch), "info": json.dumps(saved.info)}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in saved.tensors.items()}
        content = safetensors.torch.save(tensors, metadata=header)
        digest = hashlib.sha256(content).hexdigest()[:32]
        write_atomically(self.folder / f"epoch-{saved.epoch:06d}-{digest}.safetensors", content)
        for path in self._files()[KEPT:]:
            path.unlink(missing_ok=True)
        self._last = time.monotonic()

    def newest(self) -> Saved | None:
        """The newest that is whole and has the key; None where there is none."""
        for path in self._files():
            if (saved := self._read(path)) is not None:
                return saved
        return None

    def clear(self) -> None:
        """Delete all of them: the training is done."""
        for path in self._files():
            path.unlink(missing_ok=True)
        # Not while another process that trains the same keeps its own there.
        with suppress(OSError):
            self.folder.rmdir()

    def _files(self) -> list[Path]:
        """Newest first."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((path for path in found if _NAME.fullmatch(path.name)), reverse=True)

    def _read(self, path: Path) -> Saved | None:
        name = _NAME.fullmatch(path.name)
        try:
            content = path.read_bytes()
            if name is None or hashlib.sha256(content).hexdigest()[:32] != name[2]:
                return None
            header = _header(content)
            if header.get("key") != self.key:
                return None
            return Saved(int(header["epoch"]), safetensors.torch.load(content), json.loads(header["info"]))
        except (OSError, ValueError, KeyError, struct.error, SafetensorError):
            return None


def _header(content: bytes) -> Mapping[str, str]:
    """The metadata of a safetensors file: eight bytes of length, then JSON."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


class KeptCheckpoints:
    """Of one training: a folder for each group of replicates."""

    def __init__(self, folder: Path, spec: TrainSpec, data: DataReport, every: float, resume: bool = True) -> None:
        self._folder, self._every, self._resume = folder, every, resume
        device = describe_device(pick_device(spec.device))
        self._key = "|".join((spec.fingerprint(), data.digest, code_version("train"), device, torch.__version__))
        self._made: list[Checkpoints] = []

    def __call__(self, seeds: Sequence[int]) -> Checkpoints:
        """Those of the replicates that train together; how seeds are grouped depends on the machine."""
        key = hashlib.sha256(f"{self._key}|{list(seeds)}".encode()).hexdigest()
        self._made.append(Checkpoints(self._folder / key[:32], key, self._every))
        if not self._resume:
            self._made[-1].clear()
        return self._made[-1]

    def clear(self) -> None:
        """Delete them: the training is done."""
        for checkpoints in self._made:
            checkpoints.clear()
