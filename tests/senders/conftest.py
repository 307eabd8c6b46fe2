"""The stack of the end-to-end tests, for what stands between a sender and the service."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.conftest import host, pytest_configure, stack  # noqa: E402, F401


@pytest.fixture(autouse=True, scope="module")
def patience_for_others() -> Iterator[None]:
    """nginx allows a burst of 200 and forgets 50 a second: what one module has used up the next one shall not miss."""
    yield
    time.sleep(200 / 50)
