package view

import (
	"context"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
)

// daysTold are the days before today whose views owners of channels are told.
const daysTold = 30

// ChannelStats counts the views of channels, in two queries whatever their
// number.
func (s *Service) ChannelStats(ctx context.Context, ids []int64) (map[int64]channel.Stats, error) {
	today := db.Now().Truncate(24 * time.Hour)
	first := today.AddDate(0, 0, -daysTold)
	var totals []struct{ ID, Views int64 }
	err := s.db.Read(ctx).Raw("SELECT channel_id AS id, SUM(views) AS views FROM videos WHERE channel_id IN ? GROUP BY channel_id", ids).Scan(&totals).Error
	if err != nil {
		return nil, fmt.Errorf("views of channels: %w", err)
	}
	var hours []struct {
		ID, Views int64
		Hour      time.Time
	}
	err = s.db.Read(ctx).Raw(`SELECT v.channel_id AS id, w.hour, SUM(w.views) AS views FROM videos v JOIN video_views w ON w.video_id = v.id
 WHERE v.channel_id IN ? AND w.hour >= ? GROUP BY v.channel_id, w.hour`, ids, first).Scan(&hours).Error
	if err != nil {
		return nil, fmt.Errorf("views of channels by hour: %w", err)
	}
	out := make(map[int64]channel.Stats, len(ids))
	for _, id := range ids {
		st := channel.Stats{PerDay: make([]channel.DayViews, daysTold+1)}
		for i := range st.PerDay {
			st.PerDay[i].Date = channel.Time(first.AddDate(0, 0, i))
		}
		out[id] = st
	}
	for _, h := range hours {
		if i := int(h.Hour.UTC().Sub(first) / (24 * time.Hour)); i >= 0 && i <= daysTold {
			out[h.ID].PerDay[i].Views += h.Views
		}
	}
	for _, t := range totals {
		st := out[t.ID]
		st.Total = t.Views
		out[t.ID] = st
	}
	return out, nil
}
