"""paymentctl as an operator calls it, beside the running service."""

import json
import subprocess
from typing import Any

from .stack import BUILD, Stack

OK, SEE, USAGE, CONFIG, LATER = 0, 1, 64, 78, 75


def ctl(
    stack: Stack, *words: str, stdin: str | None = None, **settings: str | None
) -> subprocess.CompletedProcess[str]:
    """With the service's settings, changed; None takes one away."""
    changed = {**stack.variables, **settings}
    return subprocess.run(
        [BUILD / "paymentctl", *words],
        env={name: value for name, value in changed.items() if value is not None},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=stack.data,
    )


def ctl_json(stack: Stack, *words: str, **settings: str | None) -> Any:
    """The document that a command prints with --json, whatever it leaves with."""
    done = ctl(stack, *words, "--json", **settings)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
