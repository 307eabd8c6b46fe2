"""The service on a machine: installed as the README tells an admin to, with an emulated account beside it."""

import os
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

from harness import signer
from harness.account import SETTINGS
from harness.certificates import make_certificates
from harness.exchange import Answer, Headers, exchange
from harness.ledger import Ledger
from harness.payload import Payment, new_payment, new_person, to_body
from harness.process import base_environment, until
from harness.sandbox import TOKEN, Sandbox
from harness.stack import ROOT, SECRET, connects
from machine import Machine
from senders import Senders

POOL, CARRIER, SOCKET = "platform-payment-sync.service", "platform-payment-syncd.service", "platform-payment-sync.socket"
UNITS = f"{SOCKET} {POOL} {CARRIER}"
USER = "platform-payment-sync"
CONFIG = "/etc/platform-payment-sync/config.env"
CERTIFICATES = "/etc/ssl/payments"
ACCOUNT_PORT = 8443

# What is built, installed and looked up.
SOURCES = ("Makefile", "README.md", "README.ru.md", "env.example", "env.example.ru", "cgi", "debian", "lib", "nginx", "systemd",
           "tests/sandbox", "tests/senders")  # fmt: skip
BUILT = ("build/lib", "build/cgi", "build/tests/sandbox", "build/libpaymentsync.a", "build/payment.fcgi",
         "build/payment-syncd", "build/paymentctl", "build/amocrm-sandbox")  # fmt: skip


class RemoteSandbox(Sandbox):
    """An emulated account that the machine has started."""

    def __init__(self, url: str, trust: ssl.SSLContext) -> None:
        self.url, self.trust = url, trust


class Site:
    def __init__(self, machine: Machine, place: Path) -> None:
        self.machine = machine
        self.sources = place / "sources"
        self.certificates = make_certificates(place)
        self.trust = ssl.create_default_context(cafile=str(self.certificates.authority))
        self.sandbox = RemoteSandbox(f"https://127.0.0.1:{ACCOUNT_PORT}", self.trust)
        self.secret = SECRET
        self.accepted: set[str] = set()  # Payments that were answered with 2xx,
        self.unanswered: set[str] = set()  # and those that were not: they may have been recorded all the same.

    # Installing.

    def install(self) -> None:
        """`make install`, then the README's lines one by one."""
        self._copy_sources()
        self.make("all")
        self.make_install()
        self._start_account()
        for line in self.readme("systemctl enable --now"):
            self.follow(line)
        until(lambda: connects(443), "nginx serves the site")

    def follow(self, line: str) -> None:
        """Do what a line of the README's commands says; where it leaves something to the admin, do that."""
        if line.startswith("#"):
            self._prepare_site()
            return
        self.machine.sh(line)
        if "config.env.example" in line:
            self.settings(
                **SETTINGS,
                WEBHOOK_SECRET=self.secret,
                AMO_BASE_URL=self.sandbox.url,
                AMO_ACCESS_TOKEN=TOKEN,
                AMO_CA_FILE=f"{CERTIFICATES}/ca.pem",
                AMO_RATE_LIMIT="200",
            )

    def readme(self, word: str) -> list[str]:
        """Those of the README's commands among which this word stands."""
        blocks = re.findall(r"^```\n(.*?)^```$", (self.sources / "README.md").read_text(), re.M | re.S)
        found = [block.splitlines() for block in blocks if word in block]
        assert len(found) == 1, f"the README has {len(found)} blocks with {word}"
        lines = found[0]
        assert any("config.env.example" in line for line in lines) and any(line.startswith("#") for line in lines), lines
        return lines

    def _copy_sources(self) -> None:
        """What is tested does not change while it is tested; and the upgrade is built aside."""
        for name in SOURCES + BUILT:
            if (ROOT / name).exists():
                (self.sources / name).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-a", ROOT / name, self.sources / name], check=True)

    def make(self, *words: str) -> None:
        command = ["make", "-C", str(self.sources), f"-j{os.cpu_count()}", *words]
        done = subprocess.run(command, env=base_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout[-3000:]

    def make_install(self, *words: str) -> None:
        self.make("install", "PREFIX=/usr", f"DESTDIR={self.machine.root}", *words)

    def _start_account(self) -> None:
        shutil.copy(self.sources / "build/amocrm-sandbox", self.machine.root / "usr/local/bin/")
        folder = self.machine.root / CERTIFICATES.lstrip("/")
        folder.mkdir()
        for file in (self.certificates.authority, self.certificates.certificate, self.certificates.key):
            shutil.copy(file, folder)
        self.machine.sh(
            f"systemd-run --quiet --unit=amocrm-sandbox amocrm-sandbox --listen 127.0.0.1:{ACCOUNT_PORT} --token {TOKEN}"
            f" --cert {CERTIFICATES}/host.pem --key {CERTIFICATES}/host.key"
        )
        until(lambda: connects(ACCOUNT_PORT), "the emulated account listens")

    def _prepare_site(self) -> None:
        """Name and certificate in the site's file, which then is linked; nothing else of it is touched."""
        file = self.machine.path("/etc/nginx/sites-available/platform-payment-sync.conf")
        text = file.read_text()
        text, names = re.subn(r"server_name \S+;", "server_name localhost;", text)
        text, certificates = re.subn(r"/etc/letsencrypt/\S+/fullchain.pem", f"{CERTIFICATES}/host.pem", text)
        text, keys = re.subn(r"/etc/letsencrypt/\S+/privkey.pem", f"{CERTIFICATES}/host.key", text)
        assert (names, certificates, keys) == (1, 1, 1)
        file.write_text(text)
        self.machine.sh("ln -s ../sites-available/platform-payment-sync.conf /etc/nginx/sites-enabled/")

    def settings(self, **values: str | None) -> None:
        """Edit config.env as an admin does: lines that are there, commented or not.  None empties one."""
        file = self.machine.path(CONFIG)
        text = file.read_text()
        for name, value in values.items():
            text, found = re.subn(rf"^(# )?{name}=.*$", f"{name}={value or ''}", text, count=1, flags=re.M)
            assert found, f"config.env.example does not mention {name}"
        file.write_text(text)

    # Using it.

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        return exchange(self.trust, method, "https://127.0.0.1:443" + path, headers, body)

    def post(self, payment: Payment | None = None, secret: str | None = None) -> Answer:
        payment = payment or new_payment(new_person())
        body = to_body(payment)
        answer = self.ask("POST", "/webhook/payment", signer.x_signature(secret or self.secret, body), body)
        accepted = 200 <= answer.status < 300
        (self.accepted if accepted else self.unanswered).add(payment["course_order"]["payment_id"])
        return answer

    def carried(self) -> str:
        """Send a payment that shall be in amoCRM at once."""
        answer = self.post()
        assert (answer.status, answer.json["status"]) == (200, "success"), (answer.status, answer.body.decode())
        return f"{answer.status} {answer.json['status']}"

    def health(self) -> dict[str, Any]:
        answer = self.ask("GET", "/webhook/health")
        assert answer.status == 200, (answer.status, answer.body.decode())
        return answer.json

    def senders(self, count: int, pause: float = 0.3) -> Senders:
        return Senders(self.trust, self.secret, count, pause)

    def count(self, senders: Senders) -> None:
        self.accepted.update(sent.payment_id for sent in senders.sent if sent.accepted)
        self.unanswered.update(sent.payment_id for sent in senders.sent if not sent.accepted)

    # Looking at it.

    @property
    def ledger(self) -> Ledger:
        # Not by way of /proc: SQLite resolves links, and the link there says "/".
        return Ledger(self.machine.root / "var/lib/platform-payment-sync/payments.sqlite")

    def workers(self) -> set[int]:
        pid = self.machine.main_pid(POOL)
        return set(map(int, self.machine.path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def reload(self) -> None:
        """Until the last of the old workers has left; `systemctl reload` itself returns when the signal is sent."""
        before = self.workers()
        self.machine.sh("systemctl reload platform-payment-sync")

        def replaced() -> bool:
            now = self.workers()
            return not now & before and len(now) == len(before) and self.running(POOL)

        until(replaced, "all workers are replaced", 60)

    def running(self, unit: str) -> bool:
        return self.machine.show(unit, "ActiveState", "SubState") == ["active", "running"]

    def back(self, unit: str, old_pid: int, seconds: float = 30) -> None:
        until(lambda: self.machine.main_pid(unit) not in (0, old_pid) and self.running(unit), f"{unit} is back", seconds)

    def settled(self) -> dict[str, int]:
        """Wait until nothing is on its way any more; payments by their status."""

        def finished() -> dict[str, int] | None:
            rows = self.ledger.query("SELECT status, count(*) AS n FROM payment_events GROUP BY status")
            counts = {row["status"]: row["n"] for row in rows}
            return None if counts.keys() & {"pending", "processing"} else counts

        return until(finished, "every payment has come to its end", 120)
