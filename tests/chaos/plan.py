"""Who pays what and in which order, what fails and who is killed when: all of it chosen by one seed, before anything starts."""

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.payload import Payment, Person, item, new_payment  # noqa: E402

# Every payment names the phone, so that all of a person's payments belong together, but no two of these sets are alike.
IDENTITIES = (("telegram_id", "telegram_tag", "phone"), ("phone",), ("phone", "email"), ())

SUBJECTS = ("Русский", "Физика", "История", "Обществознание", "Астрономия")


@dataclass(frozen=True)
class Client:
    """A person, and what amoCRM knows before the first payment."""

    person: Person
    contact: bool  # A manager has entered the contact,
    phone: str  # writing the phone like this,
    lead: bool  # and a lead that is being worked on
    total: int  # and shows so many kopecks
    count: int  # and so many purchases.


@dataclass(frozen=True)
class Sale:
    client: int
    payment: Payment
    kopecks: int

    @property
    def key(self) -> str:
        return str(self.payment["course_order"]["payment_id"])


@dataclass(frozen=True)
class Send:
    sale: int
    kind: str  # first, repeat, conflict (another amount under a known id)
    patience: float  # Seconds until the sender hangs up.
    tries: int  # How often it sends before it gives up.
    pause: float  # Seconds between its tries.


@dataclass(frozen=True)
class Kill:
    after: int  # So many sends are done.
    kind: str
    number: int


@dataclass(frozen=True)
class Outage:
    """amoCRM answers nobody, and a backlog builds up."""

    after: int  # So many sends are done.
    until: int


@dataclass
class Plan:
    seed: int
    clients: list[Client] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


def _client(choose: random.Random, number: int) -> Client:
    local = f"912{number:07d}"
    person = Person("Анна", f"Хаосова-{number}", "8" + local, f"anna{number:07d}@chaos.example", f"55{number:07d}7", f"anna_{number}")
    contact = choose.random() < 0.6
    spelling = choose.choice(["+7" + local, f"8 ({local[:3]}) {local[3:6]}-{local[6:8]}-{local[8:]}", "7" + local])
    total = choose.choice([0, 100, 123456, choose.randrange(1, 10**8)])
    return Client(person, contact, spelling, contact and choose.random() < 0.75, total, choose.randrange(0, 5))


def _sale(choose: random.Random, number: int, clients: list[Client]) -> Sale:
    client = choose.randrange(len(clients))
    costs = [choose.randrange(100, 10**7) for _ in range(choose.choice([1, 1, 1, 2, 3]))]
    items = [item(f"{cost // 100}.{cost % 100:02d}", choose.choice(SUBJECTS), choose.choice(["ЕГЭ", "ОГЭ"])) for cost in costs]
    when = f"2025-{choose.randrange(1, 13):02d}-{choose.randrange(1, 29):02d} {choose.randrange(24):02d}:{choose.randrange(60):02d}:00"
    payment = new_payment(
        clients[client].person,
        *items,
        only=choose.choice(IDENTITIES),
        payment_id=f"chaos-{number:06d}",
        updated_at=when,
    )
    return Sale(client, payment, sum(costs))


def _sends(choose: random.Random, sales: int) -> list[Send]:
    placed: list[tuple[float, Send]] = []
    for sale in range(sales):

        def add(kind: str, at: float) -> None:
            patience = choose.choice([0.02, 0.2, 1.0]) if choose.random() < 0.06 else 30.0
            tries = 1 if choose.random() < 0.05 else 12
            placed.append((at, Send(sale, kind, patience, tries, choose.uniform(0.05, 0.4))))

        add("first", sale + choose.uniform(0, 15))  # Out of order.
        if choose.random() < 0.05:
            add("repeat", sale + choose.uniform(0, 15))  # At the same time, or nearly.
        while choose.random() < 0.15:
            add("repeat", sale + choose.uniform(20, 200))  # Later.
        if choose.random() < 0.02:
            add("conflict", sale + choose.uniform(50, 100))
    return [send for _, send in sorted(placed, key=lambda one: one[0])]


def _kills(choose: random.Random, sends: int) -> list[Kill]:
    """One for every 15 sends; of a carrier of payment-syncd's only in the first half, since what it had in hand waits for a
    minute or more, and not often, since that is many payments."""
    kills = []
    for after in range(10, sends, 15):
        kind = choose.choices(["worker", "parent", "syncd", "carrier"], [5, 2, 2, 1])[0]
        if kind == "carrier" and after > sends / 2:
            kind = "worker"
        kills.append(Kill(after + choose.randrange(10), kind, choose.randrange(1000)))
    return kills


def _outages(choose: random.Random, sends: int) -> list[Outage]:
    return [Outage(after, after + choose.randrange(20, 60)) for after in range(60, sends, 200)]


def faults(rate: float) -> list[dict[str, Any]]:
    """All the ways to fail, before and after the effect.  `rate` is how likely each of the common ones is."""
    anything = {"path": "/api/v4/*"}
    common: list[dict[str, Any]] = [
        {"do": "status", "status": 500, "when": "before"},
        {"do": "status", "status": 500, "when": "after"},
        {"do": "status", "status": 502, "when": "before"},
        {"do": "status", "status": 502, "when": "after"},
        {"do": "status", "status": 504, "when": "after"},
        {"do": "reset", "when": "before"},
        {"do": "reset", "when": "after"},
        {"do": "truncate"},
        {"do": "truncate_header"},
        {"do": "empty"},
        {"do": "junk"},
    ]
    rare: list[dict[str, Any]] = [
        {"do": "status", "status": 429, "retry_after_header": 1},
        {"do": "status", "status": 429, "retry_after_body": 1},
        {"do": "hang", "when": "before", "ms": 1500},
        {"do": "hang", "when": "after", "ms": 1500},
        {"do": "delay", "ms": 400},
        {"do": "slow", "ms": 20},
    ]
    late = {"match": {"method": "POST", **anything}, "do": "delay", "ms": 2500, "times": -1, "probability": rate / 2}
    return [
        *({"match": anything, "times": -1, "probability": rate, **rule} for rule in common),
        *({"match": anything, "times": -1, "probability": rate / 3, **rule} for rule in rare),
        late,  # Carried out when we have long hung up.
    ]


def make_plan(payments: int, seed: int, rate: float = 0.012) -> Plan:
    choose = random.Random(seed)
    plan = Plan(seed, faults=faults(rate))
    plan.clients = [_client(choose, number) for number in range(max(1, payments // 4))]
    plan.sales = [_sale(choose, number, plan.clients) for number in range(payments)]
    plan.sends = _sends(choose, payments)
    plan.kills = _kills(choose, len(plan.sends))
    plan.outages = _outages(choose, len(plan.sends))
    return plan
