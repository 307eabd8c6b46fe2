"""Contract section 3, "Signature": who may tell us about payments."""

import base64
import time
from typing import Callable

import pytest

from harness import signer
from harness.payload import new_payment, new_person, to_body
from harness.signer import Headers
from harness.stack import SECRET, Stack

PREVIOUS = "the-secret-of-last-month-0123456789"
WHSEC = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
Scheme = Callable[[str, bytes], Headers]

SCHEMES = [signer.x_signature, signer.standard, signer.legacy_hmac, signer.legacy_plain]
FORMS = {
    "upper": lambda text: text.upper(),
    "prefix": lambda text: "sha256=" + text,
    "prefix_upper": lambda text: "sha256=" + text.upper(),
}


def send(stack: Stack, *headers: tuple[str, str], body: bytes | None = None) -> int:
    return stack.post(body or to_body(new_payment(new_person())), list(headers)).status


def new_body() -> bytes:
    return to_body(new_payment(new_person()))


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.__name__)
@pytest.mark.settings(WEBHOOK_SECRET_PREVIOUS=PREVIOUS)
def test_scheme_and_rotation(stack: Stack, scheme: Scheme) -> None:
    for secret, status in ((SECRET, 200), (PREVIOUS, 200), ("some-other-secret-0123456789", 401)):
        body = new_body()
        assert send(stack, *scheme(secret, body), body=body) == status, secret


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.__name__)
def test_previous_secret_counts_only_while_it_is_set(stack: Stack, scheme: Scheme) -> None:
    body = new_body()
    assert send(stack, *scheme(PREVIOUS, body), body=body) == 401


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_hex_forms(stack: Stack, form: Callable[[str], str]) -> None:
    body = new_body()
    assert send(stack, ("X-Signature", form(signer.hex_hmac(SECRET, body))), body=body) == 200


@pytest.mark.parametrize("scheme", [signer.x_signature, signer.standard, signer.legacy_hmac], ids=lambda s: s.__name__)
def test_of_another_body(stack: Stack, scheme: Scheme) -> None:
    body = new_body()
    assert send(stack, *scheme(SECRET, body + b" "), body=body) == 401


def test_malformed(stack: Stack) -> None:
    body = new_body()
    right = signer.hex_hmac(SECRET, body)
    for wrong in (right[:-1], right + "0", right[:-1] + "g", " ", "sha256=", "sha1=" + right, right + " " + right):
        assert send(stack, ("X-Signature", wrong), body=body) == 401, wrong


@pytest.mark.settings(WEBHOOK_SECRET=WHSEC)
def test_whsec_key(stack: Stack) -> None:
    body = new_body()
    assert send(stack, *signer.standard(WHSEC, body), body=body) == 200


def test_standard_tolerance(stack: Stack) -> None:
    now = int(time.time())
    for shift, status in ((-290, 200), (290, 200), (-320, 401), (320, 401)):
        body = new_body()
        assert send(stack, *signer.standard(SECRET, body, when=now + shift), body=body) == status, shift


def test_standard_needs_all_three_and_takes_one_of_several(stack: Stack) -> None:
    body = new_body()
    headers = signer.standard(SECRET, body)
    for missing in range(3):
        assert send(stack, *(headers[:missing] + headers[missing + 1 :]), body=body) == 401
    identity, stamp, (name, right) = headers
    others = "v1," + base64.b64encode(b"0" * 32).decode() + " v2,abc "
    assert send(stack, ("webhook-id", "msg_2"), stamp, (name, right), body=body) == 401
    assert send(stack, identity, stamp, (name, others + right), body=body) == 200


def test_repeated_header(stack: Stack) -> None:
    body = new_body()
    for headers in (signer.x_signature(SECRET, body), signer.legacy_hmac(SECRET, body), signer.standard(SECRET, body)):
        assert send(stack, *headers, headers[-1], body=body) == 401, headers[-1][0]
    assert stack.ledger.query("SELECT * FROM payment_events") == []


def test_stronger_header_alone_decides(stack: Stack) -> None:
    body = new_body()
    wrong_hex, wrong_standard = [("X-Signature", "0" * 64)], signer.standard("another-secret-0123456789", body)
    assert send(stack, *wrong_hex, *signer.legacy_plain(SECRET, body), body=body) == 401
    assert send(stack, *wrong_standard, *signer.x_signature(SECRET, body), body=body) == 401
    assert send(stack, *signer.x_signature(SECRET, body), ("X-Webhook-Secret", "wrong"), body=body) == 200
    body = new_body()
    assert send(stack, *signer.standard(SECRET, body), *wrong_hex, body=body) == 200


@pytest.mark.settings(WEBHOOK_LEGACY_SECRET="no")
def test_legacy_can_be_turned_off(stack: Stack) -> None:
    for scheme in SCHEMES:
        body = new_body()
        expected = 401 if scheme in (signer.legacy_hmac, signer.legacy_plain) else 200
        assert send(stack, *scheme(SECRET, body), body=body) == expected, scheme.__name__
