"""Nothing is answered before its bytes are synced, and what was answered outlives a power cut (contract 3 and 10.1)."""

import json
import shutil
import subprocess
from typing import Iterator

import pytest

from bench import BUILD, Bench, Run
from harness.payload import item, new_payment, new_person, to_body
from powerloss import Answer, answers, restore
from scenarios import payment

# One of each answer that promises durability, in this order; the account makes what is needed of them.
FIRST = payment(1)
BODIES = [
    ("200 ", to_body(FIRST)),
    ("409 ", to_body(FIRST)),  # a duplicate
    ("409 ", to_body(payment(1, updated_at="2025-01-20 18:00:00", course_order_items=[item(1)]))),  # another amount
    ("202 ", to_body(payment(2, status="NEW"))),  # skipped
    ("500 ", to_body(payment(3))),  # refused for good
    ("202 ", to_body(payment(4))),  # queued: amoCRM refuses everybody
    ("202 ", to_body(payment(4))),  # in hand
]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


def served(bench: Bench, bodies: list[bytes], together: bool = False, **more: str) -> tuple[Run, bytes]:
    """A worker that starts with no ledger at all and is sent these: what it did, and the bytes it wrote to the ledger."""
    data = bench.data / "written"
    run = bench.serve(bodies, together=together, SHIM_DATA=str(data), **more)
    return run, data.read_bytes()


def rows_after_power_cut(bench: Bench, answer: Answer, number: int) -> dict[str, str]:
    """What the product finds in what the disk may hold: payment_id -> status."""
    if not answer.images[number]:
        return {}
    folder = bench.folder / "after"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    restore(answer.images[number], folder / "payments.sqlite")
    environment = {**bench.environment, "PAYMENTS_DB": str(folder / "payments.sqlite"), "PAYMENTS_RUN_DIR": str(folder)}
    checked = subprocess.run([BUILD / "paymentctl", "integrity"], env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = subprocess.run([BUILD / "paymentctl", "list", "--limit", "1000", "--json"], env=environment, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stderr
    return {row["payment_id"]: row["status"] for row in json.loads(listed.stdout)}


def check(bench: Bench, told: list[Answer], recorded: list[str]) -> None:
    """`recorded`: which payment each answer is about."""
    assert len(told) == len(recorded)
    for number, answer in enumerate(told):
        assert answer.unsynced == [], f"answered {answer.words} before these were synced: {answer.unsynced}"
        for image in range(len(answer.images)):
            rows = rows_after_power_cut(bench, answer, image)
            missing = set(recorded[: number + 1]) - set(rows)
            assert not missing, f"after {answer.words} and a power cut (image {image}) these are lost: {sorted(missing)}"


def test_every_answer_is_durable(bench: Bench) -> None:
    """A worker that makes the ledger, records, carries, and answers in all ways that promise anything."""
    bench.begin(None, {"DELIVERY": "inline"})
    contact = bench.sandbox.add("contacts", name="Иван", fields={"Telegram ID": "710012345"})
    bench.sandbox.add("leads", name="Заявка", status_id=50000002, contacts=[contact])
    bench.sandbox.fault("status", "PATCH", "/api/v4/leads/*", skip=1, times=1, status=422)
    bench.sandbox.fault("status", "GET", "/api/v4/contacts*", skip=3, times=-1, status=401)
    run, data = served(bench, [body for _, body in BODIES])
    told = answers(run.effects, data)
    assert [one.words[:4] for one in told] == [status for status, _ in BODIES]
    check(bench, told, ["pay_1", "pay_1", "pay_1", "pay_2", "pay_3", "pay_4", "pay_4"])


def test_what_is_recorded_together_is_durable(bench: Bench) -> None:
    """One sync for several answers: it comes before the first of them."""
    bench.begin(None, {"DELIVERY": "queue"})
    run, data = served(bench, [to_body(payment(number)) for number in range(1, 7)], together=True)
    told = answers(run.effects, data)
    assert [one.words for one in told] == ["202 Accepted"] * 6
    first = told[0].effect.number
    assert not [one for one in run.effects if one.place == "wal" and first < one.number < told[-1].effect.number]
    check(bench, told, [f"pay_{number}" for number in range(1, 7)])


def test_across_checkpoints(bench: Bench) -> None:
    """So many payments that the log is copied into the ledger and begun anew more than once."""
    bench.begin(None, {"DELIVERY": "queue"})
    many = [new_payment(new_person(), item(100 + n), payment_id=f"many_{n}", domain="x" * 60000) for n in range(150)]
    run, data = served(bench, [to_body(one) for one in many])
    begun_anew = [one.number for one in run.effects if one.place == "wal" and one.what == "write" and one.words == "log header"]
    assert len(begun_anew) > 1
    statuses = [one for one in run.effects if one.place == "peer" and one.words.startswith("Status")]
    # The answers around each of these moments.
    turns = {sum(answer.number < number for answer in statuses) for number in begun_anew[1:]}
    pictured = sorted({turn + near for turn in turns for near in (-2, -1, 0, 1)} | {0, len(many) - 1})
    told = answers(run.effects, data, pictured)
    assert [one.words for one in told] == ["202 Accepted"] * len(many)
    assert [one.unsynced for one in told] == [[]] * len(many)
    for number in pictured:
        for image in range(len(told[number].images)):
            rows = rows_after_power_cut(bench, told[number], image)
            assert {f"many_{n}" for n in range(number + 1)} <= set(rows)


def test_a_missing_sync_is_found(bench: Bench) -> None:
    """The test of the tests: were syncs not done, both checks would say so."""
    bench.begin(None, {"DELIVERY": "queue"})
    run, data = served(bench, [to_body(FIRST)], SHIM_IGNORE_SYNC="1")
    told = answers(run.effects, data)
    assert [one.words[:4] for one in told] == ["202 "]
    assert "wal" in told[0].unsynced
    assert "pay_1" not in rows_after_power_cut(bench, told[0], 0)
    with pytest.raises(AssertionError, match="before these were synced"):
        check(bench, told, ["pay_1"])
