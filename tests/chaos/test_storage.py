"""Storage failures: what cannot be recorded is refused with 503 and Retry-After, never promised; and it heals without hands."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Callable, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.exchange import Answer  # noqa: E402
from harness.payload import Payment, new_payment, new_person  # noqa: E402
from harness.process import until  # noqa: E402
from supervised import SupervisedStack  # noqa: E402

NOBODY = 65534

# More than a log that was begun anew could still take without growing.
PADDING = "x" * 150_000


class StorageStack(SupervisedStack):
    """Every run has its ledger where the test says; nothing is started before it says so."""

    def start_service(self, workers: int = 3, ready: bool = True, fresh: bool = True, **settings: str | None) -> None:
        if self.runs or not fresh:  # Not from __enter__.
            super().start_service(workers, ready, fresh, **settings)
        else:
            self.runs = 1

    def start_in(self, folder: Path, ready: bool = True) -> None:
        self.data = folder
        super().start_service(
            3, ready, fresh=False, PAYMENTS_DB=str(folder / "payments.sqlite"), PAYMENTS_RUN_DIR=str(folder / "run")
        )


@pytest.fixture
def stack() -> Iterator[StorageStack]:
    with StorageStack() as stack:
        yield stack
        print(stack.said())


def payment() -> Payment:
    return new_payment(new_person(), comment=PADDING)


def refused(answer: Answer) -> None:
    assert answer.status == 503, (answer.status, answer.body)
    assert answer.json["status"] == "unavailable" and int(answer.headers["Retry-After"]) > 0


def refuses(stack: StorageStack, payments: list[Payment]) -> None:
    """By every worker, whatever each of them has open."""
    for one in payments:
        refused(stack.post(one))
        health = stack.health()
        assert (health.status, health.json["status"]) == (503, "unhealthy"), health.body


def recovers(stack: StorageStack, payments: list[Payment]) -> None:
    """The senders try again, as they were told to; nobody restarts anything."""
    assert stack.service and not stack.service.ended()
    until(lambda: stack.health().status == 200, "it is healthy again")
    for one in payments:
        answer = until(lambda: (got := stack.post(one)).status == 200 and got, "it is carried")
        assert answer.json["status"] == "success"
    ids = [one["course_order"]["payment_id"] for one in payments]
    rows = stack.ledger.query("SELECT payment_id, status FROM payment_events ORDER BY id")
    assert [row["payment_id"] for row in rows if row["payment_id"] in ids] == ids
    assert {row["status"] for row in rows} == {"success"}
    notes = stack.sandbox.control("GET", "state")["notes"]
    assert all(sum(f"Payment ID: {key}" in note["params"]["text"] for note in notes) == 1 for key in ids)
    integrity = stack.paymentctl("integrity")
    assert integrity.returncode == 0, integrity.stdout


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of a few megabytes; False where we may not mount one."""
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True
    ).returncode == 0  # fmt: skip
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Callable[[], None]:
    """Leave no byte; what takes it back."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                pass
    return filler.unlink


def limit_files(stack: StorageStack) -> Callable[[], None]:
    """No process of the pool may write into a file; what allows it again."""
    assert stack.service
    pids = [stack.service.process.pid, *stack.worker_pids()]
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, hard) in zip(pids, before):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))

    def allow() -> None:
        assert stack.worker_pids() == pids[1:], "a worker died of it"
        for pid, limits in zip(pids, before):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    return allow


def test_disk_full(stack: StorageStack) -> None:
    with small_disk(stack.folder / "disk") as mounted:
        stack.start_in(stack.folder / "disk")
        stack.carry(payment())
        free = fill(stack.data) if mounted else limit_files(stack)
        payments = [payment() for _ in range(9)]
        refuses(stack, payments)
        free()
        recovers(stack, payments)
        stack.stop_service()


def test_files_may_not_grow(stack: StorageStack) -> None:
    """The limit of a unit or a user; the kernel also sends a signal then, of which nobody dies."""
    (stack.folder / "data").mkdir()
    stack.start_in(stack.folder / "data")
    stack.carry(payment())
    allow = limit_files(stack)
    payments = [payment() for _ in range(9)]
    refuses(stack, payments)
    allow()
    recovers(stack, payments)


def test_read_only(stack: StorageStack) -> None:
    """Found so at the start: neither the ledger nor what stands beside it can be written."""
    folder = stack.folder / "data"
    folder.mkdir()
    if os.geteuid() == 0:  # To whom permissions mean nothing.
        stack.user = NOBODY
        stack.folder.chmod(0o711)
        os.chown(folder, NOBODY, NOBODY)
    stack.start_in(folder)
    stack.carry(payment())
    stack.stop_service()
    files = [path for path in folder.iterdir() if path.is_file()]
    for path in files:
        path.chmod(0o444)
    folder.chmod(0o555)

    stack.start_in(folder, ready=False)
    until(lambda: stack.health().status, "it answers")
    payments = [payment() for _ in range(6)]
    refuses(stack, payments)
    folder.chmod(0o755)
    for path in files:
        if path.exists():
            path.chmod(0o644)
    recovers(stack, payments)


def test_locked(stack: StorageStack) -> None:
    """Somebody's sqlite3 holds the ledger until six senders were refused: nobody waits for it to end, nothing is promised meanwhile."""
    (stack.folder / "data").mkdir()
    stack.start_in(stack.folder / "data")
    stack.carry(payment())
    payments = []
    with closing(sqlite3.connect(stack.ledger.path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        for _ in range(6):
            payments.append(payment())
            refused(stack.post(payments[-1]))
        shell.execute("ROLLBACK")
    recovers(stack, payments)


@pytest.mark.parametrize("harm", ["nonsense", "torn", "foreign"])
def test_corrupt_at_start(stack: StorageStack, harm: str) -> None:
    """Put right by hand, from a copy; but the service itself needs none."""
    folder = stack.folder / "data"
    folder.mkdir()
    stack.start_in(folder)
    stack.carry(payment())
    stack.stop_service()
    ledger, good = folder / "payments.sqlite", stack.folder / "good.sqlite"
    for rest in folder.glob("payments.sqlite-*"):
        assert rest.name.endswith("-gate") or rest.stat().st_size == 0, f"{rest} was left by a proper end"
        rest.unlink()
    shutil.copy2(ledger, good)
    content = bytearray(ledger.read_bytes())
    if harm == "nonsense":
        content[:] = b"this is no ledger" * 1000
    elif harm == "torn":
        content[4096:] = b"\xff" * (len(content) - 4096)
    else:
        content[100:200] = bytes(100)
    ledger.write_bytes(content)

    stack.start_in(folder, ready=False)
    until(lambda: stack.health().status, "it answers")
    payments = [payment() for _ in range(6)]
    refuses(stack, payments)
    for rest in folder.glob("payments.sqlite-*"):
        rest.unlink()
    os.replace(good, ledger)
    recovers(stack, payments)
