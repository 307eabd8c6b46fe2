"""Checks in an order, each with a title."""

import time
from typing import Callable

from installed import Site

Check = Callable[[Site], str]


class Suite:
    """Each check returns its figures for people; an assertion that fails fails it alone."""

    def __init__(self) -> None:
        self.checks: list[tuple[str, Check]] = []

    def check(self, title: str) -> Callable[[Check], Check]:
        def remember(function: Check) -> Check:
            self.checks.append((title, function))
            return function

        return remember

    def run(self, site: Site) -> int:
        """All checks, in order, on one machine; when the first, which installs the service, fails, there is nothing to check."""
        passed = failed = 0
        for title, function in self.checks:
            began, since = time.monotonic(), f"@{time.time():.3f}"
            try:
                figures, word = function(site), "ok"
                passed += 1
            except Exception as error:  # Whatever it was, the other checks go on.
                figures, word = f"{type(error).__name__}: {error}", "FAIL"
                failed += 1
            print(f"{word:5}{title}: {figures} [{time.monotonic() - began:.1f} s]", flush=True)
            if word == "FAIL":
                print("     " + site.machine.journal(f"-n 30 -o short-precise --since {since}").replace("\n", "\n     "), flush=True)
                if passed == 0:
                    break
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0
