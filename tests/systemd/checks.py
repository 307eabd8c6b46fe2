"""What must hold under real systemd."""

import re
import time
from collections import Counter
from typing import Callable

from harness.account import TOTAL
from harness.payload import new_payment, new_person
from harness.process import until
from harness.sandbox import TOKEN
from senders import Senders
from installed import CARRIER, CONFIG, POOL, SOCKET, UNITS, USER, Site
from suite import Suite

SUITE = Suite()
check = SUITE.check


# As the README says.


@check("make install and the README's commands")
def installing(site: Site) -> str:
    site.install()
    states = site.machine.said(f"systemctl is-enabled {UNITS}").split()
    assert states == ["enabled"] * 3, states
    return "socket, pool and payment-syncd are enabled"


@check("units start and say READY")
def start(site: Site) -> str:
    for unit in (POOL, CARRIER):
        assert site.running(unit), site.machine.sh(f"systemctl status {unit}", check=False).stdout
    site.machine.sh(f"systemctl status {UNITS}")
    status, kind, restarts = site.machine.show(POOL, "StatusText", "Type", "NRestarts")
    assert (status, kind, restarts) == ("4 workers", "notify", "0"), (status, kind, restarts)
    assert len(site.workers()) == 4
    return f'StatusText="{status}", nothing was restarted'


@check("spawn-fcgi.service is the pool")
def alias(site: Site) -> str:
    said = site.machine.said("systemctl status spawn-fcgi")
    assert POOL in said.splitlines()[0] and "active (running)" in said, said
    before = site.machine.main_pid(POOL)
    site.machine.sh("systemctl restart spawn-fcgi")
    assert site.running(POOL) and site.machine.main_pid(POOL) != before
    return said.splitlines()[0].removeprefix("● ")


@check("systemd finds nothing wrong with the units")
def verify(site: Site) -> str:
    done = site.machine.sh(f"systemd-analyze verify --man=no {UNITS}", check=False)
    wrong = [line for line in done.stderr.splitlines() if "platform-payment" in line]
    assert not wrong, wrong
    scores = [site.machine.said(f"systemd-analyze security --no-pager {unit}").splitlines()[-1] for unit in (POOL, CARRIER)]
    return "; ".join(re.sub(r".*for (\S+): ([\d.]+ \w+).*", r"\1 exposed \2", score) for score in scores)


@check("the sandbox holds")
def sandbox(site: Site) -> str:
    pids = [site.machine.main_pid(POOL), site.machine.main_pid(CARRIER), *site.workers()]
    for pid in pids:
        status = dict(
            line.split(":\t", 1) for line in site.machine.path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        shown = {name: status[name] for name in ("NoNewPrivs", "Seccomp", "CapEff", "CapBnd", "CapAmb")}
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", shown
        assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")), shown
        assert "0" not in status["Uid"].split(), status["Uid"]
    writable = set()
    for pid in pids[:2]:
        # The system's files are read-only to them, even to root.
        for file in ("/etc/x", "/usr/x", "/var/lib/x", f"{CONFIG}.x"):
            done = site.machine.sh(f"nsenter --target {pid} --mount -- touch {file}", check=False)
            assert "Read-only file system" in done.stderr, (file, done.stderr)
        look = r"find / -path /proc -prune -o \( -type d -o -type f \) -writable -print 2>/dev/null"
        themselves = f"setpriv --reuid={USER} --regid={USER} --clear-groups"
        found = site.machine.sh(f"nsenter --target {pid} --mount -- {themselves} {look}", check=False).stdout.split()
        writable.update(found)
    own = ("/var/lib/platform-payment-sync", "/run/platform-payment-sync", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")
    foreign = [file for file in writable if not file.startswith(own)]
    assert own[0] in writable and not foreign, foreign
    folders = sorted(file for file in writable if file in own)
    return f"{len(pids)} processes: not root, no capability, NoNewPrivs, seccomp; all they may write in: {' '.join(folders)}"


@check("files are for those whom they concern")
def modes(site: Site) -> str:
    expected = {
        CONFIG: f"640 root {USER}",
        "/var/lib/platform-payment-sync": f"700 {USER} {USER}",
        "/var/lib/platform-payment-sync/payments.sqlite": f"600 {USER} {USER}",
        "/run/platform-payment-sync": f"700 {USER} {USER}",
        "/run/platform-payment-sync.sock": "660 root www-data",
    }
    found = {file: site.machine.said(f"stat -c '%a %U %G' {file}") for file in expected}
    wrong = [f"{file} is {found[file]}, not {expected[file]}" for file in expected if found[file] != expected[file]]
    assert not wrong, "; ".join(wrong)
    return f"config.env {found[CONFIG]}; socket {found['/run/platform-payment-sync.sock']}"


@check("a signed webhook through nginx")
def webhook(site: Site) -> str:
    carried = site.carried()
    forged = site.post(secret="not the secret")
    assert forged.status == 401, forged.status
    return f"{carried}; a wrong signature {forged.status}; health {site.health()['status']}"


@check("limiter and locks survive each service's restart and stop")
def shared(site: Site) -> str:
    folder = "/run/platform-payment-sync"

    def inodes() -> str:
        return site.machine.said(f"stat -c '%n %i' {folder} {folder}/limiter {folder}/locks")

    before = inodes()
    for restarted, other in ((POOL, CARRIER), (CARRIER, POOL)):
        pid = site.machine.main_pid(other)
        site.machine.sh(f"systemctl restart {restarted}")
        assert inodes() == before, (before, inodes())
        assert site.machine.main_pid(other) == pid and site.running(other), f"restart of {restarted} touched {other}"
    for stopped in (f"{CARRIER}", f"{SOCKET} {POOL}"):
        site.machine.sh(f"systemctl stop {stopped}")
        assert inodes() == before, (before, inodes())
        site.machine.sh(f"systemctl start {stopped}")
    # Both stopped at once: nothing of it is needed, but what waits (a 429, an open breaker) must still be known.
    site.machine.sh(f"systemctl stop {UNITS}")
    assert inodes() == before, (before, inodes())
    site.machine.sh(f"systemctl start {UNITS}")
    site.carried()
    return ", ".join(before.replace(folder + "/", "").splitlines()[1:])


# The journal.


@check("journal: identifiers, priorities, and a reload with a mistake")
def journal(site: Site) -> str:
    for name, word in (("platform-payment-sync", "ready workers=4"), ("platform-payment-syncd", "")):
        lines = site.machine.journal(f"-t {name} -o cat")
        assert word in lines, f"-t {name}: {lines[-500:]}"
    since = site.machine.said("date +@%s.%N")
    workers = site.workers()
    site.settings(AMO_RATE_LIMIT="many")
    site.machine.sh("systemctl reload platform-payment-sync")
    errors = until(lambda: site.machine.journal(f"-p err -t platform-payment-sync --since {since} -o cat"), "an error is logged")
    until(lambda: site.running(POOL), "the reload is over")
    assert "AMO_RATE_LIMIT" in errors, errors
    assert site.workers() == workers, "the old workers do not stay"
    site.carried()
    site.settings(AMO_RATE_LIMIT="200")
    site.reload()
    units = {unit: len(site.machine.journal(f"-u {unit} -o cat").splitlines()) for unit in (POOL, CARRIER)}
    return f"-p err shows: {errors.splitlines()[0]}; the old workers went on; lines: {units}"


@check("a reload reaches payment-syncd too")
def carrier_reload(site: Site) -> str:
    def carrier_says(**settings: str | None) -> str:
        site.settings(**settings)
        site.reload()
        until(lambda: site.running(CARRIER), "the reload is over")
        time.sleep(0.2)  # It hears of the signal when the payment in hand is done.
        since, payment = site.machine.said("date +@%s.%N"), new_payment(new_person())
        assert site.post(payment).status == 202
        until(lambda: site.ledger.status(payment["course_order"]["payment_id"]) == "success", "payment-syncd carries it")
        return site.machine.journal(f"-u {CARRIER} --since {since} -o cat")

    pid = site.machine.main_pid(CARRIER)
    quiet, loud = carrier_says(DELIVERY="queue", LOG_LEVEL="ERROR"), carrier_says(LOG_LEVEL="INFO")
    site.settings(DELIVERY="inline")
    site.reload()
    assert site.machine.main_pid(CARRIER) == pid, "payment-syncd was restarted"
    assert not quiet and "carried" in loud, (quiet, loud)
    return "LOG_LEVEL holds for it as well, and its process stays"


# Under load.


def lossless(site: Site, senders: Senders, what: str, at_least: int = 0) -> str:
    site.count(senders)
    lost = senders.not_accepted()
    assert not lost, f"{len(lost)} lost, {Counter((sent.status, sent.said) for sent in lost)}: {senders.figures()}"
    assert senders.in_flight() >= at_least, f"only {senders.in_flight()} in flight: {senders.figures()}"
    return f"0 non-2xx over {what}: {senders.figures()}"


@check("three restarts under load")
def restarts(site: Site) -> str:
    # On a fast machine a restart takes too little time to meet many requests: then there are more than three.
    with site.senders(250) as senders:
        time.sleep(1)
        while len(senders.moments) < 3 or (senders.in_flight() < 500 and len(senders.moments) < 12):
            senders.during(lambda: site.machine.sh("systemctl restart spawn-fcgi"))
            time.sleep(0.4)
    return lossless(site, senders, f"{len(senders.moments)} x systemctl restart spawn-fcgi", at_least=500)


@check("three reloads under load")
def reloads(site: Site) -> str:
    with site.senders(60) as senders:
        time.sleep(1)
        for _ in range(3):
            senders.during(site.reload)
    return lossless(site, senders, "3 x systemctl reload platform-payment-sync", at_least=100)


@check("an upgrade under load")
def upgrade(site: Site) -> str:
    was = site.health()["version"]
    will_be = was + "+upgrade"
    for source in site.sources.glob("*/*.c"):
        if re.search(r"\bVERSION\b", source.read_text()):
            source.touch()
    site.make("all", f"VERSION={will_be}")

    def install() -> None:
        site.make_install(f"VERSION={will_be}")
        site.machine.sh(f"systemctl daemon-reload && systemctl restart {POOL} {CARRIER}")

    with site.senders(60) as senders:
        time.sleep(1)
        senders.during(install)
        time.sleep(0.5)
    answer = lossless(site, senders, "make install, daemon-reload, restart", at_least=50)
    assert site.health()["version"] == will_be, site.health()
    assert will_be in site.machine.said("/usr/libexec/platform-payment-sync/payment-syncd --version")
    return f"{was} -> {will_be}; {answer}"


@check("three restarts under load, DELIVERY=queue")
def queued(site: Site) -> str:
    site.settings(DELIVERY="queue")
    site.reload()
    with site.senders(60, pause=1) as senders:
        time.sleep(0.5)
        for _ in range(3):
            senders.during(lambda: site.machine.sh(f"systemctl restart {POOL} {CARRIER}"))
            time.sleep(0.5)
    site.settings(DELIVERY="inline")
    site.reload()
    assert any(sent.said == "queued" for sent in senders.sent)
    return lossless(site, senders, "3 restarts of both services")


def killed(site: Site, kill: Callable[[], object], may_fail: int) -> str:
    since, pid = site.machine.said("date +@%s.%N"), site.machine.main_pid(POOL)
    with site.senders(60) as senders:
        time.sleep(1)

        def kill_and_wait() -> None:
            nonlocal dead
            kill()
            dead = time.monotonic()
            site.back(POOL, pid)

        dead = 0.0
        senders.during(kill_and_wait)
        time.sleep(0.5)
    site.count(senders)
    lost = senders.not_accepted()
    late = [sent for sent in lost if sent.began > dead]
    assert not late, f"{len(late)} of the lost were sent after the kill: {senders.figures()}"
    assert all(sent.status == 503 for sent in lost), senders.figures()
    assert len(lost) <= may_fail, f"{len(lost)} failed: {senders.figures()}"
    said = site.machine.journal(f"-u {POOL} --since {since} -o cat --grep 'Main process exited|Scheduled restart'")
    assert "status=9/KILL" in said and "Scheduled restart" in said, said
    return f"{len(lost)} in flight failed of {senders.figures()}"


@check("SIGKILL of the main process under load")
def main_killed(site: Site) -> str:
    # The workers have nobody any more, and finish what they have in hand.
    return killed(site, lambda: site.machine.kill("KILL", POOL), may_fail=0)


@check("SIGKILL of the whole pool under load")
def pool_killed(site: Site) -> str:
    # No more than one for each worker.
    return killed(site, lambda: site.machine.sh(f"systemctl kill --signal=KILL {POOL}"), may_fail=4)


@check("SIGKILL of payment-syncd")
def carrier_killed(site: Site) -> str:
    began = time.monotonic()
    site.back(CARRIER, site.machine.kill("KILL", CARRIER))
    return f"back after {time.monotonic() - began:.1f} s"


# Mishaps.


@check("the watchdog notices a pool whose main process hangs")
def pool_watchdog(site: Site) -> str:
    return hung(site, POOL)


@check("the watchdog notices a payment-syncd that hangs")
def carrier_watchdog(site: Site) -> str:
    return hung(site, CARRIER)


def hung(site: Site, unit: str) -> str:
    """A shorter time than the unit's own, as a drop-in, so that nobody waits for minutes."""
    allowed = site.machine.show(unit, "WatchdogUSec")[0]
    site.machine.drop_in(unit, "[Service]\nWatchdogSec=3\n")
    site.machine.sh(f"systemctl daemon-reload && systemctl restart {unit}")
    time.sleep(4)
    assert site.machine.show(unit, "NRestarts")[0] == "0", "restarted though it did not hang"
    began = time.monotonic()
    site.back(unit, site.machine.kill("STOP", unit))
    took = time.monotonic() - began
    assert "Watchdog timeout" in site.machine.journal(f"-u {unit} -n 40 -o cat")
    site.carried()
    site.machine.sh(f"rm -r /etc/systemd/system/{unit}.d && systemctl daemon-reload && systemctl restart {unit}")
    return f"restarted {took:.1f} s after SIGSTOP with WatchdogSec=3 (the unit's own: {allowed})"


@check("stopped, nginx says 503; started, it serves again")
def stopped(site: Site) -> str:
    site.machine.sh(f"systemctl stop {SOCKET} {POOL}")
    refused = site.post()
    assert (refused.status, refused.json["status"]) == (503, "unavailable"), refused
    after = refused.headers["Retry-After"]
    assert after and int(after) > 0, refused.headers
    site.machine.sh(f"systemctl start {SOCKET} {POOL}")
    carried = site.carried()
    # The pool alone stopped: the socket wakes it.
    site.machine.sh(f"systemctl stop {POOL}")
    woken = site.carried()
    return f"503 with Retry-After: {after}; started {carried}; stopped without its socket it is woken: {woken}"


@check("without config.env the units are passed over")
def without_settings(site: Site) -> str:
    site.machine.sh(f"systemctl stop {UNITS}")
    site.machine.sh(f"mv {CONFIG} {CONFIG}.away")
    since = site.machine.said("date +@%s.%N")
    site.machine.sh(f"systemctl start {UNITS}")
    time.sleep(3)
    for unit in UNITS.split():
        state, condition, result = site.machine.show(unit, "ActiveState", "ConditionResult", "Result")
        assert (state, condition, result) == ("inactive", "no", "success"), (unit, state, condition, result)
    status = site.post().status
    assert status == 503, status
    errors = site.machine.journal(f"-p warning --since {since} -u {POOL} -u {CARRIER} -u {SOCKET} -o cat")
    assert not errors, errors
    lines = site.machine.journal(f"--since {since} -u {POOL} -u {CARRIER} -u {SOCKET} -o cat").splitlines()
    site.machine.sh(f"mv {CONFIG}.away {CONFIG} && systemctl start {UNITS}")
    return f"inactive, condition not met, {len(lines)} lines in the journal, none a warning; nginx {status}; with it {site.carried()}"


@check("settings with a mistake: tried again, and those who wait are answered when they are right")
def wrong_settings(site: Site) -> str:
    site.settings(AMO_BASE_URL="ftp://nowhere")
    with site.senders(60) as senders:
        time.sleep(0.5)

        def break_and_mend() -> None:
            assert site.machine.sh(f"systemctl restart {POOL}", check=False).returncode != 0
            assert "AMO_BASE_URL" in site.machine.journal(f"-u {POOL} -p err -n 5 -o cat")
            time.sleep(6)
            site.settings(AMO_BASE_URL=site.sandbox.url)
            until(lambda: site.running(POOL), "it comes up by itself")

        senders.during(break_and_mend)
    tries = int(site.machine.show(POOL, "NRestarts")[0])
    assert site.machine.show(SOCKET, "ActiveState")[0] == "active", "the socket was closed"
    assert 1 <= tries <= 5, tries
    return f"{tries} tries; " + lossless(site, senders, "that time", at_least=60)


@check("secrets from /etc/credstore, none in config.env")
def credentials(site: Site) -> str:
    new, previous = "another-webhook-secret-from-the-credential-store", "the-one-before-it-also-from-the-credential-store"
    site.settings(WEBHOOK_SECRET=None, AMO_ACCESS_TOKEN=None)
    site.machine.sh("install -d -m 0700 /etc/credstore")
    for name, value in (("webhook-secret", new), ("webhook-secret-previous", previous), ("amocrm-token", TOKEN)):
        site.machine.sh(f"umask 077; echo '{value}' >/etc/credstore/platform-payment-sync.{name}")
    site.machine.sh(f"systemctl restart {POOL} {CARRIER}")
    old = site.post(secret=site.secret)
    site.secret = new
    carried = site.carried()
    assert old.status == 401, old.status
    rotated = site.post(secret=previous).status
    assert rotated == 200, rotated
    # What a worker leaves over, payment-syncd carries with its own token.
    site.settings(DELIVERY="queue")
    site.reload()
    payment = new_payment(new_person())
    queued = site.post(payment)
    assert queued.status == 202, queued.status
    until(lambda: site.ledger.status(payment["course_order"]["payment_id"]) == "success", "payment-syncd carries it")
    return f"signed with the stored secret: {carried}; the previous one: {rotated}; that of before: {old.status}; payment-syncd carried one as well"


@check("every accepted payment is carried, once")
def settled(site: Site) -> str:
    statuses = site.settled()
    state = site.sandbox.control("GET", "state")
    notes = Counter(one for note in state["notes"] for one in re.findall(r"(?<!inv_)\bpay_\d+", note["params"]["text"]))
    skipped = {row["payment_id"] for row in site.ledger.query("SELECT payment_id FROM payment_events WHERE status = 'skipped'")}
    missing = site.accepted - notes.keys() - skipped
    twice = [one for one, count in notes.items() if count > 1]
    strange = (notes.keys() | skipped) - site.accepted - site.unanswered
    total = sum(int(float(lead["fields"].get(TOTAL) or 0)) for lead in state["leads"] if not lead["is_deleted"])
    assert statuses.keys() == {"success", "skipped"}, statuses
    assert not missing and not twice and not strange and not notes.keys() & skipped, (missing, twice, strange)
    assert total == 5000 * len(notes) == 5000 * statuses["success"], (total, len(notes), statuses)
    lost = len((notes.keys() | skipped) - site.accepted)
    return (
        f"{len(site.accepted)} accepted, all are in the ledger: {statuses}; {len(notes)} notes, sum of leads {total}: none missing,"
        f" none twice; {lost} recorded whose answer was lost"
    )


@check("nothing of it is in the journal")
def privacy(site: Site) -> str:
    lines = site.machine.journal(f"-u {POOL} -u {CARRIER} -u nginx -o cat")
    found = [word for word in (site.secret, TOKEN, "@example.com", "8999000", "+7999000", "Петров") if word in lines]
    assert not found, found
    return f"{len(lines.splitlines())} lines, no secret, no person"


@check("memory and processor after the load")
def at_rest(site: Site) -> str:
    told = []
    for unit, limit in ((POOL, 150), (CARRIER, 60)):
        memory, tasks, most = site.machine.show(unit, "MemoryCurrent", "TasksCurrent", "MemoryMax")
        assert int(most) == 512 << 20, most
        used = int(memory) / 1e6 if memory.isdigit() else 0.0
        assert used < limit, f"{unit} uses {used:.0f} MB"
        before = busy(site, unit)
        time.sleep(2)
        share = (busy(site, unit) - before) / 2
        assert share < 0.1, f"{unit} uses {share:.0%} of a processor with nothing to do"
        told.append(f"{unit}: {used:.1f} MB, {tasks} tasks, {share:.1%} of a processor")
    return "; ".join(told)


def busy(site: Site, unit: str) -> float:
    """Seconds of processor that the unit's processes have used."""
    pid = site.machine.main_pid(unit)
    children = site.machine.path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stats = [site.machine.path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split() for one in (pid, *children)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / 100


@check("after a boot everything is there again")
def reboot(site: Site) -> str:
    site.machine.reboot()
    for unit in (POOL, CARRIER):
        until(lambda: site.running(unit), f"{unit} runs after the boot")
    site.machine.sh(
        "systemctl is-active nginx.service platform-payment-sync.socket platform-payment-sync.service platform-payment-syncd.service"
    )
    health = site.health()
    assert health["status"] == "healthy", health
    return f"health {health['status']} with the ledger of before: {health['payments']}"
