package channel

import "context"

// Stats are the views of a channel: each of the last 30 days and today, oldest
// first, and all together.
type Stats struct {
	PerDay []DayViews
	Total  int64
}

// DayViews are the views of one day.
type DayViews struct {
	Date  Time  `json:"date"`
	Views int64 `json:"views"`
}

// addStats adds views to the answers for channels.
func (s *Service) addStats(ctx context.Context, out []ChannelJSON) error {
	if s.Stats == nil || len(out) == 0 {
		return nil
	}
	ids := make([]int64, len(out))
	for i := range out {
		ids[i] = out[i].ID
	}
	stats, err := s.Stats(ctx, ids)
	if err != nil {
		return err
	}
	for i := range out {
		st := stats[out[i].ID]
		out[i].ViewsPerDay, out[i].TotalViews = st.PerDay, &st.Total
	}
	return nil
}
