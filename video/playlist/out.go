package playlist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

type wireImage struct {
	Type      string `json:"type"`
	URL       string `json:"url"`
	MediaType string `json:"mediaType"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
}

// wirePlaylist is a Playlist, or with PartOf a page of it, with its members in
// PeerTube's order (PT federation 4).
type wirePlaylist struct {
	To           []string   `json:"to"`
	Cc           []string   `json:"cc"`
	ID           string     `json:"id"`
	Type         string     `json:"type"`
	PartOf       string     `json:"partOf,omitempty"`
	OrderedItems *[]string  `json:"orderedItems,omitempty"`
	TotalItems   int64      `json:"totalItems"`
	First        string     `json:"first,omitempty"`
	Next         string     `json:"next,omitempty"`
	Name         string     `json:"name"`
	Content      *string    `json:"content"`
	MediaType    string     `json:"mediaType"`
	UUID         string     `json:"uuid"`
	Published    string     `json:"published"`
	Updated      string     `json:"updated"`
	Position     int        `json:"videoChannelPosition,omitempty"`
	AttributedTo []string   `json:"attributedTo"`
	Audience     string     `json:"audience,omitempty"`
	Icon         *wireImage `json:"icon,omitempty"`
}

type wireElement struct {
	ID             string `json:"id"`
	Type           string `json:"type"`
	URL            string `json:"url"`
	Position       int    `json:"position"`
	StartTimestamp *int   `json:"startTimestamp,omitempty"`
	StopTimestamp  *int   `json:"stopTimestamp,omitempty"`
}

// cast are the actors of a playlist.
type cast struct{ account, channel, instance *actor.Actor }

// ids are the actors whose followers hear of it (PT federation 3).
func (c *cast) ids() []int64 {
	out := []int64{c.account.ID, c.instance.ID}
	if c.channel != nil {
		out = append(out, c.channel.ID)
	}
	return out
}

func (s *Service) cast(ctx context.Context, accountActor, channelActor int64) (*cast, error) {
	instance, err := s.engine.Actors.Instance(ctx)
	if err != nil {
		return nil, err
	}
	actors, err := s.engine.Actors.ByIDs(ctx, []int64{accountActor, channelActor})
	if err != nil {
		return nil, err
	}
	return &cast{actors[accountActor], actors[channelActor], instance}, nil
}

func (s *Service) castOf(ctx context.Context, p *Playlist) (*cast, error) {
	var account, channelActor int64
	err := s.db.Tx(ctx, func(tx *db.Tx) (err error) {
		account, channelActor, err = owners(tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.cast(ctx, account, channelActor)
}

// wire makes the document of a local playlist.
func (s *Service) wire(p *Playlist, c *cast, total int64, pic string) wirePlaylist {
	w := wirePlaylist{
		To: []string{vocab.Public}, Cc: []string{c.account.Followers}, ID: p.IRI, Type: "Playlist", TotalItems: total, Name: p.Name,
		MediaType: "text/markdown", UUID: p.UUID, Published: vocab.Time(p.CreatedAt), Updated: vocab.Time(p.UpdatedAt),
		Position: p.Position, AttributedTo: []string{},
	}
	if p.Privacy != catalog.Public {
		w.To, w.Cc = []string{}, []string{vocab.Public}
	}
	if total > 0 {
		w.First = p.IRI + "?page=1"
	}
	if p.Description != "" {
		w.Content = &p.Description
	}
	if c.channel != nil {
		w.AttributedTo, w.Audience = []string{c.channel.IRI}, c.channel.IRI
	}
	if pic != "" {
		w.Icon = &wireImage{"Image", s.urls.Origin + picturePath(pic), "image/jpeg", catalog.MiniatureWidth, catalog.MiniatureHeight}
	}
	return w
}

func (s *Service) elementIRI(p *Playlist, id int64) string {
	return p.IRI + "/videos/" + strconv.FormatInt(id, 10)
}

// document loads what the document of a playlist is made of.
func (s *Service) document(ctx context.Context, p *Playlist, c *cast) (wirePlaylist, error) {
	rows, err := s.read(ctx, []int64{p.ID}, "TRUE")
	if err != nil || len(rows) == 0 {
		return wirePlaylist{}, cmp.Or(err, ErrNotFound)
	}
	return s.wire(p, c, rows[0].length, rows[0].picture), nil
}

// federate brings what other servers know of a local playlist to what it is now.
func (s *Service) federate(ctx context.Context, a FederateArgs) error {
	if a.IRI != "" {
		return s.publishGone(ctx, a)
	}
	p, err := get(s.db.Read(ctx), "id = ?", a.PlaylistID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := s.castOf(ctx, p)
	if err != nil {
		return err
	}
	if c.account == nil || c.account.GoneAt != nil {
		return nil // its own Delete says enough
	}
	w, err := s.document(ctx, p, c)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := lock(tx, p.ID)
		if errors.Is(err, ErrNotFound) {
			return jobs.Done(ctx, tx)
		}
		if err != nil {
			return err
		}
		if !fresh.UpdatedAt.Equal(p.UpdatedAt) {
			return fmt.Errorf("playlist %d is changing", p.ID) // tried again
		}
		if err := s.publish(tx, fresh, c, w); err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
}

func (s *Service) publish(tx *db.Tx, p *Playlist, c *cast, w wirePlaylist) error {
	wanted, known := federates(p) && c.channel != nil, p.FederatedAt != nil
	switch {
	case wanted && !known:
		id, err := fresh(tx, p.IRI+"/activity")
		if err != nil {
			return err
		}
		if err := s.send(tx, c, vocab.Wire{To: w.To, Cc: w.Cc, Type: "Create", ID: id, Actor: c.account.IRI, Object: w}, ""); err != nil {
			return err
		}
		return setFederated(tx, p, db.Now())
	case wanted:
		id := p.IRI + "/updates/" + vocab.Time(db.Now())
		return s.send(tx, c, vocab.Wire{To: w.To, Cc: w.Cc, Type: "Update", ID: id, Actor: c.account.IRI, Object: w}, "Update "+p.IRI)
	case known:
		if err := s.sendDelete(tx, p.IRI, c.account, activitypub.Delivery{FollowersOf: c.ids()}); err != nil {
			return err
		}
		return setFederated(tx, p, nil)
	}
	return nil
}

func (s *Service) send(tx *db.Tx, c *cast, w vocab.Wire, coalesce string) error {
	doc, err := vocab.Build(vocab.Playlist, w)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, c.account, doc, activitypub.Delivery{FollowersOf: c.ids(), Coalesce: coalesce})
}

func (s *Service) sendDelete(tx *db.Tx, iri string, account *actor.Actor, d activitypub.Delivery) error {
	id, err := fresh(tx, iri+"/delete")
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Base, vocab.Wire{To: []string{vocab.Public}, Cc: []string{account.Followers}, Type: "Delete", ID: id, Actor: account.IRI, Object: iri})
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, account, doc, d)
}

// fresh is id, or when that was sent before another one: servers take each id
// once.
func fresh(tx *db.Tx, id string) (string, error) {
	var n int64
	if err := tx.Table("outbox").Where("iri = ?", id).Count(&n).Error; err != nil {
		return "", fmt.Errorf("look up activity: %w", err)
	}
	if n > 0 {
		id += "/" + vocab.Time(db.Now())
	}
	return id, nil
}

func setFederated(tx *db.Tx, p *Playlist, at any) error {
	if err := tx.Model(&Playlist{}).Where("id = ?", p.ID).UpdateColumn("federated_at", at).Error; err != nil {
		return fmt.Errorf("note federation: %w", err)
	}
	return nil
}

// publishGone tells that a playlist was deleted; its address answers 410.
func (s *Service) publishGone(ctx context.Context, a FederateArgs) error {
	c, err := s.cast(ctx, a.ActorID, a.Channel)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec("INSERT INTO tombstones (iri, created_at) VALUES (?, ?) ON CONFLICT (iri) DO NOTHING", a.IRI, db.Now()).Error
		if err != nil {
			return fmt.Errorf("leave tombstone: %w", err)
		}
		if c.account != nil && c.account.GoneAt == nil {
			if err := s.sendDelete(tx, a.IRI, c.account, activitypub.Delivery{FollowersOf: c.ids()}); err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}
