"""Load: a file of signed webhooks, no two alike, and wrk, which sends them over kept connections."""

import itertools
import json
import signal
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Iterator

from harness import signer
from harness.payload import new_payment, new_person, to_body
from harness.stack import SECRET

CONNECTIONS = 32
THREADS = 2

_HEAD = (
    "POST /webhook/payment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\nX-Signature: {signature}\r\n\r\n"
)  # fmt: skip


@dataclass(frozen=True)
class Requests:
    """Complete HTTP requests in one file, all of one length, so that any of them is found by its number."""

    file: Path
    length: int
    count: int

    def bodies(self, count: int) -> list[bytes]:
        """The first so many bodies alone."""
        with open(self.file, "rb") as file:
            return [file.read(self.length).partition(b"\r\n\r\n")[2] for _ in range(count)]


def random_ids(seed: int) -> Iterator[str]:
    """As from a platform that uses UUIDs: each insert meets another page of the ledger's index."""
    chance = Random(seed)
    while True:
        yield uuid.UUID(int=chance.getrandbits(128)).hex


def ordered_ids(first: int) -> Iterator[str]:
    """As from a platform that counts: pay_123456."""
    return (f"pay_{number:028}" for number in itertools.count(first))


def make_requests(file: Path, count: int, ids: Iterator[str]) -> Requests:
    mark = "0" * 32
    template = to_body(new_payment(new_person(), payment_id=mark)).decode()
    length = 0
    with open(file, "wb") as out:
        for payment_id in itertools.islice(ids, count):
            body = template.replace(mark, payment_id).encode()
            head = _HEAD.format(length=len(body), signature=signer.hex_hmac(SECRET, body)).encode()
            length = out.write(head + body)
    return Requests(file, length, count)


@dataclass(frozen=True)
class Load:
    """What wrk saw.  `refused` counts answers from 400 on, `lost` requests without an answer."""

    answers: int
    seconds: float
    refused: int
    lost: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def _wrk(requests: Requests, port: int, seconds: int) -> "subprocess.Popen[str]":
    script, url = Path(__file__).with_suffix(".lua"), f"http://127.0.0.1:{port}/webhook/payment"
    command = [
        "wrk", "-t", THREADS, "-c", CONNECTIONS, "-d", f"{seconds}s", "--timeout", "20s", "-s", script, url,
        "--", requests.file, requests.length, requests.count, THREADS,
    ]  # fmt: skip
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def send(requests: Requests, port: int, seconds: int) -> Load:
    """Send for so long; the file begins anew when it is at its end."""
    with _wrk(requests, port, seconds) as wrk:
        said = wrk.communicate()[0]
    if wrk.returncode:
        raise RuntimeError(f"wrk: {said}")
    return Load(**json.loads(said.rstrip().rsplit("\n", 1)[-1]))


@contextmanager
def sending(requests: Requests, port: int, seconds: int) -> Iterator[None]:
    """Send in the background, until this is left or so many seconds are over."""
    with _wrk(requests, port, seconds) as wrk:
        try:
            yield
        finally:
            wrk.send_signal(signal.SIGINT)
            wrk.communicate()
