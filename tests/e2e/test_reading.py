"""Contract section 12: how what the platform writes is read."""

from typing import Any

import pytest

from harness import account
from harness.payload import Payment, item, new_payment, new_person
from harness.stack import Stack


def test_texts_as_numbers(stack: Stack) -> None:
    """A number where a text should be is the text it shows, for the search and in amoCRM."""
    person = new_person()
    payment = new_payment(person, payment_id=67890.0, invoice_id=12, code=2025, payment_method=False, domain=7)
    payment["course_order"]["user"].update(
        phone=int(person.phone_e164[1:]), telegram_id=float(person.telegram_id), first_name=5, last_name=None
    )
    answer = stack.carry(payment)
    assert answer["payment_id"] == "67890"
    (contact,), lead = stack.sandbox.contacts(), stack.sandbox.lead(answer["lead_id"])
    assert contact["fields"][account.PHONE] == [person.phone_e164] and contact["fields"][account.TELEGRAM_ID] == person.telegram_id
    assert lead["name"] == "Оплата Русский - 5" and lead["fields"][account.INVOICE_ID] == "12"


@pytest.mark.parametrize("payment_id", [777, "777", " 777\u00a0", 777.0])
def test_payment_id_however_written(stack: Stack, payment_id: Any) -> None:
    person = new_person()
    stack.carry(new_payment(person, payment_id=777))
    assert stack.post(new_payment(person, payment_id=payment_id)).json["status"] == "duplicate"


def test_placeholders_are_no_payment_ids(stack: Stack) -> None:
    """Different payments that all came with the same word in place of an id."""
    person = new_person()
    answers = [stack.carry(new_payment(person, item(cost), payment_id=" NULL ", invoice_id="-")) for cost in (1, 2, 3)]
    assert all(answer["payment_id"].startswith("sha256:") for answer in answers)
    assert stack.sandbox.lead(answers[0]["lead_id"])["price"] == 1


def test_package(stack: Stack) -> None:
    """Money for what has neither course nor subject counts, and is told."""
    package: Payment = {"cost": 3000, "course": None, "package_id": 12}
    answer = stack.carry(new_payment(new_person(), item(2000), package))
    lead = stack.sandbox.lead(answer["lead_id"])
    assert lead["fields"][account.TOTAL] == "5000" and lead["name"].startswith("Оплата Русский, Пакет 12 - ")
    (note,) = stack.sandbox.notes(answer["lead_id"])
    assert "\n  Годовой 2к25 стандарт (Русский)\n  Пакет 12\n" in note
    assert note.endswith("\nПредметы без соответствия в amoCRM: Пакет 12")


@pytest.mark.parametrize("cost", ["5 000,00", "5\u202f000", " 5000 ", "5000 \u20bd", "5000 руб.", "5'000", "5,000.00"])
def test_cost_as_people_write_it(stack: Stack, cost: str) -> None:
    assert stack.sandbox.lead(stack.carry(new_payment(new_person(), item(cost)))["lead_id"])["fields"][account.TOTAL] == "5000"


def test_cost_with_two_readings(stack: Stack) -> None:
    answer = stack.post(new_payment(new_person(), item("5 000"), item("1,234"), item("1.234"), item("50 00")))
    paths = [mistake["path"] for mistake in answer.json["errors"]]
    assert answer.status == 400 and paths == [f"course_order.course_order_items[{i}].cost" for i in (1, 2, 3)]
