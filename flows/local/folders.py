"""Can anything be kept where the settings say?"""

import errno
from tempfile import TemporaryFile

from hw3models.errors import SpecError
from tasks.settings import Settings


def check_folders() -> None:
    """Can anything be kept? Told before a server starts, which would fail with a page of its own."""
    settings = Settings()
    for variable, given, folder in (
        ("HW3_HOME", settings.home, settings.work),
        ("HW3_CACHE", settings.cache, settings.cache),
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise SpecError(
                f"`{variable}` is {given}, where nothing can be kept ({error.strerror}). "
                "Set it to a folder that can be written to."
            ) from error
