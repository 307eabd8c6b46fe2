"""Promise 4: one limit for all processes of this host.  `make burst` does it with 1000 payments, and judges how much of it is used."""

from limiter import burst


def test_burst_keeps_the_limit() -> None:
    seen = burst(payments=60, rate=7, patience_s=120)
    assert seen.statuses == {"success": 60}
    assert (seen.over_limit, seen.refused) == (0, 0), seen
    assert seen.most <= 7, seen
