#!/usr/bin/python3
"""Every crash point of every scenario.

    crash.py [--quick] [--jobs N] [--scenario NAME ...]          all points, told in one table
    crash.py --scenario NAME --at N --when before|after [--then M --when2 before|after] [--verbose]     one of them

A process is killed before and after each of its effects (shim.c numbers them: each write to the ledger's files, each request
to amoCRM, each answer, each piece of an answer to the web server).  What is left is taken up by payment-syncd: first without
another crash, then killed at each effect of that recovery, and taken up again until nothing is left to do.  Then there must
be one contact, one lead, one note, the right total and count, a ledger that keeps its invariants.

The recovery is crashed at every point for each *different* state that the first crashes leave, told by what the ledger and
the account hold, and where that makes very many pairs, as batches do, for PAIRS_MAX of them, evenly chosen; --all-pairs does
so for every single one of them.
"""

import argparse
import hashlib
import json
import multiprocessing
import multiprocessing.util
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import Bench, Effect, Point, Run, fast_folder  # noqa: E402
from harness.payload import to_body  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402

PAIRS_MAX = 4000  # A few minutes.

SETTLE_RUNS = 12  # Unfinished after so many clean runs, a minute of their time apart, is lost.

# How long calls took is written into the ledger, which may so come to a page more in one run than in the next: then the same
# number is another effect, and a second point may lie beyond the end.  Such a case has shown less than it should; it must not
# be so with more than one in so many.
MISSED_ONE_IN = 20

Case = tuple[str, tuple[Point, ...]]


@dataclass
class Outcome:
    case: Case
    wrong: list[str] = field(default_factory=list)
    missed: bool = False  # A process ended before it was to die.
    runs: int = 0
    effects: list[list[Effect]] = field(default_factory=list)  # Of each process that was crashed, and of the next one.
    digest: str = ""  # What the (first) crash left.
    story: list[str] = field(default_factory=list)


class Crasher:
    """Runs cases on one bench."""

    def __init__(self, folder: Path | None = None) -> None:
        self.bench = Bench(folder)

    def _template(self, scenario: Scenario) -> Path | None:
        """The ledger when the process under test starts: with the payments recorded by a real worker, or none."""
        if scenario.by_worker and not scenario.recorded:
            return None
        key = json.dumps([scenario.by_worker, [] if scenario.by_worker else scenario.payments])
        path = self.bench.templates.get(key)
        if path:
            return path
        self.bench.begin(None, {"DELIVERY": "queue"})
        if scenario.by_worker:
            self.bench.carry()
        else:
            self.bench.serve([to_body(one) for one in scenario.payments])
        path = self.bench.folder / f"template-{len(self.bench.templates)}"
        self.bench.ledger.rename(path)
        self.bench.templates[key] = path
        return path

    def _first(self, scenario: Scenario, point: Point | None) -> Run:
        """The process under test."""
        return self._serve(scenario, point) if scenario.by_worker else self.bench.carry(point)

    def _serve(self, scenario: Scenario, point: Point | None = None) -> Run:
        return self.bench.serve([to_body(one) for one in scenario.payments], point, scenario.together)

    def _settle(self, scenario: Scenario, answered: bool, outcome: Outcome) -> None:
        """Without further crashes, until nothing is left to do."""
        for _ in range(SETTLE_RUNS):
            if not answered:
                run = self._serve(scenario)
                self._note(outcome, "serve", run)
                answered = run.answer is not None
                if run.answer and run.answer.status not in (200, 202, 409):
                    outcome.wrong.append(f"the sender was answered {run.answer.status} {run.answer.body.decode()}")
            elif any(row["status"] in ("pending", "processing") for row in self.bench.rows()):
                self._note(outcome, "carry", self.bench.carry())
            else:
                return
        outcome.wrong.append(f"not finished after {SETTLE_RUNS} runs")

    def _note(self, outcome: Outcome, what: str, run: Run) -> None:
        outcome.runs += 1
        outcome.effects.append(run.effects)
        end = f"killed at effect {len(run.effects)}: {run.effects[-1]}" if run.killed else "ended"
        outcome.story.append(f"{what}: {end}; {run.said.strip()}")

    def run(self, case: Case) -> Outcome:
        outcome = Outcome(case)
        try:
            self._run(case, outcome)
        except Exception as error:  # Told with the command that repeats it; the other cases go on.
            outcome.wrong.append(str(error) if isinstance(error, AssertionError) else repr(error))
        return outcome

    def _run(self, case: Case, outcome: Outcome) -> None:
        name, points = case
        scenario = SCENARIOS[name]
        bench = self.bench
        template = self._template(scenario)
        bench.begin(template, {"DELIVERY": "inline" if scenario.inline else "queue", **scenario.settings}, steps=2)
        scenario.arrange(bench.sandbox)
        run = self._first(scenario, points[0] if points else None)
        self._note(outcome, "serve" if scenario.by_worker else "carry", run)
        answered = run.answer is not None or not scenario.by_worker
        requests = 0
        for number, point in enumerate(points, 1):
            if not run.killed:
                outcome.missed = True
                if point.at <= len(run.effects):
                    outcome.wrong.append(f"it was not killed {point}")
            requests += run.requests(point)
            bench.sandbox.await_requests(requests)
            if number == len(points) == 1:
                left = json.dumps([bench.snapshot(), answered])
                outcome.digest = hashlib.sha256(left.encode()).hexdigest()
            run = bench.carry(points[number] if number < len(points) else None)
            self._note(outcome, "carry", run)
        self._settle(scenario, answered, outcome)
        outcome.wrong += scenario.find_faults(bench.sandbox.state(), bench.rows())
        outcome.runs += 1
        complaint = bench.check_ledger()
        if complaint:
            outcome.wrong.append(complaint)


_crasher: Crasher | None = None


def _begin(folder: str) -> None:
    """In each process of the pool."""
    global _crasher
    _crasher = Crasher(Path(folder))
    multiprocessing.util.Finalize(_crasher, _crasher.bench.close, exitpriority=10)


def _run(case: Case) -> Outcome:
    assert _crasher
    outcome = _crasher.run(case)
    if not outcome.wrong:
        outcome.story.clear()
    return outcome


def both_sides(effects: list[Effect]) -> list[Point]:
    return [Point(effect.number, when) for effect in effects for when in ("before", "after")]


def between(effects: list[Effect]) -> list[Point]:
    """All moments between effects, once: after one is before the next."""
    return [Point(effect.number, "before") for effect in effects] + [Point(effect.number, "after") for effect in effects[-1:]]


def every(cases: list[Case], step: int, offset: int = 0) -> list[Case]:
    return cases[offset % step :: step] if step > 1 else cases


def command(case: Case) -> str:
    name, points = case
    text = f"tests/crash/crash.py --scenario {name}"
    for (at, when), point in zip((("--at", "--when"), ("--then", "--when2")), points):
        text += f" {at} {point.at} {when} {point.when}"
    return text


@dataclass
class Tally:
    effects: int = 0
    states: int = 0
    points: int = 0
    pairs: int = 0
    runs: int = 0
    missed: int = 0
    wrong: int = 0


def crash_all(names: list[str], jobs: int, first_step: int = 1, second_step: int = 1, all_pairs: bool = False) -> int:
    """Run all cases; the number of those that went wrong."""
    began = time.monotonic()
    tallies = {name: Tally() for name in names}
    kinds: Counter[str] = Counter()
    context = multiprocessing.get_context("fork")

    def account(outcome: Outcome) -> None:
        tally = tallies[outcome.case[0]]
        tally.runs += outcome.runs
        tally.missed += outcome.missed
        if outcome.wrong:
            tally.wrong += 1
            print(f"\nVIOLATION in {outcome.case[0]}, killed {' and '.join(map(str, outcome.case[1])) or 'nowhere'}:")
            print("".join(f"  {one}\n" for one in outcome.wrong) + f"  again: {command(outcome.case)}", flush=True)

    def run(cases: Iterable[Case]) -> Iterable[Outcome]:
        for outcome in pool.imap_unordered(_run, cases, chunksize=4):
            account(outcome)
            yield outcome

    print(f"{'scenario':28} {'effects':>8} {'points':>7} {'states':>7} {'pairs':>7} {'runs':>7} {'wrong':>6} {'s':>6}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="pps-crash-", dir=fast_folder(), ignore_cleanup_errors=True) as folder,
        context.Pool(jobs, _begin, [folder]) as pool,
    ):
        dry = {outcome.case[0]: outcome for outcome in run((name, ()) for name in names)}
        for name in names:
            start = time.monotonic()
            tally, effects = tallies[name], dry[name].effects[0]
            tally.effects = len(effects)
            kinds.update(f"{one.what} {one.place}" for one in effects)
            cases = every([(name, (point,)) for point in both_sides(effects)], first_step)
            states: dict[str, list[Outcome]] = {}
            for outcome in run(cases):
                tally.points += 1
                states.setdefault(outcome.digest, []).append(outcome)
            tally.states = len(states)
            # The first one of each state; which of them finished first is a matter of luck.
            chosen = []
            for group in states.values():
                group.sort(key=lambda outcome: (outcome.case[1][0].at, outcome.case[1][0].when))
                chosen += group if all_pairs else group[:1]
            chosen.sort(key=lambda outcome: outcome.case[1][0].at)
            pairs = [
                (name, (*outcome.case[1], point))
                for outcome in chosen
                if len(outcome.effects) > 1
                for point in (both_sides if all_pairs else between)(outcome.effects[1])
            ]
            step = 1 if all_pairs else max(second_step, -(-len(pairs) // PAIRS_MAX))
            for outcome in run(every(pairs, step, len(name))):
                tally.pairs += 1
            if tally.missed * MISSED_ONE_IN > tally.points + tally.pairs:
                tally.wrong += 1
                print(f"VIOLATION in {name}: {tally.missed} cases lie beyond the last effect", flush=True)
            print(f"{name:28} {tally.effects:8} {tally.points:7} {tally.states:7} {tally.pairs:7} {tally.runs:7}"
                  f" {tally.wrong:6} {time.monotonic() - start:6.1f}", flush=True)  # fmt: skip
        pool.close()
        pool.join()
    wrong, missed = sum(tally.wrong for tally in tallies.values()), sum(tally.missed for tally in tallies.values())
    print("effects: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    print(f"{len(names)} scenarios, {sum(one.effects for one in tallies.values())} effects,"
          f" {sum(one.points for one in tallies.values())} crash points, {sum(one.pairs for one in tallies.values())} pairs of"
          f" crash points, {sum(one.runs for one in tallies.values())} processes,"
          f" {missed} of them beyond the last effect, {wrong} violations, {time.monotonic() - began:.0f} s")  # fmt: skip
    return wrong


def crash_once(case: Case, verbose: bool) -> int:
    crasher = Crasher()
    try:
        outcome = crasher.run(case)
        if verbose:
            for run, (story, effects) in enumerate(zip(outcome.story, outcome.effects), 1):
                print(f"run {run}: {story}")
                print("".join(f"    {one.number:4} {one}\n" for one in effects))
            for entry in crasher.bench.sandbox.control("GET", "log")["entries"]:
                print(f"    {entry['method']} {entry['target']} -> {entry['status']} {entry['body']}")
        print("\n".join(outcome.wrong) or "all is well")
        return len(outcome.wrong)
    finally:
        crasher.bench.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the programs at every effect, and see what comes of it.")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only these")
    parser.add_argument("--quick", action="store_true", help="a sample of the points and pairs, always the same")
    parser.add_argument("--all-pairs", action="store_true", help="crash the recovery from every single point")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--at", type=int)
    parser.add_argument("--when", choices=["before", "after"], default="before")
    parser.add_argument("--then", type=int)
    parser.add_argument("--when2", choices=["before", "after"], default="before")
    parser.add_argument("--verbose", action="store_true", help="with --at: tell what happened")
    asked = parser.parse_args()
    names = asked.scenario or list(SCENARIOS)
    if asked.at is not None or asked.verbose:
        points = [] if asked.at is None else [Point(asked.at, asked.when)]
        if asked.then is not None:
            points.append(Point(asked.then, asked.when2))
        return 1 if crash_once((names[0], tuple(points)), asked.verbose) else 0
    steps = (7, 61) if asked.quick else (1, 1)
    return 1 if crash_all(names, asked.jobs, *steps, all_pairs=asked.all_pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
