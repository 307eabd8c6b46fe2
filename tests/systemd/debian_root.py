"""A small Debian 12 in a folder, made once by debootstrap and kept for the next run; nothing is ever written into it."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO, Sequence

CACHE = Path("/var/cache/platform-payment-sync-tests")
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"

# systemd and what an admin installs beside it; then what the programs are linked with.
PACKAGES = (
    "systemd", "dbus", "nginx-light", "spawn-fcgi", "ca-certificates", "tzdata",
    "libfcgi0ldbl", "libcurl4", "libjansson4", "libssl3", "libsqlite3-0", "libmicrohttpd12",
)  # fmt: skip

# Units of a real computer, about hardware and the network; here they would only fail.
MASKED = ("systemd-sysctl.service", "systemd-firstboot.service", "e2scrub_reap.service", "getty.target")


def debian_root(packages: Sequence[str] = PACKAGES, at_hand: Sequence[str] = ()) -> Path:
    """With these packages installed, and others `at_hand`: apt knows and has them, and can install them without a network."""
    key = hashlib.sha256(" ".join((SUITE, *packages, *MASKED, *at_hand)).encode()).hexdigest()[:16]
    root = CACHE / f"{SUITE}-{key}"
    if not root.exists():
        _make(root, packages, at_hand)
    return root


def _make(root: Path, packages: Sequence[str], at_hand: Sequence[str]) -> None:
    """Under another name until it is whole, so that a run that was interrupted leaves nothing half made."""
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f"making {root} by debootstrap; this is needed once and takes some minutes", flush=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
    making.chmod(0o755)
    try:
        with open(making.with_suffix(".log"), "w+b") as log:
            include = "--include=" + ",".join(packages)
            _do(log, "debootstrap", "--variant=minbase", include, SUITE, str(making), MIRROR)
            shutil.rmtree(making / "var/cache/apt/archives", ignore_errors=True)
            if at_hand:
                shutil.copy("/etc/resolv.conf", making / "etc")
                _do(log, "chroot", str(making), "apt-get", "update")
                _do(log, "chroot", str(making), "apt-get", "install", "-y", "--download-only", *at_hand)
        for unit in MASKED:
            (making / "etc/systemd/system" / unit).symlink_to("/dev/null")
        (making / "etc/hosts").write_text("127.0.0.1 localhost payments\n::1 localhost\n")
        (making / "etc/hostname").write_text("payments\n")
        (making / "etc/resolv.conf").unlink(missing_ok=True)
        making.rename(root)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        making.with_suffix(".log").unlink(missing_ok=True)


def _do(log: BinaryIO, *command: str) -> None:
    if subprocess.run(command, stdout=log, stderr=log).returncode != 0:
        log.seek(0)
        raise RuntimeError(f"{command[0]} failed:\n{log.read().decode(errors='replace')[-3000:]}")
