-- +goose Up
-- What users are told of: a row a user and event. Object is the row id of what it
-- is about, in the table that the type says.
CREATE TABLE notifications (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type       INTEGER NOT NULL,
    object_id  INTEGER NOT NULL,
    event      INTEGER NOT NULL DEFAULT 0,      -- tells events about one object apart
    web        BOOLEAN NOT NULL,                -- listed; else it went by mail alone
    read       BOOLEAN NOT NULL DEFAULT FALSE,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    UNIQUE (user_id, type, object_id, event)
);
CREATE INDEX notifications_list ON notifications (user_id, id) WHERE web;
CREATE INDEX notifications_unread ON notifications (user_id, id) WHERE web AND NOT read;
CREATE INDEX notifications_object ON notifications (type, object_id, id);
CREATE INDEX notifications_created ON notifications (created_at);

-- How users want to be told: what differs from the defaults.
CREATE TABLE notification_settings (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    value   INTEGER NOT NULL,                   -- bits: 1 web, 2 mail
    PRIMARY KEY (user_id, name)
);

-- +goose Down
DROP TABLE notification_settings;
DROP TABLE notifications;
