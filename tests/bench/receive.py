"""How fast payments are received: ours beside a handler that does nothing, PHP-FPM and FastAPI."""

from pathlib import Path
from statistics import median

from figures import Figure, Implausible
from front import Front
from harness.stack import Stack
from load import CONNECTIONS, Load, Requests, make_requests, random_ids, send
from peers import NOTHING, PHP, PYTHON, Peers
from processes import family, total_mb
from scale import Scale

OURS = "ours"
WORKERS = 4  # What the service has without being told.

_TITLES = {
    NOTHING: "libfcgi handler that does nothing",
    OURS: "platform-payment-sync",
    PHP: "PHP-FPM",
    PYTHON: "FastAPI",
}


def rows(stack: Stack) -> int:
    return stack.ledger.query("SELECT count(*) AS n FROM payment_events")[0]["n"]


def check(name: str, load: Load, recorded: int) -> None:
    """Every request was another payment, taken and recorded.  What was on its way when the time was over has a row, too."""
    if load.refused or load.lost:
        raise Implausible(f"{name}: {load.refused} requests were refused, {load.lost} had no answer")
    if not load.answers <= recorded <= load.answers + CONNECTIONS:
        raise Implausible(f"{name}: {load.answers} answers but {recorded} rows")


def _round(stack: Stack, peers: Peers, front: Front, requests: Requests, seconds: int) -> dict[str, Load]:
    """Each of them once, with an empty ledger."""
    stack.stop_service()
    stack.start_service(WORKERS, DELIVERY="queue")
    loads: dict[str, Load] = {}
    for name in _TITLES:
        if name in peers.peers:
            peers.peers[name].empty()
        loads[name] = send(requests, front.ports[name], seconds)
        if name == OURS:
            check(name, loads[name], rows(stack))
        elif name != NOTHING:
            check(name, loads[name], peers.peers[name].rows())
    return loads


def measure(scale: Scale, folder: Path) -> list[Figure]:
    requests = make_requests(folder / "requests", scale.requests, random_ids(1))
    with Stack(WORKERS, DELIVERY="queue") as stack:
        front = Front(folder / "front")
        front.add(OURS, stack.socket)
        with Peers(folder / "peers", front, WORKERS) as peers, front:
            rounds = [_round(stack, peers, front, requests, scale.seconds) for _ in range(scale.rounds)]
            assert stack.service
            memory = {OURS: total_mb(family(stack.service.process.pid))}
            memory |= {name: total_mb(family(peers.peers[name].child.process.pid)) for name in (PHP, PYTHON)}

    def of(name: str, value: str) -> float:
        return median(getattr(loads[name], value) for loads in rounds)

    def ratio(name: str, value: str = "rate") -> float:
        return median(getattr(loads[OURS], value) / getattr(loads[name], value) for loads in rounds)

    return [
        *(Figure(f"receive.{name}.rate", f"{title}: requests", of(name, "rate"), "/s") for name, title in _TITLES.items()),
        Figure("receive.of_nothing", "ours, as a part of the handler that does nothing", ratio(NOTHING), at_least=0.30),
        Figure("receive.of_php", "ours, in times PHP-FPM", ratio(PHP), at_least=2),
        Figure("receive.of_python", "ours, in times FastAPI", ratio(PYTHON)),
        Figure("receive.ours.p99", "platform-payment-sync: p99", of(OURS, "p99_ms"), "ms", at_most=8),
        Figure("receive.p99_of_nothing", "the same, in times that of the handler that does nothing", ratio(NOTHING, "p99_ms"), at_most=2),
        *(Figure(f"receive.{name}.p99", f"{_TITLES[name]}: p99", of(name, "p99_ms"), "ms") for name in (NOTHING, PHP, PYTHON)),
        *(Figure(f"receive.{name}.memory", f"{_TITLES[name]}: memory, all processes", mb, "MB") for name, mb in memory.items()),
    ]
