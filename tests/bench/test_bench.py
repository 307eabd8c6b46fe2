"""The bench itself: a short run gives every figure, and what it compares is real work.  Nothing here depends on speed."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

from cpu import read_profile  # noqa: E402
from figures import Figure, missed, number  # noqa: E402
from harness.stack import BUILD, ROOT  # noqa: E402

KEYS = {
    *(f"receive.{name}.{value}" for name in ("nothing", "ours", "php", "python") for value in ("rate", "p99")),
    *(f"receive.{name}.memory" for name in ("ours", "php", "python")),
    *("receive.of_nothing", "receive.of_php", "receive.of_python", "receive.p99_of_nothing"),
    *("age.in_order", "age.random", "age.stats", "age.list", "age.list_failed", "age.health", "age.status_page", "age.metrics"),
    *(f"calls.{kind}.{value}" for kind in ("known", "new") for value in ("in_a_row", "latency", "ours", "each", "backlog")),
    *("backlog.minutes", "backlog.calls", "backlog.used", "backlog.most", "backlog.refused"),
    *("memory.private", "memory.growth", "memory.first_answer"),
    *("cpu.writes", "cpu.written", "cpu.instructions", "cpu.dearest1", "cpu.dearest2", "cpu.dearest3"),
}

# Of these 0 is a sensible value, and the last may be less.
MAY_BE_ZERO = {"backlog.refused", "memory.growth"}

PROFILE = """\
positions: line
events: Ir
ob=(1) /somewhere/payment.fcgi
fl=(1) a.c
fn=(1) first
12 100
+3 10
cob=(2) /somewhere/libother.so
cfi=(2) ???
cfn=(2) other
calls=2 0
* 1000
cfn=(3) second
calls=1 0
14 50
fn=(3)
20 50
ob=(2)
fn=(2)
0 1000
"""


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("bench")
    subprocess.run(["make", "-s", "-C", ROOT, "Q=@", f"{BUILD.relative_to(ROOT)}/bench/nothing"], check=True)
    command = [HERE / "bench.py", "--quick", "--json", folder / "bench.json", "--svg", folder / "bench.svg"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    xml.parse(folder / "bench.svg")
    report = json.loads((folder / "bench.json").read_text())
    assert report["quick"] is True
    return report["figures"]


def test_every_figure_is_there(figures: dict[str, dict[str, Any]]) -> None:
    assert set(figures) == KEYS
    for key, figure in figures.items():
        assert figure["value"] > 0 or key in MAY_BE_ZERO, figure


def test_what_was_counted_is_exact(figures: dict[str, dict[str, Any]]) -> None:
    """Calls, refusals and instructions do not depend on the machine."""
    assert figures["calls.known.each"]["value"] <= 4
    assert figures["calls.new.each"]["value"] <= 6
    assert figures["backlog.refused"]["value"] == 0
    dearest = [figures[f"cpu.dearest{place}"]["value"] for place in (1, 2, 3)]
    assert dearest == sorted(dearest, reverse=True)
    assert sum(dearest) < figures["cpu.instructions"]["value"]


def test_libraries_count_for_their_caller(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(PROFILE)
    assert read_profile(tmp_path / "profile") == {"first": 1110, "second": 50}


def test_limits_are_judged() -> None:
    slow, big = Figure("a", "a", 0.29, at_least=0.3), Figure("b", "b", 4.1, at_most=4)
    fine = [Figure("c", "c", 0.3, at_least=0.3), Figure("d", "d", 4, at_most=4), Figure("e", "e", 1)]
    assert missed([slow, *fine, big]) == [slow, big]
    assert [number(value) for value in (0, 1.005, 12.34, 1234.5, 1e7)] == ["0", "1.00", "12.3", "1,234", "10,000,000"]
