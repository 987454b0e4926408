-- +goose Up
-- Accounts of which a user, or the instance for everybody, does not want to see
-- anything.
CREATE TABLE muted_accounts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE,        -- by whom; null: the instance
    actor_id   INTEGER NOT NULL REFERENCES actors (id) ON DELETE CASCADE, -- the Person
    created_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX muted_accounts_one ON muted_accounts (COALESCE(account_id, 0), actor_id);
CREATE INDEX muted_accounts_list ON muted_accounts (account_id, created_at, id);
CREATE INDEX muted_accounts_actor ON muted_accounts (actor_id);

-- The same for all accounts of a server. The instance has rules for hosts.
CREATE TABLE muted_hosts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    host       TEXT NOT NULL, -- as actors have it
    created_at DATETIME NOT NULL,
    UNIQUE (account_id, host)
);
CREATE INDEX muted_hosts_list ON muted_hosts (account_id, created_at, id);
CREATE INDEX muted_hosts_host ON muted_hosts (host);

-- +goose Down
DROP TABLE muted_hosts;
DROP TABLE muted_accounts;
