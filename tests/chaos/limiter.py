"""A burst of payments against an account with a rate: is the limit kept by all processes together, and is it used?"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.account import PHONE, SITE_WORK  # noqa: E402
from harness.payload import Payment, Person, item, new_payment  # noqa: E402
from supervised import SupervisedStack  # noqa: E402

WORKERS = 8


@dataclass(frozen=True)
class Burst:
    requests: int
    over_limit: int  # Seconds in which the account saw more than the limit, by its own sliding window.
    most: int  # Requests in the fullest second.
    refused: int  # Answered with 429.
    busy_s: float  # From the first request to the last.
    used: float  # Of what the limit would have allowed in that time.
    statuses: dict[str, int]


def _person(number: int) -> Person:
    local = f"913{number:07d}"
    return Person("Борис", f"Лимитов-{number}", "8" + local, f"boris{number}@burst.example", f"56{number:07d}7", f"boris_{number}")


def _post(stack: SupervisedStack, sale: Payment) -> None:
    """Until it is taken: nginx has its own opinion of what is too much at once."""
    while (answer := stack.post(sale)).status in (429, 503):
        time.sleep(1)
    assert answer.status in (200, 202, 409), answer.body


def burst(payments: int, rate: int, patience_s: float, latency_ms: int = 0, spread_ms: int = 0) -> Burst:
    people = [_person(number) for number in range(payments)]
    with SupervisedStack(workers=WORKERS, AMO_RATE_LIMIT=str(rate)) as stack:
        for person in people:  # Known, and with a lead, as most payers are.
            contact = stack.sandbox.add_contact(person.name, fields={PHONE: person.phone_e164})
            stack.sandbox.add_lead(contact, status_id=SITE_WORK)
        stack.sandbox.set(rate=rate, latency_ms=latency_ms, latency_spread_ms=spread_ms)
        stack.sandbox.forget_log()
        stack.start_carriers()
        sales = [new_payment(person, item(1000 + number), only=("phone",)) for number, person in enumerate(people)]
        with ThreadPoolExecutor(32) as threads:
            list(threads.map(lambda sale: _post(stack, sale), sales))
        assert stack.settle(patience_s), f"{stack.unfinished()} of {payments} are unfinished"
        audit = stack.sandbox.audit(limit=rate)
        times = [entry["mono_ms"] for entry in stack.sandbox.log()]
        rows = stack.ledger.query("SELECT status, count(*) AS n FROM payment_events GROUP BY status")
    busy_s = (max(times) - min(times)) / 1000
    return Burst(
        requests=audit["total"],
        over_limit=audit["over_limit"],
        most=audit["max_in_window"],
        refused=audit["status_429"],
        busy_s=busy_s,
        used=audit["total"] / (rate * busy_s),
        statuses={row["status"]: row["n"] for row in rows},
    )


def show_burst(payments: int, rate: int) -> int:
    seen = burst(payments, rate, patience_s=60 + payments * 8 / rate, latency_ms=30, spread_ms=270)
    print(f"payments:   {payments:7d}   {seen.statuses}, {WORKERS} workers and payment-syncd, {rate} requests a second allowed, answered in 30 to 300 ms")
    print(f"requests:   {seen.requests:7d}   in {seen.busy_s:.1f} s")
    print(f"over limit: {seen.over_limit:7d}   at most {seen.most} in any second")
    print(f"429:        {seen.refused:7d}")
    print(f"used:       {100 * seen.used:6.1f} %")
    return 0 if seen.over_limit == seen.refused == 0 and seen.used >= 0.95 and set(seen.statuses) == {"success"} else 1
