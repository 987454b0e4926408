-- +goose Up
ALTER TABLE videos ADD COLUMN downloads BIGINT NOT NULL DEFAULT 0;

-- Views an hour: what the trending lists are made of. told is how many of them
-- other servers have been told of; it is not kept of remote videos.
CREATE TABLE video_views (
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    hour       TIMESTAMPTZ NOT NULL,
    views      BIGINT NOT NULL,
    told       BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, hour)
);
CREATE INDEX video_views_hour ON video_views (hour, video_id);
CREATE INDEX video_views_untold ON video_views (video_id) WHERE views > told;

-- Who watches now, as each source last said: a viewer of another server, a
-- server for all of its viewers, or one of our processes for all of ours.
CREATE TABLE video_viewers (
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    source     TEXT NOT NULL,          -- hash of the View's id; "here " and a name for a process of ours
    host       TEXT NOT NULL,          -- empty: ours
    viewers    BIGINT NOT NULL,
    total      BOOLEAN NOT NULL,       -- the word of the origin about all viewers
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (video_id, source)
);
CREATE INDEX video_viewers_expires ON video_viewers (expires_at, video_id);

-- What was watched: of our viewers, and of others' viewers on our videos.
CREATE TABLE watch_actions (
    id         BIGSERIAL PRIMARY KEY,
    uuid       TEXT NOT NULL,
    iri        TEXT NOT NULL UNIQUE,
    video_id   BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    local      BOOLEAN NOT NULL,
    watch_time BIGINT NOT NULL,        -- seconds
    sections   TEXT NOT NULL,          -- JSON: [[start, end], …] in seconds of the video
    country    TEXT NOT NULL DEFAULT '',
    region     TEXT NOT NULL DEFAULT '',
    started_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX watch_actions_video ON watch_actions (video_id, started_at, id);
CREATE INDEX watch_actions_uuid ON watch_actions (uuid);

-- Reports. What was reported may vanish, so its name is kept with the report.
CREATE TABLE abuses (
    id                 BIGSERIAL PRIMARY KEY,
    iri                TEXT NOT NULL,               -- of the Flag
    object             TEXT NOT NULL,               -- IRI of what is reported
    type               TEXT NOT NULL,               -- video, comment, account
    local              BOOLEAN NOT NULL,            -- by a user of ours
    reporter_id        BIGINT REFERENCES actors (id) ON DELETE SET NULL,
    flagged_id         BIGINT REFERENCES actors (id) ON DELETE SET NULL,
    video_id           BIGINT,                      -- no reference: it stays when the video goes
    video_uuid         TEXT NOT NULL DEFAULT '',
    video_name         TEXT NOT NULL DEFAULT '',
    comment_id         BIGINT,
    comment_text       TEXT NOT NULL DEFAULT '',
    start_at           INTEGER,                     -- seconds
    end_at             INTEGER,
    reason             TEXT NOT NULL,
    predefined         TEXT NOT NULL DEFAULT '[]',  -- numbers, JSON
    state              INTEGER NOT NULL,            -- 1 pending, 2 rejected, 3 accepted
    moderation_comment TEXT NOT NULL DEFAULT '',
    processed_at       TIMESTAMPTZ,
    created_at         TIMESTAMPTZ NOT NULL,
    updated_at         TIMESTAMPTZ NOT NULL,
    UNIQUE (iri, object)
);
CREATE INDEX abuses_newest ON abuses (created_at DESC, id DESC);
CREATE INDEX abuses_state ON abuses (state, id);
CREATE INDEX abuses_reporter ON abuses (reporter_id, id);
CREATE INDEX abuses_flagged ON abuses (flagged_id, id);
CREATE INDEX abuses_video ON abuses (video_id, id);

CREATE TABLE abuse_messages (
    id           BIGSERIAL PRIMARY KEY,
    abuse_id     BIGINT NOT NULL REFERENCES abuses (id) ON DELETE CASCADE,
    account_id   BIGINT REFERENCES accounts (id) ON DELETE SET NULL,
    by_moderator BOOLEAN NOT NULL,
    message      TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX abuse_messages_abuse ON abuse_messages (abuse_id, id);

-- Copies of a video on another server than its own: others' copies, and ours of
-- others' videos.
CREATE TABLE redundancies (
    id          BIGSERIAL PRIMARY KEY,
    iri         TEXT NOT NULL UNIQUE,
    video_id    BIGINT NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    actor_id    BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    local       BOOLEAN NOT NULL,               -- made by this server
    url         TEXT NOT NULL,                  -- folder of the HLS files
    strategy    TEXT NOT NULL DEFAULT '',       -- ours: manual, most-views, trending, recently-added
    state       TEXT NOT NULL DEFAULT 'ready',  -- ours: loading, ready, failed
    size        BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    expires_at  TIMESTAMPTZ,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX redundancies_video ON redundancies (video_id, id);
CREATE INDEX redundancies_actor ON redundancies (actor_id, id);
CREATE INDEX redundancies_expires ON redundancies (expires_at, id);

-- +goose Down
DROP TABLE redundancies;
DROP TABLE abuse_messages;
DROP TABLE abuses;
DROP TABLE watch_actions;
DROP TABLE video_viewers;
DROP TABLE video_views;
ALTER TABLE videos DROP COLUMN downloads;
