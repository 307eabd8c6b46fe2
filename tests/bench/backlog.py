"""A thousand payments have piled up, and amoCRM takes seven requests a second, not one more.  How long it thinks varies."""

import time
from pathlib import Path

from figures import Figure
from front import Front
from harness.stack import Stack
from people import await_carried, enter, pay, person
from scale import Scale

# For a thousand at seven requests a second, and when the bench itself gives up.
_LIMIT_MIN = 5.5
_PATIENCE_S = 3 * 60 * _LIMIT_MIN
# Until an answer: the quickest, and by how much the others are slower, evenly spread.
_LATENCY_MS, _SPREAD_MS = 30, 120


def measure(scale: Scale, folder: Path) -> list[Figure]:
    with Stack(2, DELIVERY="queue", AMO_RATE_LIMIT=str(scale.rate)) as stack:
        front = Front(folder / "front")
        front.add("ours", stack.socket)
        payers = [person(n) for n in range(scale.backlog)]
        enter(stack, payers[::2])
        with front:
            for payer in payers:
                pay(stack, front.ports["ours"], payer)
        stack.sandbox.set(rate=scale.rate, latency_ms=_LATENCY_MS, latency_spread_ms=_SPREAD_MS)
        stack.sandbox.forget_log()
        began = time.monotonic()
        stack.start_syncd()
        await_carried(stack, len(payers), _PATIENCE_S)
        seconds = time.monotonic() - began
        audit = stack.sandbox.audit(limit=scale.rate)
        times = [entry["mono_ms"] for entry in stack.sandbox.log()]
    used = len(times) / (scale.rate * (max(times) - min(times)) / 1000)
    what = f"{scale.backlog:,} payments at {scale.rate} requests a second, answered in {_LATENCY_MS} to {_LATENCY_MS + _SPREAD_MS} ms"
    return [
        Figure("backlog.minutes", what, seconds / 60, "min", at_most=_LIMIT_MIN),
        Figure("backlog.calls", "calls per payment", len(times) / len(payers)),
        Figure("backlog.used", "of the allowed requests used", 100 * used, "%", at_least=95),
        Figure("backlog.most", "requests in the fullest second", audit["max_in_window"], at_most=scale.rate),
        Figure("backlog.refused", "answers of 429", audit["status_429"], at_most=0),
    ]
