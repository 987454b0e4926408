-- +goose Up
ALTER TABLE videos ADD COLUMN blocked BOOLEAN NOT NULL DEFAULT FALSE;  -- for its owner and moderators only
ALTER TABLE videos ADD COLUMN withheld BOOLEAN NOT NULL DEFAULT FALSE; -- from other servers

-- Why videos are blocked.
CREATE TABLE video_blocks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id      INTEGER NOT NULL UNIQUE REFERENCES videos (id) ON DELETE CASCADE,
    type          INTEGER NOT NULL,           -- 1 by a moderator, 2 until one has seen it, 3 by its automatic tags
    reason        TEXT NOT NULL DEFAULT '',   -- for the owner
    internal_note TEXT NOT NULL DEFAULT '',   -- for moderators
    created_at    DATETIME NOT NULL,
    updated_at    DATETIME NOT NULL
);
CREATE INDEX video_blocks_created ON video_blocks (created_at, id);
CREATE INDEX video_blocks_type ON video_blocks (type, created_at, id);

-- Words that give what they stand in an automatic tag, the name of the list.
CREATE TABLE watched_word_lists (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER REFERENCES accounts (id) ON DELETE CASCADE, -- null: of the instance
    name       TEXT NOT NULL,
    words      TEXT NOT NULL,                                   -- JSON
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX watched_word_lists_name ON watched_word_lists (COALESCE(account_id, 0), name);
CREATE INDEX watched_word_lists_created ON watched_word_lists (account_id, created_at, id);

-- Automatic tags: those that the instance gives to videos, and those that the
-- instance and the owner of the video give to comments.
CREATE TABLE video_auto_tags (
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    PRIMARY KEY (video_id, name)
);
CREATE INDEX video_auto_tags_name ON video_auto_tags (name, video_id);
CREATE TABLE comment_auto_tags (
    comment_id INTEGER NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL, -- 0: the instance
    name       TEXT NOT NULL,
    PRIMARY KEY (comment_id, account_id, name)
);
CREATE INDEX comment_auto_tags_name ON comment_auto_tags (account_id, name, comment_id);

-- What a tag does besides: it holds comments for the account, or, for the
-- instance, blocks videos.
CREATE TABLE auto_tag_policies (
    account_id INTEGER NOT NULL, -- 0: the instance
    name       TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
);

-- +goose Down
DROP TABLE auto_tag_policies;
DROP TABLE comment_auto_tags;
DROP TABLE video_auto_tags;
DROP TABLE watched_word_lists;
DROP TABLE video_blocks;
ALTER TABLE videos DROP COLUMN withheld;
ALTER TABLE videos DROP COLUMN blocked;
