"""Rules may ask for a task for whoever is responsible for a lead that was there before the payment: exactly one."""

import time

import pytest

from harness import account
from harness.account import PHONE
from harness.payload import Payment, Person, item, new_payment, new_person
from harness.stack import ROOT, Stack

EXAMPLE = str(ROOT / "lib/rules/examples/task-for-manager.json")
MANAGER = 9000002

pytestmark = pytest.mark.settings(PAYMENT_MAPPING=EXAMPLE)


def known(stack: Stack) -> tuple[Person, int]:
    """A person with a lead that somebody looks after."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(
        contact_id, pipeline_id=account.SITE, status_id=account.SITE_WORK, responsible_user_id=MANAGER
    )
    return person, lead_id


def key_line(payment: Payment) -> str:
    return "Payment ID: " + payment["course_order"]["payment_id"]


def test_existing_lead_gets_a_task(stack: Stack) -> None:
    person, lead_id = known(stack)
    payment = new_payment(person)
    before = int(time.time())
    stack.carry(payment)
    after = int(time.time())
    [task] = stack.sandbox.tasks(lead_id)
    assert task["text"] == (
        f"{person.name}: оплата 5000 RUB (Годовой 2к25 стандарт). Проверьте сделку.\n{key_line(payment)}"
    )
    assert (task["responsible_user_id"], task["task_type_id"], task["is_completed"]) == (MANAGER, 1, False)
    assert before + 24 * 3600 <= task["complete_till"] <= after + 24 * 3600


def test_first_rule_that_holds_decides(stack: Stack) -> None:
    person, lead_id = known(stack)
    stack.carry(new_payment(person, item(60000)))
    [task] = stack.sandbox.tasks(lead_id)
    assert task["text"].startswith("Крупная оплата 60000 RUB") and task["task_type_id"] == 2


def test_new_lead_gets_none(stack: Stack) -> None:
    assert stack.sandbox.tasks(stack.carry(new_payment(new_person()))["lead_id"]) == []


def test_each_payment_gets_its_own_and_a_duplicate_none(stack: Stack) -> None:
    person, lead_id = known(stack)
    payments = [new_payment(person), new_payment(person)]
    for payment in payments:
        stack.carry(payment)
    assert stack.post(payments[0]).status == 409
    texts = [task["text"] for task in stack.sandbox.tasks(lead_id)]
    assert len(texts) == 2 and all(any(key_line(payment) in text for text in texts) for payment in payments)


@pytest.mark.parametrize("when", ["before", "after"])
def test_lost_answer_makes_no_second_task(stack: Stack, when: str) -> None:
    """The creation may have taken effect: the task is looked for before it is made again."""
    person, lead_id = known(stack)
    payment = new_payment(person)
    stack.sandbox.fault("reset", method="POST", path="/api/v4/tasks", when=when, times=1)
    stack.post(payment)
    stack.start_syncd()
    stack.finished(payment, seconds=60)
    assert [key_line(payment) in task["text"] for task in stack.sandbox.tasks(lead_id)] == [True]
    assert len(stack.sandbox.notes(lead_id)) == 1


def test_refused_task_does_not_stop_the_payment(stack: Stack) -> None:
    person, lead_id = known(stack)
    payment = new_payment(person)
    stack.sandbox.fault("status", method="POST", path="/api/v4/tasks", status=400)
    stack.carry(payment)
    assert stack.sandbox.tasks(lead_id) == [] and len(stack.sandbox.notes(lead_id)) == 1


@pytest.mark.settings(PAYMENT_MAPPING=None)
def test_without_the_rule_there_is_no_task(stack: Stack) -> None:
    person, lead_id = known(stack)
    stack.carry(new_payment(person))
    assert stack.sandbox.tasks(lead_id) == []
