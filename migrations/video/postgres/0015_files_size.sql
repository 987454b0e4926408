-- +goose Up
-- What the files of a video of this server take, so that lists are sorted by it
-- along an index; NULL: a video of another server.
ALTER TABLE videos ADD COLUMN files_size BIGINT;
UPDATE videos SET files_size = COALESCE((SELECT SUM(f.size) FROM video_files f WHERE f.video_id = videos.id), 0) WHERE local;
CREATE INDEX videos_files_size ON videos (files_size, id) WHERE files_size IS NOT NULL;

-- +goose Down
DROP INDEX videos_files_size;
ALTER TABLE videos DROP COLUMN files_size;
