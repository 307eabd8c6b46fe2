"""What the pages for people tell to type, so that a test can do just that."""

import re
import subprocess
from pathlib import Path

from .stack import BUILD, Stack

_BLOCK = re.compile(r"^```\n(.*?)^```$", re.M | re.S)


def block_of(page: Path, word: str) -> list[str]:
    """The lines of the page's one block that has this word."""
    found = [block.splitlines() for block in _BLOCK.findall(page.read_text()) if word in block]
    assert len(found) == 1, f"{page.name} has {len(found)} blocks with {word}"
    return found[0]


def follow(stack: Stack, line: str, **places: str) -> str:
    """Type one line, where this stack has its ledger and programs.  `places` are the admin's own; what it says."""
    line = line.replace("/var/lib/platform-payment-sync", str(stack.data))
    for theirs, ours in places.items():
        line = line.replace(theirs, ours)
    path = f"{BUILD}:{stack.variables['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-ec", line], env={**stack.variables, "PATH": path}, cwd=stack.data, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout
