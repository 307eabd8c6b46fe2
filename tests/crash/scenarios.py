"""What is crashed: payments, the account they meet, and what must have come of them in the end."""

from dataclasses import dataclass, field, replace
from typing import Any, Callable

from bench import Entity, Sandbox
from harness.account import (
    COUNT,
    COUNT_LIST,
    FIELD_IDS,
    INVOICE_ID,
    LAST_DATE,
    PAYMENT_ID,
    PHONE,
    SELECT_COUNTER,
    SITE_WORK,
    TELEGRAM_ID,
    TELEGRAM_NAME,
    TOTAL,
    WON,
)
from harness.payload import Payment, Person, item, new_payment

IVAN = Person("Иван", "Петров", "89990001234", "ivan@example.com", "710012345", "ivan_petrov")
ANNA = Person("Анна", "Новая", "89990001235", "anna@example.com", "710012355", "anna_novaya")
BORIS = Person("Борис", "Новый", "89990001236", "boris@example.com", "710012365", "boris_novy")
PETR = Person("Пётр", "Сидоров", "89990001237", "petr@example.com", "710012375", "petr_sidorov")
OLGA = Person("Ольга", "Орлова", "89990001238", "olga@example.com", "710012385", "olga_orlova")
AMOUNT = 749050  # Kopecks, of the usual two courses.


def payment(number: int = 1, person: Person = IVAN, **changes: Any) -> Payment:
    changes = {"payment_id": f"pay_{number}", **changes}
    return new_payment(person, item(5000, "Русский"), item("2490.50", "Обществознание"), **changes)


def contact(sandbox: Sandbox, person: Person = IVAN, **fields: Any) -> int:
    fields = fields or {TELEGRAM_ID: person.telegram_id, PHONE: person.phone}
    return sandbox.add("contacts", name=person.name, fields=fields)


def lead(sandbox: Sandbox, contact_id: int, total: Any = 1000, count: Any = 1, count_field: str = COUNT, **more: Any) -> int:
    fields = {TOTAL: total, count_field: count, **more.pop("fields", {})}
    return sandbox.add(
        "leads", **{"name": "Заявка", "status_id": SITE_WORK, "contacts": [contact_id], "fields": fields, **more}
    )


def nobody(sandbox: Sandbox) -> None:
    pass


def person_without_lead(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), status_id=WON)


def person_with_lead(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox))


def person_with_paid_lead(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), fields={PAYMENT_ID: "pay_0"})


def person_without_telegram(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox, **{PHONE: "+7 999 000-12-34"}))


def several(sandbox: Sandbox) -> None:
    """Whose payments are BATCH: what must be done differs from one to the next."""
    lead(sandbox, contact(sandbox, IVAN))
    lead(sandbox, contact(sandbox, PETR), status_id=WON)
    lead(sandbox, contact(sandbox, OLGA, **{PHONE: OLGA.phone}))


def several_with_lead(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox, IVAN))
    lead(sandbox, contact(sandbox, OLGA, **{PHONE: OLGA.phone}))


def without_field(name: str, before: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    def arrange(sandbox: Sandbox) -> None:
        before(sandbox)
        sandbox.control("DELETE", f"fields/{FIELD_IDS[name]}")

    return arrange


def id_field_changed(sandbox: Sandbox) -> None:
    """An administrator made a number of it; what stood there stays, what is written is refused."""
    person_with_paid_lead(sandbox)
    sandbox.control("PATCH", f"fields/{FIELD_IDS[PAYMENT_ID]}", {"type": "numeric"})


def losing(method: str, path: str, before: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    """The first such request is carried out, but its answer is lost."""

    def arrange(sandbox: Sandbox) -> None:
        before(sandbox)
        sandbox.fault("reset", method, path, when="after")

    return arrange


def refusing(text: str, method: str, path: str, before: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    """Every such request that has this text in it is refused, and amoCRM does not say for whose sake."""

    def arrange(sandbox: Sandbox) -> None:
        before(sandbox)
        rule = {"match": {"method": method, "path": path, "body": text}, "do": "status", "status": 422, "times": -1}
        sandbox.control("POST", "faults", [rule])

    return arrange


def later_payment(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), fields={LAST_DATE: 1790000000, PAYMENT_ID: "pay_later"})


def counted_by_list(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), count="9", count_field=COUNT_LIST)


class Faults(list[str]):
    """What is wrong."""

    def equal(self, what: str, is_now: Any, should_be: Any) -> None:
        if is_now != should_be:
            self.append(f"{what}: {is_now!r} instead of {should_be!r}")


@dataclass(frozen=True)
class End:
    """What must have come of a person's payments.  Defaults: of one, to a lead that showed 1000 roubles and a count of 1."""

    payments: list[Payment] = field(default_factory=lambda: [payment()])
    status: str = "success"
    leads: int = 1  # The person's, new ones included.
    total: str = "8490.5"  # What the lead that got the payment shows.
    count: str = "2"
    count_field: str = COUNT
    shows: dict[str, Any] = field(default_factory=dict)  # Further fields of that lead.

    @property
    def ids(self) -> list[str]:
        return [one["course_order"]["payment_id"] for one in self.payments]

    def check(self, contacts: list[Entity], leads: list[Entity], rows: list[Entity], wrong: Faults) -> None:
        user = self.payments[-1]["course_order"]["user"]
        mine = [one for one in contacts if one["name"].startswith(user["first_name"])]
        wrong.equal(f"contacts of {user['first_name']}", len(mine), 1)
        if wrong:
            return
        for key, name in ((TELEGRAM_ID, "telegram_id"), (TELEGRAM_NAME, "telegram_tag")):
            wrong.equal(key, mine[0]["fields"].get(key), user.get(name))
        linked = [one for one in leads if one["contacts"] == [mine[0]["id"]]]
        wrong.equal("leads linked to the contact", len(linked), self.leads)
        if wrong or self.status != "success":
            return
        row = [row for row in rows if row["payment_id"] in self.ids][-1]
        wrong.equal("contact of the row", row["contact_id"], mine[0]["id"])
        changed = next((one for one in linked if one["id"] == row["lead_id"]), None)
        if changed is None:
            wrong.append(f"lead of the row: {row['lead_id']} is not linked to the contact")
            return
        expected = {TOTAL: self.total, self.count_field: self.count, PAYMENT_ID: self.ids[-1], **self.shows}
        for key, value in expected.items():
            wrong.equal(key, changed["fields"].get(key), value)


@dataclass(frozen=True)
class Scenario:
    name: str
    arrange: Callable[[Sandbox], None]
    ends: list[End]  # One for each person; what they paid arrives in this order.
    settings: dict[str, str] = field(default_factory=dict)
    inline: bool = False  # The worker carries it, and its sender sends again until it is answered.
    together: bool = False  # A worker records all of them together, and their senders send again until all are answered.
    recorded: bool = True  # The worker recorded it before.  When a worker is what dies: there is a ledger at all.

    @property
    def by_worker(self) -> bool:
        """What dies first is a worker, not payment-syncd."""
        return self.inline or self.together

    @property
    def payments(self) -> list[Payment]:
        return [one for end in self.ends for one in end.payments]

    def find_faults(self, state: Entity, rows: list[Entity]) -> list[str]:
        """What is wrong in the end."""
        wrong = Faults()
        expected = [(one, end.status) for end in self.ends for one in end.ids]
        wrong.equal("rows", [(row["payment_id"], row["status"]) for row in rows], expected)
        contacts = [one for one in state["contacts"] if not one["is_deleted"]]
        leads = [one for one in state["leads"] if not one["is_deleted"]]
        wrong.equal("contacts", len(contacts), len(self.ends))
        wrong.equal("leads", len(leads), sum(end.leads for end in self.ends))
        carried = [one for one, status in expected if status == "success"]
        texts = [note["params"]["text"] + "\n" for note in state["notes"]]
        for one in carried:
            wrong.equal(f"notes of {one}", sum(f"Payment ID: {one}\n" in text for text in texts), 1)
        wrong.equal("notes", len(texts), len(carried))
        for end in self.ends if not wrong else []:
            end.check(contacts, leads, rows, wrong)
        for note in state["notes"]:
            row = next((row for row in rows if f"Payment ID: {row['payment_id']}\n" in note["params"]["text"] + "\n"), {})
            wrong.equal("lead of the note", note["entity_id"], row.get("lead_id"))
        return wrong


def alone(
    name: str,
    arrange: Callable[[Sandbox], None],
    settings: dict[str, str] | None = None,
    inline: bool = False,
    recorded: bool = True,
    **end: Any,
) -> Scenario:
    """About one person."""
    return Scenario(name, arrange, [End(**end)], settings or {}, inline, recorded=recorded)


NEW: dict[str, Any] = {"total": "7490.5", "count": "1"}

# What payment-syncd finds together: someone known, who pays once more, someone new, someone whose leads are all closed,
# someone whose Telegram is filled in, someone new again.
BATCH = [
    End([payment(1), payment(2, updated_at="2025-01-21 10:00:00")], total="15981", count="3"),
    End([payment(3, ANNA)], **NEW),
    End([payment(4, PETR)], leads=2, **NEW),
    End([payment(5, OLGA)]),
    End([payment(6, BORIS)], **NEW),
]
BATCH_NEW = [End([payment(1, ANNA)], **NEW), End([payment(2, BORIS)], **NEW)]
BATCH_KNOWN = [End([payment(1)]), End([payment(2, OLGA)])]


def showing(ends: list[End], **shows: Any) -> list[End]:
    return [replace(end, shows=shows) for end in ends]

SCENARIOS = {
    one.name: one
    for one in [
        alone("new-person", nobody, **NEW),
        alone("known-person-without-lead", person_without_lead, leads=2, **NEW),
        alone("known-person-with-lead", person_with_lead),
        alone("telegram-filled-in", person_without_telegram),
        alone("field-deleted", without_field(INVOICE_ID, person_with_lead), shows={INVOICE_ID: None}),
        alone("field-deleted-new-lead", without_field(INVOICE_ID, nobody), shows={INVOICE_ID: None}, **NEW),
        alone("id-field-deleted", without_field(PAYMENT_ID, person_with_paid_lead), shows={PAYMENT_ID: None}),
        alone("id-field-deleted-new-lead", without_field(PAYMENT_ID, nobody), shows={PAYMENT_ID: None}, **NEW),
        alone("id-field-changed", id_field_changed, shows={PAYMENT_ID: "pay_0"}),
        alone("contact-answer-lost", losing("POST", "/api/v4/contacts", nobody), **NEW),
        alone("lead-answer-lost", losing("POST", "/api/v4/leads", nobody), **NEW),
        alone("totals-answer-lost", losing("PATCH", "/api/v4/leads/*", person_with_lead)),
        alone("note-answer-lost", losing("POST", "/api/v4/leads/notes", person_with_lead)),
        alone("older-payment", later_payment, shows={PAYMENT_ID: "pay_later"}),
        alone(
            "counter-is-a-list", counted_by_list, settings=SELECT_COUNTER, count_field=COUNT_LIST, count="10"
        ),
        alone(
            "two-payments", person_with_lead, payments=[payment(1), payment(2, updated_at="2025-01-21 10:00:00")],
            total="15981", count="3",
        ),
        alone("two-payments-new-person", nobody, payments=[payment(1), payment(2)], leads=2, **NEW),
        alone("payer-without-identity", nobody, payments=[payment(user={"first_name": "Иван"})], **NEW),
        alone("worker-first-start", nobody, inline=True, recorded=False, **NEW),
        alone("worker-new-person", nobody, inline=True, **NEW),
        alone("worker-known-person", person_with_lead, inline=True),
        Scenario("worker-together", several, BATCH, together=True),
        Scenario("worker-together-first-start", several_with_lead, BATCH_KNOWN, together=True, recorded=False),
        Scenario("batch", several, BATCH),
        Scenario("batch-field-deleted", without_field(INVOICE_ID, several), showing(BATCH, **{INVOICE_ID: None})),
        Scenario("batch-contacts-lost", losing("POST", "/api/v4/contacts", nobody), BATCH_NEW),
        Scenario("batch-leads-lost", losing("POST", "/api/v4/leads", nobody), BATCH_NEW),
        Scenario("batch-totals-lost", losing("PATCH", "/api/v4/leads", several_with_lead), BATCH_KNOWN),
        Scenario("batch-notes-lost", losing("POST", "/api/v4/leads/notes", several_with_lead), BATCH_KNOWN),
        Scenario(
            "batch-one-refused", refusing("Анна", "POST", "/api/v4/leads", nobody),
            [replace(BATCH_NEW[0], status="failed", leads=0), BATCH_NEW[1]],
        ),
    ]
}  # fmt: skip
