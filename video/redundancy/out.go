package redundancy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// copyPath is where the documents of our copies lie (PT federation 2).
const copyPath = "/redundancy/streaming-playlists/hls/"

type wireLink struct {
	Type      string `json:"type"`
	MediaType string `json:"mediaType"`
	Href      string `json:"href"`
}

// wireCopy is a CacheFile (PT federation 4).
type wireCopy struct {
	To      []string `json:"to"`
	Cc      []string `json:"cc"`
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Object  string   `json:"object"`
	Expires *string  `json:"expires"`
	URL     wireLink `json:"url"`
}

func wire(c *Copy, video, owner string) wireCopy {
	w := wireCopy{
		To: []string{owner}, Cc: []string{}, ID: c.IRI, Type: "CacheFile", Object: video,
		URL: wireLink{"Link", "application/x-mpegURL", c.URL},
	}
	if c.ExpiresAt != nil {
		at := vocab.Time(*c.ExpiresAt)
		w.Expires = &at
	}
	return w
}

func create(w wireCopy, instance string) vocab.Wire {
	return vocab.Wire{To: w.To, Cc: w.Cc, Type: "Create", ID: w.ID + "/activity", Actor: instance, Object: w}
}

// publish tells the origin of a video of our copy, or that there is none any
// more (PT federation 3).
func (s *Service) publish(tx *db.Tx, instance *actor.Actor, v *catalog.Video, c *Copy, undo bool) error {
	var owner actor.Actor
	if err := tx.Where("id = ?", v.Owner.AccountActorID).Take(&owner).Error; err != nil {
		return fmt.Errorf("owner of video %d: %w", v.ID, err)
	}
	act := create(wire(c, v.IRI, owner.IRI), instance.IRI)
	// An id is taken once, so a second copy of a video has another one.
	again := act.ID + "/" + vocab.Time(c.CreatedAt)
	asked := act.ID
	if undo {
		asked = again
	}
	sent, err := wasSent(tx, asked)
	if err != nil {
		return err
	}
	if sent {
		act.ID = again
	}
	if undo {
		act = vocab.Wire{To: act.To, Cc: act.Cc, Type: "Undo", ID: c.IRI + "/undo/" + vocab.Time(time.Now()), Actor: instance.IRI, Object: act}
	}
	doc, err := vocab.Build(vocab.CacheFile, act)
	if err != nil {
		return err
	}
	return s.o.Engine.Outbox.Publish(tx, instance, doc, activitypub.Delivery{Inboxes: []string{owner.SharedOrOwnInbox()}})
}

func wasSent(tx *db.Tx, id string) (bool, error) {
	var n int64
	if err := tx.Table("outbox").Where("iri = ?", id).Count(&n).Error; err != nil {
		return false, fmt.Errorf("look up activity: %w", err)
	}
	return n > 0, nil
}

// local answers for the documents of our copies.
func (s *Service) local(ctx context.Context, path string) (any, error) {
	name, ok := strings.CutPrefix(path, copyPath)
	if !ok {
		return nil, nil
	}
	uuid, rest, _ := strings.Cut(name, "/")
	var rows []Copy
	err := s.db.Read(ctx).Where("iri = ? AND local = ? AND state = ?", s.o.Catalog.URLs().Origin+copyPath+uuid, true, ready).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("load copy: %w", err)
	}
	if len(rows) == 0 || (rest != "" && rest != "activity") {
		return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	}
	v, err := s.o.Catalog.ByID(ctx, rows[0].VideoID)
	if err != nil {
		return nil, err
	}
	owner, err := s.o.Engine.Actors.ByID(ctx, v.Owner.AccountActorID)
	if err != nil {
		return nil, err
	}
	w := wire(&rows[0], v.IRI, owner.IRI)
	if rest == "" {
		return vocab.Build(vocab.CacheFile, w)
	}
	instance, err := s.o.Engine.Actors.Instance(ctx)
	if err != nil {
		return nil, err
	}
	return vocab.Build(vocab.CacheFile, create(w, instance.IRI))
}
