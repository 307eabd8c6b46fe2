"""Child processes that never outlive their test, and waiting for what they do."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Mapping, Sequence, TypeVar

T = TypeVar("T")

# Seconds after which something that should happen at once is declared not to happen.  Nothing waits that long when all is well.
PATIENCE = 20.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """The kernel ends the child when we die, however we die: no test leaves a daemon behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """Ask until the answer is true, and return it.  For what cannot be waited for as an event."""
    end = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.005)


class Child:
    """One program of the stack.  What it writes to stderr is kept in a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        self.log = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=errors,
                env=dict(environment) if environment is not None else None,
                cwd=folder,
                preexec_fn=_die_with_parent,
            )

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self, how: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Ask it to end; when it does not, kill it.  Its exit code."""
        if not self.ended():
            self.process.send_signal(how)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def said(self) -> str:
        return self.log.read_text(errors="replace")


def base_environment() -> dict[str, str]:
    """What a program gets from us besides its settings: nothing of the developer's own shell but this."""
    kept = {"PATH", "TZDIR", *(name for name in os.environ if name.endswith("SAN_OPTIONS"))}
    return {name: os.environ[name] for name in kept if name in os.environ}
