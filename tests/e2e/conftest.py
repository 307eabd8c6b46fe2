"""One emulated account and one nginx for the whole run; for each test a worker pool with an empty ledger and an empty account."""

import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.stack import Stack  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(workers=N, NAME=value, ...): how the service of this test is started")


@pytest.fixture(scope="session")
def host() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def stack(host: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    marks = [mark.kwargs for mark in reversed(list(request.node.iter_markers("settings")))]
    settings = {name: value for mark in marks for name, value in mark.items()}
    host.stop_service()
    host.sandbox.reset()
    host.start_service(**settings)
    yield host
    running = host.service is not None and not host.service.ended()
    code = host.stop_service()
    print(host.said())  # pytest shows it when the test has failed.
    assert not running or code == 0, "the service ends properly when it is told to"
    assert is_sound(host.said())


def is_sound(log: str) -> bool:
    """No sanitizer complained, and no worker died that was not killed by a test."""
    return not any(word in log for word in ("Sanitizer", "runtime error:", "SIGSEGV", "SIGABRT", "SIGBUS"))
