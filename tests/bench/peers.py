"""What ours is measured against: a handler that does nothing, PHP-FPM and FastAPI with the same receive path."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from front import Front
from harness.process import Child, base_environment, until
from harness.stack import BUILD, SECRET

NOTHING, PHP, PYTHON = "nothing", "php", "python"

_HERE = Path(__file__).resolve().parent / "peers"

# uvicorn gets a process per core, its authors' advice; more of them would only wait for one another.
_UVICORN_PROCESSES = 2

_POOL = """\
[global]
error_log = {folder}/php.log
daemonize = no
[bench]
user = root
group = root
listen = {folder}/php.sock
pm = static
pm.max_children = {workers}
env[PEER_SECRET] = {secret}
env[PEER_DB] = {database}
"""


def _make_database(file: Path) -> Path:
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE payment (id INTEGER PRIMARY KEY, payment_id TEXT UNIQUE NOT NULL, amount INTEGER, payload TEXT,"
            " created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
        )
    return file


def _php_fpm() -> str:
    """The program bears the version of PHP in its name, which differs from one Debian to the next."""
    return str(max(Path("/usr/sbin").glob("php-fpm[0-9]*")))


@dataclass
class Peer:
    child: Child
    database: Path | None = None

    def rows(self) -> int:
        assert self.database
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute("SELECT count(*) FROM payment").fetchone()[0]

    def empty(self) -> None:
        if self.database:
            with closing(sqlite3.connect(self.database)) as database, database:
                database.execute("DELETE FROM payment")


class Peers:
    """All three, each on a socket of its own; they are added to the front before it starts."""

    def __init__(self, folder: Path, front: Front, workers: int) -> None:
        self.folder, self.workers = folder, workers
        self.peers: dict[str, Peer] = {}
        front.add(NOTHING, folder / "nothing.sock")
        front.add(PHP, folder / "php.sock", script=_HERE / "receive.php")
        front.add(PYTHON, folder / "python.sock", http=True)

    def __enter__(self) -> "Peers":
        self.folder.mkdir()
        try:
            self.peers = {NOTHING: self._nothing(), PHP: self._php(), PYTHON: self._python()}
            for name, peer in self.peers.items():
                until(lambda: (self.folder / f"{name}.sock").exists() or peer.child.ended(), f"{name} listens")
                if peer.child.ended():
                    raise RuntimeError(f"{name} did not start: {peer.child.said()}")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        for peer in self.peers.values():
            peer.child.stop()

    def _child(self, name: str, *command: str | Path, **variables: str) -> Child:
        return Child(command, self.folder / f"{name}.log", base_environment() | variables, self.folder)

    def _nothing(self) -> Peer:
        command = ("spawn-fcgi", "-n", "-s", self.folder / "nothing.sock", "-b", "511", "--", BUILD / "bench/nothing")
        return Peer(self._child(NOTHING, *command, str(self.workers)))

    def _php(self) -> Peer:
        database = _make_database(self.folder / "php.sqlite")
        conf = self.folder / "php-fpm.conf"
        conf.write_text(_POOL.format(folder=self.folder, workers=self.workers, secret=SECRET, database=database))
        return Peer(self._child(PHP, _php_fpm(), "-R", "-F", "-y", conf), database)

    def _python(self) -> Peer:
        database = _make_database(self.folder / "python.sqlite")
        command = (
            "/usr/bin/python3", "-m", "uvicorn", "--app-dir", _HERE, "receive:app", "--uds", self.folder / "python.sock",
            "--workers", str(_UVICORN_PROCESSES), "--no-access-log",
        )  # fmt: skip
        variables = {"PEER_SECRET": SECRET, "PEER_DB": str(database), "PYTHONDONTWRITEBYTECODE": "1"}
        return Peer(self._child(PYTHON, *command, **variables), database)
