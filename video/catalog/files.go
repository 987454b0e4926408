package catalog

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/hls"
)

// deleteFiles inserts the job that deletes stored objects which no row names
// any more. Empty keys are left out.
func deleteFiles(tx *db.Tx, keys ...string) error {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" })
	if len(keys) == 0 {
		return nil
	}
	return jobs.Insert(tx, DeleteFilesArgs{Keys: keys})
}

// AddFile writes the row of a file whose bytes are stored. A file of the same
// playlist, resolution and frame rate is replaced, keeps its id, and its old
// objects are deleted by a job. f.ID is set.
func (s *Service) AddFile(tx *db.Tx, v *Video, f *File) error {
	f.VideoID = v.ID
	old, err := sameFile(tx, f)
	if err != nil {
		return err
	}
	if old == nil {
		f.ID = 0
		if err := tx.Create(f).Error; err != nil {
			return fmt.Errorf("add file: %w", err)
		}
		return s.filesChanged(tx, v)
	}
	f.ID = old.ID
	if err := tx.Model(f).Where("id = ?", f.ID).Select("*").UpdateColumns(f).Error; err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	if v.Local {
		if err := deleteFiles(tx, dropped(fileKeys(v, old), fileKeys(v, f))...); err != nil {
			return err
		}
	}
	return s.filesChanged(tx, v)
}

// filesChanged brings up to date what follows from the files of v.
func (s *Service) filesChanged(tx *db.Tx, v *Video) error {
	err := tx.Exec(`UPDATE videos SET files_size = (SELECT COALESCE(SUM(f.size), 0) FROM video_files f WHERE f.video_id = videos.id)
 WHERE id = ? AND local = TRUE`, v.ID).Error
	if err != nil {
		return fmt.Errorf("sum up files: %w", err)
	}
	return s.RefreshInfohashes(tx, v)
}

func sameFile(tx *db.Tx, f *File) (*File, error) {
	var rows []File
	q := tx.Where("video_id = ? AND resolution = ? AND fps = ?", f.VideoID, f.Resolution, f.FPS)
	if f.PlaylistID == nil {
		q = q.Where("playlist_id IS NULL")
	} else {
		q = q.Where("playlist_id = ?", *f.PlaylistID)
	}
	if err := q.Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load file: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// fileKeys are the objects in storage that a file's row names.
func fileKeys(v *Video, f *File) []string {
	var keys []string
	if f.Filename != "" {
		keys = append(keys, FileKey(v, f))
	}
	if f.PlaylistName != "" {
		keys = append(keys, HLSKey(v.UUID, f.PlaylistName))
	}
	if f.TorrentFilename != "" {
		keys = append(keys, TorrentKey(f.TorrentFilename))
	}
	return keys
}

func playlistKeys(v *Video, p *StreamingPlaylist) []string {
	var keys []string
	for _, n := range []string{p.Filename, p.SegmentsFilename} {
		if n != "" {
			keys = append(keys, HLSKey(v.UUID, n))
		}
	}
	return keys
}

// dropped are the keys of before that are not in after.
func dropped(before, after []string) []string {
	return slices.DeleteFunc(before, func(k string) bool { return slices.Contains(after, k) })
}

// typeHLS is what PeerTube calls HLS among the types of playlists.
const typeHLS = 1

// LoadPlaylists loads the playlists of videos; one that has none [StreamingPlaylist.Exists]
// not.
func LoadPlaylists(g *gorm.DB, videoIDs ...int64) ([]StreamingPlaylist, error) {
	var rows []StreamingPlaylist
	err := g.Select("id, iri, playlist_filename, playlist_url, segments_filename, segments_url").Where("id IN ?", videoIDs).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load playlists: %w", err)
	}
	for i := range rows {
		p := &rows[i]
		p.URL, p.SegmentsURL = iri.Full(p.IRI, p.URL), iri.Full(p.IRI, p.SegmentsURL)
	}
	return rows, nil
}

// SetPlaylist writes the HLS playlist of a video; the objects of an earlier one
// that it does not name any more are deleted by a job. p.ID is set.
func (s *Service) SetPlaylist(tx *db.Tx, v *Video, p *StreamingPlaylist) error {
	old, err := LoadPlaylists(tx.DB, v.ID)
	if err != nil {
		return err
	}
	p.ID = v.ID
	row := *p
	row.URL, row.SegmentsURL = iri.Short(v.IRI, p.URL), iri.Short(v.IRI, p.SegmentsURL)
	if err := savePlaylist(tx, &row); err != nil || len(old) == 0 || !v.Local {
		return err
	}
	return deleteFiles(tx, dropped(playlistKeys(v, &old[0]), playlistKeys(v, p))...)
}

func dropPlaylist(tx *db.Tx, v *Video) error { return savePlaylist(tx, &StreamingPlaylist{ID: v.ID}) }

func savePlaylist(tx *db.Tx, p *StreamingPlaylist) error {
	if err := tx.Model(p).Where("id = ?", p.ID).Select("*").UpdateColumns(p).Error; err != nil {
		return fmt.Errorf("save playlist: %w", err)
	}
	return nil
}

// SetTorrent notes the torrent of a local file; the object of an earlier one is
// deleted by a job.
func (s *Service) SetTorrent(tx *db.Tx, v *Video, fileID int64, filename, infoHash string) error {
	var rows []File
	if err := tx.Where("id = ? AND video_id = ?", fileID, v.ID).Limit(1).Find(&rows).Error; err != nil {
		return fmt.Errorf("load file: %w", err)
	}
	if len(rows) == 0 {
		return ErrNotFound
	}
	err := tx.Model(&File{}).Where("id = ?", fileID).UpdateColumns(map[string]any{
		"torrent_filename": filename, "info_hash": infoHash,
	}).Error
	if err != nil {
		return fmt.Errorf("set torrent: %w", err)
	}
	if old := rows[0].TorrentFilename; old != "" && old != filename {
		if err := deleteFiles(tx, TorrentKey(old)); err != nil {
			return err
		}
	}
	if err := s.RefreshInfohashes(tx, v); err != nil || v.State != Published {
		return err
	}
	return s.Changed(tx, v) // its links stand in the document
}

// RefreshInfohashes writes what the tracker admits for v: the torrents of its
// files and the peer-to-peer swarms of its HLS playlist in the forms that follow
// from its rows. Hashes that a former state of v had are dropped, but for those
// of [Service.SetSwarms].
func (s *Service) RefreshInfohashes(tx *db.Tx, v *Video) error {
	m, err := LoadMedia(tx.DB, v.ID)
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for _, f := range slices.Concat(m.Files, m.HLS) {
		if f.InfoHash != "" {
			want[f.InfoHash] = true
		}
	}
	if m.Playlist != nil {
		renditions := make([]hls.Rendition, len(m.HLS))
		for i, f := range m.HLS {
			renditions[i] = hls.Rendition{Resolution: f.Resolution, FPS: float64(f.FPS)}
		}
		for _, h := range hls.SwarmHashes(s.urls.Master(v, m.Playlist), v.UUID, renditions) {
			want[hex.EncodeToString(h[:])] = true
		}
	}
	return saveInfohashes(tx, v.ID, slices.Collect(maps.Keys(want)), false)
}

// SetSwarms writes swarms that the tracker admits for v besides those that
// follow from its rows: of a remote document, or of an encoder that knows the
// playlist's text. They replace the ones given before. A hash is 40 hex digits.
func (s *Service) SetSwarms(tx *db.Tx, v *Video, hashes ...string) error {
	return saveInfohashes(tx, v.ID, hashes, true)
}

func saveInfohashes(tx *db.Tx, videoID int64, hashes []string, given bool) error {
	if err := tx.Where("video_id = ? AND given = ?", videoID, given).Delete(&Infohash{}).Error; err != nil {
		return fmt.Errorf("replace infohashes: %w", err)
	}
	for _, h := range hashes {
		row := Infohash{Hash: h, VideoID: videoID, Given: given}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("save infohash: %w", err)
		}
	}
	return nil
}

// KnownInfohash tells whether the tracker may admit a swarm: 20 bytes as 40 hex
// digits, lower case. The swarms of videos that not everybody may watch do not
// exist for it (SEC-68).
func (s *Service) KnownInfohash(ctx context.Context, hash string) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Raw(`SELECT count(*) FROM infohashes i JOIN videos v ON v.id = i.video_id
 WHERE i.hash = ? AND v.privacy IN (?, ?) AND NOT v.blocked`, hash, Public, Unlisted).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("look up infohash: %w", err)
	}
	return n > 0, nil
}
