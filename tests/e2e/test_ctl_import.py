"""paymentctl takes over the ledger of the Python service."""

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import account
from harness.old_ledger import COLUMNS_AS_DESCRIBED, COLUMNS_AS_WRITTEN, make_old
from harness.payload import Payment, id_of, item, new_payment, new_person, to_body
from harness.paymentctl import alone, ask, on_terminal, say
from harness.stack import BUILD, Stack

def as_told(payment: Payment) -> dict[str, Any]:
    return {"payment_id": id_of(payment), "payload": to_body(payment).decode()}


@pytest.fixture
def old(stack: Stack) -> Iterator[Path]:
    yield stack.data / "old.sqlite"


def test_import(stack: Stack, old: Path) -> None:
    people = [new_person() for _ in range(6)]
    done, skipped, failed, hanging, repeated, odd = payments = [new_payment(person) for person in people]
    times = {"created_at": "2024-12-31 22:30:00", "processed_at": "2024-12-31T22:30:05.123456"}
    make_old(
        old,
        COLUMNS_AS_DESCRIBED,
        {**as_told(done), **times, "status": "success", "amount": 5000, "contact_id": 11, "lead_id": 22, "pipeline_id": 33, "lead_created": 1},
        {**as_told(skipped), "status": "skipped", "error_message": "status is NEW"},
        {**as_told(failed), "status": "failed", "error_message": "HTTP 400\nfor ivan@example.com", "retry_count": 3},
        {**as_told(hanging), "status": "processing"},
        {**as_told(repeated), "status": "duplicate", "lead_id": 44},
        {**as_told(odd), "status": "duplicate"},
    )
    counts = {"success": 2, "failed": 3, "skipped": 1}
    expected = {"rows": 6, "added": counts, "known": 0, "unfinished": 2, "unreadable_payload": 0, "without_id": 0}
    assert ask(stack, "import", str(old), "--dry-run", code=1) == {"dry_run": True, **expected}
    assert stack.ledger.query("SELECT * FROM payment_events") == []
    assert ask(stack, "import", str(old), code=1) == {"dry_run": False, **expected}
    row = stack.ledger.row(id_of(done))
    assert {name: row[name] for name in row if name not in ("id", "payload", "telegram", "phone", "email")} == {
        "payment_id": id_of(done), "created_at": "2024-12-31 22:30:00", "processed_at": "2024-12-31 22:30:05", "status": "success",
        "amount": 5000, "contact_id": 11, "lead_id": 22, "pipeline_id": 33, "lead_created": 1, "error_message": None, "retry_count": 0,
        "kopecks": 500000, "paid_at": 1737373760, "recorded_ms": 1735684200000, "next_ms": None, "duplicates": 0,
        "request_id": None, "imported": 1, "reason_private": 0, "day": 20089,
    }  # fmt: skip
    assert json.loads(row["payload"]) == done and 0 not in (row["telegram"], row["phone"], row["email"])
    assert stack.ledger.row(id_of(failed))["error_message"] == "the service used before: HTTP 400 for ivan@example.com"
    assert "look whether amoCRM has it" in stack.ledger.row(id_of(hanging))["error_message"]
    assert ask(stack, "integrity") == {"whole": True, "problems": []}
    story = say(stack, "show", id_of(done))
    assert "import from the service used before" in story and "22, created for it" in story

    # Once more adds nothing, also when the service has taken up some of them.
    assert stack.post(failed).json["status"] == "success"
    assert ask(stack, "import", str(old)) == {"dry_run": False, **expected, "added": dict.fromkeys(counts, 0), "known": 6, "unfinished": 0}

    # What was carried stays a duplicate; another amount, or another payer, is seen.
    for payment in (done, repeated):
        answer = stack.post(payment)
        assert (answer.status, answer.json["status"]) == (409, "duplicate")
    assert stack.post(done).json["lead_id"] == 22
    assert stack.post(new_payment(people[0], item(7000), payment_id=id_of(done))).json["status"] == "conflict"
    assert stack.post(new_payment(new_person(), payment_id=id_of(done))).json["status"] == "conflict"
    assert stack.post(skipped).json["status"] == "success"
    left = ask(stack, "retry", "--failed", code=1)
    assert left["retried"] == [] and set(left["left"]) == {id_of(hanging), id_of(odd)}
    assert all("it was imported" in reason for reason in left["left"].values())
    assert "2 payments left: it was imported" in say(stack, "retry", "--failed", code=1)
    assert ask(stack, "retry", id_of(hanging)) == {"retried": [id_of(hanging)], "left": {}}
    stack.sync_once()
    assert stack.ledger.status(id_of(hanging)) == "success"
    assert ask(stack, "integrity")["whole"] is True and len(payments) == 6


@pytest.mark.parametrize("created", [True, False])
def test_what_the_old_service_did_not_finish_is_not_added_twice(stack: Stack, old: Path, created: bool) -> None:
    """It died after it had written the lead: told again, the payment finds itself there."""
    person = new_person()
    payment = new_payment(person)
    contact = stack.sandbox.add_contact(fields={account.PHONE: person.phone_e164})
    lead = stack.sandbox.add_lead(
        contact,
        status_id=account.SITE_AUTOPAY if created else account.SITE_WORK,
        fields={account.TOTAL: 5000 if created else 8000, account.COUNT: 1 if created else 2, account.PAYMENT_ID: id_of(payment)},
    )
    make_old(old, COLUMNS_AS_DESCRIBED, {**as_told(payment), "status": "processing", "created_at": "2025-01-20 11:50:00"})
    ask(stack, "import", str(old), code=1)
    answer = stack.post(payment)
    assert (answer.json["status"], answer.json["lead_id"]) == ("success", lead)
    assert [one["id"] for one in stack.sandbox.leads()] == [lead]
    assert int(stack.sandbox.lead(lead)["fields"][account.TOTAL]) == (5000 if created else 8000)
    assert len(stack.sandbox.notes(lead)) == 1 and ask(stack, "integrity")["whole"] is True


def test_import_of_the_columns_as_they_were(stack: Stack, old: Path) -> None:
    payment = new_payment(new_person())
    make_old(
        old,
        COLUMNS_AS_WRITTEN,
        {**as_told(payment), "payment_date": "2025-01-20 14:49:20", "status": "success", "amount": 5000.0, "lead_id": 22,
         "status_id": 5, "is_lead_created": True},
        {"payment_id": "no webhook", "payment_date": "2025-01-20 14:49:20", "status": "success", "amount": 7000.5, "payload": "{}",
         "lead_id": 23, "is_lead_created": False, "created_at": "2025-01-20 12:00:00"},
        {"payment_id": "nothing", "status": "failed", "last_error": "Timeout"},
        {"payment_id": None, "status": "failed"},
        {"payment_id": " ", "status": "failed"},
    )  # fmt: skip
    said = ask(stack, "import", str(old), code=1)
    assert said["added"] == {"success": 2, "failed": 1, "skipped": 0} and (said["unreadable_payload"], said["without_id"]) == (2, 2)
    row = stack.ledger.row("no webhook")
    assert (row["kopecks"], row["amount"], row["paid_at"], row["phone"], row["lead_created"]) == (700050, 7000.5, 1737373760, 0, 0)
    assert stack.ledger.row(id_of(payment))["lead_created"] == 1
    assert stack.ledger.row("nothing")["error_message"] == "the service used before: Timeout"
    assert "its payload is gone" in ask(stack, "retry", "nothing", code=1)["left"]["nothing"]
    assert re.search(r"^ +2  nothing: without a payment_id$", say(stack, "import", str(old), code=1), re.M)
    assert stack.post(payment).json["status"] == "duplicate"


def test_amount_that_nobody_knows(stack: Stack, old: Path) -> None:
    """What the old service carried stays a duplicate, whatever amount it comes with."""
    make_old(old, COLUMNS_AS_WRITTEN, {"payment_id": "pay_old", "status": "success", "payload": "", "lead_id": 22})
    ask(stack, "import", str(old))
    for _ in range(2):
        assert stack.post(new_payment(new_person(), payment_id="pay_old")).json["status"] == "duplicate"
    assert stack.ledger.row("pay_old")["amount"] is None


def test_import_of_many(stack: Stack, old: Path) -> None:
    payment = new_payment(new_person())
    make_old(old, COLUMNS_AS_DESCRIBED, *({**as_told(payment), "payment_id": f"p{number}", "status": "success"} for number in range(450)))
    assert "importing: 450" in on_terminal(stack, "import", str(old))
    assert ask(stack, "stats")["payments"]["success"] == {"count": 450, "kopecks": 450 * 500000}


def test_import_from_a_service_that_runs(stack: Stack, old: Path) -> None:
    """Its last rows are in its log, and it is not kept from writing."""
    make_old(old, COLUMNS_AS_DESCRIBED)
    with closing(sqlite3.connect(old, isolation_level=None)) as running:
        running.execute("PRAGMA journal_mode = WAL")
        running.execute("INSERT INTO payment_events (payment_id, status, payload) VALUES ('a', 'success', '{}')")
        before = old.read_bytes()
        assert ask(stack, "import", str(old))["added"]["success"] == 1
        assert old.read_bytes() == before
        running.execute("UPDATE payment_events SET status = 'failed'")


def test_import_refuses(stack: Stack, old: Path) -> None:
    def refused(path: Path, told: str) -> None:
        done = stack.paymentctl("import", str(path))
        assert done.returncode == 1 and told in done.stderr and done.stdout == "", done.stderr

    refused(stack.data / "missing.sqlite", "missing.sqlite is not taken over: there is no such file")
    old.write_bytes(b"no database" * 1000)
    refused(old, "not a database")
    old.unlink()
    with closing(sqlite3.connect(old)) as database:
        database.execute("CREATE VIEW payment_events AS SELECT 1 AS payment_id, 'success' AS status")
    refused(old, "no table payment_events")
    old.unlink()
    make_old(old, "payment_id TEXT, state TEXT")
    refused(old, "no column status")
    refused(stack.ledger.path, "a ledger of this service already")
    assert stack.ledger.query("SELECT * FROM payment_events") == [] and not (stack.data / "missing.sqlite").exists()


def test_import_before_the_service_ever_ran(stack: Stack, old: Path, tmp_path: Path) -> None:
    make_old(old, COLUMNS_AS_DESCRIBED, {**as_told(new_payment(new_person())), "status": "success"})
    stack.variables["PAYMENTS_DB"] = str(tmp_path / "payments.sqlite")
    assert ask(stack, "import", str(old))["added"]["success"] == 1
    done = subprocess.run([BUILD / "paymentctl", "stats"], env=stack.variables, capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "payments.sqlite").stat().st_mode & 0o777 == 0o600


def test_wrong_usage() -> None:
    for arguments, told in ((["import"], "OLD.sqlite"), (["import", "a", "b"], '"b"'), (["import", "a", "--days", "3"], "--days")):
        done = alone(*arguments, AMO_RATE_LIMIT="nonsense")
        assert done.returncode == 64 and told in done.stderr.splitlines()[0] and "AMO_RATE_LIMIT" not in done.stderr
    assert "--dry-run" in alone("import", "--help").stdout
