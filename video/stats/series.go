package stats

import (
	"context"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/video/catalog"
)

// Metrics that a video has over time.
const (
	Viewers   = "viewers"
	WatchTime = "aggregateWatchTime"
)

// interval is how far the points of a series lie apart.
type interval struct {
	label string
	step  time.Duration
	month bool
}

// intervalFor picks what makes a series of some hundred points at most.
func intervalFor(d time.Duration) interval {
	const day = 24 * time.Hour
	switch {
	case d > 365*day:
		return interval{"1 month", 0, true}
	case d > 14*day:
		return interval{"1 day", day, false}
	case d > day:
		return interval{"1 hour", time.Hour, false}
	case d > 6*time.Hour:
		return interval{"10 minutes", 10 * time.Minute, false}
	}
	return interval{"1 minute", time.Minute, false}
}

func (i interval) begin(t time.Time) time.Time {
	t = t.UTC()
	if i.month {
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return t.Truncate(i.step)
}

func (i interval) next(t time.Time) time.Time {
	if i.month {
		return t.AddDate(0, 1, 0)
	}
	return t.Add(i.step)
}

// Point is the value of a series from a time on.
type Point struct {
	At    time.Time
	Value int64
}

// Series is a metric of a video over a range, which by default goes from its
// publication until now. A viewer counts in each interval in which it watched,
// its watch time where it began.
func (s *Service) Series(ctx context.Context, v *catalog.Video, metric string, r Range) (label string, points []Point, err error) {
	if r.From.IsZero() {
		r.From = v.CreatedAt
	}
	if r.To.IsZero() {
		r.To = s.now()
	}
	if r.To.Before(r.From) {
		r.To = r.From
	}
	every := intervalFor(r.To.Sub(r.From))
	at := map[time.Time]int{}
	for t := every.begin(r.From); !t.After(r.To); t = every.next(t) {
		at[t] = len(points)
		points = append(points, Point{At: t})
	}
	err = s.each(ctx, v.ID, r, "watch_time, ended_at", func(w *watched) error {
		first := every.begin(w.StartedAt)
		if metric == WatchTime {
			if i, ok := at[first]; ok {
				points[i].Value += w.WatchTime
			}
			return nil
		}
		for t := first; !t.After(w.EndedAt); t = every.next(t) {
			i, ok := at[t]
			if !ok {
				break
			}
			points[i].Value++
		}
		return nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("%s of video %d: %w", metric, v.ID, err)
	}
	return every.label, points, nil
}
