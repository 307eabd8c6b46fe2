-- The first version of the ledger's tables.
--
-- payment_events keeps the columns of the service that this one replaces, with their meaning: times
-- as UTC text, amount in roubles (a fraction where there are kopecks; NULL where an import could not
-- tell it, and then kopecks is 0).  The columns below retry_count are ours.
--
-- Rows are never deleted, so the ids, which people and other tables remember, need no AUTOINCREMENT
-- to be told apart for ever.
--
-- The payer is kept as hashes (0 = unknown) that outlive the payload when personal data is purged:
-- a payment that comes again years later must still be compared with what was delivered.
CREATE TABLE payment_events (
	id            INTEGER PRIMARY KEY,
	payment_id    TEXT UNIQUE NOT NULL,
	created_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	processed_at  TIMESTAMP,
	status        TEXT NOT NULL
		CHECK (status IN ('pending', 'processing', 'success', 'failed', 'skipped')),
	amount        INTEGER,
	contact_id    INTEGER,
	lead_id       INTEGER,
	pipeline_id   INTEGER,
	lead_created  INTEGER,
	payload       TEXT NOT NULL,
	error_message TEXT,
	retry_count   INTEGER NOT NULL DEFAULT 0,
	kopecks       INTEGER NOT NULL,
	paid_at       INTEGER NOT NULL,
	recorded_ms   INTEGER NOT NULL,
	next_ms       INTEGER,
	duplicates    INTEGER NOT NULL DEFAULT 0,
	telegram      INTEGER NOT NULL,
	phone         INTEGER NOT NULL,
	email         INTEGER NOT NULL,
	request_id    TEXT,
	day           INTEGER NOT NULL DEFAULT 0,
	CHECK ((status IN ('pending', 'processing')) = (next_ms IS NOT NULL))
);

-- What payment-syncd walks, in order of arrival; as small as the backlog.
CREATE INDEX payment_unfinished ON payment_events (id, next_ms) WHERE next_ms IS NOT NULL;

-- When the finished ones came: a payment that is only taken in touches none of these.
CREATE INDEX payment_finished ON payment_events (created_at) WHERE next_ms IS NULL;
CREATE INDEX payment_skipped ON payment_events (created_at) WHERE status = 'skipped';
CREATE INDEX payment_repeated ON payment_events (duplicates) WHERE duplicates > 0;
CREATE INDEX payment_failed ON payment_events (id) WHERE status = 'failed';

-- How far the delivery of each payment got: struct progress.
CREATE TABLE delivery (
	payment      INTEGER PRIMARY KEY REFERENCES payment_events (id),
	intent       TEXT CHECK (intent IN ('contact', 'lead', 'totals')),
	intent_ms    INTEGER,
	contact_id   INTEGER,
	matched_by   TEXT,
	lead_id      INTEGER,
	pipeline_id  INTEGER,
	lead_created INTEGER NOT NULL,
	older        INTEGER NOT NULL,
	applied      INTEGER NOT NULL,
	applied_ms   INTEGER,
	total_before INTEGER, total_after INTEGER,
	count_before INTEGER, count_after INTEGER,
	rebased      INTEGER NOT NULL,
	note_id      INTEGER,
	dropped      TEXT NOT NULL,
	unmapped     TEXT NOT NULL,
	CHECK ((intent IS NULL) = (intent_ms IS NULL)),
	CHECK (NOT (applied AND intent IS NOT NULL)),
	CHECK (intent IS NOT 'totals' OR lead_id IS NOT NULL)
);
CREATE INDEX delivery_open ON delivery (payment) WHERE intent IS NOT NULL;
CREATE INDEX delivery_contact ON delivery (contact_id, applied_ms) WHERE applied_ms IS NOT NULL;
CREATE INDEX delivery_lead ON delivery (lead_id, applied_ms) WHERE lead_id IS NOT NULL;

-- Which contact an identity became, for the time until amoCRM's search knows it.
CREATE TABLE known_contact (
	identity   INTEGER PRIMARY KEY,
	contact_id INTEGER NOT NULL,
	learnt_ms  INTEGER NOT NULL
);

-- Webhooks that contradict a payment we know, or exclude it too late: kept for a person, applied to
-- nothing.
CREATE TABLE payment_conflict (
	id         INTEGER PRIMARY KEY,
	payment    INTEGER NOT NULL REFERENCES payment_events (id),
	seen_ms    INTEGER NOT NULL,
	reason     TEXT NOT NULL,
	payload    TEXT NOT NULL,
	settled_ms INTEGER, -- When a person said to have looked at it; NULL: not yet.
	UNIQUE (payment, payload)
);
CREATE INDEX conflict_unsettled ON payment_conflict (payment) WHERE settled_ms IS NULL;

-- Counts of the finished payments by the day (since 1970, in PAYMENT_TIMEZONE) on which each came
-- first: counting millions of rows would take seconds.  Triggers keep it, so that no statement can
-- forget it.  The unfinished are counted where they stand, as they are few: so a payment that is
-- only taken in costs the tally nothing.
CREATE TABLE tally (
	day      INTEGER,
	status   TEXT,
	payments INTEGER NOT NULL,
	kopecks  INTEGER NOT NULL,
	PRIMARY KEY (day, status)
) WITHOUT ROWID;

CREATE TRIGGER tally_insert AFTER INSERT ON payment_events
WHEN NEW.next_ms IS NULL
BEGIN
	INSERT INTO tally VALUES (NEW.day, NEW.status, 1, NEW.kopecks)
	ON CONFLICT DO UPDATE SET payments = payments + 1, kopecks = kopecks + NEW.kopecks;
END;

CREATE TRIGGER tally_leave AFTER UPDATE OF status, kopecks, next_ms ON payment_events
WHEN OLD.next_ms IS NULL
AND (NEW.next_ms IS NOT NULL OR OLD.status <> NEW.status OR OLD.kopecks <> NEW.kopecks)
BEGIN
	UPDATE tally SET payments = payments - 1, kopecks = kopecks - OLD.kopecks
	WHERE day = OLD.day AND status = OLD.status;
END;

CREATE TRIGGER tally_enter AFTER UPDATE OF status, kopecks, next_ms ON payment_events
WHEN NEW.next_ms IS NULL
AND (OLD.next_ms IS NOT NULL OR OLD.status <> NEW.status OR OLD.kopecks <> NEW.kopecks)
BEGIN
	INSERT INTO tally VALUES (NEW.day, NEW.status, 1, NEW.kopecks)
	ON CONFLICT DO UPDATE SET payments = payments + 1, kopecks = kopecks + NEW.kopecks;
END;

-- Each payment's story for people: what was called, decided and changed, in order of id.  Nothing
-- personal is in it, and nothing is decided by it.
CREATE TABLE trail (
	id         INTEGER PRIMARY KEY,
	payment    INTEGER NOT NULL REFERENCES payment_events (id),
	at_ms      INTEGER NOT NULL,
	what       TEXT NOT NULL,
	status     INTEGER, -- Of a call: amoCRM's HTTP status, 0 = no answer.
	took_ms    INTEGER, -- Of a call.
	request_id TEXT     -- Of a call: amoCRM's.
);
CREATE INDEX trail_payment ON trail (payment);

-- One row that a health check rewrites, to prove that the ledger can commit; and when a payment was
-- delivered last.
CREATE TABLE heartbeat (
	id         INTEGER PRIMARY KEY CHECK (id = 1),
	at_ms      INTEGER NOT NULL,
	success_ms INTEGER NOT NULL
);
INSERT INTO heartbeat VALUES (1, 0, 0);
