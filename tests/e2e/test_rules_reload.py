"""Contract section 7: changed rules are taken over at SIGHUP, and only if they are valid."""

import json
import signal
from pathlib import Path

from harness import account
from harness.payload import new_payment, new_person
from harness.process import Child, until
from harness.stack import Stack

BROKEN = '{"version": 1, "pipelines": [{"pipelin": 1}]}'
READY = "ready workers="
REFUSAL = 'path="pipelines[0].pipelin" reason="This key is unknown; known here: name, when, pipeline, status."'


def rules(pipeline: int, status: int) -> str:
    return json.dumps({"version": 1, "extends": "builtin", "pipelines": [{"pipeline": pipeline, "status": status}]})


def reload(child: Child) -> None:
    """HUP, until it is over."""
    before = until(lambda: child.said().count(READY), "it is ready")
    child.process.send_signal(signal.SIGHUP)
    until(lambda: child.said().count(READY) > before, "it is ready again")


def pipeline_of_new_lead(stack: Stack) -> int:
    payment = new_payment(new_person())
    stack.post(payment)
    return stack.sandbox.lead(stack.finished(payment)["lead_id"])["pipeline_id"]


def check(stack: Stack, mapping: Path, child: Child) -> None:
    assert pipeline_of_new_lead(stack) == account.PARTNERS

    mapping.write_text(rules(account.YANDEX, account.YANDEX_WORK))
    assert pipeline_of_new_lead(stack) == account.PARTNERS, "not before it is told"
    reload(child)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.YANDEX}

    mapping.write_text(BROKEN)
    reload(child)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.YANDEX}
    assert not child.ended()
    refusals = [line for line in child.said().splitlines() if REFUSAL in line]
    assert len(refusals) == 1 and refusals[0].startswith("<3>") and str(mapping) in refusals[0]

    mapping.write_text(rules(account.SITE, account.SITE_WORK))
    reload(child)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.SITE}


def test_workers(stack: Stack, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules(account.PARTNERS, account.PARTNERS_WORK))
    stack.stop_service()
    stack.start_service(workers=2, PAYMENT_MAPPING=str(mapping))
    assert stack.service
    check(stack, mapping, stack.service)


def test_carrier(stack: Stack, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules(account.PARTNERS, account.PARTNERS_WORK))
    stack.stop_service()
    stack.start_service(workers=1, PAYMENT_MAPPING=str(mapping), DELIVERY="queue")
    stack.start_syncd()
    assert stack.carrier
    check(stack, mapping, stack.carrier)


def test_carrier_does_not_start_with_wrong_rules(stack: Stack, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(BROKEN)
    stack.variables["PAYMENT_MAPPING"] = str(mapping)
    stack.start_syncd()
    assert stack.carrier
    until(stack.carrier.ended, "payment-syncd ends")
    assert stack.carrier.process.returncode == 78 and REFUSAL in stack.carrier.said()
