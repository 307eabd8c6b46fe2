"""Many senders at once: each keeps a TLS connection and posts signed webhooks, one after the other, each of another person."""

import asyncio
import itertools
import json
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable

from harness import signer
from harness.payload import new_payment, new_person, to_body

# nginx counts requests and connections of each caller's address.
SENDERS_PER_ADDRESS = 10

# One of so many is to be carried.
CARRIED_OF = 4

# Longer than nginx waits for a worker; what is not answered by then counts as lost.
PATIENCE = 60.0


@dataclass(frozen=True)
class Sent:
    """One webhook and what came of it; status 0: no answer."""

    payment_id: str
    began: float
    ended: float
    status: int
    said: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Moment:
    """What was done to the service while the senders sent, and when."""

    began: float
    ended: float

    def overlaps(self, sent: Sent) -> bool:
        return sent.began < self.ended and sent.ended > self.began


class Senders:
    """Start on entering; on leaving, every sender finishes the request that it has in flight."""

    def __init__(self, trust: ssl.SSLContext, secret: str, count: int, pause: float) -> None:
        self.trust, self.secret, self.count, self.pause = trust, secret, count, pause
        self.sent: list[Sent] = []
        self.moments: list[Moment] = []
        self.numbers = itertools.count()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)

    def __enter__(self) -> "Senders":
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self.thread.join()

    def during(self, action: Callable[[], Any]) -> None:
        began = time.monotonic()
        action()
        self.moments.append(Moment(began, time.monotonic()))

    async def _all(self) -> None:
        await asyncio.gather(*(self._sender(number) for number in range(self.count)))

    async def _sender(self, number: int) -> None:
        address = f"127.0.1.{1 + number // SENDERS_PER_ADDRESS}"
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        await asyncio.sleep(self.pause * number / self.count)
        while not self.stopping.is_set():
            # Most need no carrying: they are recorded as durably as all others, and amoCRM's pace does not draw out the test.
            status_sent = "REFUNDED" if next(self.numbers) % CARRIED_OF else "CONFIRMED"
            payment = new_payment(new_person(), status=status_sent)
            began, status, said = time.monotonic(), 0, ""
            try:
                async with asyncio.timeout(PATIENCE):
                    if connection is None:
                        connection = await asyncio.open_connection("127.0.0.1", 443, ssl=self.trust, local_addr=(address, 0))
                    began = time.monotonic()
                    status, said, kept = await self._post(*connection, to_body(payment))
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                said, kept = repr(error), False
            if not kept and connection:
                connection[1].transport.abort()
                connection = None
            order = payment["course_order"]
            self.sent.append(Sent(order["payment_id"], began, time.monotonic(), status, said))
            await asyncio.sleep(self.pause)
        if connection:
            connection[1].transport.abort()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> tuple[int, str, bool]:
        """Status, `status` of the answer, and whether the connection stays."""
        headers = [("Host", "localhost"), ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        lines = [f"{name}: {value}\r\n" for name, value in headers + signer.x_signature(self.secret, body)]
        writer.write(f"POST /webhook/payment HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if "transfer-encoding: chunked" in head:
            answer = b""
            while size := int(await reader.readline(), 16):
                answer += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        else:
            answer = await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
        return int(head.split()[1]), json.loads(answer)["status"], "connection: close" not in head

    # What came of it.

    def not_accepted(self) -> list[Sent]:
        return [sent for sent in self.sent if not sent.accepted]

    def in_flight(self) -> int:
        """How many requests were in flight while something was done to the service, summed over the times it was done."""
        return sum(moment.overlaps(sent) for moment in self.moments for sent in self.sent)

    def figures(self) -> str:
        kinds = Counter(f"{sent.status} {sent.said}" for sent in self.sent)
        slowest = max((sent.ended - sent.began for sent in self.sent), default=0)
        took = ", ".join(f"{moment.ended - moment.began:.1f}" for moment in self.moments)
        told = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
        return f"{len(self.sent)} requests ({told}); {self.in_flight()} in flight meanwhile (each took {took} s); slowest {slowest:.1f} s"
