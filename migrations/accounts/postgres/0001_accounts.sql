-- +goose Up
CREATE TABLE users (
    id                BIGSERIAL PRIMARY KEY,
    username          TEXT NOT NULL UNIQUE,     -- lower case
    email             TEXT NOT NULL UNIQUE,     -- lower case
    password_hash     TEXT NOT NULL,
    role              INTEGER NOT NULL,         -- 0 administrator, 1 moderator, 2 user
    email_verified    BOOLEAN,
    blocked           BOOLEAN NOT NULL DEFAULT FALSE,
    blocked_reason    TEXT NOT NULL DEFAULT '',
    admin_flags       INTEGER NOT NULL DEFAULT 0,
    video_quota       BIGINT NOT NULL DEFAULT -1,
    video_quota_daily BIGINT NOT NULL DEFAULT -1,
    settings          TEXT NOT NULL DEFAULT '{}', -- preferences of the account owner, JSON
    last_login_at     TIMESTAMPTZ,
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL
);
CREATE INDEX users_created ON users (created_at, id);

-- A Person actor seen as the author of videos, local or remote.
CREATE TABLE accounts (
    id         BIGSERIAL PRIMARY KEY,
    actor_id   BIGINT NOT NULL UNIQUE REFERENCES actors (id) ON DELETE CASCADE,
    user_id    BIGINT UNIQUE REFERENCES users (id) ON DELETE CASCADE, -- null: remote
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX accounts_created ON accounts (created_at, id);

-- A Group actor that holds videos, local or remote.
CREATE TABLE channels (
    id         BIGSERIAL PRIMARY KEY,
    actor_id   BIGINT NOT NULL UNIQUE REFERENCES actors (id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    local      BOOLEAN NOT NULL,
    support    TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX channels_account ON channels (account_id, id);
CREATE INDEX channels_local ON channels (local, created_at, id);

CREATE TABLE oauth_clients (
    id            BIGSERIAL PRIMARY KEY,
    client_id     TEXT NOT NULL UNIQUE,
    client_secret TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

-- A row is one pair of tokens. Pairs that came from one login share a family.
CREATE TABLE oauth_tokens (
    id                 BIGSERIAL PRIMARY KEY,
    user_id            BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id          BIGINT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    family             TEXT NOT NULL,
    access_hash        TEXT NOT NULL UNIQUE,
    refresh_hash       TEXT NOT NULL UNIQUE,
    access_expires_at  TIMESTAMPTZ NOT NULL,
    refresh_expires_at TIMESTAMPTZ NOT NULL,
    rotated_at         TIMESTAMPTZ,
    created_at         TIMESTAMPTZ NOT NULL
);
CREATE INDEX oauth_tokens_user ON oauth_tokens (user_id, id);
CREATE INDEX oauth_tokens_family ON oauth_tokens (family);
CREATE INDEX oauth_tokens_expiry ON oauth_tokens (refresh_expires_at);

-- Browser sessions of the server's own pages.
CREATE TABLE web_sessions (
    id         BIGSERIAL PRIMARY KEY,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX web_sessions_user ON web_sessions (user_id);
CREATE INDEX web_sessions_expiry ON web_sessions (expires_at);

-- +goose Down
DROP TABLE web_sessions;
DROP TABLE oauth_tokens;
DROP TABLE oauth_clients;
DROP TABLE channels;
DROP TABLE accounts;
DROP TABLE users;
