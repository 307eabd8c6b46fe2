"""The package as a file: what lintian says, what is in it, what its scripts do.  `make package-test` installs it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What people read, under the names by which README and units call it, and never compressed.
PAPERS = {
    *(f"{name}{language}.md" for name in ("README", "OPERATION", "RUNBOOK", "TAKEOVER", "HTTP") for language in ("", ".ru")),
    "webhook.openapi.yaml",
    "senders/send.php", "senders/send.py", "senders/send.sh", "senders/vectors.json",
    *(f"monitoring/{path.name}" for path in (ROOT / "systemd/monitoring").iterdir()),
    *(f"examples/{path.name}" for path in (ROOT / "lib/rules/examples").iterdir()),
}  # fmt: skip


def said(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from nothing; lintian has no error and no warning, or this fails."""
    folder = tmp_path_factory.mktemp("deb")
    done = subprocess.run([ROOT / "tests/package/build", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return next(folder.glob("platform-payment-sync_*.deb"))


@pytest.fixture(scope="module")
def unpacked(deb: Path) -> Path:
    folder = deb.parent / "unpacked"
    said("dpkg-deb", "--raw-extract", deb, folder)
    return folder


def test_it_has_the_files_under_the_names_that_others_rely_on(deb: Path) -> None:
    listed = [line.split(maxsplit=5) for line in said("dpkg-deb", "--contents", deb).splitlines()]
    modes = {name.removeprefix("."): mode for mode, _, _, _, _, name in listed}
    assert {owner for _, owner, *_ in listed} == {"root/root"}
    assert not [name for name, mode in modes.items() if not mode.startswith("d") and mode not in ("-rw-r--r--", "-rwxr-xr-x")]
    programs = ["/usr/bin/paymentctl", "/usr/libexec/platform-payment-sync/payment-syncd", "/usr/libexec/platform-payment-sync/payment.fcgi"]
    assert sorted(name for name, mode in modes.items() if mode == "-rwxr-xr-x") == programs
    units = {"/lib/systemd/system", "/usr/lib/systemd/system"}  # As this Debian's debhelper wants it.
    assert units & {str(Path(name).parent) for name in modes if name.endswith("/platform-payment-sync.socket")}
    assert "/etc/nginx/sites-available/platform-payment-sync.conf" in modes
    assert not PAPERS - {name.removeprefix("/usr/share/doc/platform-payment-sync/") for name in modes}
    snippets = {name.removeprefix("/etc/nginx/snippets/platform-payment-sync-") for name in modes}
    assert {"fastcgi.conf", "http.conf", "locations.conf", "status.conf"} <= snippets
    manuals = {name.removeprefix("/usr/share/man/") for name in modes if name.endswith(".gz")}
    pages = {page.relative_to(ROOT / "cgi/man") for page in (ROOT / "cgi/man").rglob("*.[158]")}
    assert {f"{page.parent / f'man{page.suffix[1:]}'}/{page.name}.gz" for page in pages} <= manuals
    assert {page.name for page in pages if page.parent.name == "ru"} == {page.name for page in pages if page.parent.name == ""}
    assert {"/etc/platform-payment-sync/config.env.example", "/etc/platform-payment-sync/config.env.example.ru"} <= modes.keys()
    # Settings are the administrator's, and enabling the site is too.
    assert not {"/etc/platform-payment-sync/config.env", "/etc/platform-payment-sync/mapping.json", "/etc/nginx/sites-enabled/"} & modes.keys()


def test_its_programs_know_the_version_of_the_changelog(deb: Path, unpacked: Path) -> None:
    version = re.match(r"platform-payment-sync \((.*)\)", (ROOT / "debian/changelog").read_text())
    assert version and said("dpkg-deb", "--field", deb, "Version").strip() == version[1]
    for program in ("payment.fcgi", "payment-syncd"):
        assert said(unpacked / "usr/libexec/platform-payment-sync" / program, "--version") == f"{program} {version[1]}\n"


def test_it_asks_for_what_no_library_asks_for(deb: Path) -> None:
    wanted = {word.split()[0] for word in said("dpkg-deb", "--field", deb, "Depends").split(",")}
    assert {"ca-certificates", "spawn-fcgi", "tzdata"} <= wanted
    libraries = {name.removesuffix("t64") for name in wanted}  # As Debian 13 calls those with 64-bit times.
    assert {"libcurl4", "libfcgi0ldbl", "libjansson4", "libsqlite3-0", "libssl3"} <= libraries


def test_an_upgrade_never_stops_the_socket(unpacked: Path) -> None:
    """The socket may be started; whatever stops or restarts units may name it only where the package is removed."""
    scripts = {name: (unpacked / "DEBIAN" / name).read_text() for name in ("postinst", "prerm", "postrm")}
    restarts = [line for line in scripts["postinst"].splitlines() if "deb-systemd-invoke $_dh_action" in line]
    assert restarts and not [line for line in restarts if ".socket" in line]
    assert any("platform-payment-sync.service" in line and "platform-payment-syncd.service" in line for line in restarts)
    stops = re.findall(r"^if (.*); then\n\s*deb-systemd-invoke stop .*\.socket'", scripts["prerm"], re.M)
    assert stops and all('"$1" = remove' in condition for condition in stops)
    assert not (unpacked / "DEBIAN/preinst").exists()


def test_what_the_timers_start_is_not_started_by_installing(unpacked: Path) -> None:
    postinst = (unpacked / "DEBIAN/postinst").read_text()
    assert "platform-payment-sync-backup.timer" in postinst and "platform-payment-sync-purge.timer" in postinst
    assert "backup.service" not in postinst and "purge.service" not in postinst
