"""What would cost money: an amount added twice, swallowed, or added to a total that was not read right."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from harness import account
from harness.account import COUNT, PHONE, TOTAL
from harness.exchange import Answer
from harness.payload import Payment, Person, id_of, item, new_payment, new_person
from harness.stack import ROOT, Stack

QUICK = {"RETRY_MAX_ATTEMPTS": "1", "RETRY_WAIT_MIN": "0", "RETRY_WAIT_MAX": "1"}
pytestmark = pytest.mark.settings(**QUICK)


def known(stack: Stack, **lead: Any) -> tuple[Person, int]:
    """A person who is a contact already, and their lead."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    return person, stack.sandbox.add_lead(contact_id, pipeline_id=account.SITE, status_id=account.SITE_WORK, **lead)


# A value in a form that is not understood.

ODD: dict[str, Any] = {
    "true": [{"field_id": account.FIELD_IDS[TOTAL], "values": [{"value": True}]}],
    "object": [{"field_id": account.FIELD_IDS[TOTAL], "values": [{"value": {"amount": 50000}}]}],
    "array": [{"field_id": account.FIELD_IDS[TOTAL], "values": [{"value": [50000]}]}],
    "values_object": [{"field_id": account.FIELD_IDS[TOTAL], "values": {"value": "50000"}}],
    "fields_object": {str(account.FIELD_IDS[TOTAL]): "50000"},
    "missing": None,
}


@pytest.mark.parametrize("name", ODD)
def test_total_in_a_form_that_is_not_understood_is_not_nothing(stack: Stack, name: str) -> None:
    person, lead_id = known(stack, fields={TOTAL: 50000, COUNT: 4})
    shown = {"id": lead_id, "status_id": account.SITE_WORK, "pipeline_id": account.SITE, "updated_at": 1700000000}
    if ODD[name] is not None:
        shown["custom_fields_values"] = ODD[name]
    stack.sandbox.fault("status", "GET", f"/api/v4/leads/{lead_id}", status=200, body=shown)
    payment = new_payment(person)
    assert stack.post(payment).json["status"] == "queued"
    assert stack.sandbox.lead(lead_id)["fields"][TOTAL] == "50000"
    stack.start_syncd()
    stack.finished(payment)
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT]) == ("55000", "5"), id_of(payment)


# Two people pay for one named lead.


@pytest.mark.settings(PAYMENT_MAPPING=str(ROOT / "lib/rules/examples/lead-id.json"))
def test_two_people_who_pay_for_one_lead_at_once_lose_nothing(stack: Stack) -> None:
    """The lead is linked to one of them alone; answers are late by 5 to 150 ms."""
    owner, lead_id = known(stack)
    for late_ms in (5, 40, 90, 150):
        stack.sandbox.fault("hang", "GET", "/api/v4/leads*", when="after", ms=late_ms, probability=0.4, times=-1)
    stack.start_syncd()
    payments = []
    with ThreadPoolExecutor(2) as senders:
        for _ in range(20):
            pair = [new_payment(payer, amo_payment_id=lead_id) for payer in (owner, new_person())]
            payments += pair
            list(senders.map(stack.post, pair))
    for payment in payments:
        stack.finished(payment)
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT]) == ("200000", "40")


def test_lead_that_nobody_else_paid_for_is_read_once(stack: Stack) -> None:
    """A known person's payment takes four calls: search, read, change, note."""
    person, _ = known(stack)
    stack.carry(new_payment(person))
    stack.sandbox.forget_log()
    stack.carry(new_payment(person))
    assert len(stack.sandbox.log()) == 4


# A manager writes the payment's id into the lead beforehand.


@pytest.mark.parametrize("lost", [None, "before", "after"])
def test_id_that_a_manager_wrote_beforehand_swallows_nothing(stack: Stack, lost: str | None) -> None:
    person, lead_id = known(stack, fields={TOTAL: 1000, COUNT: 1, account.PAYMENT_ID: "pay_by_hand"})
    if lost:
        stack.sandbox.fault("reset", "PATCH", "/api/v4/leads/*", when=lost)
    payment = new_payment(person, payment_id="pay_by_hand")
    stack.post(payment)
    stack.start_syncd()
    stack.finished(payment, seconds=40)
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT]) == ("6000", "2")
    assert len(stack.sandbox.notes(lead_id)) == 1


def test_lead_that_has_the_payment_and_its_note_keeps_its_total(stack: Stack) -> None:
    """The ledger was restored from an older copy."""
    person, lead_id = known(stack, fields={TOTAL: 5000, COUNT: 1, account.PAYMENT_ID: "pay_forgotten"})
    stack.sandbox.control("POST", "notes", {"entity_id": lead_id, "text": "Оплата\nPayment ID: pay_forgotten"})
    assert stack.carry(new_payment(person, payment_id="pay_forgotten"))["lead_id"] == lead_id
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT], len(stack.sandbox.notes(lead_id))) == ("5000", "1", 1)


# What was chosen is gone when it is written.


def post_late(stack: Stack, payment: Payment, method: str, path: str) -> Future[Answer]:
    """Post a payment, one request of which reaches the account late; returns while it is under way."""
    stack.sandbox.fault("delay", method, path, ms=2000)
    answer = ThreadPoolExecutor(1).submit(stack.post, payment)
    time.sleep(1)
    return answer


@pytest.mark.parametrize("path", ["/api/v4/leads/*", "/api/v4/leads/notes"], ids=["change", "note"])
def test_lead_that_is_deleted_when_it_is_written_is_replaced(stack: Stack, path: str) -> None:
    person, lead_id = known(stack, fields={TOTAL: 1000, COUNT: 1})
    payment = new_payment(person)
    answer = post_late(stack, payment, "POST" if path.endswith("notes") else "PATCH", path)
    stack.sandbox.delete("leads", lead_id)
    assert answer.result().json["status"] == "success", answer.result().body.decode()
    (lead,) = stack.sandbox.leads()
    assert lead["id"] != lead_id and (lead["fields"][TOTAL], lead["fields"][COUNT]) == ("5000", "1")
    assert len(stack.sandbox.notes(lead["id"])) == 1
    assert stack.paymentctl("integrity").returncode == 0


def test_contact_that_is_merged_when_its_lead_is_created_is_searched_for_anew(stack: Stack) -> None:
    person = new_person()
    old, new = (stack.sandbox.add_contact(fields={PHONE: person.phone_e164}, updated_at=at) for at in (1700000009, 1700000000))
    payment = new_payment(person)
    answer = post_late(stack, payment, "POST", "/api/v4/leads")
    stack.sandbox.control("POST", f"contacts/{old}/merge", {"into": new})
    assert answer.result().json["status"] in ("queued", "success")
    stack.start_syncd()
    row = stack.finished(payment)
    (lead,) = stack.sandbox.leads()
    assert (row["contact_id"], row["lead_id"]) == (new, lead["id"]) and lead["fields"][TOTAL] == "5000"


# Texts come back otherwise than they were written.

WORN: dict[str, dict[str, Any]] = {
    "cut_at_emoji": {"cut_at_emoji": True},
    "lines_joined": {"join_lines": True},
    "cut_at_256": {"text_max": 256},
    "otherwise": {"join_lines": True, "html_texts": True, "upper_case": True},
}


@pytest.mark.parametrize("name", WORN)
@pytest.mark.settings(AMO_LEAD_FIELD_PAYMENT_ID=None)
def test_what_we_wrote_is_recognised_in_texts_that_changed(stack: Stack, name: str) -> None:
    """The answers to two creations are lost; no field shows the payment's id."""
    stack.sandbox.set(**WORN[name])
    payments = [
        new_payment(new_person("Анна & Co \N{GRINNING FACE}", "П" * 150), payment_id=f"pay & {name} {n}") for n in (1, 2)
    ]
    for path, payment in zip(("/api/v4/leads", "/api/v4/leads/notes"), payments):
        stack.sandbox.fault("reset", "POST", path, when="after")
        assert stack.post(payment).json["status"] == "queued"
    stack.start_syncd()
    leads = {stack.finished(payment, seconds=40)["lead_id"] for payment in payments}
    assert leads == {lead["id"] for lead in stack.sandbox.leads()} and len(leads) == 2
    assert all(len(stack.sandbox.notes(lead)) == 1 for lead in leads)


# The payment's id is not shown as it was written.

FORMS: dict[str, dict[str, Any]] = {
    "007": {"type": "numeric"},
    "12345678901234567890": {"type": "numeric"},
    "pay & co": {"html_texts": True},
    "pay_small": {"upper_case": True},
    "pay_\N{GRINNING FACE}_1": {"cut_at_emoji": True},
}


@pytest.mark.parametrize("created", [False, True], ids=["change", "creation"])
@pytest.mark.parametrize("payment_id", FORMS)
def test_id_in_another_form_is_not_added_twice(stack: Stack, payment_id: str, created: bool) -> None:
    """The answer is lost."""
    form = dict(FORMS[payment_id])
    if "type" in form:
        stack.sandbox.control("PATCH", f"fields/{account.FIELD_IDS[account.PAYMENT_ID]}", form)
    else:
        stack.sandbox.set(**form)
    person, lead_id = known(stack, fields={TOTAL: 1000, COUNT: 1, account.PAYMENT_ID: "4"})
    stack.sandbox.fault("reset", "POST" if created else "PATCH", "/api/v4/leads*", when="after")
    payment = new_payment(new_person() if created else person, payment_id=payment_id)
    assert stack.post(payment).json["status"] == "queued"
    stack.start_syncd()
    lead = stack.sandbox.lead(stack.finished(payment, seconds=40)["lead_id"])
    assert (lead["fields"][TOTAL], lead["fields"][COUNT]) == (("5000", "1") if created else ("6000", "2"))
    assert len(stack.sandbox.leads()) == 1 + created and (lead["id"] != lead_id) == created


# amoCRM's clock and ours differ.


@pytest.mark.settings(AMO_LEAD_FIELD_PAYMENT_ID=None)
def test_clock_behind_ours_does_not_hide_what_was_created(stack: Stack) -> None:
    """The answers to the creation of a contact who is known by name alone, and of a lead, are lost."""
    stack.sandbox.set(clock_behind_s=7200)
    named = new_payment(new_person("Безымянный"), user={"first_name": "Безымянный"})
    stack.sandbox.fault("reset", "POST", "/api/v4/contacts", when="after")
    assert stack.post(named).json["status"] == "queued"
    other = new_payment(new_person())
    stack.sandbox.fault("reset", "POST", "/api/v4/leads", when="after")
    assert stack.post(other).json["status"] == "queued"
    stack.start_syncd()
    for payment in (named, other):
        stack.finished(payment, seconds=40)
    assert (len(stack.sandbox.contacts()), len(stack.sandbox.leads())) == (2, 2)


# One field, or one rule, that the account does not take.


def test_field_that_provokes_500_is_left_out(stack: Stack) -> None:
    stack.sandbox.fault("status", "POST", "/api/v4/leads", "provoking", status=500, times=-1)
    payment = new_payment(new_person(), utm={"source": "provoking"})
    assert stack.post(payment).json["status"] == "queued"
    stack.start_syncd()
    lead = stack.sandbox.lead(stack.finished(payment, seconds=90)["lead_id"])
    assert "utm_source" not in lead["fields"] and lead["fields"][account.INVOICE_ID] and lead["fields"][TOTAL] == "5000"
    (note,) = stack.sandbox.notes(lead["id"])
    assert "Не записаны поля: " in note and "UTM_SOURCE" in note


@pytest.mark.parametrize("gone", ["AMO_STATUS_AUTOPAY_SITE", "AMO_PIPELINE_SITE"])
def test_stage_or_pipeline_that_is_gone_fails_nobody(stack: Stack, gone: str) -> None:
    stack.stop_service()
    stack.start_service(**{gone: "77777777"})
    answer = stack.carry(new_payment(new_person()))
    lead = stack.sandbox.lead(answer["lead_id"])
    assert lead["pipeline_id"] == account.SITE and lead["fields"][TOTAL] == "5000"
    if gone == "AMO_STATUS_AUTOPAY_SITE":
        assert lead["status_id"] == account.SITE_NEW
    assert "Не записаны поля: " in stack.sandbox.notes(answer["lead_id"])[0]


def test_amount_above_the_largest_price(stack: Stack) -> None:
    answer = stack.carry(new_payment(new_person(), item(3_000_000_000)))
    lead = stack.sandbox.lead(answer["lead_id"])
    assert (lead["price"], lead["fields"][TOTAL]) == (0, "3000000000")
