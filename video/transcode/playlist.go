package transcode

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/hls"
	"github.com/kinemesh/kinemesh/video/storage"
)

const (
	// maxList bounds a playlist or a list of hashes that is read back.
	maxList = 32 << 20
	// rounds is how often the playlists are written anew because another
	// rendition came first; there are never so many at once.
	rounds = 20
)

// errChanged: the HLS files are not those that the playlists were written for.
var errChanged = errors.New("another rendition was quicker")

// publishHLS writes the master playlist and the segment hashes of all HLS files
// with the new one, and then the rows. The objects are written outside the
// transaction, which therefore looks whether the files are still the same.
func (s *Service) publishHLS(ctx context.Context, put *stored, w *work, m *made) error {
	for range rounds {
		media, err := s.o.Catalog.Media(ctx, w.video.ID)
		if err != nil {
			return err
		}
		round := &stored{s: s, video: w.video}
		p := &catalog.StreamingPlaylist{
			Filename: uuid.NewString() + "-master.m3u8", SegmentsFilename: uuid.NewString() + "-segments-sha256.json",
		}
		if err := s.writeLists(ctx, round, w.video, media, m, p); err != nil {
			round.undo(ctx)
			return err
		}
		err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
			if _, err := catalog.Lock(tx, w.video.ID); err != nil {
				return err
			}
			now, err := catalog.LoadMedia(tx.DB, w.video.ID)
			if err != nil {
				return err
			}
			if !slices.Equal(names(now), names(media)) {
				return errChanged
			}
			if err := s.o.Catalog.SetPlaylist(tx, w.video, p); err != nil {
				return err
			}
			m.file.PlaylistID = &p.ID
			return s.finish(ctx, tx, w, m)
		})
		if err == nil {
			put.keys = append(put.keys, round.keys...)
			return nil
		}
		round.undo(ctx)
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return fmt.Errorf("write playlists: %w", errChanged)
}

// names identify what the playlists list.
func names(m *catalog.Media) []string {
	var out []string
	if m.Playlist != nil {
		out = append(out, m.Playlist.Filename)
	}
	for _, f := range m.HLS {
		out = append(out, f.Filename)
	}
	return out
}

// writeLists stores the playlists for the files that will be there.
func (s *Service) writeLists(ctx context.Context, put *stored, v *catalog.Video, media *catalog.Media, m *made, p *catalog.StreamingPlaylist) error {
	files := []catalog.File{m.file}
	for _, f := range media.HLS {
		if f.Resolution != m.file.Resolution || f.FPS != m.file.FPS { // else it is replaced
			files = append(files, f)
		}
	}
	return s.putLists(ctx, put, v, media, files, p, m.segments)
}

// putLists stores playlists of files. fresh are segment hashes that media does
// not know.
func (s *Service) putLists(ctx context.Context, put *stored, v *catalog.Video, media *catalog.Media, files []catalog.File,
	p *catalog.StreamingPlaylist, fresh ...hls.File,
) error {
	slices.SortStableFunc(files, func(a, b catalog.File) int { return a.Resolution - b.Resolution })
	renditions, err := renditionsOf(files)
	if err != nil {
		return err
	}
	master, err := hls.Master(renditions)
	if err != nil {
		return err
	}
	sums, err := s.segments(ctx, v, media, files, fresh)
	if err != nil {
		return err
	}
	if err := put.bytes(ctx, catalog.HLSKey(v.UUID, p.Filename), master); err != nil {
		return err
	}
	return put.bytes(ctx, catalog.HLSKey(v.UUID, p.SegmentsFilename), hls.MarshalSegments(sums))
}

func renditionsOf(files []catalog.File) ([]hls.Rendition, error) {
	out := make([]hls.Rendition, len(files))
	for i := range files {
		var err error
		if out[i], err = rendition(&files[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// segments are the hashes of all files: the fresh ones, and those of the others
// as they were written before or, should that be lost, computed again.
func (s *Service) segments(ctx context.Context, v *catalog.Video, media *catalog.Media, files []catalog.File, fresh []hls.File) ([]hls.File, error) {
	known := map[string]hls.File{}
	for _, f := range fresh {
		known[f.Name] = f
	}
	if media.Playlist != nil && len(files) > len(fresh) {
		data, err := s.read(ctx, catalog.HLSKey(v.UUID, media.Playlist.SegmentsFilename))
		if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrKey) {
			return nil, err
		}
		old, _ := hls.ParseSegments(data) // what cannot be read is computed below
		for _, f := range old {
			known[f.Name] = f
		}
	}
	out := make([]hls.File, 0, len(files))
	for i := range files {
		f, ok := known[files[i].Filename]
		if !ok {
			var err error
			if f, err = s.hashStored(ctx, v, &files[i]); err != nil {
				return nil, err
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// hashStored computes the segment hashes of a file in storage.
func (s *Service) hashStored(ctx context.Context, v *catalog.Video, f *catalog.File) (hls.File, error) {
	data, err := s.read(ctx, catalog.HLSKey(v.UUID, f.PlaylistName))
	if err != nil {
		return hls.File{}, err
	}
	list, err := hls.ParseMedia(data)
	if err != nil {
		return hls.File{}, err
	}
	r, err := s.o.Store.Open(ctx, catalog.FileKey(v, f))
	if err != nil {
		return hls.File{}, err
	}
	defer r.Close()
	return hls.HashSegments(list, r)
}

func (s *Service) read(ctx context.Context, key string) ([]byte, error) {
	r, err := s.o.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxList))
}

// setSwarms admits the swarms of all generations of players: the form of stock
// players depends on the text of the master playlist, which the catalog does not
// know.
func (s *Service) setSwarms(tx *db.Tx, v *catalog.Video) error {
	m, err := catalog.LoadMedia(tx.DB, v.ID)
	if err != nil || m.Playlist == nil {
		return err
	}
	renditions, err := renditionsOf(m.HLS)
	if err != nil {
		return err
	}
	var swarms []string
	for _, h := range hls.SwarmHashes(s.o.Catalog.URLs().Master(v, m.Playlist), v.UUID, renditions) {
		swarms = append(swarms, hex.EncodeToString(h[:]))
	}
	return s.o.Catalog.SetSwarms(tx, v, swarms...)
}
