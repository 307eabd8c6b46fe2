"""paymentctl as an operator uses it: for programs, for people, on a terminal."""

import json
import os
import pty
import subprocess
from typing import Any

from .stack import BUILD, Stack


def ask(stack: Stack, *arguments: str, code: int = 0) -> Any:
    """What it says for programs."""
    done = stack.paymentctl(*arguments, "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr == ""
    return json.loads(done.stdout)


def say(stack: Stack, *arguments: str, code: int = 0) -> str:
    """What it says for people."""
    done = stack.paymentctl(*arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def on_terminal(stack: Stack, *arguments: str, **environment: str) -> str:
    """The same on a terminal: stdout and stderr together."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [BUILD / "paymentctl", *arguments], env={**stack.variables, **environment}, stdout=slave, stderr=slave, cwd=stack.data
    )
    os.close(slave)
    said = b""
    try:
        while more := os.read(master, 4096):
            said += more
    except OSError:  # The terminal is closed when nobody writes to it any more.
        pass
    os.close(master)
    child.wait(20)
    return said.decode()


def alone(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Without settings."""
    variables = {"PATH": os.environ["PATH"], "PAYMENT_SYNC_CONFIG": "/dev/null", **environment}
    return subprocess.run([BUILD / "paymentctl", *arguments], env=variables, capture_output=True, text=True, timeout=20)
