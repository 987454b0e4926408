-- +goose Up
ALTER TABLE actors ADD COLUMN also_known_as TEXT NOT NULL DEFAULT '';   -- other names of the same actor, a JSON list of IRIs
ALTER TABLE actors ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';        -- IRI of the actor that took its place
ALTER TABLE actors ADD COLUMN moved_at DATETIME;
ALTER TABLE actors ADD COLUMN banner_url TEXT NOT NULL DEFAULT '';
ALTER TABLE actors ADD COLUMN playlists TEXT NOT NULL DEFAULT '';
ALTER TABLE actors ADD COLUMN support TEXT NOT NULL DEFAULT '';         -- of a remote channel
ALTER TABLE actors ADD COLUMN indexable BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE actors ADD COLUMN discoverable BOOLEAN NOT NULL DEFAULT TRUE;

-- Who has blocked one of our actors; while it stands, ours does not follow.
CREATE TABLE actor_blocks (
    blocker_id INTEGER NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    blocked_id INTEGER NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    iri        TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX actor_blocks_blocked ON actor_blocks (blocked_id);

-- A walk over somebody else's collection, and how far it is: one that is cut
-- short goes on from there.
CREATE TABLE crawls (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,                    -- who takes the items: outbox, or a module's name for them
    owner       TEXT NOT NULL,                    -- IRI of the actor or object whose collection it is
    collection  TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL DEFAULT 'running',  -- running, done, failed
    next        TEXT NOT NULL DEFAULT '',         -- the page to read; empty before the first
    skip        INTEGER NOT NULL DEFAULT 0,       -- items of it that are done
    pages       INTEGER NOT NULL DEFAULT 0,
    items       INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,       -- items that were not taken
    total       INTEGER NOT NULL DEFAULT 0,       -- what the collection says it holds
    seen        TEXT NOT NULL DEFAULT '',         -- hashes of the pages read
    spent_ms    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    started_at  DATETIME NOT NULL,
    updated_at  DATETIME NOT NULL
);
CREATE INDEX crawls_owner ON crawls (owner);
CREATE INDEX crawls_updated ON crawls (updated_at);

-- When something that had become stale was asked for again.
CREATE TABLE refreshes (
    iri      TEXT PRIMARY KEY,
    asked_at DATETIME NOT NULL
);
CREATE INDEX refreshes_asked ON refreshes (asked_at);

-- +goose Down
DROP TABLE refreshes;
DROP TABLE crawls;
DROP TABLE actor_blocks;
ALTER TABLE actors DROP COLUMN discoverable;
ALTER TABLE actors DROP COLUMN indexable;
ALTER TABLE actors DROP COLUMN support;
ALTER TABLE actors DROP COLUMN playlists;
ALTER TABLE actors DROP COLUMN banner_url;
ALTER TABLE actors DROP COLUMN moved_at;
ALTER TABLE actors DROP COLUMN moved_to;
ALTER TABLE actors DROP COLUMN also_known_as;
