"""A paymentctl that is stopped or killed, at whatever point: no webhook waits for it, and it leaves nothing behind."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.old_ledger import COLUMNS_AS_DESCRIBED, make_old
from harness.payload import new_payment, new_person
from harness.process import Child, until
from harness.stack import BUILD, Stack

pytestmark = pytest.mark.settings(DELIVERY="queue")


def old_ledger(stack: Stack, rows: int) -> Path:
    """Large enough for taking it over to last a while."""
    row = {"status": "success", "amount": 5000, "payload": "{}" + " " * 2000}
    return make_old(stack.data / "old.sqlite", COLUMNS_AS_DESCRIBED, *({**row, "payment_id": f"old_{i}"} for i in range(rows)))


def begin(stack: Stack, *arguments: str) -> "subprocess.Popen[bytes]":
    return Child([BUILD / "paymentctl", *arguments], stack.data / "ctl.log", stack.variables).process


def taken_over(stack: Stack) -> int:
    return stack.ledger.query("SELECT count(*) AS n FROM payment_events WHERE imported")[0]["n"]


def nobody_waits(stack: Stack) -> None:
    began = time.monotonic()
    assert stack.post(new_payment(new_person())).status == 202
    assert time.monotonic() - began < 4


def test_stopped_while_it_writes(stack: Stack) -> None:
    """What the shell stops (^Z too) is not what holds the gate; the command ends behind its back."""
    program = begin(stack, "import", str(old_ledger(stack, 20000)))
    until(lambda: taken_over(stack), "it is at work")
    for _ in range(10):
        program.send_signal(signal.SIGSTOP)
        nobody_waits(stack)
        program.send_signal(signal.SIGCONT)
    program.send_signal(signal.SIGSTOP)
    until(lambda: taken_over(stack) == 20000, "it goes on")
    assert program.poll() is None
    program.send_signal(signal.SIGCONT)
    assert program.wait(20) == 0


def child_of(program: "subprocess.Popen[bytes]") -> int:
    return int(Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()[0])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_ended_while_it_writes(stack: Stack, how: signal.Signals) -> None:
    program = begin(stack, "import", str(old_ledger(stack, 20000)))
    until(lambda: taken_over(stack), "it is at work")
    worker = child_of(program)
    program.send_signal(how)
    assert program.wait(20) == -how
    nobody_waits(stack)
    until(lambda: not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text(), "it has ended too")
    assert taken_over(stack) < 20000


def test_the_one_that_writes_is_stopped(stack: Stack) -> None:
    program = begin(stack, "import", str(old_ledger(stack, 20000)))
    until(lambda: taken_over(stack), "it is at work")
    subprocess.run(["kill", "-STOP", str(child_of(program))], check=True)
    nobody_waits(stack)
    assert program.wait(60) == 0 and taken_over(stack) == 20000
