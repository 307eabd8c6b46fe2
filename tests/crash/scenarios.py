"""What is crashed: payments, the account they meet, and what must have come of them in the end."""

from dataclasses import dataclass, field
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
AMOUNT = 749050  # Kopecks, of the usual two courses.


def payment(number: int = 1, **changes: Any) -> Payment:
    changes = {"payment_id": f"pay_{number}", **changes}
    return new_payment(IVAN, item(5000, "Русский"), item("2490.50", "Обществознание"), **changes)


def contact(sandbox: Sandbox, **fields: Any) -> int:
    return sandbox.add("contacts", name="Иван Петров", fields=fields or {TELEGRAM_ID: IVAN.telegram_id, PHONE: IVAN.phone})


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


def later_payment(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), fields={LAST_DATE: 1790000000, PAYMENT_ID: "pay_later"})


def counted_by_list(sandbox: Sandbox) -> None:
    lead(sandbox, contact(sandbox), count="9", count_field=COUNT_LIST)


@dataclass(frozen=True)
class Scenario:
    """Defaults: one payment to a lead that showed 1000 roubles and a count of 1."""

    name: str
    arrange: Callable[[Sandbox], None]
    payments: list[Payment] = field(default_factory=lambda: [payment()])
    settings: dict[str, str] = field(default_factory=dict)
    inline: bool = False  # The worker carries it, and its sender sends again until it is answered.
    recorded: bool = True  # Not inline: the worker recorded it before.  Inline: there is a ledger at all.
    leads: int = 1  # In the end, new ones included.
    total: str = "8490.5"  # What the lead that got the payment shows in the end.
    count: str = "2"
    count_field: str = COUNT
    shows: dict[str, Any] = field(default_factory=dict)  # Further fields of that lead.

    def find_faults(self, state: Entity, rows: list[Entity]) -> list[str]:
        """What is wrong in the end."""
        wrong: list[str] = []

        def equal(what: str, is_now: Any, should_be: Any) -> None:
            if is_now != should_be:
                wrong.append(f"{what}: {is_now!r} instead of {should_be!r}")

        ids = [one["course_order"]["payment_id"] for one in self.payments]
        equal("rows", [(row["payment_id"], row["status"]) for row in rows], [(one, "success") for one in ids])
        contacts = [one for one in state["contacts"] if not one["is_deleted"]]
        leads = [one for one in state["leads"] if not one["is_deleted"]]
        equal("contacts", len(contacts), 1)
        equal("leads", len(leads), self.leads)
        for one in ids:
            texts = [note["params"]["text"] for note in state["notes"]]
            equal(f"notes of {one}", sum(f"Payment ID: {one}\n" in text + "\n" for text in texts), 1)
        equal("notes", len(state["notes"]), len(ids))
        if wrong:
            return wrong

        user = self.payments[-1]["course_order"]["user"]
        for key, name in ((TELEGRAM_ID, "telegram_id"), (TELEGRAM_NAME, "telegram_tag")):
            equal(key, contacts[0]["fields"].get(key), user.get(name))
        changed = next(one for one in leads if one["id"] == rows[-1]["lead_id"])
        equal("contact of the row", rows[-1]["contact_id"], contacts[0]["id"])
        equal("contacts of the lead", changed["contacts"], [contacts[0]["id"]])
        expected = {TOTAL: self.total, self.count_field: self.count, PAYMENT_ID: ids[-1], **self.shows}
        for key, value in expected.items():
            equal(key, changed["fields"].get(key), value)
        for note in state["notes"]:
            equal("lead of the note", note["entity_id"] in [row["lead_id"] for row in rows], True)
        return wrong


NEW = {"total": "7490.5", "count": "1"}

SCENARIOS = {
    one.name: one
    for one in [
        Scenario("new-person", nobody, **NEW),
        Scenario("known-person-without-lead", person_without_lead, leads=2, **NEW),
        Scenario("known-person-with-lead", person_with_lead),
        Scenario("telegram-filled-in", person_without_telegram),
        Scenario("field-deleted", without_field(INVOICE_ID, person_with_lead), shows={INVOICE_ID: None}),
        Scenario("field-deleted-new-lead", without_field(INVOICE_ID, nobody), shows={INVOICE_ID: None}, **NEW),
        Scenario("id-field-deleted", without_field(PAYMENT_ID, person_with_paid_lead), shows={PAYMENT_ID: None}),
        Scenario("id-field-deleted-new-lead", without_field(PAYMENT_ID, nobody), shows={PAYMENT_ID: None}, **NEW),
        Scenario("id-field-changed", id_field_changed, shows={PAYMENT_ID: "pay_0"}),
        Scenario("contact-answer-lost", losing("POST", "/api/v4/contacts", nobody), **NEW),
        Scenario("lead-answer-lost", losing("POST", "/api/v4/leads", nobody), **NEW),
        Scenario("totals-answer-lost", losing("PATCH", "/api/v4/leads/*", person_with_lead)),
        Scenario("note-answer-lost", losing("POST", "/api/v4/leads/notes", person_with_lead)),
        Scenario("older-payment", later_payment, shows={PAYMENT_ID: "pay_later"}),
        Scenario(
            "counter-is-a-list", counted_by_list, settings=SELECT_COUNTER, count_field=COUNT_LIST, count="10"
        ),
        Scenario(
            "two-payments", person_with_lead, payments=[payment(1), payment(2, updated_at="2025-01-21 10:00:00")],
            total="15981", count="3",
        ),
        Scenario("two-payments-new-person", nobody, payments=[payment(1), payment(2)], leads=2, **NEW),
        Scenario("payer-without-identity", nobody, payments=[payment(user={"first_name": "Иван"})], **NEW),
        Scenario("worker-first-start", nobody, inline=True, recorded=False, **NEW),
        Scenario("worker-new-person", nobody, inline=True, **NEW),
        Scenario("worker-known-person", person_with_lead, inline=True),
    ]
}  # fmt: skip
