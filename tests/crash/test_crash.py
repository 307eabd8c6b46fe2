"""A sample of the crash points of each scenario, always the same; `make crash` takes all of them."""

import dataclasses
import os

import pytest

import crash
from bench import Point
from scenarios import SCENARIOS

# Odd, so that both sides of an effect have their turn.
POINT_STEP, PAIR_STEP = 7, 61


@pytest.mark.parametrize("name", SCENARIOS)
def test_crashes(name: str) -> None:
    assert crash.crash_all([name], os.cpu_count() or 1, POINT_STEP, PAIR_STEP) == 0


def test_effects_are_seen() -> None:
    """All kinds of effects, and each process dies where it was told to."""
    crasher = crash.Crasher()
    try:
        dry = crasher.run(("worker-first-start", ()))
        kinds = {f"{one.what} {one.place}" for one in dry.effects[0]}
        assert kinds >= {"create db", "write db", "sync db", "create wal", "write wal", "sync wal", "sync dir", "unlink wal",
                         "send crm", "answer crm", "send peer"}  # fmt: skip
        assert dry.wrong == []
        last = len(dry.effects[0])
        for at, when, missed in ((1, "before", False), (last - 5, "after", False), (last + 50, "before", True)):
            outcome = crasher.run(("worker-first-start", (Point(at, when),)))
            assert (outcome.wrong, outcome.missed) == ([], missed)
    finally:
        crasher.bench.close()


def test_a_wrong_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the tests: another end than the expected one is a violation."""
    wanted = SCENARIOS["known-person-with-lead"]
    crasher = crash.Crasher()
    try:
        for change in ({"total": "15981"}, {"count": "3"}, {"leads": 2}, {"payments": [*wanted.payments, *wanted.payments]}):
            ends = [dataclasses.replace(wanted.ends[0], **change)]
            monkeypatch.setitem(SCENARIOS, wanted.name, dataclasses.replace(wanted, ends=ends))
            assert crasher.run((wanted.name, (Point(30, "after"),))).wrong != []
    finally:
        crasher.bench.close()
