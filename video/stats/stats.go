// Package stats tells owners how their videos are watched: for how long, by how
// many, up to where and by what programs. It reads what video/view has written
// down of viewers, here and on other servers, and writes nothing.
//
// Specifications: reference REST section 12 (Video Stats). Imports no sibling
// but catalog.
package stats

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

const (
	// batch is how many viewers are read at a time.
	batch = 2000
	// maxSeconds bounds the points of a retention curve; a longer video's points
	// lie further apart.
	maxSeconds = 24 * 60 * 60
	// maxShares bounds what is listed by name.
	maxShares = 250
)

// Service answers for statistics. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
	now     func() time.Time
}

// New returns a Service. now is nil for the time of the machine.
func New(d *db.DB, c *catalog.Service, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{db: d, catalog: c, now: now}
}

// Range is a time that statistics are asked of; zero ends are open.
type Range struct{ From, To time.Time }

// watched is a row of watch_actions: one viewer.
type watched struct {
	ID        int64
	WatchTime int64
	Sections  string
	StartedAt time.Time
	EndedAt   time.Time
}

// where limits a query to viewers of a video in a range.
func (r Range) where() (cond string, args []any) {
	if !r.From.IsZero() {
		cond, args = cond+" AND started_at >= ?", append(args, r.From.UTC())
	}
	if !r.To.IsZero() {
		cond, args = cond+" AND started_at <= ?", append(args, r.To.UTC())
	}
	return cond, args
}

// each calls fn for all viewers of a video in a range, by the time they began.
func (s *Service) each(ctx context.Context, videoID int64, r Range, columns string, fn func(*watched) error) error {
	cond, args := r.where()
	var last watched
	for {
		q := s.db.Read(ctx).Table("watch_actions").Select("id, started_at, "+columns).Where("video_id = ?"+cond, append([]any{videoID}, args...)...)
		if last.ID != 0 {
			q = q.Where("(started_at, id) > (?, ?)", last.StartedAt, last.ID)
		}
		var rows []watched
		if err := q.Order("started_at, id").Limit(batch).Find(&rows).Error; err != nil {
			return fmt.Errorf("read viewers: %w", err)
		}
		for i := range rows {
			if err := fn(&rows[i]); err != nil {
				return err
			}
		}
		if len(rows) < batch {
			return nil
		}
		last = rows[len(rows)-1]
	}
}

// Overall is a video's audience in a range.
type Overall struct {
	WatchTime, Viewers int64
	Average            float64 // seconds a viewer
	Peak               int64   // viewers at the same time
	PeakAt             *time.Time
	Countries, Regions []Share
}

// Share is how many viewers have a name in common.
type Share struct {
	Name    string
	Viewers int64
}

// Overall sums a video's viewers up.
func (s *Service) Overall(ctx context.Context, v *catalog.Video, r Range) (o Overall, err error) {
	var ends endings
	err = s.each(ctx, v.ID, r, "watch_time, ended_at", func(w *watched) error {
		o.WatchTime, o.Viewers = o.WatchTime+w.WatchTime, o.Viewers+1
		if n := ends.join(w.StartedAt, w.EndedAt); n > o.Peak {
			at := w.StartedAt.UTC()
			o.Peak, o.PeakAt = n, &at
		}
		return nil
	})
	if err != nil {
		return o, err
	}
	if o.Viewers > 0 {
		o.Average = math.Round(float64(o.WatchTime)/float64(o.Viewers)*100) / 100
	}
	if o.Countries, err = s.shares(ctx, v.ID, r, "country"); err != nil {
		return o, err
	}
	o.Regions, err = s.shares(ctx, v.ID, r, "region")
	return o, err
}

// endings are when the viewers leave who are there, the soonest first.
type endings []time.Time

// join lets one in, those out who have left by then, and counts who is there.
func (e *endings) join(from, to time.Time) int64 {
	left, _ := slices.BinarySearchFunc(*e, from, time.Time.Compare)
	*e = (*e)[left:]
	at, _ := slices.BinarySearchFunc(*e, to, time.Time.Compare)
	*e = slices.Insert(*e, at, to)
	return int64(len(*e))
}

// shares counts viewers by a column, the largest first; those of whom nothing is
// known are left out.
func (s *Service) shares(ctx context.Context, videoID int64, r Range, column string) ([]Share, error) {
	cond, args := r.where()
	out := []Share{}
	err := s.db.Read(ctx).Raw("SELECT "+column+" AS name, COUNT(*) AS viewers FROM watch_actions WHERE video_id = ?"+cond+
		" AND "+column+" <> '' GROUP BY "+column+" ORDER BY viewers DESC, name LIMIT ?",
		append(append([]any{videoID}, args...), maxShares)...).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("count viewers by %s: %w", column, err)
	}
	return out, nil
}

// Agents are the programs, devices and systems of a video's viewers.
type Agents struct{ Clients, Devices, Systems []Share }

// Agents counts by what a video is watched.
func (s *Service) Agents(ctx context.Context, v *catalog.Video, r Range) (a Agents, err error) {
	for column, into := range map[string]*[]Share{"client": &a.Clients, "device": &a.Devices, "system": &a.Systems} {
		if *into, err = s.shares(ctx, v.ID, r, column); err != nil {
			return a, err
		}
	}
	return a, nil
}

// Retention is how many viewers, in percent, have seen each second of a video,
// the first and the last among them.
func (s *Service) Retention(ctx context.Context, v *catalog.Video) ([]float64, error) {
	seconds := min(v.Duration, maxSeconds) + 1
	begin := make([]int64, seconds+1) // how many more see a second than the one before
	var viewers int64
	err := s.each(ctx, v.ID, Range{}, "sections", func(w *watched) error {
		var pairs [][2]float64
		if err := json.Unmarshal([]byte(w.Sections), &pairs); err != nil {
			return fmt.Errorf("sections of viewer %d: %w", w.ID, err)
		}
		viewers++
		for _, p := range merged(pairs) {
			from, to := max(0, int(p[0])), min(seconds-1, int(math.Ceil(p[1])))
			if from <= to {
				begin[from]++
				begin[to+1]--
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]float64, seconds)
	var now int64
	for i := range out {
		now += begin[i]
		if viewers > 0 {
			out[i] = math.Round(float64(now)/float64(viewers)*10000) / 100
		}
	}
	return out, nil
}

// merged joins sections that overlap, since nobody watches a second twice here.
func merged(pairs [][2]float64) [][2]float64 {
	slices.SortFunc(pairs, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
	var out [][2]float64
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], p[1])
			continue
		}
		out = append(out, p)
	}
	return out
}
