package view

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// hourRow is a row of video_views.
type hourRow struct {
	VideoID int64     `gorm:"primaryKey"`
	Hour    time.Time `gorm:"primaryKey"`
	Views   int64
	Told    int64
}

func (hourRow) TableName() string { return "video_views" }

// viewerRow is a row of video_viewers.
type viewerRow struct {
	VideoID   int64  `gorm:"primaryKey"`
	Source    string `gorm:"primaryKey"`
	Host      string
	Viewers   int64
	Total     bool
	ExpiresAt time.Time
}

func (viewerRow) TableName() string { return "video_viewers" }

// watchRow is a row of watch_actions.
type watchRow struct {
	ID        int64
	UUID      string `gorm:"column:uuid"`
	IRI       string `gorm:"column:iri"`
	VideoID   int64
	Local     bool
	WatchTime int64
	Sections  string
	Country   string
	Region    string
	Client    string
	Device    string
	System    string
	StartedAt time.Time
	EndedAt   time.Time
}

func (watchRow) TableName() string { return "watch_actions" }

// known is what counting needs of a video.
type known struct {
	ID      int64
	IRI     string `gorm:"column:iri"`
	Local   bool
	Privacy catalog.Privacy
	State   catalog.State
}

// public tells whether anybody may see the video; what nobody may see takes
// nothing from outside (SEC-18).
func (k *known) public() bool {
	return (k.Privacy == catalog.Public || k.Privacy == catalog.Unlisted) &&
		(k.State == catalog.Published || k.State == catalog.WaitingForLive || k.State == catalog.LiveEnded)
}

// knownBy reads videos by a column.
func knownBy[T any](tx *db.Tx, column string, values []T) ([]known, error) {
	var rows []known
	err := tx.Model(&catalog.Video{}).Select("id, iri, local, privacy, state").Where(column+" IN ?", values).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load videos: %w", err)
	}
	return rows, nil
}

// countViews adds views to the videos and to their hour, with two statements.
func countViews(tx *db.Tx, views map[int64]int64, local map[int64]bool, now time.Time) error {
	if len(views) == 0 {
		return nil
	}
	own := map[int64]int64{}
	rows := make([]hourRow, 0, len(views))
	for id, n := range views {
		r := hourRow{VideoID: id, Hour: now.UTC().Truncate(time.Hour), Views: n}
		if local[id] {
			own[id] = n
		} else {
			r.Told = n // there is nobody to tell
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b hourRow) int { return cmp.Compare(a.VideoID, b.VideoID) }) // one order of locks
	if err := catalog.AddViews(tx, own); err != nil {
		return err
	}
	err := tx.Exec("INSERT INTO video_views (video_id, hour, views, told) VALUES "+values(len(rows), "(?, ?, ?, ?)")+
		` ON CONFLICT (video_id, hour) DO UPDATE SET views = video_views.views + excluded.views, told = video_views.told + excluded.told`,
		flat(rows, func(r hourRow) []any { return []any{r.VideoID, r.Hour, r.Views, r.Told} })...).Error
	if err != nil {
		return fmt.Errorf("count views of the hour: %w", err)
	}
	return nil
}

// setViewers writes what sources say of viewers, with one statement.
func setViewers(tx *db.Tx, rows []viewerRow) error {
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b viewerRow) int {
		return cmp.Or(cmp.Compare(a.VideoID, b.VideoID), cmp.Compare(a.Source, b.Source))
	})
	err := tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "video_id"}, {Name: "source"}},
		DoUpdates: clause.AssignmentColumns([]string{"host", "viewers", "total", "expires_at"}),
	}).Create(&rows).Error
	if err != nil {
		return fmt.Errorf("write viewers: %w", err)
	}
	return nil
}

func values(n int, one string) string {
	out := make([]byte, 0, n*(len(one)+1))
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, one...)
	}
	return string(out)
}

func flat[T any](rows []T, of func(T) []any) (out []any) {
	for _, r := range rows {
		out = append(out, of(r)...)
	}
	return out
}

// writeViewers tells other processes who watches here.
func (s *Service) writeViewers(ctx context.Context, playing map[int64]int64, now time.Time) error {
	if len(playing) == 0 {
		return nil
	}
	rows := make([]viewerRow, 0, len(playing))
	for id, n := range playing {
		rows = append(rows, viewerRow{VideoID: id, Source: s.process, Viewers: n, ExpiresAt: now.UTC().Add(4 * tick)})
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		alive, err := s.alive(tx, playing)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r viewerRow) bool { return alive[r.VideoID] == nil })
		return setViewers(tx, rows)
	})
}

// alive reads those videos that were not deleted meanwhile.
func (s *Service) alive(tx *db.Tx, ids map[int64]int64) (map[int64]*known, error) {
	list := make([]int64, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	rows, err := knownBy(tx, "id", list)
	out := make(map[int64]*known, len(rows))
	for i := range rows {
		out[rows[i].ID] = &rows[i]
	}
	return out, err
}

// writeWatched keeps what players that stopped have watched, and tells the
// origin of a remote video.
func (s *Service) writeWatched(ctx context.Context, stopped []*player) error {
	ids := map[int64]int64{}
	for _, pl := range stopped {
		if math.Round(pl.watched()) > 0 {
			ids[pl.videoID]++
		}
	}
	if len(ids) == 0 {
		return nil
	}
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		videos, err := s.alive(tx, ids)
		if err != nil {
			return err
		}
		var rows []watchRow
		for _, pl := range stopped {
			if v := videos[pl.videoID]; v != nil && math.Round(pl.watched()) > 0 {
				rows = append(rows, s.watchedBy(pl))
			}
		}
		if len(rows) == 0 {
			return nil
		}
		if err := tx.CreateInBatches(&rows, 500).Error; err != nil {
			return fmt.Errorf("write what was watched: %w", err)
		}
		for i := range rows {
			if v := videos[rows[i].VideoID]; !v.Local {
				if err := s.sendWatched(tx, instance, v, &rows[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// watchedBy makes the row of a player.
func (s *Service) watchedBy(pl *player) watchRow {
	id := uuid.NewString()
	sections := make([][2]int64, 0, len(pl.sections))
	for _, sec := range pl.sections {
		if a, b := int64(sec.Start), int64(math.Round(sec.End)); b > a {
			sections = append(sections, [2]int64{a, b})
		}
	}
	text, err := json.Marshal(sections)
	if err != nil {
		panic(err) // pairs of numbers
	}
	return watchRow{
		UUID: id, IRI: s.o.Catalog.URLs().Origin + watchPath + id, VideoID: pl.videoID, Local: true,
		WatchTime: int64(math.Round(pl.watched())), Sections: string(text), StartedAt: utc(pl.first), EndedAt: utc(pl.last),
		Client: pl.agent.Client, Device: pl.agent.Device, System: pl.agent.System,
	}
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// others is what other sources say of viewers, as read last.
type others struct {
	mu     sync.Mutex
	totals map[int64]int64 // by origins
	sums   map[int64]int64
}

// read asks the database for all that is still true.
func (o *others) read(ctx context.Context, d *db.DB, own string) error {
	var rows []viewerRow
	err := d.Read(ctx).Model(&viewerRow{}).Select("video_id, total, SUM(viewers) AS viewers").
		Where("expires_at > ? AND source <> ?", db.Now(), own).Group("video_id, total").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("read viewers: %w", err)
	}
	totals, sums := map[int64]int64{}, map[int64]int64{}
	for _, r := range rows {
		if r.Total {
			totals[r.VideoID] = r.Viewers
		} else {
			sums[r.VideoID] = r.Viewers
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.totals, o.sums = totals, sums
	return nil
}

func (o *others) of(videoID int64) (total int64, known bool, sum int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	total, known = o.totals[videoID]
	return total, known, o.sums[videoID]
}
