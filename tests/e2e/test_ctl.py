"""paymentctl as an operator uses it: what it prints, what it ends with, on a terminal and in a pipe."""

import json
import os
import re
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from harness import account
from harness.payload import id_of, item, new_payment, new_person
from harness.paymentctl import alone, ask, on_terminal, say
from harness.stack import BUILD, Stack

COMMANDS = ("stats", "list", "show", "retry", "settle", "resume", "integrity", "purge", "backup", "import")


# The command line.


def test_help_needs_no_settings() -> None:
    general = alone("--help", AMO_RATE_LIMIT="nonsense")
    assert general.returncode == 0 and general.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", general.stdout, re.M)
        done = alone(command, "--help", AMO_RATE_LIMIT="nonsense")
        assert done.returncode == 0 and done.stderr == ""
        assert done.stdout.startswith(f"usage: paymentctl {command}") and "--json" in done.stdout
        assert "exit status: 0 done" in done.stdout and "78 a mistake in the settings" in done.stdout
    assert alone("--version").stdout.startswith("paymentctl ")


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "no command"),
        (["nonsense"], '"nonsense"'),
        (["stats", "--limit", "3"], "--limit"),
        (["stats", "more"], '"more"'),
        (["list", "--status", "odd"], '--status: "odd"'),
        (["list", "--status", "FAILED"], "it may be pending, processing, success, failed or skipped"),
        (["list", "--since", "yesterday"], "2025-01-20T11:49:20Z"),
        (["list", "--limit", "0"], "a whole number from 1 to"),
        (["list", "--status", "failed", "--conflicts"], "either --status or --conflicts"),
        (["settle"], "settle needs ID"),
        (["list", "--since", "2025-02-30"], "2025-02-30"),
        (["list", "--limit", "0"], '--limit: "0"'),
        (["list", "--limit", "-1"], "--limit"),
        (["list", "--limit", "3x"], "3x"),
        (["list", "--limit"], "--limit needs a value"),
        (["list", "--json=yes"], "--json takes no value"),
        (["list", "-x"], "-x"),
        (["show"], "ID"),
        (["show", "a", "b"], '"b"'),
        (["retry"], "--failed"),
        (["retry", "a", "--failed"], "--failed"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    """One line names what is wrong, and the settings, which are wrong too, are not even read."""
    done = alone(*arguments, AMO_RATE_LIMIT="nonsense")
    assert done.returncode == 64 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("paymentctl: ") and told in lines[0]
    assert lines[1].startswith("usage: ") and "AMO_RATE_LIMIT" not in done.stderr


def test_settings_and_ledger_that_are_wrong(tmp_path: Path) -> None:
    wrong = alone("stats", AMO_RATE_LIMIT="nonsense")
    assert wrong.returncode == 78 and "AMO_RATE_LIMIT" in wrong.stderr
    path = tmp_path / "folder" / "payments.sqlite"
    assert alone("stats", PAYMENTS_DB=str(path)).returncode == 78
    path.parent.mkdir()
    missing = alone("stats", PAYMENTS_DB=str(path))
    assert missing.returncode == 78 and str(path) in missing.stderr
    assert list(path.parent.iterdir()) == []  # Nothing was made by looking.
    path.write_text("no database at all" * 100)
    assert alone("stats", PAYMENTS_DB=str(path)).returncode == 75


def test_busy_ledger(stack: Stack) -> None:
    with closing(sqlite3.connect(stack.ledger.path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = stack.paymentctl("retry", "--failed")
        assert done.returncode == 75 and "locked" in done.stderr and done.stdout == ""
    ask(stack, "retry", "--failed")


def test_gate_held_for_ever(stack: Stack) -> None:
    """It is waited for, but not for ever; and then it is said."""
    commands = [["stats"], ["retry", "--failed"], ["check"], ["backup", str(stack.data / "copy")]]
    with stack.ledger.gate_held(), ThreadPoolExecutor(len(commands)) as threads:
        began = time.monotonic()
        done = list(threads.map(lambda command: stack.paymentctl(*command), commands))
        assert 4 < time.monotonic() - began < 15
    assert [one.returncode for one in done] == [75, 75, 75, 75]
    told = [one.stderr or one.stdout.splitlines()[0] for one in done]
    for words in (told[0], told[1], told[3]):
        assert words.startswith("paymentctl: the ledger is busy: another process has held ") and words.count("\n") == 1
    assert told[2].startswith("PAYMENTS_DB: the ledger is busy: ")
    ask(stack, "retry", "--failed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's files could be in the way")
def test_root_makes_no_file_that_the_service_cannot_open(stack: Stack) -> None:
    stack.carry(new_payment(new_person()))
    stack.stop_service()
    for name in ("payments.sqlite", "."):
        os.chown(stack.data / name, 65534, 65534)
    (stack.data / "payments.sqlite-gate").unlink()
    assert ask(stack, "stats")["payments"]["success"]["count"] == 1
    made = stack.data / "payments.sqlite-gate"
    assert (made.stat().st_uid, made.stat().st_mode & 0o777) == (65534, 0o600)
    assert all(path.stat().st_uid == 65534 for path in stack.data.glob("payments.sqlite*"))


# Looking.


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_stats(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={account.PHONE: person.phone_e164})
    stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    empty = ask(stack, "stats")
    assert empty["last_success"] is None and empty["unfinished"] == 0 and empty["oldest_unfinished"] is None
    paid = new_payment(person, item("5000.50"))
    assert [stack.post(payment).status for payment in (paid, paid, new_payment(person, status="NEW"))] == [200, 409, 202]
    assert stack.post(new_payment(person, item(1), payment_id=id_of(paid))).json["status"] == "conflict"
    stats = ask(stack, "stats", code=1)
    assert stats["payments"]["success"] == {"count": 1, "kopecks": 500050}
    assert stats["payments"]["skipped"] == {"count": 1, "kopecks": 500000}
    assert stats["payments"]["failed"] == {"count": 0, "kopecks": 0}
    assert (stats["duplicates"], stats["conflicts"], stats["unsettled_conflicts"]) == (1, 1, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stats["last_success"])
    assert stats["crm_breaker"] == {"state": "closed"}

    assert "conflicts     1, of these to be settled: 1" in say(stack, "stats", code=1)
    ask(stack, "settle", id_of(paid))
    assert ask(stack, "stats")["unsettled_conflicts"] == 0
    stack.post(new_payment(new_person()))
    assert ask(stack, "stats", code=1)["payments"]["failed"]["count"] == 1
    said = say(stack, "stats", code=1)
    assert re.search(r"^success +1 +5000\.50 RUB$", said, re.M) and re.search(r"^failed +1 ", said, re.M)
    assert re.search(r"^conflicts +1$", said, re.M) and re.search(r"^amoCRM +may be called$", said, re.M)


def test_stats_tell_of_the_breaker(stack: Stack) -> None:
    stack.sandbox.fault("status", status=401)
    stack.post(new_payment(new_person()))
    stats = ask(stack, "stats")
    assert stats["crm_breaker"]["state"] == "open" and stats["crm_breaker"]["status"] == 401
    assert stats["unfinished"] == 1 and stats["oldest_unfinished"] is not None
    assert re.search(r"^amoCRM +refuses everybody with 401 since \d{4}-", say(stack, "stats"), re.M)


def test_list(stack: Stack) -> None:
    skipped, paid = new_payment(new_person(), status="NEW"), new_payment(new_person())
    for payment in (skipped, paid):
        stack.post(payment)
    assert [row["payment_id"] for row in ask(stack, "list")] == [id_of(paid), id_of(skipped)]
    assert [row["payment_id"] for row in ask(stack, "list", "--status", "skipped")] == [id_of(skipped)]
    assert ask(stack, "list", "--status", "failed") == [] and ask(stack, "list", "--status", "processing") == []
    assert len(ask(stack, "list", "--limit", "1")) == 1
    assert len(ask(stack, "list", "--since", "2025-01-20")) == 2
    assert ask(stack, "list", "--since", "2999-01-20 10:00:00", "--status", "success") == []
    row = ask(stack, "list", "--status", "success")[0]
    assert row["kopecks"] == 500000 and row["paid_at"] == "2025-01-20T11:49:20Z" and row["lead_created"] is True
    assert "payload" not in row and row["purged"] is False
    said = say(stack, "list").splitlines()
    assert said[0].split() == ["RECEIVED", "STATUS", "AMOUNT", "LEAD", "PAYMENT", "REASON"]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  success  +5000\.00 RUB +\d+  " + id_of(paid) + "  -$", said[1])


def test_since_is_told_in_the_zone_of_payments(stack: Stack) -> None:
    stack.post(new_payment(new_person()))
    stack.stop_service()
    with stack.ledger.change() as database:
        database.execute("UPDATE payment_events SET created_at = '2025-01-20 11:49:20'")
    assert len(ask(stack, "list", "--since", "2025-01-20 14:49:20")) == 1
    assert ask(stack, "list", "--since", "2025-01-20 14:49:21") == []
    assert "2025-01-20 14:49:20" in say(stack, "list")
    stack.variables["PAYMENT_TIMEZONE"] = "UTC"
    assert "2025-01-20 11:49:20" in say(stack, "list")
    assert ask(stack, "list", "--since", "2025-01-20 14:49:20") == []


PERSONAL = ("phone", "email", "telegram_id", "telegram_tag", "first_name", "last_name")


def test_show(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={account.PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={account.TOTAL: 1000})
    payment = new_payment(person, item(5000, "Астрономия\x1b[31m"))
    stack.carry(payment)
    stack.post(new_payment(person, item(1), payment_id=id_of(payment)))
    story = ask(stack, "show", id_of(payment))
    delivery = story["delivery"]
    assert (story["status"], story["contact_id"], story["lead_id"], story["lead_created"]) == ("success", contact_id, lead_id, False)
    assert delivery["matched_by"] == "phone" and delivery["applied"] is True and delivery["open_intent"] == ""
    assert (delivery["total_before"], delivery["total_after"]) == (100000, 600000)
    assert delivery["unmapped_subjects"] == ["Астрономия\x1b[31m"] and delivery["dropped_fields"] == []
    assert [conflict["reason"] for conflict in story["conflicts"]] == ["another amount"]
    assert "payload" not in story and "payload" not in story["conflicts"][0]
    assert ask(stack, "show", f"#{story['id']}") == story

    said = say(stack, "show", id_of(payment))
    assert f"{contact_id}, found by phone" in said and f"{lead_id}, which was there" in said
    assert "1000.00 RUB before, 6000.00 RUB after" in said and "another amount" in said
    assert "Астрономия?[31m" in said and "\x1b" not in said
    user = payment["course_order"]["user"]
    for text in (said, json.dumps(story, ensure_ascii=False)):
        assert [name for name in PERSONAL if user[name] in text] == []

    assert json.loads(ask(stack, "show", id_of(payment), "--payload")["payload"]) == payment
    assert person.email in say(stack, "show", id_of(payment), "--payload")
    for word in ("unknown", "#999", "#", "1"):
        done = stack.paymentctl("show", word)
        assert done.returncode == 1 and done.stdout == "" and f"no payment {word}" in done.stderr


def test_show_tells_the_trail(stack: Stack) -> None:
    payment = new_payment(new_person())
    stack.post(payment)
    row = stack.ledger.row(id_of(payment))["id"]
    stack.stop_service()
    with stack.ledger.change() as database:
        database.execute("DELETE FROM trail")
        database.execute("INSERT INTO trail (payment, at_ms, what) VALUES (?, 1737373760000, 'contact found by phone')", [row])
        database.execute(
            "INSERT INTO trail (payment, at_ms, what, status, took_ms, request_id)"
            " VALUES (?, 1737373761000, 'POST notes', 502, 140, 'r-17')", [row])  # fmt: skip
    trail = ask(stack, "show", id_of(payment))["trail"]
    assert trail == [
        {"at_ms": 1737373760000, "what": "contact found by phone"},
        {"at_ms": 1737373761000, "what": "POST notes", "status": 502, "took_ms": 140, "request_id": "r-17"},
    ]
    said = say(stack, "show", id_of(payment))
    assert re.search(r"^2025-01-20 14:49:20 +contact found by phone$", said, re.M)
    assert re.search(r"^2025-01-20 14:49:21 +502  140 ms  r-17 +POST notes$", said, re.M)


# The form.


def test_plain_in_a_pipe_coloured_on_a_terminal(stack: Stack) -> None:
    for payment in (new_payment(new_person()), new_payment(new_person(), status="NEW")):
        stack.post(payment)
    for command in (["list"], ["stats"], ["show", "#1"]):
        plain = say(stack, *command)
        assert "\x1b" not in plain
        coloured = on_terminal(stack, *command)
        assert "\x1b[" in coloured
        without = re.sub(r"\x1b\[[0-9;]*m", "", coloured).replace("\r\n", "\n")
        assert without == plain
        assert "\x1b" not in on_terminal(stack, *command, NO_COLOR="1")


def test_columns_of_cyrillic_text_are_straight(stack: Stack) -> None:
    stack.post(new_payment(new_person(), payment_id="Оплата №1"))
    stack.post(new_payment(new_person(), payment_id="pay-123456", status="НЕТ"))
    lines = say(stack, "list").splitlines()
    head = lines[0].index("REASON")
    assert all(line[head - 1] == " " and line[head] != " " for line in lines)


def test_output_that_cannot_be_written(stack: Stack) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "paymentctl", "list"], env=stack.variables, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 75 and "written" in done.stderr


# Taking care.


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_retry(stack: Stack) -> None:
    payments = [new_payment(new_person()) for _ in range(3)]
    for payment in payments:
        assert stack.post(payment).status == 404
    first, second, third = map(id_of, payments)
    row = ask(stack, "show", first)["id"]
    assert ask(stack, "retry", first) == {"retried": [first], "left": {}}
    assert ask(stack, "retry", f"#{row}", second, "unknown", code=1) == {
        "retried": [second],
        "left": {f"#{row}": "it has not failed: pending", "unknown": "there is no such payment"},
    }
    done = stack.paymentctl("retry", "unknown")
    assert done.returncode == 1 and "unknown: there is no such payment" in done.stderr
    third_row = ask(stack, "show", third)["id"]
    for misspelt in (f"#{third_row}abc", f"# {third_row}", f"#+{third_row}", f"#{third_row}.0", "#"):
        done = stack.paymentctl("retry", misspelt)
        assert done.returncode == 1 and f"{misspelt}: there is no such payment" in done.stderr
    assert stack.ledger.status(third) == "failed"
    assert ask(stack, "retry", "--failed") == {"retried": [third], "left": {}}
    assert "0 payments will be carried again" in say(stack, "retry", "--failed")
    assert "except those that were imported or have conflicts, which must be named" in alone("retry", "--help").stdout
    assert [stack.ledger.status(id_of(payment)) for payment in payments] == ["pending"] * 3


# The contact is created, the lead is refused.
def test_a_refund_that_comes_too_late(stack: Stack) -> None:
    """A person must take it back in amoCRM: it is shown until somebody has looked, and nobody carries it on by the way."""
    person = new_person()
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=400, times=-1)
    refund = new_payment(person, payment_id="pay_1", status="REFUNDED")
    assert stack.post(new_payment(person, payment_id="pay_1")).json["status"] == "failed"
    answer = stack.post(refund)
    assert (answer.status, answer.json["status"]) == (409, "conflict")
    assert ask(stack, "list", "--conflicts", "--since", "2999-01-01") == []
    (row,) = ask(stack, "list", "--conflicts")
    assert (row["payment_id"], row["status"], row["unsettled_conflicts"]) == ("pay_1", "failed", 1)
    assert row["conflicts"][0]["reason"].startswith("came again as: ") and row["conflicts"][0]["settled_ms"] is None
    assert re.search(r" failed .* pay_1 +came again as: ", say(stack, "list", "--conflicts"))
    left = ask(stack, "retry", "--failed", code=1)
    assert left["retried"] == [] and "a conflict that nobody has settled" in left["left"]["pay_1"]
    said = say(stack, "retry", "--failed", code=1)
    assert said.startswith("0 payments will be carried again\n1 payment left: it has a conflict")
    assert "1 payment left: it has a conflict" in say(stack, "retry", "--failed", "--dry-run", code=1)

    assert ask(stack, "settle", "--dry-run", "pay_1") == {"settled": ["pay_1"], "left": {}}
    assert say(stack, "settle", "--dry-run", "pay_1") == "pay_1 would be settled\n"
    assert len(ask(stack, "list", "--conflicts")) == 1
    assert ask(stack, "settle", f"#{row['id']}", "nope", code=1) == {"settled": [f"#{row['id']}"], "left": {"nope": "there is no such payment"}}
    done = stack.paymentctl("settle", "pay_1")
    assert done.returncode == 1 and done.stderr == "paymentctl: pay_1: it has no conflict to settle\n"
    assert ask(stack, "list", "--conflicts") == []
    assert ask(stack, "show", "pay_1")["conflicts"][0]["settled_ms"] > 0
    assert stack.post(refund).json["status"] == "conflict" and ask(stack, "list", "--conflicts") == []
    assert say(stack, "retry", "--failed") == "1 payment will be carried again\n"


def test_resume(stack: Stack) -> None:
    assert ask(stack, "resume") == {"resumed": True}
    (stack.data / "run" / "limiter").unlink()
    assert ask(stack, "resume") == {"resumed": False} and not (stack.data / "run" / "limiter").exists()


def test_integrity(stack: Stack) -> None:
    stack.carry(new_payment(new_person()))
    assert ask(stack, "integrity") == {"whole": True, "problems": []}
    stack.stop_service()
    with stack.ledger.change() as database:
        database.execute("UPDATE tally SET payments = 7")
    assert "tally" in ask(stack, "integrity", code=1)["problems"][0]
    assert "tally" in say(stack, "integrity", code=1)
