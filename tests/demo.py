#!/usr/bin/python3
"""`make demo`: one payment's way into amoCRM, shown to a person."""

import json
import signal
import sys
import time
from typing import Any, NoReturn

from harness import account
from harness.exchange import Answer
from harness.payload import Payment, item, new_payment, new_person
from harness.stack import Stack

COLOUR = sys.stdout.isatty()
LEAD_FIELDS = (
    account.SUBJECTS, account.DIRECTION, account.LAST_AMOUNT, account.TOTAL, account.COUNT, account.LAST_DATE,
    account.PAYMENT_ID, account.INVOICE_ID, account.STATUS, "utm_source", "utm_medium", "utm_campaign", "_ym_uid",
)  # fmt: skip
STAGES = {account.SITE_AUTOPAY: "Автооплаты ООО", account.SITE_WORK: "В работе"}


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def section(title: str) -> None:
    print("\n" + paint("1;36", "== " + title + " " + "=" * max(3, 96 - len(title))))


def tell(text: str) -> None:
    print(paint("2", text), flush=True)


def line(name: str, value: Any) -> None:
    print(f"    {name:<26} {json.dumps(value) if isinstance(value, bool) else value}")


class Surprise(Exception):
    """The service did not do what this demo shows."""


def show_answer(answer: Answer, expected: int) -> dict[str, Any]:
    print("  " + paint("1;32" if answer.status < 300 else "1;33", f"HTTP {answer.status}"))
    for name, value in answer.json.items():
        line(name, value)
    if answer.status != expected:
        raise Surprise(f"HTTP {expected} was expected")
    return answer.json


def show_contact(stack: Stack, contact_id: int) -> None:
    contact = stack.sandbox.contact(contact_id)
    print(paint("1", f"  Contact {contact_id}: {contact['name']}"))
    for name, value in contact["fields"].items():
        line(name, ", ".join(value) if isinstance(value, list) else value)


def field_text(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if name == account.LAST_DATE:
        return time.strftime("%d.%m.%Y %H:%M:%S UTC", time.gmtime(value))
    return str(value)


def show_lead(stack: Stack, lead_id: int) -> None:
    lead = stack.sandbox.lead(lead_id)
    print(paint("1", f"  Lead {lead_id}: {lead['name']}"))
    line("stage", f"{STAGES[lead['status_id']]} (pipeline «Сайт»)")
    line("price", f"{lead['price']} ₽")
    for name in LEAD_FIELDS:
        if name in lead["fields"]:
            line(name, field_text(name, lead["fields"][name]))


def show_note(stack: Stack, lead_id: int) -> None:
    print(paint("1", "  The lead's newest note, as a manager sees it:"))
    for text in stack.sandbox.notes(lead_id)[-1].split("\n"):
        print("    │ " + text)


def show_ledger(stack: Stack, payment: Payment) -> None:
    payment_id = payment["course_order"]["payment_id"]
    print(paint("1", f"  The ledger: paymentctl show {payment_id}"))
    shown = stack.paymentctl("show", payment_id)
    if shown.returncode != 0:
        raise Surprise(shown.stderr)
    for text in shown.stdout.splitlines():
        print("    " + text)


def demonstrate(stack: Stack) -> None:
    person = new_person()
    tell(f"nginx with TLS listens at {stack.url}, four workers stand behind it; the emulated account is {stack.sandbox.url}.")

    section("1. A payment: a signed webhook for a person whom amoCRM does not know")
    first = new_payment(person, item(5000, "Русский"), item(5000, "Обществознание"))
    tell("POST /webhook/payment, body signed with HMAC-SHA256 in X-Signature:")
    line("the payer, in its body", json.dumps(first["course_order"]["user"], ensure_ascii=False))
    answer = show_answer(stack.post(first), 200)
    contact_id, lead_id = answer["contact_id"], answer["lead_id"]
    show_contact(stack, contact_id)
    show_lead(stack, lead_id)
    show_note(stack, lead_id)
    show_ledger(stack, first)

    section("2. A second payment of the same person: totals grow")
    tell("A lead in «Автооплаты ООО» is not active: nobody works on it, and a new payment would open another lead.")
    tell("So first a manager takes the lead by hand: its stage becomes «В работе».  Then the person pays again.")
    stack.sandbox.change_lead(lead_id, status_id=account.SITE_WORK)
    second = new_payment(person, item(3500, "Физика"), updated_at="2025-02-20 10:00:00", code="")
    answer = show_answer(stack.post(second), 200)
    if answer["lead_id"] != lead_id or answer["lead_created"]:
        raise Surprise("the payment belongs to the lead that the manager took")
    show_lead(stack, lead_id)
    tell("  The price stays what the lead was made with: of an existing lead it is the manager's, and only the total grows.")
    show_note(stack, lead_id)

    section("3. The same webhook once more: a duplicate")
    show_answer(stack.post(second), 409)
    line("purchases in amoCRM", stack.sandbox.lead(lead_id)["fields"][account.COUNT] + ", as before")

    section("4. A bad signature")
    show_answer(stack.post(new_payment(person), headers=[("X-Signature", "0" * 64)]), 401)

    contacts, leads, notes = len(stack.sandbox.contacts()), len(stack.sandbox.leads()), len(stack.sandbox.notes(lead_id))
    section("In the end")
    print(f"  amoCRM has {contacts} contact, {leads} lead and {notes} notes.")
    if (contacts, leads, notes) != (1, 1, 2):
        raise Surprise("one contact, one lead and two notes were expected")


def end(*_: object) -> NoReturn:
    sys.exit(130)  # Through the `finally` of everything that was started.


def main() -> int:
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    tell("Making a certificate, starting the emulated amoCRM account, the worker pool and nginx ...")
    with Stack() as stack:
        try:
            demonstrate(stack)
        except Surprise as surprise:
            print(paint("1;31", f"\nThis is not as it should be: {surprise}"), file=sys.stderr)
            print(stack.said(), file=sys.stderr)
            return 1
        tell("\nStopping everything and removing its files ...")
    print(paint("1;32", "Done."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
