"""What ten million payments in the ledger cost: those that come in, and those who look at it."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Callable

from figures import Figure, Implausible
from front import Front
from harness.stack import Stack
from load import Requests, make_requests, ordered_ids, random_ids, send
from receive import WORKERS, check, rows
from scale import Scale

# Answers that people and watchers wait for.
_PROMPT_MS = 100

# What waits while they look: hours of amoCRM's absence.
_WAITING = 1000

# Old payments as they are when their personal data has been purged: mostly carried, some skipped, a few failed, and the last
# ones waiting.  Ids are random as those of new payments but come in order, so that the index is built in no time.
_FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :rows),
old AS (
  SELECT n, CASE WHEN n + :waiting >= :rows THEN 'pending' WHEN n % 1000 = 0 THEN 'failed' WHEN n % 50 = 1 THEN 'skipped'
    ELSE 'success' END AS status, 1600000000 + n * 10 AS at FROM numbers
)
INSERT INTO payment_events (payment_id, created_at, processed_at, status, amount, contact_id, lead_id, pipeline_id,
  lead_created, payload, kopecks, paid_at, recorded_ms, next_ms, telegram, phone, email)
SELECT printf('%08x%016x%08x', n * (4294967295 / :rows), random(), n), datetime(at, 'unixepoch'), '2025-01-20 11:49:20',
  status, 5000, n / 3, n / 2, 4423755, 0, '', 500000, at, at * 1000, iif(status = 'pending', at * 1000, NULL), n / 3, n / 3, n / 3
FROM old
"""

_FILL_DELIVERY = """
INSERT INTO delivery (payment, contact_id, matched_by, lead_id, pipeline_id, lead_created, older, applied, applied_ms,
  total_before, total_after, count_before, count_after, rebased, note_id, dropped, unmapped)
SELECT id, contact_id, 'phone', lead_id, pipeline_id, 0, 0, 1, recorded_ms, 0, kopecks, 0, 1, 0, id, '[]', '[]'
FROM payment_events WHERE status = 'success'
"""


def grow_old(ledger: Path, count: int) -> None:
    """Fill a ledger that the service has made and nobody has open."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as database:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        database.execute(_FILL, {"rows": count, "waiting": _WAITING})
        database.execute(_FILL_DELIVERY)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
    os.sync()  # Old payments do not wait for the disk.


def _rate(stack: Stack, port: int, requests: Requests, seconds: int) -> float:
    before = rows(stack)
    load = send(requests, port, seconds)
    check("the service", load, rows(stack) - before)
    return load.rate


def _took_ms(deed: Callable[[], None]) -> float:
    began = time.monotonic()
    deed()
    return (time.monotonic() - began) * 1000


def _ask(stack: Stack, *words: str) -> None:
    done = stack.paymentctl(*words)
    if done.returncode not in (0, 1):  # 1: something has failed, as it has here.
        raise Implausible(f"paymentctl {' '.join(words)}: {done.stderr}")


def _health(stack: Stack) -> None:
    if stack.health().status != 200:
        raise Implausible("health is not 200")


def _page(stack: Stack, path: str) -> None:
    if stack.ask("GET", path).status != 200:
        raise Implausible(f"{path} is not 200")


def _looks(stack: Stack) -> list[Figure]:
    deeds: dict[str, Callable[[], None]] = {
        "stats": lambda: _ask(stack, "stats"),
        "list": lambda: _ask(stack, "list"),
        "list_failed": lambda: _ask(stack, "list", "--status", "failed"),
        "health": lambda: _health(stack),
        "status_page": lambda: _page(stack, "/webhook/status"),
        "metrics": lambda: _page(stack, "/webhook/metrics"),
    }
    took = {name: median(_took_ms(deed) for _ in range(5)) for name, deed in deeds.items()}
    what = f"at age, {_WAITING:,} waiting"
    return [
        Figure(f"age.{name}", f"{name.replace('_', ' ')}, {what}", ms, "ms", at_most=_PROMPT_MS) for name, ms in took.items()
    ]


def _ratio(young: Stack, old: Stack, front: Front, requests: Requests, seconds: int) -> float:
    """The same payments to a new ledger and to the old one, which has met none of them."""
    young.stop_service()
    young.start_service(WORKERS, DELIVERY="queue")
    rate = _rate(young, front.ports["young"], requests, seconds)
    return _rate(old, front.ports["old"], requests, seconds) / rate


def measure(scale: Scale, folder: Path) -> list[Figure]:
    with Stack(WORKERS, DELIVERY="queue") as young, Stack(WORKERS, DELIVERY="queue") as old:
        old.stop_service()
        grow_old(old.ledger.path, scale.old_rows)
        old.start_service(WORKERS, fresh=False, DELIVERY="queue")
        front = Front(folder / "front")
        front.add("young", young.socket)
        front.add("old", old.socket)
        looks = _looks(old)  # Before the load: nothing carries what that leaves behind.
        ratios: dict[str, list[float]] = {"in_order": [], "random": []}
        with front:
            for number in range(scale.rounds):
                ids = {"in_order": ordered_ids(number * scale.requests), "random": random_ids(1000 + number)}
                for kind, found in ratios.items():
                    requests = make_requests(folder / "requests", scale.requests, ids[kind])
                    found.append(_ratio(young, old, front, requests, scale.seconds))
    what = f"ours with {scale.old_rows:,} payments, as a part of with none"
    return [
        Figure("age.in_order", f"{what}, ids that count", median(ratios["in_order"]), at_least=0.9),
        Figure("age.random", "the same, random ids", median(ratios["random"]), at_least=0.9),
        *looks,
    ]
