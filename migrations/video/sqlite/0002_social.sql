-- +goose Up
-- Comments, ours and others', below our videos and others'. What a reader sees
-- is neither held nor deleted; the counters count that alone.
CREATE TABLE comments (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    iri            TEXT NOT NULL UNIQUE,
    url            TEXT NOT NULL DEFAULT '',          -- its page
    video_id       INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    thread_id      INTEGER NOT NULL DEFAULT 0,         -- the root; a root names itself
    parent_id      INTEGER REFERENCES comments (id) ON DELETE CASCADE,
    actor_id       INTEGER REFERENCES actors (id),     -- null: deleted before it came here
    local          BOOLEAN NOT NULL,
    text           TEXT NOT NULL,                     -- Markdown or HTML, safe in either case
    held           BOOLEAN NOT NULL DEFAULT FALSE,    -- waits for the owner of the video
    approval       TEXT NOT NULL DEFAULT '',          -- the owner's ApproveReply
    pending        TEXT NOT NULL DEFAULT '',          -- of a held one: the activity to forward once it is approved
    replies        INTEGER NOT NULL DEFAULT 0,         -- of a root: in its thread
    author_replies INTEGER NOT NULL DEFAULT 0,         -- of a root: in its thread, by the owner of the video
    deleted_at     DATETIME,
    seen_at        DATETIME,                       -- of a remote one: when its video's collection listed it
    created_at     DATETIME NOT NULL,
    updated_at     DATETIME NOT NULL
);
CREATE INDEX comments_newest ON comments (video_id, created_at DESC, id DESC) WHERE parent_id IS NULL;
CREATE INDEX comments_answered ON comments (video_id, replies DESC, id DESC) WHERE parent_id IS NULL;
CREATE INDEX comments_video ON comments (video_id, id);
CREATE INDEX comments_thread ON comments (thread_id, created_at, id);
CREATE INDEX comments_parent ON comments (parent_id);
CREATE INDEX comments_actor ON comments (actor_id, id);
CREATE INDEX comments_all ON comments (created_at DESC, id DESC);
CREATE INDEX comments_held ON comments (created_at DESC, id DESC) WHERE held;

-- Likes and dislikes. Of remote videos only those of our users are here.
CREATE TABLE video_rates (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id   INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    actor_id   INTEGER NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,                         -- like, dislike
    iri        TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    UNIQUE (video_id, actor_id)
);
CREATE INDEX video_rates_collection ON video_rates (video_id, type, id);
CREATE INDEX video_rates_actor ON video_rates (actor_id, created_at DESC, id DESC);

-- When the collections of a remote video were read last.
CREATE TABLE video_crawls (
    video_id   INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,                         -- comments, shares
    read_at    DATETIME NOT NULL,
    PRIMARY KEY (video_id, collection)
);

-- +goose Down
DROP TABLE video_crawls;
DROP TABLE video_rates;
DROP TABLE comments;
