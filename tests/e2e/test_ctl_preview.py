"""paymentctl retry --dry-run: it says what it will do, does nothing, and then just that is done."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness import account
from harness.account import COUNT, PHONE, SUBJECTS, TELEGRAM_ID, TOTAL
from harness.ctl import CONFIG, LATER, OK, SEE, USAGE, ctl, ctl_json
from harness.payload import Payment, Person, item, new_payment, new_person
from harness.stack import Stack

pytestmark = pytest.mark.settings(CREATE_IF_NOT_FOUND="False")


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]


@pytest.fixture
def failed(stack: Stack) -> tuple[Payment, Person]:
    """A payment that failed for want of a contact."""
    person = new_person()
    payment = new_payment(person, item(5000, "Русский"), item(2500, "Физика"))
    assert stack.post(payment).status == 404
    stack.sandbox.forget_log()
    return payment, person


def add_payer(stack: Stack, person: Person) -> int:
    """Somebody made the contact and a lead by hand since."""
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    fields = {TOTAL: "1000", COUNT: "1", SUBJECTS: [810005]}
    return stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields=fields)


def only_read(stack: Stack) -> bool:
    return {entry["method"] for entry in stack.sandbox.log()} == {"GET"}


def test_says_what_is_done(stack: Stack, failed: tuple[Payment, Person]) -> None:
    payment, person = failed
    lead_id = add_payer(stack, person)
    (report,) = ctl_json(stack, "retry", "--dry-run", id_of(payment))
    assert report["contact"]["matched_by"] == "phone" and report["lead"]["id"] == lead_id
    told = {one["field"]: (one["old"], one["new"]) for one in report["lead_changes"]}
    assert told[TOTAL] == ("1000", "8500") and told[COUNT] == ("1", "2")
    assert told[SUBJECTS] == ("Физика", "Физика, Русский")
    assert told[account.LAST_DATE] == ("", "2025-01-20 14:49:20")
    assert {one["field"]: one["new"] for one in report["contact_changes"]} == {
        TELEGRAM_ID: person.telegram_id, account.TELEGRAM_NAME: person.telegram_tag
    }  # fmt: skip
    assert only_read(stack) and stack.ledger.status(id_of(payment)) == "failed"

    before = stack.sandbox.lead(lead_id)["fields"]
    assert ctl(stack, "retry", id_of(payment)).returncode == OK
    stack.sync_once()
    after = stack.sandbox.lead(lead_id)["fields"]
    assert {name for name in after if after[name] != before.get(name)} == set(told)
    assert (after[TOTAL], after[COUNT]) == ("8500", "2")


def test_goes_by_the_rules_in_force(stack: Stack, failed: tuple[Payment, Person], tmp_path: Path) -> None:
    payment, person = failed
    add_payer(stack, person)
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "subjects": {"Русский": 810006}}')
    (report,) = ctl_json(stack, "retry", "--dry-run", id_of(payment), PAYMENT_MAPPING=str(rules))
    assert [one["new"] for one in report["lead_changes"] if one["field"] == SUBJECTS] == ["Физика, Химия"]


def test_the_lead_that_a_webhook_names(stack: Stack, tmp_path: Path) -> None:
    person = new_person()
    payment = new_payment(person, crm_lead=10000001)
    assert stack.post(payment).status == 404
    named = add_payer(stack, person)
    latest = stack.sandbox.add_lead(40000001, status_id=account.SITE_WORK, updated_at=1900000000)
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "extends": "builtin", "lead_id": {"path": "course_order.crm_lead"}}')

    def lead(**settings: str) -> int:
        (report,) = ctl_json(stack, "retry", "--dry-run", id_of(payment), **settings)
        return report["lead"]["id"]

    assert named == 10000001
    assert (lead(), lead(PAYMENT_MAPPING=str(rules))) == (latest, named)


def test_for_people(stack: Stack, failed: tuple[Payment, Person]) -> None:
    payment, person = failed
    lead_id = add_payer(stack, person)
    done = ctl(stack, "retry", "--failed", "--dry-run")
    assert done.returncode == OK
    assert f'{id_of(payment)}\n  contact 40000001, found by phone\n    {TELEGRAM_ID}: nothing -> ' in done.stdout
    assert f'  lead {lead_id} "Заявка"\n' in done.stdout and f"    {TOTAL}: 1000 -> 8500\n" in done.stdout
    last = "  a note, unless it is there already\n1 payment would be carried so; nothing was changed\n"
    assert done.stdout.endswith(last)


def test_which_ones(stack: Stack, failed: tuple[Payment, Person]) -> None:
    """As retry itself chooses them: imported ones only by name, those without a payload not at all."""
    payment, _ = failed
    row = str(stack.ledger.row(id_of(payment))["id"])

    def told(*words: str) -> list[str]:
        return [one["payment_id"] for one in json.loads(ctl(stack, "retry", "--dry-run", "--json", *words).stdout)]

    assert told("--failed") == told("#" + row) == told(id_of(payment)) == [id_of(payment)]
    with closing(sqlite3.connect(stack.ledger.path)) as database, database:
        database.execute("UPDATE payment_events SET imported = 1")
    assert (told("--failed"), told(id_of(payment))) == ([], [id_of(payment)])
    with closing(sqlite3.connect(stack.ledger.path)) as database, database:
        database.execute("UPDATE payment_events SET payload = ''")
    done = ctl(stack, "retry", "--dry-run", id_of(payment))
    assert done.returncode == SEE and f"{id_of(payment)}: its payload is gone" in done.stderr


def test_would_fail_again(stack: Stack, failed: tuple[Payment, Person]) -> None:
    payment, _ = failed
    (report,) = ctl_json(stack, "retry", "--dry-run", id_of(payment))
    assert "it would fail again" in report["remarks"][0] and "lead" not in report
    (report,) = ctl_json(stack, "retry", "--dry-run", id_of(payment), CREATE_IF_NOT_FOUND="True")
    assert report["contact"]["id"] is None and report["lead"]["pipeline_id"] == account.SITE
    assert report["lead"]["name"] == f"Оплата Русский, Физика - {new_person().name}"
    assert only_read(stack)


def test_mistakes(stack: Stack, failed: tuple[Payment, Person]) -> None:
    done = ctl(stack, "retry", "--dry-run", "pay_unknown")
    assert done.returncode == SEE and "pay_unknown: there is no such payment" in done.stderr
    assert done.stderr == ctl(stack, "retry", "pay_unknown").stderr
    assert ctl(stack, "retry", "--dry-run").returncode == USAGE
    assert ctl(stack, "retry", "--failed", "--dry-run", AMO_ACCESS_TOKEN=None).returncode == CONFIG
    stack.sandbox.fault("status", status=503, times=-1)
    assert ctl(stack, "retry", "--failed", "--dry-run", RETRY_MAX_ATTEMPTS="1").returncode == LATER
