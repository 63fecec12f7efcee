"""MLflow's model registry: versions, the aliases `champion` and `challenger`, and every decision as a tag.

Only the promotion gate moves `champion`. Each decision is a tag of its version, named by its time, so that the history
of a model can be read from the registry alone.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mlflow
from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from hw3models.errors import DataError, SpecError
from hw3models.printable import few
from hw3models.serving.predictor import MODEL_FILES
from hw3models.specs import RegistryEvent
from tasks.names import slug
from tasks.settings import Settings
from tasks.tracking.absence import raise_unless_absent
from tasks.tracking.finding import FamilyRun, fetch_family
from tasks.tracking.model import MEMBERS
from tasks.tracking.store import connect

CHAMPION, CHALLENGER = "champion", "challenger"
_EVENT = "hw3.gate."
_MADE = "Made by hw3"
"""Begin of the description of a model that is ours."""
PATIENCE = 600.0
"""Seconds to wait for another command that decides about the same model."""
_NOTE_LIMIT = 4900
"""Characters that MLflow's database keeps of a description or a tag, less some."""


def register(model: str, run_id: str, tags: dict[str, str], note: str, members: int = 1) -> int:
    """The version of `model` that holds the family's run, its best seed or an ensemble of its first: found, or made.

    Raises:
        DataError: the run has no model (yet).
    """
    client, experiment_id = connect()
    for version in versions(model):
        if version.run_id == run_id and _members_of(version.tags) == members:
            return int(version.version)
    model_id = _model_of(client, experiment_id, run_id, members)
    try:
        client.create_registered_model(model, description=f"{_MADE}; `champion` is moved by `hw3 promote` only.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        model,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags=tags | {MEMBERS: str(members)},
        description=_cut(note),
    )
    return int(made.version)


def _members_of(tags: Mapping[str, str]) -> int:
    """What a version or a logged model holds of its run; earlier ones do not say it."""
    return int(tags.get(MEMBERS, "1"))


def _model_of(client: MlflowClient, experiment_id: str, run_id: str, members: int) -> str:
    found = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    for one in found:
        if one.status == LoggedModelStatus.READY and _members_of(one.tags) == members:
            return str(one.model_id)
    raise DataError(
        f"MLflow run {run_id} has no model. It may not have arrived yet: `hw3 reconcile` sends what is waiting."
    )


def versions(model: str) -> list[ModelVersion]:
    """All of them, oldest first."""
    client, _ = connect()
    found = client.search_model_versions(f"name = '{model}'", max_results=10_000)
    return sorted(found, key=lambda version: int(version.version))


def models() -> list[str]:
    """Registered names."""
    client, _ = connect()
    return sorted(one.name for one in client.search_registered_models(max_results=1000) if one.name.startswith("hw3-"))


def version_with(model: str, alias: str) -> int | None:
    """The version that has the alias."""
    client, _ = connect()
    try:
        return int(client.get_model_version_by_alias(model, alias).version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def run_of(model: str, version: int) -> str:
    """MLflow run of the family that the version holds.

    Raises:
        SpecError: there is no such version.
    """
    for one in versions(model):
        if int(one.version) == version and one.run_id:
            return str(one.run_id)
    known = ", ".join(str(one.version) for one in versions(model)) or "none"
    raise SpecError(f"{model} has no version {version}; versions: {known}.")


def fetch_version(model: str, version: int, directory: Path) -> FamilyRun:
    """Everything that is kept of what the version holds.

    Raises:
        SpecError: there is no such version.
        DataError: it is not there any more.
    """
    run_id = run_of(model, version)
    [tags] = [one.tags for one in versions(model) if int(one.version) == version]
    return fetch_family(run_id, directory, _members_of(tags))


def move(model: str, alias: str, version: int) -> None:
    """Give the alias to the version."""
    client, _ = connect()
    client.set_registered_model_alias(model, alias, str(version))


@contextmanager
def alone(model: str) -> Iterator[None]:
    """Two decisions about one model on one machine come one after the other.

    Raises:
        SpecError: the other one takes too long, as where its process was stopped.
    """
    work = Settings().work
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / f"registry-{slug(model)}.lock")
    try:
        lock.acquire(timeout=2)
    except Timeout:
        warnings.warn(f"another command decides about {model}: waiting for its end.", stacklevel=1)
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise SpecError(
                f"another command has been deciding about {model} for {PATIENCE / 60:.0f} minutes: end it."
            ) from error
    try:
        yield
    finally:
        lock.release()


def finish(model: str) -> RegistryEvent | None:
    """Do what the newest decision says; it, if whoever wrote it down was killed before the aliases had moved.

    Only for who is alone: a decision that is just being made would be taken for one that was left.
    """
    if not (events := history(model)):
        return None
    last = events[-1]
    aliases = {"champion": (CHALLENGER, CHAMPION), "challenger": (CHALLENGER,), "rollback": (CHAMPION,)}
    left = [alias for alias in aliases.get(last.event, ()) if version_with(model, alias) != last.version]
    if not left:
        return None
    client, _ = connect()
    card = client.get_model_version(model, str(last.version)).description or ""
    # A description begins with the decision before, if there was one.
    card = card.partition("\n\n")[2] if card.startswith("**") else card
    write_down(last, note=None if last.event == "rollback" else f"**{last.event}**: {last.reason}\n\n{card}")
    for alias in left:
        move(model, alias, last.version)
    return last


def write_down(event: RegistryEvent, note: str | None = None) -> None:
    """The decision as tags of its version; the note is its description."""
    client, _ = connect()
    version = str(event.version)
    client.set_model_version_tag(event.model, version, f"{_EVENT}{event.at}", _event_text(event))
    client.set_model_version_tag(event.model, version, "hw3.gate", event.event)
    client.set_model_version_tag(event.model, version, "hw3.gate_reason", _cut(event.reason))
    if note is not None:
        client.update_model_version(event.model, version, _cut(note))


def history(model: str) -> list[RegistryEvent]:
    """All decisions, oldest first."""
    found = []
    for version in versions(model):
        for key, text in version.tags.items():
            if key.startswith(_EVENT):
                found.append(RegistryEvent.model_validate_json(text))
    return sorted(found, key=lambda event: event.at)


def now(model: str) -> str:
    """Time of the model's next event: ISO 8601, UTC, to the microsecond, so that events can be put in order.

    Later than the last one, even when the clock was set back. As MLflow's names may be: without a plus sign.
    """
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    at = datetime.now(UTC)
    if events := history(model):
        last = datetime.strptime(events[-1].at, form).replace(tzinfo=UTC)
        at = max(at, last + timedelta(microseconds=1))
    return at.strftime(form)


def _event_text(event: RegistryEvent) -> str:
    spare = len(event.model_dump_json()) - _NOTE_LIMIT
    if spare > 0:
        event = event.model_copy(update={"reason": event.reason[: -spare - 3] + "..."})
    return event.model_dump_json()


def _cut(text: str) -> str:
    return text if len(text) <= _NOTE_LIMIT else text[:_NOTE_LIMIT] + "\n..."


def fetch_named(name: str, directory: Path) -> FamilyRun:
    """Everything that is kept of what `MODEL@alias` or `MODEL/version` holds.

    Raises:
        SpecError: no such model, version or alias.
        DataError: it is not there any more.
    """
    return fetch_version(*find_named(name), directory)


def find_named(name: str) -> tuple[str, int]:
    """Model and version that `MODEL@alias` or `MODEL/version` means.

    Raises:
        SpecError: it is neither, or nothing has the alias.
    """
    match = re.fullmatch(r"(?:models:/)?([^/@]+)(?:@([^/@]+)|/(\d+))", name)
    if match is None:
        raise SpecError(f"{name!r}: give MODEL@champion or MODEL/VERSION. Registered: {_listed()}.")
    model, alias, number = match.groups()
    version = int(number) if number else version_with(model, alias)
    if version is None:
        raise SpecError(f"{model} has no version with the alias {alias!r}. Registered: {_listed()}.")
    return model, version


def fetch_model(name: str, directory: Path) -> Path:
    """Bring a registered model into `directory`; the folder that `hw3models.serving.predictor.load_predictor` reads.

    `name` is `MODEL@alias`, `MODEL/version`, or either after `models:/`.

    Raises:
        SpecError: no such model, version or alias, or one that this project has not made.
    """
    connect()
    address = name if name.startswith("models:/") else f"models:/{name}"
    if not re.fullmatch(r"models:/[^/@]+(@[^/@]+|/\d+)", address):
        raise SpecError(f"`model` {name!r}: give MODEL@champion or MODEL/VERSION. Registered: {_listed()}.")
    try:
        arrived = Path(mlflow.artifacts.download_artifacts(address, dst_path=str(directory)))
    except (MlflowException, OSError) as error:
        raise_unless_absent(error)
        raise SpecError(
            f"`model` {name!r} cannot be had from MLflow ({_short(error)}). Registered: {_listed()}."
        ) from error
    folders = [path.parent for name in MODEL_FILES for path in arrived.rglob(name)]
    if len(folders) != 1:
        held = ", ".join(sorted(path.name for path in arrived.rglob("*") if path.is_file())[:5]) or "no file"
        files = " or ".join(f"`{one}`" for one in MODEL_FILES)
        found = f"`model` {name!r} holds {len(folders)} files {files} in MLflow instead of one ({held})"
        if _is_ours(address):
            raise SpecError(f"{found}: hw3 made it, and its artifacts were removed. Bring them back, or roll back.")
        raise SpecError(f"{found}: it was not made by hw3. Registered: {_listed()}.")
    return folders[0]


def _is_ours(address: str) -> bool:
    client, _ = connect()
    name = re.split("[@/]", address.removeprefix("models:/"))[0]
    return (client.get_registered_model(name).description or "").startswith(_MADE)


def _listed() -> str:
    return few(models()) or "none yet (`hw3 promote` registers)"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
