-- +goose Up
-- Files that are here, of which those of other servers' videos are deleted again.
CREATE INDEX thumbnails_stored ON thumbnails (video_id) WHERE stored;
CREATE INDEX video_captions_stored ON video_captions (video_id) WHERE stored;
CREATE INDEX storyboards_stored ON storyboards (video_id) WHERE stored;

-- +goose Down
DROP INDEX storyboards_stored;
DROP INDEX video_captions_stored;
DROP INDEX thumbnails_stored;
