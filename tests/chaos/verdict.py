"""The ledger and the account compared, to the kopeck and to the single note."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from harness.account import COUNT, PHONE, TOTAL
from harness.stack import Stack

from plan import Plan
from supervised import state

NOTE_KEY = re.compile(r"^Payment ID: (\S+)$", re.M)


@dataclass
class Verdict:
    losses: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)  # In the ledger, with the reason: for a person, but not lost.
    statuses: Counter[str] = field(default_factory=Counter)

    def holds(self) -> bool:
        return not self.losses and not self.doubles


def _tail(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-10:]


def _kopecks(value: Any) -> int:
    return int(Decimal(str(value or 0)) * 100)


def _single(entity: dict[str, Any], name: str) -> Any:
    value = entity["fields"].get(name)
    return value[0] if isinstance(value, list) else value


def _check_rows(plan: Plan, rows: dict[str, Any], accepted: set[int], verdict: Verdict) -> None:
    for number in sorted(accepted):
        if plan.sales[number].key not in rows:
            verdict.losses.append(f"{plan.sales[number].key} was accepted and is not in the ledger")
    known = {sale.key: sale for sale in plan.sales}
    for key, row in rows.items():
        verdict.statuses[row["status"]] += 1
        if row["kopecks"] != known[key].kopecks:
            verdict.losses.append(f"{key}: the ledger has another amount")
        if row["status"] == "failed" and row["error_message"]:
            verdict.failed.append(f"{key}: {row['error_message']}")
        elif row["status"] != "success":
            verdict.losses.append(f"{key} is {row['status']}: {row['error_message']}")


def _check_notes(rows: dict[str, Any], notes: list[dict[str, Any]], verdict: Verdict) -> None:
    written: dict[str, list[int]] = defaultdict(list)
    for note in notes:
        for key in NOTE_KEY.findall(note["params"].get("text", "")):
            written[key].append(note["entity_id"])
    for key, leads in written.items():
        if len(leads) > 1:
            verdict.doubles.append(f"{key} has {len(leads)} notes, on leads {leads}")
        if key not in rows:
            verdict.losses.append(f"{key} is in amoCRM and not in the ledger")
    for key, row in rows.items():
        if row["status"] == "success" and row["lead_id"] not in written[key]:
            verdict.losses.append(f"{key} has no note on lead {row['lead_id']}")


def _check_contacts(plan: Plan, rows: dict[str, Any], contacts: list[dict[str, Any]], verdict: Verdict) -> None:
    by_phone: dict[str, list[int]] = defaultdict(list)
    for contact in contacts:
        by_phone[_tail(_single(contact, PHONE) or "")].append(contact["id"])
    for phone, ids in by_phone.items():
        if len(ids) > 1:
            verdict.doubles.append(f"{len(ids)} contacts have the phone {phone}: {ids}")
    for sale in plan.sales:
        row = rows.get(sale.key)
        if row and row["status"] == "success":
            phone = _tail(plan.clients[sale.client].person.phone)
            if row["contact_id"] not in by_phone[phone]:
                verdict.losses.append(f"{sale.key} is with contact {row['contact_id']}, not {by_phone[phone]}")


def _check_leads(
    base: dict[int, tuple[int, int]], rows: dict[str, Any], leads: list[dict[str, Any]], verdict: Verdict
) -> None:
    paid: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.values():
        if row["status"] == "success" or row["applied"]:
            paid[row["lead_id"]].append(row)
    for lead in leads:
        total, count = base.get(lead["id"], (0, 0))
        mine = paid.pop(lead["id"], [])
        if lead["id"] not in base and len(mine) != 1:
            verdict.doubles.append(f"lead {lead['id']} was made for {len(mine)} payments: {[r['payment_id'] for r in mine]}")
        total += sum(row["kopecks"] for row in mine)
        shown = _kopecks(_single(lead, TOTAL))
        if shown != total:
            (verdict.losses if shown < total else verdict.doubles).append(
                f"lead {lead['id']} shows {shown} kopecks, its payments come to {total}"
            )
        if int(_single(lead, COUNT) or 0) != count + len(mine):
            verdict.losses.append(f"lead {lead['id']} counts {_single(lead, COUNT)}, not {count + len(mine)}")
        if any(row["contact_id"] not in lead["contacts"] for row in mine):
            verdict.losses.append(f"lead {lead['id']} is not linked to its payer")
    for lead_id, mine in paid.items():
        verdict.losses.append(f"lead {lead_id} of {[row['payment_id'] for row in mine]} is not in amoCRM")


def judge(plan: Plan, stack: Stack, accepted: set[int], base: dict[int, tuple[int, int]]) -> Verdict:
    """`accepted`: sales that were answered with a promise.  `base`: what leads showed before, in kopecks, and their count."""
    verdict = Verdict()
    query = "SELECT e.*, d.applied FROM payment_events e LEFT JOIN delivery d ON d.payment = e.id"
    rows = {row["payment_id"]: row for row in stack.ledger.query(query)}
    there = state(stack)
    _check_rows(plan, rows, accepted, verdict)
    _check_notes(rows, there["notes"], verdict)
    _check_contacts(plan, rows, [one for one in there["contacts"] if not one["is_deleted"]], verdict)
    _check_leads(base, rows, [one for one in there["leads"] if not one["is_deleted"]], verdict)
    integrity = stack.paymentctl("integrity")
    if integrity.returncode != 0:
        verdict.losses.append(f"integrity: {integrity.stdout}{integrity.stderr}")
    return verdict
