-- +goose Up
-- What a video of another server takes besides its text. Addresses that begin with
-- the origin of their video are kept without it: they begin with a slash.

-- Both pictures of a video in one row. The files of those of other servers are
-- named by the row: VIDEO-VERSION.jpg.
CREATE TABLE pictures (
    video_id            INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    version             INTEGER NOT NULL DEFAULT 0,
    miniature           TEXT NOT NULL DEFAULT '',      -- name below /lazy-static/thumbnails
    preview             TEXT NOT NULL DEFAULT '',      -- name below /lazy-static/previews
    miniature_url       TEXT NOT NULL DEFAULT '',      -- remote
    preview_url         TEXT NOT NULL DEFAULT '',      -- remote
    miniature_stored    BOOLEAN NOT NULL DEFAULT TRUE, -- the file is here
    preview_stored      BOOLEAN NOT NULL DEFAULT TRUE,
    miniature_automatic BOOLEAN NOT NULL DEFAULT FALSE, -- taken from the video
    preview_automatic   BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO pictures
SELECT o.id, random() & 9223372036854775807,
 COALESCE(CASE WHEN m.stored OR m.remote_url = '' THEN m.filename END, ''),
 COALESCE(CASE WHEN p.stored OR p.remote_url = '' THEN p.filename END, ''),
 COALESCE(CASE WHEN substr(m.remote_url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(m.remote_url, length(o.origin) + 1) ELSE m.remote_url END, ''),
 COALESCE(CASE WHEN substr(p.remote_url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(p.remote_url, length(o.origin) + 1) ELSE p.remote_url END, ''),
 COALESCE(m.stored, TRUE), COALESCE(p.stored, TRUE), COALESCE(m.automatic, FALSE), COALESCE(p.automatic, FALSE)
FROM (SELECT id, substr(iri, 1, 7 + NULLIF(instr(substr(iri, 9), '/'), 0)) AS origin FROM videos) o
LEFT JOIN thumbnails m ON m.video_id = o.id AND m.type = 1 LEFT JOIN thumbnails p ON p.video_id = o.id AND p.type = 2
WHERE m.id IS NOT NULL OR p.id IS NOT NULL;
DROP TABLE thumbnails;
ALTER TABLE pictures RENAME TO thumbnails;
CREATE UNIQUE INDEX thumbnails_miniature ON thumbnails (miniature) WHERE miniature <> '';
CREATE UNIQUE INDEX thumbnails_preview ON thumbnails (preview) WHERE preview <> '';
CREATE INDEX thumbnails_stored ON thumbnails (video_id) WHERE miniature_stored OR preview_stored;

-- A video has one HLS playlist, which is part of its row and has its id.
ALTER TABLE videos ADD COLUMN playlist_filename TEXT NOT NULL DEFAULT ''; -- local: the master playlist
ALTER TABLE videos ADD COLUMN playlist_url TEXT NOT NULL DEFAULT '';      -- remote: the master playlist
ALTER TABLE videos ADD COLUMN segments_filename TEXT NOT NULL DEFAULT '';
ALTER TABLE videos ADD COLUMN segments_url TEXT NOT NULL DEFAULT '';
UPDATE videos SET playlist_filename = p.filename, segments_filename = p.segments_filename,
 playlist_url = CASE WHEN substr(p.url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(p.url, length(o.origin) + 1) ELSE p.url END,
 segments_url = CASE WHEN substr(p.segments_url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(p.segments_url, length(o.origin) + 1) ELSE p.segments_url END
FROM streaming_playlists p JOIN (SELECT id, substr(iri, 1, 7 + NULLIF(instr(substr(iri, 9), '/'), 0)) AS origin FROM videos) o ON o.id = p.video_id
WHERE p.video_id = videos.id AND p.type = 1;

-- The files are written anew before the playlists go, which would take them along.
CREATE TABLE files (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id         INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    playlist_id      INTEGER,                      -- null: progressive file
    resolution       INTEGER NOT NULL,
    width            INTEGER NOT NULL DEFAULT 0,
    height           INTEGER NOT NULL DEFAULT 0,
    fps              INTEGER NOT NULL DEFAULT -1,
    size             INTEGER NOT NULL,
    extname          TEXT NOT NULL DEFAULT '.mp4',
    has_audio        BOOLEAN NOT NULL DEFAULT TRUE,
    has_video        BOOLEAN NOT NULL DEFAULT TRUE,
    filename         TEXT NOT NULL DEFAULT '',     -- local
    playlist_name    TEXT NOT NULL DEFAULT '',     -- local: the media playlist of an HLS rendition
    url              TEXT NOT NULL DEFAULT '',     -- remote
    torrent_filename TEXT NOT NULL DEFAULT '',
    torrent_url      TEXT NOT NULL DEFAULT '',
    info_hash        TEXT NOT NULL DEFAULT '',     -- hex, lower case
    magnet           TEXT NOT NULL DEFAULT '',     -- remote: as received
    metadata         TEXT NOT NULL DEFAULT '',     -- what ffprobe said, JSON
    metadata_url     TEXT NOT NULL DEFAULT ''
);
INSERT INTO files
SELECT f.id, f.video_id, CASE WHEN f.playlist_id IS NOT NULL THEN f.video_id END, f.resolution, f.width, f.height, f.fps, f.size, f.extname,
 f.has_audio, f.has_video, f.filename, f.playlist_name, CASE WHEN substr(f.url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(f.url, length(o.origin) + 1) ELSE f.url END,
 f.torrent_filename, CASE WHEN substr(f.torrent_url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(f.torrent_url, length(o.origin) + 1) ELSE f.torrent_url END,
 f.info_hash, f.magnet, f.metadata, CASE WHEN substr(f.metadata_url, 1, length(o.origin) + 1) = o.origin || '/' THEN substr(f.metadata_url, length(o.origin) + 1) ELSE f.metadata_url END
FROM video_files f JOIN (SELECT id, substr(iri, 1, 7 + NULLIF(instr(substr(iri, 9), '/'), 0)) AS origin FROM videos) o ON o.id = f.video_id;
DROP TABLE video_files;
DROP TABLE streaming_playlists;
ALTER TABLE files RENAME TO video_files;
CREATE UNIQUE INDEX video_files_filename ON video_files (filename) WHERE filename <> '';
CREATE UNIQUE INDEX video_files_torrent ON video_files (torrent_filename) WHERE torrent_filename <> '';
CREATE UNIQUE INDEX video_files_one ON video_files (video_id, playlist_id, resolution, fps);
CREATE UNIQUE INDEX video_files_web ON video_files (video_id, resolution, fps) WHERE playlist_id IS NULL;

-- The name of a tag is kept where it is not its folded form.
CREATE TABLE tags (
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    folded   TEXT NOT NULL, -- as look-ups compare it
    name     TEXT           -- as written; null: as folded
);
INSERT INTO tags SELECT video_id, position, folded, NULLIF(name, folded) FROM video_tags ORDER BY video_id, position;
DROP TABLE video_tags;
ALTER TABLE tags RENAME TO video_tags;
CREATE INDEX video_tags_video ON video_tags (video_id);
CREATE INDEX video_tags_folded ON video_tags (folded);
