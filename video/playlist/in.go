package playlist

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// maxRemote bounds the elements that are taken of a remote playlist: each costs
// a request or two.
const maxRemote = 200

// incoming is a document that passed all checks which need no network.
type incoming struct {
	Playlist
	channel string // its IRI, on the host of the playlist
}

func reject(format string, args ...any) error {
	return fmt.Errorf("%w: playlist "+format, append([]any{vocab.ErrInvalid}, args...)...)
}

// parse reads a Playlist document as PeerTube does (PT federation 4).
func parse(o vocab.Object) (*incoming, error) {
	p := &incoming{Playlist: Playlist{IRI: o.ID(), Name: input.Line(o.String("name")), Type: Regular, Privacy: catalog.Unlisted}}
	id, err := uuid.Parse(o.String("uuid"))
	total, okTotal := o.Int("totalItems")
	length := utf8.RuneCountInString(o.String("name"))
	switch {
	case !o.Is("Playlist") || p.IRI == "":
		return nil, reject("of type %q, id %q", o.Type(), p.IRI)
	case err != nil || len(o.String("uuid")) != 36:
		return nil, reject("with uuid %.40q", o.String("uuid"))
	case length < 1 || length > maxName || p.Name == "":
		return nil, reject("with a name of %d characters", length)
	case !okTotal || total < 0:
		return nil, reject("with totalItems %.40s", o.Field("totalItems"))
	}
	p.UUID = id.String()
	var ok bool
	if p.CreatedAt, ok = o.Time("published"); !ok {
		return nil, reject("with published %.40s", o.Field("published"))
	}
	if p.UpdatedAt, ok = o.Time("updated"); !ok {
		return nil, reject("with updated %.40s", o.Field("updated"))
	}
	if p.channel = o.IRI("audience"); p.channel == "" {
		p.channel = o.IRI("attributedTo")
	}
	if !iri.SameHost(p.IRI, p.channel) { // SEC-12, SEC-16
		return nil, reject("of %q", p.channel)
	}
	if o.IsPublic() {
		p.Privacy = catalog.Public
	}
	content := o.String("content")
	if o.String("mediaType") == "text/html" {
		content = html.UnescapeString(markup.Plain(content))
	}
	p.Description = markup.Clip(input.Text(content), maxDescription)
	if n, ok := o.Int("videoChannelPosition"); ok && n > 0 && n < 1<<31 {
		p.Position = int(n)
	}
	return p, nil
}

// onDocument takes Create and Update. The playlist must be the signer's: the
// channel that it names, and the one stored, belong to the signer (SEC-14,
// SEC-16).
func (s *Service) onDocument(ctx context.Context, act *activitypub.Activity) error {
	if !act.Actor.OnHost(act.Object.ID()) {
		return activitypub.Drop(fmt.Errorf("%w: %s sends %s", vocab.ErrInvalid, act.Actor.IRI, act.Object.ID()))
	}
	return s.store(ctx, act.Object, act.Actor)
}

// Ingest stores a document that came from its origin.
func (s *Service) Ingest(ctx context.Context, o vocab.Object) error { return s.store(ctx, o, nil) }

// store stores a document; by is who sent it, nil for its origin.
func (s *Service) store(ctx context.Context, o vocab.Object, by *actor.Actor) error {
	if s.engine.Actors.IsLocal(o.ID()) { // SEC-13
		return activitypub.Drop(fmt.Errorf("%w: %s is ours", vocab.ErrInvalid, o.ID()))
	}
	in, err := parse(o)
	if err != nil {
		return activitypub.Drop(err)
	}
	ch, err := s.channels.ResolveRemote(ctx, in.channel)
	if errors.Is(err, channel.ErrNotChannel) || errors.Is(err, channel.ErrForeign) {
		return activitypub.Drop(fmt.Errorf("channel of %s: %w", in.IRI, err))
	}
	if err != nil {
		return fmt.Errorf("channel of %s: %w", in.IRI, err)
	}
	if by != nil && by.Type != actor.Application && by.ID != ch.ActorID && by.ID != ch.Account.ActorID {
		return activitypub.Drop(fmt.Errorf("%w: %s puts %s into %s", vocab.ErrInvalid, by.IRI, in.IRI, in.channel))
	}
	in.AccountID, in.ChannelID = ch.AccountID, &ch.ID
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.save(tx, &in.Playlist) })
}

// save writes a remote playlist and has its elements read. A document older than
// the stored one changes nothing.
func (s *Service) save(tx *db.Tx, p *Playlist) error {
	now := db.Now()
	p.FetchedAt = &now
	if err := p.learn(tx); err != nil {
		return err
	}
	old, err := get(tx.DB, "iri = ? OR uuid = ?", p.IRI, p.UUID)
	switch {
	case errors.Is(err, ErrNotFound):
		if err := tx.Create(p).Error; err != nil {
			return fmt.Errorf("save playlist: %w", err)
		}
	case err != nil:
		return err
	case old.IRI != p.IRI || old.Local || old.AccountID != p.AccountID:
		return activitypub.Drop(fmt.Errorf("%w: playlist %s belongs to another account", vocab.ErrInvalid, p.IRI))
	case p.UpdatedAt.Before(old.UpdatedAt):
		return nil
	default:
		p.ID, p.CreatedAt = old.ID, old.CreatedAt
		if err := tx.Model(p).Where("id = ?", p.ID).Select("*").UpdateColumns(p).Error; err != nil {
			return fmt.Errorf("save playlist: %w", err)
		}
	}
	return jobs.Insert(tx, ElementsArgs{PlaylistID: p.ID}, jobs.Unique(strconv.FormatInt(p.ID, 10)))
}

// onDelete drops a remote playlist for its owner and for its server (SEC-14).
func (s *Service) onDelete(ctx context.Context, act *activitypub.Activity) error {
	p, err := s.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	owns := act.Actor.Type == actor.Application
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		account, ch, err := owners(tx, p)
		owns = owns || act.Actor.ID == account || act.Actor.ID == ch
		return err
	})
	if err != nil {
		return err
	}
	if p.Local || !owns || !act.Actor.OnHost(p.IRI) {
		return activitypub.Drop(fmt.Errorf("%w: %s deletes %s", vocab.ErrInvalid, act.Actor.IRI, p.IRI))
	}
	return s.remove(ctx, p.IRI)
}

func (s *Service) has(ctx context.Context, iri string) (bool, error) {
	_, err := s.ByIRI(ctx, iri)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// remove drops a remote playlist that is gone at its origin.
func (s *Service) remove(ctx context.Context, iri string) error {
	p, err := s.ByIRI(ctx, iri)
	if errors.Is(err, ErrNotFound) || (err == nil && p.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return drop(tx, p) })
}

// fetchElements reads the elements of a remote playlist, one by one as PeerTube
// serves them, and the videos that are not here yet. What cannot be had is left
// out; a server that is away is asked again later.
func (s *Service) fetchElements(ctx context.Context, a ElementsArgs) error {
	p, err := get(s.db.Read(ctx), "id = ?", a.PlaylistID)
	if errors.Is(err, ErrNotFound) || (err == nil && p.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	n, most := jobs.Attempt(ctx)
	ctx = transport.WithBudget(ctx, 3*maxRemote)
	var ids []string
	err = s.engine.Collection(ctx, p.IRI, func(_ context.Context, item vocab.Object) error {
		if iri.SameHost(p.IRI, item.ID()) && len(ids) < maxRemote { // SEC-12
			ids = append(ids, item.ID())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("elements of %s: %w", p.IRI, err)
	}
	var rows []Element
	for _, id := range ids {
		e, err := s.fetchElement(ctx, id)
		switch {
		case err == nil:
			rows = append(rows, *e)
		case transport.Temporary(err) && n < most:
			return fmt.Errorf("element %s: %w", id, err)
		default:
			s.log.InfoContext(ctx, "element of a playlist not taken", "element", id, "error", err)
		}
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if _, err := lock(tx, p.ID); errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if err := tx.Where("playlist_id = ?", p.ID).Delete(&Element{}).Error; err != nil {
			return fmt.Errorf("replace elements: %w", err)
		}
		for i := range rows {
			rows[i].PlaylistID = p.ID
			if err := tx.Create(&rows[i]).Error; err != nil {
				return fmt.Errorf("save element: %w", err)
			}
		}
		return nil
	})
}

// fetchElement reads one element and makes its video known.
func (s *Service) fetchElement(ctx context.Context, id string) (*Element, error) {
	o, err := s.engine.Actors.FetchDocument(ctx, id)
	if err != nil {
		return nil, err
	}
	e, video, err := parseElement(o)
	if err != nil {
		return nil, err
	}
	v, err := s.catalog.ByIRI(ctx, video)
	if errors.Is(err, catalog.ErrNotFound) {
		if err = s.engine.FetchObject(ctx, video); err == nil {
			v, err = s.catalog.ByIRI(ctx, video)
		}
	}
	if err != nil {
		return nil, err
	}
	if v.Privacy != catalog.Public && v.Privacy != catalog.Unlisted { // SEC-18
		return nil, reject("with a video that is not there: %s", video)
	}
	e.VideoID = &v.ID
	return e, nil
}

// parseElement reads a PlaylistElement (PT federation 4).
func parseElement(o vocab.Object) (*Element, string, error) {
	position, ok := o.Int("position")
	video := o.IRI("url")
	if !o.Is("PlaylistElement") || !ok || position < 0 || position > 1<<31 || video == "" {
		return nil, "", reject("element %s, a %q at %.40s", o.ID(), o.Type(), o.Field("position"))
	}
	now := db.Now()
	e := &Element{IRI: o.ID(), Position: int(position), CreatedAt: now, UpdatedAt: now}
	for key, dst := range map[string]**int{"startTimestamp": &e.StartTimestamp, "stopTimestamp": &e.StopTimestamp} {
		if n, ok := o.Int(key); ok && n >= 0 && n < 1<<31 {
			v := int(n)
			*dst = &v
		}
	}
	return e, video, nil
}
