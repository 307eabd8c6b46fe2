"""What piled up while nobody carried it: many payments together, in few requests, and each exactly once."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import account
from harness.account import COUNT, INVOICE_ID, PHONE, TELEGRAM_ID, TELEGRAM_NAME, TOTAL
from harness.payload import Payment, Person, item, new_payment, new_person
from harness.process import Child, until
from harness.stack import BUILD, Stack

pytestmark = pytest.mark.settings(DELIVERY="queue")


def known(stack: Stack, total: str = "1000", count: str = "1") -> tuple[Person, int]:
    """Somebody of whom amoCRM knows everything, and the lead that is being worked on."""
    person = new_person()
    fields = {PHONE: person.phone_e164, TELEGRAM_ID: person.telegram_id, TELEGRAM_NAME: person.telegram_tag}
    contact_id = stack.sandbox.add_contact(fields=fields)
    return person, stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={TOTAL: total, COUNT: count})


def post_all(stack: Stack, payments: list[Payment]) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(stack.post, payments))
    assert {(answer.status, answer.json["status"]) for answer in answers} == {(202, "queued")}


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]


def once_each(stack: Stack, payments: list[Payment]) -> None:
    """Everything is carried, and has one note, on its lead."""
    state = stack.sandbox.control("GET", "state")
    notes = [(note["entity_id"], note["params"]["text"] + "\n") for note in state["notes"]]
    for payment in payments:
        row = stack.ledger.row(id_of(payment))
        assert row["status"] == "success", row
        assert [lead for lead, text in notes if f"Payment ID: {id_of(payment)}\n" in text] == [row["lead_id"]]
    assert len(notes) == len(payments)
    assert stack.paymentctl("integrity").returncode == 0


def fields_of(stack: Stack, lead_id: int) -> tuple[str, str]:
    fields = stack.sandbox.lead(lead_id)["fields"]
    return fields[TOTAL], fields[COUNT]


def calls(stack: Stack, method: str | None = None, path: str | None = None) -> int:
    return len(stack.sandbox.log(method, path))


def statuses(stack: Stack) -> dict[str, int]:
    rows = stack.ledger.query("SELECT status, count(*) AS n FROM payment_events GROUP BY 1")
    return {row["status"]: row["n"] for row in rows}


def test_few_calls_for_many(stack: Stack) -> None:
    people = [known(stack) for _ in range(30)]
    payments = [new_payment(person) for person, _ in people]
    post_all(stack, payments)
    stack.sync_once()
    assert calls(stack) <= 1.2 * 30
    once_each(stack, payments)
    assert {fields_of(stack, lead) for _, lead in people} == {("6000", "2")}

    stack.sandbox.forget_log()
    newcomers = [new_payment(new_person()) for _ in range(30)]
    post_all(stack, newcomers)
    stack.sync_once()
    assert calls(stack) <= 3.2 * 30
    once_each(stack, payments + newcomers)
    assert len(stack.sandbox.contacts()) == len(stack.sandbox.leads()) == 60


def test_more_than_one_request_takes(stack: Stack) -> None:
    """Of whoever pays several times, one payment goes in each batch."""
    people = [known(stack) for _ in range(40)]
    frequent, lead = known(stack)
    payments = [new_payment(person) for person, _ in people]
    payments += [new_payment(frequent, item(100 + n)) for n in range(5)]
    payments += [new_payment(new_person()) for _ in range(15)]
    post_all(stack, payments)
    stack.sync_once()
    once_each(stack, payments)
    assert fields_of(stack, lead) == (str(1000 + sum(100 + n for n in range(5))), "6")
    assert {fields_of(stack, lead) for _, lead in people} == {("6000", "2")}
    assert calls(stack, "PATCH", "/api/v4/leads/*") <= 4  # The frequent payer's, alone.
    assert max(len(entry["body"]) for entry in stack.sandbox.log("POST", "/api/v4/leads/notes")) <= 50


@pytest.mark.settings(RETRY_MAX_ATTEMPTS="1")
def test_nobody_is_taken_in_hand_for_nothing(stack: Stack) -> None:
    """While amoCRM is down, payment by payment finds out; the others lie still, and their trails do not grow."""
    payments = [new_payment(new_person()) for _ in range(40)]
    post_all(stack, payments)
    stack.sandbox.fault("status", status=500, times=-1)
    stack.start_syncd()
    until(lambda: calls(stack) >= 30, "amoCRM has been tried", 30)
    rows = stack.ledger.query("SELECT count(*) AS n FROM trail")[0]["n"]
    assert rows <= 4 * calls(stack) + 4 * 50, "two or three for each try, and what the first batches put back"
    stack.sandbox.heal()
    for payment in payments:
        stack.finished(payment, seconds=60)
    once_each(stack, payments)


@pytest.mark.settings(DELIVERY="inline", RETRY_MAX_ATTEMPTS="1", INLINE_DEADLINE_MS="1000")
def test_amocrm_was_down(stack: Stack) -> None:
    people = [known(stack) for _ in range(8)]
    payments = [new_payment(person) for person, _ in people for _ in range(2)] + [new_payment(new_person()) for _ in range(8)]
    stack.sandbox.fault("status", status=503, times=-1)
    post_all(stack, payments)
    stack.sandbox.heal()
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment, seconds=60)
    once_each(stack, payments)
    assert {fields_of(stack, lead) for _, lead in people} == {("11000", "3")}


@pytest.mark.settings(RETRY_MAX_ATTEMPTS="1")
def test_refund_while_amocrm_is_down(stack: Stack) -> None:
    """What was given back before any of it came to amoCRM does not come there."""
    person = new_person()
    refunded, kept = new_payment(person), new_payment(person)
    stack.sandbox.fault("status", status=503, times=-1)
    post_all(stack, [refunded, kept])
    stack.sync_once()
    told = dict(refunded, course_order=dict(refunded["course_order"], status="REFUNDED"))
    answer = stack.post(told)
    assert (answer.status, answer.json["status"]) == (202, "skipped")
    stack.sandbox.heal()
    stack.start_syncd()
    stack.finished(kept, seconds=60)
    once_each(stack, [kept])
    assert statuses(stack) == {"success": 1, "skipped": 1}


def test_refund_while_it_is_looked_for(stack: Stack) -> None:
    """The process that has it in hand has sent nothing yet, and does not begin."""
    person, lead_id = known(stack)
    payment = new_payment(person)
    post_all(stack, [payment])
    stack.sandbox.set(latency_ms=1500)
    with ThreadPoolExecutor() as pool:
        round_of_syncd = pool.submit(stack.sync_once)
        until(lambda: stack.ledger.status(id_of(payment)) == "processing", "it is in hand")
        told = dict(payment, course_order=dict(payment["course_order"], status="REFUNDED"))
        assert stack.post(told).json["status"] == "skipped"
        stack.sandbox.set(latency_ms=0)
        round_of_syncd.result()
    assert fields_of(stack, lead_id) == ("1000", "1") and stack.sandbox.notes(lead_id) == []
    assert statuses(stack) == {"skipped": 1}


@pytest.mark.settings(RETRY_MAX_ATTEMPTS="2", RETRY_WAIT_MIN="0", RETRY_WAIT_MAX="0")
def test_one_bad_search_keeps_nobody(stack: Stack) -> None:
    victim = new_person()
    bad = new_payment(victim)
    post_all(stack, [bad])
    payments = [new_payment(new_person()) for _ in range(20)]
    post_all(stack, payments)
    stack.sandbox.fault("status", "GET", "/api/v4/contacts", target=f"query={victim.telegram_id}", status=500, times=-1)
    stack.sync_once()
    assert statuses(stack) == {"success": 20, "pending": 1}
    stack.sandbox.heal()
    stack.start_syncd()
    stack.finished(bad)
    once_each(stack, [bad, *payments])


@pytest.mark.settings(RETRY_MAX_ATTEMPTS="1")
def test_one_bad_creation_keeps_nobody_for_long(stack: Stack) -> None:
    """amoCRM cannot take one of them, and answers 500 to all that goes with it: after some attempts it goes alone."""
    bad = new_payment(new_person("Яков"))
    payments = [new_payment(new_person()) for _ in range(3)]
    post_all(stack, [bad, *payments])
    stack.sandbox.fault("status", "POST", "/api/v4/contacts", body="Яков", status=500, times=-1)
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment, seconds=120)
    assert statuses(stack) in ({"success": 3, "pending": 1}, {"success": 3, "processing": 1})
    once_each(stack, payments)


@pytest.mark.parametrize("newcomers", [False, True], ids=["known", "new"])
def test_deleted_field_costs_one_call(stack: Stack, newcomers: bool) -> None:
    def count() -> int:
        payments = [new_payment(new_person() if newcomers else known(stack)[0]) for _ in range(10)]
        stack.sandbox.forget_log()
        post_all(stack, payments)
        stack.sync_once()
        assert all(stack.ledger.status(id_of(payment)) == "success" for payment in payments)
        return calls(stack)

    usual = count()
    stack.sandbox.delete_field(account.FIELD_IDS[INVOICE_ID])
    assert count() == usual + 1
    rows = stack.ledger.query("SELECT dropped FROM delivery ORDER BY payment DESC LIMIT 10")
    assert {row["dropped"] for row in rows} == {f"[{account.FIELD_IDS[INVOICE_ID]}]"}


def test_one_refused_takes_nobody_along(stack: Stack) -> None:
    bad = new_payment(new_person("Яков"))
    payments = [new_payment(new_person()) for _ in range(5)]
    post_all(stack, [payments[0], bad, *payments[1:]])
    stack.sandbox.fault("status", "POST", "/api/v4/leads", body="Яков", status=422, times=-1)
    stack.sync_once()
    assert stack.ledger.status(id_of(bad)) == "failed"
    once_each(stack, payments)


def test_told_to_stop(stack: Stack) -> None:
    """It begins nothing new, puts the rest back and ends; another one goes on."""
    people = [known(stack) for _ in range(50)]
    payments = [new_payment(person) for person, _ in people]
    post_all(stack, payments)
    stack.sandbox.set(latency_ms=20)
    carrier = Child([BUILD / "payment-syncd", "--once"], stack.data / "syncd.log", stack.variables, stack.data)
    stack.sandbox.await_requests(5, "GET", "/api/v4/contacts")
    assert carrier.stop() == 0
    assert calls(stack) < 50
    assert "processing" not in statuses(stack)
    stack.sandbox.set(latency_ms=0)
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment)
    once_each(stack, payments)
    assert {fields_of(stack, lead) for _, lead in people} == {("6000", "2")}


def busy_carriers(stack: Stack) -> list[int]:
    """Those that are connected with amoCRM."""
    assert stack.carrier
    parent = stack.carrier.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    port = f":{int(stack.sandbox.url.rsplit(':', 1)[1]):04X}"
    # See proc(5): the second address is the other side's, state 01 is an established connection.
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(port) and line[3] == "01"}
    return [int(pid) for pid in children if sockets & {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}]


@pytest.mark.settings(AMO_RATE_LIMIT="4")
def test_killed_carrier(stack: Stack) -> None:
    """Its notes have just been written, and nobody heard so."""
    people = [known(stack) for _ in range(3)]
    payments = [new_payment(person) for person, _ in people]
    post_all(stack, payments)
    stack.sandbox.fault("hang", "POST", "/api/v4/leads/notes", when="after", times=-1)
    stack.start_syncd()
    until(lambda: len(stack.sandbox.control("GET", "state")["notes"]) == 3, "all notes are written")
    os.kill(busy_carriers(stack)[0], signal.SIGKILL)
    stack.sandbox.heal()
    # The others go on, and leave alone what it had in hand.
    other = new_payment(new_person())
    post_all(stack, [other])
    stack.finished(other)
    assert "processing" in statuses(stack)
    # Until it is sure that nothing of the dead one's is on its way any more.
    for payment in payments:
        stack.finished(payment, seconds=90)
    once_each(stack, [*payments, other])
    assert {fields_of(stack, lead) for _, lead in people} == {("6000", "2")}


def test_two_complaints_about_one(stack: Stack) -> None:
    """amoCRM complains twice of one lead of a request: the other payments in it are carried."""
    leads = [known(stack) for _ in range(3)]
    payments = [new_payment(person) for person, _ in leads]
    post_all(stack, payments)
    errors = [{"code": "InvalidType", "path": "price"}]
    complaint = {"validation-errors": [{"request_id": "0", "errors": errors}] * 2, "title": "Bad Request", "status": 400}
    match = {"method": "PATCH", "path": "/api/v4/leads"}
    stack.sandbox.control("POST", "faults", [{"match": match, "do": "status", "status": 400, "body": complaint}])
    stack.sync_once()
    assert statuses(stack) == {"failed": 1, "success": 2}
