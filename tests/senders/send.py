#!/usr/bin/python3
"""Send one webhook, and send it again until it has arrived.

    WEBHOOK_URL=https://pay.example.com/webhook/payment WEBHOOK_SECRET=... send.py FILE [standard]

Signs with X-Signature, or, with "standard", with the three headers of Standard Webhooks.  Exit status: 0 it has arrived,
1 it was refused and a person must look, 75 nobody could take it: keep it and try again later.
"""

import base64
import hashlib
import hmac
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

ATTEMPTS = 8
TIMEOUT_S = 30  # The service answers within 8 seconds, or a little later.
TRY_AGAIN = (429, 502, 503, 504)


def x_signature(secret: str, body: bytes) -> dict[str, str]:
    return {"X-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def standard_webhooks(secret: str, body: bytes, message_id: str, now: int) -> dict[str, str]:
    prefix = "whsec_"
    key = base64.b64decode(secret[len(prefix) :]) if secret.startswith(prefix) else secret.encode()
    digest = hmac.new(key, f"{message_id}.{now}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected would arrive as a GET without its body."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
    """The status (0: no answer came), Retry-After, and the answer's body."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, "", answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers.get("Retry-After", ""), refusal.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, "", str(error)


def send(url: str, secret: str, body: bytes, standard: bool) -> int:
    message_id = "msg_" + uuid.uuid4().hex  # The same for every attempt.
    wait = 1
    for attempt in range(ATTEMPTS):
        if standard:
            # The time is each attempt's own: it is believed for 5 minutes.
            headers = standard_webhooks(secret, body, message_id, int(time.time()))
        else:
            headers = x_signature(secret, body)
        status, retry_after, answer = post(url, body, headers)
        print(status, answer.strip())
        if 200 <= status < 300 or status == 409:
            return 0
        if status != 0 and status not in TRY_AGAIN:
            return 1
        if attempt + 1 < ATTEMPTS:
            time.sleep(max(wait, int(retry_after) if retry_after.isdecimal() else 0))
            wait *= 2
    return 75


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit("usage: send.py FILE [standard]")
    # Read, or serialize, once: what is signed must be, byte for byte, what is sent.
    with open(sys.argv[1], "rb") as file:
        body = file.read()
    return send(os.environ["WEBHOOK_URL"], os.environ["WEBHOOK_SECRET"], body, sys.argv[2:] == ["standard"])


if __name__ == "__main__":
    sys.exit(main())
