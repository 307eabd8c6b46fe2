-- Facts that stood in other columns get columns of their own.  That a row was imported was a
-- request_id of 'import'; that its reason is another program's text was how the text begins; and a
-- conflict whose payload was purged had a text in place of it.
ALTER TABLE payment_events ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_events ADD COLUMN reason_private INTEGER NOT NULL DEFAULT 0;

UPDATE payment_events SET imported = 1, request_id = NULL
WHERE request_id = 'import';

UPDATE payment_events SET reason_private = 1
WHERE error_message LIKE 'the service used before: %'
AND error_message <> 'the service used before: purged';

CREATE TABLE conflict (
	id         INTEGER PRIMARY KEY,
	payment    INTEGER NOT NULL REFERENCES payment_events (id),
	seen_ms    INTEGER NOT NULL,
	reason     TEXT NOT NULL,
	payload    TEXT,    -- NULL: purged.
	settled_ms INTEGER, -- When a person said to have looked at it; NULL: not yet.
	UNIQUE (payment, payload)
);
INSERT INTO conflict
SELECT id, payment, seen_ms, reason, nullif(payload, 'purged ' || id), settled_ms
FROM payment_conflict;
DROP TABLE payment_conflict;
ALTER TABLE conflict RENAME TO payment_conflict;
CREATE INDEX conflict_unsettled ON payment_conflict (payment) WHERE settled_ms IS NULL;
