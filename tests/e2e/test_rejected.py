"""What the platform signed and is no payment: refused, and kept for a person."""

import json

import pytest

from harness.payload import new_payment, new_person
from harness.stack import Stack

pytestmark = pytest.mark.settings(DELIVERY="queue")


def rejected(stack: Stack) -> list[dict]:
    return json.loads(stack.paymentctl("list", "--rejected", "--json").stdout)


def test_kept_and_counted(stack: Stack) -> None:
    payment = new_payment(new_person())
    payment["course_order"]["course_order_items"] = "Годовой"
    for body in (payment, payment, [payment], b"not JSON \xff"):
        assert stack.post(body).status == 400
    rows = rejected(stack)
    assert [(row["times"], row["settled_ms"], row["purged"]) for row in rows] == [(1, None, False), (1, None, False), (2, None, False)]
    assert rows[2]["errors"][0]["path"] == "course_order.course_order_items" and "body" not in rows[2]
    assert stack.ledger.query("SELECT * FROM payment_events") == []

    one = json.loads(stack.paymentctl("show", "--rejected", str(rows[2]["id"]), "--payload", "--json").stdout)
    assert json.loads(one["body"]) == payment
    odd = stack.paymentctl("show", "--rejected", "#3", "--payload")
    assert odd.returncode == 0 and "not JSON ?" in odd.stdout
    assert stack.paymentctl("show", "--rejected", "99").returncode == 1

    stats = stack.paymentctl("stats")
    assert stats.returncode == 1 and "rejected:" in stats.stdout
    assert json.loads(stack.paymentctl("stats", "--json").stdout)["rejected"] == 3
    assert "payment_sync_rejected 3\n" in stack.ask("GET", "/webhook/metrics").body.decode()


def test_a_stranger_fills_nothing(stack: Stack) -> None:
    assert stack.post(b"{}", headers=[("X-Signature", "0" * 64)]).status == 401
    assert rejected(stack) == []


def test_put_aside(stack: Stack) -> None:
    assert stack.post(b"{}").status == 400
    assert stack.paymentctl("settle", "--rejected", "1").returncode == 0
    assert rejected(stack) == [] and stack.paymentctl("stats").returncode == 0
    again = stack.paymentctl("settle", "--rejected", "1")
    assert again.returncode == 1 and "put aside before" in again.stderr
    assert stack.post(b"{}").status == 400
    assert rejected(stack) == [], "it was looked at"


def test_read_again(stack: Stack) -> None:
    """A program that was too strict has been mended: here, what it refused is replaced by what it can read."""
    payment = new_payment(new_person())
    assert stack.post(b"{}").status == 400 and stack.post(b"[]").status == 400
    with stack.ledger.change() as database:
        database.execute("UPDATE rejected SET body = ? WHERE id = 1", (json.dumps(payment).encode(),))
    done = stack.paymentctl("retry", "--rejected")
    assert done.returncode == 1 and "1 is a payment now" in done.stdout and "2: it is no payment yet" in done.stderr
    stack.sync_once()
    assert stack.ledger.status(payment["course_order"]["payment_id"]) == "success"
    assert [row["id"] for row in rejected(stack)] == [2]
    assert len(stack.sandbox.leads()) == 1


def test_purged_by_age(stack: Stack) -> None:
    assert stack.post(b"{}").status == 400
    with stack.ledger.change() as database:
        database.execute("UPDATE rejected SET last_ms = 0")
    assert json.loads(stack.paymentctl("purge", "--days", "1", "--json").stdout)["rejected"] == 1
    assert rejected(stack)[0]["purged"] is True
    assert "its body is gone" in stack.paymentctl("retry", "--rejected").stderr
