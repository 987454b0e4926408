-- +goose Up
-- Pictures of other servers that are here, of which the oldest are deleted again.
CREATE INDEX actor_pictures_fetched ON actor_pictures (tried_at) WHERE stored AND remote_url <> '';

-- +goose Down
DROP INDEX actor_pictures_fetched;
