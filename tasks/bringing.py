"""New data for a model or for a look at them, wherever they are: brought to this machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from hw3models.data.addresses import brought
from hw3models.specs import DataSpec
from tasks.settings import Settings


def bring_upload(digest: str, folder: Path) -> None:
    """Unpack what `hw3 upload` has left. MLflow takes seconds to import, which only uploads need."""
    from tasks.tracking.uploads import bring

    bring(digest, folder)


def on_this_machine(spec: DataSpec, tell: Callable[[str], None]) -> AbstractContextManager[DataSpec]:
    """The spec of the file that an address or an upload became here; others as they are. Errors name the user's name.

    Raises:
        SpecError, DataError, DownloadError: as `brought` says.
    """
    settings = Settings()
    return brought(
        spec,
        cache=settings.cache,
        timeout=settings.download_timeout,
        on_progress=tell,
        uploads=bring_upload,
    )
