"""Taking over from the Python service, and going back, by the commands of systemd/TAKEOVER.md, with a real nginx.  What those
say to systemd is done by this test's own means; tests/package has a real one."""

import re
import sqlite3
import subprocess
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Iterator

import pytest

from harness import account
from harness.account import COUNT, PAYMENT_ID, PHONE, SETTINGS, TOTAL
from harness.exchange import Answer, exchange
from harness.old_ledger import COLUMNS_AS_DESCRIBED, COLUMNS_AS_WRITTEN, make_old
from harness.pages import blocks_of, follow
from harness.payload import Payment, id_of, new_payment, new_person, to_body
from harness.paymentctl import ask
from harness.process import Child, base_environment, until
from harness.sandbox import TOKEN
from harness.signer import x_signature
from harness.stack import NGINX, ROOT, SECRET, Stack, connects, free_port

PAGE = ROOT / "systemd/TAKEOVER.md"
OLD_HOME = "/opt/payment-sync-python"

# The settings as people have them: comments, quotes, names of libraries that we have never heard of.
OLD_SETTINGS = """\
# Application
APP_NAME="platform-payment-sync"
DEBUG=False
HOST=0.0.0.0
PORT=8000

WEBHOOK_SECRET="{secret}"
AMO_BASE_URL={url}
AMO_ACCESS_TOKEN={token}
AMO_PIPELINE_ID=4423755
AMO_DEFAULT_STATUS_ID=63242022
CREATE_IF_NOT_FOUND=True
RETRY_MAX_ATTEMPTS=3
LOG_LEVEL=INFO
AMO_CONTACT_FIELD_UTM_SOURCE=

{fields}
"""

OLD_LOCATION = "location /webhook/payment { proxy_pass http://127.0.0.1:%d; }"

# The new site, below, may well be read after the old one.
OLD_SITE = """\
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; proxy_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; access_log off;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        {location}
    }}
    include snippets/platform-payment-sync-http.conf;
    upstream platform_payment_sync {{ server unix:{socket}; }}
    geo $platform_payment_sync_watcher {{ default 1; }}
}}
"""


class OldService:
    """It takes whatever comes, until it is stopped."""

    def __init__(self) -> None:
        self.port = free_port()
        self.took: list[bytes] = []
        self.server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        old = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                old.took.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class Host:
    """The admin's host: nginx with the old site, the old service's folder, and the stack as the new service."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.old = OldService()
        self.home = folder / "old"
        (self.home / "db").mkdir(parents=True)
        self.config = folder / "config.env"
        self.port = free_port()
        self.nginx: Child | None = None
        (folder / "snippets").symlink_to(ROOT / "nginx")
        self.places = {
            OLD_HOME: str(self.home), " -g platform-payment-sync ": " ", "/etc/platform-payment-sync/config.env": str(self.config),
            "/root/": f"{folder}/", "https://pay.example.com": stack.url,
        }  # fmt: skip

    def write_site(self, location: str) -> None:
        certificates = self.stack.certificates
        (self.folder / "nginx.conf").write_text(OLD_SITE.format(
            folder=self.folder, socket=self.stack.socket, port=self.port, location=location,
            certificate=certificates.certificate, key=certificates.key))  # fmt: skip

    def reload_nginx(self) -> None:
        command = [NGINX, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        if self.nginx:
            self.nginx.stop()
        self.nginx = Child(command, self.folder / "nginx.log", base_environment())
        until(lambda: connects(self.port), f"nginx listens: {self.nginx.said()}")

    def start_service(self) -> None:
        """With nothing but the file; what stays is where this host has its ledger and whom it trusts."""
        own = dict.fromkeys((*SETTINGS, "WEBHOOK_SECRET", "AMO_BASE_URL", "AMO_ACCESS_TOKEN"))
        self.stack.start_service(PAYMENT_SYNC_CONFIG=str(self.config), **own)

    def stop(self) -> None:
        self.old.stop()
        if self.nginx:
            self.nginx.stop()

    def post(self, payment: Payment) -> Answer:
        """As the platform does, to the address that it has always called."""
        body = to_body(payment)
        url = f"https://127.0.0.1:{self.port}/webhook/payment"
        return exchange(self.stack.trust, "POST", url, x_signature(SECRET, body), body)

    # What the page says to systemd.

    def systemctl(self, line: str) -> None:
        if line == "systemctl disable --now payment-sync-python":
            self.old.stop()
        elif line.endswith("systemctl enable --now payment-sync-python"):
            self.old.start()
        elif line == "systemctl start platform-payment-sync platform-payment-syncd":
            self.start_service()
        elif line == "systemctl stop platform-payment-sync.socket platform-payment-sync":
            self.stack.stop_service()
        else:
            known = ("systemctl disable --now platform-payment-sync.socket platform-payment-sync platform-payment-syncd",
                     "systemctl disable --now platform-payment-sync")  # fmt: skip
            assert line in known, line

    def type(self, line: str, code: int = 0) -> str:
        if line == "nginx -t && systemctl reload nginx":
            self.reload_nginx()
        elif line.startswith("systemctl"):
            self.systemctl(line)
        elif not line.startswith(("apt-get ", "mv /etc/systemd/")):  # The package has tests of its own.
            return follow(self.stack, line, self.places, code)
        return ""


@pytest.fixture
def machine(stack: Stack, tmp_path: Path) -> Iterator[Host]:
    stack.stop_service()
    machine = Host(stack, tmp_path)
    (machine.home / ".env").write_text(OLD_SETTINGS.format(
        secret=SECRET, url=stack.sandbox.url, token=TOKEN, fields="\n".join(f"{name}={value}" for name, value in SETTINGS.items())
    ))  # fmt: skip
    # Of the harness's own settings paymentctl gets these alone, before there is a config.env.
    stack.variables = {name: value for name, value in stack.variables.items() if name not in SETTINGS}
    for name in ("WEBHOOK_SECRET", "AMO_BASE_URL", "AMO_ACCESS_TOKEN"):
        del stack.variables[name]
    yield machine
    machine.stop()


def rows(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT payment_id, status FROM payment_events"))


@pytest.mark.parametrize("columns", [COLUMNS_AS_DESCRIBED, COLUMNS_AS_WRITTEN], ids=["as described", "as written"])
def test_takeover(machine: Host, columns: str) -> None:
    stack, sandbox = machine.stack, machine.stack.sandbox
    carried, halfway, lost, meanwhile = (new_payment(new_person()) for _ in range(4))
    contact = sandbox.add_contact(fields={PHONE: "+7" + halfway["course_order"]["user"]["phone"][1:]})
    lead = sandbox.add_lead(
        contact, status_id=account.SITE_WORK, fields={TOTAL: 8000, COUNT: 2, PAYMENT_ID: id_of(halfway)}
    )
    ledger = make_old(
        machine.home / "db/payments.sqlite", columns,
        {"payment_id": id_of(carried), "payload": to_body(carried).decode(), "status": "success", "amount": 5000, "lead_id": 22},
        {"payment_id": id_of(halfway), "payload": to_body(halfway).decode(), "status": "processing",
         "created_at": "2025-01-20 11:50:00"},
        {"payment_id": id_of(lost), "payload": to_body(lost).decode(), "status": "failed"},
    )  # fmt: skip
    old_location = OLD_LOCATION % machine.old.port
    machine.write_site(old_location)

    away, install, start, trial, plan, include, switch, after, retry, compare, drain, back = blocks_of(PAGE)

    # Before.
    for line in away:
        machine.type(line)
    said = "".join(machine.type(line) for line in install)
    assert " 0 wrong, 0 odd, " in said and machine.config.read_bytes() == (machine.home / ".env").read_bytes()
    for line in start:
        machine.type(line)
    assert machine.post(carried).status == 200 and machine.old.took == [to_body(carried)]
    said = "".join(machine.type(line) for line in trial)
    assert "HTTP 202" in said and "skipped" in said and [one["id"] for one in sandbox.leads()] == [lead]

    # The switch; and what the platform is told meanwhile.
    assert "nothing was written" in machine.type(plan[0], code=1)
    machine.write_site(include[0])
    stop, take_over, go = switch
    machine.type(stop)
    assert machine.post(meanwhile).status == 502
    machine.type(take_over, code=1)
    assert machine.post(meanwhile).status == 502
    machine.type(go)
    answer = machine.post(carried)
    assert (answer.status, answer.json["status"], answer.json["lead_id"]) == (409, "duplicate", 22)
    answer = machine.post(meanwhile)
    assert (answer.status, answer.json["status"]) == (200, "success") and machine.old.took == [to_body(carried)]

    # After.
    said = "".join(machine.type(line, code) for line, code in zip(after, (1, 0), strict=True))
    assert id_of(halfway) in said and id_of(lost) in said and "the service used before:" in said
    for payment in (halfway, lost):
        machine.type(retry[0].replace("ID", id_of(payment)))
    stack.sync_once()
    # One was in amoCRM and only its note was missing; the other was not.
    assert (stack.ledger.row(id_of(halfway))["lead_id"], sandbox.lead(lead)["fields"][TOTAL]) == (lead, "8000")
    assert len(sandbox.notes(lead)) == 1
    other = stack.ledger.row(id_of(lost))["lead_id"]
    assert other not in (0, lead) and sandbox.lead(other)["fields"][TOTAL] == "5000"
    compared = machine.type(re.sub(r"\d{4}-\d\d-\d\d", "2020-01-01", compare[0]))
    assert "3 payments in 3 leads compared, 0 differences" in compared
    assert ask(stack, "integrity")["whole"] is True

    # The way back: nothing is carried twice then either.
    machine.write_site(old_location)
    for line in drain:
        machine.type(line)
    assert machine.post(new_payment(new_person())).status == 503
    for line in back:
        machine.type(line)
    assert rows(ledger) == dict.fromkeys(map(id_of, (carried, halfway, lost, meanwhile)), "success")
    again = new_payment(new_person())
    assert machine.post(again).status == 200 and machine.old.took[-1] == to_body(again)
