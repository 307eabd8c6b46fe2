"""The whole stack on loopback: sender -> nginx (TLS) -> spawn-fcgi's socket -> payment.fcgi -> the emulated account (TLS).

Everything lives in one temporary folder and on ports of the kernel's choice, so several stacks can run side by side.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Sequence

from . import signer
from .account import SETTINGS
from .certificates import make_certificates
from .exchange import Answer, Headers, exchange
from .ledger import Ledger
from .payload import Payment, to_body
from .process import PATIENCE, Child, base_environment, until
from .sandbox import TOKEN, Sandbox

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
SECRET = "webhook-secret-for-demo-and-tests"

NGINX = "/usr/sbin/nginx"

# The site, as an admin would write it around the project's own snippets.  One process, so that there is one to stop.
SITE = """\
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; proxy_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    include snippets/platform-payment-sync-http.conf;
    upstream platform_payment_sync {{ server unix:{socket}; }}
    geo $platform_payment_sync_watcher {{ default 1; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
        access_log {folder}/access.log platform_payment_sync;
        include snippets/platform-payment-sync-locations.conf;
        location ~ ^/webhook/(status|metrics)$ {{ include snippets/platform-payment-sync-status.conf; }}
        location / {{ return 404; }}
    }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Stack:
    """Starts on entering, stops exactly what it started on leaving."""

    def __init__(self, workers: int = 4, **settings: str | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pps-", dir="/tmp"))  # Short: it holds a Unix socket.
        self.socket = self.folder / "payment.sock"
        self.workers = workers
        self.settings = settings
        self.children: list[Child] = []
        self.service: Child | None = None
        self.carrier: Child | None = None
        self.runs = 0

    def __enter__(self) -> "Stack":
        try:
            self.certificates = make_certificates(self.folder)
            self.trust = ssl.create_default_context(cafile=str(self.certificates.authority))
            self.sandbox = Sandbox(BUILD / "amocrm-sandbox", self.folder, self.trust, self.certificates)
            self.children.append(self.sandbox.child)
            self._start_nginx()
            self.start_service(self.workers, **self.settings)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        self.stop_service()
        for child in reversed(self.children):
            child.stop()
        self.children.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    # nginx.

    def _start_nginx(self) -> None:
        """nginx cannot be asked to choose a port itself.  Should another program take the one we chose, choose again."""
        for _ in range(5):
            self.port = free_port()
            self.nginx = self._nginx_child()
            until(lambda: self.nginx.ended() or connects(self.port), "nginx listens")
            if not self.nginx.ended():
                self.children.append(self.nginx)
                self.url = f"https://127.0.0.1:{self.port}"
                return
        raise RuntimeError(f"nginx did not start: {self.nginx.said()}")

    def _nginx_child(self) -> Child:
        folder = self.folder / "nginx"
        folder.mkdir(exist_ok=True)
        if not (folder / "snippets").exists():
            (folder / "snippets").symlink_to(ROOT / "nginx")
        site = SITE.format(
            folder=folder,
            socket=self.socket,
            port=self.port,
            certificate=self.certificates.certificate,
            key=self.certificates.key,
        )
        (folder / "nginx.conf").write_text(site)
        command = [NGINX, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        return Child(command, folder / "stderr.log", base_environment())

    # The service.

    def environment(self, **settings: str | None) -> dict[str, str]:
        """The settings of a service that talks to our account; None takes one away."""
        chosen: dict[str, str | None] = {
            **base_environment(),
            **SETTINGS,
            "PAYMENT_SYNC_CONFIG": "/dev/null",
            "WEBHOOK_SECRET": SECRET,
            "AMO_BASE_URL": self.sandbox.url,
            "AMO_ACCESS_TOKEN": TOKEN,
            "AMO_CA_FILE": str(self.certificates.authority),
            "AMO_RATE_LIMIT": "200",
            "PAYMENTS_DB": str(self.data / "payments.sqlite"),
            "PAYMENTS_RUN_DIR": str(self.data / "run"),
            **settings,
        }
        return {name: value for name, value in chosen.items() if value is not None}

    def start_service(
        self, workers: int = 4, ready: bool = True, fresh: bool = True, log: Path | None = None, within: Sequence[str] = (),
        **settings: str | None,
    ) -> None:  # fmt: skip
        """The worker pool, through spawn-fcgi, with a ledger and run directory of its own unless it shall go on (not fresh)."""
        if fresh:
            self.runs += 1
            self.data = self.folder / f"data{self.runs}"
            self.data.mkdir()
        self.ledger = Ledger(self.data / "payments.sqlite")
        self.variables = self.environment(**settings)
        command = [*within, "spawn-fcgi", "-n", "-s", self.socket, "--", BUILD / "payment.fcgi", "-w", str(workers)]
        self.service = Child(command, log or self.data / "payment.log", self.variables, self.data)
        if ready:
            until(self._is_ready, f"the service is ready; it says: {self.service.said()}")

    def _is_ready(self) -> bool:
        assert self.service
        if self.service.ended():
            raise AssertionError(f"the service ended with {self.service.process.returncode}: {self.service.said()}")
        return self.socket.exists() and self.health().status == 200

    def stop_service(self) -> int | None:
        """The pool and payment-syncd; the pool's exit code."""
        if self.carrier:
            self.carrier.stop()
            self.carrier = None
        if not self.service:
            return None
        code = self.service.stop()
        self.service = None
        self.socket.unlink(missing_ok=True)
        return code

    def start_syncd(self, log: Path | None = None) -> None:
        self.carrier = Child([BUILD / "payment-syncd"], log or self.data / "syncd.log", self.variables, self.data)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BUILD / program, *arguments], env=self.variables, capture_output=True, text=True, timeout=60, cwd=self.data
        )

    def sync_once(self) -> None:
        """payment-syncd --once: what is due now is carried."""
        done = self._run("payment-syncd", "--once")
        with open(self.data / "syncd.log", "a") as log:
            log.write(done.stderr)
        assert done.returncode == 0, done.stderr

    def paymentctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("paymentctl", *arguments)

    def said(self) -> str:
        """All that the service wrote to its log."""
        return "".join(path.read_text() for path in sorted(self.data.glob("*.log")))

    # A sender.

    def ask(self, method: str, path: str, headers: Headers = (), body: bytes | None = None) -> Answer:
        return exchange(self.trust, method, self.url + path, headers, body)

    def post(self, payment: Payment | bytes, headers: Headers | None = None) -> Answer:
        """Send a webhook; signed properly unless headers are given."""
        body = payment if isinstance(payment, bytes) else to_body(payment)
        signed = signer.x_signature(SECRET, body) if headers is None else headers
        return self.ask("POST", "/webhook/payment", [("Content-Type", "application/json"), *signed], body)

    def carry(self, payment: Payment) -> dict[str, Any]:
        """Send a webhook that shall be carried at once; what the service answers about it."""
        answer = self.post(payment)
        assert (answer.status, answer.json["status"]) == (200, "success"), answer.body.decode()
        return answer.json

    def health(self) -> Answer:
        return self.ask("GET", "/webhook/health")

    def finished(self, payment: Payment, status: str = "success", seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the payment has come to this end; its row."""
        payment_id = payment["course_order"]["payment_id"]

        def there() -> dict[str, Any] | None:
            row = self.ledger.row(payment_id)
            return row if row["status"] == status else None

        return until(there, f"{payment_id} is {status}", seconds)
