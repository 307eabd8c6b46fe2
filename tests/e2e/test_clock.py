"""Contract section 14: the clock was wrong, and was set right later."""

import pytest

from harness.payload import new_payment, new_person
from harness.stack import Stack

DAY_MS = 24 * 60 * 60 * 1000


@pytest.mark.settings(DELIVERY="queue")
def test_recorded_a_day_ahead(stack: Stack) -> None:
    payment = new_payment(new_person())
    assert stack.post(payment).json["status"] == "queued"
    stack.stop_service()
    with stack.ledger.change() as ledger:
        ledger.execute(f"UPDATE payment_events SET recorded_ms = recorded_ms + {DAY_MS}, next_ms = next_ms + {DAY_MS}")
    stack.start_service(fresh=False, DELIVERY="queue")
    health = stack.health().json
    assert (health["status"], health["oldest_undelivered_seconds"]) == ("healthy", 0)
    stack.sync_once()
    stack.finished(payment)
    assert "s in the future: the clock was wrong then, or is now" in stack.said()
