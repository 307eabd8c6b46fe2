"""amoCRM fails in all the ways it can: promises 1 and 2 of the contract.

The answer may be lost before or after amoCRM did what it was asked.  Whatever happened, in the end there is one contact, one
lead and one note, and the total counts the payment once.
"""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest

from harness import account
from harness.account import COUNT, PHONE, TOTAL
from harness.exchange import Answer
from harness.payload import Payment, new_payment, new_person
from harness.process import until
from harness.stack import Stack

QUICK = {
    "RETRY_MAX_ATTEMPTS": "2",
    "RETRY_WAIT_MIN": "0",
    "RETRY_WAIT_MAX": "1",
    "AMO_TIMEOUT_MS": "600",
    "INLINE_DEADLINE_MS": "3000",
}
pytestmark = pytest.mark.settings(**QUICK)


def is_queued(answer: Answer) -> bool:
    assert (answer.status, answer.json["status"]) == (202, "queued"), answer.body.decode()
    return True


def one_of_each(stack: Stack, payment: Payment) -> dict[str, Any]:
    """The payment is in the account, once; its lead."""
    payment_id = payment["course_order"]["payment_id"]
    row = stack.ledger.row(payment_id)
    user = payment["course_order"]["user"]
    contacts = [c for c in stack.sandbox.contacts() if c["fields"].get(PHONE) == ["+7" + user["phone"][-10:]]]
    assert [contact["id"] for contact in contacts] == [row["contact_id"]]
    assert contacts[0]["leads"] == [row["lead_id"]]
    lead = stack.sandbox.lead(row["lead_id"])
    assert (lead["fields"][TOTAL], lead["fields"][COUNT], lead["fields"][account.PAYMENT_ID]) == ("5000", "1", payment_id)
    (note,) = stack.sandbox.notes(row["lead_id"])
    assert f"Payment ID: {payment_id}" in note
    return lead


# Every write, spoilt in every way, all at the same time: the wait for lost answers is waited once.

WRITES = {
    "contact": ("POST", "/api/v4/contacts"),
    "lead": ("POST", "/api/v4/leads"),
    "totals": ("PATCH", "/api/v4/leads/*"),
    "note": ("POST", "/api/v4/leads/notes"),
}
SPOILT: dict[str, dict[str, Any]] = {
    "reset_before": {"what": "reset", "when": "before"},
    "reset_after": {"what": "reset", "when": "after"},
    "500_before": {"what": "status", "status": 500, "when": "before"},
    "500_after": {"what": "status", "status": 500, "when": "after"},
    "502_after": {"what": "status", "status": 502, "when": "after"},
    "hang_before": {"what": "hang", "when": "before", "ms": 20000},
    "hang_after": {"what": "hang", "when": "after", "ms": 20000},
    "truncated": {"what": "truncate"},
    "truncated_header": {"what": "truncate_header"},
    "empty": {"what": "empty"},
    "html": {"what": "junk"},
    "huge": {"what": "huge"},
    "wrong_id": {"what": "wrong_id"},
}
# An answer that lies about the id of what was created cannot be told from a true one.
CASES = [(write, spoil) for write in WRITES for spoil in SPOILT if spoil != "wrong_id" or write == "totals"]


def spoil(stack: Stack, write: str, spoil_name: str) -> Payment:
    """Arrange that one write of this payment fails, both times it is tried."""
    person = new_person()
    payment = new_payment(person)
    if write == "totals":
        contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
        stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    method, path = WRITES[write]
    mark = person.email if write == "contact" else f'"{payment["course_order"]["payment_id"]}"'
    if write == "note":
        mark = payment["course_order"]["payment_id"]
    rule = dict(SPOILT[spoil_name])
    stack.sandbox.fault(rule.pop("what"), method, path, mark, times=2 if method == "PATCH" else 1, **rule)
    return payment


@pytest.fixture(scope="module")
def spoilt(host: Stack) -> Iterator[dict[tuple[str, str], tuple[Payment, Answer]]]:
    """All cases posted, and carried by payment-syncd as far as they were not."""
    host.stop_service()
    host.sandbox.reset()
    host.start_service(workers=8, **QUICK)
    payments = {case: spoil(host, *case) for case in CASES}
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(host.post, payments.values()))
    host.start_syncd()
    try:
        for payment in payments.values():
            host.finished(payment, seconds=60)
    except AssertionError:
        pass  # The case itself says so.
    yield {case: (payment, answer) for (case, payment), answer in zip(payments.items(), answers)}
    print(host.said())


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_spoilt_write(host: Stack, spoilt: dict[tuple[str, str], tuple[Payment, Answer]], case: tuple[str, str]) -> None:
    payment, answer = spoilt[case]
    # A change of totals may be repeated safely, so a reset connection may be overcome before the sender is answered.
    assert answer.status == 202 or (answer.status, case[0]) == (200, "totals")
    assert host.ledger.status(payment["course_order"]["payment_id"]) == "success", host.said()
    one_of_each(host, payment)


def test_spoilt_writes_leave_the_ledger_whole(
    host: Stack, spoilt: dict[tuple[str, str], tuple[Payment, Answer]]
) -> None:
    assert len(host.sandbox.contacts()) == len(host.sandbox.leads()) == len(CASES)
    checked = host.paymentctl("integrity")
    assert checked.returncode == 0, checked.stdout


# Reading.

READS: dict[str, dict[str, Any]] = {name: SPOILT[name] for name in SPOILT if name.endswith("before") or name == "html"}
READS |= {name: SPOILT[name] for name in ("truncated", "empty", "huge")}
READS |= {str(status): {"what": "status", "status": status} for status in (502, 503, 504)}


@pytest.mark.parametrize("name", READS)
def test_spoilt_search_is_tried_again_at_once(stack: Stack, name: str) -> None:
    rule = dict(READS[name])
    stack.sandbox.fault(rule.pop("what"), "GET", "/api/v4/contacts", **rule)
    payment = new_payment(new_person())
    stack.carry(payment)
    one_of_each(stack, payment)


def test_search_stays_spoilt(stack: Stack) -> None:
    """Then the payment is queued; nothing is created from not knowing."""
    stack.sandbox.fault("status", "GET", "/api/v4/contacts", status=500, times=-1)
    payment = new_payment(new_person())
    assert is_queued(stack.post(payment))
    assert stack.sandbox.log("POST") == [] and len(stack.sandbox.log("GET")) == 2
    row = stack.ledger.row(payment["course_order"]["payment_id"])
    assert row["status"] == "pending" and "500" in row["error_message"] and row["retry_count"] == 1
    stack.sandbox.heal()
    stack.start_syncd()
    stack.finished(payment)
    one_of_each(stack, payment)


def test_deadline(stack: Stack) -> None:
    """An account that stalls for half a minute, which may be waited for: the sender hears `queued` long before."""
    stack.stop_service()
    stack.start_service(**{**QUICK, "INLINE_DEADLINE_MS": "700", "AMO_TIMEOUT_MS": "40000"})
    stack.sandbox.fault("hang", "GET", "/api/v4/contacts", ms=30000)
    payment = new_payment(new_person())
    began = time.monotonic()
    assert is_queued(stack.post(payment))
    assert time.monotonic() - began < 15
    stack.start_syncd()
    stack.finished(payment)
    one_of_each(stack, payment)


# 429.


@pytest.mark.parametrize(
    "advice, least_ms",
    [({}, 800), ({"retry_after_header": 2}, 1900), ({"retry_after_body": 2}, 1900)],
    ids=["none", "header", "body"],
)
@pytest.mark.parametrize("write", ["search", "lead"])
@pytest.mark.settings(RETRY_WAIT_MIN="1", INLINE_DEADLINE_MS="6000")
def test_throttled_and_carried_within_the_deadline(stack: Stack, advice: dict[str, int], least_ms: int, write: str) -> None:
    """Whatever amoCRM throttled, everybody waits as long as it asks (by default RETRY_WAIT_MIN, with jitter)."""
    method, path = ("GET", "/api/v4/contacts") if write == "search" else ("POST", "/api/v4/leads")
    stack.sandbox.fault("status", method, path, status=429, **advice)
    payment = new_payment(new_person())
    stack.carry(payment)
    one_of_each(stack, payment)
    log = stack.sandbox.log()
    refused = next(n for n, entry in enumerate(log) if entry["status"] == 429)
    assert log[refused + 1]["mono_ms"] - log[refused]["mono_ms"] >= least_ms


@pytest.mark.settings(INLINE_DEADLINE_MS="1000")
def test_throttled_for_longer_than_the_deadline(stack: Stack) -> None:
    """Queued at once; another payment does not ask meanwhile either; then both are carried."""
    stack.sandbox.fault("status", "GET", "/api/v4/contacts", status=429, retry_after_header=3)
    payments = [new_payment(new_person()) for _ in range(2)]
    for payment in payments:
        assert is_queued(stack.post(payment))
    (refused,) = stack.sandbox.log()
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment)
        one_of_each(stack, payment)
    assert stack.sandbox.log()[1]["mono_ms"] - refused["mono_ms"] >= 2900
    assert stack.ledger.row(payments[1]["course_order"]["payment_id"])["error_message"] is None


# The breaker.


@pytest.mark.parametrize("status", [401, 402, 403])
def test_everybody_is_refused(stack: Stack, status: int) -> None:
    stack.sandbox.fault("status", status=status, times=-1, html=status == 403)
    payments = [new_payment(new_person()) for _ in range(3)]
    for payment in payments:
        assert is_queued(stack.post(payment))
    assert len(stack.sandbox.log()) == 1  # One was refused; nobody else asked.
    for payment in payments:  # And nothing was used up.
        row = stack.ledger.row(payment["course_order"]["payment_id"])
        assert (row["status"], row["retry_count"]) == ("pending", 0)
    health = stack.health()
    assert (health.status, health.json["status"]) == (200, "degraded")
    assert (health.json["crm_breaker"]["state"], health.json["crm_breaker"]["status"]) == ("open", status)
    stack.sync_once()  # It does not ask either.
    assert len(stack.sandbox.log()) == 1


REFUSALS: dict[str, dict[str, Any]] = {
    "403": {"status": 403},
    "244": {"status": 400, "detail": "Код ошибки 244. В случае повторного возникновения ошибки, обращайтесь"},
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_one_lead_is_forbidden(stack: Stack, refusal: str) -> None:
    """amoCRM does not let the token's user at one lead: that payment waits and tries, and nobody else notices."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    for match in ({"target": str(lead_id)}, {"method": "PATCH", "body": str(lead_id)}):
        stack.sandbox.fault("status", times=-1, **match, **REFUSALS[refusal])
    forbidden = new_payment(person)
    assert is_queued(stack.post(forbidden))
    stack.carry(new_payment(new_person()))

    # A backlog carried together: the forbidden one is among them again.
    stack.stop_service()
    stack.start_service(fresh=False, **QUICK, DELIVERY="queue")
    others = [new_payment(new_person()) for _ in range(5)]
    for payment in others:
        assert is_queued(stack.post(payment))
    stack.start_syncd()
    for payment in others:
        stack.finished(payment, seconds=10)
        one_of_each(stack, payment)
    payment_id = forbidden["course_order"]["payment_id"]
    row = until(lambda: (r := stack.ledger.row(payment_id))["retry_count"] >= 2 and r, "its attempts count", 10)
    assert row["status"] == "pending" and "does not allow this to the token's user" in row["error_message"]
    assert stack.health().json["crm_breaker"] == {"state": "closed"}
    asked = len(stack.sandbox.log("GET", "/api/v4/account"))
    assert 1 <= asked <= row["retry_count"]

    stack.sandbox.heal()
    stack.finished(forbidden)
    one_of_each(stack, forbidden)


def test_everybody_is_refused_in_json(stack: Stack) -> None:
    """The account is refused, too: everybody's trouble, and nothing is used up."""
    stack.sandbox.fault("status", status=403, times=-1)
    payment = new_payment(new_person())
    assert is_queued(stack.post(payment))
    assert [entry["path"] for entry in stack.sandbox.log()] == ["/api/v4/contacts", "/api/v4/account"]
    assert stack.ledger.row(payment["course_order"]["payment_id"])["retry_count"] == 0
    assert stack.health().json["crm_breaker"]["status"] == 403


ELSEWHERE: dict[str, dict[str, Any]] = {
    "page": {"status": 404, "html": True},
    "no_such_list": {"status": 404},
    "moved": {"status": 301},
    "sent_to_log_in": {"status": 302, "html": False},
}


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_the_address_leads_to_no_account(stack: Stack, elsewhere: str) -> None:
    """Nobody follows where it points; nothing is used up; people are told; and all is carried once it is there again."""
    pointed = {"location": stack.sandbox.url + "/api/v4/account"} if elsewhere in ("moved", "sent_to_log_in") else {}
    stack.sandbox.fault("status", times=-1, **ELSEWHERE[elsewhere], **pointed)
    payments = [new_payment(new_person()) for _ in range(2)]
    for payment in payments:
        assert is_queued(stack.post(payment))
    assert [entry["path"] for entry in stack.sandbox.log()] == ["/api/v4/contacts"]
    for payment in payments:
        row = stack.ledger.row(payment["course_order"]["payment_id"])
        assert (row["status"], row["retry_count"]) == ("pending", 0)
        assert "AMO_BASE_URL leads to no account: HTTP " in row["error_message"]
    health = stack.health().json
    assert (health["status"], health["crm_breaker"]["cause"]) == ("degraded", "address")
    assert health["detail"].startswith("AMO_BASE_URL leads to no account")
    assert "AMO_BASE_URL leads to no account: HTTP" in stack.paymentctl("stats").stdout
    assert "AMO_BASE_URL leads to no account: HTTP" in stack.said()
    checked = stack.paymentctl("check")
    assert "AMO_BASE_URL: not tried: AMO_BASE_URL leads to no account" in checked.stdout

    stack.sandbox.heal()
    assert stack.paymentctl("resume").returncode == 0
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment)
        one_of_each(stack, payment)


def test_breaker_closes_by_itself(stack: Stack) -> None:
    """The one slow test: half a minute after the refusal a single probe goes out; it succeeds, and all is carried."""
    stack.sandbox.fault("status", status=401)
    payments = [new_payment(new_person()) for _ in range(3)]
    for payment in payments:
        assert is_queued(stack.post(payment))
    (refused,) = stack.sandbox.log()
    stack.start_syncd()
    for payment in payments:
        stack.finished(payment, seconds=50)
        one_of_each(stack, payment)
    waited = stack.sandbox.log()[1]["mono_ms"] - refused["mono_ms"]
    assert 29500 <= waited <= 40000
    health = stack.health().json
    assert (health["status"], health["crm_breaker"]["state"]) == ("healthy", "closed")


def test_breaker_closes_by_hand(stack: Stack) -> None:
    stack.sandbox.fault("status", status=402)
    assert is_queued(stack.post(new_payment(new_person())))
    assert stack.paymentctl("resume").returncode == 0
    assert stack.health().json["crm_breaker"]["state"] == "closed"
    assert stack.post(new_payment(new_person())).status == 200


@pytest.mark.settings(**{**QUICK, "AMO_TIMEOUT_MS": "30000", "INLINE_DEADLINE_MS": "4000"})
def test_workers_stay_free_while_amocrm_hangs(stack: Stack) -> None:
    """All the slots wait for amoCRM; the worker that has none goes on answering, before any of them is through."""
    stack.sandbox.fault("hang", ms=8000, times=-1, when="after")
    with ThreadPoolExecutor(3) as senders:
        stuck = [senders.submit(stack.post, new_payment(new_person())) for _ in range(3)]
        stack.sandbox.await_requests(3)
        for _ in range(5):
            assert is_queued(stack.post(new_payment(new_person())))
            assert stack.health().status == 200
        assert not any(sender.done() for sender in stuck)
        assert all(is_queued(sender.result()) for sender in stuck)


@pytest.mark.settings(**{**QUICK, "AMO_TIMEOUT_MS": "60000", "DELIVERY": "queue"})
def test_answer_slower_than_half_a_minute(stack: Stack) -> None:
    """Slow by necessity, as the limits that stood in the way were of 30 seconds."""
    stack.sandbox.fault("hang", "POST", "/api/v4/contacts", when="after", ms=33000)
    payment = new_payment(new_person())
    assert is_queued(stack.post(payment))
    stack.start_syncd()
    row = stack.finished(payment, seconds=50)
    assert row["retry_count"] == 0 and len(stack.sandbox.log("POST", "/api/v4/contacts")) == 1
    assert "put back" not in stack.paymentctl("show", row["payment_id"]).stdout
    one_of_each(stack, payment)


def test_wrong_token(stack: Stack) -> None:
    """Not a fault that was arranged: the account itself refuses, and only its status tells why."""
    stack.stop_service()
    stack.start_service(**{**QUICK, "AMO_ACCESS_TOKEN": "a-wrong-token"})
    assert is_queued(stack.post(new_payment(new_person())))
    assert stack.health().json["crm_breaker"]["status"] == 401
    assert [entry["status"] for entry in stack.sandbox.log()] == [401]


def test_unknown_authority(stack: Stack) -> None:
    """amoCRM's certificate is verified: not one request goes to a host that cannot prove its name."""
    stack.stop_service()
    stack.start_service(**{**QUICK, "AMO_CA_FILE": None})
    payment = new_payment(new_person())
    assert is_queued(stack.post(payment))
    assert stack.sandbox.log() == []
    stack.stop_service()
    stack.start_service(fresh=False, **QUICK)
    stack.start_syncd()
    stack.finished(payment)


def test_nobody_listens(stack: Stack) -> None:
    stack.stop_service()
    stack.start_service(**{**QUICK, "AMO_BASE_URL": "http://127.0.0.1:9"})
    assert is_queued(stack.post(new_payment(new_person())))
    assert stack.health().json["status"] == "healthy"


# What an answer proves.


@pytest.mark.parametrize("answer", [{"status": 404, "html": True}, {"status": 404}, {"status": 410}], ids=str)
def test_an_open_intent_outlives_a_doubtful_answer(stack: Stack, answer: dict[str, Any]) -> None:
    """The change's answer was lost; then the whole account seems to be gone for a while, and with it the lead."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    stack.sandbox.fault("reset", "PATCH", "/api/v4/leads/*", when="after", times=2)
    payment = new_payment(person)
    assert is_queued(stack.post(payment))
    stack.sandbox.fault("status", times=-1, **answer)
    stack.start_syncd()
    until(lambda: any(entry["status"] == answer["status"] for entry in stack.sandbox.log()), "it looks for the lead")
    stack.carrier.stop()
    stack.sandbox.heal()
    assert stack.paymentctl("resume").returncode == 0
    stack.start_syncd()
    row = stack.finished(payment)
    assert row["lead_id"] == lead_id
    one_of_each(stack, payment)


SHAPES = [
    ("/api/v4/contacts", "drop", "_embedded"),
    ("/api/v4/contacts", "drop", "leads"),
    ("/api/v4/contacts", "keyed", "contacts"),
    ("/api/v4/contacts", "keyed", "leads"),
    ("/api/v4/contacts", "keyed", "values"),
    ("/api/v4/contacts", "texted", "id"),
    ("/api/v4/leads/*", "drop", "contacts"),
    ("/api/v4/leads/*", "keyed", "custom_fields_values"),
    ("/api/v4/leads/*", "texted", "status_id"),
]


@pytest.mark.parametrize("path, what, key", SHAPES)
def test_answers_in_another_shape(stack: Stack, path: str, what: str, key: str) -> None:
    """What is not understood is not taken for nothing: no second contact, no second lead, and no sum begun anew."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={TOTAL: "100", COUNT: "1"})
    stack.sandbox.fault(what, "GET", path, key=key, times=-1)
    payment = new_payment(person)
    assert is_queued(stack.post(payment))
    row = stack.ledger.row(payment["course_order"]["payment_id"])
    assert (row["status"], row["retry_count"]) == ("pending", 1), row["error_message"]
    assert stack.sandbox.log("POST") == [] and stack.sandbox.lead(lead_id)["fields"][TOTAL] == "100"

    stack.sandbox.heal()
    stack.start_syncd()
    assert stack.finished(payment)["lead_id"] == lead_id
    assert len(stack.sandbox.contacts()) == len(stack.sandbox.leads()) == 1
    assert stack.sandbox.lead(lead_id)["fields"][TOTAL] == "5100"


def test_account_that_refuses_filters(stack: Stack) -> None:
    """`filter[id]` is answered with 400: the contact's leads are read one by one."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, updated_at=1_700_000_000)
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, updated_at=1_700_000_001)
    stack.sandbox.fault("status", "GET", target="filter%5Bid%5D", status=400, times=-1, detail="Invalid filter for current account")
    assert stack.carry(new_payment(person))["lead_id"] == lead_id


def test_list_that_ends_early(stack: Stack) -> None:
    """The contact's leads are asked for together, and none is in the list: each is asked for by itself before it is gone."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    for age in range(2):
        lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, updated_at=1_700_000_000 + age)
    rule = {"match": {"target": "filter%5Bid%5D"}, "do": "status", "status": 200, "body": {"_embedded": {"leads": []}}}
    stack.sandbox.control("POST", "faults", [rule])
    assert stack.carry(new_payment(person))["lead_id"] == lead_id


# What the account does behind our back.


def test_lead_deleted_between_two_attempts(stack: Stack) -> None:
    """The total was to go to a lead that a manager has thrown away since: another one is chosen."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    stack.sandbox.fault("status", "PATCH", "/api/v4/leads/*", status=502, times=2)
    payment = new_payment(person)
    assert is_queued(stack.post(payment))
    stack.sandbox.delete("leads", lead_id)
    stack.start_syncd()
    row = stack.finished(payment)
    assert row["lead_id"] != lead_id and row["lead_created"] == 1
    (lead,) = stack.sandbox.leads()
    assert lead["fields"][TOTAL] == "5000" and len(stack.sandbox.notes(lead["id"])) == 1


@pytest.mark.parametrize("effect", ["before", "after"])
def test_manager_changes_the_total_between_two_attempts(stack: Stack, effect: str) -> None:
    """The answer to the change of totals was lost, then a manager added 700 by hand: both stay."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields={TOTAL: "100", COUNT: "1"})
    stack.sandbox.fault("status", "PATCH", "/api/v4/leads/*", status=502, when=effect)
    payment = new_payment(person)
    assert is_queued(stack.post(payment))
    now = int(stack.sandbox.lead(lead_id)["fields"][TOTAL])
    assert now == (5100 if effect == "after" else 100)
    stack.sandbox.change_lead(lead_id, fields={TOTAL: str(now + 700)})
    stack.start_syncd()
    stack.finished(payment)
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[TOTAL], fields[COUNT]) == ("5800", "2")
    assert len(stack.sandbox.notes(lead_id)) == 1


def test_worker_killed_in_the_middle(stack: Stack) -> None:
    """SIGKILL while amoCRM creates the lead: the sender hears 503 from nginx, and payment-syncd finishes all the same."""
    stack.sandbox.fault("hang", "POST", "/api/v4/leads", when="after", ms=5000)
    payment = new_payment(new_person())
    with ThreadPoolExecutor() as threads:
        posting = threads.submit(stack.post, payment)
        stack.sandbox.await_requests(1, "POST", "/api/v4/leads")
        assert stack.service
        parent = stack.service.process.pid
        for worker in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            os.kill(int(worker), signal.SIGKILL)
        assert posting.result().status == 503
    stack.start_syncd()
    stack.finished(payment, seconds=40)
    one_of_each(stack, payment)
