#!/usr/bin/python3
"""chaos.py [--payments N] [--seed S]: payments under failure of everything at once, and then the reckoning.

The real programs behind the real nginx.  The emulated account fails at random, before and after the effect, and now and then
altogether, so that a backlog builds up; every other worker pool only records.  Workers, their parent, two payment-syncd and
their carriers are killed and started again; senders repeat, reorder, hang up and give up.  Then all failures end, the backlog is carried, and the ledger and the account are compared.  The choices follow from the seed; the interleaving
of processes does not.  Exit status 1 when anything was lost or done twice.

--burst instead measures the limiter: 1000 payments at once, 8 workers and payment-syncd, 7 requests a second.
"""

import argparse
import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import http.client  # noqa: E402

from harness import signer  # noqa: E402
from harness.account import COUNT, PHONE, SITE_WORK, TOTAL  # noqa: E402
from harness.exchange import exchange  # noqa: E402
from harness.payload import to_body  # noqa: E402
from harness.process import until  # noqa: E402
from harness.stack import BUILD, SECRET  # noqa: E402
from plan import Plan, Send, make_plan  # noqa: E402
from supervised import SupervisedStack  # noqa: E402
from verdict import Verdict, judge  # noqa: E402

SENDERS = 10

# Senders wait while so much is undone: the failures shall last as long as the carrying does.
BACKLOG = 100

# When all failures are over, this long at most until everything is carried.  What a killed carrier had in hand waits for
# up to 90 s.
SETTLE_S = 300.0

SETTINGS = {
    "AMO_RATE_LIMIT": "200",
    "AMO_TIMEOUT_MS": "1000",
    "INLINE_DEADLINE_MS": "2500",
    "RETRY_WAIT_MIN": "0",
    "RETRY_WAIT_MAX": "1",
}

# After these the sender is done; all but 400 and 401 (which chaos never sees) are promises.
FINAL = {200, 202, 404, 409, 500}


@dataclass
class Tally:
    """What the senders saw; they are threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    done: int = 0
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    accepted: set[int] = field(default_factory=set)
    gave_up: int = 0

    def saw(self, what: str) -> None:
        with self.lock:
            self.requests += 1
            self.answers[what] += 1


def _body(plan: Plan, send: Send) -> bytes:
    payment = plan.sales[send.sale].payment
    if send.kind == "conflict":
        payment = json.loads(json.dumps(payment))
        payment["course_order"]["course_order_items"][0]["cost"] = 77
    return to_body(payment)


def _try(stack: SupervisedStack, body: bytes, patience: float) -> int:
    """One POST; the status, 0 when there was no answer."""
    headers = [("Content-Type", "application/json"), *signer.x_signature(SECRET, body)]
    try:
        answer = exchange(stack.trust, "POST", stack.url + "/webhook/payment", headers, body, timeout=patience)
    except (OSError, http.client.HTTPException):
        return 0
    return answer.status


def _send(stack: SupervisedStack, plan: Plan, send: Send, tally: Tally) -> None:
    if send.kind == "conflict" and send.sale not in tally.accepted:
        return  # Sent first, it would be the truth.
    body = _body(plan, send)
    for _ in range(send.tries):
        status = _try(stack, body, send.patience)
        tally.saw(str(status) if status else "none")
        if status in FINAL:
            if send.kind != "conflict":
                with tally.lock:
                    tally.accepted.add(send.sale)
            return
        time.sleep(send.pause)
    with tally.lock:
        tally.gave_up += 1


def _sender(stack: SupervisedStack, plan: Plan, todo: "Queue[Send]", go: threading.Event, tally: Tally) -> None:
    while True:
        try:
            send = todo.get_nowait()
        except Empty:
            return
        go.wait()
        try:
            _send(stack, plan, send, tally)
        finally:
            with tally.lock:
                tally.done += 1


def _enter_clients(stack: SupervisedStack, plan: Plan) -> dict[int, tuple[int, int]]:
    """What managers did before; what each of their leads shows."""
    base: dict[int, tuple[int, int]] = {}
    for client in plan.clients:
        if not client.contact:
            continue
        contact = stack.sandbox.add_contact(client.person.name, fields={PHONE: client.phone})
        if client.lead:
            fields = {TOTAL: f"{client.total // 100}.{client.total % 100:02d}", COUNT: str(client.count)}
            lead = stack.sandbox.add_lead(contact, status_id=SITE_WORK, fields=fields)
            base[lead] = (client.total, client.count)
    return base


def _rage(stack: SupervisedStack, plan: Plan, tally: Tally) -> Counter[str]:
    """Send everything while everything fails.  The kills and outages that struck, by kind."""
    todo: Queue[Send] = Queue()
    for send in plan.sends:
        todo.put(send)
    go = threading.Event()
    threads = [threading.Thread(target=_sender, args=(stack, plan, todo, go, tally), daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    kills, struck = list(plan.kills), Counter[str]()
    outages = Outages(stack, plan)
    while any(thread.is_alive() for thread in threads):
        unfinished = stack.unfinished()
        (go.set if unfinished < BACKLOG else go.clear)()
        outages.look(tally.done, unfinished)
        if kills and tally.done >= kills[0].after:
            kill = kills.pop(0)
            struck[kill.kind] += stack.kill(kill.kind, kill.number)
            time.sleep(0.1)  # systemd's RestartSec.
        stack.revive()
        time.sleep(0.02)
    struck["outage"] = outages.count
    return struck


OUTAGE = {"match": {"path": "/api/v4/*"}, "do": "status", "status": 503, "times": -1, "note": "outage"}


class Outages:
    """amoCRM goes down and comes back as planned; before that, when so much is undone that the senders wait."""

    def __init__(self, stack: SupervisedStack, plan: Plan) -> None:
        self.stack = stack
        self.planned = list(plan.outages)
        self.end: int | None = None
        self.count = 0

    def look(self, done: int, unfinished: int) -> None:
        if self.end is None and self.planned and done >= self.planned[0].after:
            self.end = self.planned.pop(0).until
            self.count += 1
            self.stack.sandbox.control("POST", "faults", [OUTAGE])
        elif self.end is not None and (done >= self.end or unfinished >= BACKLOG):
            self.end = None
            rules = self.stack.sandbox.control("GET", "faults")
            for rule in rules:
                if rule.get("note") == OUTAGE["note"]:
                    self.stack.sandbox.control("DELETE", f"faults/{rule['id']}")


def _batches(stack: SupervisedStack) -> Counter[str]:
    """How many requests carried several payments together."""
    found: Counter[str] = Counter()
    for method, kind in (("POST", "contacts"), ("PATCH", "contacts"), ("POST", "leads"), ("PATCH", "leads"), ("POST", "leads/notes")):
        for entry in stack.sandbox.log(method, f"/api/v4/{kind}"):
            found[f"{method} {kind}"] += isinstance(entry["body"], list) and len(entry["body"]) > 1
    return found


def _struck_faults(stack: SupervisedStack) -> Counter[str]:
    struck: Counter[str] = Counter()
    for rule in stack.sandbox.control("GET", "faults"):
        name = f"{rule['do']} {rule['status']}" if rule["do"] == "status" else rule["do"]
        if "when" in rule:
            name += " " + rule["when"]
        struck[name] += rule["fired"]
    return struck


def _keep_log(stack: SupervisedStack, seed: int) -> None:
    """What all processes said, and what the account saw, for whoever looks for the reason."""
    kept = BUILD / f"chaos-{seed}.log"
    kept.write_text(stack.said() + "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in stack.sandbox.log()))
    print(f"kept the log: {kept}")


def _show(title: str, counts: Counter[str]) -> None:
    print(f"{title + ':':12}{sum(counts.values()):7d}   " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


@dataclass
class Result:
    verdict: Verdict
    kills: Counter[str]
    faults: Counter[str]
    batches: Counter[str]

    def holds(self) -> bool:
        """And has shown something: a run in which payments were never carried together proves nothing of that."""
        return self.verdict.holds() and sum(self.batches.values()) > 0


def run_chaos(payments: int, seed: int, lag_ms: int = 1500, say: bool = True) -> Result:
    plan, tally, began = make_plan(payments, seed), Tally(), time.monotonic()
    if say:
        print(f"seed:       {seed:7d}   {len(plan.clients)} persons, {len(plan.sends)} sends planned", flush=True)
    with SupervisedStack(workers=4, carriers=2, **SETTINGS) as stack:
        stack.in_turns = [{"DELIVERY": "queue"}, {"DELIVERY": "inline"}]  # Of those that follow the first.
        base = _enter_clients(stack, plan)
        stack.start_carriers()
        stack.sandbox.set(index_lag_ms=lag_ms)
        stack.sandbox.control("POST", "faults", plan.faults)
        kills = _rage(stack, plan, tally)
        faults, batches = _struck_faults(stack), _batches(stack)
        stack.sandbox.heal()
        raged = time.monotonic() - began
        settled = stack.settle(SETTLE_S)
        verdict = judge(plan, stack, tally.accepted, base)
        if not settled:
            verdict.losses.append(f"{stack.unfinished()} payments are unfinished after {SETTLE_S:g} s")
        restarts = stack.restarts
        if not verdict.holds():
            _keep_log(stack, seed)
    if say:
        took = time.monotonic() - began
        print(f"{'payments:':12}{payments:7d}   {len(tally.accepted)} accepted, {tally.gave_up} given up by their senders")
        _show("answers", tally.answers)
        _show("kills", kills)
        print(f"{'restarts:':12}{restarts:7d}   of payment.fcgi and payment-syncd, by the supervisor")
        _show("faults", faults)
        _show("batches", batches)
        _show("ledger", verdict.statuses)
        print(f"{'losses:':12}{len(verdict.losses):7d}")
        print(f"{'doubles:':12}{len(verdict.doubles):7d}")
        print(f"{'seconds:':12}{took:7.1f}   {raged:.1f} under failure, {took - raged:.1f} until all was carried and compared")
        for line in (*verdict.losses[:40], *verdict.doubles[:40], *verdict.failed[:40]):
            print("  " + line)
    return Result(verdict, kills, faults, batches)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--payments", "-n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--burst", action="store_true")
    arguments = parser.parse_args()
    if arguments.burst:
        from limiter import show_burst

        return show_burst(arguments.payments, 7)
    return 0 if run_chaos(arguments.payments, arguments.seed).holds() else 1


if __name__ == "__main__":
    sys.exit(main())
