"""The second process of a command, which takes seconds to import everything: one for the tests that leave it alive."""

from collections.abc import Iterator

import pytest

from tasks import background
from tasks.background import Background


@pytest.fixture(scope="module")
def lasting() -> Iterator[Background]:
    """A process that the tests of a file share."""
    process = Background()
    yield process
    process.close()


@pytest.fixture
def process(lasting: Background, monkeypatch: pytest.MonkeyPatch) -> Background:
    """The second process of this command."""
    monkeypatch.setattr(background, "_current", lasting)
    return lasting
