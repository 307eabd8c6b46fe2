"""The ledger of the Python service, in either of its versions."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

COLUMNS_AS_DESCRIBED = """\
id INTEGER PRIMARY KEY AUTOINCREMENT, payment_id TEXT UNIQUE NOT NULL, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
processed_at TIMESTAMP, status TEXT NOT NULL, amount INTEGER, contact_id INTEGER, lead_id INTEGER, pipeline_id INTEGER,
lead_created INTEGER, payload TEXT NOT NULL, error_message TEXT, retry_count INTEGER DEFAULT 0"""

COLUMNS_AS_WRITTEN = """\
id INTEGER PRIMARY KEY AUTOINCREMENT, payment_id TEXT UNIQUE, payment_date TEXT, status TEXT, amount REAL, contact_id INTEGER,
lead_id INTEGER, pipeline_id INTEGER, status_id INTEGER, is_lead_created BOOLEAN, payload TEXT, last_error TEXT,
created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP"""


def make_old(path: Path, columns: str, *rows: dict[str, Any]) -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE payment_events ({columns})")
        for row in rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            database.execute(f"INSERT INTO payment_events ({names}) VALUES ({marks})", list(row.values()))
    return path
