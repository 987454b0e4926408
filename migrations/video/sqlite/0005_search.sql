-- +goose Up
-- videos.folded and playlists.words hold words as config/fulltext makes them;
-- the indexes of the search follow them in the same transaction.
CREATE VIRTUAL TABLE video_search USING fts5 (folded, content = 'videos', content_rowid = 'id', tokenize = 'ascii', detail = 'none', columnsize = 0, prefix = '2 3');
INSERT INTO video_search (video_search) VALUES ('rebuild');
-- +goose StatementBegin
CREATE TRIGGER videos_search_insert AFTER INSERT ON videos BEGIN
    INSERT INTO video_search (rowid, folded) VALUES (new.id, new.folded);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER videos_search_update AFTER UPDATE OF folded ON videos WHEN old.folded <> new.folded BEGIN
    INSERT INTO video_search (video_search, rowid, folded) VALUES ('delete', old.id, old.folded);
    INSERT INTO video_search (rowid, folded) VALUES (new.id, new.folded);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER videos_search_delete AFTER DELETE ON videos BEGIN
    INSERT INTO video_search (video_search, rowid, folded) VALUES ('delete', old.id, old.folded);
END;
-- +goose StatementEnd

ALTER TABLE playlists ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE playlists SET words = lower(name);
CREATE VIRTUAL TABLE playlist_search USING fts5 (words, content = 'playlists', content_rowid = 'id', tokenize = 'ascii', detail = 'none', columnsize = 0);
INSERT INTO playlist_search (playlist_search) VALUES ('rebuild');
-- +goose StatementBegin
CREATE TRIGGER playlists_search_insert AFTER INSERT ON playlists BEGIN
    INSERT INTO playlist_search (rowid, words) VALUES (new.id, new.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER playlists_search_update AFTER UPDATE OF words ON playlists WHEN old.words <> new.words BEGIN
    INSERT INTO playlist_search (playlist_search, rowid, words) VALUES ('delete', old.id, old.words);
    INSERT INTO playlist_search (rowid, words) VALUES (new.id, new.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER playlists_search_delete AFTER DELETE ON playlists BEGIN
    INSERT INTO playlist_search (playlist_search, rowid, words) VALUES ('delete', old.id, old.words);
END;
-- +goose StatementEnd
CREATE INDEX playlists_updated ON playlists (privacy, updated_at DESC, id DESC);

-- What narrows a list is read from the index alone.
DROP INDEX videos_published;
CREATE INDEX videos_published ON videos (privacy, state, listed, published_at DESC, id DESC,
    channel_id, category, licence, language, nsfw, nsfw_flags, is_live, local, duration);
DROP INDEX videos_local;
CREATE INDEX videos_local ON videos (privacy, state, listed, local, published_at DESC, id DESC);
CREATE INDEX videos_comments ON videos (privacy, state, listed, comments DESC, id DESC);
CREATE INDEX videos_original ON videos (privacy, state, listed, COALESCE(originally_published_at, published_at) DESC, id DESC);

-- The list of all comments counts and skips those that are there.
DROP INDEX comments_all;
CREATE INDEX comments_all ON comments (created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE INDEX video_files_web ON video_files (video_id) WHERE playlist_id IS NULL;
CREATE INDEX video_files_hls ON video_files (video_id) WHERE playlist_id IS NOT NULL;

-- What users have watched, and how far.
CREATE TABLE watch_history (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    video_id   INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    at         INTEGER NOT NULL,           -- seconds of the video
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (user_id, video_id)
) WITHOUT ROWID;
CREATE INDEX watch_history_newest ON watch_history (user_id, updated_at DESC, video_id DESC);
CREATE INDEX watch_history_video ON watch_history (video_id);
CREATE INDEX watch_history_age ON watch_history (updated_at);

-- +goose Down
DROP TABLE watch_history;
DROP INDEX comments_all;
CREATE INDEX comments_all ON comments (created_at DESC, id DESC);
DROP INDEX video_files_hls;
DROP INDEX video_files_web;
DROP INDEX videos_original;
DROP INDEX videos_comments;
DROP INDEX videos_local;
CREATE INDEX videos_local ON videos (privacy, state, local, published_at DESC, id DESC);
DROP INDEX videos_published;
CREATE INDEX videos_published ON videos (privacy, state, listed, published_at DESC, id DESC);
DROP INDEX playlists_updated;
DROP TRIGGER playlists_search_delete;
DROP TRIGGER playlists_search_update;
DROP TRIGGER playlists_search_insert;
DROP TABLE playlist_search;
ALTER TABLE playlists DROP COLUMN words;
DROP TRIGGER videos_search_delete;
DROP TRIGGER videos_search_update;
DROP TRIGGER videos_search_insert;
DROP TABLE video_search;
