"""paymentctl replay: past payments under the rules of today, and under others."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from harness.ctl import CONFIG, OK, SEE, ctl, ctl_json
from harness.payload import Payment, item, new_payment, new_person
from harness.stack import ROOT, Stack

BUILT_IN = json.loads((ROOT / "lib/rules/mapping.json").read_text())


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]


def rules(folder: Path, **changes: Any) -> str:
    """The built-in rules with some parts replaced, as a file."""
    path = folder / "rules.json"
    path.write_text(json.dumps({**BUILT_IN, **changes}, ensure_ascii=False))
    return str(path)


def replayed(stack: Stack, *words: str, **settings: str | None) -> dict[str, dict[str, list[Any]]]:
    found = ctl_json(stack, "replay", *words, **settings)
    return {one["payment_id"]: one["changes"] for one in found["differences"]}


def test_nothing_differs(stack: Stack, tmp_path: Path) -> None:
    stack.carry(new_payment(new_person()))
    stack.post(new_payment(new_person(), status="NEW"))
    stack.sandbox.forget_log()
    summary = "2 payments replayed, 0 differ; nothing was changed\n"
    for words in (("replay",), ("replay", "--since", "2025-01-01", "--mapping", rules(tmp_path), "--dry-run")):
        done = ctl(stack, *words)
        assert (done.returncode, done.stdout) == (OK, summary), done.stderr
    assert stack.sandbox.log() == []


def test_other_rules(stack: Stack, tmp_path: Path) -> None:
    russian, chemistry = new_payment(new_person()), new_payment(new_person(), item(100, "Химия"))
    for payment in (russian, chemistry):
        stack.carry(payment)
    other = rules(
        tmp_path,
        subjects={**BUILT_IN["subjects"], "Русский": 810002},
        pipelines=[{"pipeline": 8598230, "status": 80517738}],
        exclude=[{"when": {"amount": {"equals": 100}}, "reason": "too little"}],
        fields=[{"field": 800099, "path": "course_order.domain", "type": "text"}],
    )
    assert replayed(stack, "--mapping", other) == {
        id_of(russian): {
            "pipeline": [4423755, 8598230],
            "stage": [63242022, 80517738],
            "Предметы (800001)": [[810004], [810002]],
            "800099": [None, "pl.example.com"],
        },
        id_of(chemistry): {"skipped": [None, "too little"]},
    }
    done = ctl(stack, "replay", "--mapping", other)
    assert done.returncode == SEE
    assert f"{id_of(russian)}\n  pipeline: 4423755 -> 8598230\n" in done.stdout
    assert f"{id_of(chemistry)}\n  skipped: nothing -> too little\n" in done.stdout


def test_rules_of_today_and_what_was_done(stack: Stack, tmp_path: Path) -> None:
    unknown = new_payment(new_person(), item(subject="Этика"))
    skipped = new_payment(new_person(), status="NEW")
    stack.carry(unknown)
    stack.post(skipped)
    today = rules(tmp_path, subjects={"Этика": 810001}, exclude=[])
    assert replayed(stack, PAYMENT_MAPPING=today) == {
        id_of(unknown): {"unmapped": [["Этика"], []]},
        id_of(skipped): {"skipped": ["the status is not CONFIRMED", None]},
    }


def test_purged_payloads_are_counted(stack: Stack) -> None:
    payments = [new_payment(new_person()) for _ in range(3)]
    for payment in payments:
        stack.carry(payment)
    with closing(sqlite3.connect(stack.ledger.path)) as database, database:
        for payload, payment in (("", payments[0]), ("{}", payments[1])):
            database.execute("UPDATE payment_events SET payload = ? WHERE payment_id = ?", (payload, id_of(payment)))
    found = ctl_json(stack, "replay")
    assert (found["payments"], found["purged"], found["unreadable"], found["differing"]) == (3, 1, 1, 0)
    done = ctl(stack, "replay")
    assert done.stdout.startswith("1 payment replayed, 0 differ")
    assert "1 could not be: their payloads were purged" in done.stdout


def test_wrong_rules(stack: Stack, tmp_path: Path) -> None:
    """All that is wrong with them is said."""
    done = ctl(stack, "replay", "--mapping", rules(tmp_path, subject={}, version=2))
    assert (done.returncode, done.stdout) == (CONFIG, "")
    assert "subject: This key is unknown" in done.stderr and "version: This must be 1." in done.stderr
    assert ctl(stack, "replay", "--mapping", str(tmp_path / "none.json")).returncode == CONFIG
