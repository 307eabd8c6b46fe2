"""One place to crash in: an emulated account, a ledger, and the programs under the shim (shim.c)."""

import http.client
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import urlencode

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "fastcgi")]

import fcgi  # noqa: E402
from harness import signer  # noqa: E402
from harness.account import SETTINGS  # noqa: E402
from harness.process import Child, base_environment  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("BUILD", "build")).resolve()
SECRET = "webhook-secret-for-the-crash-tests"
TOKEN = "sandbox-token"
PATIENCE = 30.0

# The wall clock of the first run is that far behind, and each later run is a step ahead of the one before: what the product
# would wait for (leases, back-off, the time in which a lost answer settles) is over, and nobody has slept.
CLOCK_START_MS, CLOCK_STEP_MS = -3_600_000, 60_000

# The account's search knows nothing of what was made meanwhile; what a scenario sets up it knows at once.
INDEX_LAG_MS = 600_000

Entity = dict[str, Any]


@dataclass(frozen=True)
class Effect:
    """A line of CRASH_LOG."""

    number: int
    what: str
    place: str
    offset: int
    size: int
    words: str

    def __str__(self) -> str:
        return f"{self.what} {self.place}" + (f" ({self.words})" if self.words else "")


def read_effects(log: Path) -> list[Effect]:
    if not log.exists():
        return []
    effects = []
    for line in log.read_bytes().decode(errors="replace").splitlines():
        number, what, place, offset, size, words = line.split("\t", 5)
        effects.append(Effect(int(number), what, place, int(offset), int(size), words))
    return effects


@dataclass(frozen=True)
class Point:
    """Where a process dies."""

    at: int
    when: str

    def __str__(self) -> str:
        return f"{self.when} effect {self.at}"


@dataclass(frozen=True)
class Run:
    """What one process did."""

    status: int
    effects: list[Effect]
    said: str
    answer: fcgi.Answer | None = None

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL

    def requests(self, point: Point | None) -> int:
        """How many requests left for amoCRM."""
        sent = [one for one in self.effects if one.place == "crm" and one.what == "send" and one.words]
        if point and self.killed and point.when == "before":
            sent = [one for one in sent if one.number != point.at]
        return len(sent)


class Sandbox:
    """The emulated account, over plain HTTP and one connection: thousands of cases share it."""

    def __init__(self, folder: Path) -> None:
        self.child = Child(
            [BUILD / "amocrm-sandbox", "--listen", "127.0.0.1:0", "--token", TOKEN, "--index-lag-ms", str(INDEX_LAG_MS)],
            folder / "sandbox.log", base_environment(), stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.child.process.stdout
        ready = self.child.process.stdout.readline().decode().split()
        if not ready:
            raise RuntimeError(f"the emulated account did not start: {self.child.said()}")
        self.url = ready[-1]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def stop(self) -> None:
        self.connection.close()
        self.child.stop()

    def control(self, method: str, route: str, body: Any = None, **parameters: Any) -> Any:
        path = f"/_sandbox/{route}" + ("?" + urlencode(parameters) if parameters else "")
        text = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, text)
            answer = self.connection.getresponse()
        except (http.client.HTTPException, ConnectionError):
            self.connection.close()
            self.connection.request(method, path, text)
            answer = self.connection.getresponse()
        said = answer.read()
        assert answer.status == 200, (route, said.decode())
        return json.loads(said)

    def add(self, kind: str, **entity: Any) -> int:
        return self.control("POST", kind, entity, index="now")["id"]

    def fault(self, what: str, method: str, path: str, **rule: Any) -> None:
        self.control("POST", "faults", [{"match": {"method": method, "path": path}, "do": what, **rule}])

    def state(self) -> Entity:
        return self.control("GET", "state")

    def await_requests(self, count: int) -> None:
        """Until what dead processes sent has taken effect: their requests are still on the way when they die."""
        answer = self.control("GET", "log", wait_for=count, timeout_ms=10000)
        assert len(answer["entries"]) >= count, f"{len(answer['entries'])} of {count} requests arrived"


def timeless(entity: Any) -> Any:
    """Without the times, which differ from run to run."""
    if isinstance(entity, dict):
        return {key: timeless(value) for key, value in entity.items() if not key.endswith("_at")}
    return [timeless(one) for one in entity] if isinstance(entity, list) else entity


# Columns that hold a time; whether there is one is kept.
TIMES = {"created_at", "processed_at", "recorded_ms", "next_ms", "intent_ms", "applied_ms", "learnt_ms", "last_ms", "at_ms",
         "seen_ms", "request_id"}  # fmt: skip


def wait(process: "subprocess.Popen[bytes]") -> int:
    """Like process.wait(timeout), which looks by sleeping: that would be most of a case's time."""
    if process.poll() is not None:
        return process.returncode
    watch = os.pidfd_open(process.pid)
    try:
        ready, _, _ = select.select([watch], [], [], PATIENCE)
    finally:
        os.close(watch)
    assert ready, "it does not end"
    return process.wait()


def fast_folder() -> Path:
    """Nothing here depends on the disk, and the runs are many."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else Path("/tmp")


class Bench:
    def __init__(self, folder: Path | None = None) -> None:
        """With `folder` its files are there, else in a folder of its own."""
        self.folder = Path(tempfile.mkdtemp(prefix="pps-crash-", dir=folder or fast_folder()))
        self.sandbox = Sandbox(self.folder)
        self.data = self.folder / "data"
        self.ledger = self.data / "payments.sqlite"
        self.socket = self.folder / "socket"
        self.templates: dict[str, Path | None] = {}
        self.environment: dict[str, str] = {}
        self.steps = 0
        self.listener: socket.socket | None = None

    def close(self) -> None:
        self._close_listener()
        self.sandbox.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Beginning.

    def _close_listener(self) -> None:
        if self.listener:
            self.listener.close()
        self.listener = None
        self.socket.unlink(missing_ok=True)

    def begin(self, template: Path | None, settings: Mapping[str, str], steps: int = 0) -> None:
        """An empty account, a ledger as recorded in `template` (None: no ledger yet), no traces of other cases."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir()
        if template:
            shutil.copyfile(template, self.ledger)
        self._close_listener()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen(16)
        self.sandbox.control("POST", "reset")
        self.steps = steps
        self.environment = {
            **base_environment(),
            **SETTINGS,
            "WEBHOOK_SECRET": SECRET,
            "AMO_BASE_URL": self.sandbox.url,
            "AMO_ACCESS_TOKEN": TOKEN,
            "AMO_RATE_LIMIT": "50",
            "PAYMENTS_DB": str(self.ledger),
            "PAYMENTS_RUN_DIR": str(self.data),
            "PAYMENT_SYNC_CONFIG": "/dev/null",
            "PAYMENT_MAPPING": str(ROOT / "lib/rules/mapping.json"),
            "RETRY_WAIT_MIN": "0",
            "RETRY_WAIT_MAX": "0",
            "LIBFCGI_OS_CLOSE_POLL_TIMEOUT": "200",
            **settings,
        }

    # Running.

    def shimmed(self, point: Point | None, log: Path, **more: str) -> dict[str, str]:
        environment = {
            **self.environment,
            "LD_PRELOAD": str(BUILD / "crash/shim.so"),
            "SHIM_LEDGER": str(self.ledger),
            "SHIM_CRM_PORT": str(self.sandbox.port),
            "SHIM_CLOCK_MS": str(CLOCK_START_MS + self.steps * CLOCK_STEP_MS),
            "CRASH_LOG": str(log),
            **more,
        }
        if point:
            environment |= {"CRASH_AT": str(point.at), "CRASH_WHEN": point.when}
        # The shim stands before the sanitizer's library, which asks to be told that this is meant.
        given = environment.get("ASAN_OPTIONS")
        environment["ASAN_OPTIONS"] = (given + ":" if given else "") + "verify_asan_link_order=0"
        return environment

    def _next(self) -> tuple[Path, Path]:
        """Where the next process writes; the clock goes on."""
        # The limiter's times are real ones, which the cases do not have: begin each process with none.
        (self.data / "limiter").unlink(missing_ok=True)
        self.steps += 1
        return self.data / f"effects-{self.steps}", self.data / f"said-{self.steps}"

    def _ended(self, status: int, point: Point | None, log: Path, said: Path, answer: fcgi.Answer | None = None) -> Run:
        run = Run(status, read_effects(log), said.read_text(errors="replace"), answer)
        assert status in (0, -signal.SIGKILL) and (point or not run.killed), f"it ended with {status}: {run.said}"
        return run

    def carry(self, point: Point | None = None) -> Run:
        """payment-syncd --once."""
        log, said = self._next()
        with open(said, "wb") as errors:
            process = subprocess.Popen(
                [BUILD / "payment-syncd", "--once"], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env=self.shimmed(point, log), cwd=self.data,
            )  # fmt: skip
            try:
                status = wait(process)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        return self._ended(status, point, log, said)

    def _send(self, body: bytes) -> socket.socket:
        """Send one webhook, whether or not anybody is there to take it."""
        params = [("REQUEST_METHOD", "POST"), ("DOCUMENT_URI", "/webhook/payment"), ("CONTENT_LENGTH", str(len(body)))]
        params += [("HTTP_" + name.upper().replace("-", "_"), value) for name, value in signer.x_signature(SECRET, body)]
        request = fcgi.begin() + fcgi.stream(fcgi.PARAMS, fcgi.pairs(params)) + fcgi.stream(fcgi.STDIN, body)
        sender = socket.socket(socket.AF_UNIX)
        sender.connect(str(self.socket))
        sender.sendall(request)
        return sender

    def _hear(self, process: "subprocess.Popen[bytes]", sender: socket.socket) -> fcgi.Answer | None:
        """The answer; None when the worker died over it."""
        raw = b""
        watch = os.pidfd_open(process.pid)
        try:
            with sender:
                while True:
                    ready, _, _ = select.select([sender, watch], [], [], PATIENCE)
                    assert ready, "the worker neither answers nor ends"
                    if sender in ready:
                        try:
                            piece = sender.recv(65536)
                        except ConnectionResetError:
                            piece = b""
                        raw += piece
                        if not piece or fcgi.Answer(raw).ended:
                            break
                    elif watch in ready:
                        break
        finally:
            os.close(watch)
        answer = fcgi.Answer(raw)
        return answer if answer.ended else None

    def serve(self, bodies: list[bytes], point: Point | None = None, together: bool = False, **more: str) -> Run:
        """payment.fcgi -w 0: it is sent these webhooks, one after the other or (together) all before it starts, and ends.
        The answer to the last of them, unless one had none."""
        log, said = self._next()
        assert self.listener
        answers: list[fcgi.Answer | None] = []
        waiting = [self._send(body) for body in bodies] if together else []
        with open(said, "wb") as errors:
            process = subprocess.Popen(
                [BUILD / "payment.fcgi", "-w", "0"], stdin=self.listener, stdout=errors, stderr=errors,
                env=self.shimmed(point, log, **more), cwd=self.data,
            )  # fmt: skip
            try:
                for sender in waiting or map(self._send, bodies):
                    answers.append(self._hear(process, sender))
                process.terminate()
                status = wait(process)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        return self._ended(status, point, log, said, answers[-1] if all(answers) else None)

    def check_ledger(self) -> str:
        """paymentctl integrity; what it complains of."""
        done = subprocess.run([BUILD / "paymentctl", "integrity"], env=self.environment, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"paymentctl integrity ends with {done.returncode}: {done.stdout}{done.stderr}"

    # Looking.

    def rows(self) -> list[Entity]:
        """The payments; while nothing runs, after a program that ended properly and left no log."""
        if not self.ledger.exists():
            return []
        wal = Path(f"{self.ledger}-wal")
        how = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
        with closing(sqlite3.connect(f"file:{self.ledger}?{how}", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute("SELECT * FROM payment_events ORDER BY id")]

    def snapshot(self) -> str:
        """What the ledger and the account hold, told apart from when it came there.  The ledger is read from a copy: it is
        for the product to open what a crash left."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for suffix in ("", "-wal"):
            if Path(f"{self.ledger}{suffix}").exists():
                shutil.copyfile(f"{self.ledger}{suffix}", copy / f"l{suffix}")
        tables: dict[str, Any] = {}
        if (copy / "l").exists():
            with closing(sqlite3.connect(copy / "l")) as database:
                names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
                for name in names:
                    cursor = database.execute(f'SELECT * FROM "{name}" ORDER BY 1')
                    columns = [column[0] for column in cursor.description]
                    tables[name] = [
                        [value is not None if column in TIMES else value for column, value in zip(columns, row)]
                        for row in cursor
                    ]
        state = self.sandbox.state()
        state.pop("last_seq", None)
        faults = self.sandbox.control("GET", "faults")
        struck = [[rule["fired"] for rule in (faults["faults"] if isinstance(faults, dict) else faults)]]
        # An error message may name the address of this very account.
        text = json.dumps([tables, timeless(state), struck], sort_keys=True, ensure_ascii=False)
        return text.replace(str(self.sandbox.port), "PORT")
