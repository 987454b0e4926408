-- +goose Up
-- An avatar or banner of an actor, in several sizes. The file of a size is named
-- by name, width and extension.
CREATE TABLE actor_pictures (
    actor_id   BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    kind       INTEGER NOT NULL,          -- 1 avatar, 2 banner
    name       TEXT NOT NULL UNIQUE,      -- a UUID
    extension  TEXT NOT NULL,             -- .jpg, .png
    sizes      TEXT NOT NULL,             -- 600x600 120x120, largest first
    remote_url TEXT NOT NULL,             -- where its server has it; empty: ours
    stored     BOOLEAN NOT NULL,          -- the files are here
    tried_at   TIMESTAMPTZ,                       -- when it could not be fetched
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (actor_id, kind)
);
INSERT INTO actor_pictures (actor_id, kind, name, extension, sizes, remote_url, stored, created_at, updated_at)
    SELECT id, 1, gen_random_uuid()::text, '.jpg', '600x600 120x120 48x48', icon_url, FALSE, updated_at, updated_at
    FROM actors WHERE icon_url <> '' AND gone_at IS NULL AND host <> '';
INSERT INTO actor_pictures (actor_id, kind, name, extension, sizes, remote_url, stored, created_at, updated_at)
    SELECT id, 2, gen_random_uuid()::text, '.jpg', '1920x317 600x100', banner_url, FALSE, updated_at, updated_at
    FROM actors WHERE banner_url <> '' AND gone_at IS NULL AND host <> '';

-- Lists of who follows a user's channels, and of what a user follows.
CREATE INDEX follows_target_created ON follows (target_id, created_at, id);
CREATE INDEX follows_follower_created ON follows (follower_id, created_at, id);

-- +goose Down
DROP INDEX follows_follower_created;
DROP INDEX follows_target_created;
DROP TABLE actor_pictures;
