-- +goose Up
CREATE TABLE videos (
    id                      BIGSERIAL PRIMARY KEY,
    uuid                    TEXT NOT NULL UNIQUE,
    iri                     TEXT NOT NULL UNIQUE,
    channel_id              BIGINT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    local                   BOOLEAN NOT NULL,
    listed                  BOOLEAN NOT NULL DEFAULT TRUE, -- local, or of a followed actor, or shared by one
    name                    TEXT NOT NULL,
    folded                  TEXT NOT NULL DEFAULT '',      -- name and tags, folded, for search
    description             TEXT NOT NULL DEFAULT '',
    support                 TEXT NOT NULL DEFAULT '',
    category                INTEGER,
    licence                 INTEGER,
    language                TEXT,
    privacy                 INTEGER NOT NULL,
    state                   INTEGER NOT NULL,
    nsfw                    BOOLEAN NOT NULL DEFAULT FALSE,
    nsfw_summary            TEXT NOT NULL DEFAULT '',
    nsfw_flags              INTEGER NOT NULL DEFAULT 0,
    duration                INTEGER NOT NULL DEFAULT 0,    -- seconds
    aspect_ratio            DOUBLE PRECISION NOT NULL DEFAULT 0,
    views                   BIGINT NOT NULL DEFAULT 0,
    likes                   BIGINT NOT NULL DEFAULT 0,
    dislikes                BIGINT NOT NULL DEFAULT 0,
    comments                BIGINT NOT NULL DEFAULT 0,
    comments_policy         INTEGER NOT NULL DEFAULT 1,
    download_enabled        BOOLEAN NOT NULL DEFAULT TRUE,
    wait_transcoding        BOOLEAN NOT NULL DEFAULT FALSE,
    is_live                 BOOLEAN NOT NULL DEFAULT FALSE,
    source_name             TEXT NOT NULL DEFAULT '',      -- file name of the upload, as the user had it
    source_size             BIGINT NOT NULL DEFAULT 0,     -- bytes of the upload; what counts against the quota
    source_key              TEXT NOT NULL DEFAULT '',      -- where the upload lies until it is transcoded
    last_error              TEXT NOT NULL DEFAULT '',      -- why transcoding failed, for the owner
    federated_at            TIMESTAMPTZ,                   -- when the Create went out
    originally_published_at TIMESTAMPTZ,
    published_at            TIMESTAMPTZ NOT NULL,
    fetched_at              TIMESTAMPTZ,
    created_at              TIMESTAMPTZ NOT NULL,
    updated_at              TIMESTAMPTZ NOT NULL
);
CREATE INDEX videos_published ON videos (privacy, state, listed, published_at DESC, id DESC);
CREATE INDEX videos_local ON videos (privacy, state, local, published_at DESC, id DESC);
CREATE INDEX videos_channel ON videos (channel_id, published_at DESC, id DESC);
CREATE INDEX videos_views ON videos (privacy, state, listed, views DESC, id DESC);
CREATE INDEX videos_name ON videos (privacy, state, listed, name, id);
CREATE INDEX videos_created ON videos (privacy, state, listed, created_at DESC, id DESC);
CREATE INDEX videos_likes ON videos (privacy, state, listed, likes DESC, id DESC);
CREATE INDEX videos_duration ON videos (privacy, state, listed, duration, id);
CREATE INDEX videos_state ON videos (state, id);

CREATE TABLE streaming_playlists (
    id                BIGSERIAL PRIMARY KEY,
    video_id          BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    type              INTEGER NOT NULL DEFAULT 1,  -- 1 HLS
    filename          TEXT NOT NULL DEFAULT '',    -- local master playlist
    url               TEXT NOT NULL DEFAULT '',    -- remote master playlist
    segments_filename TEXT NOT NULL DEFAULT '',
    segments_url      TEXT NOT NULL DEFAULT '',
    created_at        TIMESTAMPTZ NOT NULL,
    updated_at        TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, type)
);

CREATE TABLE video_files (
    id               BIGSERIAL PRIMARY KEY,
    video_id         BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    playlist_id      BIGINT REFERENCES streaming_playlists (id) ON DELETE CASCADE, -- null: progressive file
    resolution       INTEGER NOT NULL,
    width            INTEGER NOT NULL DEFAULT 0,
    height           INTEGER NOT NULL DEFAULT 0,
    fps              INTEGER NOT NULL DEFAULT -1,
    size             BIGINT NOT NULL,
    extname          TEXT NOT NULL DEFAULT '.mp4',
    has_audio        BOOLEAN NOT NULL DEFAULT TRUE,
    has_video        BOOLEAN NOT NULL DEFAULT TRUE,
    filename         TEXT NOT NULL DEFAULT '',     -- local
    playlist_name    TEXT NOT NULL DEFAULT '',     -- local: the media playlist of an HLS rendition
    url              TEXT NOT NULL DEFAULT '',     -- remote
    torrent_filename TEXT NOT NULL DEFAULT '',
    torrent_url      TEXT NOT NULL DEFAULT '',
    info_hash        TEXT NOT NULL DEFAULT '',     -- hex, lower case
    magnet           TEXT NOT NULL DEFAULT '',     -- remote: as received
    metadata         TEXT NOT NULL DEFAULT '',     -- what ffprobe said, JSON
    metadata_url     TEXT NOT NULL DEFAULT '',
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL
);
CREATE INDEX video_files_video ON video_files (video_id, resolution DESC, id);
CREATE UNIQUE INDEX video_files_filename ON video_files (filename) WHERE filename <> '';
CREATE UNIQUE INDEX video_files_torrent ON video_files (torrent_filename) WHERE torrent_filename <> '';
CREATE UNIQUE INDEX video_files_one ON video_files (video_id, COALESCE(playlist_id, 0), resolution, fps);

-- What the tracker admits: torrents and peer-to-peer swarms of HLS playlists.
CREATE TABLE infohashes (
    hash     TEXT NOT NULL, -- 20 bytes as 40 hex digits
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    given    BOOLEAN NOT NULL DEFAULT FALSE, -- by a document or an encoder, not computed from the rows
    PRIMARY KEY (hash, video_id)
);
CREATE INDEX infohashes_video ON infohashes (video_id);

-- Renditions that a local video shall have. Advance reads it.
CREATE TABLE renditions (
    id         BIGSERIAL PRIMARY KEY,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,                    -- web, hls
    resolution INTEGER NOT NULL,
    fps        INTEGER NOT NULL DEFAULT 0,
    required   BOOLEAN NOT NULL DEFAULT FALSE,   -- publication waits for it even without waitTranscoding
    state      TEXT NOT NULL DEFAULT 'planned',  -- planned, queued, done, failed
    progress   INTEGER NOT NULL DEFAULT 0,       -- percent
    last_error TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, kind, resolution)
);

CREATE TABLE thumbnails (
    id         BIGSERIAL PRIMARY KEY,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    type       INTEGER NOT NULL,                 -- 1 miniature, 2 preview
    filename   TEXT NOT NULL UNIQUE,             -- name under /lazy-static, also of remote ones
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    remote_url TEXT NOT NULL DEFAULT '',
    stored     BOOLEAN NOT NULL DEFAULT TRUE,    -- the file is here
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, type)
);

CREATE TABLE video_tags (
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL,                      -- lower case, for look-ups
    position INTEGER NOT NULL,
    PRIMARY KEY (video_id, folded)
);
CREATE INDEX video_tags_folded ON video_tags (folded, video_id);

CREATE TABLE video_trackers (
    video_id BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    url      TEXT NOT NULL,
    PRIMARY KEY (video_id, url)
);

-- Announces: who shares a video with its followers.
CREATE TABLE video_shares (
    id         BIGSERIAL PRIMARY KEY,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    actor_id   BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    iri        TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (video_id, actor_id)
);
CREATE INDEX video_shares_actor ON video_shares (actor_id, id);
CREATE INDEX video_shares_iri ON video_shares (iri);

CREATE TABLE uploads (
    id          TEXT PRIMARY KEY,                -- opaque, 128 random bits
    user_id     BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,                   -- same user, file and metadata: same session
    metadata    TEXT NOT NULL,                   -- the video's fields, JSON
    size        BIGINT NOT NULL,
    received    BIGINT NOT NULL DEFAULT 0,       -- never above what is on disk
    state       TEXT NOT NULL DEFAULT 'open',    -- open, finishing, done
    video_id    BIGINT REFERENCES videos (id) ON DELETE SET NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX uploads_user ON uploads (user_id, fingerprint, id);
CREATE INDEX uploads_updated ON uploads (updated_at, id);

-- +goose Down
DROP TABLE uploads;
DROP TABLE video_shares;
DROP TABLE video_trackers;
DROP TABLE video_tags;
DROP TABLE thumbnails;
DROP TABLE renditions;
DROP TABLE infohashes;
DROP TABLE video_files;
DROP TABLE streaming_playlists;
DROP TABLE videos;
