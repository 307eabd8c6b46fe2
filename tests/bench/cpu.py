"""Instructions that one received payment takes in our process, and where.  Counting does not depend on what else runs."""

import re
import subprocess
from collections import Counter
from pathlib import Path

from figures import Figure, Implausible
from front import Front
from harness.process import Child, until
from harness.stack import BUILD, Stack
from people import pay, person
from scale import Scale

# Until statements are prepared and buffers have their size.
_WARM = 20

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


def measure(scale: Scale, folder: Path) -> list[Figure]:
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
            for number in range(_WARM + scale.profiled):
                if number == _WARM:
                    _control(pid, "-i", "on")
                pay(stack, front.ports["ours"], person(number))
            _control(pid, "-i", "off")
        stack.stop_service()
    cost = read_profile(profile)
    if not cost:
        raise Implausible("callgrind's profile names no function of ours")
    return [
        Figure("cpu.instructions", "in all", cost.total() / scale.profiled, "instructions"),
        *(
            Figure(f"cpu.dearest{place}", f"{name}() and the libraries it calls", spent / scale.profiled, "instructions")
            for place, (name, spent) in enumerate(cost.most_common(_DEAREST), 1)
        ),
    ]
