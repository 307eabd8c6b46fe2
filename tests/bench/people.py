"""People in the emulated account, and their payments."""

from figures import Implausible
from harness import signer
from harness.account import EMAIL, PHONE, SITE_WORK, TELEGRAM_ID, TELEGRAM_NAME
from harness.exchange import exchange
from harness.payload import Person, new_payment, to_body
from harness.stack import SECRET, Stack
from processes import await_slowly


def person(number: int) -> Person:
    """No identity of one person is part of another's."""
    digits = f"{number:07d}"
    return Person("Мария", f"Образцова-{number}", f"8999{digits}", f"maria{digits}@example.com", f"42{digits}7", f"maria_{digits}")


def enter(stack: Stack, people: list[Person]) -> None:
    """Managers know them all, and work on a lead of each."""
    contacts = [
        {
            "name": one.name,
            "fields": {PHONE: one.phone_e164, EMAIL: one.email, TELEGRAM_ID: one.telegram_id, TELEGRAM_NAME: one.telegram_tag},
        }
        for one in people
    ]
    made = stack.sandbox.control("POST", "contacts", contacts, index="now")
    leads = [{"name": "Заявка", "contacts": [contact["id"]], "status_id": SITE_WORK} for contact in made]
    stack.sandbox.control("POST", "leads", leads, index="now")


def pay(stack: Stack, port: int, payer: Person) -> str:
    """One payment of theirs, through the bench's nginx; the status of the answer."""
    body = to_body(new_payment(payer))
    headers = [("Content-Type", "application/json"), *signer.x_signature(SECRET, body)]
    answer = exchange(stack.trust, "POST", f"http://127.0.0.1:{port}/webhook/payment", headers, body)
    if answer.status not in (200, 202):
        raise Implausible(f"a payment was answered {answer.status}: {answer.body!r}")
    return answer.json["status"]


def await_carried(stack: Stack, payments: int, seconds: float) -> None:
    """Wait until nothing is left to do, and see that all of them are in the account."""
    unfinished = "SELECT count(*) AS n FROM payment_events WHERE next_ms IS NOT NULL"
    await_slowly(lambda: stack.ledger.query(unfinished)[0]["n"] == 0, "the backlog is carried", seconds)
    if carried(stack) != payments:
        raise Implausible(f"{carried(stack)} of {payments} payments were carried")


def carried(stack: Stack) -> int:
    return stack.ledger.query("SELECT count(*) AS n FROM payment_events WHERE status = 'success'")[0]["n"]
