-- +goose Up
-- Words of all that can be searched, to find what a mistyped one was meant to be.
CREATE TABLE search_words (
    word     TEXT PRIMARY KEY,
    reversed TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX search_words_reversed ON search_words (reversed);

-- The words of name and display name (see config/fulltext).
ALTER TABLE channels ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE channels SET words = (SELECT lower(a.username || ' ' || a.name) FROM actors a WHERE a.id = channels.actor_id);
CREATE VIRTUAL TABLE channel_search USING fts5 (words, content = 'channels', content_rowid = 'id', tokenize = 'ascii', detail = 'none', columnsize = 0);
INSERT INTO channel_search (channel_search) VALUES ('rebuild');
-- +goose StatementBegin
CREATE TRIGGER channels_search_insert AFTER INSERT ON channels BEGIN
    INSERT INTO channel_search (rowid, words) VALUES (new.id, new.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER channels_search_update AFTER UPDATE OF words ON channels WHEN old.words <> new.words BEGIN
    INSERT INTO channel_search (channel_search, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO channel_search (rowid, words) VALUES (new.id, new.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER channels_search_delete AFTER DELETE ON channels BEGIN
    INSERT INTO channel_search (channel_search, rowid, words) VALUES ('delete', old.id, old.words);
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER channels_search_delete;
DROP TRIGGER channels_search_update;
DROP TRIGGER channels_search_insert;
DROP TABLE channel_search;
ALTER TABLE channels DROP COLUMN words;
DROP TABLE search_words;
