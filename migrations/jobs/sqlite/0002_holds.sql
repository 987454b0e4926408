-- +goose Up
-- Kinds of jobs that do not start for a while: while files are backed up none
-- is deleted.
CREATE TABLE job_holds (
    kind  TEXT PRIMARY KEY,
    until DATETIME NOT NULL
);

-- +goose Down
DROP TABLE job_holds;
