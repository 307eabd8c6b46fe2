"""A machine that gets the service as a package."""

import shutil
from pathlib import Path

from harness.process import until
from harness.stack import ROOT, connects
from installed import UNITS, Site
from machine import Machine

# Debian with systemd, and what the emulated account is linked with.
EMPTY = ("systemd", "dbus", "libmicrohttpd12")

# What the package wants and Debian has; apt finds it without a network.  The package itself says what of it is needed;
# systemd/TAKEOVER.md says what sqlite3 is for.
WANTED = ("nginx", "spawn-fcgi", "ca-certificates", "tzdata", "libfcgi0ldbl", "libcurl4", "libjansson4", "libssl3", "libsqlite3-0",
          "sqlite3")  # fmt: skip

PURGE, BACKUP = "platform-payment-sync-purge", "platform-payment-sync-backup"
ALL_UNITS = f"{UNITS} {PURGE}.timer {BACKUP}.timer"


class PackagedSite(Site):
    def __init__(self, machine: Machine, place: Path, first: Path, second: Path) -> None:
        super().__init__(machine, place)
        self.sources = ROOT
        self.second = f"/root/{second.name}"
        folder = machine.root / "build/deb"
        folder.mkdir(parents=True)
        shutil.copy(first, folder)
        shutil.copy(second, machine.root / "root")
        self.commands = self.readme("apt-get install -y ./build/deb")

    def install(self) -> None:
        """The first of the README's commands; nothing is configured."""
        self.follow(self.commands[0])

    def configure(self) -> None:
        self._start_account()
        for line in self.commands[1:]:
            self.follow(line)
        until(lambda: connects(443), "nginx serves the site")

    def dpkg(self, words: str) -> str:
        return self.machine.sh(f"DEBIAN_FRONTEND=noninteractive dpkg {words} 2>&1").stdout

    def failed(self) -> str:
        return self.machine.said("systemctl list-units --state=failed --no-legend")

    def traces(self) -> list[str]:
        """Every file that has the service's name in its own, or leads to it."""
        name = "-name '*payment-sync*' -o -name '*paymentctl*' -o -name 'payment.fcgi*' -o -lname '*payment-sync*'"
        pruned = "-path /proc -o -path /sys -o -path /build -o -path /root -o -path /usr/local"
        return self.machine.said(rf"find / \( {pruned} \) -prune -o \( {name} \) -print").splitlines()
