"""What one received payment takes in our process: writes, and instructions and where.  Counting does not depend on what else
runs."""

import re
import subprocess
from collections import Counter
from pathlib import Path

from figures import Figure, Implausible
from front import Front
from harness.process import Child, until
from harness.stack import BUILD, Stack
from people import pay, person
from processes import children, written
from scale import Scale

_DEAREST = 3

_PLACE = re.compile(r"(ob|fn|cob|cfn)=\((\d+)\)(?: (.+))?$")
_COST = re.compile(r"[+*\d-]\S* (\d+)$")

_STARTED_S = 60.0  # Under valgrind.


def _control(pid: int, *words: str) -> None:
    subprocess.run(["callgrind_control", *words, str(pid)], check=True, capture_output=True)


def read_profile(profile: Path) -> Counter[str]:
    """Instructions by function of ours; what libraries did counts for the function that called them.

    The format is callgrind's: `ob=`, `fn=` say where the costs that follow were spent, `cob=`, `cfn=`, `calls=` announce the
    cost of calls made from there; a name is written out once and then stands as its number.
    """
    names: dict[str, str] = {}
    cost: Counter[str] = Counter()
    place = {"ob": "", "fn": "", "cob": "", "cfn": ""}
    called = False
    for text in profile.read_text().splitlines():
        if found := _PLACE.match(text):
            kind, number, name = found.groups()
            space = kind[-2:] + number
            place[kind] = names[space] = name or names[space]
        elif text.startswith("calls="):
            called = True
        elif found := _COST.match(text):
            theirs = called and place["cob"] not in ("", place["ob"])
            if place["ob"].endswith("/payment.fcgi") and (theirs or not called):
                cost[place["fn"]] += int(found[1])
            if called:
                called, place["cob"] = False, ""
    return cost


def _instructions(scale: Scale, folder: Path) -> list[Figure]:
    profile = folder / "callgrind.out"
    with Stack(1, DELIVERY="queue") as stack:
        stack.stop_service()
        command = ["spawn-fcgi", "-n", "-s", stack.socket, "--", "/usr/bin/valgrind", "--tool=callgrind", "--instr-atstart=no",
                   f"--callgrind-out-file={profile}", BUILD / "payment.fcgi", "-w", "0"]  # fmt: skip
        stack.service = Child(command, stack.data / "callgrind.log", stack.variables, stack.data)
        front = Front(folder / "front")
        front.add("ours", stack.socket)
        until(stack.socket.exists, "the service listens", _STARTED_S)
        with front:
            pid = stack.service.process.pid
            for number in range(scale.warm + scale.profiled):
                if number == scale.warm:
                    _control(pid, "-i", "on")
                pay(stack, front.ports["ours"], person(number))
            _control(pid, "-i", "off")
        stack.stop_service()
    cost = read_profile(profile)
    if not cost:
        raise Implausible("callgrind's profile names no function of ours")
    return [
        Figure("cpu.instructions", "instructions", cost.total() / scale.profiled, "instructions"),
        *(
            Figure(f"cpu.dearest{place}", f"{name}() and the libraries it calls", spent / scale.profiled, "instructions")
            for place, (name, spent) in enumerate(cost.most_common(_DEAREST), 1)
        ),
    ]


def _writes(scale: Scale, folder: Path) -> list[Figure]:
    """Each of the ledger's trees that a payment touches is two writes and a page of 4 KB; answer and log line are one each."""
    with Stack(1, DELIVERY="queue") as stack:
        front = Front(folder / "writes")
        front.add("ours", stack.socket)
        assert stack.service
        worker = children(stack.service.process.pid)
        with front:
            for number in range(scale.warm + scale.profiled):
                if number == scale.warm:
                    calls, size = written(worker)
                pay(stack, front.ports["ours"], person(number))
            more_calls, more = written(worker)
    return [
        Figure("cpu.writes", "writes", (more_calls - calls) / scale.profiled, "calls"),
        Figure("cpu.written", "of together", (more - size) / scale.profiled / 1024, "KB"),
    ]


def measure(scale: Scale, folder: Path) -> list[Figure]:
    return [*_writes(scale, folder), *_instructions(scale, folder)]
