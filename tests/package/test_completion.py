"""bash completes paymentctl."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")

# What Tab does, short of the terminal.
SCRIPT = """
. /usr/share/bash-completion/bash_completion
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_paymentctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str, folder: Path | None = None) -> list[str]:
    """What is offered for the last of these words behind paymentctl; a program of that name in `folder` is found first."""
    path = f"{folder}:/usr/bin:/bin" if folder else "/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT, "bash", ROOT / "cgi/paymentctl.bash-completion", "paymentctl", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env={"PATH": path},
    )  # fmt: skip
    assert done.stderr == ""
    return sorted(done.stdout.split())


def test_commands_are_those_of_the_manual_and_of_the_program() -> None:
    manual = re.findall(r"^\.Ss (\w+)$", (ROOT / "cgi/man/paymentctl.1").read_text(), re.M)
    assert completed("") == sorted([*manual, "--help", "--version"])
    usage = subprocess.run([BUILD / "paymentctl", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z]+)\b", usage, re.M)
    assert len(commands) > 5 and set(commands) <= set(manual)


def test_options_are_those_of_the_program() -> None:
    for command in completed(""):
        asked = [BUILD / "paymentctl", command, "--help"]
        done = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if done.returncode == 0 and not command.startswith("--"):
            known = set(re.findall(r"^  (--[a-z-]+)", done.stdout, re.M))
            assert set(completed(command, "-")) == known | {"--json", "--help"}, command


@pytest.mark.parametrize(
    "words, offered",
    [
        (["re"], ["reconcile", "replay", "resume", "retry"]),
        (["list", "--s"], ["--since", "--status"]),
        (["list", "--status", "p"], ["pending", "processing"]),
        (["list", "--status", ""], ["failed", "pending", "processing", "skipped", "success"]),
        (["list", "--limit", ""], []),
        (["stats", "-"], ["--help", "--json"]),
        (["retry", "--f"], ["--failed"]),
        (["purge", "--d"], ["--days", "--dry-run"]),
        (["replay", "--m"], ["--mapping"]),
        (["show", ""], []),
    ],
)
def test_options_and_statuses(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_files_where_files_are_wanted(tmp_path: Path) -> None:
    for name in ("payment.json", "payments.sqlite"):
        (tmp_path / name).touch()
    for command in ("send", "import", "backup"):
        assert completed(command, "pay", folder=tmp_path) == ["payment.json", "payments.sqlite"]
    assert completed("replay", "--mapping", "pay", folder=tmp_path) == ["payment.json"]


def test_retry_offers_failed_payments_and_nothing_that_the_shell_would_run(tmp_path: Path) -> None:
    ids = ["pay_1", "pay_2", "$(touch${IFS}ran)", "`touch ran`", "sha256:0f"]
    rows = "".join(f'  {{\n    "payment_id": "{one}",\n    "status": "failed"\n  }},\n' for one in ids)
    program = tmp_path / "paymentctl"
    program.write_text(f"#!/bin/sh\ntest \"$*\" = 'list --status failed --limit 50 --json' || exit 64\ncat <<'ROWS'\n{rows}ROWS\n")
    program.chmod(0o755)
    assert completed("retry", "", folder=tmp_path) == ["pay_1", "pay_2", "sha256:0f"]
    assert completed("retry", "pay_", folder=tmp_path) == ["pay_1", "pay_2"]
    assert not (tmp_path / "ran").exists()


def test_settle_offers_payments_with_conflicts(tmp_path: Path) -> None:
    program = tmp_path / "paymentctl"
    program.write_text("#!/bin/sh\ntest \"$*\" = 'list --conflicts --limit 50 --json' || exit 64\necho '    \"payment_id\": \"pay_1\",'\n")
    program.chmod(0o755)
    assert completed("settle", "", folder=tmp_path) == ["pay_1"]


def test_retry_offers_nothing_and_is_quiet_where_the_ledger_cannot_be_read() -> None:
    assert completed("retry", "") == []
