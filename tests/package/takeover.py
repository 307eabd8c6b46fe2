"""Taking over from the Python service, and going back, by the commands of systemd/TAKEOVER.md, all of them typed as they stand."""

import re
import sqlite3
from contextlib import closing

from harness import account
from harness.account import COUNT, PAYMENT_ID, PHONE, SETTINGS, TOTAL
from harness.exchange import Answer, exchange
from harness.old_ledger import COLUMNS_AS_WRITTEN, make_old
from harness.pages import blocks_of
from harness.payload import Payment, id_of, new_payment, new_person, to_body
from harness.process import until
from harness.sandbox import TOKEN
from harness.signer import x_signature
from harness.stack import ROOT, SECRET, connects
from installed import CARRIER, CERTIFICATES, CONFIG, POOL, SOCKET
from life import SUITE
from packaged import PackagedSite

PAGE = ROOT / "systemd/TAKEOVER.md"
AWAY, INSTALL, START, TRIAL, PLAN, INCLUDE, SWITCH, AFTER, RETRY, COMPARE, DRAIN, BACK = blocks_of(PAGE)
check = SUITE.check

HOME = "/opt/payment-sync-python"
OLD_UNIT, OLD_PORT = "payment-sync-python.service", 8000

# In place of the Python service: it takes whatever comes.  Perl is in every Debian.
PROGRAM = f"""\
use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => {OLD_PORT}, Listen => 16, ReuseAddr => 1) or die $!;
while (my $sender = $listener->accept) {{
    my $length = 0;
    while (<$sender>) {{ $length = $1 if /^content-length: *(\\d+)/i; last if /^\\r?$/; }}
    next unless $length;  # Somebody who only looks whether it listens.
    read $sender, my $body, $length;
    open my $took, ">>", "{HOME}/took" or die $!;
    print $took length($body), "\\n";
    close $took;
    print $sender "HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{{}}";
    close $sender;
}}
"""
UNIT = f"""\
[Unit]
Description=platform-payment-sync of Python
[Service]
ExecStart=/usr/bin/perl {HOME}/serve.pl
[Install]
WantedBy=multi-user.target
"""
# The name that the platform has always called, on a port of its own, so that no DNS is needed.
NAME, PORT = "pl.example.com", 8444
OLD_LOCATION = f"location /webhook/payment {{ proxy_pass http://127.0.0.1:{OLD_PORT}; }}"
SITE = f"""\
server {{
    listen 127.0.0.1:{PORT} ssl;
    server_name {NAME};
    ssl_certificate {CERTIFICATES}/host.pem; ssl_certificate_key {CERTIFICATES}/host.key;
    %s
}}
"""


class Platform:
    """Payments of before, which the old service knows, and of the time between."""

    def __init__(self) -> None:
        self.carried, self.halfway, self.lost, self.meanwhile = (new_payment(new_person()) for _ in range(4))
        self.lead = 0  # Of the one that the old service left half done.

    def post(self, site: PackagedSite, payment: Payment) -> Answer:
        body = to_body(payment)
        return exchange(site.trust, "POST", f"https://127.0.0.1:{PORT}/webhook/payment", x_signature(SECRET, body), body)


PLATFORM = Platform()


def write_site(site: PackagedSite, location: str) -> None:
    (site.machine.root / f"etc/nginx/sites-enabled/{NAME}").write_text(SITE % location)


def write(site: PackagedSite, lines: list[str], code: int = 0) -> str:
    """Type them as they stand; only the last may end with something else than 0."""
    said = ""
    for number, line in enumerate(lines, 1):
        done = site.machine.sh(line.replace("https://pay.example.com", "https://localhost"), check=False)
        assert done.returncode == (code if number == len(lines) else 0), (line, done.returncode, done.stdout, done.stderr)
        said += done.stdout
    return said


def took(site: PackagedSite) -> list[int]:
    """How long the bodies were that the old service was sent."""
    return [int(line) for line in (site.machine.root / f"{HOME}/took".lstrip("/")).read_text().splitlines()]


def old_host(site: PackagedSite) -> None:
    """A host on which the old service carries the payments, under the name that it has from its own papers."""
    home = site.machine.root / HOME.lstrip("/")
    (home / "db").mkdir(parents=True)
    (home / "serve.pl").write_text(PROGRAM)
    settings = {**SETTINGS, "WEBHOOK_SECRET": SECRET, "AMO_BASE_URL": site.sandbox.url, "AMO_ACCESS_TOKEN": TOKEN,
                "AMO_CA_FILE": f"{CERTIFICATES}/ca.pem", "APP_NAME": "platform-payment-sync", "DEBUG": "False"}  # fmt: skip
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    site.sandbox.reset()
    person = PLATFORM.halfway["course_order"]["user"]
    contact = site.sandbox.add_contact(fields={PHONE: "+7" + person["phone"][1:]})
    fields = {TOTAL: 8000, COUNT: 2, PAYMENT_ID: id_of(PLATFORM.halfway)}
    PLATFORM.lead = site.sandbox.add_lead(contact, status_id=account.SITE_WORK, fields=fields)
    known = {"carried": "success", "halfway": "processing", "lost": "failed"}
    make_old(home / "db/payments.sqlite", COLUMNS_AS_WRITTEN, *(
        {"payment_id": id_of(payment), "payload": to_body(payment).decode(), "status": status, "amount": 5000}
        for payment, status in ((getattr(PLATFORM, name), status) for name, status in known.items())))  # fmt: skip

    (site.machine.root / "etc/systemd/system/platform-payment-sync.service").write_text(UNIT)
    site.machine.sh("systemctl daemon-reload && systemctl enable --now platform-payment-sync")
    write_site(site, OLD_LOCATION)
    site.machine.sh("nginx -t && systemctl reload nginx")
    until(lambda: connects(PORT) and connects(OLD_PORT), "the old service and its site listen")


@check("TAKEOVER.md: the new service beside the old one")
def beside(site: PackagedSite) -> str:
    old_host(site)
    assert PLATFORM.post(site, PLATFORM.carried).status == 200
    write(site, AWAY)
    until(lambda: connects(OLD_PORT), "the old service is back under its other name")
    said = write(site, INSTALL)
    assert " 0 wrong, 0 odd, " in said, said
    assert site.machine.said(f"cat {CONFIG}") == site.machine.said(f"cat {HOME}/.env")
    site._prepare_site()
    write(site, START)
    assert all(site.running(unit) for unit in (OLD_UNIT, POOL, CARRIER))
    until(lambda: connects(443), "nginx serves the new site")
    assert PLATFORM.post(site, PLATFORM.carried).status == 200
    assert took(site) == [len(to_body(PLATFORM.carried))] * 2, took(site)
    said = write(site, TRIAL)
    assert "HTTP 202" in said and "skipped" in said, said
    assert [lead["id"] for lead in site.sandbox.leads()] == [PLATFORM.lead]
    return f"{site.machine.said('paymentctl --version')} runs beside {OLD_UNIT}, which goes on taking payments"


def answer_of_the_new_one(site: PackagedSite, payment: Payment) -> Answer:
    """For a moment after a reload nginx still has a process that knows only the old service, which is gone: 502."""
    return until(lambda: (told := PLATFORM.post(site, payment)).status != 502 and told, "the site is the new service's")


@check("TAKEOVER.md: the switch, and after")
def switch(site: PackagedSite) -> str:
    assert "nothing was written" in write(site, PLAN, code=1)
    write_site(site, INCLUDE[0])
    stop, take_over, go = SWITCH
    write(site, [stop])
    assert PLATFORM.post(site, PLATFORM.meanwhile).status == 502
    write(site, [take_over], code=1)
    assert PLATFORM.post(site, PLATFORM.meanwhile).status == 502
    write(site, [go])
    answer = answer_of_the_new_one(site, PLATFORM.carried)
    assert (answer.status, answer.json["status"]) == (409, "duplicate"), answer
    answer = answer_of_the_new_one(site, PLATFORM.meanwhile)
    assert (answer.status, answer.json["status"]) == (200, "success") and len(took(site)) == 2, (answer, took(site))

    said = write(site, AFTER[:1], code=1) + write(site, AFTER[1:])
    assert id_of(PLATFORM.halfway) in said and id_of(PLATFORM.lost) in said and "the service used before:" in said
    for payment in (PLATFORM.halfway, PLATFORM.lost):
        write(site, [line.replace("ID", id_of(payment)) for line in RETRY])
    site.settled()
    lead = site.sandbox.lead(PLATFORM.lead)
    assert (lead["fields"][TOTAL], len(site.sandbox.notes(PLATFORM.lead))) == ("8000", 1)
    compared = write(site, [re.sub(r"\d{4}-\d\d-\d\d", "2020-01-01", line) for line in COMPARE])
    assert "3 payments in 3 leads compared, 0 differences" in compared, compared
    return compared.strip()


@check("TAKEOVER.md: the way back")
def back(site: PackagedSite) -> str:
    site.machine.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y sqlite3")
    write_site(site, OLD_LOCATION)
    write(site, DRAIN)
    assert PLATFORM.post(site, new_payment(new_person())).status == 503
    write(site, BACK)
    with closing(sqlite3.connect(site.machine.root / f"{HOME}/db/payments.sqlite".lstrip("/"))) as database:
        rows = dict(database.execute("SELECT payment_id, status FROM payment_events"))
    payments = (PLATFORM.carried, PLATFORM.halfway, PLATFORM.lost, PLATFORM.meanwhile)
    assert rows == dict.fromkeys(map(id_of, payments), "success"), rows
    until(lambda: connects(OLD_PORT) and PLATFORM.post(site, PLATFORM.carried).status == 200, "the old service takes payments")
    for unit in (POOL, CARRIER, SOCKET):
        active, enabled = site.machine.show(unit, "ActiveState", "UnitFileState")
        assert (active, enabled) == ("inactive", "disabled"), (unit, active, enabled)
    assert not site.failed(), site.failed()
    return f"the old ledger has {len(rows)} successes, nothing of ours runs or would at the next start"
