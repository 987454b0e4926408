-- +goose Up
-- What many videos of other servers take. Lists read the videos that everybody
-- may see: their indexes hold no others, and not what those have in common. What is
-- newer stands behind: pages of an index that grows at its end are full.
DROP INDEX videos_published;
CREATE INDEX videos_published ON videos (published_at, id)
    INCLUDE (channel_id, category, licence, language, nsfw, nsfw_flags, is_live, local, duration) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_local;
CREATE INDEX videos_local ON videos (published_at, id) WHERE privacy = 1 AND state = 1 AND listed AND local;
DROP INDEX videos_views;
CREATE INDEX videos_views ON videos (views, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_name;
CREATE INDEX videos_name ON videos (name, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_created;
CREATE INDEX videos_created ON videos (created_at, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_likes;
CREATE INDEX videos_likes ON videos (likes, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_duration;
CREATE INDEX videos_duration ON videos (duration, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_comments;
CREATE INDEX videos_comments ON videos (comments, id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_original;
CREATE INDEX videos_original ON videos (COALESCE(originally_published_at, published_at), id) WHERE privacy = 1 AND state = 1 AND listed;
DROP INDEX videos_state;
CREATE INDEX videos_state ON videos (state, id) WHERE state <> 1;
CREATE INDEX videos_privacy ON videos (privacy, published_at, id) WHERE privacy <> 1;
DROP INDEX videos_channel;
CREATE INDEX videos_channel ON videos (channel_id, published_at, id);

-- What the videos of users take is summed up from the index alone.
CREATE INDEX videos_used ON videos (channel_id, source_size) WHERE local;

-- video_files_one begins with the video, too.
DROP INDEX video_files_video;

-- Hashes of what is looked up as a whole only.
ALTER TABLE videos DROP CONSTRAINT videos_uuid_key;
ALTER TABLE videos ADD CONSTRAINT videos_uuid_key EXCLUDE USING hash (uuid WITH =);
ALTER TABLE videos DROP CONSTRAINT videos_iri_key;
ALTER TABLE videos ADD CONSTRAINT videos_iri_key EXCLUDE USING hash (iri WITH =);
ALTER TABLE thumbnails DROP CONSTRAINT thumbnails_filename_key;
ALTER TABLE thumbnails ADD CONSTRAINT thumbnails_filename_key EXCLUDE USING hash (filename WITH =);

-- Equal keys are kept once.
DROP INDEX video_tags_folded;
CREATE INDEX video_tags_folded ON video_tags (folded);

-- +goose Down
DROP INDEX videos_used;
DROP INDEX videos_privacy;
DROP INDEX video_tags_folded;
CREATE INDEX video_tags_folded ON video_tags (folded, video_id);
ALTER TABLE thumbnails DROP CONSTRAINT thumbnails_filename_key;
ALTER TABLE thumbnails ADD CONSTRAINT thumbnails_filename_key UNIQUE (filename);
ALTER TABLE videos DROP CONSTRAINT videos_iri_key;
ALTER TABLE videos ADD CONSTRAINT videos_iri_key UNIQUE (iri);
ALTER TABLE videos DROP CONSTRAINT videos_uuid_key;
ALTER TABLE videos ADD CONSTRAINT videos_uuid_key UNIQUE (uuid);
CREATE INDEX video_files_video ON video_files (video_id, resolution DESC, id);
DROP INDEX videos_channel;
CREATE INDEX videos_channel ON videos (channel_id, published_at DESC, id DESC);
DROP INDEX videos_published;
CREATE INDEX videos_published ON videos (privacy, state, listed, published_at DESC, id DESC)
    INCLUDE (channel_id, category, licence, language, nsfw, nsfw_flags, is_live, local, duration);
DROP INDEX videos_local;
CREATE INDEX videos_local ON videos (privacy, state, listed, local, published_at DESC, id DESC);
DROP INDEX videos_views;
CREATE INDEX videos_views ON videos (privacy, state, listed, views DESC, id DESC);
DROP INDEX videos_name;
CREATE INDEX videos_name ON videos (privacy, state, listed, name, id);
DROP INDEX videos_created;
CREATE INDEX videos_created ON videos (privacy, state, listed, created_at DESC, id DESC);
DROP INDEX videos_likes;
CREATE INDEX videos_likes ON videos (privacy, state, listed, likes DESC, id DESC);
DROP INDEX videos_duration;
CREATE INDEX videos_duration ON videos (privacy, state, listed, duration, id);
DROP INDEX videos_comments;
CREATE INDEX videos_comments ON videos (privacy, state, listed, comments DESC, id DESC);
DROP INDEX videos_original;
CREATE INDEX videos_original ON videos (privacy, state, listed, COALESCE(originally_published_at, published_at) DESC, id DESC);
DROP INDEX videos_state;
CREATE INDEX videos_state ON videos (state, id);
