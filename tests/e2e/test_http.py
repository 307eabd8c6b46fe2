"""Contract section 3: every row of the HTTP table, through nginx."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness import account
from harness.exchange import Answer
from harness.payload import item, new_payment, new_person, to_body
from harness.signer import x_signature
from harness.stack import SECRET, Stack

Answered = dict[str, Any]


def is_answer(answer: Answer, status: int, word: str, **more: Any) -> bool:
    """Every answer is JSON in UTF-8 with a status and a detail for people."""
    assert (answer.status, answer.json["status"]) == (status, word), answer.body.decode()
    assert answer.json["detail"]
    assert answer.headers["Content-Type"].replace(" ", "").lower() == "application/json;charset=utf-8"
    for name, value in more.items():
        assert answer.json[name] == value, name
    return True


def payment_id_of(payment: dict[str, Any]) -> str:
    return payment["course_order"]["payment_id"]


def test_success(stack: Stack) -> None:
    payment = new_payment(new_person())
    answer = stack.post(payment)
    (contact,), (lead,) = stack.sandbox.contacts(), stack.sandbox.leads()
    assert is_answer(
        answer, 200, "success",
        payment_id=payment_id_of(payment), contact_id=contact["id"], lead_id=lead["id"], lead_created=True,
    )  # fmt: skip
    assert answer.json["message"]
    row = stack.ledger.row(payment_id_of(payment))
    assert (row["status"], row["amount"], row["contact_id"], row["lead_id"], row["lead_created"], row["pipeline_id"]) == (
        "success", 5000, contact["id"], lead["id"], 1, account.SITE,
    )  # fmt: skip
    assert row["payload"] == to_body(payment).decode() and row["processed_at"] and row["error_message"] is None


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"status": "NEW"}, "the status is not CONFIRMED"),
        ({"course_order_items": [item(0)]}, "the total is zero"),
    ],
    ids=["status", "zero"],
)
def test_skipped_and_taken_up_when_it_comes_paid(stack: Stack, changes: Answered, reason: str) -> None:
    person = new_person()
    payment = new_payment(person, **changes)
    payment_id = payment_id_of(payment)
    assert is_answer(stack.post(payment), 202, "skipped", reason=reason, payment_id=payment_id)
    assert is_answer(stack.post(payment), 202, "skipped", reason=reason)
    assert stack.ledger.status(payment_id) == "skipped"
    assert stack.sandbox.log() == []
    answer = stack.carry(new_payment(person, payment_id=payment_id))
    assert stack.sandbox.lead(answer["lead_id"])["price"] == 5000
    assert stack.ledger.status(payment_id) == "success"


def path_error(answer: Answer) -> list[str]:
    assert is_answer(answer, 400, "invalid")
    assert all(mistake["message"] for mistake in answer.json["errors"])
    return [mistake["path"] for mistake in answer.json["errors"]]


def test_invalid_names_every_mistake(stack: Stack) -> None:
    payment = new_payment(new_person(), item("12.345"), item(-1), payment_method=[7])
    del payment["course_order"]["user"]
    payment["course_order"]["course_order_items"][0]["course"]["subject"]["name"] = ""
    assert sorted(path_error(stack.post(payment))) == [
        "course_order.course_order_items[0].cost",
        "course_order.course_order_items[0].course.subject.name",
        "course_order.course_order_items[1].cost",
        "course_order.payment_method",
        "course_order.user",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"course_order": {}, "course_order": {}}',
        b'{"course_order": "\xff"}',
        b"[" * 17 + b"]" * 17,
        to_body(new_payment(new_person(), *[item(1)] * 201)),
        to_body({"course_order": {**new_payment(new_person())["course_order"], "course_order_items": []}}),
        to_body({"course_order": {**new_payment(new_person())["course_order"], "status": None}}),
    ],
    ids=["empty", "noise", "array", "duplicate_key", "not_utf8", "deep", "many_items", "no_items", "no_status"],
)
def test_invalid_is_not_recorded(stack: Stack, body: bytes) -> None:
    assert path_error(stack.post(body)) != []
    assert stack.ledger.query("SELECT * FROM payment_events") == []
    assert stack.sandbox.log() == []


def test_unauthorized_says_nothing_about_the_body(stack: Stack) -> None:
    bodies = [to_body(new_payment(new_person())), b"not json"]
    answers = [stack.post(body, headers=headers) for body in bodies for headers in ([], [("X-Signature", "0" * 64)])]
    assert all(is_answer(answer, 401, "unauthorized") for answer in answers)
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_not_found_then_taken_up_again(stack: Stack) -> None:
    person = new_person()
    payment = new_payment(person)
    payment_id = payment_id_of(payment)
    assert is_answer(stack.post(payment), 404, "contact_not_found", payment_id=payment_id)
    row = stack.ledger.row(payment_id)
    assert (row["status"], row["error_message"]) == ("failed", "contact_not_found")

    contact_id = stack.sandbox.add_contact(fields={account.PHONE: person.phone_e164})
    assert is_answer(stack.post(payment), 404, "lead_not_found", payment_id=payment_id)
    assert stack.ledger.row(payment_id)["error_message"] == "lead_not_found"
    assert (len(stack.sandbox.contacts()), stack.sandbox.leads()) == (1, [])

    lead_id = stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK)
    assert is_answer(stack.post(payment), 200, "success", contact_id=contact_id, lead_id=lead_id, lead_created=False)
    assert is_answer(stack.post(payment), 409, "duplicate")


@pytest.mark.parametrize(
    "method, path, status, allow",
    [
        ("GET", "/", 404, None),
        ("POST", "/webhook/other", 404, None),
        ("GET", "/webhook/payment", 405, "POST"),
        ("PUT", "/webhook/payment", 405, "POST"),
        ("POST", "/webhook/health", 405, "GET, HEAD"),
    ],
)
def test_path_and_method(stack: Stack, method: str, path: str, status: int, allow: str | None) -> None:
    answer = stack.ask(method, path)
    assert is_answer(answer, status, "error")
    assert answer.headers["Allow"] == allow


def test_too_large_and_compressed(stack: Stack) -> None:
    body = to_body(new_payment(new_person()))
    fits = body + b" " * (256 * 1024 - len(body))
    assert is_answer(stack.post(fits + b" "), 413, "error")
    assert is_answer(stack.post(body, headers=[*x_signature(SECRET, body), ("Content-Encoding", "gzip")]), 415, "error")
    assert stack.ledger.query("SELECT * FROM payment_events") == []
    assert is_answer(stack.post(fits), 200, "success")


def test_duplicate(stack: Stack) -> None:
    payment = new_payment(new_person())
    first = stack.carry(payment)
    stack.sandbox.forget_log()
    for _ in range(2):
        assert is_answer(
            stack.post(payment), 409, "duplicate", contact_id=first["contact_id"], lead_id=first["lead_id"]
        )
    row = stack.ledger.row(payment_id_of(payment))
    assert (row["status"], row["duplicates"]) == ("success", 2)
    assert stack.sandbox.log() == []


@pytest.mark.settings(DUPLICATE_STATUS="200")
def test_duplicate_as_200(stack: Stack) -> None:
    payment = new_payment(new_person())
    stack.carry(payment)
    assert is_answer(stack.post(payment), 200, "duplicate")
    assert is_answer(stack.post(new_payment(new_person(), payment_id=payment_id_of(payment))), 409, "conflict")


def test_without_payment_id_the_body_is_the_key(stack: Stack) -> None:
    payment = new_payment(new_person(), invoice_id=None)
    payment["course_order"]["payment_id"] = None
    body = to_body(payment)
    key = "sha256:" + hashlib.sha256(body).hexdigest()
    assert stack.carry(payment)["payment_id"] == key
    assert is_answer(stack.post(body), 409, "duplicate", payment_id=key)
    assert stack.post(body + b" ").status == 200


def test_conflict_of_amount_and_of_payer(stack: Stack) -> None:
    person = new_person()
    payment = new_payment(person)
    payment_id = payment_id_of(payment)
    lead_id = stack.carry(payment)["lead_id"]
    before = stack.sandbox.lead(lead_id)
    other_amount = new_payment(person, item(5001), payment_id=payment_id)
    other_payer = new_payment(new_person(), payment_id=payment_id)
    same_payer_by_phone = new_payment(person, payment_id=payment_id, only=("phone",))

    assert is_answer(stack.post(other_amount), 409, "conflict", payment_id=payment_id)
    assert is_answer(stack.post(other_payer), 409, "conflict", payment_id=payment_id)
    assert is_answer(stack.post(same_payer_by_phone), 409, "duplicate", payment_id=payment_id)

    assert stack.sandbox.lead(lead_id) == before and len(stack.sandbox.contacts()) == 1
    kept = stack.ledger.query("SELECT reason, payload FROM payment_conflict ORDER BY id")
    assert [one["reason"] for one in kept] == ["another amount", "another payer"]
    assert json.loads(kept[1]["payload"]) == other_payer
    assert (stack.ledger.status(payment_id), stack.ledger.row(payment_id)["amount"]) == ("success", 5000)


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_failed_then_excluded(stack: Stack) -> None:
    """Nothing of it is in amoCRM: it is skipped from then on."""
    person = new_person()
    assert stack.post(new_payment(person, payment_id="pay_1")).status == 404
    refund = new_payment(person, payment_id="pay_1", status="REFUNDED")
    assert is_answer(stack.post(refund), 202, "skipped")
    assert stack.ledger.status("pay_1") == "skipped" and "CONFIRMED" in stack.ledger.row("pay_1")["error_message"]
    assert stack.paymentctl("retry", "--failed").stdout.startswith("0 payments")


def test_refund_of_a_carried_payment(stack: Stack) -> None:
    """Nobody may miss it: amoCRM shows money that was given back."""
    person = new_person()
    lead_id = stack.carry(new_payment(person, payment_id="pay_1"))["lead_id"]
    before = stack.sandbox.lead(lead_id)
    refund = new_payment(person, payment_id="pay_1", status="REFUNDED")
    assert is_answer(stack.post(refund), 409, "conflict", payment_id="pay_1")
    assert is_answer(stack.post(refund), 409, "conflict", payment_id="pay_1")
    assert (stack.sandbox.lead(lead_id), stack.ledger.status("pay_1")) == (before, "success")
    (kept,) = stack.ledger.query("SELECT reason FROM payment_conflict")
    assert kept["reason"].startswith("came again as: ")
    listed = stack.paymentctl("list", "--conflicts")
    assert "pay_1" in listed.stdout and stack.paymentctl("stats").returncode == 1
    assert stack.paymentctl("settle", "pay_1").returncode == 0
    assert is_answer(stack.post(refund), 409, "conflict") and "pay_1" not in stack.paymentctl("list", "--conflicts").stdout


def test_the_exclusion_came_first(stack: Stack) -> None:
    """The sender's own time says what it decided last."""
    person = new_person()
    refund = new_payment(person, payment_id="pay_1", status="REFUNDED", updated_at="2025-01-20 15:00:00")
    assert is_answer(stack.post(refund), 202, "skipped")
    late = new_payment(person, payment_id="pay_1", updated_at="2025-01-20 14:00:00")
    answer = stack.post(late)
    assert is_answer(answer, 202, "skipped") and "CONFIRMED" in answer.json["reason"]
    assert stack.sandbox.contacts() == [] and stack.ledger.status("pay_1") == "skipped"
    assert is_answer(stack.post(new_payment(person, payment_id="pay_1", updated_at="2025-01-20 15:00:01")), 200, "success")


def test_failed_then_taken_up_again(stack: Stack) -> None:
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=400, times=-1)
    person = new_person()
    payment = new_payment(person)
    payment_id = payment_id_of(payment)
    assert is_answer(stack.post(payment), 500, "failed", payment_id=payment_id)
    row = stack.ledger.row(payment_id)
    assert row["status"] == "failed" and "HTTP 400" in row["error_message"]
    assert stack.sandbox.leads() == []

    assert is_answer(stack.post(payment), 500, "failed")
    (contact,) = stack.sandbox.contacts()
    lead_id = stack.sandbox.add_lead(contact["id"], status_id=account.SITE_WORK)
    assert is_answer(stack.post(payment), 200, "success", lead_id=lead_id, lead_created=False)
    assert len(stack.sandbox.notes(lead_id)) == 1 and len(stack.sandbox.contacts()) == 1


def test_failed_and_put_back_by_an_operator(stack: Stack) -> None:
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=400, times=1)
    payment = new_payment(new_person())
    assert stack.post(payment).status == 500
    stack.stop_service()
    stack.start_service(fresh=False)
    assert stack.paymentctl("stats").returncode == 1
    assert stack.paymentctl("retry", payment_id_of(payment)).returncode == 0
    stack.sync_once()
    assert stack.ledger.status(payment_id_of(payment)) == "success"
    assert len(stack.sandbox.leads()) == 1 and stack.paymentctl("stats").returncode == 0


def test_in_hand(stack: Stack) -> None:
    payment = new_payment(new_person())
    stack.sandbox.fault("hang", "GET", "/api/v4/contacts", when="after", ms=1500)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(stack.post, payment)
        stack.sandbox.await_requests(1, "GET")
        assert is_answer(stack.post(payment), 202, "queued", payment_id=payment_id_of(payment))
        assert is_answer(first.result(), 200, "success")
    assert len(stack.sandbox.leads()) == 1
    assert stack.ledger.row(payment_id_of(payment))["duplicates"] == 1


@pytest.mark.settings(DELIVERY="queue")
def test_queue(stack: Stack) -> None:
    payment = new_payment(new_person())
    assert is_answer(stack.post(payment), 202, "queued", payment_id=payment_id_of(payment))
    assert stack.ledger.status(payment_id_of(payment)) == "pending" and stack.sandbox.log() == []
    stack.sync_once()
    assert stack.ledger.status(payment_id_of(payment)) == "success"
    (lead,) = stack.sandbox.leads()
    assert len(stack.sandbox.notes(lead["id"])) == 1


def test_nobody_behind_nginx(stack: Stack) -> None:
    stack.stop_service()
    answer = stack.post(new_payment(new_person()))
    assert is_answer(answer, 503, "unavailable") and int(answer.headers["Retry-After"]) > 0
