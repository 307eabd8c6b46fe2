"""Contract section 12: how what the platform writes is read."""

from typing import Any

import pytest

from harness import account
from harness.payload import Payment, Person, item, new_payment, new_person, to_body
from harness.signer import legacy_hmac, standard
from harness.stack import SECRET, Stack


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


def without_id(person: Person, *items: Payment, **changes: Any) -> Payment:
    payment = new_payment(person, *items, **changes)
    payment["course_order"]["payment_id"] = None
    return payment


@pytest.mark.parametrize("delivery", ["inline", "queue"])
def test_signed_webhook_id_is_the_key(delivery: str) -> None:
    """Told again with another time and spelling it is a duplicate, with another amount or payer a conflict.  In the queue
    the key is in the row alone."""
    person, key = new_person(), "webhook:msg_7"

    def post(payment: Payment) -> str:
        body = to_body(payment)
        answer = stack.post(body, standard(SECRET, body, "msg_7"))
        assert answer.json["payment_id"] == key
        return str(answer.json["status"])

    with Stack(DELIVERY=delivery) as stack:
        assert post(without_id(person)) in {"success", "queued"}
        stack.sync_once()
        (lead,) = stack.sandbox.leads()
        assert stack.sandbox.lead(lead["id"])["fields"][account.PAYMENT_ID] == key
        assert stack.sandbox.notes(lead["id"])[0].endswith(f"\nPayment ID: {key}")
        assert post(without_id(person, item("5 000,00"), updated_at=1737373761)) == "duplicate"
        assert post(without_id(person, item(5001))) == "conflict"
        assert post(without_id(new_person())) == "conflict"
        assert len(stack.sandbox.leads()) == 1


def test_webhook_id_that_is_not_signed_is_no_key(stack: Stack) -> None:
    """X-Webhook-Secret does not cover the header, and beside it the header alone is refused."""
    body = to_body(without_id(new_person(), invoice_id="inv_9"))
    assert stack.post(body, [*legacy_hmac(SECRET, body), ("webhook-id", "msg_8")]).status == 401
    answer = stack.post(body, legacy_hmac(SECRET, body))
    assert (answer.status, answer.json["payment_id"]) == (200, "invoice:inv_9")


def test_invoice_is_the_key(stack: Stack) -> None:
    person = new_person()
    assert stack.carry(without_id(person, invoice_id=12))["payment_id"] == "invoice:12"
    assert stack.post(without_id(person, invoice_id=" 12 ", updated_at="2025-01-21T00:00:00Z")).json["status"] == "duplicate"
    assert stack.post(without_id(person, item(7), invoice_id="12")).json["status"] == "conflict"


@pytest.mark.parametrize(
    "told", ["2025-01-20T14:49:20.5+03:00", "2025-01-20 11:49:20Z", 1737373760, 1737373760123, "1737373760", "2025-01-20 14:49:20"]
)
def test_one_instant(stack: Stack, told: Any) -> None:
    lead = stack.sandbox.lead(stack.carry(new_payment(new_person(), updated_at=told))["lead_id"])
    assert int(lead["fields"][account.LAST_DATE]) == 1737373760


def test_payment_of_2099_does_not_freeze_the_last_one(stack: Stack) -> None:
    person = new_person()
    told = stack.carry(new_payment(person, updated_at="2099-01-01 00:00:00"))
    lead = stack.sandbox.lead(told["lead_id"])
    assert int(lead["fields"][account.LAST_DATE]) == 1737373200  # created_at
    assert "more than a day ahead" in stack.paymentctl("show", told["payment_id"]).stdout
    # A new lead stands in a stage of its own, in which no lead is looked for.
    stack.sandbox.change_lead(told["lead_id"], status_id=account.SITE_WORK)
    later = stack.carry(new_payment(person, updated_at="2025-01-20 15:00:00"))
    assert later["lead_id"] == told["lead_id"]
    lead = stack.sandbox.lead(told["lead_id"])
    assert lead["fields"][account.PAYMENT_ID] == later["payment_id"] and lead["fields"][account.TOTAL] == "10000"


@pytest.mark.parametrize("currency", ["RUB", "RUR", 643, "\u20bd", "руб.", None, "-"])
def test_roubles_by_any_name(stack: Stack, currency: Any) -> None:
    lead_id = stack.carry(new_payment(new_person(), currency=currency))["lead_id"]
    assert stack.sandbox.lead(lead_id)["fields"][account.TOTAL] == "5000"
    assert "Сумма: 5000 RUB\n" in stack.sandbox.notes(lead_id)[0]


OTHER = "Другая валюта: сумма не прибавлена к итогу и не записана в поля."


def test_another_currency_makes_no_sum(stack: Stack) -> None:
    """Contact, lead, note and counter, but no money: neither for a new lead nor for one with a total."""
    person = new_person()
    dollars = stack.carry(new_payment(person, item(100), currency="USD"))
    lead = stack.sandbox.lead(dollars["lead_id"])
    assert not lead["price"] and not {account.TOTAL, account.LAST_AMOUNT} & lead["fields"].keys()
    assert lead["fields"][account.COUNT] == "1" and lead["fields"][account.PAYMENT_ID] == dollars["payment_id"]
    (note,) = stack.sandbox.notes(lead["id"])
    assert "Сумма: 100 USD\n" in note and note.endswith("\n" + OTHER)

    stack.sandbox.change_lead(lead["id"], status_id=account.SITE_WORK)
    stack.carry(new_payment(person, updated_at="2025-01-20 15:00:00"))
    last = stack.carry(new_payment(person, item(200), currency="EUR", updated_at="2025-01-20 16:00:00"))
    lead = stack.sandbox.lead(lead["id"])
    assert [lead["fields"][name] for name in (account.TOTAL, account.LAST_AMOUNT, account.COUNT)] == ["5000", "5000", "3"]
    assert lead["fields"][account.PAYMENT_ID] == last["payment_id"]

    listed = stack.paymentctl("list").stdout
    assert "200.00 EUR" in listed and listed.count("in another currency: not added to the total") == 2
    shown = stack.paymentctl("show", last["payment_id"]).stdout
    assert "paid in EUR, not in RUB" in shown and "5000.00 RUB before, 5000.00 RUB after" in shown
    assert stack.paymentctl("integrity").returncode == 0
    assert stack.paymentctl("reconcile").returncode == 0


@pytest.mark.settings(PAYMENT_CURRENCY="KZT")
def test_account_in_another_currency(stack: Stack) -> None:
    tenge, roubles = (stack.carry(new_payment(new_person(), currency=currency)) for currency in ("kzt", "RUB"))
    assert stack.sandbox.lead(tenge["lead_id"])["price"] == 5000 and not stack.sandbox.lead(roubles["lead_id"])["price"]


@pytest.mark.settings(PAYMENT_CURRENCY="")
def test_any_currency(stack: Stack) -> None:
    assert stack.sandbox.lead(stack.carry(new_payment(new_person(), currency="USD"))["lead_id"])["price"] == 5000
