"""Contract section 14: nobody reads our log."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest

from harness.exchange import Answer
from harness.payload import new_payment, new_person
from harness.process import until
from harness.stack import Stack

PAYMENTS = 500
LOST = re.compile(r"(\d+) lines were lost: nobody read the log")


def patiently(ask: Callable[[], Answer]) -> Answer:
    """nginx lets so many a second through."""
    while (answer := ask()).status == 429:
        time.sleep(0.1)
    return answer


def lost_lines(stack: Stack) -> int:
    metrics = patiently(lambda: stack.ask("GET", "/webhook/metrics")).body.decode()
    return int(re.search(r"^payment_sync_log_lost_total (\d+)$", metrics, re.M)[1])  # type: ignore[index]


def test_full_pipe(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both services write into a pipe that is full before they start, and that is read only at the end."""
    # AddressSanitizer's own remark on fibers would wait for a reader.
    monkeypatch.setenv("ASAN_OPTIONS", f"log_path={tmp_path}/sanitizer")
    stack.stop_service()
    log = tmp_path / "log"
    os.mkfifo(log)
    reader = os.open(log, os.O_RDWR | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(reader, b"." * 4095 + b"\n")
    stack.start_service(ready=False, log=log, DELIVERY="queue")
    until(stack._is_ready, "the service is ready")
    stack.start_syncd(log)
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: patiently(lambda: stack.post(new_payment(new_person()))), range(PAYMENTS)))
    assert {(answer.status, answer.json["status"]) for answer in answers} == {(202, "queued")}
    assert patiently(stack.health).json["status"] == "healthy"
    until(lambda: patiently(stack.health).json["last_success"], "payment-syncd carries")
    lost = lost_lines(stack)
    assert lost >= PAYMENTS

    told = ""

    def all_told() -> bool:
        nonlocal told
        try:
            told += os.read(reader, 1 << 20).decode()
        except BlockingIOError:
            pass
        return sum(map(int, LOST.findall(told))) >= lost

    until(all_told, "the lost lines are told")
    os.close(reader)
