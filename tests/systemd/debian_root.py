"""A small Debian 12 in a folder, made once by debootstrap and kept for the next run; nothing is ever written into it."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

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


def debian_root() -> Path:
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES, *MASKED)).encode()).hexdigest()[:16]
    root = CACHE / f"{SUITE}-{key}"
    if not root.exists():
        _make(root)
    return root


def _make(root: Path) -> None:
    """Under another name until it is whole, so that a run that was interrupted leaves nothing half made."""
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f"making {root} by debootstrap; this is needed once and takes some minutes", flush=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
    making.chmod(0o755)
    try:
        packages = "--include=" + ",".join(PACKAGES)
        with open(making.with_suffix(".log"), "w+b") as log:
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", packages, SUITE, str(making), MIRROR], stdout=log, stderr=log
            )
            if done.returncode != 0:
                log.seek(0)
                raise RuntimeError(f"debootstrap failed:\n{log.read().decode(errors='replace')[-3000:]}")
        for unit in MASKED:
            (making / "etc/systemd/system" / unit).symlink_to("/dev/null")
        (making / "etc/hosts").write_text("127.0.0.1 localhost payments\n::1 localhost\n")
        (making / "etc/hostname").write_text("payments\n")
        (making / "etc/resolv.conf").unlink(missing_ok=True)
        shutil.rmtree(making / "var/cache/apt/archives", ignore_errors=True)
        making.rename(root)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        making.with_suffix(".log").unlink(missing_ok=True)
