"""`make demo` and `make run` do what they show, and leave nothing behind."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.process import until

TESTS = Path(__file__).resolve().parents[1]


def test_demo() -> None:
    done = subprocess.run([sys.executable, TESTS / "demo.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    shows = ("HTTP 200", "lead_created               true", "HTTP 409", "HTTP 401", "Общий оплаченный итог      13500")
    for shown in (*shows, "│ Оплата проведена", ", created for it"):
        assert shown in done.stdout, shown
    assert "\033" not in done.stdout  # Colours are for terminals.


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_run_prints_a_curl_line_that_works(end: int) -> None:
    running = subprocess.Popen([sys.executable, TESTS / "run.py"], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        shown = ""
        while "Ctrl-C" not in shown:
            line = running.stdout.readline()
            assert line, shown
            shown += line
        (command,) = re.findall(r"^  (curl .*\\\n.*)$", shown, re.MULTILINE)
        answer = subprocess.run(command + " -s", shell=True, capture_output=True, text=True, timeout=30)
        assert json.loads(answer.stdout)["status"] == "success", answer
        (state,) = re.findall(r"^  (curl -s .*/_sandbox/state)$", shown, re.MULTILINE)
        seen = json.loads(subprocess.run(state, shell=True, capture_output=True, text=True, timeout=30).stdout)
        assert len(seen["leads"]) == len(seen["contacts"]) == 1
        (folder,) = set(re.findall(r"/tmp/pps-\w+", shown))
    finally:
        running.send_signal(end)
        code = running.wait(30)
        running.stdout.close()
    assert code == 0 and not Path(folder).exists()


def test_nothing_outlives_a_killed_test() -> None:
    """Even SIGKILL of the test process ends every program it started."""
    running = subprocess.Popen([sys.executable, TESTS / "run.py"], stdout=subprocess.PIPE, text=True)
    assert running.stdout
    shown = "".join(iter(running.stdout.readline, "Ctrl-C stops everything and removes its files.\n"))
    (folder,) = set(re.findall(r"/tmp/pps-\w+", shown))
    running.kill()
    running.wait()
    running.stdout.close()

    def mentions() -> list[str]:
        commands = (path / "environ" for path in Path("/proc").glob("[0-9]*"))
        return [str(path) for path in commands if folder.encode() in read(path)]

    def read(path: Path) -> bytes:
        try:
            return path.read_bytes() + (path.parent / "cmdline").read_bytes()
        except OSError:
            return b""

    until(lambda: not mentions(), f"all programs of {folder} have ended")
    shutil.rmtree(folder)
