"""Fashion-MNIST's own files from the Debian package `dataset-fashion-mnist`, which holds them with other gzip headers.

torchvision has md5 sums of the files as they were published. What was compressed is the same to the bit: with the name
and the time of 31 August 2017 that the headers had, the files are those of Xiao, Rasul and Vollgraf (2017) again.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

PACKAGE = Path("/usr/share/datasets/fashion-mnist")
_TIMES = {"train": 1504176606, "t10k": 1504176627}
"""Seconds since 1970, of both files of a part."""
_HEADER_BYTES = 10
_NAMES = tuple(f"{part}-{what}-ubyte" for part in _TIMES for what in ("images-idx3", "labels-idx1"))


def published_files(folder: Path) -> Sequence[Path]:
    """Write the four files as they were published; none where the package is not installed."""
    if not all((PACKAGE / f"{name}.gz").is_file() for name in _NAMES):
        return ()
    for name in _NAMES:
        packed = (PACKAGE / f"{name}.gz").read_bytes()
        # RFC 1952: magic, deflate, a name follows; time; no extra flags, Unix; the name.
        header = b"\x1f\x8b\x08\x08" + struct.pack("<I", _TIMES[name.partition("-")[0]]) + b"\x00\x03"
        (folder / f"{name}.gz").write_bytes(header + name.encode() + b"\0" + packed[_HEADER_BYTES:])
    return [folder / f"{name}.gz" for name in _NAMES]
