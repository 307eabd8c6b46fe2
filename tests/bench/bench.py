#!/usr/bin/python3
"""bench.py [--quick] [--only PART]... [--json FILE] [--svg FILE]: how fast, how lean, how sparing with amoCRM's patience.

Each part prints its lines of the table as soon as they are known.  In full it takes about a quarter of an hour, and exit
status 1 says that a limit was missed.  --quick measures too little to judge: it only shows that everything here works.
Rates are those of this machine and of this hour; what holds elsewhere are ratios, since all take turns in the same run.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import age  # noqa: E402
import backlog  # noqa: E402
import calls  # noqa: E402
import chart  # noqa: E402
import cpu  # noqa: E402
import memory  # noqa: E402
import receive  # noqa: E402
from figures import Figure, Implausible, line, missed  # noqa: E402
from harness.stack import BUILD  # noqa: E402
from scale import FULL, QUICK, Scale  # noqa: E402

Part = Callable[[Scale, Path], list[Figure]]

PARTS: dict[str, tuple[str, Part]] = {
    "receive": ("Receiving: 32 connections, nginx, distinct payments, DELIVERY=queue", receive.measure),
    "age": ("Receiving and looking, with an old ledger", age.measure),
    "calls": ("Calls of amoCRM, each taking 150 ms", calls.measure),
    "backlog": ("A backlog, half of known and half of new people, under a strict rate", backlog.measure),
    "memory": ("Memory and start", memory.measure),
    "cpu": ("One received payment, counted", cpu.measure),
}


def run_part(part: Part, scale: Scale) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="pps-bench-", dir="/tmp"))  # Short: it holds Unix sockets.
    try:
        return part(scale, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_json(file: Path, figures: list[Figure], quick: bool) -> None:
    machine = {"cores": os.cpu_count(), "system": platform.release(), "architecture": platform.machine()}
    report = {"quick": quick, "machine": machine, "figures": {figure.key: figure.as_json() for figure in figures}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="show that it works; no limit is judged")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (may be repeated)")
    parser.add_argument("--json", type=Path, default=BUILD / "bench.json")
    parser.add_argument("--svg", type=Path, default=BUILD / "bench.svg")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.only or PARTS:
        title, part = PARTS[name]
        print(f"\n{title}", flush=True)
        try:
            measured = run_part(part, QUICK if arguments.quick else FULL)
        except Implausible as why:
            print(f"bench: {name}: {why}", file=sys.stderr)
            return 2
        for figure in measured:
            print(f"  {line(figure)}", flush=True)
        figures += measured
    write_json(arguments.json, figures, arguments.quick)
    if "receive" in (arguments.only or PARTS):
        arguments.svg.write_text(chart.draw(figures))
    bad = [] if arguments.quick else missed(figures)
    print(f"\n{len(bad)} limits missed" if not arguments.quick else "\nNot judged: --quick")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
