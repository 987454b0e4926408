-- +goose Up
CREATE TABLE jobs (
    id           BIGSERIAL PRIMARY KEY,
    kind         TEXT NOT NULL,
    args         TEXT NOT NULL,
    version      INTEGER NOT NULL DEFAULT 1,
    state        TEXT NOT NULL DEFAULT 'waiting', -- waiting, active, done, dead
    attempts     INTEGER NOT NULL DEFAULT 0,
    progress     INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT NOT NULL DEFAULT '',
    unique_key   TEXT,
    epoch        TEXT NOT NULL DEFAULT '',        -- the broker's life in which the row was offered; empty: not offered
    generation   INTEGER NOT NULL DEFAULT 0,      -- raised when a live task is given up, so that the row can be offered anew
    run_at       TIMESTAMPTZ NOT NULL,
    heartbeat_at TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL,
    started_at   TIMESTAMPTZ,
    finished_at  TIMESTAMPTZ
);
CREATE INDEX jobs_due ON jobs (state, epoch, run_at, id);
CREATE INDEX jobs_state_created ON jobs (state, created_at, id);
CREATE INDEX jobs_created ON jobs (created_at, id);
CREATE UNIQUE INDEX jobs_unique ON jobs (kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL;

-- A periodic job runs once a slot, whichever process comes first.
CREATE TABLE job_slots (
    name       TEXT NOT NULL,
    slot       BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (name, slot)
);

-- +goose Down
DROP TABLE job_slots;
DROP TABLE jobs;
