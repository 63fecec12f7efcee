"""`hw3 upload`: files of one machine become data that every worker reaches."""

from pathlib import Path

from flows.local.servers import check_servers, is_server
from hw3models.data import fetch
from hw3models.data.addresses import files_below, uploads_digest
from hw3models.data.source import path_of
from hw3models.data.sources import find_source
from hw3models.errors import SpecError
from hw3models.specs import DataOptions, DataSpec
from tasks.settings import Settings


def upload(source: str, options: DataOptions) -> tuple[str, bool]:
    """Leave a file, and all that belongs to it, with MLflow; how it is written as a source, and whether it was new.

    Raises:
        SpecError: it is no path, or MLflow is no server.
        DataError: it is not there, or cannot be read.
    """
    settings = Settings()
    if not is_server(settings.tracking_uri):
        raise SpecError(
            "`hw3 upload` leaves files with an MLflow server, and MLFLOW_TRACKING_URI names none. Set it to that of "
            "your team, or start one with `hw3 up`."
        )
    reader = find_source(source, options.layout)
    if not reader.is_path:
        raise SpecError(f"{source!r} is no path of this machine: every worker has it by that name already.")
    spec = DataSpec(source=source, **dict(options))
    path, root = path_of(source), path_of(source).parent
    if "@" in path.name:
        raise SpecError(f"{path.name!r} has an @ in its name, which stands before the digest. Rename it.")
    named = [Path(one) for one in fetch(spec, cache=settings.cache).files]
    named += [one for one in reader.named(spec) if one not in named]
    files = [file for one in named for file in files_below(one)]
    if outside := [one for one in files if root not in one.parents]:
        raise SpecError(f"{source}: {outside[0]} belongs to it, but stands elsewhere. Put all into one folder.")
    check_servers()
    from tasks.tracking.uploads import leave

    digest = uploads_digest(files, root)
    return f"upload:{path.name}@{digest}", leave(digest, path.name, files, root)
