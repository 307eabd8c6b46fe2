"""One name for a webhook from nginx to amoCRM, and amoCRM's names for its answers on the way back: who asks either can find it."""

import json
import re
from typing import Any

import pytest

from harness.payload import Payment, id_of, new_payment, new_person
from harness.paymentctl import ask, say
from harness.process import until
from harness.stack import Stack

NAME = re.compile(r"[0-9a-f]{32}")


def rids(stack: Stack) -> list[str]:
    """nginx's own log, which it writes after it has answered."""
    return [json.loads(line)["rid"] for line in (stack.folder / "nginx/access.log").read_text().splitlines()]


def lines_of(stack: Stack, name: str) -> list[str]:
    """What the journal says of that request; payment-syncd puts the name in quotes."""
    return [line for line in stack.said().splitlines() if re.search(rf'request="?{name}"? ', line)]


def told_back(stack: Stack, payment: Payment, calls: list[dict[str, Any]]) -> None:
    """The payment's story has each of these calls by amoCRM's own name, for programs and for people."""
    ids = [call["answer_id"] for call in calls]
    assert len(ids) >= 4 and len(set(ids)) == len(ids)
    trail = ask(stack, "show", id_of(payment))["trail"]
    assert [event["request_id"] for event in trail if event.get("status")] == ids
    said = say(stack, "show", id_of(payment))
    assert [name for name in ids if name not in said] == []


def test_carried_at_once(stack: Stack) -> None:
    payment = new_payment(new_person())
    answer = stack.post(payment)
    assert answer.status == 200
    (name,) = answer.headers.get_all("X-Request-Id")
    assert NAME.fullmatch(name)

    until(lambda: rids(stack).count(name) == 1, "nginx has written it down")
    (line,) = lines_of(stack, name)
    assert f"payment={id_of(payment)} answer=success" in line
    assert stack.ledger.row(id_of(payment))["request_id"] == name
    calls = stack.sandbox.log()
    assert {call["request_id"] for call in calls} == {name}
    told_back(stack, payment, calls)
    assert f"webhook, request {name}\n" in say(stack, "show", id_of(payment))


@pytest.mark.settings(DELIVERY="queue")
def test_carried_later(stack: Stack) -> None:
    """By another process, whose journal has the same name."""
    payment = new_payment(new_person())
    answer = stack.post(payment)
    assert answer.json["status"] == "queued"
    name = answer.headers["X-Request-Id"]
    stack.sync_once()
    lines = lines_of(stack, name)
    assert ["answer=queued" in lines[0], "carried contact=" in lines[1]] == [True, True] and len(lines) == 2
    calls = stack.sandbox.log()
    assert {call["request_id"] for call in calls} == {name}
    told_back(stack, payment, calls)


def test_refused(stack: Stack) -> None:
    """What amoCRM's support asks for stands in the reason."""
    payment = new_payment(new_person())
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=422)
    answer = stack.post(payment)
    assert (answer.status, answer.json["status"]) == (500, "failed")
    (refused,) = [call for call in stack.sandbox.log() if call["status"] == 422]
    assert refused["request_id"] == answer.headers["X-Request-Id"]
    assert f"request id {refused['answer_id']}" in ask(stack, "show", id_of(payment))["error_message"]
