"""Contract section 7: changed rules are taken over at SIGHUP, and only if they are valid."""

import json
import signal
from pathlib import Path

from harness import account
from harness.payload import new_payment, new_person
from harness.process import Child, until
from harness.stack import Stack

BROKEN = '{"version": 1, "pipelines": [{"pipelin": 1}]}'
REFUSAL = 'path="pipelines[0].pipelin" reason="This key is unknown; known here: name, when, pipeline, status."'


def rules(pipeline: int, status: int) -> str:
    return json.dumps({"version": 1, "extends": "builtin", "pipelines": [{"pipeline": pipeline, "status": status}]})


def reload(child: Child, word: str) -> None:
    """HUP; when it is over the program says that word once more."""
    before = child.said().count(word)
    child.process.send_signal(signal.SIGHUP)
    until(lambda: child.said().count(word) > before, f"{word} is said again")


def pipeline_of_new_lead(stack: Stack) -> int:
    payment = new_payment(new_person())
    stack.post(payment)
    return stack.sandbox.lead(stack.finished(payment)["lead_id"])["pipeline_id"]


def check(stack: Stack, mapping: Path, child: Child, word: str) -> None:
    assert pipeline_of_new_lead(stack) == account.PARTNERS

    mapping.write_text(rules(account.YANDEX, account.YANDEX_WORK))
    assert pipeline_of_new_lead(stack) == account.PARTNERS, "not before it is told"
    reload(child, word)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.YANDEX}

    mapping.write_text(BROKEN)
    reload(child, word)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.YANDEX}
    assert not child.ended()
    refusals = [line for line in child.said().splitlines() if REFUSAL in line]
    assert len(refusals) == 1 and refusals[0].startswith("<3>") and str(mapping) in refusals[0]

    mapping.write_text(rules(account.SITE, account.SITE_WORK))
    reload(child, word)
    assert {pipeline_of_new_lead(stack) for _ in range(4)} == {account.SITE}


def test_workers(stack: Stack, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules(account.PARTNERS, account.PARTNERS_WORK))
    stack.stop_service()
    stack.start_service(workers=2, PAYMENT_MAPPING=str(mapping))
    assert stack.service
    check(stack, mapping, stack.service, "ready workers=2")
