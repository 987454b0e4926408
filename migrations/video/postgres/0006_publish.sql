-- +goose Up
-- What publishers do with their videos: schedules, passwords, the file as it was
-- uploaded; and by what programs videos are watched.
ALTER TABLE videos ADD COLUMN scheduled_at TIMESTAMPTZ;       -- when privacy becomes scheduled_privacy
ALTER TABLE videos ADD COLUMN scheduled_privacy INTEGER;
CREATE INDEX videos_scheduled ON videos (scheduled_at, id) WHERE scheduled_at IS NOT NULL;

ALTER TABLE thumbnails ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE; -- taken from the video

CREATE TABLE video_passwords (
    id         BIGSERIAL PRIMARY KEY,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    mac        TEXT NOT NULL,                -- by which a guess is looked up
    sealed     TEXT NOT NULL,                -- encrypted, for the owner to read
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, mac)
);
CREATE INDEX video_passwords_created ON video_passwords (video_id, created_at, id);

-- The upload that a local video was made of last.
CREATE TABLE video_sources (
    video_id   BIGINT PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    filename   TEXT NOT NULL,                -- as the user had it
    size       BIGINT NOT NULL,
    width      INTEGER NOT NULL DEFAULT 0,
    height     INTEGER NOT NULL DEFAULT 0,
    resolution INTEGER NOT NULL DEFAULT 0,
    fps        INTEGER NOT NULL DEFAULT 0,
    metadata   TEXT NOT NULL DEFAULT '',     -- what ffprobe said, JSON
    kept_name  TEXT NOT NULL DEFAULT '',     -- name of the file where it is kept
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX video_sources_kept ON video_sources (kept_name) WHERE kept_name <> '';

ALTER TABLE watch_actions ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE watch_actions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE watch_actions ADD COLUMN system TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE watch_actions DROP COLUMN system;
ALTER TABLE watch_actions DROP COLUMN device;
ALTER TABLE watch_actions DROP COLUMN client;
DROP TABLE video_sources;
DROP TABLE video_passwords;
ALTER TABLE thumbnails DROP COLUMN automatic;
DROP INDEX videos_scheduled;
ALTER TABLE videos DROP COLUMN scheduled_privacy;
ALTER TABLE videos DROP COLUMN scheduled_at;
