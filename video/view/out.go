package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// watchPath is where WatchActions lie (PT federation 2).
const watchPath = "/videos/local-viewer/"

// How often others hear who watches, and for how long that holds.
const (
	viewersEvery = time.Minute
	viewersHold  = 150 * time.Second
	hoursKept    = 30 * 24 * time.Hour // of remote videos
)

// TellViewsArgs tells other servers of the new views of our videos.
type TellViewsArgs struct{}

// Kind implements jobs.Args.
func (TellViewsArgs) Kind() string { return "video.tell-views" }

// TellViewersArgs tells other servers who watches now.
type TellViewersArgs struct{}

// Kind implements jobs.Args.
func (TellViewersArgs) Kind() string { return "video.tell-viewers" }

// wireView is a View (PT federation 4).
type wireView struct {
	To      []string     `json:"to"`
	Cc      []string     `json:"cc"`
	ID      string       `json:"id"`
	Type    string       `json:"type"`
	Actor   string       `json:"actor"`
	Object  string       `json:"object"`
	Expires string       `json:"expires,omitempty"`
	Result  *wireCounter `json:"result,omitempty"`
}

type wireCounter struct {
	InteractionType string `json:"interactionType"`
	Type            string `json:"type"`
	Count           int64  `json:"userInteractionCount"`
}

func counter(n int64) *wireCounter {
	return &wireCounter{InteractionType: "WatchAction", Type: "InteractionCounter", Count: n}
}

// commitViews writes views of our viewers, each video with its number, and has
// the origins of remote videos told of each: PeerTube counts one an activity.
func (s *Service) commitViews(ctx context.Context, views map[int64]int64) error {
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		videos, err := s.alive(tx, views)
		if err != nil {
			return err
		}
		counted, local := map[int64]int64{}, map[int64]bool{}
		for id, v := range videos {
			counted[id], local[id] = views[id], v.Local
			if v.Local {
				continue
			}
			for range views[id] {
				err := s.toOrigin(tx, instance, v, wireView{ID: s.viewID(instance, v, uuid.NewString())})
				if err != nil {
					return err
				}
			}
		}
		return countViews(tx, counted, local, s.o.Now())
	})
}

func (s *Service) viewID(instance *actor.Actor, v *known, name string) string {
	return instance.IRI + "/views/videos/" + strconv.FormatInt(v.ID, 10) + "/" + name
}

// owner reads the account of a video: its id for the address, its inbox for the
// way there.
func owner(tx *db.Tx, videoID int64) (*actor.Actor, error) {
	var a actor.Actor
	err := tx.Raw(`SELECT a.* FROM actors a JOIN accounts ac ON ac.actor_id = a.id JOIN channels ch ON ch.account_id = ac.id
		JOIN videos v ON v.channel_id = ch.id WHERE v.id = ?`, videoID).Scan(&a).Error
	if err == nil && a.ID == 0 {
		err = fmt.Errorf("owner of video %d: %w", videoID, catalog.ErrNotFound)
	}
	return &a, err
}

// toOrigin sends a View of a remote video to where it is from (PT federation 3).
func (s *Service) toOrigin(tx *db.Tx, instance *actor.Actor, v *known, w wireView) error {
	account, err := owner(tx, v.ID)
	if err != nil {
		return err
	}
	w.To, w.Cc = []string{account.IRI}, []string{}
	return s.publish(tx, instance, v, w, activitypub.Delivery{Inboxes: []string{account.SharedOrOwnInbox()}})
}

// toFollowers sends a View of a video of ours to the followers of all involved.
func (s *Service) toFollowers(tx *db.Tx, instance *actor.Actor, v *known, w wireView) error {
	ids, err := catalog.Involved(tx.DB, v.ID)
	if err != nil || len(ids) == 0 {
		return err
	}
	w.To, w.Cc = []string{vocab.Public}, []string{}
	if err := tx.Model(&actor.Actor{}).Where("id IN ? AND followers <> ''", ids).Order("id").Pluck("followers", &w.Cc).Error; err != nil {
		return fmt.Errorf("audience: %w", err)
	}
	return s.publish(tx, instance, v, w, activitypub.Delivery{FollowersOf: ids})
}

// publish sends a View. One about who watches takes the place of an earlier one
// that still waits.
func (s *Service) publish(tx *db.Tx, instance *actor.Actor, v *known, w wireView, d activitypub.Delivery) error {
	w.Type, w.Actor, w.Object = "View", instance.IRI, v.IRI
	doc, err := vocab.Build(vocab.View, w)
	if err != nil {
		return err
	}
	if w.Expires != "" {
		d.Coalesce = "viewers " + v.IRI
	}
	return s.o.Engine.Outbox.Publish(tx, instance, doc, d)
}

// tellViews tells others of new views of our videos: one View and one Update a
// video and interval, however many they are. It also forgets old hours.
func (s *Service) tellViews(ctx context.Context, _ TellViewsArgs) error {
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	var ids []int64
	err = s.db.Read(ctx).Raw(`SELECT DISTINCT video_id FROM video_views WHERE views > told ORDER BY video_id`).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("new views: %w", err)
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, s.db.Tx(ctx, func(tx *db.Tx) error { return s.tell(tx, instance, id) }))
	}
	errs = append(errs, s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec("DELETE FROM video_views WHERE hour < ? AND video_id IN (SELECT id FROM videos WHERE NOT local)", db.Now().Add(-hoursKept)).Error
	}))
	return errors.Join(errs...)
}

func (s *Service) tell(tx *db.Tx, instance *actor.Actor, videoID int64) error {
	v, err := catalog.Lock(tx, videoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var n int64
	err = tx.Raw("SELECT COALESCE(SUM(views - told), 0) FROM video_views WHERE video_id = ?", videoID).Scan(&n).Error
	if err == nil {
		err = tx.Exec("UPDATE video_views SET told = views WHERE video_id = ? AND views > told", videoID).Error
	}
	if err != nil {
		return fmt.Errorf("new views of %d: %w", videoID, err)
	}
	if n <= 0 || !v.Federates() {
		return nil
	}
	k := &known{ID: v.ID, IRI: v.IRI, Local: true}
	if err := s.toFollowers(tx, instance, k, wireView{ID: s.viewID(instance, k, uuid.NewString()), Result: counter(n)}); err != nil {
		return err
	}
	return s.o.Changed(tx, videoID)
}

// tellViewers tells others how many watch now: the followers about our videos,
// with what they told us, and the origins about theirs.
func (s *Service) tellViewers(ctx context.Context, _ TellViewersArgs) error {
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	now := db.Now()
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Where("expires_at <= ?", now).Delete(&viewerRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("forget viewers: %w", err)
	}
	var rows []struct {
		ID          int64
		IRI         string `gorm:"column:iri"`
		Local       bool
		Privacy     catalog.Privacy
		State       catalog.State
		FederatedAt *time.Time
		Viewers     int64
	}
	err = s.db.Read(ctx).Raw(`SELECT v.id, v.iri, v.local, v.privacy, v.state, v.federated_at, SUM(w.viewers) AS viewers
		FROM video_viewers w JOIN videos v ON v.id = w.video_id
		WHERE w.expires_at > ? AND (v.local OR w.host = '') GROUP BY v.id ORDER BY v.id`, now).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("who watches: %w", err)
	}
	var errs []error
	for _, r := range rows {
		v := &known{ID: r.ID, IRI: r.IRI, Local: r.Local, Privacy: r.Privacy, State: r.State}
		w := wireView{
			ID: s.viewID(instance, v, "viewers"), Expires: vocab.Time(now.Add(viewersHold)), Result: counter(r.Viewers),
		}
		send := s.toOrigin
		if r.Local {
			if r.FederatedAt == nil || !v.public() {
				continue
			}
			send = s.toFollowers
		}
		errs = append(errs, s.db.Tx(ctx, func(tx *db.Tx) error {
			err := send(tx, instance, v, w)
			if errors.Is(err, catalog.ErrNotFound) {
				return nil
			}
			return err
		}))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// What has long expired is worth neither a delivery nor a receipt.
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec("DELETE FROM outbox WHERE type = 'View' AND created_at < ? AND iri LIKE ?"+` ESCAPE '\'`,
			now.Add(-2*viewersHold), db.Like(instance.IRI)+"/views/videos/%/viewers").Error
		if err != nil {
			return fmt.Errorf("forget what was told of viewers: %w", err)
		}
		return nil
	})
}

// wireSection is a part of what was watched.
type wireSection struct {
	Start int64 `json:"startTimestamp"`
	End   int64 `json:"endTimestamp"`
}

// wireWatchAction is a WatchAction (PT federation 4).
type wireWatchAction struct {
	To       []string      `json:"to"`
	Cc       []string      `json:"cc"`
	ID       string        `json:"id"`
	Type     string        `json:"type"`
	Duration string        `json:"duration"`
	Start    string        `json:"startTime"`
	End      string        `json:"endTime"`
	Object   string        `json:"object"`
	UUID     string        `json:"uuid"`
	Status   string        `json:"actionStatus"`
	Sections []wireSection `json:"watchSections"`
}

func wireWatch(r *watchRow, video string, to []string) (wireWatchAction, error) {
	var pairs [][2]int64
	if err := json.Unmarshal([]byte(r.Sections), &pairs); err != nil {
		return wireWatchAction{}, fmt.Errorf("sections of %s: %w", r.IRI, err)
	}
	w := wireWatchAction{
		To: to, Cc: []string{}, ID: r.IRI, Type: "WatchAction", Duration: "PT" + strconv.FormatInt(r.WatchTime, 10) + "S",
		Start: vocab.Time(r.StartedAt), End: vocab.Time(r.EndedAt), Object: video, UUID: r.UUID, Status: "CompletedActionStatus",
		Sections: []wireSection{},
	}
	for _, p := range pairs {
		w.Sections = append(w.Sections, wireSection{p[0], p[1]})
	}
	return w, nil
}

// sendWatched tells the origin of a video what a viewer here has watched.
func (s *Service) sendWatched(tx *db.Tx, instance *actor.Actor, v *known, r *watchRow) error {
	account, err := owner(tx, v.ID)
	if err != nil {
		return err
	}
	w, err := wireWatch(r, v.IRI, []string{account.IRI})
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.WatchAction, struct {
		To     []string        `json:"to"`
		Cc     []string        `json:"cc"`
		Type   string          `json:"type"`
		ID     string          `json:"id"`
		Actor  string          `json:"actor"`
		Object wireWatchAction `json:"object"`
	}{w.To, w.Cc, "Create", w.ID + "/activity", instance.IRI, w})
	if err != nil {
		return err
	}
	return s.o.Engine.Outbox.Publish(tx, instance, doc, activitypub.Delivery{Inboxes: []string{account.SharedOrOwnInbox()}})
}

// localWatchAction answers for what was watched here of remote videos.
func (s *Service) localWatchAction(ctx context.Context, path string) (any, error) {
	id, ok := strings.CutPrefix(path, watchPath)
	if !ok {
		return nil, nil
	}
	var rows []watchRow
	err := s.db.Read(ctx).Where("uuid = ? AND local", id).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load what was watched: %w", err)
	}
	var of []struct{ Video, Owner string }
	if len(rows) > 0 {
		err = s.db.Read(ctx).Raw(`SELECT v.iri AS video, a.iri AS owner FROM videos v JOIN channels ch ON ch.id = v.channel_id
			JOIN accounts ac ON ac.id = ch.account_id JOIN actors a ON a.id = ac.actor_id
			WHERE v.id = ? AND NOT v.local`, rows[0].VideoID).Scan(&of).Error
	}
	if err != nil {
		return nil, fmt.Errorf("load what was watched: %w", err)
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	}
	w, err := wireWatch(&rows[0], of[0].Video, []string{of[0].Owner})
	if err != nil {
		return nil, err
	}
	return vocab.Build(vocab.WatchAction, w)
}
