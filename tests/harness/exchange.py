"""One HTTP exchange, with nothing done behind the caller's back: headers go out as given, also twice."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any, Sequence
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def exchange(
    trust: ssl.SSLContext,
    method: str,
    url: str,
    headers: Headers = (),
    body: bytes | None = None,
    timeout: float = 40,
) -> Answer:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=trust)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.connect()
        connection.putrequest(method, parts.path + (f"?{parts.query}" if parts.query else ""))
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # A server may refuse a body before it has read it.
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
