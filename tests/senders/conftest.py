"""The stack of the end-to-end tests, for what stands between a sender and the service."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.conftest import host, pytest_configure, stack  # noqa: E402, F401
