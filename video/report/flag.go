package report

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// maxObjects bounds what one Flag is about.
const maxObjects = 20

// wireTag is a reason.
type wireTag struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// wireFlag is a Flag (PT federation 4). PeerTube takes one object, by its URL.
type wireFlag struct {
	To        []string  `json:"to"`
	Cc        []string  `json:"cc"`
	ID        string    `json:"id"`
	Actor     string    `json:"actor"`
	Type      string    `json:"type"`
	Content   string    `json:"content"`
	MediaType string    `json:"mediaType"`
	Object    string    `json:"object"`
	Tag       []wireTag `json:"tag"`
	StartAt   *int      `json:"startAt,omitempty"`
	EndAt     *int      `json:"endAt,omitempty"`
}

// publish tells the server of the flagged account (PT federation 3).
func (s *Service) publish(tx *db.Tx, r *Report, reporter, flagged *actor.Actor) error {
	w := wireFlag{
		To: []string{flagged.IRI}, Cc: []string{}, ID: r.IRI, Actor: reporter.IRI, Type: "Flag", Content: r.Reason,
		MediaType: "text/markdown", Object: r.Object, Tag: []wireTag{}, StartAt: r.StartAt, EndAt: r.EndAt,
	}
	for _, name := range r.predefined() {
		w.Tag = append(w.Tag, wireTag{"Hashtag", name})
	}
	doc, err := vocab.Build(vocab.Flag, w)
	if err != nil {
		return err
	}
	return s.o.Engine.Outbox.Publish(tx, reporter, doc, activitypub.Delivery{Inboxes: []string{flagged.SharedOrOwnInbox()}})
}

// address finds the addresses in a text: Misskey names the notes there.
var address = regexp.MustCompile(`https?://[^\s<>"')\]]+`)

// onFlag files what others report of ours. Mastodon and GoToSocial name the
// account first and then what it wrote; a report about the account alone is
// filed only when nothing else is named.
func (s *Service) onFlag(ctx context.Context, act *activitypub.Activity) error {
	doc, err := vocab.Parse(act.Raw)
	if err != nil {
		return activitypub.Drop(err)
	}
	content := doc.String("content")
	names := doc.IRIs("object")
	for _, u := range address.FindAllString(content, maxObjects) {
		if s.o.Engine.Actors.IsLocal(u) {
			names = append(names, strings.TrimRight(u, ".,;:!?"))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxObjects {
		names = names[:maxObjects]
	}
	var things, accounts []*Report
	for _, name := range names {
		r, err := s.ours(ctx, doc, name)
		switch {
		case err != nil:
			return err
		case r == nil:
		case r.Type == Account:
			accounts = append(accounts, r)
		default:
			things = append(things, r)
		}
	}
	if len(things) == 0 {
		things = accounts
	}
	if len(things) == 0 {
		return activitypub.Drop(fmt.Errorf("%w: %s is about nothing of ours", vocab.ErrInvalid, act.ID))
	}
	for _, r := range things {
		r.IRI, r.ReporterID, r.Reason, r.Predefined = act.ID, &act.Actor.ID, cut(content), numbersOf(tags(doc))
		r.State, r.CreatedAt, r.UpdatedAt = Pending, db.Now(), db.Now()
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		for _, r := range things {
			r.ID = 0
			res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(r)
			if res.Error != nil {
				return fmt.Errorf("file report: %w", res.Error)
			}
			if res.RowsAffected == 0 {
				continue
			}
			if err := s.filed(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func tags(doc vocab.Object) (out []string) {
	for _, t := range doc.Objects("tag") {
		out = append(out, t.String("name"))
	}
	return out
}

// cut shortens what others wrote. Mastodon's may be empty.
func cut(s string) string {
	if runes := []rune(strings.ToValidUTF8(s, "")); len(runes) > maxText {
		return string(runes[:maxText])
	}
	return strings.ToValidUTF8(s, "")
}

// ours finds something of ours by its id or page; nil when it is not ours, or
// nothing that the public may see (SEC-18).
func (s *Service) ours(ctx context.Context, doc vocab.Object, name string) (*Report, error) {
	v, err := s.o.Catalog.ByIRI(ctx, name)
	if errors.Is(err, catalog.ErrNotFound) && s.o.Engine.Actors.IsLocal(name) {
		v, err = s.o.Catalog.Lookup(ctx, nil, name)
	}
	switch {
	case err == nil && (!v.Local || !s.o.Catalog.CanSee(ctx, nil, v)):
		return nil, nil
	case err == nil:
		return ofVideo(v, seconds(doc, "startAt"), seconds(doc, "endAt")), nil
	case !errors.Is(err, catalog.ErrNotFound):
		return nil, err
	}
	c, err := s.comment(ctx, "iri = ? OR (url <> '' AND url = ?)", name, name)
	if err != nil {
		return nil, err
	}
	if c != nil {
		return s.ourComment(ctx, c)
	}
	a, err := s.o.Engine.Actors.ByIRI(ctx, name)
	if errors.Is(err, actor.ErrNotFound) {
		return nil, nil
	}
	if err != nil || !a.Local() || a.GoneAt != nil {
		return nil, err
	}
	if a.Type == actor.Group { // a channel: its owner answers for it
		a, err = s.o.Engine.Actors.ByIRI(ctx, a.AttributedTo)
		if err != nil {
			return nil, fmt.Errorf("owner of %s: %w", name, err)
		}
	}
	if a.Type != actor.Person {
		return nil, nil
	}
	return &Report{Type: Account, Object: a.IRI, FlaggedID: &a.ID}, nil
}

// ourComment is a report of a comment by one of us, or below one of our videos.
func (s *Service) ourComment(ctx context.Context, c *comment) (*Report, error) {
	v, err := s.o.Catalog.ByID(ctx, c.VideoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil || c.DeletedAt != nil || c.Held || !c.Local && !v.Local || !s.o.Catalog.CanSee(ctx, nil, v) {
		return nil, err
	}
	return ofComment(c, v), nil
}

func seconds(doc vocab.Object, key string) *int {
	n, ok := doc.Int(key)
	if !ok || n < 0 || n > 1<<30 {
		return nil
	}
	i := int(n)
	return &i
}

// actor reads an actor, nil for none.
func (s *Service) actor(ctx context.Context, id *int64) (*actor.Actor, error) {
	if id == nil {
		return nil, nil
	}
	a, err := s.o.Engine.Actors.ByID(ctx, *id)
	if errors.Is(err, actor.ErrNotFound) {
		return nil, nil
	}
	return a, err
}
