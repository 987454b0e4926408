package audit

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/picture"
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
