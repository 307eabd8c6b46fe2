"""tests/checks/papers, manuals and runbook pass this tree, and name what is missing in one from which something was taken."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def check(name: str, root: Path) -> tuple[int, str]:
    done = subprocess.run([HERE / name, root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that people read here, and what it speaks of."""
    root = tmp_path_factory.mktemp("papers") / "tree"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("build", ".git", "__pycache__", ".*_cache"))
    return root


@pytest.mark.parametrize("name", ["papers", "manuals", "runbook"])
def test_this_tree_passes(name: str, tree: Path) -> None:
    status, said = check(name, tree)
    assert status == 0, said


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "complaint"),
    [
        ("papers", "README.ru.md", "## Наблюдение\n", "", "README.ru.md: of sections, '##' is missing"),
        ("papers", "README.ru.md", "`paymentctl resume`", "", "README.ru.md: of code, 'paymentctl resume' is missing"),
        ("papers", "README.ru.md", "nginx -t && systemctl reload nginx", "", "of commands, 'nginx -t && systemctl reload nginx' is missing"),
        ("papers", "systemd/RUNBOOK.ru.md", "| `silence` |", "`silence` |", "systemd/RUNBOOK.ru.md: of rows of tables, '|' is missing"),
        ("papers", "systemd/RUNBOOK.ru.md", "(OPERATION.ru.md)", "(#нет)", "systemd/RUNBOOK.ru.md: #нет leads nowhere"),
        ("papers", "systemd/OPERATION.ru.md", "не 365 дней", "не год", "systemd/OPERATION.ru.md: of numbers, '365' is missing"),
        ("papers", "systemd/TAKEOVER.ru.md", "paymentctl import --dry-run", "paymentctl import", "systemd/TAKEOVER.ru.md: of commands"),
        ("papers", "README.md", "`lib/payment/note.c`", "`lib/payment/letter.c`", "README.md: there is no lib/payment/letter.c"),
        ("manuals", "env.example.ru", "# WORKERS=4", "# WORKERS=8", "env.example.ru: the default of WORKERS is 4, not 8"),
        ("manuals", "env.example.ru", "AMO_BASE_URL=\n", "", "env.example.ru: AMO_BASE_URL is missing"),
        ("manuals", "cgi/man/ru/platform-payment-sync-config.5", ".It Ev RETRY_WAIT_MIN Ns = Ns Cm 2\n", "", "config.5: RETRY_WAIT_MIN is missing"),
        ("manuals", "cgi/man/ru/platform-payment-sync-mapping.5", ".It Li lead_id\n", "", "mapping.5: lead_id is missing"),
        ("manuals", "cgi/man/ru/paymentctl.1", ".Ss settle\n", "", "ru/paymentctl.1: of commands, 'Ss settle' is missing"),
        ("manuals", "cgi/man/ru/paymentctl.1", ".Op Fl -payload\n", "", "ru/paymentctl.1: of options, 'Fl -payload' is missing"),
        ("manuals", "cgi/man/ru/payment.fcgi.8", ".It 70\n", "", "ru/payment.fcgi.8: of items, '' is missing"),
        ("manuals", "cgi/man/ru/payment-syncd.8", ".It Fl -version\n", "", "ru/payment-syncd.8: of items, 'Fl -version' is missing"),
        ("runbook", "systemd/RUNBOOK.md", "`worker is stuck and is killed`", "", "a line of the journal, 'worker is stuck and is killed'"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(tree: Path, name: str, file: str, old: str, new: str, complaint: str) -> None:
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))
    try:
        status, said = check(name, tree)
    finally:
        (tree / file).write_text(text)
    assert status == 1 and complaint in said, said


@pytest.mark.parametrize("file", ["README.ru.md", "systemd/RUNBOOK.ru.md", "cgi/man/ru/paymentctl.1"])
def test_a_missing_translation_is_named(tree: Path, file: str) -> None:
    text = (tree / file).read_text()
    (tree / file).unlink()
    try:
        status, said = check("manuals" if "man" in file else "papers", tree)
    finally:
        (tree / file).write_text(text)
    assert status == 1 and f"there is no {file}" in said, said
