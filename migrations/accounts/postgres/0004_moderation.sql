-- +goose Up
-- Accounts of which a user, or the instance for everybody, does not want to see
-- anything.
CREATE TABLE muted_accounts (
    id         BIGSERIAL PRIMARY KEY,
    account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE,        -- by whom; null: the instance
    actor_id   BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE, -- the Person
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX muted_accounts_one ON muted_accounts (COALESCE(account_id, 0), actor_id);
CREATE INDEX muted_accounts_list ON muted_accounts (account_id, created_at, id);
CREATE INDEX muted_accounts_actor ON muted_accounts (actor_id);

-- The same for all accounts of a server. The instance has rules for hosts.
CREATE TABLE muted_hosts (
    id         BIGSERIAL PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    host       TEXT NOT NULL, -- as actors have it
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (account_id, host)
);
CREATE INDEX muted_hosts_list ON muted_hosts (account_id, created_at, id);
CREATE INDEX muted_hosts_host ON muted_hosts (host);

-- +goose Down
DROP TABLE muted_hosts;
DROP TABLE muted_accounts;
