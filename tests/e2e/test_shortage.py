"""Contract section 14: few descriptors, no time-zone data.  A clear error, 503, nothing lost."""

import socket
import time

from harness.payload import new_payment, new_person
from harness.process import Child, until
from harness.stack import BUILD, Stack


def start_with(stack: Stack, descriptors: int, **settings: str) -> None:
    stack.stop_service()
    stack.start_service(
        ready=False, within=("prlimit", f"--nofile={descriptors}"), LIBFCGI_OS_CLOSE_POLL_TIMEOUT="200", **settings
    )
    until(lambda: "ready workers" in stack.said(), "the pool is ready")


def test_too_few_descriptors_for_a_batch(stack: Stack) -> None:
    """A batch needs one for each payment: those that find none are carried later."""
    start_with(stack, 20, DELIVERY="queue")
    payments = [new_payment(new_person()) for _ in range(16)]
    assert {stack.post(payment).json["status"] for payment in payments} == {"queued"}
    command = ["prlimit", "--nofile=20", BUILD / "payment-syncd"]
    stack.carrier = Child(command, stack.data / "syncd.log", stack.variables, stack.data)
    for payment in payments:
        stack.finished(payment, seconds=60)
    assert len(stack.sandbox.contacts()) == len(stack.sandbox.leads()) == 16


def test_too_few_descriptors_to_record(stack: Stack) -> None:
    start_with(stack, 10)
    answer = stack.post(new_payment(new_person()))
    assert (answer.status, answer.json["status"]) == (503, "unavailable") and "Retry-After" in answer.headers
    assert (stack.health().status, stack.health().json["status"]) == (503, "unhealthy")
    assert "Too many open files" in stack.said()


def test_too_few_descriptors_to_accept(stack: Stack) -> None:
    """How many that are depends on what a worker has open: fewer and fewer, until not even a connection can be had."""
    for descriptors in range(16, 9, -1):
        start_with(stack, descriptors)
        with socket.socket(socket.AF_UNIX) as sender:
            sender.connect(str(stack.socket))
            time.sleep(0.5)
        if 'no connection can be accepted reason="Too many open files"' in stack.said():
            return
    raise AssertionError("a worker always had a descriptor left, or said nothing")


def test_no_zone_data(stack: Stack) -> None:
    stack.stop_service()
    stack.start_service(ready=False, TZDIR="/nonexistent")
    assert stack.service
    until(stack.service.ended, "the service ends")
    assert stack.service.process.returncode == 78
    assert "PAYMENT_TIMEZONE: this system knows no zone Europe/Moscow" in stack.service.said()
    stack.socket.unlink()
    answer = stack.post(new_payment(new_person()))
    assert answer.status == 503 and "Retry-After" in answer.headers
