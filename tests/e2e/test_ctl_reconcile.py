"""paymentctl reconcile after people changed things in amoCRM."""

import time
from typing import Any

import pytest

from harness import account
from harness.account import COUNT, PHONE, TOTAL
from harness.ctl import LATER, OK, SEE, ctl, ctl_json
from harness.payload import Payment, item, new_payment, new_person
from harness.stack import Stack


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]


def differences(stack: Stack, *words: str) -> list[tuple[str, int, str | None]]:
    return [
        (one["difference"], one["lead_id"], one["payment_id"])
        for one in ctl_json(stack, "reconcile", *words)["differences"]
    ]


@pytest.fixture
def paid(stack: Stack) -> tuple[Payment, dict[str, Any]]:
    """One payment of a new person's, and what the service answered."""
    payment = new_payment(new_person())
    return payment, stack.carry(payment)


def test_nothing_to_see(stack: Stack, paid: tuple[Payment, dict[str, Any]]) -> None:
    stack.carry(new_payment(new_person()))
    stack.post(new_payment(new_person(), status="NEW"))
    stack.sandbox.forget_log()
    done = ctl(stack, "reconcile")
    assert (done.returncode, done.stdout) == (OK, "2 payments in 2 leads compared, 0 differences\n")
    assert done.stderr == "", "no progress is shown where nobody looks"
    # One question for both leads, one for each one's notes.
    assert [entry["method"] for entry in stack.sandbox.log()] == ["GET"] * 3


def test_lead_deleted(stack: Stack, paid: tuple[Payment, dict[str, Any]]) -> None:
    payment, answer = paid
    stack.sandbox.delete("leads", answer["lead_id"])
    assert differences(stack) == [("lead_gone", answer["lead_id"], id_of(payment))]
    done = ctl(stack, "reconcile")
    assert done.returncode == SEE
    assert f"lead {answer['lead_id']}, payment {id_of(payment)}: the lead is gone" in done.stdout


def test_lead_merged(stack: Stack, paid: tuple[Payment, dict[str, Any]]) -> None:
    """amoCRM moves the notes of a lead that is merged into another."""
    payment, answer = paid
    heir = stack.sandbox.add_lead(answer["contact_id"], status_id=account.SITE_WORK)
    (text,) = stack.sandbox.notes(answer["lead_id"])
    stack.sandbox.control("POST", "notes", {"entity_id": heir, "text": text})
    stack.sandbox.delete("leads", answer["lead_id"])
    (one,) = ctl_json(stack, "reconcile")["differences"]
    assert one["difference"] == "lead_merged" and f"in lead {heir}" in one["message"]


def test_lead_in_the_trash(stack: Stack, paid: tuple[Payment, dict[str, Any]]) -> None:
    _, answer = paid
    stack.sandbox.set(show_deleted_by_id=True)
    stack.sandbox.delete("leads", answer["lead_id"])
    assert differences(stack) == [("lead_deleted", answer["lead_id"], None)]


def test_note_deleted(stack: Stack) -> None:
    """Another's note in the same lead does not stand in for it."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    payments = [new_payment(person) for _ in range(2)]
    for payment in payments:
        stack.carry(payment)
    stack.sandbox.delete("notes", stack.ledger.delivery(id_of(payments[1]))["note_id"])
    assert differences(stack) == [("note_missing", lead_id, id_of(payments[1]))]


def test_total_lowered(stack: Stack) -> None:
    """By all that was ever added: also what lies before the period."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={TOTAL: "1000", COUNT: "1"})
    stack.carry(new_payment(person, item(5000)))
    stack.carry(new_payment(person, item("2500.50")))
    assert differences(stack) == []
    stack.sandbox.change_lead(lead_id, fields={TOTAL: "7500.50"})
    assert differences(stack) == []
    stack.sandbox.change_lead(lead_id, fields={TOTAL: "7500.49"})
    (one,) = ctl_json(stack, "reconcile")["differences"]
    assert (one["difference"], one["lead_id"], one["payment_id"]) == ("total_low", lead_id, None)
    assert one["message"] == "the lead's total is 7500.49, less than the 7500.50 that were added to it"


def test_period(stack: Stack, paid: tuple[Payment, dict[str, Any]]) -> None:
    _, answer = paid
    stack.sandbox.delete("leads", answer["lead_id"])
    now = time.time()

    def moscow(seconds: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + 3 * 3600))

    assert len(differences(stack, "--since", moscow(now - 3600), "--until", moscow(now + 3600))) == 1
    assert differences(stack, "--since", moscow(now + 3600)) == []
    assert differences(stack, "--until", moscow(now - 3600)) == []


def test_many_leads(stack: Stack) -> None:
    """More than one batch; each is asked about once."""
    answers = [stack.carry(new_payment(new_person())) for _ in range(53)]
    stack.sandbox.delete("leads", answers[51]["lead_id"])
    stack.sandbox.forget_log()
    found = ctl_json(stack, "reconcile")
    assert (found["leads"], found["payments"], found["complete"]) == (53, 53, True)
    assert [one["lead_id"] for one in found["differences"]] == [answers[51]["lead_id"]]
    assert len(stack.sandbox.log(path="*/notes")) == 52


@pytest.mark.settings(AMO_RATE_LIMIT="7")
def test_rate_is_respected(stack: Stack) -> None:
    for _ in range(5):
        stack.carry(new_payment(new_person()))
    assert ctl(stack, "reconcile").returncode == OK
    audit = stack.sandbox.audit(limit=7)
    assert (audit["over_limit"], audit["throttled"]) == (0, 0)


@pytest.mark.parametrize(
    "fault", [{"status": 429, "retry_after_header": 3600}, {"status": 500}, {"status": 401}], ids=["busy", "down", "refused"]
)
def test_amocrm_stops_answering(
    stack: Stack, paid: tuple[Payment, dict[str, Any]], fault: dict[str, int]
) -> None:
    """What was found until then is told, and that it is not all."""
    stack.carry(new_payment(new_person()))
    stack.sandbox.fault("status", path="*/notes", skip=1, times=-1, **fault)
    done = ctl(stack, "reconcile", RETRY_MAX_ATTEMPTS="1")
    assert done.returncode == LATER
    assert done.stdout == "1 payment in 1 lead compared before that failed, 0 differences\n"
    assert done.stderr.startswith("paymentctl: amoCRM")
