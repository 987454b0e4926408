-- +goose Up
-- The name of the picture that its owner gave a playlist; empty: it shows that of
-- its first video.
ALTER TABLE playlists ADD COLUMN thumbnail TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX playlists_thumbnail ON playlists (thumbnail) WHERE thumbnail <> '';
-- Public ones lie in a channel; that of these was deleted.
UPDATE playlists SET privacy = 3, position = 0 WHERE local AND type = 1 AND privacy = 1 AND channel_id IS NULL;

-- +goose Down
DROP INDEX playlists_thumbnail;
ALTER TABLE playlists DROP COLUMN thumbnail;
