-- +goose Up
-- Words of all that can be searched, to find what a mistyped one was meant to be.
CREATE TABLE search_words (
    word     TEXT COLLATE "C" PRIMARY KEY,
    reversed TEXT COLLATE "C" NOT NULL
);
CREATE INDEX search_words_reversed ON search_words (reversed);

-- The words of name and display name (see config/fulltext).
ALTER TABLE channels ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE channels SET words = (
    SELECT lower(regexp_replace(a.username || ' ' || a.name, '[[:punct:][:space:]]+', ' ', 'g')) FROM actors a WHERE a.id = channels.actor_id);
CREATE INDEX channels_search ON channels USING gin (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) WITH (fastupdate = off);

-- +goose Down
DROP INDEX channels_search;
ALTER TABLE channels DROP COLUMN words;
DROP TABLE search_words;
