"""Contract section 14: the run directory is emptied while we run."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.account import COUNT, PHONE, SITE_WORK, TOTAL
from harness.payload import item, new_payment, new_person
from harness.process import until
from harness.stack import Stack

SHARED = {"limiter", "locks", "metrics"}


def empty(folder: Path) -> None:
    for name in os.listdir(folder):
        (folder / name).unlink()


@pytest.mark.settings(INLINE_DEADLINE_MS="1500")
def test_emptied_in_the_middle(stack: Stack) -> None:
    """Old and new processes, and payments of one person in both halves: one contact, and no addition is lost."""
    run = stack.data / "run"
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=SITE_WORK, fields={TOTAL: "1000", COUNT: "1"})
    stack.sandbox.set(latency_ms=100)
    payments = [new_payment(person, item(100 + n)) for n in range(8)]
    with ThreadPoolExecutor(8) as senders:
        answers = [senders.submit(stack.post, payment) for payment in payments[:4]]
        until(lambda: stack.ledger.query("SELECT 1 FROM payment_events WHERE status = 'processing'"), "a payment is in hand")
        empty(run)
        stack.start_syncd()
        answers += [senders.submit(stack.post, payment) for payment in payments[4:]]
    assert {answer.result().status for answer in answers} <= {200, 202}
    for payment in payments:
        stack.finished(payment, seconds=40)
    lead = stack.sandbox.lead(lead_id)
    assert (lead["fields"][TOTAL], lead["fields"][COUNT]) == (str(1000 + sum(range(100, 108))), "9")
    assert len(stack.sandbox.notes(lead_id)) == 8
    assert set(os.listdir(run)) >= SHARED


@pytest.mark.settings(workers=2)
def test_a_refusal_is_not_forgotten(stack: Stack) -> None:
    stack.sandbox.fault("status", status=401)
    assert stack.post(new_payment(new_person())).json["status"] == "queued"
    empty(stack.data / "run")
    assert stack.health().json["crm_breaker"]["state"] == "open"
    assert "401" in stack.paymentctl("stats").stdout
