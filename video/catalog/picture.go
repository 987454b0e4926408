package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/picture"
)

// NewThumbnail re-encodes a picture in the size of a type, stores it under a new
// name and returns its row.
func (s *Service) NewThumbnail(ctx context.Context, kind int, data []byte) (Thumbnail, error) {
	return s.newPicture(ctx, kind, uuid.NewString()+".jpg", data)
}

// NewPlaylistPicture is NewThumbnail for the own picture of a playlist, which has
// the size of a miniature.
func (s *Service) NewPlaylistPicture(ctx context.Context, data []byte) (Thumbnail, error) {
	return s.newPicture(ctx, Miniature, picture.OfPlaylist+uuid.NewString()+".jpg", data)
}

func (s *Service) newPicture(ctx context.Context, kind int, name string, data []byte) (Thumbnail, error) {
	t := Thumbnail{Type: kind, Filename: name, Stored: true}
	t.Width, t.Height = picture.Size(kind)
	out, err := picture.Reencode(data, t.Width, t.Height)
	if err != nil {
		return t, err
	}
	if s.opts.PutFile == nil {
		return t, errors.New("catalog: no storage")
	}
	if err := s.opts.PutFile(ctx, t.Key(), bytes.NewReader(out)); err != nil {
		return t, fmt.Errorf("store picture: %w", err)
	}
	return t, nil
}

// StoreRemote stores the picture of a remote video that was fetched from
// t.RemoteURL, re-encoded, and notes that it is here. When the row has another
// address by now, nothing happens.
func (s *Service) StoreRemote(ctx context.Context, t *Thumbnail, data []byte) error {
	out, err := picture.Reencode(data, t.Width, t.Height)
	if err != nil {
		return err
	}
	if s.opts.PutFile == nil {
		return errors.New("catalog: no storage")
	}
	if err := s.opts.PutFile(ctx, t.Key(), bytes.NewReader(out)); err != nil {
		return fmt.Errorf("store picture: %w", err)
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		noted, err := picture.Store(tx, t, true)
		if err != nil || noted {
			return err
		}
		return deleteFiles(tx, t.Key())
	})
}

// Forget deletes pictures whose rows were not written.
func (s *Service) Forget(ctx context.Context, pictures []Thumbnail) {
	if len(pictures) == 0 {
		return
	}
	keys := make([]string, len(pictures))
	for i := range pictures {
		keys[i] = pictures[i].Key()
	}
	err := s.db.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error { return deleteFiles(tx, keys...) })
	if err != nil {
		s.log.WarnContext(ctx, "unused pictures stay", "keys", keys, "error", err)
	}
}
