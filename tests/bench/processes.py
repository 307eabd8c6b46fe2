"""What the kernel says of processes, and waiting for them without taking their processor away."""

import time
from pathlib import Path
from typing import Callable


def await_slowly(condition: Callable[[], bool], what: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.2)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    return [pid, *(member for child in children(pid) for member in family(child))]


def written(pids: list[int]) -> tuple[int, int]:
    """How often they have written, and how many bytes: to files, sockets and the log."""
    counts = [dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines()) for pid in pids]
    return sum(int(count["syscw"]) for count in counts), sum(int(count["wchar"]) for count in counts)


def _rollup(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(value.split()[0]) for name, value in (line.split(":") for line in lines)}


def private_mb(pid: int) -> float:
    """Memory that would be free if this one process ended."""
    sizes = _rollup(pid)
    return (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024


def total_mb(pids: list[int]) -> float:
    """Memory of all of them together; what they share with others counts in part."""
    return sum(_rollup(pid)["Pss"] for pid in pids) / 1024
