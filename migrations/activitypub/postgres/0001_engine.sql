-- +goose Up
CREATE TABLE actors (
    id              BIGSERIAL PRIMARY KEY,
    iri             TEXT NOT NULL UNIQUE,
    type            TEXT NOT NULL,              -- Person, Group, Application, Service, Organization
    username        TEXT NOT NULL,              -- preferredUsername
    host            TEXT NOT NULL DEFAULT '',   -- empty: this instance
    name            TEXT NOT NULL DEFAULT '',
    summary         TEXT NOT NULL DEFAULT '',
    inbox           TEXT NOT NULL,
    shared_inbox    TEXT NOT NULL DEFAULT '',
    outbox          TEXT NOT NULL DEFAULT '',
    followers       TEXT NOT NULL DEFAULT '',
    following       TEXT NOT NULL DEFAULT '',
    url             TEXT NOT NULL DEFAULT '',
    icon_url        TEXT NOT NULL DEFAULT '',
    attributed_to   TEXT NOT NULL DEFAULT '',   -- of a Group: the Person that owns it
    public_key_id   TEXT NOT NULL DEFAULT '',
    public_key_pem  TEXT NOT NULL DEFAULT '',
    followers_count BIGINT NOT NULL DEFAULT 0,  -- of remote actors: what their collection says
    following_count BIGINT NOT NULL DEFAULT 0,
    published_at    TIMESTAMPTZ,
    fetched_at      TIMESTAMPTZ,
    gone_at         TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX actors_local_username ON actors (lower(username)) WHERE host = '';
CREATE INDEX actors_handle ON actors (lower(username), host);
CREATE INDEX actors_host ON actors (host, id);
CREATE INDEX actors_keyid ON actors (public_key_id);

-- Private keys lie apart, so that no query of actors can bring one along.
CREATE TABLE actor_keys (
    actor_id    BIGINT PRIMARY KEY REFERENCES actors (id) ON DELETE CASCADE,
    private_pem TEXT NOT NULL
);

CREATE TABLE follows (
    id          BIGSERIAL PRIMARY KEY,
    follower_id BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    target_id   BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    state       TEXT NOT NULL,                  -- pending, accepted, rejected
    iri         TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    UNIQUE (follower_id, target_id)
);
CREATE INDEX follows_target ON follows (target_id, state, id);
CREATE INDEX follows_follower ON follows (follower_id, state, id);
CREATE INDEX follows_iri ON follows (iri);

-- Authenticated activities as received; a row is the promise behind a 204.
-- signer differs from actor for a forwarded activity, which is only a hint and
-- is fetched from its origin. proof is the hash of the HTTP signature: the same
-- request never counts twice. When an Undo or Delete has taken effect, the rows
-- it undoes leave activity_id free for the next activity of that name.
CREATE TABLE inbox (
    id          BIGSERIAL PRIMARY KEY,
    activity_id TEXT NOT NULL,
    actor       TEXT NOT NULL,
    signer      TEXT NOT NULL,
    host        TEXT NOT NULL,                   -- of actor
    type        TEXT NOT NULL,
    object      TEXT NOT NULL DEFAULT '',        -- id of the object
    proof       TEXT NOT NULL,
    raw         TEXT NOT NULL,
    state       TEXT NOT NULL DEFAULT 'waiting', -- waiting, active, done, dropped, dead
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    next_at     TIMESTAMPTZ NOT NULL,            -- active: when the lease ends
    received_at TIMESTAMPTZ NOT NULL,
    done_at     TIMESTAMPTZ,
    UNIQUE (activity_id, actor, signer),
    UNIQUE (proof)
);
CREATE INDEX inbox_due ON inbox (state, next_at, id);
CREATE INDEX inbox_actor ON inbox (actor, state);
CREATE INDEX inbox_object ON inbox (object, host);
CREATE INDEX inbox_done ON inbox (done_at);

CREATE TABLE outbox (
    id         BIGSERIAL PRIMARY KEY,
    iri        TEXT NOT NULL,
    actor_id   BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    object     TEXT NOT NULL DEFAULT '',
    raw        TEXT NOT NULL,
    listed     BOOLEAN NOT NULL DEFAULT FALSE,  -- shown in the actor's outbox collection
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX outbox_actor ON outbox (actor_id, listed, id);
CREATE INDEX outbox_object ON outbox (object, id);
CREATE INDEX outbox_iri ON outbox (iri);

-- One row an activity and inbox: the receipt.
CREATE TABLE deliveries (
    id           BIGSERIAL PRIMARY KEY,
    outbox_id    BIGINT NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    inbox        TEXT NOT NULL,
    host         TEXT NOT NULL,
    state        TEXT NOT NULL DEFAULT 'pending', -- pending, delivered, failed
    attempts     INTEGER NOT NULL DEFAULT 0,
    last_status  INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT NOT NULL DEFAULT '',
    created_at   TIMESTAMPTZ NOT NULL,
    tried_at     TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ,
    UNIQUE (outbox_id, inbox)
);
CREATE INDEX deliveries_host ON deliveries (host, state, id);
CREATE INDEX deliveries_state ON deliveries (state, id);

-- Deleted objects: a Create or Update that comes late finds its tombstone.
CREATE TABLE tombstones (
    iri        TEXT PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL
);

-- Facts that must not change in the life of an instance, its origin above all.
CREATE TABLE instance_facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- +goose Down
DROP TABLE instance_facts;
DROP TABLE tombstones;
DROP TABLE deliveries;
DROP TABLE outbox;
DROP TABLE inbox;
DROP TABLE follows;
DROP TABLE actor_keys;
DROP TABLE actors;
