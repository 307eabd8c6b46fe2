"""What the pages for people tell to type, so that a test can do just that."""

import re
import subprocess
from pathlib import Path

from .stack import BUILD, Stack

_BLOCK = re.compile(r"^```\n(.*?)^```$", re.M | re.S)


def blocks_of(page: Path) -> list[list[str]]:
    """The lines of each block of commands."""
    return [block.splitlines() for block in _BLOCK.findall(page.read_text())]


def block_of(page: Path, word: str) -> list[str]:
    """The lines of the page's one block that has this word."""
    found = [block for block in blocks_of(page) if any(word in line for line in block)]
    assert len(found) == 1, f"{page.name} has {len(found)} blocks with {word}"
    return found[0]


def follow(stack: Stack, line: str, places: dict[str, str] = {}, code: int = 0) -> str:
    """Type one line, where this stack has its ledger and programs; `places` says where all else is.  What it says."""
    for theirs, ours in {**places, "/var/lib/platform-payment-sync": str(stack.data)}.items():
        line = line.replace(theirs, ours)
    variables = {**stack.variables, "PATH": f"{BUILD}:{stack.variables['PATH']}"}
    done = subprocess.run(["/bin/sh", "-ec", line], env=variables, cwd=stack.data, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (line, done.stdout, done.stderr)
    return done.stdout
