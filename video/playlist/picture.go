package playlist

import (
	"context"
	"errors"
	"fmt"
	"mime/multipart"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

const pictureField = "thumbnailfile"

// picturePath is where a picture is served.
func picturePath(name string) string { return "/lazy-static/thumbnails/" + name }

// PicturePath is where the own picture of a playlist is served; empty without one.
func (p *Playlist) PicturePath() string {
	if p.Thumbnail == "" {
		return ""
	}
	return picturePath(p.Thumbnail)
}

// keep stores the picture that came with a form (SEC-41). There may be none.
func (s *Service) keep(ctx context.Context, files []*multipart.FileHeader) ([]catalog.Thumbnail, error) {
	if len(files) == 0 {
		return nil, nil
	}
	data, err := picture.ReadPart(files[0])
	if err == nil {
		var t catalog.Thumbnail
		if t, err = s.catalog.NewPlaylistPicture(ctx, data); err == nil {
			return []catalog.Thumbnail{t}, nil
		}
	}
	if errors.Is(err, picture.ErrRefused) {
		return nil, rest.Invalid("body", pictureField, "Should be a JPEG, PNG or WebP picture of at most 8 MB", nil)
	}
	return nil, err
}

// forgetPicture has the file of a playlist's own picture deleted.
func forgetPicture(tx *db.Tx, p *Playlist) error {
	if p.Thumbnail == "" {
		return nil
	}
	t := catalog.Thumbnail{Type: catalog.Miniature, Filename: p.Thumbnail}
	return jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: []string{t.Key()}})
}

// Picture gives the storage key of a playlist's own picture and tells whether it is
// for everybody: that of a private playlist is for its owner and for moderators.
// db.ErrNotFound when who asks gets none.
func (s *Service) Picture(ctx context.Context, who *rest.Principal, name string) (key string, open bool, err error) {
	p, err := get(s.db.Read(ctx), "thumbnail = ? AND thumbnail <> ''", name)
	if errors.Is(err, ErrNotFound) {
		return "", false, fmt.Errorf("picture %q: %w", name, db.ErrNotFound)
	}
	if err != nil {
		return "", false, err
	}
	open = p.Privacy != catalog.Private
	if !open && (who == nil || who.AccountID != p.AccountID && !who.IsModerator()) {
		return "", false, fmt.Errorf("picture %q: %w", name, db.ErrNotFound)
	}
	t := catalog.Thumbnail{Type: catalog.Miniature, Filename: p.Thumbnail}
	return t.Key(), open, nil
}
