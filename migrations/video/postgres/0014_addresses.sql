-- +goose Up
-- Addresses below that of their video are kept with a tilde in its place, and what
-- nobody reads is not kept.
ALTER TABLE videos DROP COLUMN embed_url;
UPDATE videos SET
 parts_url = CASE WHEN starts_with(parts_url, iri || '/') THEN '~' || substr(parts_url, length(iri) + 1) ELSE parts_url END,
 shares_url = CASE WHEN starts_with(shares_url, iri || '/') THEN '~' || substr(shares_url, length(iri) + 1) ELSE shares_url END
WHERE parts_url <> '' OR shares_url <> '';

-- +goose Down
UPDATE videos SET
 parts_url = CASE WHEN parts_url LIKE '~/%' THEN iri || substr(parts_url, 2) ELSE parts_url END,
 shares_url = CASE WHEN shares_url LIKE '~/%' THEN iri || substr(shares_url, 2) ELSE shares_url END
WHERE parts_url <> '' OR shares_url <> '';
ALTER TABLE videos ADD COLUMN embed_url TEXT NOT NULL DEFAULT '';
