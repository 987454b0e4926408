package view

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Limits of what others tell.
const (
	maxViewerLife = 15 * time.Minute // that a viewer is believed to watch without another word
	maxTold       = 10_000_000       // viewers or views at once
	maxWatched    = 7 * 24 * 3600    // seconds of one WatchAction
	maxDocument   = 500              // sections of one WatchAction
)

// onOne takes a View or Download that did not go with the many: of a video
// that was not known here and was fetched from its origin (SEC-17).
func (s *Service) onOne(ctx context.Context, act *activitypub.Activity) error {
	_, err := s.o.Catalog.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, catalog.ErrNotFound) {
		if act.Object.Raw() == nil {
			return nil
		}
		err = s.o.Engine.Ingest(ctx, act.Object)
	}
	if err != nil {
		return err
	}
	do := s.onViews
	if act.Type == "Download" {
		do = s.onDownloads
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := do(tx, []*activitypub.Activity{act})
		return err
	})
}

// named finds the videos of activities. rest are those whose video is not here.
func named(tx *db.Tx, acts []*activitypub.Activity) (videos map[string]*known, rest []*activitypub.Activity, err error) {
	var iris []string
	videos = map[string]*known{}
	for _, act := range acts {
		if _, seen := videos[act.Object.ID()]; !seen {
			videos[act.Object.ID()] = nil
			iris = append(iris, act.Object.ID())
		}
	}
	rows, err := knownBy(tx, "iri", iris)
	for i := range rows {
		videos[rows[i].IRI] = &rows[i]
	}
	for _, act := range acts {
		if videos[act.Object.ID()] == nil {
			rest = append(rest, act)
		}
	}
	return videos, rest, err
}

// onViews takes Views (PT federation 4 View): one with a time when it expires
// says that somebody watches, any other one that somebody has watched.
func (s *Service) onViews(tx *db.Tx, acts []*activitypub.Activity) ([]*activitypub.Activity, error) {
	videos, rest, err := named(tx, acts)
	if err != nil {
		return nil, err
	}
	t := tally{now: s.o.Now(), seen: &s.remote, views: map[int64]int64{}, local: map[int64]bool{}, viewers: map[viewerKey]viewerRow{}}
	for _, act := range acts {
		if v := videos[act.Object.ID()]; v != nil && v.public() {
			t.add(act, v)
		}
	}
	if err := countViews(tx, t.views, t.local, t.now); err != nil {
		return nil, err
	}
	rows := make([]viewerRow, 0, len(t.viewers))
	for _, r := range t.viewers {
		rows = append(rows, r)
	}
	tx.AfterCommit(func() {
		for key := range t.fresh {
			t.seen.note(key, t.now)
		}
	})
	return rest, setViewers(tx, rows)
}

// tally sums up many Views.
type tally struct {
	now     time.Time
	seen    *lives
	fresh   map[[16]byte]struct{}
	views   map[int64]int64
	local   map[int64]bool
	viewers map[viewerKey]viewerRow
}

type viewerKey struct {
	videoID int64
	source  string
}

func (t *tally) add(act *activitypub.Activity, v *known) {
	var doc struct {
		Expires *time.Time `json:"expires"`
		Result  struct {
			Count json.Number `json:"userInteractionCount"`
		} `json:"result"`
	}
	if json.Unmarshal(act.Raw, &doc) != nil {
		return
	}
	n, total := int64(1), false
	if c, err := doc.Result.Count.Int64(); err == nil && !v.Local && act.Actor.OnHost(v.IRI) { // SEC-17
		n, total = min(max(c, 0), maxTold), true
	}
	t.local[v.ID] = v.Local
	if doc.Expires == nil {
		key := t.seen.hash(v.ID, act.Actor.Host+" "+act.ID)
		if _, twice := t.fresh[key]; twice || t.seen.has(key, t.now) {
			return
		}
		if t.fresh == nil {
			t.fresh = map[[16]byte]struct{}{}
		}
		t.fresh[key] = struct{}{}
		t.views[v.ID] += n
		return
	}
	if !doc.Expires.After(t.now) {
		return
	}
	sum := sha256.Sum256([]byte(act.Actor.Host + " " + act.ID))
	row := viewerRow{
		VideoID: v.ID, Source: hex.EncodeToString(sum[:16]), Host: act.Actor.Host, Viewers: n, Total: total, ExpiresAt: utc(*doc.Expires),
	}
	if total {
		row.Source = "origin"
	}
	if latest := utc(t.now.Add(maxViewerLife)); row.ExpiresAt.After(latest) {
		row.ExpiresAt = latest
	}
	t.viewers[viewerKey{v.ID, row.Source}] = row
}

// onDownloads counts Downloads (PT federation 4, 7.x) of our videos.
func (s *Service) onDownloads(tx *db.Tx, acts []*activitypub.Activity) ([]*activitypub.Activity, error) {
	videos, rest, err := named(tx, acts)
	if err != nil {
		return nil, err
	}
	n := map[int64]int64{}
	for _, act := range acts {
		if v := videos[act.Object.ID()]; v != nil && v.Local && v.public() {
			n[v.ID]++
		}
	}
	return rest, catalog.AddDownloads(tx, n)
}

// wholeSeconds is how PeerTube writes a duration.
var wholeSeconds = regexp.MustCompile(`^PT(\d{1,9})S$`)

// onWatchAction keeps what a viewer of another server has watched of one of our
// videos (PT federation 4 WatchAction).
func (s *Service) onWatchAction(ctx context.Context, act *activitypub.Activity) error {
	row, err := parseWatchAction(act.Object)
	if err != nil {
		return activitypub.Drop(err)
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		videos, err := knownBy(tx, "iri", []string{act.Object.IRI("object")})
		if err != nil || len(videos) == 0 || !videos[0].Local || !videos[0].public() {
			return err
		}
		row.VideoID = videos[0].ID
		err = tx.Exec(`INSERT INTO watch_actions (uuid, iri, video_id, local, watch_time, sections, country, region, started_at, ended_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (iri) DO NOTHING`,
			row.UUID, row.IRI, row.VideoID, false, row.WatchTime, row.Sections, row.Country, row.Region, row.StartedAt, row.EndedAt).Error
		if err != nil {
			return fmt.Errorf("keep %s: %w", row.IRI, err)
		}
		return nil
	})
}

// parseWatchAction reads the document with PeerTube's rules.
func parseWatchAction(o vocab.Object) (*watchRow, error) {
	invalid := func(what string) error { return fmt.Errorf("%w: WatchAction %s: %s", vocab.ErrInvalid, o.ID(), what) }
	row := &watchRow{IRI: o.ID()}
	id, err := uuid.Parse(o.String("uuid"))
	if err != nil {
		return nil, invalid("uuid")
	}
	row.UUID = id.String()
	var ok, ok2 bool
	d := wholeSeconds.FindStringSubmatch(o.String("duration"))
	if d == nil {
		return nil, invalid("duration")
	}
	row.WatchTime, _ = strconv.ParseInt(d[1], 10, 64) // up to nine digits
	row.StartedAt, ok = o.Time("startTime")
	row.EndedAt, ok2 = o.Time("endTime")
	switch {
	case row.WatchTime > maxWatched:
		return nil, invalid("duration")
	case !ok || !ok2 || row.EndedAt.Before(row.StartedAt):
		return nil, invalid("times")
	case o.String("actionStatus") != "CompletedActionStatus":
		return nil, invalid("actionStatus")
	}
	if place, ok := o.Object("location"); ok {
		row.Country, row.Region = short(place.String("addressCountry")), short(place.String("addressRegion"))
	}
	parts := o.Objects("watchSections")
	if len(parts) > maxDocument {
		return nil, invalid("watchSections")
	}
	sections := make([][2]int64, 0, len(parts))
	for _, part := range parts {
		from, ok := part.Int("startTimestamp")
		to, ok2 := part.Int("endTimestamp")
		if !ok || !ok2 || from < 0 || to < from {
			return nil, invalid("watchSections")
		}
		sections = append(sections, [2]int64{from, to})
	}
	text, err := json.Marshal(sections)
	row.Sections = string(text)
	return row, err
}

// short refuses what is no name of a place.
func short(s string) string {
	if len(s) > 100 {
		return ""
	}
	return s
}
