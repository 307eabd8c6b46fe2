"""The life of a package, from an empty Debian to an empty Debian."""

import time

from checks import lossless
from harness.process import until
from installed import CARRIER, CONFIG, POOL, SOCKET, UNITS, USER
from packaged import ALL_UNITS, BACKUP, PURGE, PackagedSite
from suite import Suite

STATE = "/var/lib/platform-payment-sync"

SUITE = Suite()
check = SUITE.check


@check("an empty Debian 12 takes it; without settings everything is enabled and quiet")
def installing(site: PackagedSite) -> str:
    site.install()
    states = site.machine.said(f"systemctl is-enabled {ALL_UNITS}").split()
    assert states == ["enabled"] * 5, states
    for unit in UNITS.split():
        state, condition, result = site.machine.show(unit, "ActiveState", "ConditionResult", "Result")
        assert (state, condition, result) == ("inactive", "no", "success"), (unit, state, condition, result)
    for timer in (PURGE, BACKUP):
        assert site.machine.show(f"{timer}.timer", "SubState") == ["waiting"], timer
        site.machine.sh(f"systemctl start {timer}.service")
        assert site.machine.show(f"{timer}.service", "ActiveState", "ConditionResult") == ["inactive", "no"], timer
    warnings = [line for line in site.machine.journal("-p warning -o cat").splitlines() if "payment" in line]
    assert not site.failed() and not warnings, (site.failed(), warnings)
    assert site.machine.said(f"id -nu {USER}") == USER
    return f"{ALL_UNITS}: enabled; services and socket wait for {CONFIG}; nothing failed, no warning"


@check("what a person reads is there")
def reading(site: PackagedSite) -> str:
    listed = site.dpkg("-L platform-payment-sync").splitlines()
    pages = [file for file in listed if file.startswith("/usr/share/man/") and file.endswith(".gz")]
    others = ["/usr/share/bash-completion/completions/paymentctl", "/usr/share/doc/platform-payment-sync/README.md",
              "/etc/platform-payment-sync/mapping.json.example", "/etc/nginx/snippets/platform-payment-sync-locations.conf"]  # fmt: skip
    missing = [file for file in others if file not in listed]
    assert len(pages) == 2 * 5 and not missing, (pages, missing)
    conffiles = site.machine.said("dpkg-query -W -f '${Conffiles}' platform-payment-sync").splitlines()
    assert len(conffiles) == 9 and CONFIG not in " ".join(conffiles).split(), conffiles
    return f"{len(pages)} manual pages, completion, README; {len(conffiles)} conffiles, none with a secret"


@check("with settings it starts")
def configuring(site: PackagedSite) -> str:
    site.configure()
    for unit in (POOL, CARRIER):
        assert site.running(unit), unit
    assert site.machine.said(f"stat -c '%a %U %G' {CONFIG}") == f"640 root {USER}"
    return f"{site.carried()}; health {site.health()['status']} version {site.health()['version']}"


@check("the timers' services do their work")
def timers(site: PackagedSite) -> str:
    site.machine.sh(f"systemctl start {PURGE}.service")
    site.machine.drop_in(f"{BACKUP}.service", "[Service]\nEnvironment=BACKUP_KEEP=2\n")
    site.machine.sh("systemctl daemon-reload")
    try:
        for _ in range(3):
            site.machine.sh(f"systemctl start {BACKUP}.service")
            time.sleep(1.1)  # A copy is named after its second.
    finally:
        site.machine.sh(f"rm -r /etc/systemd/system/{BACKUP}.service.d && systemctl daemon-reload")
    copies = site.machine.said(f"cd {STATE}/backup && stat -c '%a %U %n' *").splitlines()
    assert len(copies) == 2 and all(copy.startswith(f"600 {USER} payments-2") for copy in copies), copies
    return f"purged; the newest 2 of 3 copies stay: {copies}"


@check("an upgrade under load")
def upgrade(site: PackagedSite) -> str:
    was = site.health()["version"]
    edited = [site.machine.path(file) for file in (CONFIG, "/etc/nginx/sites-available/platform-payment-sync.conf")]
    texts = [file.read_text() for file in edited]
    listening = site.machine.show(SOCKET, "ActiveEnterTimestampMonotonic")
    workers, carrier = site.workers(), site.machine.main_pid(CARRIER)
    with site.senders(60) as senders:
        time.sleep(1)
        senders.during(lambda: site.dpkg(f"--install {site.second}"))
        time.sleep(0.5)
    answer = lossless(site, senders, "dpkg --install", at_least=50)
    now = site.health()["version"]
    assert now != was and now == site.machine.said("dpkg-query -W -f '${Version}' platform-payment-sync"), (was, now)
    assert site.machine.show(SOCKET, "ActiveEnterTimestampMonotonic") == listening, "the socket was closed"
    assert not workers & site.workers() and site.machine.main_pid(CARRIER) != carrier, "the old programs still run"
    assert [file.read_text() for file in edited] == texts
    return f"{was} -> {now}; {answer}; the socket stayed, settings and the edited site too"


@check("removed: stopped and disabled, settings and ledger stay")
def removing(site: PackagedSite) -> str:
    site.settled()
    site.dpkg("--remove platform-payment-sync")
    for unit in UNITS.split():
        assert site.machine.show(unit, "ActiveState", "LoadState") == ["inactive", "not-found"], unit
    assert not site.machine.said(f"find /proc -maxdepth 1 -type d -user {USER}"), "a process is left"
    assert not site.failed(), site.failed()
    site.machine.sh(f"test -e {CONFIG} -a -e {STATE}/payments.sqlite && nginx -t")
    refused = site.post()
    assert refused.status == 503, refused.status
    return f"no process, nothing failed; nginx answers {refused.status}"


@check("installed again: everything goes on")
def again(site: PackagedSite) -> str:
    counts = site.settled()
    site.dpkg(f"--install {site.second}")
    until(lambda: site.running(POOL) and site.running(CARRIER), "both services run")
    carried = site.carried()
    assert site.settled()["success"] == counts["success"] + 1
    return f"{carried}; the ledger has {site.settled()}"


@check("purged: nothing stays but the ledger, its copies and their owner")
def purging(site: PackagedSite) -> str:
    counts = site.settled()
    site.machine.sh("install -d -m 0700 /etc/credstore && touch /etc/credstore/platform-payment-sync.webhook-secret")
    said = site.dpkg("--purge platform-payment-sync")
    assert said.count(STATE) == 1, said
    left = [file for file in site.traces() if not file.startswith(STATE)]
    assert not left, left
    assert not site.machine.said("ls /etc/systemd/system | grep spawn-fcgi || true")
    assert site.settled() == counts
    assert not site.failed(), site.failed()
    site.machine.sh("nginx -t && systemctl reload nginx")
    return f"said: {said.splitlines()[-1]}"


@check("purged without a ledger: nothing stays")
def purging_all(site: PackagedSite) -> str:
    site.machine.sh(f"rm -r {STATE}")
    site.dpkg(f"--install {site.second}")
    assert site.traces()
    said = site.dpkg("--purge platform-payment-sync")
    assert STATE not in said and not site.traces(), (said, site.traces())
    return "not a file"
