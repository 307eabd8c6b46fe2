"""A machine that runs real systemd: a Debian root under an overlay in memory, in namespaces of its own.

The caller stands in a mount and a network namespace made for the purpose (see `run`).  So mounts and addresses need no
clearing up, and the machine's processes end with its first one, which the kernel ends with us.  Only the control groups
remain, and `close` removes them; what a run left that was itself killed, the next one removes.
"""

import fcntl
import os
import shlex
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from harness.process import Child, until

HERE = Path(__file__).resolve().parent

# Of control groups and folders; the number of the run's process stands behind it.
NAME = "payment-sync-tests-"

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1

# Hierarchies that a machine can do without; processes cannot simply be moved into a new group of cpuset.
NOT_MOUNTED = {"cpuset"}


def loopback_up() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def _hierarchies() -> list[tuple[Path, str, str, str]]:
    """The host's control groups: where this process's own group is, and how its hierarchy is mounted (see `boot`)."""
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        root, place = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind not in ("cgroup", "cgroup2"):
            continue
        known = [one for one in own if one and set(one.split(",")) <= set(options.split(","))]
        controllers = known[0] if known else ""
        if controllers not in own or controllers in NOT_MOUNTED:
            continue
        name = os.path.relpath(place, "/sys/fs/cgroup")
        # A group that has processes may not have groups with controllers, where there is but one hierarchy.
        path = "." if name == "." else os.path.relpath(own[controllers], root)
        found.append((Path(place, path), name, kind, controllers.replace("name=", "none,name=")))
    return found


class Machine:
    def __init__(self, debian: Path, place: Path) -> None:
        """Boot `debian`, which is only read; what the machine writes goes into memory mounted at `place`."""
        self.groups: list[Path] = []
        self.console = place / "console.log"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place], check=True)
        self.root = place / "root"
        for folder in ("root", "upper", "work"):
            (place / folder).mkdir()
        layers = f"lowerdir={debian},upperdir={place}/upper,workdir={place}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", layers, "overlay", self.root], check=True)
        (self.root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")

        self._forget_dead_runs()
        self._boot()

    def _boot(self) -> None:
        groups = []
        for parent, *rest in _hierarchies():
            group = parent / f"{NAME}{os.getpid()}"
            group.mkdir()
            self.groups.append(group)
            groups.append(":".join([str(group), *rest]))
        self.child = Child([HERE / "boot", self.root, *groups], self.console)
        try:
            self.init = until(self._first_process, "the machine starts")
            until(self._is_up, "the machine is up", 60)
        except BaseException:
            self.close()
            raise

    def reboot(self) -> None:
        """Shut down as an admin does, and start again with what is on the disk."""
        self.sh("systemctl poweroff --no-wall", check=False)
        until(self.child.ended, "the machine is down", 90)
        self.close()
        self._boot()

    def _first_process(self) -> int | None:
        assert not self.child.ended(), self.console.read_text()
        children = Path(f"/proc/{self.child.process.pid}/task/{self.child.process.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            return int(children[0])
        return None

    def _is_up(self) -> bool:
        assert not self.child.ended(), self.console.read_text()
        return self.sh("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def sh(self, command: str, check: bool = True, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a line of shell inside, as root."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.init), "--all", "--", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
             "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0", "LANG=C.UTF-8", "sh", "-c", "cd / && " + command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds, start_new_session=True,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"`{command}` ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}")
        return done

    def said(self, command: str) -> str:
        return self.sh(command).stdout.strip()

    def path(self, path: str) -> Path:
        """A file inside as the host sees it, those in the machine's own /run among them."""
        return Path(f"/proc/{self.init}/root") / path.lstrip("/")

    # Units.

    def show(self, unit: str, *properties: str) -> list[str]:
        """The values of a unit's properties, in the order in which they are asked for."""
        lines = self.said(f"systemctl show {shlex.quote(unit)} -p {','.join(properties)}").splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return [values[name] for name in properties]

    def main_pid(self, unit: str) -> int:
        """0 when it does not run."""
        return int(self.show(unit, "MainPID")[0])

    def kill(self, signal: str, unit: str) -> int:
        """Send a signal to a unit's main process alone, behind systemd's back; which process that was."""
        pid = self.main_pid(unit)
        assert pid > 0, f"{unit} does not run"
        self.sh(f"kill -{signal} {pid}")
        return pid

    def journal(self, arguments: str) -> str:
        self.sh("journalctl --sync")
        return self.said(f"journalctl -q --no-pager {arguments}")

    def drop_in(self, unit: str, text: str) -> None:
        folder = self.path(f"/etc/systemd/system/{unit}.d")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tests.conf").write_text(text)

    # The end.

    def close(self) -> None:
        self.child.process.kill()
        self.child.process.wait()
        for group in self.groups:
            until(lambda: _remove_group(group), f"{group} is empty")
        self.groups.clear()

    def _forget_dead_runs(self) -> None:
        for parent in [Path("/tmp"), *(hierarchy[0] for hierarchy in _hierarchies())]:
            for left in parent.glob(NAME + "*"):
                if not Path("/proc", left.name.removeprefix(NAME)).exists():
                    _remove_group(left)


def _remove_group(group: Path) -> bool:
    """Remove a group and all below it (or an empty folder); not at once, since its last processes take a moment to vanish."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            return False
    return True
