-- +goose Up
-- What this server has to do with others; the rule of the longest name counts.
CREATE TABLE host_rules (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    host       TEXT NOT NULL UNIQUE,     -- covers the hosts below it too
    action     TEXT NOT NULL,            -- block, limit, allow
    reason     TEXT NOT NULL DEFAULT '',
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL
);

-- What follows for the hosts of known actors, for queries; a host that is not
-- here is like any other.
CREATE TABLE host_standings (
    host     TEXT PRIMARY KEY,
    standing INTEGER NOT NULL            -- 1: shown to followers only, 2: blocked
);

-- Hosts take turns; a waiting Update is needless when a newer one waits too.
CREATE INDEX inbox_turn ON inbox (host, id) WHERE state IN ('waiting', 'active');
CREATE INDEX inbox_updates ON inbox (object, actor, id) WHERE type = 'Update' AND state = 'waiting';

-- Only what is over is looked for by these, so that taking an activity in need not
-- touch them.
DROP INDEX inbox_object;
DROP INDEX inbox_done;
CREATE INDEX inbox_object ON inbox (object, host) WHERE done_at IS NOT NULL;
CREATE INDEX inbox_done ON inbox (done_at) WHERE done_at IS NOT NULL;

-- +goose Down
DROP INDEX inbox_done;
DROP INDEX inbox_object;
CREATE INDEX inbox_object ON inbox (object, host);
CREATE INDEX inbox_done ON inbox (done_at);
DROP INDEX inbox_updates;
DROP INDEX inbox_turn;
DROP TABLE host_standings;
DROP TABLE host_rules;
