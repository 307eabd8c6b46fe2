"""How much memory a worker has for itself, whether it grows, and how soon the program answers after its start."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fastcgi"))

import fcgi  # noqa: E402
from figures import Figure, Implausible  # noqa: E402
from front import Front  # noqa: E402
from harness.process import _die_with_parent  # noqa: E402
from harness.signer import x_signature  # noqa: E402
from harness.stack import BUILD, SECRET, Stack  # noqa: E402
from load import make_requests, random_ids, sending  # noqa: E402
from processes import await_slowly, children, private_mb  # noqa: E402
from scale import Scale  # noqa: E402

# Requests come at thousands a second; this is when the bench gives up.
_PATIENCE_S = 900


def _recorded(stack: Stack) -> int:
    return stack.ledger.query("SELECT max(id) AS n FROM payment_events")[0]["n"] or 0


def _soak(stack: Stack, scale: Scale, folder: Path) -> tuple[float, float]:
    """A single worker, so that each request is its own; its memory when it has settled, and at the end."""
    requests = make_requests(folder / "requests", scale.soak + scale.soak // 4, random_ids(1))
    front = Front(folder / "front")
    front.add("ours", stack.socket)
    assert stack.service
    (worker,) = children(stack.service.process.pid)
    with front, sending(requests, front.ports["ours"], _PATIENCE_S):
        await_slowly(lambda: _recorded(stack) >= scale.settled, "the worker's memory has settled", _PATIENCE_S)
        settled = private_mb(worker)
        await_slowly(lambda: _recorded(stack) >= scale.soak, "the soak is over", _PATIENCE_S)
        end = private_mb(worker)
    if children(stack.service.process.pid) != [worker]:
        raise Implausible("the worker was replaced")
    return settled, end


def _first_answer_ms(stack: Stack, body: bytes) -> float:
    """From exec to the answer to a request that waits already."""
    signature = x_signature(SECRET, body)[0][1]
    params = [("REQUEST_METHOD", "POST"), ("DOCUMENT_URI", "/webhook/payment"),
              ("CONTENT_LENGTH", str(len(body))), ("HTTP_X_SIGNATURE", signature)]  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sender:
        path = str(stack.folder / "first.sock")
        listener.bind(path)
        listener.listen(8)
        sender.connect(path)
        sender.sendall(fcgi.begin() + fcgi.stream(fcgi.PARAMS, fcgi.pairs(params)) + fcgi.stream(fcgi.STDIN, body))
        began = time.monotonic()
        program = subprocess.Popen(
            [BUILD / "payment.fcgi", "-w", "1"], stdin=listener, env=stack.variables, stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        raw = b""
        while piece := sender.recv(8192):
            raw += piece
        took = (time.monotonic() - began) * 1000
        program.send_signal(signal.SIGTERM)
        program.wait()
        Path(path).unlink()
    if fcgi.Answer(raw).status != 202:
        raise Implausible(f"the first answer: {raw!r}")
    return took


def measure(scale: Scale, folder: Path) -> list[Figure]:
    with Stack(1, DELIVERY="queue") as stack:
        settled, end = _soak(stack, scale, folder)
        stack.stop_service()
        bodies = make_requests(folder / "first", scale.starts, random_ids(2)).bodies(scale.starts)
        first = median(_first_answer_ms(stack, body) for body in bodies)
    return [
        Figure("memory.private", f"private memory of a worker after {scale.settled:,} requests", settled, "MB", at_most=4),
        Figure("memory.growth", f"its growth from there to {scale.soak:,}", (end - settled) * 1024, "KB", at_most=64),
        Figure("memory.first_answer", "from exec to the first answer", first, "ms", at_most=20),
    ]
