"""Promise 4: one limit for all processes of this host.  `make burst` does it with 1000 payments, and judges how much of it is used."""

import pytest
from limiter import burst


@pytest.mark.parametrize(("latency_ms", "spread_ms"), [(0, 0), (30, 120), (30, 270)])
def test_burst_keeps_the_limit(latency_ms: int, spread_ms: int) -> None:
    seen = burst(payments=60, rate=7, patience_s=120, latency_ms=latency_ms, spread_ms=spread_ms)
    assert seen.statuses == {"success": 60}
    assert (seen.over_limit, seen.refused) == (0, 0), seen
    assert seen.most <= 7, seen
