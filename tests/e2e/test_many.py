"""Many payments at once: promise 3 of the contract, and the rate of promise 4."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import account
from harness.account import COUNT, PHONE, TOTAL
from harness.payload import Payment, item, new_payment, new_person
from harness.stack import Stack

# What a worker has no room for falls to payment-syncd two seconds after the deadline: short, so that tests need not wait.
pytestmark = pytest.mark.settings(INLINE_DEADLINE_MS="1500")

OVERLAPPING = (("telegram_id", "phone"), ("phone", "email"), ("telegram_id", "email"))


def post_all(stack: Stack, payments: list[Payment]) -> list[dict[str, Any]]:
    """All at the same time; each is carried or queued."""
    with ThreadPoolExecutor(len(payments)) as threads:
        answers = list(threads.map(stack.post, payments))
    assert {answer.status for answer in answers} <= {200, 202}, [answer.body for answer in answers]
    return [answer.json for answer in answers]


def all_carried(stack: Stack, payments: list[Payment]) -> None:
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment, seconds=30)


@pytest.mark.parametrize("lag", [0, 3600000], ids=["searchable", "index_lag"])
def test_one_person_at_once_makes_one_contact(stack: Stack, lag: int) -> None:
    stack.sandbox.set(index_lag_ms=lag, latency_ms=10)
    person = new_person()
    payments = [new_payment(person, item(100 + n), only=OVERLAPPING[n % 3]) for n in range(12)]
    post_all(stack, payments)
    all_carried(stack, payments)
    (contact,) = stack.sandbox.contacts()
    leads = stack.sandbox.leads()
    # Each lead stays in the autopay stage, so each payment made one of its own.
    assert len(leads) == 12 and all(lead["contacts"] == [contact["id"]] for lead in leads)
    assert sum(int(lead["fields"][TOTAL]) for lead in leads) == sum(100 + n for n in range(12))
    assert [len(stack.sandbox.notes(lead["id"])) for lead in leads] == [1] * 12


def test_one_lead_at_once_loses_no_addition(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={TOTAL: "1000", COUNT: "1"})
    stack.carry(new_payment(person, item(1)))  # Fills in the Telegram id, so that all overlap by what amoCRM knows.
    stack.sandbox.set(latency_ms=10)
    payments = [new_payment(person, item(100 + n), only=(("phone",), ("telegram_id",), ())[n % 3]) for n in range(16)]
    post_all(stack, payments)
    all_carried(stack, payments)
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT]) == (str(1001 + sum(100 + n for n in range(16))), "18")
    assert len(stack.sandbox.notes(lead_id)) == 17 and len(stack.sandbox.leads()) == 1
    assert len(stack.sandbox.contacts()) == 1
    assert stack.paymentctl("integrity").returncode == 0


def test_many_people_at_once(stack: Stack) -> None:
    people = [new_person() for _ in range(24)]
    payments = [new_payment(person) for person in people]
    post_all(stack, payments)
    all_carried(stack, payments)
    assert len(stack.sandbox.contacts()) == len(stack.sandbox.leads()) == 24


def test_same_webhook_at_once(stack: Stack) -> None:
    payment = new_payment(new_person())
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(stack.post, [payment] * 10))
    assert {(a.status, a.json["status"]) for a in answers} <= {(200, "success"), (202, "queued"), (409, "duplicate")}
    assert sum(answer.status == 200 for answer in answers) <= 1
    all_carried(stack, [payment])
    (lead,) = stack.sandbox.leads()
    assert len(stack.sandbox.notes(lead["id"])) == 1 and lead["fields"][TOTAL] == "5000"


@pytest.mark.settings(AMO_RATE_LIMIT="7")
def test_rate_of_all_processes_together(stack: Stack) -> None:
    """The account would refuse more than seven requests in any second; it never has to."""
    stack.sandbox.set(rate=7)
    payments = [new_payment(new_person()) for _ in range(5)]
    post_all(stack, payments)
    all_carried(stack, payments)
    audit = stack.sandbox.audit(limit=7)
    assert (audit["over_limit"], audit["throttled"]) == (0, 0) and 1 <= audit["max_in_window"] <= 7
    assert len(stack.sandbox.leads()) == 5


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_few_workers(stack: Stack, workers: int) -> None:
    stack.stop_service()
    stack.start_service(workers=workers, INLINE_DEADLINE_MS="1500")
    payments = [new_payment(new_person()) for _ in range(6)]
    post_all(stack, payments)
    all_carried(stack, payments)
    assert len(stack.sandbox.leads()) == 6
    assert stack.stop_service() == 0


@pytest.mark.settings(INLINE_DEADLINE_MS="8000")
def test_stop_finishes_what_is_in_hand(stack: Stack) -> None:
    """TERM in the middle of a payment: its sender gets the whole answer."""
    assert stack.service
    stack.sandbox.fault("hang", "POST", "/api/v4/leads", when="after", ms=400)
    payment = new_payment(new_person())
    with ThreadPoolExecutor() as threads:
        posting = threads.submit(stack.post, payment)
        stack.sandbox.await_requests(1, "POST", "/api/v4/leads")
        assert stack.service.stop() == 0
        assert posting.result().status == 200
    assert stack.ledger.status(payment["course_order"]["payment_id"]) == "success"
