"""A disk that runs full in the middle of a study: told in a sentence, nothing that was finished is damaged."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.studies import STUDY, assert_whole, is_finished, start, store_of
from tests.flows.cli.test_cli import environment, hw3
from tests.servers import wait_until

__all__ = ["environment"]
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """32 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True)
    if not made or made.returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Not a byte is left."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return path


def test_a_full_disk_is_told_and_the_study_goes_on_when_there_is_space(
    environment: dict[str, str], small_disk: Path, tmp_path: Path
) -> None:
    log = tmp_path / "study.log"
    environment = environment | {"HW3_HOME": str(small_disk), "HW3_CHECKPOINT_EVERY": "0"}
    with start(environment, log) as process:
        try:
            run_into_a_full_disk(process, small_disk, log)
        finally:
            process.kill()
    done = hw3(environment, *STUDY)
    assert done.returncode == 0, done.stderr
    assert "mlp on locked: " in done.stderr
    assert "unchanged, taken from the cache" in done.stderr
    assert_whole(store_of(small_disk))


def run_into_a_full_disk(process: subprocess.Popen[bytes], small_disk: Path, log: Path) -> None:
    store = store_of(small_disk)
    # Not before the study itself has made the store: two that make its tables at once are another test.
    wait_until(lambda: "mlp on locked: " in log.read_text() and is_finished(store, "mlp"), "the MLP", timeout=90)
    kept = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in models(small_disk, "mlp")}
    assert kept
    filler = fill(small_disk)
    assert process.wait(250) != 0
    text = log.read_text()
    assert "No space left" in text
    assert "Traceback" not in text, text
    assert "free some space" in text.lower()
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in kept} == kept

    filler.unlink()


def models(home: Path, family: str) -> list[Path]:
    return [path for path in home.glob(f".hw3/models/{family}-*/*") if path.is_file()]
