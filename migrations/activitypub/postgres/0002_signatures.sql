-- +goose Up
-- Every actor of ours has an Ed25519 key beside the RSA one: the private half
-- with the other, the public half where the actor's document is made from.
ALTER TABLE actor_keys ADD COLUMN ed25519_pem TEXT NOT NULL DEFAULT '';
ALTER TABLE actors ADD COLUMN ed25519_key TEXT NOT NULL DEFAULT ''; -- multibase, of our own actors alone

-- Keys that remote actors list beside publicKey (FEP-521a).
CREATE TABLE actor_multikeys (
    iri            TEXT PRIMARY KEY, -- the verification method
    actor_id       BIGINT NOT NULL REFERENCES actors (id) ON DELETE CASCADE,
    public_key_pem TEXT NOT NULL
);
CREATE INDEX actor_multikeys_actor ON actor_multikeys (actor_id);

-- The kind of HTTP signature that a host has taken.
CREATE TABLE host_schemes (
    host       TEXT PRIMARY KEY,
    scheme     TEXT NOT NULL, -- draft-cavage, rfc9421
    updated_at TIMESTAMPTZ NOT NULL
);

-- +goose Down
DROP TABLE host_schemes;
DROP TABLE actor_multikeys;
ALTER TABLE actors DROP COLUMN ed25519_key;
ALTER TABLE actor_keys DROP COLUMN ed25519_pem;
