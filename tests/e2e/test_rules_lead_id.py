"""Rules may say where a webhook names the lead itself."""

import pytest

from harness import account
from harness.account import PHONE, TOTAL
from harness.payload import new_payment, new_person
from harness.stack import ROOT, Stack

EXAMPLE = str(ROOT / "lib/rules/examples/lead-id.json")

pytestmark = pytest.mark.settings(PAYMENT_MAPPING=EXAMPLE)


def add_leads(stack: Stack, contact_id: int, *stages: int) -> list[int]:
    """A lead in each stage, each changed later than the one before."""
    return [
        stack.sandbox.add_lead(contact_id, pipeline_id=account.SITE, status_id=stage, updated_at=1700000000 + place)
        for place, stage in enumerate(stages)
    ]


WORK = account.SITE_WORK


def test_named_lead_goes_before_the_one_that_is_found(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    named, newer = add_leads(stack, contact_id, WORK, WORK)
    answer = stack.carry(new_payment(person, amo_payment_id=named))
    assert (answer["lead_id"], answer["lead_created"]) == (named, False)
    assert stack.sandbox.lead(named)["fields"][TOTAL] == "5000"
    assert TOTAL not in stack.sandbox.lead(newer)["fields"]


def test_named_as_a_text(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    named, _ = add_leads(stack, contact_id, WORK, WORK)
    assert stack.carry(new_payment(person, amo_payment_id=str(named)))["lead_id"] == named


def test_next_payment_without_a_name_finds_the_newest(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    named, _ = add_leads(stack, contact_id, WORK, WORK)
    assert stack.carry(new_payment(person, amo_payment_id=named))["lead_id"] == named
    assert stack.carry(new_payment(person))["lead_id"] == named, "it is the newest now"
    assert stack.sandbox.lead(named)["fields"][TOTAL] == "10000"


@pytest.mark.parametrize("nonsense", [0, None, "сделка", 999999999])
def test_lead_that_is_not_there_is_searched_for(stack: Stack, nonsense: object) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    [lead_id] = add_leads(stack, contact_id, WORK)
    assert stack.carry(new_payment(person, amo_payment_id=nonsense))["lead_id"] == lead_id


def test_deleted_lead_is_not_there(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    named, other = add_leads(stack, contact_id, WORK, WORK)
    stack.sandbox.delete("leads", named)
    assert stack.carry(new_payment(person, amo_payment_id=named))["lead_id"] == other


@pytest.mark.parametrize("stage", [account.SITE_AUTOPAY, account.WON, account.LOST])
def test_finished_lead_gets_no_payment_even_by_name(stack: Stack, stage: int) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    [named] = add_leads(stack, contact_id, stage)
    answer = stack.carry(new_payment(person, amo_payment_id=named))
    assert answer["lead_created"] and answer["lead_id"] != named


@pytest.mark.settings(PAYMENT_MAPPING=None)
def test_without_the_rule_names_mean_nothing(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    named, newer = add_leads(stack, contact_id, WORK, WORK)
    assert stack.carry(new_payment(person, amo_payment_id=named))["lead_id"] == newer
