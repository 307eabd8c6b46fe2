"""A FastCGI client that can also misbehave, and the program under test on a socket that the test holds."""

import hashlib
import hmac
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("PAYMENT_FCGI", str(ROOT / "build/payment.fcgi"))
SECRET = "a-secret-for-the-tests-only"
PATIENCE = 20  # Seconds after which a test gives up; nothing waits that long when all is well.

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES = range(1, 10)


def until(condition, what, patience=PATIENCE):
    """Poll until condition() is true and return what it returned."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError(f"not within {patience} s: {what}")


def record(kind, data=b"", number=1):
    return struct.pack(">BBHHBx", 1, kind, number, len(data), 0) + data


def stream(kind, data):
    pieces = [record(kind, data[i : i + 60000]) for i in range(0, len(data), 60000)]
    return b"".join(pieces) + record(kind)


def begin(keep=False, role=1):
    return record(BEGIN, struct.pack(">HB5x", role, keep))


def pairs(params):
    out = b""
    for name, value in params:
        for text in (name, value):
            size = len(text.encode())
            out += bytes([size]) if size < 128 else struct.pack(">I", size | 0x80000000)
        out += name.encode() + value.encode()
    return out


def sign(body):
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def post_params(body, *more, length=None):
    return [
        ("REQUEST_METHOD", "POST"),
        ("DOCUMENT_URI", "/webhook/payment"),
        ("CONTENT_LENGTH", str(len(body) if length is None else length)),
        ("HTTP_X_SIGNATURE", sign(body)),
        *more,
    ]


class Answer:
    def __init__(self, raw):
        self.ended = False
        out = b""
        while len(raw) >= 8:
            _, kind, _, size, padding = struct.unpack(">BBHHBx", raw[:8])
            if kind == STDOUT:
                out += raw[8 : 8 + size]
            self.ended = self.ended or kind == END
            raw = raw[8 + size + padding :]
        head, _, self.body = out.partition(b"\r\n\r\n")
        self.headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.status = int(self.headers.get("Status", "0").split()[0])


class Peer:
    """One connection to the program."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))

    def send(self, data):
        self.socket.sendall(data)
        return self

    def answer(self):
        raw = b""
        try:
            while piece := self.socket.recv(65536):
                raw += piece
        except ConnectionResetError:
            pass
        self.socket.close()
        return Answer(raw)


def ask(path, params, body=b""):
    return Peer(path).send(begin() + stream(PARAMS, pairs(params)) + stream(STDIN, body)).answer()


def post(path, body=b"{}", *more):
    return ask(path, post_params(body, *more), body)


class Program:
    """payment.fcgi with its descriptor 0 on a socket, as spawn-fcgi starts it, told by sd_notify when it is ready."""

    def __init__(self, folder, listener, *arguments, **settings):
        self.folder = folder
        self.errors = folder / "stderr"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind("")  # An abstract name of the kernel's choice.
        self.manager.settimeout(0.1)
        (folder / "config.env").touch()
        environment = {
            "PATH": os.environ["PATH"],
            "WEBHOOK_SECRET": SECRET,
            "AMO_BASE_URL": "http://127.0.0.1:9",
            "AMO_ACCESS_TOKEN": "token",
            "PAYMENTS_DB": str(folder / "payments.sqlite"),
            "PAYMENTS_RUN_DIR": str(folder),
            "PAYMENT_SYNC_CONFIG": str(folder / "config.env"),
            "LOG_LEVEL": "DEBUG",
            "NOTIFY_SOCKET": "@" + self.manager.getsockname()[1:].decode(),
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")},
            **settings,
        }
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [PROGRAM, *arguments], stdin=listener, stderr=errors, env=environment, cwd=folder
            )

    def heard(self, word):
        """Wait until the service manager is told that word."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if word in self.manager.recv(4096).decode():
                    return self
            except TimeoutError:
                assert self.process.poll() is None, f"ended with {self.process.poll()} before it said {word}"
        raise AssertionError(f"{word} not within {PATIENCE} s")

    def workers(self):
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in listing.split()}

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self

    def ended(self):
        return self.process.wait(PATIENCE)

    def log(self):
        return self.errors.read_text()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.manager.close()


def serving(pid):
    """Does this process hold an accepted connection?  Among its sockets are also the listener and those of libraries."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except FileNotFoundError:
        return False
    held = {link[8:-1] for link in links if link.startswith("socket:[")}
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        _, _, _, flags, kind, state, inode, *path = line.split()
        if inode in held and kind == "0001" and state == "03" and path and path[0].endswith("/socket"):
            return True
    return False
