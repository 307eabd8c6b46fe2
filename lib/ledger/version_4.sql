-- Webhooks with a valid signature whose body is no payment: kept for a person, as money may be
-- behind them.  Each different body once; the newest only, see rejected.c.
CREATE TABLE rejected (
	id         INTEGER PRIMARY KEY,
	hash       TEXT UNIQUE NOT NULL, -- The hex SHA-256 of the body; outlives it.
	first_ms   INTEGER NOT NULL,
	last_ms    INTEGER NOT NULL,
	times      INTEGER NOT NULL DEFAULT 1,
	settled_ms INTEGER, -- When it was read after all, or put aside; NULL: not yet.
	request_id TEXT,    -- Of the webhook that brought it last.
	errors     TEXT NOT NULL, -- What was wrong with it: JSON, as in the response.
	size       INTEGER NOT NULL,
	body       BLOB     -- NULL: purged.
);
CREATE INDEX rejected_unsettled ON rejected (id) WHERE settled_ms IS NULL;

-- How many were dropped unsettled to make room for newer ones.
ALTER TABLE heartbeat ADD COLUMN rejected_lost INTEGER NOT NULL DEFAULT 0;
