"""A short run of `make chaos`: everything fails at once, and nothing is lost or done twice."""

from typing import Callable

from chaos import run_chaos
from harness.account import PHONE, TOTAL
from harness.stack import Stack
from plan import make_plan
from supervised import SupervisedStack
from verdict import judge


def test_nothing_is_lost_or_done_twice() -> None:
    result = run_chaos(payments=300, seed=20250120)
    verdict, kills, faults = result.verdict, result.kills, result.faults
    assert not verdict.losses, verdict.losses
    assert not verdict.doubles, verdict.doubles
    assert not verdict.failed, verdict.failed
    assert verdict.statuses["success"] >= 290
    assert sum(kills.values()) >= 10 and sum(faults.values()) >= 50, (kills, faults)
    for kind in ("POST contacts", "POST leads", "PATCH leads", "POST leads/notes"):
        assert result.batches[kind] > 0, result.batches


def test_the_reckoning_sees_what_is_wrong() -> None:
    """A comparison that finds nothing proves nothing unless it would have found something."""
    plan = make_plan(6, seed=1)
    everybody = set(range(6))
    with SupervisedStack(workers=2) as stack:
        done = [stack.carry(sale.payment) for sale in plan.sales]
        assert judge(plan, stack, everybody, {}).holds()
        phone = plan.clients[plan.sales[0].client].person.phone
        note = f"Оплата проведена\n\nPayment ID: {plan.sales[1].key}"
        lead, contact = done[0]["lead_id"], done[0]["contact_id"]
        other = next(one for one in done if one["contact_id"] == contact)["lead_id"]

        def add_note(box: Stack) -> int:
            return box.sandbox.control("POST", "notes", {"entity_id": lead, "entity_type": "leads", "text": note})["id"]

        harms: list[tuple[str, Callable[[], object]]] = [
            ("notes", lambda: add_note(stack)),
            ("contacts", lambda: stack.sandbox.add_contact(fields={PHONE: phone})),
            ("was made for 0 payments", lambda: stack.sandbox.add_lead(contact)),
            ("kopecks", lambda: stack.sandbox.change_lead(other, fields={TOTAL: "1"})),
            ("is not in amoCRM", lambda: stack.sandbox.delete("leads", done[2]["lead_id"])),
        ]
        for words, harm in harms:
            harm()
            verdict = judge(plan, stack, everybody, {})
            assert any(words in line for line in (*verdict.losses, *verdict.doubles)), (words, verdict)
        more = make_plan(7, seed=1)
        assert any("not in the ledger" in line for line in judge(more, stack, {6}, {}).losses)
