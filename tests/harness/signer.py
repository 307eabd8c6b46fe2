"""The sender's side of the three signature schemes.  Each function returns the headers of a signed body."""

import base64
import hashlib
import hmac
import time

Headers = list[tuple[str, str]]


def hex_hmac(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def x_signature(secret: str, body: bytes) -> Headers:
    return [("X-Signature", hex_hmac(secret, body))]


def legacy_hmac(secret: str, body: bytes) -> Headers:
    """What the platform's PHP sends today."""
    return [("X-Webhook-Secret", hex_hmac(secret, body))]


def legacy_plain(secret: str, body: bytes) -> Headers:
    """The secret itself; the body does not matter, which is why this scheme is on its way out."""
    return [("X-Webhook-Secret", secret)]


def standard(secret: str, body: bytes, message: str = "msg_1", when: int | None = None) -> Headers:
    """Standard Webhooks; a secret that begins with whsec_ is base64."""
    stamp = str(int(time.time()) if when is None else when)
    prefix = "whsec_"
    key = base64.b64decode(secret[len(prefix) :]) if secret.startswith(prefix) else secret.encode()
    digest = hmac.new(key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return [
        ("webhook-id", message),
        ("webhook-timestamp", stamp),
        ("webhook-signature", "v1," + base64.b64encode(digest).decode()),
    ]
