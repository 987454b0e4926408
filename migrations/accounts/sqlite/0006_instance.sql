-- +goose Up
-- What administrators changed of the settings while the server ran. The newest
-- row holds, the others tell who changed what and when.
CREATE TABLE custom_configs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    settings   TEXT NOT NULL,                -- JSON, value by key, only what differs from the file
    user_id    INTEGER REFERENCES users (id) ON DELETE SET NULL,
    username   TEXT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE INDEX custom_configs_user ON custom_configs (user_id);

-- Pages that administrators write.
CREATE TABLE custom_pages (
    name       TEXT PRIMARY KEY,
    content    TEXT NOT NULL,                -- Markdown
    updated_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE custom_pages;
DROP TABLE custom_configs;
