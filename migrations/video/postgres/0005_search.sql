-- +goose Up
-- videos.folded and playlists.words hold words as config/fulltext makes them;
-- the indexes of the search follow them in the same transaction.
UPDATE videos SET folded = regexp_replace(folded, '[[:punct:][:space:]]+', ' ', 'g');
CREATE INDEX videos_search ON videos USING gin (array_to_tsvector(array_remove(string_to_array(folded, ' '), ''))) WITH (fastupdate = off);

ALTER TABLE playlists ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE playlists SET words = lower(regexp_replace(name, '[[:punct:][:space:]]+', ' ', 'g'));
CREATE INDEX playlists_search ON playlists USING gin (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) WITH (fastupdate = off);
CREATE INDEX playlists_updated ON playlists (privacy, updated_at DESC, id DESC);

-- What narrows a list is read from the index alone.
DROP INDEX videos_published;
CREATE INDEX videos_published ON videos (privacy, state, listed, published_at DESC, id DESC)
    INCLUDE (channel_id, category, licence, language, nsfw, nsfw_flags, is_live, local, duration);
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
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    at         BIGINT NOT NULL,            -- seconds of the video
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, video_id)
);
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
DROP INDEX playlists_search;
ALTER TABLE playlists DROP COLUMN words;
DROP INDEX videos_search;
