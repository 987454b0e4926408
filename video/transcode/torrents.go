package transcode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/torrent"
)

// torrents makes all torrents of a video anew after its name or its addresses
// have changed. The pieces are read from the old ones, so no file is hashed
// again unless its torrent is lost.
func (s *Service) torrents(ctx context.Context, a catalog.TorrentArgs) error {
	v, err := s.o.Catalog.ByID(ctx, a.VideoID)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && !v.Local {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	put := &stored{s: s, video: v}
	files := slices.Concat(m.Files, m.HLS)
	if err := s.remake(ctx, put, v, files); err != nil {
		put.undo(ctx)
		return err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		for i := range files {
			if err := s.o.Catalog.SetTorrent(tx, v, files[i].ID, files[i].TorrentFilename, files[i].InfoHash); err != nil {
				return err
			}
		}
		if err := s.setSwarms(tx, v); err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
	if err != nil {
		put.undo(ctx)
		if errors.Is(err, catalog.ErrNotFound) { // a file was replaced meanwhile: its torrent is new
			return fmt.Errorf("torrents of %s: files have changed: %w", v.UUID, err)
		}
		return err
	}
	if s.o.AllowList != nil {
		s.o.AllowList.Forget()
	}
	return nil
}

// remake stores the new torrents and notes name and hash in files.
func (s *Service) remake(ctx context.Context, put *stored, v *catalog.Video, files []catalog.File) error {
	for i := range files {
		f := &files[i]
		p, err := s.pieces(ctx, v, f)
		if err != nil {
			return err
		}
		kind := ""
		if f.PlaylistID != nil {
			kind = "-hls"
		}
		f.TorrentFilename = fmt.Sprintf("%s-%d%s.torrent", uuid.NewString(), f.Resolution, kind)
		var data []byte
		data, f.InfoHash, err = s.metainfo(v, f, p).Marshal()
		if err != nil {
			return err
		}
		if err := put.bytes(ctx, catalog.TorrentKey(f.TorrentFilename), data); err != nil {
			return err
		}
	}
	return nil
}

// pieces are the hashes of a file, from its torrent when that is there.
func (s *Service) pieces(ctx context.Context, v *catalog.Video, f *catalog.File) (torrent.Pieces, error) {
	if f.TorrentFilename != "" {
		data, err := s.read(ctx, catalog.TorrentKey(f.TorrentFilename))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return torrent.Pieces{}, err
		}
		if p, err := torrent.ReadPieces(bytes.NewReader(data)); err == nil && p.Length == f.Size {
			return p, nil
		}
	}
	r, err := s.o.Store.Open(ctx, catalog.FileKey(v, f))
	if err != nil {
		return torrent.Pieces{}, err
	}
	defer r.Close()
	h := torrent.NewHasher(f.Size)
	_, err = io.CopyBuffer(h, onlyReader{r}, make([]byte, 256<<10))
	return h.Finish(), err
}
