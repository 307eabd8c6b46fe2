"""The stack with a supervisor that does what systemd does: it keeps the socket open and starts again what died."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Mapping, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.ledger import Ledger  # noqa: E402
from harness.process import Child, _die_with_parent, until  # noqa: E402
from harness.stack import BUILD, Stack  # noqa: E402


class Served(Child):
    """A program that finds a listening socket at descriptor 0, as from spawn-fcgi."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
        listener: socket.socket,
        user: int | None = None,
    ) -> None:
        self.log = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=listener,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=dict(environment),
                cwd=folder,
                preexec_fn=_die_with_parent,
                user=user,
            )


def children_of(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


class SupervisedStack(Stack):
    """Starts and restarts children from one thread only: the kernel kills them when that thread ends."""

    listener: socket.socket | None = None
    in_turns: list[dict[str, str]] = [{}]  # Settings of each next pool that is started.
    pools = 0
    user: int | None = None  # Whom the pool runs as, where the tests run as root and that would be too much.

    def __init__(self, workers: int = 4, carriers: int = 1, **settings: str | None) -> None:
        super().__init__(workers, **settings)
        self.carriers = carriers
        self.syncds: list[Child] = []
        self.restarts = 0

    def start_service(self, workers: int = 4, ready: bool = True, fresh: bool = True, **settings: str | None) -> None:
        self._take_programs()
        if fresh:
            self.runs += 1
            self.data = self.folder / f"data{self.runs}"
            self.data.mkdir()
        self.ledger = Ledger(self.data / "payments.sqlite")
        self.variables = self.environment(**settings)
        self.workers = workers
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen(511)
        self._start_pool()
        if ready:
            until(self._is_ready, "the service is ready")

    def _take_programs(self) -> None:
        """A copy of our own: a build going on beside us would take a program away just when it is to be started again."""
        self.programs = self.folder / "programs"
        if not self.programs.exists():
            self.programs.mkdir()
            for name in ("payment.fcgi", "payment-syncd"):
                shutil.copy2(BUILD / name, self.programs)

    def _start_pool(self) -> None:
        assert self.listener
        command = [self.programs / "payment.fcgi", "-w", str(self.workers)]
        log = self.folder / f"payment{self.runs}.log"
        variables = {**self.variables, **self.in_turns[self.pools % len(self.in_turns)]}
        self.pools += 1
        self.service = Served(command, log, variables, self.data, self.listener, self.user)

    def start_carriers(self) -> None:
        self.syncds = [self._new_syncd(n) for n in range(self.carriers)]

    def _new_syncd(self, number: int) -> Child:
        return Child([self.programs / "payment-syncd"], self.folder / f"syncd{self.runs}-{number}.log", self.variables, self.data)

    def stop_service(self) -> int | None:
        for child in self.syncds:
            child.stop()
        self.syncds = []
        code = super().stop_service()
        if self.listener:
            self.listener.close()
            self.listener = None
        return code

    def said(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob(f"*{self.runs}*.log")))

    # What systemd does.

    def revive(self) -> None:
        if self.service and self.service.ended():
            self._start_pool()
            self.restarts += 1
        for number, child in enumerate(self.syncds):
            if child.ended():
                self.syncds[number] = self._new_syncd(number)
                self.restarts += 1

    # What chaos does.

    def worker_pids(self) -> list[int]:
        assert self.service
        return children_of(self.service.process.pid)

    def pids(self, kind: str) -> list[int]:
        if kind == "worker":
            return self.worker_pids()
        if kind == "carrier":
            return [pid for child in self.syncds for pid in children_of(child.process.pid)]
        children = [self.service] if kind == "parent" else self.syncds
        return [child.process.pid for child in children if child and not child.ended()]

    def kill(self, kind: str, number: int) -> bool:
        """SIGKILL to one of ours; False when there is none of that kind just now."""
        if not (pids := self.pids(kind)):
            return False
        try:
            os.kill(pids[number % len(pids)], signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    # What there is left to do.

    def unfinished(self) -> int:
        return self.ledger.query("SELECT count(*) AS n FROM payment_events WHERE next_ms IS NOT NULL")[0]["n"]

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is left to do."""
        end = time.monotonic() + seconds
        while self.unfinished():
            if time.monotonic() > end:
                return False
            self.revive()
            time.sleep(0.05)
        return True


def state(stack: Stack) -> dict[str, Any]:
    return stack.sandbox.control("GET", "state")
