"""The ledger as ops read it: with sqlite3, read-only, beside the running service."""

import fcntl
import sqlite3
import struct
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Iterator

Row = dict[str, Any]

# An open file description's lock, as <linux/fcntl.h> has it; Python's fcntl does not name it.
F_OFD_SETLKW = 38


class Ledger:
    def __init__(self, path: Path) -> None:
        self.path = path

    def query(self, sql: str, *arguments: Any) -> list[Row]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql, arguments)]

    def change(self) -> "closing[sqlite3.Connection]":
        """A connection that commits each statement, to damage the ledger or make it look old; not beside a running service."""
        return closing(sqlite3.connect(self.path, isolation_level=None, timeout=10))

    @contextmanager
    def gate_held(self) -> Iterator[None]:
        """Somebody is inside the gate and does not leave, as a process of ours that was stopped in the middle."""
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0)
        with open(f"{self.path}-gate", "r+b") as gate:
            fcntl.fcntl(gate, F_OFD_SETLKW, lock)
            yield

    def row(self, payment_id: str) -> Row:
        (row,) = self.query("SELECT * FROM payment_events WHERE payment_id = ?", payment_id)
        return row

    def status(self, payment_id: str) -> str:
        return self.row(payment_id)["status"]

    def delivery(self, payment_id: str) -> Row:
        """How far its carrying got."""
        (row,) = self.query(
            "SELECT delivery.* FROM delivery JOIN payment_events ON payment = id WHERE payment_id = ?", payment_id
        )
        return row
