"""What the platform's programmers are given: the vectors are right, and the examples send them so that they arrive."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Iterator, Sequence

import pytest

from harness import signer
from harness.stack import Stack

HERE = Path(__file__).resolve().parent
VECTORS: list[dict[str, Any]] = json.loads((HERE / "vectors.json").read_text())
PROGRAMS = ["send.php", "send.py", "send.sh"]
SCHEMES = ["", "standard"]

# The service of such a test is started with the vector's secret.
each_vector = pytest.mark.parametrize(
    "vector",
    [pytest.param(one, marks=pytest.mark.settings(WEBHOOK_SECRET=one["secret"]), id=one["name"]) for one in VECTORS],
)


def digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def standard_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()


def body_of(vector: dict[str, Any]) -> bytes:
    return (HERE / vector["file"]).read_bytes()


@each_vector
def test_vector(vector: dict[str, Any]) -> None:
    body, headers = body_of(vector), vector["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert base64.b64decode(vector["base64"]) == body
    assert headers["X-Signature"] == headers["X-Webhook-Secret"] == digest(vector["secret"].encode(), body).hex()
    assert base64.b64decode(headers["webhook-signature"].removeprefix("v1,")) == digest(standard_key(vector["secret"]), signed)


def test_the_vectors_are_what_they_say() -> None:
    """An editor that "repairs" a body would leave its signature wrong only for those who look."""
    bodies = {vector["name"]: body_of(vector) for vector in VECTORS}
    assert "😀".encode() in bodies["emoji"] and rb"\ud83d\ude00" in bodies["emoji-escaped"]
    assert json.loads(bodies["cyrillic"])["course_order"]["user"] == json.loads(bodies["cyrillic-escaped"])["course_order"]["user"]
    assert bodies["cyrillic-escaped"].isascii() and not bodies["cyrillic"].isascii()
    assert rb"\/" in bodies["slashes-escaped"] and rb"\/" not in bodies["slashes"]
    assert b"\r\n" in bodies["line-ends"] and bodies["line-ends"].endswith(b"} \r\n\n")
    assert {f"bodies/{path.name}" for path in (HERE / "bodies").iterdir()} == {vector["file"] for vector in VECTORS}


def is_recorded(stack: Stack, vector: dict[str, Any]) -> bool:
    row = stack.ledger.row(vector["payment_id"])
    return (row["status"], row["amount"], row["payload"]) == ("success", vector["amount"], body_of(vector).decode())


def flipped(body: bytes) -> bytes:
    """One bit in the middle: a digit, a letter or a part of one."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


@each_vector
def test_vector_is_accepted_and_no_other(stack: Stack, vector: dict[str, Any]) -> None:
    body, headers = body_of(vector), vector["headers"]
    for way in (
        [("X-Signature", headers["X-Signature"])],
        [("X-Webhook-Secret", headers["X-Webhook-Secret"])],
        signer.standard(vector["secret"], body, headers["webhook-id"]),
    ):
        assert stack.post(flipped(body), way).status == 401
    assert stack.ledger.query("SELECT * FROM payment_events") == []
    assert stack.post(body, [("X-Signature", headers["X-Signature"])]).status == 200
    assert is_recorded(stack, vector)
    assert stack.post(body, [("X-Webhook-Secret", headers["X-Webhook-Secret"])]).status == 409
    assert stack.post(body, signer.standard(vector["secret"], body, headers["webhook-id"])).status == 409


# The examples.


def start(program: Path, url: str, vector: dict[str, Any], *scheme: str, **more: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "WEBHOOK_URL": url, "WEBHOOK_SECRET": vector["secret"], **more
    }  # fmt: skip
    return subprocess.Popen(
        [program, HERE / vector["file"], *scheme], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def end(sending: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        output = sending.communicate(timeout=60)[0]
    finally:
        sending.kill()
    return sending.returncode, output


@pytest.mark.parametrize("program", PROGRAMS)
@each_vector
def test_example_delivers(stack: Stack, vector: dict[str, Any], program: str) -> None:
    authority = str(stack.certificates.authority)
    trust = {"SSL_CERT_FILE": authority, "CURL_CA_BUNDLE": authority}
    url = stack.url + "/webhook/payment"

    for scheme in SCHEMES:
        stranger = {**vector, "secret": "another-secret-0123456789"}
        status, output = end(start(HERE / program, url, stranger, scheme, **trust))
        assert (status, output.split()[0]) == (1, "401"), output
    assert stack.ledger.query("SELECT * FROM payment_events") == []

    for scheme, answer, word in (("", "200", "success"), ("standard", "409", "duplicate")):
        status, output = end(start(HERE / program, url, vector, scheme, **trust))
        assert status == 0 and re.match(f'{answer} {{"status":"{word}"', output), output
    assert is_recorded(stack, vector)


class Receiver:
    """A server that answers as it is told to, one after the other (0: it hangs up), and keeps what came."""

    def __init__(self, answers: Sequence[tuple[int, dict[str, str]]]) -> None:
        self.answers = list(answers)
        self.came: list[tuple[float, Any, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((time.monotonic(), self.headers, body))
                status, headers = receiver.answers.pop(0)
                if status == 0:
                    return
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhook/payment"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive() -> Iterator[Any]:
    receivers: list[Receiver] = []

    def begin(*answers: tuple[int, dict[str, str]]) -> Receiver:
        receivers.append(Receiver(answers))
        return receivers[-1]

    yield begin
    for receiver in receivers:
        receiver.stop()


@pytest.mark.parametrize("program", PROGRAMS)
@each_vector
def test_example_signs_as_the_vector_does(receive: Any, vector: dict[str, Any], program: str) -> None:
    receiver = receive((200, {}), (202, {}))
    for scheme in SCHEMES:
        assert end(start(HERE / program, receiver.url, vector, scheme))[0] == 0
    (_, hexadecimal, first), (_, standard, second) = receiver.came
    assert first == second == body_of(vector)
    assert hexadecimal["Content-Type"] == standard["Content-Type"] == "application/json"
    assert hexadecimal["X-Signature"] == vector["headers"]["X-Signature"] and "webhook-id" not in hexadecimal
    again = signer.standard(vector["secret"], second, standard["webhook-id"], int(standard["webhook-timestamp"]))
    assert standard["webhook-signature"] == dict(again)["webhook-signature"] and "X-Signature" not in standard
    assert abs(int(standard["webhook-timestamp"]) - time.time()) < 60


def test_examples_send_again_until_it_has_arrived(receive: Any) -> None:
    """The same bytes under the same id, no sooner than they were told to."""
    vector = VECTORS[1]
    receivers = [receive((503, {"Retry-After": "2"}), (0, {}), (429, {}), (409, {})) for _ in PROGRAMS]
    sending = [start(HERE / program, receiver.url, vector, "standard") for program, receiver in zip(PROGRAMS, receivers)]
    for program, receiver, one in zip(PROGRAMS, receivers, sending):
        status, output = end(one)
        assert (status, [line.split()[0] for line in output.splitlines()][-1]) == (0, "409"), (program, output)
        times, headers, bodies = zip(*receiver.came)
        assert len(times) == 4 and times[1] - times[0] >= 2 and times[3] - times[2] >= 3, program
        assert {body for body in bodies} == {body_of(vector)}, program
        assert len({one["webhook-id"] for one in headers}) == 1, program
        assert headers[0]["webhook-timestamp"] != headers[3]["webhook-timestamp"], program


@pytest.mark.parametrize("refusal", [301, 400, 401, 404, 413, 500])
@pytest.mark.parametrize("program", PROGRAMS)
def test_example_does_not_repeat_what_was_refused(receive: Any, program: str, refusal: int) -> None:
    receiver = receive((refusal, {"Location": "/elsewhere"} if refusal == 301 else {}), (200, {}))
    status, output = end(start(HERE / program, receiver.url, VECTORS[0]))
    assert (status, output.split()[0], len(receiver.came)) == (1, str(refusal), 1), output


@pytest.mark.parametrize("program", PROGRAMS)
def test_example_gives_up_in_the_end(receive: Any, tmp_path: Path, program: str) -> None:
    hasty = tmp_path / program
    text, changes = re.subn(r"ATTEMPTS( ?= ?)8", r"ATTEMPTS\g<1>2", (HERE / program).read_text())
    assert changes == 1
    hasty.write_text(text)
    hasty.chmod(0o755)
    receiver = receive((503, {}), (502, {}))
    assert end(start(hasty, receiver.url, VECTORS[0]))[0] == 75
    assert len(receiver.came) == 2
