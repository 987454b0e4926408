package audit

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// pictures are those of accounts and channels, which lie in the same storage.
func (a *Audit) pictures(ctx context.Context, named map[string]bool) ([]string, error) {
	var gaps []string
	for last := ""; ; {
		var rows []picture.Picture
		if err := a.DB.Read(ctx).Where("name > ?", last).Order("name").Limit(batch).Find(&rows).Error; err != nil {
			return nil, err
		}
		for i := range rows {
			p := &rows[i]
			for _, key := range p.Keys() {
				named[key] = true
				if !p.Stored {
					continue // of another server, not asked for yet
				}
				gap, err := a.object(ctx, named, "picture "+p.Name, key, -1)
				if err != nil {
					return nil, fmt.Errorf("picture %s: %w", p.Name, err)
				}
				if gap != "" {
					gaps = append(gaps, gap)
				}
			}
			last = p.Name
		}
		if len(rows) < batch {
			return gaps, nil
		}
	}
}

// playlistPictures are those that playlists have of their own.
func (a *Audit) playlistPictures(ctx context.Context, named map[string]bool) ([]string, error) {
	type row struct {
		ID              int64
		UUID, Thumbnail string
	}
	var gaps []string
	q := a.DB.Read(ctx).Table("playlists").Select("id, uuid, thumbnail").Where("thumbnail <> ''")
	err := each(q, func(r row) int64 { return r.ID }, func(r row) error {
		t := catalog.Thumbnail{Type: catalog.Miniature, Filename: r.Thumbnail}
		gap, err := a.object(ctx, named, "playlist "+r.UUID, t.Key(), -1)
		if gap != "" {
			gaps = append(gaps, gap)
		}
		return err
	})
	return gaps, err
}
