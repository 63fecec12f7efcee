"""Watches files, and emits the event `hw3.data.changed` when the contents of one have changed and come to rest.

python docs/examples/watch_data.py data.csv more.csv
"""

import hashlib
import sys
import time
from pathlib import Path

from prefect.events import emit_event

PAUSE = 2.0
"""Seconds between looks. A file that changed since the last look is still being written."""


def digest(path: Path) -> str | None:
    """None while the file is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else None


def main(paths: list[Path]) -> None:
    """Until interrupted."""
    told = {path: digest(path) for path in paths}
    last = dict(told)
    sys.stdout.write(f"watching {len(paths)} files\n")
    sys.stdout.flush()
    while True:
        time.sleep(PAUSE)
        for path in paths:
            now = digest(path)
            if now is not None and now == last[path] and now != told[path]:
                resource = {"prefect.resource.id": f"hw3.data.{path.stem}", "prefect.resource.name": path.name}
                emit_event("hw3.data.changed", resource=resource, payload={"path": str(path), "digest": now})
                told[path] = now
            last[path] = now


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]])
