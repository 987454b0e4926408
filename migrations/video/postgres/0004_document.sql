-- +goose Up
-- What documents of videos say besides.
ALTER TABLE videos ADD COLUMN uploaded_at TIMESTAMPTZ;                          -- when the file was replaced last
ALTER TABLE videos ADD COLUMN live_save_replay BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE videos ADD COLUMN permanent_live BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE videos ADD COLUMN latency_mode INTEGER NOT NULL DEFAULT 1;
ALTER TABLE videos ADD COLUMN dvr_window INTEGER NOT NULL DEFAULT 0;             -- seconds
ALTER TABLE videos ADD COLUMN parts_url TEXT NOT NULL DEFAULT '';                -- of a remote video: its chapters
ALTER TABLE videos ADD COLUMN shares_url TEXT NOT NULL DEFAULT '';               -- who announced it
ALTER TABLE videos ADD COLUMN embed_url TEXT NOT NULL DEFAULT '';

CREATE TABLE video_captions (
    id         BIGSERIAL PRIMARY KEY,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    language   TEXT NOT NULL,
    filename   TEXT NOT NULL UNIQUE,           -- name under /lazy-static, also of remote ones
    remote_url TEXT NOT NULL DEFAULT '',
    generated  BOOLEAN NOT NULL DEFAULT FALSE, -- by a machine
    stored     BOOLEAN NOT NULL DEFAULT TRUE,  -- the file is here
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, language)
);

CREATE TABLE video_chapters (
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    timecode INTEGER NOT NULL,                 -- seconds
    title    TEXT NOT NULL,
    PRIMARY KEY (video_id, timecode)
);

-- One picture a video with many small ones, for the seek bar.
CREATE TABLE storyboards (
    video_id        BIGINT PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    filename        TEXT NOT NULL UNIQUE,
    remote_url      TEXT NOT NULL DEFAULT '',
    stored          BOOLEAN NOT NULL DEFAULT TRUE,
    total_width     INTEGER NOT NULL,
    total_height    INTEGER NOT NULL,
    sprite_width    INTEGER NOT NULL,
    sprite_height   INTEGER NOT NULL,
    sprite_duration INTEGER NOT NULL,          -- seconds
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL
);

CREATE TABLE playlists (
    id           BIGSERIAL PRIMARY KEY,
    uuid         TEXT NOT NULL UNIQUE,
    iri          TEXT NOT NULL UNIQUE,
    account_id   BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    channel_id   BIGINT REFERENCES channels (id) ON DELETE SET NULL,
    local        BOOLEAN NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL DEFAULT '',
    privacy      INTEGER NOT NULL,             -- 1 public, 2 unlisted, 3 private
    type         INTEGER NOT NULL DEFAULT 1,   -- 1 regular, 2 watch later
    position     INTEGER NOT NULL DEFAULT 0,   -- on the page of its channel
    federated_at TIMESTAMPTZ,                 -- when the Create went out
    fetched_at   TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX playlists_public ON playlists (privacy, created_at DESC, id DESC);
CREATE INDEX playlists_account ON playlists (account_id, updated_at DESC, id DESC);
CREATE INDEX playlists_channel ON playlists (channel_id, position, id);
CREATE UNIQUE INDEX playlists_watch_later ON playlists (account_id) WHERE type = 2;

CREATE TABLE playlist_elements (
    id              BIGSERIAL PRIMARY KEY,
    playlist_id     BIGINT NOT NULL REFERENCES playlists (id) ON DELETE CASCADE,
    video_id        BIGINT REFERENCES videos (id) ON DELETE SET NULL,
    iri             TEXT NOT NULL DEFAULT '',  -- of a remote playlist's
    position        INTEGER NOT NULL,
    start_timestamp INTEGER,
    stop_timestamp  INTEGER,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX playlist_elements_position ON playlist_elements (playlist_id, position, id);
CREATE INDEX playlist_elements_video ON playlist_elements (video_id, playlist_id);

-- +goose Down
DROP TABLE playlist_elements;
DROP TABLE playlists;
DROP TABLE storyboards;
DROP TABLE video_chapters;
DROP TABLE video_captions;
ALTER TABLE videos DROP COLUMN embed_url;
ALTER TABLE videos DROP COLUMN shares_url;
ALTER TABLE videos DROP COLUMN parts_url;
ALTER TABLE videos DROP COLUMN dvr_window;
ALTER TABLE videos DROP COLUMN latency_mode;
ALTER TABLE videos DROP COLUMN permanent_live;
ALTER TABLE videos DROP COLUMN live_save_replay;
ALTER TABLE videos DROP COLUMN uploaded_at;
