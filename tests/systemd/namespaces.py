"""A program in two halves: one on the host, with its network; then one in namespaces of its own, with a machine in them."""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Callable

from machine import NAME, Machine, loopback_up

OUTSIDE = "--in-namespaces"
TOOLS = ("debootstrap", "unshare", "nsenter", "openssl", "make")


def run(script: str, outside: Callable[[list[str]], list[str]], inside: Callable[[Machine, Path, list[str]], int]) -> None:
    """
    The program `script` was started: exit with what `inside` returns.

    outside   takes the program's arguments; returns the Debian root to boot (see debian_root) and the words for inside
    inside    takes the machine, a folder in memory that goes with it, and those words
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        if sys.argv[1:2] == [OUTSIDE]:
            sys.exit(_inside(Path(sys.argv[2]), sys.argv[3:], inside))
        if os.geteuid() != 0:
            sys.exit(f"{Path(script).name}: booting a systemd needs root")
        if missing := [name for name in TOOLS if not shutil.which(name)]:
            sys.exit(f"{Path(script).name}: missing: {' '.join(missing)}")
        words = outside(sys.argv[1:])
        namespaces = ["unshare", "--mount", "--net", "--propagation", "private", "--"]
        os.execvp("unshare", [*namespaces, sys.executable, script, OUTSIDE, *words])
    except KeyboardInterrupt as why:
        sys.exit(128 + (why.args[0] if why.args else signal.SIGINT))


def _inside(root: Path, words: list[str], body: Callable[[Machine, Path, list[str]], int]) -> int:
    loopback_up()
    place = Path("/tmp", f"{NAME}{os.getpid()}")
    place.mkdir(mode=0o700)
    machine = None
    try:
        machine = Machine(root, place)
        return body(machine, place, words)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if machine:
            machine.close()
        for mounted in ("root", "."):
            os.system(f"umount --lazy {place / mounted} 2>/dev/null")
        shutil.rmtree(place, ignore_errors=True)


def shell(machine: Machine) -> int:
    """A shell inside; the machine goes when it ends."""
    return os.system(f"nsenter --target {machine.init} --all -- bash -l")


def _interrupted(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)
