"""paymentctl send: the platform's part, by hand."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

import pytest

from harness.ctl import CONFIG, LATER, OK, SEE, USAGE, ctl, ctl_json
from harness.payload import new_payment, new_person, to_body
from harness.paymentctl import alone
from harness.sandbox import TOKEN
from harness.signer import hex_hmac
from harness.stack import SECRET, Stack


class Listener(BaseHTTPRequestHandler):
    """Somebody else's server: it keeps what it is sent."""

    status = 200
    seen: list[tuple[dict[str, str], bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((dict(self.headers), body))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b"whatever")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.seen.clear()
    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def test_is_taken_for_the_platform(stack: Stack, tmp_path: Path) -> None:
    payment, url = new_payment(new_person()), stack.url + "/webhook/payment"
    file = tmp_path / "payment.json"
    file.write_bytes(to_body(payment))
    answer = ctl_json(stack, "send", str(file), "--url", url)
    assert answer["http"] == 200 and answer["answer"]["status"] == "success"
    assert stack.ledger.status(payment["course_order"]["payment_id"]) == "success"

    again = ctl(stack, "send", "-", "--url", url, stdin=file.read_text())
    assert again.returncode == OK and again.stdout.startswith("HTTP 409\n") and '"duplicate"' in again.stdout


def test_what_is_not_taken(stack: Stack, tmp_path: Path) -> None:
    url = stack.url + "/webhook/payment"
    assert ctl(stack, "send", "-", "--url", url, stdin="{}").returncode == SEE
    wrong = ctl(stack, "send", "-", "--url", url, stdin="{}", WEBHOOK_SECRET="another-key-altogether-wrong")
    assert (wrong.returncode, wrong.stdout.splitlines()[0]) == (SEE, "HTTP 401")
    payment = new_payment(new_person())
    stack.carry(payment)
    payment["course_order"]["course_order_items"][0]["cost"] = 1
    conflict = ctl(stack, "send", "-", "--url", url, stdin=to_body(payment).decode())
    assert conflict.returncode == SEE and '"conflict"' in conflict.stdout
    stack.stop_service()
    assert ctl(stack, "send", "-", "--url", url, stdin="{}").returncode in (LATER, SEE)


def test_where_to_is_an_address() -> None:
    for url in ("localhost", "ftp://localhost/", ""):
        done = alone("send", "-", "--url", url)
        assert done.returncode == USAGE and f'--url: "{url}" is not understood; it may be http://HOST/PATH' in done.stderr


def test_secrets_stay_here(stack: Stack, listener: str) -> None:
    """Whoever listens gets the signature, and neither of the secrets."""
    done = ctl(stack, "send", "-", "--url", listener, stdin='{"a": 1}')
    assert (done.returncode, done.stdout) == (OK, "HTTP 200\nwhatever\n")
    ((headers, body),) = Listener.seen
    assert body == b'{"a": 1}' and headers["Content-Type"] == "application/json"
    assert headers["X-Signature"] == hex_hmac(SECRET, body)
    assert "Authorization" not in headers
    assert not any(secret in value for secret in (TOKEN, SECRET) for value in headers.values())


CODES = [(202, OK), (429, LATER), (503, LATER), (409, SEE), (301, SEE), (500, SEE)]


@pytest.mark.parametrize("status, expected", CODES)
def test_exit_status(
    stack: Stack, listener: str, monkeypatch: pytest.MonkeyPatch, status: int, expected: int
) -> None:
    monkeypatch.setattr(Listener, "status", status)
    assert ctl(stack, "send", "-", "--url", listener, stdin="{}").returncode == expected


def test_mistakes(stack: Stack, tmp_path: Path) -> None:
    assert ctl(stack, "send").returncode == USAGE
    missing = ctl(stack, "send", str(tmp_path / "none"))
    assert missing.returncode == SEE and "none: No such file" in missing.stderr
    assert ctl(stack, "send", "-", stdin="{}", WEBHOOK_SECRET=None).returncode == CONFIG
    nobody = ctl(stack, "send", "-", "--url", "http://127.0.0.1:1/", stdin="{}")
    assert nobody.returncode == LATER and nobody.stderr.startswith("paymentctl: POST http://127.0.0.1:1/: ")
