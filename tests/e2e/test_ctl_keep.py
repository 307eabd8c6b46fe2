"""paymentctl keeps the ledger: erases what is personal, copies it while it is in use."""

import re
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from harness import account
from harness.pages import block_of, follow
from harness.payload import Person, id_of, item, new_payment, new_person
from harness.paymentctl import alone, ask, on_terminal, say
from harness.process import until
from harness.stack import ROOT, Stack


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["purge"], "--days"),
        (["purge", "--days", "0"], '--days: "0"'),
        (["purge", "--days", "30", "more"], '"more"'),
        (["backup"], "FILE"),
        (["backup", "a", "b"], '"b"'),
    ],
)
def test_wrong_usage(arguments: list[str], told: str) -> None:
    done = alone(*arguments, AMO_RATE_LIMIT="nonsense")
    assert done.returncode == 64 and told in done.stderr.splitlines()[0] and "AMO_RATE_LIMIT" not in done.stderr
    assert "--json" in alone(arguments[0], "--help").stdout


# Purge.


def make_older(stack: Stack, days: int, *payment_ids: str) -> None:
    with stack.ledger.change() as database:
        for payment_id in payment_ids:
            database.execute(
                "UPDATE payment_events SET recorded_ms = recorded_ms - ?, created_at = datetime(created_at, ?) WHERE payment_id = ?",
                [days * 86400000, f"-{days} days", payment_id])  # fmt: skip


def traces(stack: Stack, *words: str) -> list[str]:
    """Those of the words that are in the ledger's files, whatever part of them."""
    data = b"".join(path.read_bytes() for path in stack.data.glob("payments.sqlite*"))
    return [word for word in words if word.encode() in data]


def canaries(person: Person) -> tuple[str, ...]:
    return (person.email, person.phone, person.telegram_id)


def new_stranger(number: int) -> Person:
    return Person("Имя", f"Канарейка{number}", f"8999111{number:04d}", f"canary{number:04d}@example.com", f"88{number:06d}1", f"canary_{number}")


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False", RETRY_MAX_ATTEMPTS="1")
def test_purge(stack: Stack) -> None:
    """Old and finished ones lose what is personal; young and unfinished ones keep it.  Nothing is left in any of the files."""
    people = [new_stranger(number) for number in range(1, 60)]
    known, fresh, waiting, failed = people[:4]
    for person in (known, fresh):
        contact = stack.sandbox.add_contact(fields={account.PHONE: "+7" + person.phone[1:]})
        stack.sandbox.add_lead(contact, status_id=account.SITE_WORK)
    payments = {person: new_payment(person) for person in people}
    for person in people[4:]:
        assert stack.post(payments[person]).status == 404
    assert [stack.post(payments[person]).status for person in (known, fresh, failed)] == [200, 200, 404]
    contradiction = new_payment(people[9], item(1), payment_id=id_of(payments[known]))
    assert stack.post(contradiction).json["status"] == "conflict"
    stack.sandbox.fault("status", status=503)
    assert stack.post(payments[waiting]).status == 202
    make_older(stack, 40, *(id_of(payment) for person, payment in payments.items() if person is not fresh))
    with stack.ledger.change() as database:
        database.execute("UPDATE payment_conflict SET seen_ms = seen_ms - 40 * 86400000")
    old = [person for person in people if person not in (fresh, waiting)]
    before = stack.ledger.row(id_of(payments[known]))

    nothing = ask(stack, "purge", "--days", "41")
    assert (nothing["payments"], nothing["conflicts"]) == (0, 0)
    planned = ask(stack, "purge", "--days", "30", "--dry-run")
    assert (planned["payments"], planned["conflicts"], planned["dry_run"]) == (len(old), 1, True)
    assert traces(stack, *canaries(known)) == list(canaries(known))
    done = ask(stack, "purge", "--days", "30")
    assert done == {**planned, "dry_run": False, "before": done["before"]}

    for person in old:
        assert traces(stack, *canaries(person)) == []
    for person in (fresh, waiting):
        assert traces(stack, *canaries(person)) == list(canaries(person))
    assert stack.ledger.query("SELECT count(*) AS n FROM trail JOIN payment_events e ON e.id = payment WHERE e.payload = ''")[0]["n"] == 0
    after = stack.ledger.row(id_of(payments[known]))
    assert after == {**before, "payload": ""}
    story = ask(stack, "show", id_of(payments[known]), "--payload")
    assert story["purged"] is True and story["conflicts"][0]["payload"].startswith("purged")
    assert ask(stack, "purge", "--days", "30")["payments"] == 0
    assert ask(stack, "integrity")["whole"] is True

    # Duplicates and conflicts are still known as such; a failed one is carried again only when it is told again.
    stack.sandbox.heal()
    assert stack.post(payments[known]).json["status"] == "duplicate"
    assert stack.post(contradiction).json["status"] == "conflict"
    left = ask(stack, "retry", id_of(payments[failed]), code=1)["left"]
    assert "its payload is gone" in left[id_of(payments[failed])]
    told = ask(stack, "retry", "--failed", code=1)
    assert told["retried"] == [] and len(told["left"]) == len(people) - 3
    contact = stack.sandbox.add_contact(fields={account.PHONE: "+7" + failed.phone[1:]})
    stack.sandbox.add_lead(contact, status_id=account.SITE_WORK)
    assert stack.post(payments[failed]).json["status"] == "success"


def test_purge_is_told(stack: Stack) -> None:
    payment = new_payment(new_person())
    stack.carry(payment)
    make_older(stack, 2, id_of(payment))
    assert "would be erased" in say(stack, "purge", "--days", "1", "--dry-run")
    on_screen = on_terminal(stack, "purge", "--days", "1")
    assert "purging: 1" in on_screen and "erased of before" in on_screen
    assert "purging" not in stack.paymentctl("purge", "--days", "1").stderr


def test_purge_says_when_the_log_is_still_read(stack: Stack) -> None:
    payment = new_payment(new_stranger(1))
    stack.carry(payment)
    make_older(stack, 2, id_of(payment))
    with closing(sqlite3.connect(stack.ledger.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM payment_events").fetchall()
        done = stack.paymentctl("purge", "--days", "1")
        assert done.returncode == 75 and "purge again" in done.stderr
    ask(stack, "purge", "--days", "1")
    assert traces(stack, *canaries(new_stranger(1))) == []


# Backup.


def test_backup_under_load(stack: Stack) -> None:
    first = [new_payment(new_person(), status="NEW") for _ in range(50)]
    for payment in first:
        assert stack.post(payment).status == 202
    stop = threading.Event()
    written = []

    def write() -> None:
        while not stop.is_set():
            payment = new_payment(new_person(), status="NEW")
            assert stack.post(payment).status == 202
            written.append(id_of(payment))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: len(written) > 5, "somebody writes")
        copies = []
        for number in range(3):
            seen = len(first) + len(written)
            copy = ask(stack, "backup", str(stack.data / f"copy{number}.sqlite"))
            assert copy["payments"] >= seen
            copies.append(copy)
    finally:
        stop.set()
        writer.join()
    for copy in copies:
        path = Path(copy["file"])
        assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == copy["bytes"]
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT count(*) FROM payment_events").fetchone() == (copy["payments"],)
    assert {path.name for path in stack.data.glob("copy*")} == {"copy0.sqlite", "copy1.sqlite", "copy2.sqlite"}

    # It is a ledger, and takes the place of one.
    stack.variables["PAYMENTS_DB"] = copies[2]["file"]
    assert ask(stack, "integrity")["whole"] is True
    assert ask(stack, "stats")["payments"]["skipped"]["count"] == copies[2]["payments"]


def test_backup_overwrites_nothing(stack: Stack) -> None:
    path = stack.data / "mine"
    path.write_text("mine")
    done = stack.paymentctl("backup", str(path))
    assert done.returncode == 1 and "exists" in done.stderr and path.read_text() == "mine"
    assert stack.paymentctl("backup", str(stack.data / "none" / "file")).returncode == 75
    assert re.search(r"copy: \d+ bytes, 0 payments, verified", say(stack, "backup", str(stack.data / "copy")))


def test_backup_is_told(stack: Stack) -> None:
    on_screen = on_terminal(stack, "backup", str(stack.data / "copy"))
    assert re.search(r"copying pages: (\d+) of \1\x1b\[K\r\n.*copy: \d+ bytes", on_screen)
    assert stack.paymentctl("backup", str(stack.data / "another")).stderr == ""


def test_restoring_as_the_paper_on_operation_tells(stack: Stack) -> None:
    """A copy takes the ledger's place, and still knows what was carried; twice.  This stack stops and starts without systemctl."""
    stop, replace, look, start = block_of(ROOT / "systemd/OPERATION.md", "lost-")
    assert stop.startswith("systemctl stop ") and start.startswith("systemctl start ")
    payment, skipped = new_payment(new_person()), new_payment(new_person(), status="NEW")
    lead_id = stack.carry(payment)["lead_id"]
    assert stack.post(skipped).status == 202
    night = re.search(r"backup/\S+", replace)
    assert night
    (stack.data / "backup").mkdir()
    ask(stack, "backup", str(stack.data / night[0]))
    stack.carry(new_payment(new_person()))  # It is in the log beside the ledger, and must not come back with it.
    left = {path: path.read_bytes() for path in stack.data.glob("payments.sqlite*")}
    assert {"payments.sqlite", "payments.sqlite-wal", "payments.sqlite-shm"} <= {path.name for path in left}

    stack.stop_service()
    for path, data in left.items():  # As a host that died leaves them.
        path.write_bytes(data)
    follow(stack, f"{replace} && {look}")
    (lost,) = stack.data.glob("lost-*")
    assert {path.name for path in lost.iterdir()} >= {path.name for path in left}
    lost.rename(stack.data / "first")  # As after a second: what was lost then must not be in the way.
    follow(stack, f"{replace} && {look}")
    stack.start_service(fresh=False)

    answer = stack.post(payment)
    assert (answer.status, answer.json["status"], answer.json["lead_id"]) == (409, "duplicate", lead_id)
    assert ask(stack, "stats")["payments"]["success"]["count"] == 1 and stack.ledger.status(id_of(skipped)) == "skipped"
    stack.carry(new_payment(new_person()))
    assert ask(stack, "integrity")["whole"] is True
