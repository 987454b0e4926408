-- +goose Up
-- What is not listed for everybody, of which moderators see lists together with
-- what is.
CREATE INDEX videos_unlisted ON videos (published_at, id) WHERE privacy <> 1 OR state <> 1 OR listed = FALSE;

-- +goose Down
DROP INDEX videos_unlisted;
