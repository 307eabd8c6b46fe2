"""The receive path in FastAPI: check the signature, read the JSON, insert one row durably, answer.

The environment: PEER_SECRET, PEER_DB.
"""

import hashlib
import hmac
import json
import os
import sqlite3

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

SECRET = os.environ["PEER_SECRET"].encode()

app = FastAPI()
database = sqlite3.connect(os.environ["PEER_DB"], timeout=5, isolation_level=None)
database.execute("PRAGMA synchronous = FULL")


def answer(status: int, word: str) -> JSONResponse:
    return JSONResponse({"status": word}, status)


@app.post("/webhook/payment")
async def receive(request: Request) -> JSONResponse:
    body = await request.body()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
        return answer(401, "unauthorized")
    try:
        order = json.loads(body)["course_order"]
        amount = sum(item["cost"] for item in order["course_order_items"])
        row = (order["payment_id"], amount, body.decode())
    except (ValueError, KeyError, TypeError):
        return answer(400, "invalid")
    inserted = database.execute(
        "INSERT INTO payment (payment_id, amount, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row
    )
    return answer(202, "queued") if inserted.rowcount else answer(409, "duplicate")
