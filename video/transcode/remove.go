package transcode

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// A video keeps at least one file: what is refused is 400, as PeerTube does.
var (
	errNoHLS   = rest.BadRequest("This video does not have HLS files")
	errNoWeb   = rest.BadRequest("This video does not have Web Video files")
	errLastHLS = rest.BadRequest("Cannot delete HLS files since this video does not have Web Video files")
	errLastWeb = rest.BadRequest("Cannot delete Web Video files since this video does not have HLS playlist")
)

// change runs do on the video's files in a transaction, has other servers told
// and the tracker look again.
func (s *Service) change(ctx context.Context, v *catalog.Video, do func(tx *db.Tx, v *catalog.Video, m *catalog.Media) error) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		m, err := catalog.LoadMedia(tx.DB, v.ID)
		if err != nil {
			return err
		}
		if err := do(tx, v, m); err != nil {
			return err
		}
		if err := s.setSwarms(tx, v); err != nil {
			return err
		}
		return s.o.Catalog.Changed(tx, v)
	})
	if err == nil && s.o.AllowList != nil {
		s.o.AllowList.Forget()
	}
	return err
}

// RemoveHLS removes the HLS playlist of a local video with all its files.
func (s *Service) RemoveHLS(ctx context.Context, v *catalog.Video) error {
	return s.change(ctx, v, func(tx *db.Tx, v *catalog.Video, m *catalog.Media) error {
		switch {
		case m.Playlist == nil:
			return errNoHLS
		case len(m.Files) == 0:
			return errLastHLS
		}
		return s.o.Catalog.DropFiles(tx, v, m.Playlist, m.HLS...)
	})
}

// RemoveWeb removes the progressive files of a local video; of them only the one
// with an id that is not 0.
func (s *Service) RemoveWeb(ctx context.Context, v *catalog.Video, fileID int64) error {
	return s.change(ctx, v, func(tx *db.Tx, v *catalog.Video, m *catalog.Media) error {
		gone := m.Files
		if fileID != 0 {
			gone = slices.DeleteFunc(slices.Clone(m.Files), func(f catalog.File) bool { return f.ID != fileID })
		}
		switch {
		case fileID != 0 && len(gone) == 0:
			return rest.NotFound("This video does not have this Web Video file id")
		case len(gone) == 0:
			return errNoWeb
		case len(gone) == len(m.Files) && m.Playlist == nil:
			return errLastWeb
		}
		return s.o.Catalog.DropFiles(tx, v, nil, gone...)
	})
}

// RemoveHLSFile removes one rendition of HLS: the playlists are written anew
// without it, as in [Service.publishHLS].
func (s *Service) RemoveHLSFile(ctx context.Context, v *catalog.Video, fileID int64) error {
	for range rounds {
		media, err := s.o.Catalog.Media(ctx, v.ID)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(media.HLS, func(f catalog.File) bool { return f.ID == fileID })
		switch {
		case media.Playlist == nil:
			return errNoHLS
		case at < 0:
			return rest.NotFound("This HLS playlist does not have this file id")
		case len(media.HLS) == 1:
			return s.RemoveHLS(ctx, v)
		}
		err = s.withoutHLSFile(ctx, v, media, at)
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return errChanged
}

func (s *Service) withoutHLSFile(ctx context.Context, v *catalog.Video, media *catalog.Media, at int) error {
	put := &stored{s: s, video: v}
	p := &catalog.StreamingPlaylist{
		Filename: uuid.NewString() + "-master.m3u8", SegmentsFilename: uuid.NewString() + "-segments-sha256.json",
	}
	gone, rest := media.HLS[at], slices.Delete(slices.Clone(media.HLS), at, at+1)
	err := s.putLists(ctx, put, v, media, rest, p)
	if err == nil {
		err = s.change(ctx, v, func(tx *db.Tx, v *catalog.Video, now *catalog.Media) error {
			if !slices.Equal(names(now), names(media)) {
				return errChanged
			}
			if err := s.o.Catalog.SetPlaylist(tx, v, p); err != nil {
				return err
			}
			return s.o.Catalog.DropFiles(tx, v, nil, gone)
		})
	}
	if err != nil {
		put.undo(ctx)
	}
	return err
}
