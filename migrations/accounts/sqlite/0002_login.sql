-- +goose Up
ALTER TABLE users ADD COLUMN pending_email TEXT;                       -- asked for, not verified yet
ALTER TABLE users ADD COLUMN otp_secret TEXT NOT NULL DEFAULT '';      -- sealed; '': no second factor
ALTER TABLE users ADD COLUMN otp_step INTEGER NOT NULL DEFAULT 0;      -- of the last code that was used
ALTER TABLE users ADD COLUMN feed_generation INTEGER NOT NULL DEFAULT 0; -- of the token for feeds
ALTER TABLE users ADD COLUMN features_read INTEGER NOT NULL DEFAULT 0; -- bits of the news that were closed

CREATE INDEX users_login ON users (last_login_at, id);
CREATE INDEX users_role ON users (role, id);

-- Where a session began and where it was used last.
ALTER TABLE oauth_tokens ADD COLUMN login_device TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_tokens ADD COLUMN login_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_tokens ADD COLUMN login_at DATETIME;
ALTER TABLE oauth_tokens ADD COLUMN active_device TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_tokens ADD COLUMN active_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_tokens ADD COLUMN active_at DATETIME;
UPDATE oauth_tokens SET login_at = created_at, active_at = created_at;

ALTER TABLE web_sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN active_device TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN active_ip TEXT NOT NULL DEFAULT '';
ALTER TABLE web_sessions ADD COLUMN active_at DATETIME;
UPDATE web_sessions SET active_at = created_at;

-- Mails that wait to be sent. Content is sealed: it holds links that let in.
CREATE TABLE mails (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    content    TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX mails_created ON mails (created_at);

-- What was given to somebody to prove something once, such as the link of a mail.
CREATE TABLE tickets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose    TEXT NOT NULL,
    subject_id INTEGER NOT NULL,             -- the user or registration it is for
    hash       TEXT NOT NULL UNIQUE,         -- SHA-256
    data       TEXT NOT NULL DEFAULT '',
    expires_at DATETIME NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX tickets_subject ON tickets (purpose, subject_id);
CREATE INDEX tickets_expiry ON tickets (expires_at);

-- Those who asked for an account that a moderator approves.
CREATE TABLE registrations (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    state                INTEGER NOT NULL,   -- 1 pending, 2 rejected, 3 accepted
    username             TEXT NOT NULL,
    email                TEXT NOT NULL,
    email_verified       BOOLEAN,
    password_hash        TEXT NOT NULL,      -- '' once accepted
    account_display_name TEXT NOT NULL,
    channel_handle       TEXT NOT NULL DEFAULT '',
    channel_display_name TEXT NOT NULL DEFAULT '',
    reason               TEXT NOT NULL,
    moderation_response  TEXT,
    user_id              INTEGER REFERENCES users (id) ON DELETE SET NULL,
    processed_at         DATETIME,
    created_at           DATETIME NOT NULL,
    updated_at           DATETIME NOT NULL
);
CREATE UNIQUE INDEX registrations_username ON registrations (username) WHERE state <> 3;
CREATE UNIQUE INDEX registrations_email ON registrations (email) WHERE state <> 3;
CREATE UNIQUE INDEX registrations_channel ON registrations (channel_handle) WHERE state <> 3 AND channel_handle <> '';
CREATE INDEX registrations_created ON registrations (created_at, id);
CREATE INDEX registrations_state ON registrations (state, id);
CREATE INDEX registrations_user ON registrations (user_id);

-- +goose Down
DROP TABLE registrations;
DROP TABLE tickets;
DROP TABLE mails;
ALTER TABLE web_sessions DROP COLUMN active_at;
ALTER TABLE web_sessions DROP COLUMN active_ip;
ALTER TABLE web_sessions DROP COLUMN active_device;
ALTER TABLE web_sessions DROP COLUMN ip;
ALTER TABLE web_sessions DROP COLUMN device;
ALTER TABLE oauth_tokens DROP COLUMN active_at;
ALTER TABLE oauth_tokens DROP COLUMN active_ip;
ALTER TABLE oauth_tokens DROP COLUMN active_device;
ALTER TABLE oauth_tokens DROP COLUMN login_at;
ALTER TABLE oauth_tokens DROP COLUMN login_ip;
ALTER TABLE oauth_tokens DROP COLUMN login_device;
DROP INDEX users_role;
DROP INDEX users_login;
ALTER TABLE users DROP COLUMN features_read;
ALTER TABLE users DROP COLUMN feed_generation;
ALTER TABLE users DROP COLUMN otp_step;
ALTER TABLE users DROP COLUMN otp_secret;
ALTER TABLE users DROP COLUMN pending_email;
