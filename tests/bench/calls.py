"""How many calls of amoCRM a payment takes, and how long its sender waits for them."""

import http.client
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from figures import Figure, Implausible
from front import Front
from harness.payload import Person
from harness.sandbox import TOKEN
from harness.stack import Stack
from people import await_carried, enter, pay, person
from scale import Scale

_CALL_MS = 150

_KINDS = {"known": "known person, active lead", "new": "new person"}
_LIMITS = {"known": 4, "new": 6}
_BACKLOG_LIMITS = {"known": 1.2, "new": 3.2}


def _account_ms(stack: Stack) -> float:
    """What one call really takes, over a kept connection: the emulated account needs a little itself."""
    address = urlsplit(stack.sandbox.url)
    account = http.client.HTTPSConnection(str(address.hostname), address.port, context=stack.trust)
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "bench"}
    took: list[float] = []
    for _ in range(6):
        began = time.monotonic()
        account.request("GET", "/api/v4/account", headers=headers)
        account.getresponse().read()
        took.append((time.monotonic() - began) * 1000)
    account.close()
    return median(took[1:])


def _one_by_one(stack: Stack, port: int, payers: list[Person]) -> tuple[float, float]:
    """Median milliseconds until the answer, and calls per payment."""
    stack.sandbox.forget_log()
    took: list[float] = []
    for payer in payers:
        began = time.monotonic()
        status = pay(stack, port, payer)
        took.append((time.monotonic() - began) * 1000)
        if status != "success":
            raise Implausible(f"a payment carried at once was answered {status}")
    return median(took), len(stack.sandbox.log()) / len(payers)


def _inline(scale: Scale, folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    with Stack(2) as stack:
        front = Front(folder / "inline")
        front.add("ours", stack.socket)
        known, new = ([person(first + n) for n in range(scale.posts + 1)] for first in (0, 10_000))
        enter(stack, known)
        stack.sandbox.set(latency_ms=_CALL_MS)
        call_ms = _account_ms(stack)
        with front:
            for kind, payers in (("known", known), ("new", new)):
                pay(stack, front.ports["ours"], payers[0])  # The first opens connections.
                took, calls = _one_by_one(stack, front.ports["ours"], payers[1:])
                in_a_row = int(took // _CALL_MS)
                title, limit = _KINDS[kind], _LIMITS[kind]
                figures += [
                    Figure(f"calls.{kind}.in_a_row", f"{title}: calls in a row", in_a_row, at_most=limit),
                    Figure(f"calls.{kind}.latency", f"{title}: until the answer", took, "ms"),
                    Figure(f"calls.{kind}.ours", f"{title}: of that our own", took - in_a_row * call_ms, "ms", at_most=10),
                    Figure(f"calls.{kind}.each", f"{title}: calls per payment", calls, at_most=limit),
                ]
    return figures


def _in_backlog(scale: Scale, folder: Path, kind: str) -> Figure:
    """Payments have piled up; then payment-syncd comes."""
    with Stack(2, DELIVERY="queue") as stack:
        front = Front(folder / kind)
        front.add("ours", stack.socket)
        payers = [person(n) for n in range(scale.batch)]
        if kind == "known":
            enter(stack, payers)
        with front:
            for payer in payers:
                pay(stack, front.ports["ours"], payer)
        stack.sandbox.forget_log()
        stack.start_syncd()
        await_carried(stack, len(payers), seconds=120)
        calls = len(stack.sandbox.log()) / len(payers)
    return Figure(
        f"calls.{kind}.backlog", f"{_KINDS[kind]}: calls per payment in a backlog", calls, at_most=_BACKLOG_LIMITS[kind]
    )


def measure(scale: Scale, folder: Path) -> list[Figure]:
    return [*_inline(scale, folder), *(_in_backlog(scale, folder, kind) for kind in _KINDS)]
