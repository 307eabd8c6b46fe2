"""Promise 5: no secret, no body and no personal data in any log, nor on a page for operators."""

import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from harness import account, signer
from harness.payload import Payment, Person, item, new_payment, to_body
from harness.process import until
from harness.sandbox import TOKEN
from harness.stack import SECRET, Stack

PERSON = Person("Канарейка", "Желтокрылова", "89997654321", "Kanareika@Secret.Example", "987654321", "kanareika_tg")
CANARIES = [
    SECRET, TOKEN, "Канарейка", "Желтокрылова", "7654321", "anareika", "ecret.example", "987654321", "kanareika_tg",
    "PROMOCANARY", "course_order_items", "invoice-canary", "canary-campaign", "Курс с канарейкой",
]  # fmt: skip


def canary(**changes: Any) -> Payment:
    order = {"code": "PROMOCANARY", "invoice_id": "invoice-canary", "utm": {"campaign": "canary-campaign"}}
    return new_payment(PERSON, item(course="Курс с канарейкой"), **{**order, **changes})


def tells_nothing(stack: Stack, *more: str) -> bool:
    """Everything that any program logged, every page, and what paymentctl prints unasked for a payload."""
    texts = {
        "service": stack.said(),
        "nginx access": (stack.folder / "nginx/access.log").read_text(),
        "nginx error": (stack.folder / "nginx/error.log").read_text(),
        "reasons": str(stack.ledger.query("SELECT error_message FROM payment_events")),
        "trail": str(stack.ledger.query("SELECT * FROM trail")),
        "stats": stack.paymentctl("stats").stdout + stack.paymentctl("list").stdout,
    }
    for path in ("/webhook/status", "/webhook/metrics", "/webhook/health"):
        for language in ("ru", "en"):
            texts[path + language] = stack.ask("GET", path, [("Accept-Language", language)]).body.decode()
    told = [(where, word) for where, text in texts.items() for word in [*CANARIES, *more] if word.lower() in text.lower()]
    assert told == []
    return True


@pytest.mark.settings(LOG_LEVEL="DEBUG", RETRY_MAX_ATTEMPTS="1", AMO_TIMEOUT_MS="500", INLINE_DEADLINE_MS="2000")
def test_logs_tell_nothing(stack: Stack) -> None:
    """Every kind of answer, and every kind of trouble with the account, at the highest log level."""
    payment = canary()
    body = to_body(payment)
    statuses = [stack.post(payment).status, stack.post(payment).status]
    another_payer = {"email": "Other-anareika@ecret.example"}
    known_id = payment["course_order"]["payment_id"]
    statuses.append(stack.post(canary(payment_id=known_id, user=another_payer)).status)
    statuses.append(stack.post(canary(status="NEW")).status)
    statuses.append(stack.post(canary(user="Канарейка")).status)
    statuses.append(stack.post(body[:-5]).status)
    statuses += [stack.post(body, headers=[("X-Signature", SECRET)]).status, stack.post(body, headers=[]).status]
    statuses.append(stack.post(body, headers=signer.legacy_plain(SECRET, body)).status)
    assert statuses == [200, 409, 409, 202, 400, 400, 401, 401, 409]

    stack.sandbox.add_contact(fields={account.PHONE: PERSON.phone_e164})  # Several hits: a warning.
    stack.carry(canary(only=("phone",)))
    for what, more in (("status", {"status": 400}), ("status", {"status": 500}), ("junk", {}), ("reset", {})):
        stack.sandbox.heal()
        stack.sandbox.fault(what, times=-1, **more)
        assert stack.post(canary()).status in (202, 500)
    stack.sandbox.heal()
    stack.sandbox.delete_field(account.FIELD_IDS[account.INVOICE_ID])
    stack.carry(canary())
    stack.sync_once()
    stack.ask("GET", "/webhook/payment?phone=89997654321&name=Kanareika")

    assert "payment=" in stack.said()
    assert tells_nothing(stack, signer.hex_hmac(SECRET, body))


def test_a_refusal_that_quotes_is_not_repeated(stack: Stack) -> None:
    """amoCRM names the value it refuses, wherever it can; we tell only what it calls its fields and mistakes."""
    quoting = {
        "title": "Bad Request Канарейка",
        "detail": "Kanareika@Secret.Example is refused",
        "hint": "89997654321",
        "validation-errors": [
            {
                "request_id": "Канарейка",
                "errors": [
                    {"code": "NotSupportedChoice", "path": "custom_fields_values.0.values.0.value", "detail": "«Канарейка»"},
                    {"code": "Желтокрылова", "path": "name: Kanareika@Secret.Example", "detail": "+79997654321"},
                ],
            }
        ],
    }
    for number, path in enumerate(("/api/v4/contacts", "/api/v4/leads", "/api/v4/leads/notes")):
        stack.sandbox.reset()
        rule = {"match": {"method": "POST", "path": path}, "do": "status", "status": 400, "body": quoting, "times": -1}
        stack.sandbox.control("POST", "faults", [rule])
        answer = stack.post(canary(payment_id=f"quoted-{number}"))
        assert answer.status == 500 and not any(word.lower() in answer.body.decode().lower() for word in CANARIES)
        assert "NotSupportedChoice" in stack.ledger.row(f"quoted-{number}")["error_message"]
    assert tells_nothing(stack)


@pytest.mark.settings(LOG_LEVEL="DEBUG", DELIVERY="queue", RETRY_MAX_ATTEMPTS="1", AMO_TIMEOUT_MS="500")
def test_payment_syncd_tells_nothing(stack: Stack) -> None:
    """The same, carried by payment-syncd: refused, postponed, in doubt, carried."""
    for number, (what, more) in enumerate((("status", {"status": 400}), ("status", {"status": 503}), ("reset", {}), ("junk", {}))):
        stack.sandbox.heal()
        stack.sandbox.fault(what, times=-1, **more)
        assert stack.post(canary(payment_id=f"queued-{number}")).status == 202
        stack.sync_once()
    stack.sandbox.heal()
    stack.sandbox.fault("status", status=401, times=-1)
    assert stack.post(canary(payment_id="queued-last")).status == 202
    stack.sync_once()
    assert "payment=" in (stack.data / "syncd.log").read_text()
    assert tells_nothing(stack)


@pytest.mark.settings(LOG_LEVEL="DEBUG", workers=1)
def test_a_crash_tells_nothing(stack: Stack) -> None:
    """Killed while amoCRM creates the lead: neither nginx's error log nor the parent's quotes the request."""
    assert stack.service
    stack.sandbox.fault("hang", "POST", "/api/v4/leads", when="after", ms=3000)
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.append(stack.post(canary(payment_id="killed")).status))
    sender.start()
    stack.sandbox.await_requests(1, "POST", "/api/v4/leads")
    parent = stack.service.process.pid
    for worker in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        os.kill(int(worker), signal.SIGKILL)
    sender.join()
    assert answers == [503]
    until(lambda: stack.health().status == 200, "another worker is up")
    assert "killed" in stack.said() or "signal" in stack.said()
    assert tells_nothing(stack)


def test_answers_to_strangers_tell_nothing(stack: Stack) -> None:
    """Who cannot sign learns nothing of what is known here, nor hears his own body again."""
    payment = canary(payment_id="known-to-us")
    stack.carry(payment)
    body = to_body(payment)
    for method, path, headers, sent in (
        ("POST", "/webhook/payment", [], body),
        ("POST", "/webhook/payment", [("X-Signature", "0" * 64)], body),
        ("POST", "/webhook/payment", signer.x_signature(SECRET, body[:-5]), body[:-5]),
        ("POST", "/webhook/payment", [("Content-Encoding", "gzip")], body),
        ("GET", "/webhook/payment?known-to-us", [], None),
        ("GET", "/webhook/nothing/known-to-us", [], None),
        ("POST", "/webhook/status", [("Content-Type", "application/x-www-form-urlencoded")], b"payment=known-to-us&token=0"),
    ):
        answer = stack.ask(method, path, headers, sent).body.decode()
        assert not any(word.lower() in answer.lower() for word in [*CANARIES, "known-to-us"]), answer


LINE = re.compile(r"<[3467]>(?:request=(?:[0-9a-f]{32}|-) )?\S.*")


@pytest.mark.settings(LOG_LEVEL="DEBUG")
def test_one_line_an_event(stack: Stack) -> None:
    """Each line has journald's priority, each answer nginx's name of its request: the two logs are read together."""
    answers = [
        stack.post(canary(payment_id="line\n<3>forged=1")),
        stack.post(canary(payment_id="line-2")),
        stack.post(b"{}"),
        stack.post(b"{}", headers=[]),
        stack.ask("GET", "/webhook/status"),
    ]
    lines = stack.said().splitlines()
    assert all(LINE.fullmatch(line) for line in lines), lines
    for answer in answers:
        (name,) = answer.headers.get_all("X-Request-Id")
        mine = [line for line in lines if f"request={name} " in line]
        assert len(mine) == 1 and f"http={answer.status} " in mine[0], lines
    assert stack.ledger.row("line-2")["request_id"] == answers[1].headers["X-Request-Id"]
