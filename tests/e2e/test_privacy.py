"""Promise 5: no secret, no body and no personal data in any log."""

from typing import Any

import pytest

from harness import account, signer
from harness.payload import Payment, Person, item, new_payment, to_body
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

    logs = {
        "service": stack.said(),
        "nginx access": (stack.folder / "nginx/access.log").read_text(),
        "nginx error": (stack.folder / "nginx/error.log").read_text(),
    }
    assert "payment=" in logs["service"] and '"path":"/webhook/payment"' in logs["nginx access"]
    signature = signer.hex_hmac(SECRET, body)
    words = [*CANARIES, signature]
    told = [(where, word) for where, text in logs.items() for word in words if word.lower() in text.lower()]
    assert told == []
