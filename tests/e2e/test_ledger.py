"""The ledger as ops meet it: seed.md's queries, health, and what happens when it cannot take a payment."""

import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from harness import account
from harness.payload import Payment, new_payment, new_person
from harness.process import until
from harness.stack import Stack

STATISTICS = "SELECT status, COUNT(*) FROM payment_events GROUP BY status;"
LATEST = "SELECT payment_id, status, amount, created_at FROM payment_events ORDER BY created_at DESC LIMIT 10;"
ERRORS = "SELECT payment_id, error_message, created_at FROM payment_events WHERE status = 'failed';"


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_queries_of_the_python_service(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={account.PHONE: person.phone_e164})
    stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    paid, skipped, failed = new_payment(person), new_payment(person, status="NEW"), new_payment(new_person())
    assert [stack.post(payment).status for payment in (paid, skipped, failed)] == [200, 202, 404]

    counts = {row["status"]: row["COUNT(*)"] for row in stack.ledger.query(STATISTICS)}
    assert counts == {"success": 1, "skipped": 1, "failed": 1}
    latest = {row["payment_id"]: (row["status"], row["amount"]) for row in stack.ledger.query(LATEST)}
    assert latest == {id_of(paid): ("success", 5000), id_of(skipped): ("skipped", 5000), id_of(failed): ("failed", 5000)}
    (error,) = stack.ledger.query(ERRORS)
    assert (error["payment_id"], error["error_message"]) == (id_of(failed), "contact_not_found")
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    assert error["created_at"][:15] == now[:15]  # UTC, as CURRENT_TIMESTAMP writes it.


def test_columns_of_the_python_service(stack: Stack) -> None:
    columns = [row["name"] for row in stack.ledger.query("SELECT name FROM pragma_table_info('payment_events')")]
    assert columns[:13] == [
        "id", "payment_id", "created_at", "processed_at", "status", "amount", "contact_id", "lead_id", "pipeline_id",
        "lead_created", "payload", "error_message", "retry_count",
    ]  # fmt: skip


def test_survives_a_restart(stack: Stack) -> None:
    payment = new_payment(new_person())
    stack.carry(payment)
    stack.stop_service()
    stack.start_service(fresh=False)
    assert stack.post(payment).status == 409


@pytest.mark.settings(DELIVERY="queue")
def test_log_is_copied_into_the_database(stack: Stack) -> None:
    """Before it has grown to much more than a thousand pages, by workers whose senders have been answered."""
    for _ in range(30):
        assert stack.post({**new_payment(new_person()), "comment": "x" * 200_000}).status == 202
    until(lambda: stack.ledger.path.stat().st_size > 3_000_000, "the database holds most of it")
    log = stack.ledger.path.with_name(stack.ledger.path.name + "-wal")
    assert log.stat().st_size < 5_500_000


def log_bytes(stack: Stack) -> tuple[float, float]:
    """The size of the log, and whether that is an alarm."""
    lines = dict(line.rsplit(" ", 1) for line in stack.ask("GET", "/webhook/metrics").body.decode().splitlines() if line[0] != "#")
    return float(lines["payment_sync_ledger_log_bytes"]), float(lines['payment_sync_alarm{alarm="log_size"}'])


@pytest.mark.settings(DELIVERY="queue")
def test_log_that_a_forgotten_reader_keeps(stack: Stack) -> None:
    log = stack.ledger.path.with_name(stack.ledger.path.name + "-wal")
    stack.post(new_payment(new_person()))
    size, alarm = log_bytes(stack)
    assert 0 < size == log.stat().st_size and alarm == 0
    with closing(sqlite3.connect(f"file:{stack.ledger.path}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM payment_events").fetchall()
        for _ in range(10):
            assert stack.post({**new_payment(new_person()), "comment": "x" * 200_000}).status == 202
        assert log_bytes(stack)[0] > size + 2_000_000
        # Two hundred megabytes more, without the time that they take.
        os.truncate(log, 300 << 20)
        assert log_bytes(stack) == (300 << 20, 1)
        assert stack.health().json["alarms"][0]["name"] == "log_size"
    for _ in range(30):
        stack.post({**new_payment(new_person()), "comment": "x" * 200_000})
    until(lambda: log_bytes(stack)[1] == 0, "it has shrunk by itself")


# Health.


def test_healthy(stack: Stack) -> None:
    health = stack.health()
    assert (health.status, health.json["status"]) == (200, "healthy")
    assert health.json["last_success"] is None and health.json["oldest_undelivered"] is None
    stack.carry(new_payment(new_person()))
    stack.post(new_payment(new_person(), status="NEW"))
    health = stack.health()
    assert health.json["payments"] == {"pending": 0, "processing": 0, "success": 1, "failed": 0, "skipped": 1}
    assert health.json["ledger_writable"] is True and health.json["crm_breaker"] == {"state": "closed"}
    assert health.json["last_success"][:4] == time.strftime("%Y") and health.json["version"]
    assert len(stack.sandbox.log()) == 6  # All of them the payment's: health asks amoCRM nothing.


@pytest.mark.settings(DELIVERY="queue")
def test_degraded_by_an_old_backlog(stack: Stack) -> None:
    stack.post(new_payment(new_person()))
    assert stack.health().json["status"] == "healthy"
    for age_s, expected in ((14 * 60, "healthy"), (16 * 60, "degraded")):
        with closing(sqlite3.connect(stack.ledger.path)) as database, database:
            database.execute("UPDATE payment_events SET recorded_ms = ?", [int((time.time() - age_s) * 1000)])
        health = stack.health()
        assert (health.status, health.json["status"]) == (200, expected)
        assert age_s <= health.json["oldest_undelivered_seconds"] < age_s + 30
    stack.sync_once()
    assert stack.health().json["status"] == "healthy"


def is_unavailable(stack: Stack, payment: Payment) -> bool:
    answer = stack.post(payment)
    assert (answer.status, answer.json["status"]) == (503, "unavailable"), answer.body.decode()
    assert int(answer.headers["Retry-After"]) > 0
    health = stack.health()
    assert (health.status, health.json["status"]) == (503, "unhealthy")
    return True


def test_ledger_locked(stack: Stack) -> None:
    """Somebody holds it, and goes away again.  What was refused was not recorded; what is sent again is carried."""
    payment = new_payment(new_person())
    with closing(sqlite3.connect(stack.ledger.path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert is_unavailable(stack, payment)
        holder.execute("ROLLBACK")
    assert stack.ledger.query("SELECT * FROM payment_events") == [] and stack.sandbox.log() == []
    stack.carry(payment)
    assert stack.health().json["status"] == "healthy"


@pytest.mark.settings(workers=2)
def test_gate_held_for_ever(stack: Stack) -> None:
    """Senders hear of it while nginx still waits, one after another too, and no worker has to be killed for it."""
    payment = new_payment(new_person())
    stack.carry(new_payment(new_person()))
    with stack.ledger.gate_held(), ThreadPoolExecutor(3) as threads:
        began = time.monotonic()
        for answer in threads.map(stack.post, [payment, new_payment(new_person()), new_payment(new_person())]):
            assert (answer.status, answer.json["status"]) == (503, "unavailable")
            assert answer.json["detail"].startswith("the payment could not be recorded")  # Not nginx's own words.
        assert time.monotonic() - began < 15
        health = stack.health()
        assert (health.status, health.json["status"]) == (503, "unhealthy")
        assert health.json["detail"].startswith("the ledger is busy: ")
    assert stack.ledger.query("SELECT count(*) AS n FROM payment_events") == [{"n": 1}]
    stack.carry(payment)
    assert 'answer=unavailable reason="the ledger is busy: ' in stack.said() and "killed" not in stack.said()


def test_gate_held_while_a_payment_is_carried(stack: Stack) -> None:
    """It is recorded, so the sender is told so, in time; and it is carried when somebody can write again."""
    payment = new_payment(new_person())
    stack.sandbox.fault("hang", "GET", "/api/v4/contacts", when="after", ms=1000)
    with ThreadPoolExecutor(1) as threads:
        posted = threads.submit(stack.post, payment)
        until(lambda: stack.sandbox.log(path="/api/v4/contacts"), "it is being carried")
        with stack.ledger.gate_held():
            answer = posted.result(timeout=15)
    assert (answer.status, answer.json["status"]) == (202, "queued")
    stack.start_syncd()
    stack.finished(payment, seconds=60)


def test_ledger_directory_missing_at_start(stack: Stack, tmp_path: Path) -> None:
    """The service starts, says 503, and recovers without being restarted."""
    folder = tmp_path / "later"
    stack.stop_service()
    stack.start_service(ready=False, PAYMENTS_DB=str(folder / "payments.sqlite"))
    until(lambda: stack.health().json["status"] == "unhealthy", "the service is up")
    payment = new_payment(new_person())
    until(lambda: is_unavailable(stack, payment), "it says that it is unavailable")
    assert f'settings: "PAYMENTS_DB: {folder} cannot be used now: No such file or directory"' in stack.said()
    folder.mkdir()
    stack.carry(payment)


def test_ledger_is_another_file(stack: Stack, tmp_path: Path) -> None:
    """A file that is no ledger is refused and left as it is."""
    path = tmp_path / "garbage.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    stack.stop_service()
    stack.start_service(ready=False, PAYMENTS_DB=str(path))
    until(lambda: stack.health().json["status"] == "unhealthy", "the service is up")
    answer = stack.post(new_payment(new_person()))
    assert (answer.status, answer.json["status"]) == (503, "unavailable")
    assert path.read_bytes() == b"this is not a database" * 100


def move(stack: Stack, folder: str, pattern: str) -> Path:
    """Move the ledger's files away; where they are now."""
    away = stack.data / folder
    away.mkdir()
    for path in stack.data.glob(pattern):
        path.rename(away / path.name)
    return away


def move_back(stack: Stack, away: Path) -> None:
    for path in away.iterdir():
        path.rename(stack.data / path.name)


@pytest.mark.settings(DELIVERY="queue")
@pytest.mark.parametrize("pattern", ["payments.sqlite", "payments.sqlite*"], ids=["the file", "all files"])
def test_ledger_moved_away_while_in_use(stack: Stack, pattern: str) -> None:
    """No new one is made in its place, not by a restart either; what was answered is there when it is back."""
    answered = [new_payment(new_person()) for _ in range(12)]
    assert {stack.post(payment).status for payment in answered} == {202}
    away = move(stack, "away", pattern)
    refused = new_payment(new_person())
    for _ in range(6):
        assert is_unavailable(stack, refused)
    assert stack.service
    stack.service.stop(signal.SIGKILL)
    stack.stop_service()
    stack.start_service(fresh=False, ready=False, DELIVERY="queue")
    until(lambda: stack.health().json["status"] == "unhealthy", "the service is up")
    for _ in range(6):
        assert is_unavailable(stack, refused)
    assert not stack.ledger.path.exists()
    assert f"PAYMENTS_DB: there is no {stack.ledger.path}; a ledger is made there, unless" in stack.said()
    told = stack.paymentctl("stats")
    if pattern == "payments.sqlite":
        assert told.returncode == 75 and "put the file back" in told.stderr
    move_back(stack, away)
    assert stack.post(refused).status == 202
    assert stack.health().json["status"] == "healthy"
    rows = stack.ledger.query("SELECT payment_id FROM payment_events")
    assert {row["payment_id"] for row in rows} == {id_of(payment) for payment in [*answered, refused]}
    assert len(rows) == 13


@pytest.mark.settings(DELIVERY="queue")
def test_ledger_replaced_while_in_use(stack: Stack) -> None:
    """A copy in place of the file is not mixed with the log of the file."""
    copy = stack.data / "copy.sqlite"
    assert stack.paymentctl("backup", str(copy)).returncode == 0
    answered = new_payment(new_person())
    assert stack.post(answered).status == 202
    away = move(stack, "away", "payments.sqlite")
    copy.rename(stack.ledger.path)
    refused = new_payment(new_person())
    for _ in range(6):
        assert is_unavailable(stack, refused)
    assert "was replaced, and the log" in stack.said()
    stack.ledger.path.unlink()
    move_back(stack, away)
    assert stack.post(refused).status == 202
    assert stack.ledger.query("SELECT count(*) AS n FROM payment_events") == [{"n": 2}]


def test_all_files_gone_at_a_restart(stack: Stack) -> None:
    """An empty ledger would add every old payment a second time; only who is told to may begin with one."""
    payment = new_payment(new_person())
    stack.carry(payment)
    stack.stop_service()
    for path in stack.data.glob("payments.sqlite*"):
        if path.name != "payments.sqlite-gate":
            path.unlink()
    stack.start_service(fresh=False, ready=False)
    until(lambda: stack.health().json["status"] == "unhealthy", "the service is up")
    assert is_unavailable(stack, payment)
    gate = stack.data / "payments.sqlite-gate"
    assert f"to begin with an empty ledger, remove {gate}" in stack.said()
    for command in (["stats"], ["import", "/dev/null"]):
        told = stack.paymentctl(*command)
        assert told.returncode == 75 and f"remove {gate}" in told.stderr
    once = stack._run("payment-syncd", "--once")
    assert once.returncode == 75 and f"remove {gate}" in once.stderr

    gate.unlink()
    assert is_unavailable(stack, payment)
    note = stack.data / "run" / "ledger"
    assert f"to begin with an empty ledger, remove {note}" in stack.said()
    note.unlink()
    assert stack.post(new_payment(new_person())).status == 200


def test_another_run_directory(stack: Stack, tmp_path: Path) -> None:
    """Two programs whose locks do not exclude each other are not let at one ledger; one after the other they are."""
    first, second = stack.variables, {**stack.variables, "PAYMENTS_RUN_DIR": str(tmp_path / "run")}
    stack.carry(new_payment(new_person()))
    stack.variables = second
    once = stack._run("payment-syncd", "--once")
    assert once.returncode == 75 and f"others work on it with another run directory ({first['PAYMENTS_RUN_DIR']}," in once.stderr
    assert stack.paymentctl("stats").returncode == 0  # Looking is for everybody.

    # A whole second service, in the place of a second container.
    service, stack.service = stack.service, None
    stack.socket.rename(stack.folder / "first.sock")
    stack.start_service(fresh=False, ready=False, PAYMENTS_RUN_DIR=str(tmp_path / "run"))
    payment = new_payment(new_person())
    until(lambda: stack.socket.exists() and is_unavailable(stack, payment), "the second is there and refuses")
    assert stack.ledger.query("SELECT count(*) AS n FROM payment_events") == [{"n": 1}]
    # The first dies, however; then the second takes over by itself.
    assert service
    service.stop(signal.SIGKILL)
    until(lambda: stack.post(payment).status == 200, "the second takes over")
    stack.variables = first
    once = stack._run("payment-syncd", "--once")
    assert once.returncode == 75 and "another run directory" in once.stderr
