"""Download and preprocess as tasks: retries where they help, none where they would hide a fault."""

from pathlib import Path

import pytest
from prefect import flow, get_client

from hw3models.errors import DataError, DownloadError
from hw3models.specs import DataSpec, SourceReport
from tasks.data import download
from tests.hw3models.data.known import mirror
from tests.hw3models.data.known.mirror import Mirror

pytestmark = pytest.mark.usefixtures("prefect", "store")


@flow(name="only-download")
def only_download(spec: DataSpec) -> SourceReport:
    return download(spec)


@pytest.fixture
def served(shared: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    files = {path.name: path.read_bytes() for path in (shared / "mnist").iterdir()}
    with mirror.serve(files) as one:
        monkeypatch.setenv("HW3_MNIST_MIRRORS", one.address)
        yield one


def attempts() -> int:
    with get_client(sync_client=True) as client:
        [newest] = client.read_task_runs(limit=1, sort="EXPECTED_START_TIME_DESC")  # type: ignore[arg-type]
    return newest.run_count


def test_a_mirror_that_comes_back_is_tried_again(served: Mirror) -> None:
    served.faults["*"] = 503
    heal_after(served, requests=1)
    report = only_download(DataSpec(source="mnist"))
    assert report.source == "mnist"
    assert len(report.files) == 4
    assert attempts() == 2


def test_a_file_that_does_not_exist_is_not_tried_again() -> None:
    with pytest.raises(DataError, match="does not exist"):
        only_download(DataSpec(source="nowhere.ts"))
    assert attempts() == 1


@pytest.mark.slow
def test_dead_mirrors_fail_after_the_retries_with_what_to_do(served: Mirror) -> None:
    served.faults["*"] = 404
    with pytest.raises(DownloadError, match=r"(?s)404.*HW3_MNIST_MIRRORS"):
        only_download(DataSpec(source="mnist"))
    assert attempts() == 3


def heal_after(served: Mirror, *, requests: int) -> None:
    """The fault is gone once so many requests have met it."""

    class Healing(dict[str, int]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            return None if len(served.requests) > requests else super().get(key, default)  # type: ignore[arg-type]

    served.faults = Healing(served.faults)
