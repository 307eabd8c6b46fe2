"""How much is measured: in full, or just enough to see that the bench works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    rounds: int  # Of load; their median counts.
    seconds: int  # Of load in each round.
    requests: int  # Made for each round: more than can be answered in it.
    old_rows: int  # In the ledger that has aged.
    posts: int  # Payments sent one by one, of each kind of person.
    batch: int  # Payments in a backlog of one kind of person.
    backlog: int  # Payments in the backlog that meets a strict rate.
    rate: int  # Requests a second in that backlog.
    settled: int  # Requests after which a worker's memory has its size.
    soak: int  # Requests after which it shall not have grown.
    starts: int  # Of the program, until its first answer.
    warm: int  # Payments before counting: until statements are prepared and the ledger has some pages.
    profiled: int  # Payments counted in instructions.


FULL = Scale(
    rounds=5, seconds=3, requests=100_000, old_rows=10_000_000, posts=20, batch=500, backlog=1000, rate=7,
    settled=100_000, soak=1_000_000, starts=20, warm=500, profiled=500,
)  # fmt: skip

QUICK = Scale(
    rounds=1, seconds=1, requests=30_000, old_rows=20_000, posts=2, batch=20, backlog=20, rate=50,
    settled=500, soak=2_000, starts=2, warm=20, profiled=20,
)  # fmt: skip
