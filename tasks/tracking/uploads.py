"""Files that `hw3 upload` has left with the MLflow server, so that every worker reaches them; found by their digest."""

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException

from hw3models.errors import DataError
from tasks.settings import Settings
from tasks.tracking.resuming import process_tags
from tasks.tracking.store import connect

DIGEST = "hw3.upload"
"""Tag of a run that holds an upload: its digest."""
_PACKED = "files.zip"


def leave(digest: str, name: str, files: Sequence[Path], root: Path) -> bool:
    """Leave the files with MLflow, by their names below `root`; False where they are there already."""
    client, _ = connect()
    if _find(client, digest) is not None:
        return False
    tags = {"mlflow.runName": f"upload {name}", "hw3.role": "upload", **process_tags()}
    run = client.create_run(_experiment(client).experiment_id, tags=tags)
    status = "FAILED"
    try:
        with tempfile.TemporaryDirectory(prefix="hw3-") as folder:
            packed = Path(folder) / _PACKED
            with zipfile.ZipFile(
                packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
            ) as archive:
                for path in files:
                    archive.write(path, path.relative_to(root).as_posix())
            client.log_artifact(run.info.run_id, str(packed))
        # Only now can it be found.
        client.set_tag(run.info.run_id, DIGEST, digest)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        client.set_terminated(run.info.run_id, status)
    return True


def bring(digest: str, folder: Path) -> None:
    """Unpack the upload of that digest into `folder`; who asks checks its content.

    Raises:
        DataError: MLflow has none.
    """
    client, _ = connect()
    run_id = _find(client, digest)
    if run_id is None:
        raise DataError(
            f"The MLflow server has no upload {digest}: it is of another server, or was deleted. `hw3 upload FILE` "
            "leaves it there again."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        arrived = client.download_artifacts(run_id, _PACKED, place)
        try:
            with zipfile.ZipFile(arrived) as archive:
                archive.extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"The upload {digest} cannot be unpacked ({error}). Upload it again.") from error


def experiment_of_uploads(client: MlflowClient) -> list[str]:
    """The id of their experiment; none where nothing was uploaded yet."""
    found = client.get_experiment_by_name(_name())
    return [] if found is None else [str(found.experiment_id)]


def _find(client: MlflowClient, digest: str) -> str | None:
    experiment = client.get_experiment_by_name(_name())
    if experiment is None:
        return None
    wanted = f"tags.`{DIGEST}` = '{digest}' and attributes.status = 'FINISHED'"
    found = client.search_runs([experiment.experiment_id], wanted, ViewType.ACTIVE_ONLY, max_results=1)
    return str(found[0].info.run_id) if found else None


def _experiment(client: MlflowClient) -> Experiment:
    """The experiment of uploads: one of their own, so that the studies' table stays one of studies."""
    if (found := client.get_experiment_by_name(_name())) is not None:
        return found
    try:
        client.create_experiment(_name())
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another process was quicker
            raise
    made = client.get_experiment_by_name(_name())
    assert made is not None
    return made


def _name() -> str:
    return f"{Settings().experiment}-uploads"
