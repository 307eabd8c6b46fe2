"""The emulated account seen from outside: what a manager does there, how it is broken, what it remembers."""

import base64
import json
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .certificates import Certificates
from .exchange import exchange
from .process import Child, base_environment

Entity = dict[str, Any]

TOKEN = "sandbox-token-that-must-not-be-logged"


def jwt_that_expires(seconds_from_now: int) -> str:
    """A token that tells when it expires, as amoCRM's long-lived ones do."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) + seconds_from_now}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl"


class Sandbox:
    """One running amocrm-sandbox, over TLS, and its control interface."""

    def __init__(self, program: Path, folder: Path, trust: ssl.SSLContext, certificates: Certificates, token: str = TOKEN) -> None:
        self.trust = trust
        self.child = Child(
            [program, "--listen", "127.0.0.1:0", "--token", token,
             "--cert", certificates.certificate, "--key", certificates.key],
            folder / "sandbox.log",
            base_environment(),
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.child.process.stdout
        ready = self.child.process.stdout.readline().decode().split()
        if not ready:
            raise RuntimeError(f"the emulated account did not start: {self.child.said()}")
        self.url = ready[-1]

    def stop(self) -> int:
        return self.child.stop()

    def control(self, verb: str, route: str, body: Any = None, /, **parameters: Any) -> Any:
        url = f"{self.url}/_sandbox/{route}" + ("?" + urlencode(parameters) if parameters else "")
        answer = exchange(self.trust, verb, url, body=None if body is None else json.dumps(body).encode())
        assert answer.status == 200, (route, answer.body.decode())
        return answer.json

    # The account.

    def reset(self, seed: Entity | None = None) -> None:
        """The account as it was at the start: no people, no faults, no log."""
        self.control("POST", "reset", {"seed": seed} if seed else None)

    def set(self, **settings: Any) -> None:
        self.control("POST", "settings", settings)

    def contacts(self) -> list[Entity]:
        return [one for one in self.control("GET", "state")["contacts"] if not one["is_deleted"]]

    def leads(self) -> list[Entity]:
        return [one for one in self.control("GET", "state")["leads"] if not one["is_deleted"]]

    def contact(self, contact_id: int) -> Entity:
        return next(one for one in self.contacts() if one["id"] == contact_id)

    def lead(self, lead_id: int) -> Entity:
        return next(one for one in self.leads() if one["id"] == lead_id)

    def notes(self, lead_id: int) -> list[str]:
        """The texts of a lead's notes."""
        return [
            note["params"]["text"]
            for note in self.control("GET", "state")["notes"]
            if note["entity_id"] == lead_id and note["entity_type"] == "leads"
        ]

    def tasks(self, lead_id: int) -> list[Entity]:
        """A lead's tasks."""
        return [
            task
            for task in self.control("GET", "state")["tasks"]
            if task["entity_id"] == lead_id and task["entity_type"] == "leads"
        ]

    # What a person does by hand.

    def add_contact(self, name: str = "Иван Петров", **more: Any) -> int:
        """`fields` go by name; the search knows it at once."""
        return self.control("POST", "contacts", {"name": name, **more}, index="now")["id"]

    def add_lead(self, contact_id: int, name: str = "Заявка", **more: Any) -> int:
        return self.control("POST", "leads", {"name": name, "contacts": [contact_id], **more}, index="now")["id"]

    def change_lead(self, lead_id: int, **changes: Any) -> None:
        self.control("PATCH", f"leads/{lead_id}", changes)

    def delete(self, kind: str, entity_id: int) -> None:
        self.control("DELETE", f"{kind}/{entity_id}")

    def delete_field(self, field_id: int) -> None:
        self.control("DELETE", f"fields/{field_id}")

    # How it fails, and what it saw.

    def fault(
        self, what: str, method: str | None = None, path: str = "/api/v4/*", body: str | None = None,
        target: str | None = None, **rule: Any,
    ) -> None:  # fmt: skip
        match = {"path": path}
        for name, value in (("method", method), ("body", body), ("target", target)):
            if value:
                match[name] = value
        self.control("POST", "faults", [{"match": match, "do": what, **rule}])

    def heal(self) -> None:
        self.control("DELETE", "faults")

    def log(self, method: str | None = None, path: str | None = None) -> list[Entity]:
        """The API requests, in the order in which they took effect."""
        chosen = {name: value for name, value in (("method", method), ("path", path)) if value}
        return self.control("GET", "log", **chosen)["entries"]

    def await_requests(self, count: int, method: str | None = None, path: str | None = None) -> list[Entity]:
        """Wait until so many such requests took effect."""
        chosen = {name: value for name, value in (("method", method), ("path", path)) if value}
        answer = self.control("GET", "log", wait_for=count, timeout_ms=15000, **chosen)
        assert answer["complete"], f"{len(answer['entries'])} of {count} requests came"
        return answer["entries"]

    def forget_log(self) -> None:
        self.control("DELETE", "log")

    def audit(self, limit: int) -> Entity:
        return self.control("GET", "audit", limit=limit)
