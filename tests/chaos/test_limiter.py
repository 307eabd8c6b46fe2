"""Promise 4: one limit for all processes of this host, kept and used.  `make chaos` with --burst does it with 1000 payments."""

from limiter import burst


def test_burst_keeps_the_limit_and_uses_it() -> None:
    seen = burst(payments=60, rate=7, patience_s=120)
    assert seen.statuses == {"success": 60}
    assert (seen.over_limit, seen.refused) == (0, 0), seen
    assert seen.most <= 7 and seen.used >= 0.9, seen
