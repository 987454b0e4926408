-- +goose Up
ALTER TABLE outbox ADD COLUMN target TEXT NOT NULL DEFAULT '';      -- JSON: who gets it, for hosts that were away
ALTER TABLE outbox ADD COLUMN object_key TEXT NOT NULL DEFAULT '';  -- order is kept among activities of one key
ALTER TABLE outbox ADD COLUMN spread BOOLEAN NOT NULL DEFAULT TRUE; -- its deliveries are written

-- States: pending, delivered, failed, superseded (a newer activity made it
-- needless before it was sent).
ALTER TABLE deliveries ADD COLUMN object_key TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN merge_key TEXT NOT NULL DEFAULT ''; -- the newer of two that wait replaces the older
ALTER TABLE deliveries ADD COLUMN next_at DATETIME NOT NULL DEFAULT '1970-01-01 00:00:00+00:00'; -- pending: not tried before
UPDATE outbox SET object_key = object;
UPDATE deliveries SET object_key = (SELECT o.object FROM outbox o WHERE o.id = outbox_id) WHERE state = 'pending';
CREATE INDEX outbox_unspread ON outbox (object_key, id) WHERE spread = FALSE;
CREATE INDEX deliveries_due ON deliveries (host, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_chain ON deliveries (object_key, inbox, outbox_id) WHERE state = 'pending';
CREATE INDEX deliveries_merge ON deliveries (merge_key, inbox) WHERE state = 'pending' AND merge_key <> '';
CREATE INDEX deliveries_age ON deliveries (created_at) WHERE state = 'pending';

-- How the hosts are doing that are delivered to, and when each is next looked
-- at. One process at a time sends to a host: the one that holds the lease.
CREATE TABLE hosts (
    host            TEXT PRIMARY KEY,
    state           TEXT NOT NULL DEFAULT 'closed', -- of the breaker: closed, open, half-open
    failures        INTEGER NOT NULL DEFAULT 0,      -- in a row
    slow            BOOLEAN NOT NULL DEFAULT FALSE, -- its last answer took long
    down_since      DATETIME,                    -- the first of those failures
    last_success_at DATETIME,
    last_failure_at DATETIME,
    last_status     INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT NOT NULL DEFAULT '',
    wait_until      DATETIME,                    -- nothing is sent before
    next_at         DATETIME,                    -- the earliest delivery is due; NULL: none waits
    lease_until     DATETIME,                    -- NULL: no process is sending
    missed_from     INTEGER,                         -- outbox.id: what was published from here on was not queued
    created_at      DATETIME NOT NULL
);
CREATE INDEX hosts_due ON hosts (next_at, host) WHERE next_at IS NOT NULL;
CREATE INDEX hosts_state ON hosts (state, host);
INSERT INTO hosts (host, next_at, created_at)
    SELECT host, min(created_at), min(created_at) FROM deliveries WHERE state = 'pending' GROUP BY host;

-- +goose Down
DROP TABLE hosts;
DROP INDEX deliveries_age;
DROP INDEX deliveries_merge;
DROP INDEX deliveries_chain;
DROP INDEX deliveries_due;
ALTER TABLE deliveries DROP COLUMN next_at;
ALTER TABLE deliveries DROP COLUMN merge_key;
ALTER TABLE deliveries DROP COLUMN object_key;
DROP INDEX outbox_unspread;
ALTER TABLE outbox DROP COLUMN spread;
ALTER TABLE outbox DROP COLUMN object_key;
ALTER TABLE outbox DROP COLUMN target;
